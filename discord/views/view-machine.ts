/**
 * The member's part in the ring's changes: what it proposes, and when.
 *
 *                     wish: join, leave, move;          all changed ranges
 *                     a member dead for long            are filled
 *      [settled] ---------------------------> [next] ---------------------> [settled]
 *          ^                                     |
 *          +-------------------------------------+
 *                 the subject died, or the evicted one is back: rolled back
 *
 * One change at a time; further wishes wait, for a moment also after a change was rolled back: its subject
 * may ask again at once, and in a ring of one nothing takes any time. Any member may propose any of the steps. Where several
 * have reason to, each waits a little longer than the one before it in the view, so that mostly one
 * does; if two do, Paxos lets one win, and the other looks again at what is left to do.
 *
 * Pure: times, messages and what is known of others come in; `takeOutput` says what is to be done.
 */
import type { Random } from '../../world/world.js';
import { Responsibility } from '../ring/responsibility.js';
import { memberOf, subjectOf, type View } from '../ring/view.js';
import { Agreement } from './agreement.js';
import {
  evicting,
  isSettling,
  type JoinRequest,
  mayEvict,
  rolledBack,
  settled,
  stepOf,
  type Wish,
  wishedBy,
} from './changes.js';
import type { ViewMessage } from './messages.js';
import { settingsOf, type ViewOptions, type ViewSettings, WISH_REPEATS } from './options.js';
import { type Contact, Outbox, type ViewOutput } from './outbox.js';
import { randomPosition } from './position-choice.js';
import { Votes } from './votes.js';
import { Wishes } from './wishes.js';

export interface ViewMachineParts {
  readonly self: { readonly id: string; readonly address: string };
  readonly random: Random;
  /** Where a newcomer should stand that was told no position. Default: anywhere. */
  readonly choosePosition?: (view: View) => Buffer;
  /** The last record that was synced, of an earlier life under the same id. */
  readonly record?: Buffer;
}

/** Something that this member would propose, and from when on. */
interface Urge {
  readonly atMs: number;
  readonly view: () => View;
}

interface Liveness {
  readonly isDead: boolean;
  readonly sinceMs: number;
}

export class ViewMachine {
  readonly #self: Contact & { readonly id: string };
  readonly #random: Random;
  readonly #choosePosition: (view: View) => Buffer;
  readonly #settings: ViewSettings;
  readonly #out = new Outbox();
  readonly #agreement: Agreement;
  readonly #wishes = new Wishes();
  readonly #liveness = new Map<string, Liveness>();
  #join: JoinRequest | undefined;
  #contacts: readonly string[] = [];
  /** Of the current view: its changed ranges, which of them are filled, and who said so. */
  #changedCount = 0;
  #filled = new Set<number>();
  #filledHere = new Set<number>();
  /** What the next step is, and since when this member may take it. */
  #reason = '';
  #reasonMs = 0;
  #considerMs = 0;
  #repeatMs = 0;
  /** No change begins before this. */
  #beginMs = 0;
  #viewSeen: View | undefined;
  /** Once this member is removed: who knows, and whether that was said. */
  #informed = new Set<string>();
  #isRemovalTold = false;

