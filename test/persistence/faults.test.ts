/**
 * A store of the log that fails at its n-th call, for every n: at the start, while clients write,
 * while the log is written anew, at the end. The node refuses to start and says why; or it goes on,
 * refuses writes while that lasts, and recovers by itself. What it has acknowledged is there after a
 * crash at that moment, and after a stop.
 */
import assert from 'node:assert';
import t from 'tap';
import { explainFolder } from '../../lib/persistence/open-folder.js';
import {
  type LogRange,
  type LogStore,
  type LogStoreCode,
  LogStoreError,
} from '../../world/log-store.js';
import { Kept, turning } from '../support/kept-node.js';
import type { LocalClient, LocalNode } from '../support/local.js';
import { ask, pass } from './scene.js';

const FSYNCS = ['always', 'everysec', 'no'] as const;
const KEYS = 8;
const STEPS = 12;
const VALUE_BYTES = 2000;

/** Counts the calls of the stores that it stands before, and lets some of them fail. */
class Faults {
  calls = 0;
  /** Calls [failFrom, failFrom + failCount) fail. */
  failFrom = Number.POSITIVE_INFINITY;
  failCount = 0;
  code: LogStoreCode = 'IO';

  readonly wrap = (store: LogStore): LogStore => {
    try {
      this.#call('open');
    } catch (error) {
      // What was opened here is open for nobody.
      void store.close();
      throw error;
    }
    return {
      batch: async (puts, deletes, sync) => {
        this.#call('batch');
        await store.batch(puts, deletes, sync);
      },
      sync: async () => {
        this.#call('sync');
        await store.sync();
      },
      iterate: (range) => this.#iterate(store, range),
      bytes: async () => {
        this.#call('bytes');
        return store.bytes();
      },
      close: async () => {
        await store.close();
        this.#call('close');
      },
    };
  };

  async *#iterate(
    store: LogStore,
    range: LogRange,
  ): ReturnType<LogStore['iterate']> & AsyncGenerator<never> {
    this.#call('iterate');
    for await (const pairs of store.iterate(range)) {
      yield pairs as never;
      this.#call('iterate');
    }
  }

  #call(name: string): void {
    this.calls += 1;
    const isBefore = this.calls < this.failFrom;
    if (isBefore || this.calls >= this.failFrom + this.failCount) return;
    throw new LogStoreError(this.code, `${name}: Input/output error`);
  }
}

/** What clients were told, of each key. */
class Told {
  readonly acknowledged = new Map<string, string>();
  /** Sent after that, with no reply or a refusal. */
  readonly open = new Map<string, string[]>();

  note(key: string, value: string, reply: unknown): void {
    if (reply === 'OK') {
      this.acknowledged.set(key, value);
      this.open.delete(key);
    } else {
      this.open.set(key, [...(this.open.get(key) ?? []), value]);
    }
  }

  async check(node: LocalNode, where: string): Promise<void> {
    const client = node.client();
    for (const [key, value] of this.acknowledged) {
      const found = client.send('GET', key) as string | null;
      const may = [value, ...(this.open.get(key) ?? [])];
      assert.ok(found !== null && may.includes(found), `${where}: ${key} is ${found?.slice(0, 9)}`);
    }
  }
}

class Run {
  readonly kept = new Kept();
  readonly faults = new Faults();
  readonly told = new Told();
  readonly fsync: (typeof FSYNCS)[number];
  readonly seen = new Set<string>();
  #step = 0;

  constructor(fsync: (typeof FSYNCS)[number]) {
    this.fsync = fsync;
    this.kept.wrap = this.faults.wrap;
  }

  /** A life without failures, so that there is something to load. */
  async prepare(): Promise<void> {
    const node = await this.#start(this.kept);
    await this.#write(node, STEPS / 2);
    this.#crash(node);
    this.faults.calls = 0;
  }

