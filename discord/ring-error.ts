/** What goes wrong between members and is not a bug of ours. */

export type RingErrorCode =
  /** Bytes that are no view. */
  | 'RING_BAD_VIEW'
  /** A message that does not parse. */
  | 'RING_BAD_MESSAGE'
  /** A change that the ring cannot make. */
  | 'RING_REFUSED';

export class RingError extends Error {
  readonly code: RingErrorCode;

  constructor(code: RingErrorCode, message: string) {
    super(message);
    this.name = 'RingError';
    this.code = code;
  }
}
