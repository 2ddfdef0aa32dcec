/**
 * Eviction: keeps what the entries take below `maxmemory`, by Redis's policies.
 *
 * A victim is the best of `maxmemory-samples` keys drawn at random, as in Redis; `volatile-ttl`
 * needs no sample, since the heap of expiries knows the key that expires first. What is counted is
 * exact: the records of the trees and big values, with what waits to be freed.
 *
 * A member of a ring evicts the keys that it acts for: those that it only keeps copies of are read
 * elsewhere, so it does not know how long nobody has asked for them. Others go only if it finds none.
 *
 * A lower limit may leave so much in excess that making room takes long. So it is done in slices,
 * and who needs memory waits for the last of them.
 *
 * Source: Redis evict.c.
 */
import type { Leaf } from '../../radix/leaf.js';
import { lfuCounter, lruIdleSeconds } from './access.js';
import type { Database } from './database.js';
import type { Store } from './store.js';

/** Records of flushed databases freed between two comparisons with the limit. */
const RECLAIM_STEP_RECORDS = 256;
/** Keys evicted, or steps of records freed, between two looks at the clock. */
const LOOK_STEPS = 8;
/** Keys drawn, of which this member may act for none, instead of one; places of the heap looked at. */
const DRAWS_MAX = 8;
const HEAP_PLACES_MAX = 64;
/** Time that one command may spend on making room before it waits, ms. */
const SLICE_MS = 1;

/** more: time is up, and there is more to free. none: nothing is left that may be evicted. */
export type Room = 'enough' | 'more' | 'none';

export class Eviction {
  readonly #store: Store;
  evictedKeys = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether the entries take no more than `maxmemory`, if there is such a limit. */
  get hasRoom(): boolean {
    const { settings, space } = this.#store;
    return settings.maxmemory === 0 || space.usedBytes <= settings.maxmemory;
  }

  /** Makes room for as long as one command may; false if there is none to be had. */
  makeRoom(): boolean {
    return this.hasRoom || this.stepOfCommand() !== 'none';
  }

  /** Makes room for as long as one command may. */
  stepOfCommand(): Room {
    return this.step(this.#store.world.clock.monotonicMs() + SLICE_MS);
  }

  /** Makes room until the deadline (monotonic ms). */
  step(deadlineMs: number): Room {
    const { space, settings, world } = this.#store;
    for (let steps = 1; !this.hasRoom; steps += 1) {
      if (space.reclaimPending) space.reclaimStep(RECLAIM_STEP_RECORDS);
      else if (settings.maxmemoryPolicy === 'noeviction' || !this.#evictOne()) return 'none';
      if (steps % LOOK_STEPS === 0 && world.clock.monotonicMs() >= deadlineMs) break;
    }
    return this.hasRoom ? 'enough' : 'more';
  }

  #evictOne(): boolean {
    return (this.#store.actsFor !== undefined && this.#evictBest(true)) || this.#evictBest(false);
  }

  #evictBest(isOwn: boolean): boolean {
    const policy = this.#store.settings.maxmemoryPolicy;
    const isVolatile = policy.startsWith('volatile');
    let best: Leaf = 0;
    let bestDatabase: Database | undefined;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (const database of this.#store.databases) {
      const { tree } = database;
      const size = isVolatile ? tree.expiries.size : tree.liveCount;
      const samples = Math.min(size, policy.endsWith('ttl') ? 1 : this.#samples(policy));
      for (let sample = 0; sample < samples; sample += 1) {
        const leaf = isOwn
          ? this.#drawOwn(database, policy, size)
          : this.#draw(database, policy, size);
        if (leaf === 0) continue;
        const score = this.#score(database, leaf, policy);
        if (score <= bestScore) continue;
        best = leaf;
        bestDatabase = database;
        bestScore = score;
      }
    }
    if (bestDatabase === undefined) return false;
    const key = this.#store.keyScratch;
    const bytes = bestDatabase.tree.copyKey(best, key, 0);
    bestDatabase.evict(key, 0, bytes);
    this.evictedKeys += 1;
    return true;
  }

  #samples(policy: string): number {
    return policy.endsWith('random') ? 1 : this.#store.settings.maxmemorySamples;
  }

  /** 0: there may be none. */
  #drawOwn(database: Database, policy: string, size: number): Leaf {
    const { expiries } = database.tree;
    const isByExpiry = policy === 'volatile-ttl';
    const most = isByExpiry ? Math.min(size, HEAP_PLACES_MAX) : DRAWS_MAX;
    const key = this.#store.keyScratch;
    for (let n = 0; n < most; n += 1) {
      const leaf = isByExpiry ? expiries.leafAt(n) : this.#draw(database, policy, size);
      const bytes = database.tree.copyKey(leaf, key, 0);
      if (this.#store.actsFor?.(key, 0, bytes) === true) return leaf;
    }
    return 0;
  }

  #draw({ tree }: Database, policy: string, size: number): Leaf {
    if (policy === 'volatile-ttl') return tree.expiries.leafAt(0);
    const index = this.#store.world.random.below(size);
    return policy.startsWith('volatile') ? tree.expiries.leafAt(index) : tree.nth(index);
  }

  /** The higher, the better a victim. */
  #score({ tree }: Database, leaf: Leaf, policy: string): number {
    const store = this.#store;
    if (policy.endsWith('lru')) return lruIdleSeconds(tree.access(leaf), store.nowMs);
    if (policy.endsWith('lfu')) {
      return -lfuCounter(tree.access(leaf), store.nowMs, store.settings);
    }
    if (policy.endsWith('ttl')) return -tree.expiryMs(leaf);
    return store.world.random.float();
  }
}
