import { randomUUID } from 'node:crypto';

import { z } from 'zod';

import { FilareError, unreachable } from '../contract/errors.js';
import { AppendLog } from './append-log.js';
import type { LogDamage } from './append-log.js';
import { FILE_IO } from './log-file.js';
import type { LogIo } from './log-file.js';
import { transcriptSealSchema, type TranscriptSeal } from './transcript-seals.js';

/** What a project makes and must give back. */
export const RESOURCE_KINDS = ['container', 'network', 'folder', 'secret', 'fifo', 'process', 'socket'] as const;

const intentSchema = z.object({
  kind: z.enum(RESOURCE_KINDS),
  /** How it is found again: container name, absolute path, process id. Never a secret. */
  name: z.string(),
  session_id: z.string().optional(),
  detail: z.record(z.string(), z.unknown()).optional(),
});

/** A resource that is about to be made. */
export type ResourceIntent = z.input<typeof intentSchema>;

/** One record of the book. */
export const resourceRecordSchema = z.discriminatedUnion('record', [
  intentSchema.extend({ record: z.literal('intend'), entry: z.string(), at: z.string() }),
  z.object({ record: z.literal('opened'), entry: z.string(), at: z.string(), engine_id: z.string().optional() }),
  z.object({ record: z.literal('closed'), entry: z.string(), at: z.string(), reason: z.string() }),
  z.object({ record: z.literal('kept'), entry: z.string(), at: z.string(), reason: z.string() }),
  transcriptSealSchema.extend({ record: z.literal('transcript'), at: z.string() }),
]);
/** One record of the book. */
export type ResourceRecord = z.infer<typeof resourceRecordSchema>;

/** A resource in the book. `intended`: it may or may not exist. Times are RFC 3339 UTC. */
export interface ResourceEntry extends Readonly<z.infer<typeof intentSchema>> {
  readonly entry: string;
  readonly state: 'intended' | 'opened' | 'closed' | 'kept';
  readonly engine_id?: string | undefined;
  /** Why it was closed or kept. */
  readonly reason?: string | undefined;
  /** Of its intent, and of the last record about it. */
  readonly intended_at: string;
  readonly changed_at: string;
}

/** How many resources were ever intended, and what became of them: `intended = open + kept + closed`, always. */
export interface ResourceBalance {
  readonly intended: number;
  /** Not yet accounted for. */
  readonly open: number;
  /** Meant to stay. */
  readonly kept: number;
  readonly closed: number;
}

/** Clock and ids of a ledger. */
export interface LedgerSources {
  readonly now: () => Date;
  readonly newId: () => string;
}

const SOURCES: LedgerSources = { now: () => new Date(), newId: randomUUID };

/**
 * The resources of a project. Intent comes before effect: `intend` is durable when it resolves, then the resource is made. Each method
 * resolves when its record is on the disk, and only then shows in `open` and `balance`. Closing what is closed is harmless; what was kept can be
 * opened again (it is used again) or closed (it was deleted). Errors of AppendLog; `not_found` for an entry that is not in the book,
 * `bad_state` for opening or keeping one that is closed.
 */
export class ProjectLedger implements AsyncDisposable {
  readonly #log: AppendLog;
  readonly #entries: Map<string, ResourceEntry>;
  readonly #sources: LedgerSources;
  /** Lines of the file that could not be read: what they said of resources is unknown. */
  readonly damage: readonly LogDamage[];

  private constructor(
    log: AppendLog,
    entries: Map<string, ResourceEntry>,
    damage: LogDamage[],
    sources: LedgerSources,
  ) {
    this.#log = log;
    this.#entries = entries;
    this.#sources = sources;
    this.damage = damage;
  }

  /** Opens or makes the book at `path` and replays it. */
  static async load(
    path: string,
    options: { readonly signal?: AbortSignal } = {},
    sources: LedgerSources = SOURCES,
    io: LogIo = FILE_IO,
  ): Promise<ProjectLedger> {
    const { log, records, damage } = await AppendLog.open(path, { ...options, parse: resourceRecordSchema }, io);
    const entries = new Map<string, ResourceEntry>();
    for (const record of records) applyResource(entries, record);
    return new ProjectLedger(log, entries, damage, sources);
  }

  /** Books a resource that is about to be made; answers its entry id. */
  async intend(intent: ResourceIntent): Promise<string> {
    const entry = this.#sources.newId();
    await this.#record({ record: 'intend', entry, at: this.#at(), ...intentSchema.parse(intent) });
    return entry;
  }

