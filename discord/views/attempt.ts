/**
 * One attempt to decide the view of an epoch, seen from who leads it.
 *
 *   prepare(ballot) --> all          promise, with what was accepted <-- a majority of the members
 *   accept(ballot, view) --> all     accepted                        <-- a majority of the members;
 *                                       to settle, a majority of the next members, too
 *
 * If anybody of the majority had accepted a view, that of the highest ballot is proposed instead of
 * the own one: it may have been decided.
 *
 * Why settling needs more and rolling back does not: both need a majority of the current members,
 * so at most one of them is decided, whatever else is asked. The next members must have heard of
 * the view before they are on their own; but a ring of one whose newcomer dies has only itself to
 * roll back with. There the newcomer accepts first, so that nothing binds the ring before it has.
 */
import { type Member, memberOf, type View } from '../ring/view.js';
import { type Ballot, compareBallots } from './ballot.js';
import { isSettling } from './changes.js';
import type { Accepted } from './votes.js';

export class Attempt {
  readonly ballot: Ballot;
  readonly dueMs: number;
  readonly #view: View;
  readonly #wanted: View;
  readonly #promises = new Map<string, Accepted | undefined>();
  readonly #accepts = new Set<string>();
  /** What is proposed; undefined while promises are collected. */
  proposed: View | undefined;

  /** `view`: the current one. `wanted`: the one that should follow it. */
  constructor(view: View, wanted: View, ballot: Ballot, dueMs: number) {
    this.#view = view;
    this.#wanted = wanted;
    this.ballot = ballot;
    this.dueMs = dueMs;
  }

  /** Counts a promise. True: there is something to propose now. */
  promised(id: string, accepted: Accepted | undefined): boolean {
    if (this.proposed !== undefined) return false;
    this.#promises.set(id, accepted);
    if (!isMajority(this.#view.members, (each) => this.#promises.has(each))) return false;
    this.proposed = this.#choose();
    return true;
  }

  /** Whom to ask to accept, by id; who has accepted need not be asked again. */
  get accepters(): readonly string[] {
    const { members, next } = this.#view;
    const everybody = [...members, ...(next?.members ?? [])].map(({ id }) => id);
    const isTooFew = next !== undefined && members.length * 2 <= next.members.length;
    if (isTooFew && isSettling(this.#view, this.proposed!)) {
      const newcomers = everybody.filter((id) => memberOf(members, id) === undefined);
      if (newcomers.some((id) => !this.#accepts.has(id))) return newcomers;
    }
    return [...new Set(everybody)].filter((id) => !this.#accepts.has(id));
  }

  /** Counts an acceptance. True: the view is decided. */
  accepted(id: string): boolean {
    if (this.proposed === undefined) return false;
    this.#accepts.add(id);
    const hasAccepted = (each: string): boolean => this.#accepts.has(each);
    if (!isMajority(this.#view.members, hasAccepted)) return false;
    if (!isSettling(this.#view, this.proposed)) return true;
    return isMajority(this.#view.next!.members, hasAccepted);
  }

  #choose(): View {
    let best: Accepted | undefined;
    for (const [id, accepted] of this.#promises) {
      // Who is no member yet has a say in settling, not in what is proposed.
      if (accepted === undefined || memberOf(this.#view.members, id) === undefined) continue;
      if (best === undefined || compareBallots(accepted.ballot, best.ballot) > 0) best = accepted;
    }
    return best?.view ?? this.#wanted;
  }
}

function isMajority(members: readonly Member[], has: (id: string) => boolean): boolean {
  return members.filter(({ id }) => has(id)).length * 2 > members.length;
}
