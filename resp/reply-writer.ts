/** Skeleton: signatures only, filled next. */
import type { ChunkPool } from './chunk-pool.js';

export interface ReplyWriterOptions {
  /** Bytes handed to a link that has not yet said `drained`, at most. Default 1 MiB. */
  inFlightBytesMax?: number;
}

/** Where replies go: a link. True: sent, the buffer is free. False: kept until `drained`. */
export interface ReplySink {
  write(buf: Buffer, from: number, to: number): boolean;
}

const todo = (): never => {
  throw new Error('not yet');
};

/* eslint-disable */
export class ReplyWriter {
  protocol: 2 | 3 = 2;
  /** The current chunk; write directly after `room(n)` and advance `at`. */
  buf: Buffer = Buffer.alloc(0);
  at = 0;
  constructor(_pool: ChunkPool, _options: ReplyWriterOptions = {}) {}
  /** Bytes written and not yet taken by the system, those in flight included. */
  get pendingBytes(): number { return todo(); }
  /** Memory of all chunks held, in flight included. */
  get heldBytes(): number { return todo(); }
  room(_bytes: number): void { todo(); }
  ok(): void { todo(); }
  pong(): void { todo(); }
  queued(): void { todo(); }
  simple(_text: string): void { todo(); }
  /** With its code, e.g. `ERR syntax error`; CR and LF become spaces. Latin1. */
  error(_text: string): void { todo(); }
  integer(_n: number): void { todo(); }
  bigInteger(_n: bigint): void { todo(); }
  bulk(_buf: Uint8Array, _from: number, _to: number): void { todo(); }
  bulkString(_text: string): void { todo(); }
  bulkLatin1(_text: string): void { todo(); }
  bulkHeader(_bytes: number): void { todo(); }
  crlf(): void { todo(); }
  raw(_buf: Uint8Array, _from: number, _to: number): void { todo(); }
  nil(): void { todo(); }
  nilArray(): void { todo(); }
  emptyArray(): void { todo(); }
  array(_n: number): void { todo(); }
  map(_pairs: number): void { todo(); }
  set(_n: number): void { todo(); }
  push(_n: number): void { todo(); }
  /** RESP3 only. */
  attribute(_pairs: number): void { todo(); }
  double(_x: number): void { todo(); }
  boolean(_b: boolean): void { todo(); }
  verbatim(_format: string, _text: string): void { todo(); }
  bigNumber(_text: string): void { todo(); }
  /** An aggregate whose length is known later: `const later = defer(); ...; resolveArray(later, n)`. */
  defer(): number { return todo(); }
  resolveArray(_later: number, _n: number): void { todo(); }
  resolveMap(_later: number, _pairs: number): void { todo(); }
  resolveSet(_later: number, _n: number): void { todo(); }
  mark(): number { return todo(); }
  /** Forgets what was written since `mark`, which must not have been flushed. */
  rewind(_mark: number): void { todo(); }
  /** Hands what is pending to the link. While bytes are in flight at most inFlightBytesMax leave. */
  flush(_sink: ReplySink): void { todo(); }
  /** The link has sent all it held: its chunks return to the pool. Call `flush` after it. */
  drained(): void { todo(); }
  /** The link is gone: every chunk returns to the pool. */
  release(): void { todo(); }
}
