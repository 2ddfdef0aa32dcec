/** What of a store lies in a range, as sync sees it: the digest of it, and how many entries. */
import type { RingRange } from '../../discord/ring/position.js';
import type { SyncDatabase } from '../../radix/sync/database.js';
import { type Prefix, Replica } from '../../radix/sync/replica.js';
import type { RingLinks } from '../ring/ring-links.js';
import { ReplicatedDatabase } from '../store/replicated-database.js';
import type { Store } from '../store/store.js';

export function syncDatabases(store: Store): SyncDatabase[] {
  return store.databases.map((database) => new ReplicatedDatabase(database));
}

/** What expired before this is gone everywhere, however clocks differ; ms since 1970. */
export function expiredUntilMs(store: Store): number {
  return store.world.clock.wallMs() - store.settings.clockSkewMaxMs;
}

export function digestOf(store: Store, range: RingRange): Prefix {
  return new Replica(syncDatabases(store), range).prefix(null);
}

export function isSameDigest(one: Prefix, other: Prefix): boolean {
  return one.count === other.count && one.low === other.low && one.high === other.high;
}

/**
 * Entries in a range, tombstones and elements of sub trees among them. `from` equal to `to` is the
 * whole circle.
 */
export function entriesIn(store: Store, range: RingRange): number {
  let entries = 0;
  for (const { tree } of store.databases) {
    if (tree.root !== 0) entries += tree.rangeDigest(range.from, range.to).all;
  }
  return entries;
}

/** Keys in a range that users see, unless they have expired. */
export function keysIn(store: Store, range: RingRange): number {
  let keys = 0;
  for (const { tree } of store.databases) {
    if (tree.root !== 0) keys += tree.rangeDigest(range.from, range.to).live;
  }
  return keys;
}

/** Entries that this node holds and should not. */
export function misplacedIn(store: Store, ring: RingLinks): number {
  const { current } = ring.responsibility;
  const self = ring.selfIndex;
  const all = store.databases.reduce((sum, { tree }) => sum + tree.allCount, 0);
  if (self < 0) return all;
  const count = current.members.length;
  if (current.replicaCount === count) return 0;
  // What it holds is one piece: from before the last member whose replica it is, up to its own.
  const first = (self - current.replicaCount + 1 + count) % count;
  const held = { from: current.rangeOf(first).from, to: current.rangeOf(self).to };
  return all - entriesIn(store, held);
}
