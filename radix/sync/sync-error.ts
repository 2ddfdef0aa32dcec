/** What ends a session: a peer that does not keep to the protocol, or a limit. */

export type SyncErrorCode =
  /** Bytes that are no frame, or a frame whose contents do not parse. */
  | 'SYNC_BAD_FRAME'
  /** A frame that may not come now, or that contradicts what was said before. */
  | 'SYNC_PROTOCOL'
  /** More of something than a session allows. */
  | 'SYNC_LIMIT'
  /** A version or mode that this node does not know. */
  | 'SYNC_VERSION'
  /** A mode that this node does not take part in. */
  | 'SYNC_REFUSED'
  /** The two sides hash with different secret keys. */
  | 'SYNC_KEY'
  /** Nothing was heard of the other side for too long, or its link is gone. */
  | 'SYNC_TIMEOUT'
  | 'SYNC_LINK'
  /** An entry that the local tree cannot take. */
  | 'SYNC_APPLY'
  /** SWAPDB has given databases other numbers while it ran. */
  | 'SYNC_MOVED'
  /** The caller ended the session. */
  | 'SYNC_CANCELLED';

export class SyncError extends Error {
  readonly code: SyncErrorCode;

  constructor(code: SyncErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SyncError';
    this.code = code;
  }
}
