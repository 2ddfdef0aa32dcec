/**
 * Groups: which members hold the same keys, in the current view and in the next, and what of this
 * turn is for them.
 *
 *   key -> owner in the current view, owner in the next -> Group     two binary searches, no object
 *
 * Invariant: a group is asked for as many as its level says in the current view AND in the next:
 * whichever of the two will hold, a majority has the write.
 */
import type { Responsibility } from '../../discord/ring/responsibility.js';
import type { Ring } from '../../discord/ring/ring.js';
import type { Member } from '../../discord/ring/view.js';
import { ByteWriter } from '../../radix/sync/bytes.js';
import { neededOf } from './levels.js';
import type { ReplicaStream } from './replica-stream.js';

/** A replica: its stream, or null for this node itself. */
export type Holder = ReplicaStream | null;

export class Group {
  /** Replicas in the current view, and in the next one if there is one. */
  readonly views: readonly (readonly Holder[])[];
  /** Everybody of them but this node, each once. */
  readonly receivers: readonly ReplicaStream[];
  /** Records of the turn at hand that are in no batch yet. */
  readonly records = new ByteWriter();
  /** The last turn that has changed something of it. */
  turn = 0;

  constructor(views: readonly (readonly Holder[])[]) {
    this.views = views;
    const all = new Set(views.flat());
    this.receivers = [...all].filter((holder) => holder !== null);
  }

  /** Whether, counting the holders that `has`, a level has enough in every view. */
  isEnough(level: number, has: (holder: Holder) => boolean): boolean {
    return this.views.every((holders) => {
      return countOf(holders, has) >= neededOf(level, holders.length);
    });
  }

  /** How many of the current replicas there are, and how many of them `has`: for messages. */
  count(has: (holder: Holder) => boolean): { of: number; has: number } {
    const [current] = this.views;
    return { of: current!.length, has: countOf(current!, has) };
  }
}

export class Groups {
  /** Every member: who must hear of the clear of a database. */
  readonly everybody: Group;
  readonly #responsibility: Responsibility;
  readonly #holderOf: (member: Member) => Holder;
  readonly #groups: (Group | undefined)[] = [];

  constructor(responsibility: Responsibility, holderOf: (member: Member) => Holder) {
    this.#responsibility = responsibility;
    this.#holderOf = holderOf;
    const { members, next } = responsibility.view;
    const views = [members, ...(next === undefined ? [] : [next.members])];
    this.everybody = new Group(views.map((list) => list.map(holderOf)));
  }

  /** Of the key buf[from, to). */
  of(buf: Buffer, from: number, to: number): Group {
    const { current, next } = this.#responsibility;
    const owner = current.ownerOf(buf, from, to);
    const nextOwner = next === undefined ? 0 : next.ownerOf(buf, from, to);
    const at = owner * (next?.members.length ?? 1) + nextOwner;
    return (this.#groups[at] ??= this.#make(owner, nextOwner));
  }

  /** Of all keys. */
  *all(): Generator<Group> {
    const { current, next } = this.#responsibility;
    for (const { position } of [...current.members, ...(next?.members ?? [])]) {
      yield this.of(position, 0, position.length);
    }
  }

  #make(owner: number, nextOwner: number): Group {
    const { current, next } = this.#responsibility;
    const views = [this.#holders(current, owner)];
    if (next !== undefined) views.push(this.#holders(next, nextOwner));
    return new Group(views);
  }

  #holders(ring: Ring, owner: number): Holder[] {
    const { members, replicaCount } = ring;
    return Array.from({ length: replicaCount }, (_, n) =>
      this.#holderOf(members[ring.replicaOf(owner, n)]!),
    );
  }
}

function countOf(holders: readonly Holder[], has: (holder: Holder) => boolean): number {
  let count = 0;
  for (const holder of holders) if (has(holder)) count += 1;
  return count;
}
