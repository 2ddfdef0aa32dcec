/**
 * Strays: entries from members that the ring does not count on for a key, such as those that were
 * evicted and come back. What is deleted nobody keeps for them (docs/decisions/0019).
 */
import type { Store } from '../store/store.js';
import type { RingLinks } from './ring-links.js';

/** Whether an entry with this stamp may be one that was deleted while the member was away. */
export function strayFilter(
  store: Store,
  ring: RingLinks,
  memberId: string,
): (key: Buffer, stamp: number) => boolean {
  return (key, stamp) => {
    if (!store.isCollected(key, stamp) || !ring.isReady) return false;
    return !ring.responsibility.isResponsible(memberId, key, 0, key.length);
  };
}
