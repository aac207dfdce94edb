import type { Policy } from '../inbox/policy.js';
import type { LogIo } from '../ledger/log-file.js';
import type { BeforeStep } from '../transcript/compress-part.js';
import type { ChainHead } from '../transcript/line-chain.js';
import type { Masker } from '../transcript/mask.js';
import type { RotationLimits } from './rotation.js';

/** When the checksum of a transcript is recorded. */
export type SealReason = 'rotation' | 'ended' | 'let_go';

/** What is handed in to a session's memory. */
export interface MemorySurroundings {
  readonly session_id: string;
  readonly folder: string;
  /** Masks secrets in what people read; journal and Codex home stay exact. */
  readonly masker: Masker;
  /** Judges what the agent asks. */
  readonly policy: Policy;
  readonly now_ms: () => number;
  /** Hears of upkeep that failed and is tried again. */
  readonly warn?: (failure: unknown, what: string) => void;
  /** Records the checksum of the first lines of the transcript where those who write to it do not write. */
  readonly seal?: (seal: ChainHead & { readonly last_seq: number; readonly why: SealReason }) => Promise<void>;
  /** Where ledger and transcript are written; the real file system when absent. */
  readonly io?: LogIo;
  /** When the transcript is rotated; ROTATE_BYTES and ROTATE_AGE_MS when absent. */
  readonly rotation?: RotationLimits;
  /** Called before each step of a rotation: a test may end it there. */
  readonly before_step?: BeforeStep;
}
