/**
 * TurnLog: which groups each turn has changed, for those who wait for their replicas: of the last
 * turns exactly, of those long ago by and large.
 *
 * What a turn has changed may be sent in later turns (walks.ts): it is complete with the last of
 * them.
 */
import type { Group } from './groups.js';
import { TURNS_MAX } from './limits.js';

export interface TurnRecord {
  /** Turns that follow each other and have changed the same are one record. */
  readonly first: number;
  last: number;
  groups: readonly Group[];
  walkCount: number;
  /** The turn with whose batches all is sent. */
  sentWith: number;
  /** The same of what was joined to it, where it was later than that; 0: nothing. */
  readonly joinedWith: number;
}

export class TurnLog {
  #records: TurnRecord[] = [];

  add(turn: number, groups: readonly Group[], walkCount: number): TurnRecord {
    const before = this.#records.at(-1);
    const isLikeBefore =
      before !== undefined &&
      walkCount === 0 &&
      before.walkCount === 0 &&
      before.sentWith === before.last &&
      groups.length === 1 &&
      before.groups.length === 1 &&
      before.groups[0] === groups[0];
    if (isLikeBefore) {
      before.last = turn;
      before.sentWith = turn;
      return before;
    }
    const record = { first: turn, last: turn, groups, walkCount, sentWith: turn, joinedWith: 0 };
    this.#records.push(record);
    if (this.#records.length > TURNS_MAX) this.#coarsen();
    return record;
  }

  /**
   * Makes room: of the older half two in a row become one that has changed what both have. So nothing
   * is forgotten, and who waits for one of them waits for more replicas than need be.
   */
  #coarsen(): void {
    const records = this.#records;
    const middle = records.length >>> 1;
    const older: TurnRecord[] = [];
    for (let at = 0; at < middle; at += 1) {
      const one = records[at]!;
      const other = records[at + 1]!;
      // A walk ends in the record that it belongs to.
      if (at + 1 < middle && one.walkCount === 0 && other.walkCount === 0) {
        older.push(joined(one, other));
        at += 1;
      } else older.push(one);
    }
    this.#records = [...older, ...records.slice(middle)];
  }

  /**
   * Those who hold what is not safe are others now, and have it with `turn`. `regrouped` is told of each
   * record whose groups are others, with those before.
   */
  regroup(
    turn: number,
    isSafe: (groups: readonly Group[], first: number, last: number) => boolean,
    regrouped: (record: TurnRecord, before: readonly Group[]) => void,
  ): void {
    for (const record of this.#records) {
      const { first, groups, last, walkCount } = record;
      if (walkCount === 0 && isSafe(groups, first, Math.max(last, lateOf(record)))) continue;
      record.groups = [...new Set(groups.flatMap(({ latest }) => latest))];
      record.sentWith = turn;
      regrouped(record, groups);
    }
  }

  /** What the turns [first, last] have changed; undefined: not all of it is sent. */
  changedBy(first: number, last: number): { groups: Set<Group>; last: number } | undefined {
    const groups = new Set<Group>();
    let end = last;
    // Those who ask wait for the last turns.
    for (let at = this.#records.length - 1; at >= 0; at -= 1) {
      const record = this.#records[at]!;
      if (record.last < first) break;
      if (record.first > last) continue;
      if (record.walkCount > 0) return undefined;
      end = Math.max(end, lateOf(record));
      for (const group of record.groups) groups.add(group);
    }
    return { groups, last: end };
  }
}

function joined(one: TurnRecord, other: TurnRecord): TurnRecord {
  return {
    first: one.first,
    last: other.last,
    groups: [...new Set([...one.groups, ...other.groups])],
    walkCount: 0,
    sentWith: other.last,
    joinedWith: Math.max(lateOf(one), lateOf(other)),
  };
}

/** The turn later than its own with which the rest of it was sent; 0: there is none. */
function lateOf({ joinedWith, last, sentWith }: TurnRecord): number {
  return Math.max(joinedWith, sentWith > last ? sentWith : 0);
}
