/**
 * Who is responsible for a key while the ring changes: its replicas in the current and in the next
 * view, and which ranges have to be filled before the next view may settle.
 *
 * Invariant: who is responsible for a range is the same for all of its keys, since no position of
 * either view lies within one of `elementaryRanges`.
 */
import { comparePositions, type RingRange } from './position.js';
import { Ring } from './ring.js';
import type { Member, View } from './view.js';

export interface ChangedRange extends RingRange {
  /** Who holds it now, owner first; and who will, in the next view. */
  readonly current: readonly Member[];
  readonly next: readonly Member[];
}

export class Responsibility {
  readonly view: View;
  readonly current: Ring;
  readonly next: Ring | undefined;

  constructor(view: View) {
    this.view = view;
    this.current = new Ring(view.members, view.replicas);
    this.next = view.next && new Ring(view.next.members, view.replicas);
  }

  /**
   * Who is responsible for the key buf[from, to), into `target`, each member once, the current
   * owner first; returns how many. `target` is cut to that.
   */
  find(buf: Buffer, from: number, to: number, target: Member[]): number {
    let count = this.#add(this.current, buf, from, to, target, 0);
    if (this.next !== undefined) count = this.#add(this.next, buf, from, to, target, count);
    target.length = count;
    return count;
  }

  /** Whether the member is responsible for the key buf[from, to) in either view. */
  isResponsible(id: string, buf: Buffer, from: number, to: number): boolean {
    return isReplica(this.current, id, buf, from, to) || isReplica(this.next, id, buf, from, to);
  }

  /** What somebody else will hold than does now. */
  changedRanges(): ChangedRange[] {
    const { current, next } = this;
    if (next === undefined) return [];
    return elementaryRanges(this.view)
      .map((range) => {
        const now = replicasAt(current, range.to);
        return { ...range, current: now, next: replicasAt(next, range.to) };
      })
      .filter((range) => !isSameSet(range.current, range.next));
  }

  #add(
    ring: Ring,
    buf: Buffer,
    from: number,
    to: number,
    target: Member[],
    knownCount: number,
  ): number {
    const owner = ring.ownerOf(buf, from, to);
    let count = knownCount;
    for (let n = 0; n < ring.replicaCount; n += 1) {
      const member = ring.members[ring.replicaOf(owner, n)]!;
      if (!hasMember(target, knownCount, member.id)) target[count++] = member;
    }
    return count;
  }
}

/** The circle cut at every position of the current and the next view. */
export function elementaryRanges(view: View): RingRange[] {
  const all = [...view.members, ...(view.next?.members ?? [])].map(({ position }) => position);
  all.sort(comparePositions);
  const positions = all.filter((one, at) => at === 0 || comparePositions(all[at - 1]!, one) !== 0);
  return positions.map((to, at) => ({ from: positions.at(at - 1)!, to }));
}

function replicasAt(ring: Ring, key: Buffer): Member[] {
  const owner = ring.ownerOf(key, 0, key.length);
  return Array.from(
    { length: ring.replicaCount },
    (_, n) => ring.members[ring.replicaOf(owner, n)]!,
  );
}

function isReplica(
  ring: Ring | undefined,
  id: string,
  buf: Buffer,
  from: number,
  to: number,
): boolean {
  if (ring === undefined) return false;
  const owner = ring.ownerOf(buf, from, to);
  for (let n = 0; n < ring.replicaCount; n += 1) {
    if (ring.members[ring.replicaOf(owner, n)]!.id === id) return true;
  }
  return false;
}

function hasMember(members: readonly Member[], count: number, id: string): boolean {
  for (let at = 0; at < count; at += 1) if (members[at]!.id === id) return true;
  return false;
}

function isSameSet(one: readonly Member[], other: readonly Member[]): boolean {
  return one.length === other.length && one.every(({ id }) => hasMember(other, other.length, id));
}
