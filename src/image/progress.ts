/** One thing to say while an image is made. */
export interface BuildProgress {
  readonly step: 'base' | 'download' | 'build' | 'tidy';
  /** One line, without the newline. Lines of the engine and of npm are passed on as they are: escape them before a terminal. */
  readonly text: string;
}

/** Takes progress; must not throw. */
export type OnProgress = (progress: BuildProgress) => void;
