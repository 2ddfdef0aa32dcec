/**
 * LogStore: the embedded store that the log of a node is kept in, as the node sees it. Keys are
 * ordered byte by byte. `world/real` has one over a package with a native part; tests give one in
 * memory (lib/persistence/memory-log-store.ts). `test/persistence/log-store.ts` says what every one must do.
 *
 * Promises reject with a `LogStoreError`, whose `code` is stable. After a rejection of `batch` or
 * `sync` the store is to be closed and opened anew: what it then holds is what is safe.
 */

export type LogStoreCode =
  /** Another process, or another object of this one, has it open. */
  | 'LOCKED'
  /** It may not be written. */
  | 'READ_ONLY'
  /** The disk is full, or a quota is. */
  | 'NO_SPACE'
  /** What lies on the disk is not what was written. */
  | 'CORRUPT'
  /** It is not open. */
  | 'CLOSED'
  /** Any other failure of the disk or the system. */
  | 'IO';

export class LogStoreError extends Error {
  readonly code: LogStoreCode;

  constructor(code: LogStoreCode, message: string) {
    super(message);
    this.code = code;
  }
}

export interface LogPut {
  readonly key: Buffer;
  readonly value: Buffer;
}

export interface LogRange {
  /** The first key, itself included. Default: none. */
  readonly from?: Buffer;
  /** The key before which it ends. Default: none. */
  readonly to?: Buffer;
  /** From the last to the first. Default: false. */
  readonly reverse?: boolean;
}

export interface LogStore {
  /**
   * Writes all or nothing; later ones win over earlier ones. When it resolves a crash of the
   * process loses none of it and, if `sync`, neither does one of the machine. Buffers may be used
   * again once it has settled. Batches take effect in the order of the calls.
   */
  batch(puts: readonly LogPut[], deletes: readonly Buffer[], sync: boolean): Promise<void>;
  /** All batches that had resolved when it was called are safe from a crash of the machine. */
  sync(): Promise<void>;
  /** Pairs in order, as they were when the walk began, some at a time; the Buffers are the caller's. */
  iterate(range: LogRange): AsyncIterable<readonly LogPut[]>;
  /** Bytes that it takes on the disk. */
  bytes(): Promise<number>;
  /** Waits for what is under way. A second call does nothing. */
  close(): Promise<void>;
}

/** Opens the node's store, making it if there is none. */
export type OpenLogStore = () => Promise<LogStore>;

/**
 * How the store in a folder is opened. `salvage`: if it is so damaged that it cannot be opened, what
 * can still be read is put together to a new one first; what was removed from it may be there again.
 * `existing`: it is not made anew if it is not there.
 */
export type OpenLogMode = 'create' | 'salvage' | 'existing';

/** Default: `create`. */
export type OpenLogFolder = (folder: string, mode?: OpenLogMode) => Promise<LogStore>;
