/**
 * Reports changed ranges as filled in which there is nothing: their leader is the first live member
 * that holds them now, or will.
 */
import { comparePositions, type RingRange } from '../../discord/ring/position.js';
import type { Store } from '../store/store.js';
import type { RingLinks } from './ring-links.js';

export class EmptyRanges {
  readonly #ring: RingLinks;
  readonly #store: Store;

  constructor(ring: RingLinks, store: Store) {
    this.#ring = ring;
    this.#store = store;
    ring.listen({ view: () => this.report(), liveness: () => this.report() });
  }

  report(): void {
    const ring = this.#ring;
    if (!ring.isReady) return;
    const filled: number[] = [];
    for (const [index, range] of ring.responsibility.changedRanges().entries()) {
      const holders = [...range.current, ...range.next];
      const leader = holders.find(({ id }) => ring.isAlive(id));
      if (leader?.id === ring.selfId && this.#isEmpty(range)) filled.push(index);
    }
    if (filled.length > 0) ring.reportFilled(filled);
  }

  #isEmpty({ from, to }: RingRange): boolean {
    return this.#store.databases.every(({ tree }) => {
      if (tree.allCount === 0) return true;
      // Tombstones have no rank, and might lie there.
      if (tree.allCount !== tree.liveCount) return false;
      const upTo = tree.rank(to, 0, to.length, true);
      const before = tree.rank(from, 0, from.length, true);
      const isWrapped = comparePositions(from, to) >= 0;
      return (isWrapped ? tree.liveCount - before + upTo : upTo - before) === 0;
    });
  }
}
