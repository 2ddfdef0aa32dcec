/** Why a call has no plain reply. */

/**
 * `code` is the first word of an error reply (WRONGTYPE, CROSSRANGE, ...), or one of the client's:
 *
 *   TIMEOUT       no reply within `timeoutMs`
 *   DISCONNECTED  the connection broke before the reply of something that writes came
 *   BUSY          too many calls wait
 *   CLOSED        the client was closed
 *   UNREACHABLE   no node answered while connecting
 *   UNSUPPORTED   a command that has no place on connections that many calls share
 *   ARGUMENT      an argument or option makes no sense
 *   PROTOCOL      whoever answers is no dhash node of this version
 */
export class ClientError extends Error {
  readonly code: string;
  /** True: it may have been applied. False: it certainly was not. */
  readonly isInDoubt: boolean;

  constructor(code: string, message: string, isInDoubt = false) {
    super(message);
    this.name = 'ClientError';
    this.code = code;
    this.isInDoubt = isInDoubt;
  }
}

/** Of an error reply: `WRONGTYPE Operation against ...`. */
export function errorOfReply({ message }: Error): ClientError {
  const code = /^[A-Z][A-Z0-9]*(?= |$)/.exec(message)?.[0] ?? 'ERR';
  return new ClientError(code, message, code === 'INDOUBT');
}