  /** It exists now; `engine_id` is what the engine calls it. */
  async opened(entry: string, facts: { readonly engine_id?: string | undefined } = {}): Promise<void> {
    this.#see(entry, 'opened');
    const { engine_id } = facts;
    await this.#record({
      record: 'opened',
      entry,
      at: this.#at(),
      ...(engine_id === undefined ? {} : { engine_id }),
    });
  }

  /** It is gone, or was never made. */
  async closed(entry: string, reason: string): Promise<void> {
    if (this.#see(entry, 'closed').state === 'closed') return;
    await this.#record({ record: 'closed', entry, at: this.#at(), reason });
  }

  /** Whatever is booked by this kind and name, open or kept, is gone; harmless when there is none. */
  async closeNamed(kind: ResourceEntry['kind'], name: string, reason: string): Promise<void> {
    for (const entry of this.named(kind, name)) await this.closed(entry.entry, reason);
  }

  /** It stays, on purpose. */
  async kept(entry: string, reason: string): Promise<void> {
    this.#see(entry, 'kept');
    await this.#record({ record: 'kept', entry, at: this.#at(), reason });
  }

  /** The checksum of the first lines of a session's transcript, as they are now. No resource: balance and entries do not know it. */
  async sealed(seal: Omit<TranscriptSeal, 'at'>): Promise<void> {
    await this.#record({ record: 'transcript', at: this.#at(), ...seal });
  }

  /** Entries that are neither closed nor kept, in the order of their intents. */
  open(): ResourceEntry[] {
    return this.entries().filter(({ state }) => state === 'intended' || state === 'opened');
  }

  /** What is booked by this kind and name and not closed. */
  named(kind: ResourceEntry['kind'], name: string): ResourceEntry[] {
    return this.entries().filter((entry) => entry.kind === kind && entry.name === name && entry.state !== 'closed');
  }

  /** All entries, in the order of their intents. */
  entries(): ResourceEntry[] {
    return [...this.#entries.values()];
  }

  /** The sum of the book. */
  balance(): ResourceBalance {
    const count = { intended: 0, open: 0, kept: 0, closed: 0 };
    for (const { state } of this.#entries.values()) {
      count.intended += 1;
      count[state === 'kept' || state === 'closed' ? state : 'open'] += 1;
    }
    return count;
  }

  /** Waits for what is being recorded and closes the file. */
  async close(): Promise<void> {
    await this.#log.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #at(): string {
    return this.#sources.now().toISOString();
  }

  #see(entry: string, wanted: 'opened' | 'closed' | 'kept'): ResourceEntry {
    const found = this.#entries.get(entry);
    if (found === undefined) {
      throw new FilareError({ code: 'not_found', message: `no entry ${entry} in ${this.#log.path}` });
    }
    if (found.state === 'closed' && wanted !== 'closed') {
      throw new FilareError({
        code: 'bad_state',
        message: `${found.kind} ${found.name} is booked as closed (${found.reason ?? 'no reason given'}) and cannot be ${wanted}`,
      });
    }
    return found;
  }

  async #record(record: ResourceRecord): Promise<void> {
    await this.#log.append(record);
    applyResource(this.#entries, record);
  }
}

/** The one place that says what a record means, live and after a restart. What was closed stays closed. */
export function applyResource(entries: Map<string, ResourceEntry>, record: ResourceRecord): void {
  if (record.record === 'transcript') return;
  if (record.record === 'intend') {
    const { entry, kind, name, session_id, detail, at } = record;
    const found = {
      entry,
      kind,
      name,
      session_id,
      detail,
      state: 'intended',
      intended_at: at,
      changed_at: at,
    } as const;
    if (!entries.has(entry)) entries.set(entry, found);
    return;
  }
  const before = entries.get(record.entry);
  if (before === undefined || before.state === 'closed') return;
  const changed_at = record.at;
  switch (record.record) {
    case 'opened': {
      const engine_id = record.engine_id ?? before.engine_id;
      entries.set(record.entry, { ...before, state: 'opened', reason: undefined, engine_id, changed_at });
      return;
    }
    case 'closed':
    case 'kept':
      entries.set(record.entry, { ...before, state: record.record, reason: record.reason, changed_at });
      return;
    default:
      unreachable(record);
  }
}
