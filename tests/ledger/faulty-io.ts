import { FILE_IO } from '../../src/ledger/log-file.js';
import type { LogHandle, LogIo } from '../../src/ledger/log-file.js';

/** A call that can be made to fail. */
export type FaultyCall = 'open' | 'write' | 'datasync' | 'truncate' | 'close';

/** The real file system, in which chosen calls fail as a disk would. Counts the calls. */
export interface FaultyIo extends LogIo {
  readonly calls: Record<FaultyCall, number>;
  /** Given the kind of a call and its number (from 1): the errno it fails with, or nothing. */
  fails: (call: FaultyCall, number: number) => string | undefined;
  /** Bytes of a failing write that reach the file all the same. */
  torn_bytes: number;
}

export function faultyIo(): FaultyIo {
  const calls = { open: 0, write: 0, datasync: 0, truncate: 0, close: 0 };
  const check = (call: FaultyCall) => {
    calls[call] += 1;
    const code = io.fails(call, calls[call]);
    if (code !== undefined) throw Object.assign(new Error(`${code}: injected, ${call}`), { code });
  };
  const io: FaultyIo = {
    calls,
    fails: () => undefined,
    torn_bytes: 0,
    async open(path, flags, mode) {
      check('open');
      const file = await FILE_IO.open(path, flags, mode);
      const handle: LogHandle = {
        read: (...args) => file.read(...args),
        async write(buffer, offset, length, position) {
          try {
            check('write');
          } catch (error) {
            if (io.torn_bytes > 0) await file.write(buffer, offset, Math.min(length, io.torn_bytes), position);
            throw error;
          }
          return file.write(buffer, offset, length, position);
        },
        writeNow(buffer, offset, length, position) {
          try {
            check('write');
          } catch (error) {
            if (io.torn_bytes > 0) file.writeNow(buffer, offset, Math.min(length, io.torn_bytes), position);
            throw error;
          }
          return file.writeNow(buffer, offset, length, position);
        },
        async datasync() {
          check('datasync');
          await file.datasync();
        },
        async truncate(bytes) {
          check('truncate');
          await file.truncate(bytes);
        },
        async close() {
          // The descriptor is gone even when closing reports an error.
          await file.close();
          check('close');
        },
        sync: () => file.sync(),
        chmod: (fileMode) => file.chmod(fileMode),
        stat: () => file.stat(),
      };
      return handle;
    },
  };
  return io;
}
