/**
 * One connection that writes: commands go out in pieces, replies are counted off as they come.
 *
 * Invariant: `#waiting` holds what takes the reply of each command in flight, oldest first.
 * Memory: whoever sends waits for `room` now and then, so at most COMMANDS_MAX commands and about
 * BYTES_MAX bytes (and one command) are in flight.
 */
import { connect, type Socket } from 'node:net';
import Denque from 'denque';
import RedisParser from 'redis-parser';
import type { ServerAddress } from '../address.js';

const COMMANDS_MAX = 1024;
const BYTES_MAX = 8 * 1024 * 1024;
/** Commands are collected up to here before they are written. */
const BATCH_BYTES = 64 * 1024;
/** How long the server may keep silent while it owes replies, ms. */
const SILENCE_MS_MAX = 60_000;

export type Argument = Buffer | string;
/** An error reply comes as an Error. */
type Take = (reply: unknown) => void;

export class ImportClient {
  readonly #socket: Socket;
  readonly #waiting = new Denque<{ readonly take: Take; readonly bytes: number }>();
  #bytes = 0;
  #batch: Buffer[] = [];
  #batchBytes = 0;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const parser = new RedisParser({
      returnBuffers: false,
      returnReply: (reply) => this.#answered(reply),
      returnError: (error) => this.#answered(error),
      returnFatalError: (error) => this.#lost(error),
    });
    socket.setNoDelay(true);
    socket.setTimeout(SILENCE_MS_MAX, () => {
      if (this.#waiting.length > 0) this.#lost(new Error('the server does not answer'));
    });
    socket.on('data', (bytes: Buffer) => parser.execute(bytes));
    socket.on('error', (error) => this.#lost(error));
    socket.on('close', () => this.#lost(new Error('the server closed the connection')));
  }

  /** Connects, or rejects with Node's error codes. */
  static open(address: ServerAddress): Promise<ImportClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...address });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new ImportClient(socket));
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
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#lost(new Error('an answer that nobody asked for'));
      return;
    }
    this.#bytes -= next.bytes;
    next.take(reply);
    this.#wake?.();
  }

  #lost(error: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
    this.#wake?.();
  }
}

const CRLF = Buffer.from('\r\n');
