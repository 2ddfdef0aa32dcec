/**
 * TurnLog: which groups each of the last turns has changed, for those who wait for their replicas.
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
  readonly groups: readonly Group[];
  walkCount: number;
  /** The turn with whose batches all is sent. */
  sentWith: number;
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
    const record = { first: turn, last: turn, groups, walkCount, sentWith: turn };
    this.#records.push(record);
    if (this.#records.length > TURNS_MAX) this.#records.shift();
    return record;
  }

  /** What the turns [first, last] have changed; undefined: not all of it is sent. */
  changedBy(first: number, last: number): { groups: Set<Group>; last: number } | undefined {
    const groups = new Set<Group>();
    let end = last;
    for (const record of this.#records) {
      if (record.last < first || record.first > last) continue;
      if (record.walkCount > 0) return undefined;
      if (record.sentWith > record.last) end = Math.max(end, record.sentWith);
      for (const group of record.groups) groups.add(group);
    }
    return { groups, last: end };
  }
}
