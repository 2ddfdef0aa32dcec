/**
 * Replication: sends what this node's commands change to all who hold the same keys, one batch per
 * turn and replica, and knows when enough of them have it.
 *
 *   command -> effects -> (end of the turn) -> group -> stream per replica -> APPLY
 *      |                                                      |
 *    reply ------- held back until enough have acknowledged --+      commit-gate.ts
 *
 * Every entry is free: it merges wherever and whenever it arrives (no terms, no leases). So a write
 * that was acknowledged at `quorum` is on a majority, but reads are not linearizable.
 *
 * A node that is alone observes nothing and holds nothing.
 * Invariant: nothing is acknowledged of a turn before all of it was sent.
 */
import type { Member } from '../../discord/ring/view.js';
import type { World } from '../../world/world.js';
import type { RingLinks } from '../ring/ring-links.js';
import type { Log } from '../server/log.js';
import type { Store } from '../store/store.js';
import { AckWaiters, type ReplicaWaiter } from './ack-waiters.js';
import { Effects } from './effects.js';
import { EntrySender } from './entry-sender.js';
import { serveFetch } from './fetch-answer.js';
import { FreshReads } from './fresh-reads.js';
import { type Group, Groups, type Holder, isSafeAt } from './groups.js';
import { Intake } from './intake.js';
import { LEVEL_QUORUM, levelName, neededOf } from './levels.js';
import { WALK_QUEUED_BYTES_MAX } from './limits.js';
import { type Batch, type Content, ReplicaStream } from './replica-stream.js';
import { TurnLog, type TurnRecord } from './turn-log.js';
import type { Walk } from './walks.js';

/** Time of one turn that walks take, ms. */
const WALK_MS = 2;
/** Walks that stand still look again after so long, ms. */
const WALK_PAUSE_MS = 5;

export interface ReplicationEvents {
  /** Whether some member is dead: what needs many replicas is to be checked before it runs. */
  membersMissing(isSo: boolean): void;
  /** Batches to a replica were dropped: it must be compared with. */
  fellBehind(memberId: string): void;
}

export interface ReplicationComponents {
  readonly world: World;
  readonly store: Store;
  readonly links: RingLinks;
  readonly log: Log;
  /** What is on the disk is being loaded. Default: it never is. */
  readonly isLoading?: () => boolean;
}

const FELL_BEHIND = 'a replica has fallen behind: dropped batches';
const SUPERSEDED = 'a replica has newer entries of another member than were sent: clocks differ';

export class Replication {
  readonly links: RingLinks;
  readonly effects: Effects;
  readonly intake: Intake;
  readonly reads = new FreshReads(this);
  /** The turn at hand: what is changed now belongs to it. */
  turn = 1;
  /** `store.changeCount` when a session last took note of what it had changed. */
  notedCount = 0;
  readonly #world: World;
  readonly #store: Store;
  readonly #log: Log;
  readonly #events: ReplicationEvents;
  readonly #sender: EntrySender;
  readonly #streams = new Map<string, ReplicaStream>();
  readonly #turns = new TurnLog();
  #groups: Groups | undefined;
  #touched: Group[] = [];
  /** Walks that the turn at hand has begun, and those of earlier turns, with what they belong to. */
  #newWalks: Walk[] = [];
  #walks: { readonly walk: Walk; readonly record: TurnRecord }[] = [];
  #isWalkPlanned = false;
  #isTurnPlanned = false;
  readonly #waiters: AckWaiters;

