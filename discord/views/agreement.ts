/**
 * How members agree on the view of the next epoch: both sides of Paxos (votes.ts, attempt.ts), and
 * how those who missed it hear of what was decided.
 *
 * The acceptors of an epoch are told by the view before it, so nobody votes who does not know that
 * view: who is behind fetches it first, and who asks for votes of a past epoch gets the view instead.
 *
 * Invariant: there is one view of each epoch of a ring, ever.
 */
import type { Random } from '../../world/world.js';
import { type Member, memberOf, type View } from '../ring/view.js';
import { Attempt } from './attempt.js';
import { isSameBallot } from './ballot.js';
import { forcedView } from './force.js';
import type { ViewMessage, Vote } from './messages.js';
import type { ViewSettings } from './options.js';
import type { Contact, Outbox } from './outbox.js';
import type { Votes } from './votes.js';

export interface AgreementParts {
  readonly id: string;
  readonly votes: Votes;
  readonly random: Random;
  readonly out: Outbox;
}

export class Agreement {
  readonly votes: Votes;
  /** When this member may propose again. */
  nextTryMs = 0;
  readonly #id: string;
  readonly #random: Random;
  readonly #out: Outbox;
  readonly #settings: ViewSettings;
  #attempt: Attempt | undefined;
  #pauseMs: number;
  /** The highest round that this member has heard of, of any epoch. */
  #roundSeen = 0;

  constructor(parts: AgreementParts, settings: ViewSettings) {
    this.votes = parts.votes;
    this.#id = parts.id;
    this.#random = parts.random;
    this.#out = parts.out;
    this.#settings = settings;
    this.#pauseMs = settings.pauseMinMs;
  }

  get isTrying(): boolean {
    return this.#attempt !== undefined;
  }

  get nextDueMs(): number {
    return this.#attempt?.dueMs ?? Infinity;
  }

  tick(nowMs: number): void {
    if (this.#attempt !== undefined && nowMs >= this.#attempt.dueMs) this.#giveUp(nowMs);
  }

  /** Tries to make `wanted` the view of the next epoch. */
  propose(nowMs: number, wanted: View): void {
    const { votes } = this;
    const round = Math.max(votes.roundUsed, votes.promised.round, this.#roundSeen) + 1;
    votes.roundUsed = round;
    this.#out.isRecordChanged = true;
    const ballot = { round, id: this.#id };
    const dueMs = nowMs + this.#settings.attemptTimeoutMs;
    this.#attempt = new Attempt(votes.view!, wanted, ballot, dueMs);
    for (const member of votes.view!.members) {
      this.#out.send(member, { kind: 'prepare', ...this.#vote(this.#attempt) });
    }
  }

  receive(nowMs: number, from: Contact, message: ViewMessage): void {
    switch (message.kind) {
      case 'prepare':
        return this.#prepare(from, message);
      case 'accept':
        return this.#accept(from, message, message.view);
      case 'promise':
        if (this.#isMine(message) && this.#attempt!.promised(from.id!, message.accepted)) {
          this.#askToAccept(this.#attempt!);
        }
        return;
      case 'accepted':
        if (this.#isMine(message)) this.#accepted(nowMs, from.id!, this.#attempt!);
        return;
      case 'reject':
        this.#roundSeen = Math.max(this.#roundSeen, message.promised.round);
        if (this.#isMine(message)) this.#giveUp(nowMs);
        return;
      case 'view':
        this.#hear(nowMs, message.view);
        return this.#confirm(from);
      case 'fetch':
        return this.#fetched(from, message.clusterId, message.epoch);
      case 'forced':
        return this.#hearForced(nowMs, message.clusterId, message.view);
      default:
    }
  }

  /** The view of a ring that begins here. */
  begin(nowMs: number, view: View): void {
    this.#learn(nowMs, view);
  }

  /** A human's decision; false: nobody would be left, or not this member. */
  force(nowMs: number, lost: readonly string[]): boolean {
    const before = this.votes.view;
    const view = before && forcedView(before, lost);
    if (view === undefined || memberOf(view.members, this.#id) === undefined) return false;
    this.#adoptForced(nowMs, view);
    for (const member of view.members) this.#sendForced(member);
    return true;
  }

  // --- acceptor --------------------------------------------------------------------------------

  #prepare(from: Contact, vote: Vote): void {
    const { votes } = this;
    if (!this.#isCurrent(from, vote)) return;
    if (!votes.promise(vote.ballot)) return this.#reject(from, vote);
    this.#out.isRecordChanged = true;
    this.#out.send(from, { ...plain(vote), kind: 'promise', accepted: votes.accepted });
  }

  #accept(from: Contact, vote: Vote, view: View): void {
    if (!this.#isCurrent(from, vote) || view.epoch !== vote.epoch) return;
    if (!this.votes.accept(vote.ballot, view)) return this.#reject(from, vote);
    this.#out.isRecordChanged = true;
    this.#out.send(from, { ...plain(vote), kind: 'accepted' });
  }

  #reject(from: Contact, vote: Vote): void {
    this.#out.send(from, { ...plain(vote), kind: 'reject', promised: this.votes.promised });
  }

  /** Whether this member votes for this epoch; whoever is behind is told. */
  #isCurrent(from: Contact, { clusterId, epoch }: Vote): boolean {
    const { view } = this.votes;
    this.#fetched(from, clusterId, epoch - 1);
    if (view !== undefined && view.clusterId !== clusterId) return false;
    if (epoch > this.votes.epoch || view === undefined) {
      this.#out.send(from, { kind: 'fetch', clusterId, epoch: this.votes.epoch - 1 });
      return false;
    }
    const voters = view.next === undefined ? view.members : [...view.members, ...view.next.members];
    return epoch === this.votes.epoch && memberOf(voters, this.#id) !== undefined;
  }

  // --- proposer --------------------------------------------------------------------------------

  #isMine({ clusterId, epoch, ballot }: Vote): boolean {
    const isNow = clusterId === this.votes.view?.clusterId && epoch === this.votes.epoch;
    return isNow && this.#attempt !== undefined && isSameBallot(this.#attempt.ballot, ballot);
  }

  #askToAccept(attempt: Attempt): void {
    const { view } = this.votes;
    for (const id of attempt.accepters) {
      const member = memberOf(view!.members, id) ?? memberOf(view!.next!.members, id)!;
      const vote = this.#vote(attempt);
      this.#out.send(member, { kind: 'accept', ...vote, view: attempt.proposed! });
    }
  }

  #accepted(nowMs: number, id: string, attempt: Attempt): void {
    const isMember = memberOf(this.votes.view!.members, id) !== undefined;
    if (attempt.accepted(id)) this.#decided(nowMs, attempt.proposed!);
    else if (!isMember && attempt.proposed !== undefined) this.#askToAccept(attempt);
  }

  #decided(nowMs: number, view: View): void {
    const before = this.votes.view!;
    this.#learn(nowMs, view);
    for (const member of everybody(before, view)) {
      if (member.id !== this.#id) this.#out.send(member, { kind: 'view', view });
    }
  }

  #giveUp(nowMs: number): void {
    this.#attempt = undefined;
    this.nextTryMs = nowMs + this.#pauseMs * (0.5 + this.#random.float() / 2);
    this.#pauseMs = Math.min(2 * this.#pauseMs, this.#settings.pauseMaxMs);
  }

  #vote({ ballot }: Attempt): Vote {
    return { clusterId: this.votes.view!.clusterId, epoch: this.votes.epoch, ballot };
  }

  // --- what was decided ------------------------------------------------------------------------

  #hear(nowMs: number, view: View): void {
    const ours = this.votes.view;
    if (ours === undefined) {
      const isInvited = everybody(view).some(({ id }) => id === this.#id);
      if (isInvited) this.#learn(nowMs, view);
    } else if (view.clusterId === ours.clusterId && view.epoch > ours.epoch) {
      this.#learn(nowMs, view);
    }
  }

  /** Who is no member any more may go once it knows that others have heard of it. */
  #confirm(from: Contact): void {
    const { view } = this.votes;
    if (view === undefined || memberOf(view.members, from.id ?? '') !== undefined) return;
    const { clusterId, epoch } = view;
    this.#out.send(from, { kind: 'fetch', clusterId, epoch });
  }

