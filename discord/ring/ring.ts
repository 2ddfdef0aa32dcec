/**
 * Ring: whose a key is, among a list of members.
 *
 *            position 0x20        0x80             0xe0
 *   ...e0 ]----------- A ]---------- B ]------------- C ]------ A...
 *         key 0x10 -> A    0x80 -> B     0x81 -> C      0xff -> A      N = 2: and the next one
 *
 * The owner is the first member whose position is not below the key, the replicas are the owner
 * and those behind it. A lookup is a binary search that allocates nothing; members are told by
 * their index in `members`, so that no object is needed for an answer.
 */
import { type RingRange } from './position.js';
import type { Member } from './view.js';

export class Ring {
  readonly members: readonly Member[];
  /** How many members hold a key: N, or fewer while the ring is smaller. */
  readonly replicaCount: number;

  constructor(members: readonly Member[], replicas: number) {
    this.members = members;
    this.replicaCount = Math.min(replicas, members.length);
  }

  /** Index of the owner of the key buf[from, to). */
  ownerOf(buf: Buffer, from: number, to: number): number {
    const { members } = this;
    let low = 0;
    let high = members.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBehind(buf, from, to, members[middle]!.position)) low = middle + 1;
      else high = middle;
    }
    return low === members.length ? 0 : low;
  }

  /** Index of the n-th replica (the owner is the 0th) of what `owner` owns. */
  replicaOf(owner: number, n: number): number {
    return (owner + n) % this.members.length;
  }

  /** Whether the member at `index` holds what `owner` owns. */
  holds(index: number, owner: number): boolean {
    const count = this.members.length;
    return (index - owner + count) % count < this.replicaCount;
  }

  /** What the member at `index` owns. */
  rangeOf(index: number): RingRange {
    const count = this.members.length;
    const before = this.members[(index + count - 1) % count]!;
    return { from: before.position, to: this.members[index]!.position };
  }

  indexOf(id: string): number {
    return this.members.findIndex((member) => member.id === id);
  }
}

/**
 * Whether the key buf[from, to) is behind a position. Keys and positions differ after a few bytes,
 * mostly: a loop over them costs a tenth of a call of Buffer.compare.
 */
function isBehind(buf: Buffer, from: number, to: number, position: Buffer): boolean {
  const { length } = position;
  const common = Math.min(to - from, length);
  for (let i = 0; i < common; i++) {
    const order = buf[from + i]! - position[i]!;
    if (order !== 0) return order > 0;
  }
  return to - from > length;
}
