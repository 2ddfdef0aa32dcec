/**
 * One connection of the load generator: keeps up to `pipeline` commands in flight and times each.
 *
 * Invariant: `sentAt` holds one time per command in flight, oldest first, since a server answers in
 * order. All commands that one turn sends leave in one write.
 */

import { connect, type Socket } from 'node:net';
import Denque from 'denque';
import RedisParser from 'redis-parser';
import type { ServerAddress } from '../address.js';

export interface ClientEvents {
  /** Bytes of up to `roomCount` further commands, or undefined when enough has been sent. */
  nextCommands(roomCount: number): { bytes: Buffer; count: number } | undefined;
  answered(usec: number, error: Error | undefined): void;
  /** Nothing is in flight and there is nothing more to send. */
  idle(): void;
  lost(error: Error): void;
}

export class BenchClient {
  readonly #socket: Socket;
  readonly #parser: RedisParser;
  readonly #sentAt = new Denque<number>();
  readonly #pipeline: number;
  #events: ClientEvents | undefined;
  #error: Error | undefined;
  #answeredAt = 0;
  /** Answers that belong to the set-up (AUTH) and are not timed. */
  #waiting: ((reply: unknown) => void) | undefined;

  private constructor(socket: Socket, pipeline: number) {
    this.#socket = socket;
    this.#pipeline = pipeline;
    this.#parser = new RedisParser({
      returnBuffers: true,
      returnReply: (reply) => this.#answered(reply, undefined),
      returnError: (error) => this.#answered(error, error),
      returnFatalError: (error) => this.#lost(error),
    });
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#arrived(bytes));
    socket.on('error', (error) => this.#lost(error));
    socket.on('close', () => this.#lost(new Error('the server closed the connection')));
  }

  /** Connects, or rejects with Node's error codes. */
  static open(address: ServerAddress, pipeline: number): Promise<BenchClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...address });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new BenchClient(socket, pipeline));
      });
    });
  }

  /** Sends one command and resolves with its answer; an error reply resolves, too, as an Error. */
  ask(bytes: Buffer): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#error !== undefined) return reject(this.#error);
      this.#waiting = resolve;
      this.#socket.once('close', () => reject(this.#error ?? new Error('connection lost')));
      this.#socket.write(bytes);
    });
  }

  start(events: ClientEvents): void {
    this.#events = events;
    if (this.#error !== undefined) events.lost(this.#error);
    else this.#fill();
  }

  close(): void {
    this.#events = undefined;
    this.#socket.destroy();
  }

  #fill(): void {
    const events = this.#events;
    if (events === undefined) return;
    const next = events.nextCommands(this.#pipeline - this.#sentAt.length);
    if (next !== undefined) {
      const now = performance.now();
      for (let index = 0; index < next.count; index++) this.#sentAt.push(now);
      this.#socket.write(next.bytes);
    } else if (this.#sentAt.length === 0) {
      this.#events = undefined;
      events.idle();
    }
  }

  #arrived(bytes: Buffer): void {
    this.#answeredAt = performance.now();
    this.#parser.execute(bytes);
    if (this.#sentAt.length < this.#pipeline) this.#fill();
  }

  #answered(reply: unknown, error: Error | undefined): void {
    if (this.#waiting !== undefined) {
      const answer = this.#waiting;
      this.#waiting = undefined;
      answer(reply);
      return;
    }
    const sentAt = this.#sentAt.shift();
    if (sentAt === undefined) return this.#lost(new Error('an answer that nobody asked for'));
    this.#events?.answered((this.#answeredAt - sentAt) * 1000, error);
  }

  #lost(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#socket.destroy();
    const events = this.#events;
    this.#events = undefined;
    events?.lost(error);
  }
}
