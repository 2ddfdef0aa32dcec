/** A node over a log that can be held up, or be full. */
import { type LogStore, LogStoreError } from '../../world/log-store.js';
import { Kept } from '../support/kept-node.js';
import type { LocalClient, LocalNode } from '../support/local.js';

/** A disk that can be held up, or be full. */
export class Valve {
  isFull = false;
  isHeld = false;
  batches = 0;
  synced = 0;
  #waiting: (() => void)[] = [];

  readonly wrap = (store: LogStore): LogStore => ({
    batch: async (puts, deletes, sync) => {
      await this.#pass();
      this.batches += 1;
      if (sync) this.synced += 1;
      await store.batch(puts, deletes, sync);
    },
    sync: async () => {
      await this.#pass();
      await store.sync();
    },
    iterate: (range) => store.iterate(range),
    bytes: () => store.bytes(),
    close: () => store.close(),
  });

  open(): void {
    this.isHeld = false;
    for (const go of this.#waiting.splice(0)) go();
  }

  async #pass(): Promise<void> {
    if (this.isHeld) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.isFull) throw new LogStoreError('NO_SPACE', 'No space left on device');
  }
}

/** Holds the syncs of a file up. */
export class Gate {
  count = 0;
  #waiting: (() => void)[] = [];
  readonly #kept: Kept;

  constructor(kept: Kept, path: string) {
    this.#kept = kept;
    kept.disk.before = (call, of) => {
      if (call !== 'sync' || of !== path) return undefined;
      this.count += 1;
      return new Promise<void>((resolve) => this.#waiting.push(resolve));
    };
  }

  open(): void {
    const { before } = this.#kept.disk;
    this.#kept.disk.before = (call, of) => {
      // Counted on, and let through.
      void before(call, of);
      this.#letThrough();
    };
    this.#letThrough();
  }

  #letThrough(): void {
    for (const go of this.#waiting.splice(0)) go();
  }
}

export interface Scene {
  readonly kept: Kept;
  readonly valve: Valve;
  readonly node: LocalNode;
  readonly client: LocalClient;
}

export async function scene(fsync: 'always' | 'everysec' | 'no' = 'everysec'): Promise<Scene> {
  const kept = new Kept();
  const valve = new Valve();
  kept.wrap = valve.wrap;
  const node = await kept.start((settings) => {
    settings.fsync = fsync;
    settings.enableDebugCommand = 'yes';
  });
  return { kept, valve, node, client: node.client() };
}

/** Lets time pass and promises settle. */
export async function pass(node: LocalNode, ms = 0): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) {
    node.world.advance(ms / 20);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Sends a command and waits, turn by turn, for its reply. */
export async function ask(
  node: LocalNode,
  client: LocalClient,
  ...parts: string[]
): Promise<unknown> {
  client.post(...parts);
  for (let turns = 0; turns < 200; turns += 1) {
    const [reply] = client.received();
    if (reply !== undefined) return reply;
    await pass(node, 20);
    if (client.link.closed) return '(closed)';
  }
  return '(nothing)';
}
