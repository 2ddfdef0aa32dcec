/**
 * TCP and unix sockets.
 *
 * This is the server's hot path, so bytes are read into one preallocated buffer that all links of
 * a `RealNetwork` share: libuv fills it and calls back in one go, and no Buffer is made per read
 * (`onread` of `net.Socket`). Node offers `onread` for connecting sockets only. For accepted ones
 * the fresh socket's handle is moved, before anything was read, into a second `net.Socket` made
 * with `onread`. The handle is private to Node: where it is not found as expected, the link falls
 * back to 'data' events, slower and otherwise the same.
 *
 * Invariant: a handler hears `closed` exactly once, and nothing after it.
 */

import { chmodSync } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import * as net from 'node:net';

import type { Address, Link, LinkHandler, Listener, Network } from '../world.js';
import { DirectWriter } from './direct-write.js';

/** As large as a default Linux receive buffer gets filled between two turns. */
const READ_BUFFER_BYTES = 64 * 1024;

const LISTEN_BACKLOG = 511;

/** How long a unix socket file may take to prove that somebody listens on it. */
const STALE_PROBE_TIMEOUT_MS = 1000;

type OnRead = NonNullable<net.TcpSocketConnectOpts['onread']>;
type Accept = (link: Link) => LinkHandler;

/** What Node's typings leave out: a handle to build upon, and where a socket keeps its own. */
type HandleOptions = net.SocketConstructorOpts & { handle: StreamHandle; onread: OnRead };
type WithHandle = { _handle?: StreamHandle | null };
type StreamHandle = { useUserBuffer?: unknown };

export class RealNetwork implements Network {
  readonly #readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

  async listen(address: Address, accept: Accept): Promise<Listener> {
    if (!('path' in address)) return await this.#listenOnce(address, accept);
    try {
      return await this.#listenOnce(address, accept);
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE' || !(await isStaleSocket(address.path))) throw error;
      await unlink(address.path);
      return await this.#listenOnce(address, accept);
    }
  }

  connect(
    address: Address,
    timeoutMs: number,
    handler: (link: Link) => LinkHandler,
  ): Promise<Link> {
    return new Promise((resolve, reject) => {
      const link = new RealLink(pathOf(address));
      const onread: OnRead = { buffer: this.#readBuffer, callback: link.onRead };
      const socket = net.connect({ ...address, allowHalfOpen: true, noDelay: true, onread });
      const deadline = setTimeout(() => socket.destroy(timeoutError(address)), timeoutMs);
      socket.once('error', reject);
      socket.once('close', () => clearTimeout(deadline));
      socket.once('connect', () => {
        clearTimeout(deadline);
        socket.off('error', reject);
        link.attach(socket, handler);
        resolve(link);
      });
    });
  }

  #listenOnce(address: Address, accept: Accept): Promise<Listener> {
    return new Promise((resolve, reject) => {
      const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
      server.once('error', reject);
      server.on('connection', (socket) => this.#accepted(socket, pathOf(address), accept));
      server.on('listening', () => {
        server.off('error', reject);
        // A failed accept (no more descriptors) concerns that one client, who sees it himself.
        server.on('error', () => undefined);
        resolve(new RealListener(server));
      });
      server.listen({ ...address, ipv6Only: true, backlog: LISTEN_BACKLOG });
      // A unix socket is bound by now: its mode is set before the first client is accepted.
      if ('path' in address && address.mode !== undefined && server.listening) {
        try {
          chmodSync(address.path, address.mode);
        } catch (error) {
          server.close();
          reject(error);
        }
      }
    });
  }

  #accepted(socket: net.Socket, path: string | undefined, accept: Accept): void {
    const link = new RealLink(path);
    const onread: OnRead = { buffer: this.#readBuffer, callback: link.onRead };
    const moved = moveHandle(socket, onread);
    if (moved !== undefined) {
      moved.setNoDelay(true);
      link.attach(moved, accept);
      return;
    }
    socket.setNoDelay(true);
    socket.on('data', link.onChunk);
    link.attach(socket, accept);
    if (!link.isPaused) socket.resume();
  }
}

class RealListener implements Listener {
  readonly address: Address;
  readonly #server: net.Server;

  constructor(server: net.Server) {
    this.#server = server;
    const bound = server.address();
    if (bound === null) throw new Error('a listener without an address');
    this.address =
      typeof bound === 'string' ? { path: bound } : { host: bound.address, port: bound.port };
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      // Where handles could not be moved, Node calls back only once the links are gone too; the
      // port itself is free at once.
      this.#server.close();
      setImmediate(resolve);
    });
  }
}

/** Fields are plain, not `#private`: `onRead` and `write` run for every batch of commands. */
class RealLink implements Link {
  remote = '';
  local = '';
  remoteHost = '';
  readonly isUnix: boolean;
  isPaused = false;
  private readonly path: string | undefined;
  private socket!: net.Socket;
  private handler!: LinkHandler;
  /** No further `data` or `ended`: the link was ended or destroyed from this side. */
  private isOver = false;
  /** `write` has answered false and `drained` is owed. */
  private isWaiting = false;
  private error: Error | undefined;
  /** If there is a way past the socket's own queue. */
  private direct: DirectWriter | undefined;