  #learn(nowMs: number, view: View): void {
    this.votes.learn(view);
    this.#attempt = undefined;
    this.#pauseMs = this.#settings.pauseMinMs;
    this.nextTryMs = nowMs;
    this.#out.isRecordChanged = true;
    this.#out.tell({ kind: 'view', view });
  }

  #fetched(from: Contact, clusterId: string | undefined, epoch: number): void {
    const { view, forcedFrom } = this.votes;
    if (view === undefined) return;
    if (clusterId === undefined || clusterId === view.clusterId) {
      if (view.epoch > epoch) this.#out.send(from, { kind: 'view', view });
    } else if (clusterId === forcedFrom) {
      this.#sendForced(from);
    }
  }

  #sendForced(to: Contact): void {
    const { view, forcedFrom } = this.votes;
    if (to.id === this.#id || forcedFrom === undefined) return;
    this.#out.send(to, { kind: 'forced', clusterId: forcedFrom, view: view! });
  }

  #hearForced(nowMs: number, clusterId: string, view: View): void {
    const ours = this.votes.view;
    if (ours?.clusterId !== clusterId || view.epoch <= ours.epoch) return;
    if (memberOf(view.members, this.#id) !== undefined) this.#adoptForced(nowMs, view);
  }

  #adoptForced(nowMs: number, view: View): void {
    this.votes.forcedFrom = this.votes.view!.clusterId;
    this.#learn(nowMs, view);
  }
}

/** Members of these views, now and next, each once. */
function everybody(...views: readonly View[]): Member[] {
  const byId = new Map<string, Member>();
  for (const { members, next } of views) {
    for (const member of [...members, ...(next?.members ?? [])]) byId.set(member.id, member);
  }
  return [...byId.values()];
}

/** The vote without what else its message says. */
function plain({ clusterId, epoch, ballot }: Vote): Vote {
  return { clusterId, epoch, ballot };
}
