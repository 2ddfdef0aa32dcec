/**
 * Load on a ring from an ordinary client (ioredis), and what it may rely on: each of its keys has one
 * writer, which counts up; what was acknowledged is read again, or something newer. Each writer has a
 * set, too, of which nothing is ever removed.
 *
 *   const load = new RingLoad([node, other]);   // a connection to each
 *   load.start();
 *   ... trouble ...
 *   await load.quiet();                         // every key can be written again
 *   await load.stop();
 *   t.strictSame(await load.lost(), []);
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { ServerProcess } from './server-process.js';
import { until } from './until.js';

const KEYS_PER_WRITER = 60;
const WRITERS_PER_NODE = 3;
const RETRY_MS = 20;
/** A writer rests so long after each write: the nodes shall have work, not all of the machine. */
const REST_MS = 2;
const QUIET_MS = 1500;
/** What may be said of a write that was not applied, or is in doubt, and of a lost connection. */
const EXPECTED =
  /^(INDOUBT|TRYAGAIN|NOQUORUM|CLUSTERDOWN|LOADING)|Connection is closed|ECONN|Stream isn't writeable|max retries/;

export interface LoadError {
  readonly atMs: number;
  readonly text: string;
}

export class RingLoad {
  readonly errors: LoadError[] = [];
  /** Reads that showed less than had been acknowledged before they began. */
  readonly stale: string[] = [];
  writes = 0;
  readonly #clients: Redis[];
  readonly #acknowledged = new Map<string, number>();
  readonly #members = new Map<string, number[]>();
  #isRunning = false;
  #writers: Promise<void>[] = [];

  constructor(nodes: readonly ServerProcess[]) {
    this.#clients = nodes.map(({ host, port }) => {
      const client = new Redis(port, host, { retryStrategy: () => 50, maxRetriesPerRequest: null });
      client.on('error', () => {});
      return client;
    });
  }

  /** Errors that nothing explains. */
  get unexpected(): string[] {
    return this.errors.map(({ text }) => text).filter((text) => !EXPECTED.test(text));
  }

  start(): void {
    this.#isRunning = true;
    this.#writers = this.#clients.flatMap((client, at) =>
      Array.from({ length: WRITERS_PER_NODE }, (_, n) => this.#write(client, `${at}:${n}`)),
    );
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await Promise.all(this.#writers);
  }

  /** Until nobody has seen an error for a while, and writes go on. */
  async quiet(limitMs = 60_000): Promise<void> {
    const startMs = performance.now();
    const { writes } = this;
    await until(
      'the load is quiet',
      () => {
        const lastMs = Math.max(startMs, this.errors.at(-1)?.atMs ?? 0);
        return performance.now() - lastMs > QUIET_MS && this.writes > writes;
      },
      limitMs,
    );
  }

  /** Keys of which less is there than was acknowledged, read at `quorum` through every client. */
  async lost(): Promise<string[]> {
    const lost: string[] = [];
    for (const client of this.#clients) {
      for (const [key, wanted] of this.#acknowledged) {
        const found = Number(await client.call('AT', 'quorum', 'GET', key));
        if (!(found >= wanted)) lost.push(`${key}: ${found}, acknowledged ${wanted}`);
      }
    }
    for (const [key, members] of this.#members) {
      const found = new Set(await this.#clients[0]!.smembers(key));
      for (const member of members) {
        if (!found.has(String(member))) lost.push(`${member} of ${key}`);
      }
    }
    return lost;
  }

  close(): void {
    this.#isRunning = false;
    for (const client of this.#clients) client.disconnect();
  }

  async #write(client: Redis, name: string): Promise<void> {
    const members: number[] = [];
    this.#members.set(`set:${name}`, members);
    for (let n = 1; this.#isRunning; n += 1) {
      const key = `${String(n % KEYS_PER_WRITER).padStart(3, '0')}:${name}`;
      if (n % 4 === 0) await this.#read(client, key);
      const set = async (): Promise<void> => {
        const reply = await client.set(key, n);
        if (reply !== 'OK') this.#misplaced(`SET ${key}`, reply);
      };
      while (this.#isRunning && !(await this.#tried(set))) await pause(RETRY_MS);
      if (!this.#isRunning) return;
      this.#acknowledged.set(key, n);
      this.writes += 1;
      if (n % 5 === 0 && (await this.#tried(() => client.sadd(`set:${name}`, n)))) members.push(n);
      await pause(REST_MS);
    }
  }

  async #read(client: Redis, key: string): Promise<void> {
    const wanted = this.#acknowledged.get(key) ?? 0;
    await this.#tried(async () => {
      const reply = await client.call('AT', 'quorum', 'GET', key);
      const found = Number(reply);
      if (Number.isNaN(found)) this.#misplaced(`GET ${key}`, reply);
      if (found < wanted) this.stale.push(`${key}: ${found}, acknowledged ${wanted}`);
    });
  }

  /** A reply that belongs to another command. */
  #misplaced(command: string, reply: unknown): void {
    this.errors.push({ atMs: performance.now(), text: `${command} was answered ${String(reply)}` });
  }

  async #tried(action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      this.errors.push({ atMs: performance.now(), text: (error as Error).message });
      return false;
    }
  }
}
