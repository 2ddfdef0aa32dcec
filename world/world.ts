/**
 * World: everything that is not a pure function of its input comes in through here.
 *
 * `RealWorld` (world/real) is Node's clock, timers, sockets and files; `SimWorld` (world/sim) is a
 * single-threaded scheduler with virtual time and a seed. The same code above runs in both, which
 * is what lets one seed replay a whole run.
 */

export interface Clock {
  /** Wall time, milliseconds since 1970-01-01, an integer. May jump in either direction. */
  wallMs(): number;
  /** Monotonic time, milliseconds with fractions, from an arbitrary start. Never steps back. */
  monotonicMs(): number;
}

/** A timer that can be cancelled; cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Timers {
  /**
   * Calls `callback` once, no earlier than `delayMs` from now by the monotonic clock. Does not
   * keep a process alive if `background`.
   */
  after(delayMs: number, callback: () => void, background?: boolean): Timer;
  /** Calls `callback` every `periodMs` (at least 1) until cancelled; `background` as above. */
  every(periodMs: number, callback: () => void, background?: boolean): Timer;
  /** Calls `callback` once in the next turn of the event loop, after pending input was handled. */
  soon(callback: () => void): Timer;
}

export interface Random {
  /** A uniform number in [0, 1). */
  float(): number;
  /** A uniform integer in [0, bound); 1 <= bound <= 2^53. */
  below(bound: number): number;
  /** Fills `target` with random bytes. From a cryptographic source in the real world. */
  bytes(target: Uint8Array): void;
}

/** Where to listen or connect: a TCP host and port, or the path of a unix socket. */
export type Address =
  | { readonly host: string; readonly port: number }
  | { readonly path: string; readonly mode?: number };

/**
 * One end of a stream connection. Never throws for what the network does, and may be called in
 * any state (what is written to a closed link is dropped): see `LinkHandler.closed`.
 */
export interface Link {
  /** Printable peer as in CLIENT LIST: `host:port`, `[v6]:port` or the socket's path and `:0`. */
  readonly remote: string;
  readonly local: string;
  /** Peer's IP address without brackets, empty for a unix socket. */
  readonly remoteHost: string;
  readonly isUnix: boolean;
  /** Bytes handed to `write` that the system has not taken yet. */
  readonly queuedBytes: number;
  /**
   * Sends `buf[from, to)`. True: the bytes have left and the caller may reuse the buffer at once.
   * False: the link keeps the buffer; it is free again when `LinkHandler.drained` is called (all
   * buffers handed over until then are free together).
   */
  write(buf: Buffer, from: number, to: number): boolean;
  /** Stops `data` calls until `resume`. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. From now on nothing more is told except `closed`. */
  end(): void;
  /** Closes at once; what is queued is lost. `closed` follows, never from within this call. */
  destroy(): void;
  setKeepAlive(delayMs: number): void;
}

export interface LinkHandler {
  /** `buf[0, bytes)` arrived. `buf` is shared by all links: valid only during the call. */
  data(buf: Buffer, bytes: number): void;
  /** Everything queued has left. */
  drained(): void;
  /** The other side sent its end of stream; nothing more arrives. */
  ended(): void;
  /** The link is gone, for good; called exactly once. */
  closed(error?: Error): void;
}

export interface Listener {
  /** The address in use: a port of 0 has become the chosen one. */
  readonly address: Address;
  /** Stops accepting; open links stay. */
  close(): Promise<void>;
}

export interface Network {
  /** Rejects with Node's error codes (EADDRINUSE, EADDRNOTAVAIL, EACCES, ...). */
  listen(address: Address, accept: (link: Link) => LinkHandler): Promise<Listener>;
  /** Resolves once connected; rejects with Node's error codes, or ETIMEDOUT after `timeoutMs`. */
  connect(address: Address, timeoutMs: number, handler: (link: Link) => LinkHandler): Promise<Link>;
}

/** A file opened for random access. All calls reject with Node's error codes (ENOSPC, EIO, ...). */
export interface DiskFile {
  /** Fills `target` as far as the file goes; resolves with the bytes read. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Writes all of `bytes`; if that fails, a part may have been written. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Writes before it returns; throws what `write` rejects with. For little, of which much waits. */
  writeNow(bytes: Uint8Array, position: number): void;
  truncate(bytes: number): Promise<void>;
  /** Data, and what is needed to read it (not times), are on stable storage when it resolves. */
  sync(): Promise<void>;
  /** As `sync`, before it returns; throws. Everybody waits for it: see `Disk.quickSyncMs`. */
  syncNow(): void;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}

/** Changes of names (creating, renaming, removing) are on stable storage once resolved. */
export interface Disk {
  /** Syncs that take about this long or less, ms, may be waited for by `syncNow`; 0: none. */
  readonly quickSyncMs: number;
  /** 'read' and 'write' (and read) need the file; 'create' makes it if missing, keeps it if not. */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile>;
  readFile(path: string): Promise<Buffer>;
  /** Replaces the file whole or not at all (write beside, sync, rename, sync the folder). */
  replaceFile(path: string, bytes: Uint8Array): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A file or an empty folder. */
  remove(path: string): Promise<void>;
  /** The names in it, sorted. */
  list(folder: string): Promise<string[]>;
  /** With those above it; one that is there is fine. */
  makeFolder(path: string): Promise<void>;
  exists(path: string): Promise<boolean>;
}

export interface Memory {
  /**
   * Has the system find the page that `bytes[at]` lies on, beside the event loop, which would wait for
   * it at the first touch. Sets that byte to zero some time later, or never.
   */
  prefault(bytes: Uint8Array, at: number): void;
}

export interface World {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly network: Network;
  readonly disk: Disk;
  readonly memory: Memory;
}
