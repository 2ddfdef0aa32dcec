/**
 * checkRing: whether what the members know fits together, for tests and simulation.
 *
 * The invariant is that of Zave, *How to Make Chord Correct* (2017). There each member keeps a
 * list of its successors and mends it by itself; here the list follows from the member's view: the
 * r = N - 1 members behind it. A member's *extended successor list* is itself and this list.
 *
 *   no duplicates           an extended successor list names nobody twice
 *   ordered                 it goes round the circle at most once
 *   one live successor      it names a live member besides the first
 *   sufficient principals   at least r + 1 members are principals: no list skips them, that is,
 *                           none names two neighbours between which they lie. A ring of r + 1 or
 *                           fewer, which Zave does not allow, may lack one: the subject of a change
 *
 * Members that are behind count only while they might still act: a request carries the epoch of
 * whoever sends it, and nobody answers for an old one. The *floor* is the highest epoch whose view
 * a majority of its own members has reached; lists below it are not looked at. Besides, all that
 * know an epoch must know the same view of it.
 */
import { comparePositions } from './position.js';
import { Ring } from './ring.js';
import type { Member, View } from './view.js';
import { encodeView } from './view-codec.js';

export interface KnownView {
  readonly id: string;
  readonly isLive: boolean;
  readonly view: View;
}

/**
 * What is wrong with these members of one cluster, one line each; nothing if all is well. `live`:
 * ids of those that are alive, if there are others than those of `all`.
 */
export function checkRing(
  all: readonly KnownView[],
  live: ReadonlySet<string> = new Set(all.filter(({ isLive }) => isLive).map(({ id }) => id)),
): string[] {
  const problems = disagreements(all);
  const newest = all.reduce((best, known) => (known.view.epoch > best.view.epoch ? known : best));
  const floor = floorOf(all);
  const acting = all.filter(({ id, isLive, view }) => {
    const isMember = newest.view.members.some((member) => member.id === id);
    return isLive && isMember && view.epoch >= floor && view.members.some((m) => m.id === id);
  });
  if (acting.length === 0) return problems;
  const listLength = Math.min(
    ...acting.map(({ view }) => new Ring(view.members, view.replicas).replicaCount),
  );
  const lists = acting.map(({ id, view }) => successorList(view, id, listLength));
  for (const list of lists) problems.push(...listProblems(list, live));
  const principals = newest.view.members.filter((member) => !lists.some((l) => skips(l, member)));
  const neededCount = Math.min(listLength, newest.view.members.length - 1);
  if (principals.length < neededCount) {
    problems.push(`${principals.length} principals, ${neededCount} are needed`);
  }
  return problems;
}

/** The member, and the `length - 1` members behind it. */
export function successorList(view: View, id: string, length: number): Member[] {
  const { members } = view;
  const at = members.findIndex((member) => member.id === id);
  return Array.from({ length }, (_, n) => members[(at + n) % members.length]!);
}

function disagreements(all: readonly KnownView[]): string[] {
  const byEpoch = new Map<string, KnownView>();
  const problems: string[] = [];
  for (const known of all) {
    const epoch = `${known.view.clusterId} ${known.view.epoch}`;
    const first = byEpoch.get(epoch);
    if (first === undefined) byEpoch.set(epoch, known);
    else if (first.view !== known.view && !encodeView(first.view).equals(encodeView(known.view))) {
      problems.push(`${first.id} and ${known.id} know two views of epoch ${known.view.epoch}`);
    }
  }
  return problems;
}

/** The highest epoch that a majority of the members of its view has reached; 0 if there is none. */
function floorOf(all: readonly KnownView[]): number {
  const epochOf = new Map(all.map(({ id, view }) => [id, view.epoch]));
  let floor = 0;
  for (const { view } of all) {
    const reached = view.members.filter(({ id }) => (epochOf.get(id) ?? 0) >= view.epoch).length;
    if (view.epoch > floor && reached * 2 > view.members.length) floor = view.epoch;
  }
  return floor;
}

function listProblems(list: readonly Member[], live: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  const first = list[0]!;
  if (new Set(list.map(({ id }) => id)).size < list.length) {
    problems.push(`the successors of ${first.id} name somebody twice`);
  }
  const wraps = list.filter(
    (member, at) => at > 0 && comparePositions(list[at - 1]!.position, member.position) >= 0,
  );
  const last = list.at(-1)!;
  const isRound = wraps.length === 0 || comparePositions(last.position, first.position) < 0;
  if (wraps.length > 1 || !isRound) problems.push(`the successors of ${first.id} go round twice`);
  if (list.length > 1 && !list.slice(1).some(({ id }) => live.has(id))) {
    problems.push(`no successor of ${first.id} is alive`);
  }
  return problems;
}

/** Whether the member lies between two neighbours of the list. */
function skips(list: readonly Member[], { position }: Member): boolean {
  for (let at = 1; at < list.length; at += 1) {
    const from = list[at - 1]!.position;
    const to = list[at]!.position;
    const isBehind = comparePositions(position, from) > 0;
    const isBefore = comparePositions(position, to) < 0;
    const isBetween = comparePositions(from, to) < 0 ? isBehind && isBefore : isBehind || isBefore;
    if (isBetween) return true;
  }
  return false;
}
