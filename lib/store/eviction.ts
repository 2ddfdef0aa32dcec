/**
 * Eviction: keeps what the entries take below `maxmemory`, by Redis's policies.
 *
 * A victim is the best of `maxmemory-samples` keys drawn at random, as in Redis; `volatile-ttl`
 * needs no sample, since the heap of expiries knows the key that expires first. What is counted is
 * exact: the records of the trees and big values, with what waits to be freed.
 *
 * Source: Redis evict.c.
 */
import type { Leaf } from '../../radix/leaf.js';
import { lfuCounter, lruIdleSeconds } from './access.js';
import type { Database } from './database.js';
import type { Store } from './store.js';

/** Records of flushed databases freed between two comparisons with the limit. */
const RECLAIM_STEP_RECORDS = 256;
/** Keys that one command may evict; beyond it the command is refused and the next one goes on. */
const EVICTIONS_MAX = 4096;

export class Eviction {
  readonly #store: Store;
  evictedKeys = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Makes room; false if the entries still take more than `maxmemory`: writes are to be refused. */
  makeRoom(): boolean {
    const { space, settings } = this.#store;
    const limit = settings.maxmemory;
    for (let evicted = 0; space.usedBytes > limit; evicted += 1) {
      if (space.reclaimPending) {
        space.reclaimStep(RECLAIM_STEP_RECORDS);
        continue;
      }
      if (settings.maxmemoryPolicy === 'noeviction') return false;
      if (evicted === EVICTIONS_MAX || !this.#evictOne()) return false;
    }
    return true;
  }

  #evictOne(): boolean {
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
        const leaf = this.#draw(database, policy, size);
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