  constructor(parts: ViewMachineParts, options: ViewOptions = {}) {
    const { self, random, record } = parts;
    this.#self = self;
    this.#random = random;
    this.#choosePosition = parts.choosePosition ?? ((view) => randomPosition(view, random));
    this.#settings = settingsOf(options);
    const votes = record === undefined ? new Votes() : Votes.decode(record);
    const agreementParts = { id: self.id, votes, random, out: this.#out };
    this.#agreement = new Agreement(agreementParts, this.#settings);
    this.#noticeView(0);
  }

  /** The view that holds, as far as this member knows. */
  get view(): View | undefined {
    return this.#agreement.votes.view;
  }

  get isMember(): boolean {
    return this.view !== undefined && memberOf(this.view.members, this.#self.id) !== undefined;
  }

  /** When `tick` has something to do. */
  get nextDueMs(): number {
    return Math.min(this.#considerMs, this.#repeatMs, this.#agreement.nextDueMs);
  }

  takeOutput(): ViewOutput | null {
    if (this.#out.isEmpty) return null;
    return this.#out.take(() => this.#agreement.votes.encode());
  }

  // --- what comes in ---------------------------------------------------------------------------

  /** Begins a ring, of this member alone. */
  begin(nowMs: number, view: View): void {
    this.#agreement.begin(nowMs, view);
    this.#look(nowMs);
  }

  /** Asks these addresses, again and again, to be taken into their ring. */
  join(
    nowMs: number,
    contacts: readonly string[],
    wanted: Omit<JoinRequest, 'id' | 'address'> = {},
  ): void {
    this.#join = { ...wanted, ...this.#self };
    this.#contacts = contacts;
    this.#repeatMs = nowMs;
  }

  leave(nowMs: number): void {
    this.#wish(nowMs, { kind: 'leave', id: this.#self.id });
  }

  move(nowMs: number, position: Buffer): void {
    this.#wish(nowMs, { kind: 'move', id: this.#self.id, position });
  }

  /** A human's decision; false: it makes no ring that this member is in. */
  force(nowMs: number, lost: readonly string[]): boolean {
    const isForced = this.#agreement.force(nowMs, lost);
    this.#look(nowMs);
    return isForced;
  }

  /** What failure detection says of another member; of who is none it says nothing. */
  setDead(nowMs: number, id: string, isDead: boolean): void {
    if (!this.#isInView(id) || this.#liveness.get(id)?.isDead === isDead) return;
    this.#liveness.set(id, { isDead, sinceMs: nowMs });
    this.#look(nowMs);
  }

  /** This member, which leads them, has seen the changed ranges of this epoch filled. */
  reportFilled(nowMs: number, epoch: number, ranges: readonly number[]): void {
    if (epoch !== this.view?.epoch) return;
    for (const range of ranges) this.#filledHere.add(range);
    this.#sendFilled();
    this.#hearFilled(ranges);
    this.#look(nowMs);
  }

  /** Somebody has spoken of a later epoch. */
  heardOf(from: Contact, epoch: number): void {
    const { view } = this;
    if (view === undefined || epoch <= view.epoch) return;
    this.#out.send(from, { kind: 'fetch', clusterId: view.clusterId, epoch: view.epoch });
  }

  receive(nowMs: number, from: Contact, message: ViewMessage): void {
    if (message.kind === 'join') this.#hearJoin(nowMs, message.request);
    else if (message.kind === 'refused') this.#out.tell({ kind: 'refused', text: message.text });
    else if (message.kind !== 'filled') this.#receiveVote(nowMs, from, message);
    else if (message.clusterId === this.view?.clusterId && message.epoch === this.view.epoch) {
      this.#hearFilled(message.ranges);
    }
    this.#look(nowMs);
  }

  #receiveVote(nowMs: number, from: Contact, message: ViewMessage): void {
    const { view } = this;
    this.#agreement.receive(nowMs, from, message);
    if (message.kind !== 'fetch' || view === undefined || from.id === undefined) return;
    if (message.clusterId !== view.clusterId || message.epoch < view.epoch) return;
    this.#informed.add(from.id);
  }

  tick(nowMs: number): void {
    this.#agreement.tick(nowMs);
    if (nowMs >= this.#repeatMs) this.#repeat(nowMs);
    this.#look(nowMs);
  }

  // --- what follows ----------------------------------------------------------------------------

  #look(nowMs: number): void {
    if (this.view !== this.#viewSeen) this.#noticeView(nowMs);
    if (this.#isRemoved) this.#tellRemoval();
    this.#considerMs = Infinity;
    if (this.view === undefined || this.#agreement.isTrying || !this.isMember) return;
    const { next } = this.view;
    const urge =
      next === undefined ? this.#wishUrge(nowMs, this.view) : this.#nextUrge(nowMs, this.view);
    if (urge === undefined) return;
    const fromMs = next === undefined ? this.#beginMs : 0;
    const atMs = Math.max(urge.atMs, fromMs, this.#agreement.nextTryMs);
    if (nowMs >= atMs) this.#agreement.propose(nowMs, urge.view());
    else this.#considerMs = atMs;
  }

  #noticeView(nowMs: number): void {
    const before = this.#viewSeen;
    this.#viewSeen = this.view;
    // Whoever wanted it still does, and what stood in its way is as it was.
    if (before?.next !== undefined && !isSettling(before, this.view!)) {
      this.#beginMs = nowMs + this.#settings.repeatMs;
    }
    // Failure detection begins anew with who comes again.
    for (const id of this.#liveness.keys()) if (!this.#isInView(id)) this.#liveness.delete(id);
    this.#informed.clear();
    if (this.isMember) this.#join = undefined;
    if (this.#isRemoved) this.#repeatMs = nowMs;
    this.#filled.clear();
    this.#filledHere.clear();
    const { view } = this;
    this.#changedCount = view === undefined ? 0 : new Responsibility(view).changedRanges().length;
  }

  #isInView(id: string): boolean {
    const { view } = this;
    if (view === undefined) return false;
    return (
      memberOf(view.members, id) !== undefined ||
      memberOf(view.next?.members ?? [], id) !== undefined
    );
  }

  /** Whether this member was one, and is none any more. */
  get #isRemoved(): boolean {
    const { view } = this;
    if (view === undefined || this.#join !== undefined || this.isMember) return false;
    return view.next === undefined || memberOf(view.next.members, this.#self.id) === undefined;
  }

  /** Says so once a majority knows: before, it might be needed to decide the view that removes it. */
  #tellRemoval(): void {
    const { members } = this.view!;
    const informed = members.filter(({ id }) => this.#informed.has(id));
    if (this.#isRemovalTold || informed.length * 2 <= members.length) return;
    this.#isRemovalTold = true;
    this.#out.tell({ kind: 'removed' });
  }

  /** How a change that has begun goes on. */
  #nextUrge(nowMs: number, view: View): Urge | undefined {
    const { change } = view.next!;
    const liveness = this.#liveness.get(subjectOf(change));
    const isUndone = liveness !== undefined && liveness.isDead === (change.kind !== 'evict');
    if (isUndone) return this.#staggered(nowMs, view, 'roll back', () => rolledBack(view));
    if (this.#filled.size < this.#changedCount) return undefined;
    return this.#staggered(nowMs, view, 'settle', () => settled(view));
  }

  #staggered(nowMs: number, view: View, step: string, make: () => View): Urge {
    const reason = `${view.clusterId} ${view.epoch} ${step}`;
    if (this.#reason !== reason) {
      this.#reason = reason;
      this.#reasonMs = nowMs + this.#staggerMs(view);
    }
    return { atMs: this.#reasonMs, view: make };
  }

  /** Later for who has more others before it in the view that are not known dead. */
  #staggerMs({ members }: View): number {
    const live = members.filter(({ id }) => this.#liveness.get(id)?.isDead !== true);
    return live.findIndex(({ id }) => id === this.#self.id) * this.#settings.staggerMs;
  }

  /** What change should begin. */
  #wishUrge(nowMs: number, view: View): Urge | undefined {
    for (const wish of this.#wishes.current(nowMs)) {
      const step = stepOf(view, wish, this.#choosePosition);
      if (step.kind === 'view') return { atMs: nowMs, view: () => step.view };
      if (step.kind === 'wait') continue;
      this.#wishes.remove(wish);
      if (step.kind === 'refusal') this.#refuse(wish, step.text);
    }
    return mayEvict(view) ? this.#evictUrge(view) : undefined;
  }

  #evictUrge(view: View): Urge | undefined {
    let urge: Urge | undefined;
    for (const { id } of view.members) {
      const liveness = this.#liveness.get(id);
      if (liveness?.isDead !== true) continue;
      const atMs = liveness.sinceMs + this.#settings.evictAfterMs + this.#staggerMs(view);
      if (urge === undefined || atMs < urge.atMs) urge = { atMs, view: () => evicting(view, id) };
    }
    return urge;
  }

  #wish(nowMs: number, wish: Wish): void {
    this.#wishes.add(wish, Infinity);
    this.#look(nowMs);
  }

  #refuse(wish: Wish, text: string): void {
    if (wishedBy(wish) === this.#self.id) {
      this.#out.tell({ kind: wish.kind === 'leave' ? 'stays' : 'refused', text });
    } else if (wish.kind === 'join') {
      this.#out.send(wish.request, { kind: 'refused', text });
    }
  }

  #hearJoin(nowMs: number, request: JoinRequest): void {
    const { view } = this;
    if (view === undefined || !this.isMember) return;
    const known = view.next === undefined ? view.members : [...view.members, ...view.next.members];
    if (memberOf(known, request.id) !== undefined) {
      this.#out.send(request, { kind: 'view', view });
    } else {
      const untilMs = nowMs + WISH_REPEATS * this.#settings.repeatMs;
      this.#wishes.add({ kind: 'join', request }, untilMs);
    }
  }

  #hearFilled(ranges: readonly number[]): void {
    for (const range of ranges) if (range < this.#changedCount) this.#filled.add(range);
  }

  // --- what is said again and again ------------------------------------------------------------

  #repeat(nowMs: number): void {
    this.#repeatMs = nowMs + this.#settings.repeatMs * (0.75 + this.#random.float() / 2);
    this.#sendFilled();
    const { view } = this;
    const members = view === undefined ? [] : [...view.members, ...(view.next?.members ?? [])];
    const others = members.filter(({ id }) => id !== this.#self.id);
    if (this.#join !== undefined && memberOf(members, this.#self.id) === undefined) {
      const addresses = [...this.#contacts, ...others.map(({ address }) => address)];
      const address = addresses[this.#random.below(addresses.length)];
      if (address !== undefined) this.#out.send({ address }, { kind: 'join', request: this.#join });
    }
    if (view === undefined) return;
    if (this.#isRemoved && !this.#isRemovalTold) {
      for (const member of others) this.#out.send(member, { kind: 'view', view });
    }
    // The contacts too: of those that this member knows, all may be gone.
    const known = [...others, ...this.#contacts.map((address) => ({ address }))];
    const other = known[this.#random.below(Math.max(1, known.length))];
    if (other === undefined) return;
    const { clusterId, epoch } = view;
    this.#out.send(other, { kind: 'fetch', clusterId, epoch });
  }

  #sendFilled(): void {
    if (this.#filledHere.size === 0 || this.view === undefined) return;
    const { clusterId, epoch, members, next } = this.view;
    const ranges = [...this.#filledHere];
    for (const member of new Set([...members, ...(next?.members ?? [])])) {
      if (member.id !== this.#self.id) {
        this.#out.send(member, { kind: 'filled', clusterId, epoch, ranges });
      }
    }
  }
}
