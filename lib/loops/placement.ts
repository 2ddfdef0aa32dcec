/** Who holds a range, and who of them acts for it. */
import type { Ring } from '../../discord/ring/ring.js';
import type { Member } from '../../discord/ring/view.js';
import type { RingLinks } from '../ring/ring-links.js';

/** Those who hold what the member at `owner` owns, the owner first. */
export function replicasOf(ring: Ring, owner: number): Member[] {
  return Array.from(
    { length: ring.replicaCount },
    (_, n) => ring.members[ring.replicaOf(owner, n)]!,
  );
}

/** The first of them that is alive acts for all, as far as this member knows. */
export function isActing(ring: RingLinks, members: readonly Member[]): boolean {
  return members.find(({ id }) => ring.isAlive(id))?.id === ring.selfId;
}

/** Those of them that are alive, this member excepted. */
export function liveOthers(ring: RingLinks, members: readonly Member[]): Member[] {
  return members.filter(({ id }) => id !== ring.selfId && ring.isAlive(id));
}

/** More than half of so many. */
export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}