  /** False: there is no such call. */
  async failAt(call: number, count: number, code: LogStoreCode): Promise<boolean> {
    const { faults, kept, told } = this;
    Object.assign(faults, { failFrom: call, failCount: count, code });
    let node: LocalNode;
    try {
      node = await this.#start(kept);
    } catch (error) {
      assert.match(explainFolder(error, '/kept') ?? '', /^\/kept |disk of \/kept/);
      this.seen.add('refuses to start');
      faults.failCount = 0;
      kept.log.isOpen = false;
      node = await this.#start(kept);
    }
    await told.check(node, 'after the start');
    await this.#write(node, STEPS);
    const wasReached = faults.calls >= call;
    await this.#recover(node);
    await told.check(node, 'while it runs');
    const crashed = kept.clone();
    crashed.wrap = (store) => store;
    await told.check(await this.#start(crashed), 'after a crash');
    const calls = faults.calls;
    if (!wasReached) Object.assign(faults, { failFrom: call, failCount: count });
    // A store that cannot be closed is an error of the stop, and nothing more.
    await turning(node, node.node.stop()).catch(() => this.seen.add('cannot close'));
    faults.failCount = 0;
    kept.nowMs = node.world.nowMs;
    kept.log.isOpen = false;
    await told.check(await this.#start(kept), 'after a stop');
    return wasReached || faults.calls >= call || calls >= call;
  }

  async #start(kept: Kept): Promise<LocalNode> {
    return kept.start((settings) => {
      settings.fsync = this.fsync;
    });
  }

  #crash(node: LocalNode): void {
    this.kept.nowMs = node.world.nowMs;
    this.kept.log.isOpen = false;
  }

  async #write(node: LocalNode, steps: number): Promise<void> {
    let client = node.client();
    for (let i = 0; i < steps; i += 1) {
      this.#step += 1;
      const key = `k${this.#step % KEYS}`;
      const value = `${this.#step}`.padEnd(VALUE_BYTES, 'v');
      const reply = await ask(node, client, 'SET', key, value);
      this.told.note(key, value, reply);
      this.seen.add(String(reply).slice(0, 8));
      if (i % 8 === 3) this.seen.add(`save ${String(await ask(node, client, 'SAVE')).slice(0, 8)}`);
      if (i % 8 === 5) await ask(node, client, 'BGREWRITEAOF');
      if (i % 4 === 1) await pass(node, 400);
      if (client.link.closed) client = node.client();
      await this.#reads(node);
    }
  }

  /** Whatever the disk does, reads are answered. */
  async #reads(node: LocalNode): Promise<void> {
    const client = node.client();
    assert.equal(await ask(node, client, 'EXISTS', 'none'), 0);
    client.link.destroy();
  }

  async #recover(node: LocalNode): Promise<void> {
    let client: LocalClient = node.client();
    for (let tries = 0; tries < 100; tries += 1) {
      if (client.link.closed) client = node.client();
      const reply = await ask(node, client, 'SET', 'after', `${this.#step}`);
      this.told.note('after', `${this.#step}`, reply);
      if (reply === 'OK') return;
      await pass(node, 300);
    }
    throw new Error('it does not take writes again');
  }
}

/** With ALL=1 each with each. */
const ALL_FAULTS = [
  ['IO', 1],
  ['IO', 4],
  ['NO_SPACE', 2],
  ['CORRUPT', 1],
] as const;
const cases =
  process.env['ALL'] === undefined
    ? ([
        ['always', 'IO', 1],
        ['everysec', 'NO_SPACE', 3],
      ] as const)
    : FSYNCS.flatMap((fsync) => ALL_FAULTS.map(([code, count]) => [fsync, code, count] as const));

for (const [fsync, code, count] of cases) {
  void t.test(`${fsync}: ${code}, ${count} in a row`, { timeout: 100_000 }, async (t) => {
    const seen = new Set<string>();
    let call = 1;
    for (let isThere = true; isThere; call += 1) {
      const run = new Run(fsync);
      await run.prepare();
      try {
        isThere = await run.failAt(call, count, code);
      } catch (error) {
        t.fail(`call ${call}: ${(error as Error).stack}`);
      }
      for (const each of run.seen) seen.add(each);
    }
    t.comment(`${call} calls: ${[...seen].join(', ')}`);
    t.ok(call > 20, `${call} calls`);
    for (const each of ['OK', '-MISCONF', 'refuses to start']) t.ok(seen.has(each), each);
  });
}
