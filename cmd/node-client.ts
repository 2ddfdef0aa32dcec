/**
 * One connection to a node: commands go out in pieces, replies are counted off as they come.
 *
 * Invariant: `#waiting` holds what takes the replies of each command in flight, oldest first.
 * Memory: whoever sends waits for `room` now and then, so at most COMMANDS_MAX commands and about
 * BYTES_MAX bytes (and one command) are in flight. Of a stream about STREAM_BYTES_MAX are held.
 */
import { connect, type Socket } from 'node:net';
import Denque from 'denque';
import RedisParser from 'redis-parser';
import { printAddress, type ServerAddress } from './address.js';
import { EXIT_USAGE, ExitError, systemCode } from './exit.js';

const COMMANDS_MAX = 1024;
const BYTES_MAX = 8 * 1024 * 1024;
/** Replies of a stream that wait beyond which nothing more is read. */
const STREAM_BYTES_MAX = 8 * 1024 * 1024;
/** Commands are collected up to here before they are written. */
const BATCH_BYTES = 64 * 1024;
/** How long the server may keep silent while it owes replies, ms. */
const SILENCE_MS_MAX = 60_000;

export type Argument = Buffer | string;
/** An error reply comes as an Error. True: more replies to the same command follow. */
type Take = (reply: unknown) => unknown;

export class NodeClient {
  readonly #socket: Socket;
  readonly #parser: RedisParser;
  readonly #waiting = new Denque<{ readonly take: Take; readonly bytes: number }>();
  #bytes = 0;
  #batch: Buffer[] = [];
  #batchBytes = 0;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#parser = new RedisParser({
      returnBuffers: false,
      returnReply: (reply) => this.#answered(reply),
      returnError: (error) => this.#answered(error),
      returnFatalError: (error) => this.#lost(error),
    });
    socket.setNoDelay(true);
    socket.setTimeout(SILENCE_MS_MAX, () => {
      if (this.#waiting.length > 0) this.#lost(new Error('the server does not answer'));
    });
    socket.on('data', (bytes: Buffer) => this.#parser.execute(bytes));
    socket.on('error', (error) => this.#lost(error));
    socket.on('close', () => this.#lost(new Error('the server closed the connection')));
  }

  /** Connects, or rejects with Node's error codes. */
  static open(address: ServerAddress): Promise<NodeClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...address });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new NodeClient(socket));
      });
    });
  }

  send(args: readonly Argument[], take: Take): void {
    const before = this.#batchBytes;
    this.#add(Buffer.from(`*${args.length}\r\n`));
    for (const arg of args) {
      const bytes = typeof arg === 'string' ? Buffer.from(arg) : arg;
      this.#add(Buffer.from(`$${bytes.length}\r\n`));
      this.#add(bytes);
      this.#add(CRLF);
    }
    const bytes = this.#batchBytes - before;
    this.#bytes += bytes;
    this.#waiting.push({ take, bytes });
    if (this.#batchBytes >= BATCH_BYTES) this.#write();
  }

  /** Sends one command and waits for its reply, and so for all before it. */
  ask(...args: Argument[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.send(args, resolve);
      this.idle().catch(reject);
    });
  }

  /** `ask`, with bulk strings as Buffers. Nothing else may be in flight. */
  async askBytes(...args: Argument[]): Promise<unknown> {
    this.#parser.setReturnBuffers(true);
    try {
      return await this.ask(...args);
    } finally {
      this.#parser.setReturnBuffers(false);
    }
  }

  /** From now on the server may be silent for as long as it likes. */
  waitForAnyTime(): void {
    this.#socket.setTimeout(0);
    this.#socket.setKeepAlive(true);
  }

  /**
   * Sends one command to which bulk strings are replied, any number of them up to an empty one, and
   * yields them. Nothing else may be in flight. Rejects at an error reply.
   */
  async *stream(...args: Argument[]): AsyncGenerator<Buffer, void, void> {
    const held: Buffer[] = [];
    let heldBytes = 0;
    let end: Error | 'end' | undefined;
    this.#parser.setReturnBuffers(true);
    this.send(args, (reply) => {
      if (!Buffer.isBuffer(reply))
        end = reply instanceof Error ? reply : new Error('no bulk string');
      else if (reply.length === 0) end = 'end';
      if (end !== undefined) return false;
      held.push(reply as Buffer);
      heldBytes += (reply as Buffer).length;
      if (heldBytes > STREAM_BYTES_MAX) this.#socket.pause();
      return true;
    });
    for (;;) {
      await this.#until(() => held.length > 0 || end !== undefined);
      const next = held.shift();
      if (next === undefined) break;
      heldBytes -= next.length;
      if (heldBytes <= STREAM_BYTES_MAX) this.#socket.resume();
      yield next;
    }
    this.#parser.setReturnBuffers(false);
    if (end instanceof Error) throw end;
  }

  get isFull(): boolean {
    return this.#waiting.length >= COMMANDS_MAX || this.#bytes >= BYTES_MAX;
  }

  /** Waits until there is room for more. Rejects if the connection is lost. */
  room(): Promise<void> {
    return this.#until(() => !this.isFull);
  }

  /** Waits until all replies have come. Rejects if the connection is lost. */
  idle(): Promise<void> {
    return this.#until(() => this.#waiting.length === 0);
  }

  close(): void {
    this.#socket.destroy();
  }

  async #until(holds: () => boolean): Promise<void> {
    this.#write();
    while (!holds()) {
      if (this.#error !== undefined) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#error !== undefined) throw this.#error;
  }

  #add(bytes: Buffer): void {
    this.#batch.push(bytes);
    this.#batchBytes += bytes.length;
  }

  #write(): void {
    if (this.#batchBytes === 0) return;
    this.#socket.write(Buffer.concat(this.#batch));
    this.#batch = [];
    this.#batchBytes = 0;
  }

  #answered(reply: unknown): void {
    const next = this.#waiting.peekFront();
    if (next === undefined) {
      this.#lost(new Error('an answer that nobody asked for'));
      return;
    }
    if (next.take(reply) !== true) {
      this.#waiting.shift();
      this.#bytes -= next.bytes;
    }
    this.#wake?.();
  }

  #lost(error: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
    this.#wake?.();
  }
}

const CRLF = Buffer.from('\r\n');

/** A connection that is ready for commands; an ExitError that says why there is none. */
export async function connectTo(at: ServerAddress): Promise<NodeClient> {
  let client: NodeClient;
  try {
    client = await NodeClient.open(at);
  } catch (error) {
    const code = systemCode(error);
    const reason = code === 'ECONNREFUSED' ? 'nothing listens there' : (code ?? String(error));
    throw new ExitError(`cannot reach ${printAddress(at)}: ${reason}`, EXIT_USAGE);
  }
  const password = process.env.DHASH_PASSWORD;
  const commands = password === undefined || password === '' ? [] : [['AUTH', password]];
  for (const command of [...commands, ['PING']]) {
    const reply = await client.ask(...command);
    if (!(reply instanceof Error)) continue;
    client.close();
    const hint = reply.message.startsWith('NOAUTH') ? ' (give the password in DHASH_PASSWORD)' : '';
    throw new ExitError(reply.message + hint, EXIT_USAGE);
  }
  return client;
}

/** What to end a command with after an error reply, or the loss of the connection. */
export function refused(error: unknown): unknown {
  return error instanceof Error && !(error instanceof ExitError)
    ? new ExitError(error.message)
    : error;
}
