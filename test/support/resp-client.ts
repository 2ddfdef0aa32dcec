/**
 * A raw client for tests: bytes out, replies in, in the order in which they come. It neither
 * retries nor interprets anything, so that what a test sees is what the server did.
 */
import { connect, type Socket } from 'node:net';
import { type Plain, plain, type Reply, ReplyParser } from './reply.js';

export interface Address {
  readonly host?: string;
  readonly port?: number;
  /** A unix socket, instead of host and port. */
  readonly path?: string;
}

export type Argument = string | number | Buffer;

/** Why a read gave no reply. */
export class NoReply extends Error {
  readonly reason: 'closed' | 'timeout' | 'garbage';

  constructor(reason: 'closed' | 'timeout' | 'garbage', detail = '') {
    super(`no reply: ${reason} ${detail}`.trim());
    this.reason = reason;
  }
}

const timeoutMsDefault = 10_000;

export class RespClient {
  readonly socket: Socket;
  readonly #parser = new ReplyParser();
  #closed = false;
  #wake: (() => void) | null = null;
  readonly #whenClosed: Promise<void>;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.#parser.push(chunk);
      this.#wake?.();
    });
    // A reset shows as a close; tests that mean to see it look at `closed`.
    socket.on('error', () => {});
    this.#whenClosed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#closed = true;
        this.#wake?.();
        resolve();
      });
    });
  }

  static connect(address: Address): Promise<RespClient> {
    const { host = '127.0.0.1', port = 0, path } = address;
    return new Promise((resolve, reject) => {
      const socket = connect(path === undefined ? { host, port } : { path });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RespClient(socket));
      });
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  sendRaw(bytes: Buffer | string): void {
    if (!this.#closed) this.socket.write(bytes);
  }

  send(...args: Argument[]): void {
    this.sendRaw(encodeCommand(args));
  }

  async call(...args: Argument[]): Promise<Reply> {
    this.send(...args);
    return this.read();
  }

  async callPlain(...args: Argument[]): Promise<Plain> {
    return plain(await this.call(...args));
  }

  /** The next reply. Rejects with NoReply if the server closes, stays silent or sends garbage. */
  async read(timeoutMs = timeoutMsDefault): Promise<Reply> {
    let timedOut = false;
    let timer: NodeJS.Timeout | null = null;
    try {
      for (;;) {
        const reply = this.#cut();
        if (reply !== null) return reply;
        if (this.#closed) throw new NoReply('closed');
        if (timedOut) throw new NoReply('timeout');
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          timer ??= setTimeout(() => {
            timedOut = true;
            this.#wake?.();
          }, timeoutMs);
        });
      }
    } finally {
      this.#wake = null;
      if (timer !== null) clearTimeout(timer);
    }
  }

  async waitClosed(): Promise<void> {
    await this.#whenClosed;
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.#whenClosed;
  }

  #cut(): Reply | null {
    try {
      return this.#parser.next();
    } catch (error) {
      throw new NoReply('garbage', String(error));
    }
  }
}

export function encodeCommand(args: readonly Argument[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}
