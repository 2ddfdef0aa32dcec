/** Why a request to another member has no reply. */

export type PeerErrorCode =
  /** There is no connection; it is tried again after a pause. */
  | 'PEER_DOWN'
  /** Too much is waiting already: try again when there is room. */
  | 'PEER_BUSY'
  | 'PEER_TIMEOUT'
  /** The connection broke. */
  | 'PEER_LOST'
  /** What came is no reply, or is longer than replies may be. */
  | 'PEER_PROTOCOL'
  /** One of the two sides does not want the other: see `refusal`. */
  | 'PEER_REFUSED';

export interface PeerErrorOptions {
  readonly wasSent?: boolean;
  readonly refusal?: string;
}

export class PeerError extends Error {
  readonly code: PeerErrorCode;
  /** True: the request may have been executed. False: it certainly was not. */
  readonly wasSent: boolean;
  /** Of PEER_REFUSED: the first word of the refusal, as `PEERVERSION`. */
  readonly refusal: string | undefined;

  constructor(code: PeerErrorCode, message: string, options: PeerErrorOptions = {}) {
    super(message);
    this.name = 'PeerError';
    this.code = code;
    this.wasSent = options.wasSent ?? false;
    this.refusal = options.refusal;
  }
}