  constructor(path: string | undefined) {
    this.path = path;
    this.isUnix = path !== undefined;
  }

  /** The system forgets addresses when a connection is reset, so they are kept from the start. */
  attach(socket: net.Socket, accept: Accept): void {
    this.socket = socket;
    if (this.path === undefined) {
      this.remoteHost = socket.remoteAddress ?? '';
      this.remote = printable(this.remoteHost, socket.remotePort);
      this.local = printable(socket.localAddress ?? '', socket.localPort);
    } else {
      this.remote = `${this.path}:0`;
      this.local = this.remote;
    }
    socket.on('error', (error) => {
      this.error ??= error;
    });
    this.direct = DirectWriter.open(socket, this.onDrained);
    this.handler = accept(this);
    socket.on('end', () => {
      if (!this.isOver) this.handler.ended();
    });
    socket.on('close', () => {
      this.isOver = true;
      this.handler.closed(this.error);
    });
  }

  get queuedBytes(): number {
    return this.socket.writableLength + (this.direct?.queuedBytes ?? 0);
  }

  readonly onRead = (bytes: number, buf: Uint8Array): boolean => {
    if (this.isOver) return false;
    this.handler.data(buf as Buffer, bytes);
    return !this.isPaused;
  };

  readonly onChunk = (chunk: Buffer): void => {
    if (!this.isOver) this.handler.data(chunk, chunk.length);
  };

  write(buf: Buffer, from: number, to: number): boolean {
    if (this.isOver || this.socket.destroyed || from === to) return true;
    const bytes = from === 0 && to === buf.length ? buf : buf.subarray(from, to);
    const isWritten = this.direct === undefined ? this.queue(bytes) : this.direct.write(bytes);
    if (!isWritten) this.isWaiting = true;
    return isWritten;
  }

  /**
   * A write that the system takes whole completes within `socket.write`, which shows in
   * `writableLength`; the callback (the same function every time) comes later in either case.
   */
  private queue(bytes: Buffer): boolean {
    const { socket } = this;
    socket.write(bytes, this.onWritten);
    if (socket.writableLength > 0) return false;
    if (!this.isWaiting) this.direct = DirectWriter.open(socket, this.onDrained);
    return true;
  }

  /** After an error nothing has left: `closed` follows, and until then nothing more is wanted. */
  private readonly onWritten = (error?: Error | null): void => {
    if (error instanceof Error || !this.isWaiting || this.direct !== undefined) return;
    if (this.socket.writableLength > 0 || this.socket.destroyed) return;
    this.onDrained();
  };

  private readonly onDrained = (): void => {
    if (this.isOver) return;
    this.isWaiting = false;
    this.handler.drained();
  };

  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.socket.resume();
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    // The system closes its side behind what is under way, however that was written.
    this.socket.destroySoon();
  }

  destroy(): void {
    this.isOver = true;
    this.socket.destroy();
  }

  setKeepAlive(delayMs: number): void {
    this.socket.setKeepAlive(delayMs > 0, delayMs);
  }
}

/**
 * Moves the handle of a fresh socket that has read nothing into a socket with `onread`; the
 * emptied one is destroyed, which takes it off its server's list.
 */
function moveHandle(socket: net.Socket, onread: OnRead): net.Socket | undefined {
  const holder = socket as unknown as WithHandle;
  const handle = holder._handle;
  if (typeof handle?.useUserBuffer !== 'function') return undefined;
  holder._handle = null;
  socket.destroy();
  const options: HandleOptions = {
    handle,
    onread,
    allowHalfOpen: true,
    readable: true,
    writable: true,
  };
  return new net.Socket(options);
}

/** True if the path is a socket file on which nobody answers: left over from a crash. */
async function isStaleSocket(path: string): Promise<boolean> {
  const entry = await lstat(path).catch(() => undefined);
  if (entry === undefined || !entry.isSocket()) return false;
  return await new Promise((resolve) => {
    const probe = net.connect({ path });
    const answer = (isStale: boolean): void => {
      probe.destroy();
      resolve(isStale);
    };
    probe.setTimeout(STALE_PROBE_TIMEOUT_MS, () => answer(false));
    probe.once('connect', () => answer(false));
    probe.once('error', (error) => answer(codeOf(error) === 'ECONNREFUSED'));
  });
}

function timeoutError(address: Address): NodeJS.ErrnoException {
  const where = 'path' in address ? address.path : printable(address.host, address.port);
  const error: NodeJS.ErrnoException = new Error(`connect ETIMEDOUT ${where}`);
  error.code = 'ETIMEDOUT';
  error.syscall = 'connect';
  return error;
}

function printable(host: string, port: number | undefined): string {
  return host.includes(':') ? `[${host}]:${port ?? 0}` : `${host}:${port ?? 0}`;
}

function pathOf(address: Address): string | undefined {
  return 'path' in address ? address.path : undefined;
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
