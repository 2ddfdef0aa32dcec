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
  /** Who holds its keys since the view changed; undefined: it is of the view that holds. */
  #heirs: readonly Group[] | undefined;

  constructor(views: readonly (readonly Holder[])[]) {
    this.views = views;
    const all = new Set(views.flat());
    this.receivers = [...all].filter((holder) => holder !== null);
  }

  /** The groups that hold its keys now: itself, until the view changes. */
  get latest(): readonly Group[] {
    if (this.#heirs === undefined) return [this];
    return [...new Set(this.#heirs.flatMap((heir) => heir.latest))];
  }

  inheritedBy(heirs: readonly Group[]): void {
    this.#heirs = heirs;
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
    const at = this.#indexOf(owner, nextOwner);
    return (this.#groups[at] ??= this.#make(owner, nextOwner));
  }

  /** Undefined: nothing of it was changed. */
  #made(key: Buffer): Group | undefined {
    const { current, next } = this.#responsibility;
    const nextOwner = next?.ownerOf(key, 0, key.length) ?? 0;
    return this.#groups[this.#indexOf(current.ownerOf(key, 0, key.length), nextOwner)];
  }

  #indexOf(owner: number, nextOwner: number): number {
    return owner * (this.#responsibility.next?.members.length ?? 1) + nextOwner;
  }

  /**
   * The view has changed: tells each of the groups before who holds its keys now. No position of either
   * view lies within a range between two of them, so the positions tell of all keys.
   */
  succeed(before: Groups): void {
    const heirs = new Map<Group, Set<Group>>([[before.everybody, new Set([this.everybody])]]);
    for (const position of [...before.#positions(), ...this.#positions()]) {
      const group = before.#made(position);
      if (group === undefined) continue;
      const heir = this.of(position, 0, position.length);
      const known = heirs.get(group);
      if (known === undefined) heirs.set(group, new Set([heir]));
      else known.add(heir);
    }
    for (const [group, its] of heirs) group.inheritedBy([...its]);
  }

  /** Of all keys. */
  *all(): Generator<Group> {
    for (const position of this.#positions()) yield this.of(position, 0, position.length);
  }

  #positions(): Buffer[] {
    const { current, next } = this.#responsibility;
    return [...current.members, ...(next?.members ?? [])].map(({ position }) => position);
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

/** Whether a replica has all that the turns [first, last] have changed; this node always has. */
export function isSafeAt(holder: Holder, first: number, last: number): boolean {
  return holder === null || holder.isSafe(first, last);
}

function countOf(holders: readonly Holder[], has: (holder: Holder) => boolean): number {
  let count = 0;
  for (const holder of holders) if (has(holder)) count += 1;
  return count;
}
