/**
 * Writes straight to a socket's handle, past the stream layer of `net.Socket`.
 *
 * `socket.write` makes a request, goes through the states of a `Writable` and plans a callback for
 * the next tick, each time. Replies are small and the system mostly takes them whole within the
 * call: then the request was not used and serves again, and nothing is left to be told.
 *
 * Handles and requests are private to Node. The class of requests is learnt from the first write
 * that a socket does itself; until then, and where a handle is not as expected, `open` answers
 * undefined and `socket.write` remains, slower and otherwise the same.
 *
 * Invariant: the socket's own queue is empty while writes go past it, so that their order stays.
 */

import type * as net from 'node:net';
import { getSystemErrorName } from 'node:util';

/** What the system has not taken at once is told of later: a status below 0 is an error. */
interface WriteRequest {
  /** NOT_USED, or an id. */
  getAsyncId(): number;
  oncomplete: ((status: number) => void) | null;
  /** Keeps what the system still reads from being collected. */
  buffer: Uint8Array | null;
}
type WriteRequestClass = new () => WriteRequest;

interface StreamHandle {
  /** 0, or an error of the system, below 0. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  /** Bytes that the system has not taken. */
  readonly writeQueueSize: number;
}

/** Of a request that the system did not need: it took all within the call. */
const NOT_USED = -1;

let requestClass: WriteRequestClass | undefined;

/** The handle of a socket, if it is one that can be written to. */
function handleOf(socket: net.Socket): StreamHandle | undefined {
  const { _handle: handle } = socket as unknown as { _handle?: Partial<StreamHandle> | null };
  const isUsual =
    typeof handle?.writeBuffer === 'function' && typeof handle.writeQueueSize === 'number';
  return isUsual ? (handle as StreamHandle) : undefined;
}

/** Has the next `socket.write` tell what a request is. */
function learnFrom(handle: StreamHandle): void {
  handle.writeBuffer = (request, bytes) => {
    requestClass = request.constructor as WriteRequestClass;
    // What the prototype has shows again.
    Reflect.deleteProperty(handle, 'writeBuffer');
    return handle.writeBuffer(request, bytes);
  };
}

export class DirectWriter {
  private readonly handle: StreamHandle;
  private readonly requests: WriteRequestClass;
  private readonly socket: net.Socket;
  /** All that was under way has left. Not called once the socket is destroyed. */
  private readonly onDrained: () => void;
  /** Not used yet: made for a write that the system took whole, or not made. */
  private spare: WriteRequest | undefined;
  private underWay = 0;

  private constructor(
    socket: net.Socket,
    handle: StreamHandle,
    requests: WriteRequestClass,
    onDrained: () => void,
  ) {
    this.socket = socket;
    this.handle = handle;
    this.requests = requests;
    this.onDrained = onDrained;
  }

  /** Undefined as long as nobody can write past this socket. */
  static open(socket: net.Socket, onDrained: () => void): DirectWriter | undefined {
    const handle = handleOf(socket);
    if (handle === undefined) return undefined;
    if (requestClass !== undefined) {
      return new DirectWriter(socket, handle, requestClass, onDrained);
    }
    if (!Object.hasOwn(handle, 'writeBuffer')) learnFrom(handle);
    return undefined;
  }

  get queuedBytes(): number {
    return this.socket.destroyed ? 0 : this.handle.writeQueueSize;
  }

  /**
   * True if the bytes have left, or never will: then the socket is destroyed with the error. False:
   * they must stay as they are until `onDrained`. Only for a socket that is not destroyed.
   */
  write(bytes: Uint8Array): boolean {
    const request = this.spare ?? new this.requests();
    const status = this.handle.writeBuffer(request, bytes);
    if (status !== 0) {
      this.spare = undefined;
      this.socket.destroy(writeError(status));
      return true;
    }
    // An empty queue does not tell: of what the system did not take at first it may have taken the
    // rest when it was asked again, and the request completes later all the same.
    if (request.getAsyncId() === NOT_USED) {
      this.spare = request;
      return true;
    }
    this.spare = undefined;
    request.buffer = bytes;
    request.oncomplete = this.onComplete;
    this.underWay++;
    return false;
  }

  private readonly onComplete = (status: number): void => {
    this.underWay--;
    if (this.socket.destroyed) return;
    if (status < 0) this.socket.destroy(writeError(status));
    else if (this.underWay === 0) this.onDrained();
  };
}

function writeError(status: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(status);
  const error: NodeJS.ErrnoException = new Error(`write ${code}`);
  error.code = code;
  error.errno = status;
  error.syscall = 'write';
  return error;
}
