/** A workspace that is ready. `path` is real; `branch` is null without git; `head` is null without git or before the first commit. */
export interface PreparedWorkspace {
  readonly path: string;
  readonly branch: string | null;
  readonly head: string | null;
  readonly seeded: boolean;
  readonly kind: 'existing' | 'empty' | 'template' | 'clone';
}