  constructor(components: ReplicationComponents, events: ReplicationEvents) {
    const { isLoading = () => false, links, log, store, world } = components;
    this.links = links;
    this.#world = world;
    this.#store = store;
    this.#log = log;
    this.#events = events;
    this.#sender = new EntrySender({
      touched: (group) => this.#touch(group),
      send: (group, content) => this.#send(group, content),
    });
    this.effects = new Effects(
      { store, sender: this.#sender, groups: () => this.#groups!, isLoading },
      { changed: () => this.#plan(), walk: (walk) => this.#newWalks.push(walk) },
    );
    this.intake = new Intake({ links, store, effects: this.effects });
    const streams = { [Symbol.iterator]: () => this.#streams.values() };
    this.#waiters = new AckWaiters({ world, turns: this.#turns, streams });
  }

  /** Follows the ring from now on. */
  start(): void {
    this.intake.serve();
    serveFetch(this.links, this.#store);
    this.links.listen({
      view: () => this.#follow(),
      liveness: (memberId, isAlive) => this.#liveness(memberId, isAlive),
      room: (memberId, channel) => {
        if (channel === 'replica') this.#streams.get(memberId)?.wake();
      },
    });
    this.#follow();
  }

  /** Sends what there is and waits for nothing more. */
  stop(): void {
    this.turnEnds();
    this.#waiters.stop();
  }

  /** Whether others hold what this node holds. */
  get isOn(): boolean {
    return this.effects.isOn;
  }

  get streams(): IterableIterator<ReplicaStream> {
    return this.#streams.values();
  }

  get heldCount(): number {
    return this.#waiters.count;
  }

  /** Age of the oldest batch that some replica has not acknowledged, ms. */
  get lagMs(): number {
    let most = 0;
    for (const stream of this.#streams.values()) most = Math.max(most, stream.lagMs);
    return most;
  }

  // Turns.

  /** The commands of a turn have been executed: sends what they have changed. */
  turnEnds(): void {
    if (!this.effects.hasNews) return;
    this.effects.drain();
    this.#seal();
  }

  #plan(): void {
    if (this.#isTurnPlanned) return;
    this.#isTurnPlanned = true;
    this.#world.timers.soon(() => {
      this.#isTurnPlanned = false;
      this.turnEnds();
    });
  }

  #touch(group: Group): void {
    if (group.turn === this.turn) return;
    group.turn = this.turn;
    this.#touched.push(group);
  }

  #send(group: Group, content: Content): void {
    for (const stream of group.receivers) stream.add(this.turn, content, group);
  }

  #seal(): void {
    for (const group of this.#touched) this.#sender.cut(group);
    const walks = this.#newWalks;
    for (const { key } of walks) this.#touch(this.#groups!.of(key, 0, key.length));
    const { turn } = this;
    this.turn += 1;
    if (this.#touched.length === 0) return;
    const record = this.#turns.add(turn, this.#touched, walks.length);
    this.#touched = [];
    if (walks.length === 0) return;
    for (const walk of walks) this.#walks.push({ walk, record });
    this.#newWalks = [];
    this.#planWalk(0);
  }

  #planWalk(delayMs: number): void {
    if (this.#isWalkPlanned || this.#walks.length === 0) return;
    this.#isWalkPlanned = true;
    const { timers } = this.#world;
    const run = (): void => {
      this.#isWalkPlanned = false;
      this.#walkOn();
    };
    if (delayMs === 0) timers.soon(run);
    else timers.after(delayMs, run);
  }

  #walkOn(): void {
    const next = this.#walks[0];
    if (next === undefined) return;
    const { record, walk } = next;
    const group = this.#groups!.of(walk.key, 0, walk.key.length);
    if (group.receivers.some(({ queuedBytes }) => queuedBytes > WALK_QUEUED_BYTES_MAX)) {
      this.#planWalk(WALK_PAUSE_MS);
      return;
    }
    // What commands have changed since belongs to the same turn as this slice.
    this.effects.drain();
    const isDone = walk.step(group, this.#world.clock.monotonicMs() + WALK_MS);
    record.sentWith = this.turn;
    this.#touch(group);
    this.#seal();
    if (isDone) {
      record.walkCount -= 1;
      this.#walks.shift();
      this.#waiters.check();
    }
    this.#planWalk(0);
  }

  // The ring.

  #follow(): void {
    if (!this.links.isReady) return;
    this.turnEnds();
    const { responsibility, selfId, selfIndex } = this.links;
    const { members, next } = responsibility.view;
    const all = new Map([...members, ...(next?.members ?? [])].map((one) => [one.id, one]));
    const batches = [...this.#streams.values()].flatMap(({ unacknowledged }) => unacknowledged);
    for (const [id, stream] of this.#streams) if (!all.has(id)) this.#remove(id, stream);
    const before = this.#groups;
    this.#groups = new Groups(responsibility, (member) => this.#holderOf(member));
    if (before !== undefined) this.#handOn(before, batches);
    const isOn = all.size > 1 || !all.has(selfId);
    this.effects.switch(isOn);
    this.#store.keepsTombstones = isOn;
    if (selfIndex >= 0) this.#store.origin = responsibility.current.members[selfIndex]!.origin;
    this.#tellMissing();
    // What was for another view need not wait until it is tried again.
    for (const stream of this.#streams.values()) stream.wake();
    this.#waiters.check();
  }

  /**
   * What no majority of the replicas before has acknowledged counts only if one of the replicas now has
   * it: those who filled the changed ranges meanwhile may have looked before it arrived, if they took
   * this member for dead. So it goes to the new ones too; what is dropped already they never get.
   */
  #handOn(before: Groups, batches: readonly Batch[]): void {
    this.#groups!.succeed(before);
    const { turn } = this;
    this.turn += 1;
    const sent = new Set<Content>();
    for (const { content, group } of batches) {
      if (sent.has(content)) continue;
      sent.add(content);
      const receivers = new Set(group.latest.flatMap((heir) => heir.receivers));
      for (const one of receivers) {
        if (!group.receivers.includes(one)) one.add(turn, content, group);
      }
    }
    // Not before: until then it seems that they wait for nothing.
    const isSafe = (groups: readonly Group[], first: number, last: number): boolean =>
      groups.every((group) => group.isEnough(LEVEL_QUORUM, (one) => isSafeAt(one, first, last)));
    this.#turns.regroup(turn, isSafe, ({ first, groups, last, walkCount }, before) => {
      const known = before.flatMap((group) => group.receivers);
      if (walkCount === 0 && !known.some((one) => one.isLost(first, last))) return;
      for (const one of groups.flatMap((group) => group.receivers)) {
        if (!known.includes(one)) one.miss(first, last);
      }
    });
  }

  #holderOf(member: Member): Holder {
    if (member.id === this.links.selfId) return null;
    const known = this.#streams.get(member.id);
    if (known !== undefined) return known;
    const { clock, timers } = this.#world;
    const made = new ReplicaStream({ links: this.links, clock, timers }, member, {
      progressed: () => this.#waiters.check(),
      isAwaited: () => this.#waiters.isAnyone,
      fellBehind: (memberId, batches, isNews) => {
        // One that loads its folder refuses all of them.
        if (isNews) this.#log.warn({ member: memberId, batches }, FELL_BEHIND);
        this.#events.fellBehind(memberId);
      },
      // What this member writes next is above it, and what it is comes by synchronisation.
      superseded: (memberId, stamp, isNews) => {
        if (isNews) this.#log.warn({ member: memberId }, SUPERSEDED);
        this.#store.witness(stamp);
        this.#events.fellBehind(memberId);
      },
    });
    this.#streams.set(member.id, made);
    return made;
  }

  #remove(id: string, stream: ReplicaStream): void {
    this.#streams.delete(id);
    this.intake.forget(id);
    stream.dropAll();
  }

  #liveness(memberId: string, isAlive: boolean): void {
    const stream = this.#streams.get(memberId);
    if (isAlive) stream?.wake();
    else stream?.dropAll();
    this.#tellMissing();
  }

  #tellMissing(): void {
    const isSo = this.isOn && [...this.#streams.values()].some((stream) => !stream.isAlive);
    this.#events.membersMissing(isSo);
  }

  // Levels.

  /** Why a write of buf[from, to) at a level is not to be executed; undefined: it may be. */
  refusalOfKey(level: number, buf: Buffer, from: number, to: number): string | undefined {
    return this.#refusal(level, this.#groups!.of(buf, from, to));
  }

  /** Why a write of any keys at a level is not to be executed. */
  refusalOfAll(level: number): string | undefined {
    for (const group of this.#groups!.all()) {
      const refusal = this.#refusal(level, group);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  #refusal(level: number, group: Group): string | undefined {
    if (group.isEnough(level, isReachable)) return undefined;
    const { has, of } = group.count(isReachable);
    return (
      `NOQUORUM ${has} of ${of} replicas can be reached, and level '${levelName(level)}' ` +
      `needs ${neededOf(level, of)}, not executed`
    );
  }

  soon(action: () => void): void {
    this.#world.timers.soon(action);
  }

  /** Who holds buf[from, to). */
  othersOf(buf: Buffer, from: number, to: number): Group {
    return this.#groups!.of(buf, from, to);
  }

  /**
   * False: as many replicas as the level asks for have what the turns [first, last] have changed.
   * True: `waiter` is told when they do, or that it is in doubt. To be called after `turnEnds`.
   */
  hold(first: number, last: number, level: number, waiter: ReplicaWaiter): boolean {
    const isHeld = this.#waiters.add(first, last, level, waiter);
    if (isHeld) this.#hurry();
    return isHeld;
  }

  /** Calls once all that has been sent so far is acknowledged or dropped; now, if it is. */
  whenThrough(told: () => void): void {
    this.turnEnds();
    const sent = [...this.#streams.values()].map((stream) => ({ stream, last: stream.lastNumber }));
    const isThrough = (): boolean => sent.every(({ last, stream }) => stream.isThrough(last));
    if (isThrough()) {
      told();
      return;
    }
    this.watch(() => {
      if (!isThrough()) return false;
      told();
      return true;
    });
  }

  /** Is called whenever something was acknowledged or dropped, until it returns true. */
  watch(look: () => boolean): void {
    this.#waiters.watch(look);
    this.#hurry();
  }

  /** How many members can be reached of those that hold the same as this one, if not this one. */
  get reachableCount(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { receivers } of this.#groups!.all()) {
      least = Math.min(least, receivers.filter(({ isAlive }) => isAlive).length);
    }
    return least;
  }

  /** How many replicas have what the turns [first, last] have changed, this one not counted. */
  countOthers(first: number, last: number): number {
    const changed = this.#turns.changedBy(first, last);
    if (changed === undefined) return 0;
    let least = Number.POSITIVE_INFINITY;
    for (const { receivers } of changed.groups) {
      const safe = receivers.filter((stream) => stream.isSafe(first, changed.last));
      least = Math.min(least, safe.length);
    }
    return least === Number.POSITIVE_INFINITY ? 0 : least;
  }

  #hurry(): void {
    for (const stream of this.#streams.values()) stream.hurry();
  }
}

function isReachable(holder: Holder): boolean {
  return holder === null || holder.isAlive;
}
