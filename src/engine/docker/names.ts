/** Names and labels on their way into the engine's URLs and filters: refused when they could mean something else there. Pure. */
import { FilareError } from '../../contract/errors.js';

/** A container, network or exec id or name as one path segment. Throws `usage` for anything that is not such a name. */
export function idSegment(id: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(id)) {
    throw new FilareError({
      code: 'usage',
      message: `${JSON.stringify(id)} is not the id or name of a container or network`,
    });
  }
  return id;
}

/** An image reference as path segments. Throws `image_unavailable` for anything that no image can be called. */
export function imagePath(reference: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/.test(reference) || reference.includes('..') || reference.includes('//')) {
    throw new FilareError({
      code: 'image_unavailable',
      message: `${JSON.stringify(reference)} is not the name of an image`,
      hint: 'write it as NAME, NAME:TAG or REGISTRY/NAME:TAG',
    });
  }
  return reference;
}

/** Repository and tag of a reference, `latest` when it has none; a digest stays with the repository. */
export function splitReference(reference: string): { readonly repository: string; readonly tag: string | undefined } {
  const checked = imagePath(reference);
  if (checked.includes('@')) return { repository: checked, tag: undefined };
  const colon = checked.lastIndexOf(':');
  if (colon <= checked.lastIndexOf('/')) return { repository: checked, tag: 'latest' };
  return { repository: checked.slice(0, colon), tag: checked.slice(colon + 1) };
}

/** The engine's filter for all of these labels; an empty value means any value. Throws `usage` for no label at all: that would be everything. */
export function labelFilter(labels: Readonly<Record<string, string>>): readonly string[] {
  const filter = Object.entries(labels).map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  if (filter.length === 0) {
    throw new FilareError({
      code: 'usage',
      message: 'looking for resources needs a label: others use this engine too',
    });
  }
  return filter;
}
