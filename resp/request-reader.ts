/** Skeleton: signatures only, filled next. */
import type { Args } from './args.js';

/** `next` filled the arguments of one whole request. */
export const REQUEST = 0;
/** `next` has used up what was fed; what is needed of it is kept. */
export const NEED_MORE = 1;
/** The stream cannot be followed any further: reply `error` unless it is empty, then close. */
export const PROTOCOL_ERROR = 2;

/** Limits of a request; one object may be shared by all connections and change at run time. */
export interface RequestLimits {
  /** `proto-max-bulk-len`. */
  bulkBytesMax: number;
  argumentsMax: number;
  inlineBytesMax: number;
  /** `client-query-buffer-limit`. */
  queryBufferBytesMax: number;
}

export const requestLimitsDefault: Readonly<RequestLimits> = {
  bulkBytesMax: 512 * 1024 * 1024,
  argumentsMax: 0x7fff_ffff,
  inlineBytesMax: 64 * 1024,
  queryBufferBytesMax: 1024 * 1024 * 1024,
};

export class RequestReader {
  /** False until the client has proved who it is, where that is asked: smaller limits hold. */
  authenticated = false;
  /** After PROTOCOL_ERROR: the error reply without `-` and CR LF; empty: close without a reply. */
  error = '';

  constructor(_limits: RequestLimits) {
  }

  /** Bytes held between two feeds. */
  get bufferedBytes(): number {
    throw new Error('not yet');
  }

  /** Attaches buf[from, to), which stays the caller's; valid until `keep` or NEED_MORE. */
  feed(_buf: Buffer, _from: number, _to: number): void {
    throw new Error('not yet');
  }

  /** The next request: REQUEST, NEED_MORE or PROTOCOL_ERROR. */
  next(_args: Args): number {
    throw new Error('not yet');
  }

  /** Copies what is unread; to be called before the chunk that was fed is reused. */
  keep(): void {
    throw new Error('not yet');
  }
}
