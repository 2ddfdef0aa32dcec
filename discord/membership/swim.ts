/**
 * Who is alive: SWIM (Das, Gupta, Motivala 2002), with what Lifeguard (Dadgar, Phillips, Currey
 * 2017) learnt from running it. Who *is a member* is the view's business; here nobody is removed.
 *
 *   each interval:   ping --> one other, in a shuffled round               answered: all is well
 *                      | no answer within the timeout
 *                    probe --> k others, who ping it too
 *                      | no answer within the interval
 *                    suspect: told to everybody, above all to the suspect itself
 *                      |                     \  it hears: alive, one incarnation higher
 *                    dead, once its time is over
 *
 * Each message carries news, a hash of all that its sender knows, and its epoch; where hashes
 * differ, tables are exchanged. A member that has failed pings in a row doubts itself and slows
 * down; one that notices that it stood still (SIGSTOP, a sleeping machine) gives everybody
 * that time again. Who suspects somebody goes on pinging him, so that lost messages kill nobody; in
 * a ring of few everybody who has heard of it does.
 *
 * Pure: time and chance come in, messages and events are taken out. Invariant: nothing is decided
 * but by `tick` and `receive`.
 */
import type { Random } from '../../world/world.js';
import { Gossip } from './gossip.js';
import type { Status, SwimMessage, Update } from './messages.js';
import {
  HEALTH_MAX,
  retransmitMax,
  type SwimOptions,
  type SwimSettings,
  settingsOf,
  UPDATES_MAX,
} from './options.js';
import { Relays } from './relays.js';
import { Round, shuffle } from './round.js';
import { Suspicions } from './suspicions.js';
import { MemberTable, type Row } from './table.js';

export interface SwimOutgoing {
  readonly to: string;
  readonly message: SwimMessage;
}

export type SwimEvent =
  | { readonly kind: Status; readonly id: string; readonly before: Status }
  /** Somebody knows a later view. */
  | { readonly kind: 'ahead'; readonly id: string; readonly epoch: number };

interface Probe {
  readonly target: string;
  readonly seq: number;
  readonly helpDueMs: number;
  helperCount: number;
  nackCount: number;
  isHelpAsked: boolean;
}

/** A helper gives up after this part of the asker's time, so that its NACK is in time. */
const RELAY_SHARE = 0.8;

export class Swim {
  readonly #id: string;
  readonly #random: Random;
  readonly #settings: SwimSettings;
  readonly #table = new MemberTable();
  readonly #gossip = new Gossip();
  readonly #round: Round;
  readonly #relays = new Relays();
  readonly #suspicions: Suspicions;
  #epoch = 0;
  #probe: Probe | undefined;
  #nextProbeMs = Infinity;
  #nextStateMs = 0;
  #seq: number;
  #health = 0;
  #messages: SwimOutgoing[] = [];
  #events: SwimEvent[] = [];

  constructor({ id, random }: { id: string; random: Random }, options: SwimOptions = {}) {
    this.#id = id;
    this.#random = random;
    this.#settings = settingsOf(options);
    this.#round = new Round(random);
    this.#suspicions = new Suspicions(this.#settings);
    this.#seq = random.below(2 ** 31);
  }

  /** The members of the view of this epoch, and of its next one. */
  setMembers(nowMs: number, ids: readonly string[], epoch: number): void {
    this.#epoch = epoch;
    for (const id of this.#table.keep(ids)) {
      this.#suspicions.end(id);
      this.#gossip.forget(id);
      if (this.#probe?.target === id) this.#probe = undefined;
    }
    const others = ids.filter((id) => id !== this.#id);
    this.#round.setMembers(others);
    this.#suspicions.memberCount = ids.length;
    const isAlone = others.length === 0 || others.length === ids.length;
    if (isAlone) {
      this.#nextProbeMs = Infinity;
      this.#probe = undefined;
    } else if (this.#nextProbeMs === Infinity) {
      this.#nextProbeMs = nowMs + this.#random.float() * this.#settings.intervalMs;
    }
  }

  statusOf(id: string): Status | undefined {
    return this.#table.get(id)?.status;
  }

  /** There is a connection to this member again: whoever was taken for dead is asked at once. */
  reached(id: string): void {
    if (this.#table.get(id)?.status === 'dead') this.#ping(id);
  }

  /** Equal for members that know the same. */
  get hash(): number {
    return this.#table.hash;
  }

  /** 0: it trusts itself; up to HEALTH_MAX, it slows down. */
  get health(): number {
    return this.#health;
  }

  /** When `tick` has something to do. */
  get nextDueMs(): number {
    let nextMs = Math.min(this.#nextProbeMs, this.#relays.nextDueMs);
    const probe = this.#probe;
    if (probe !== undefined && !probe.isHelpAsked) nextMs = Math.min(nextMs, probe.helpDueMs);
    for (const suspicion of this.#suspicions.all()) {
      nextMs = Math.min(nextMs, this.#suspicions.dueMs(suspicion));
      if (this.#suspicions.pings(suspicion, this.#id)) {
        nextMs = Math.min(nextMs, suspicion.nextPingMs);
      }
    }
    return nextMs;
  }

  /** What is to be sent. */
  takeMessages(): SwimOutgoing[] {
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }

  takeEvents(): SwimEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  tick(nowMs: number): void {
    this.#noticePause(nowMs);
    const probe = this.#probe;
    if (probe !== undefined && !probe.isHelpAsked && nowMs >= probe.helpDueMs) {
      this.#askForHelp(probe);
    }
    if (nowMs >= this.#nextProbeMs) {
      if (this.#probe !== undefined) this.#probeFailed(nowMs, this.#probe);
      this.#beginProbe(nowMs);
    }
    for (const { to, seq } of this.#relays.takeDue(nowMs)) {
      this.#send(to, { kind: 'nack', seq, updates: this.#news() });
    }
    for (const { id } of [...this.#suspicions.all()]) this.#tickSuspicion(nowMs, id);
  }

  receive(nowMs: number, from: string, message: SwimMessage): void {
    this.#noticePause(nowMs);
    for (const update of message.updates) this.#apply(nowMs, update);
    switch (message.kind) {
      case 'ping':
        this.#send(from, { kind: 'ack', ...this.#fields(message.seq), updates: this.#news(from) });
        this.#compare(nowMs, from, message.epoch, message.hash);
        return;
      case 'ack':
        this.#acknowledged(message.seq);
        this.#compare(nowMs, from, message.epoch, message.hash);
        return;
      case 'probe':
        return this.#help(nowMs, from, message.target, message.seq);
      case 'nack':
        if (this.#probe?.seq === message.seq) this.#probe.nackCount += 1;
        return;
      case 'state':
        if (message.epoch > this.#epoch)
          this.#tell({ kind: 'ahead', id: from, epoch: message.epoch });
        if (message.isAsking) this.#sendState(from, false);
    }
  }

  // --- pinging ---------------------------------------------------------------------------------

  #beginProbe(nowMs: number): void {
    const { intervalMs, pingTimeoutMs } = this.#settings;
    const slowness = 1 + this.#health;
    this.#nextProbeMs = nowMs + intervalMs * slowness;
    const target = this.#round.next();
    if (target === undefined) return;
    this.#probe = {
      target,
      seq: this.#ping(target),
      helpDueMs: nowMs + pingTimeoutMs * slowness,
      helperCount: 0,
      nackCount: 0,
      isHelpAsked: false,
    };
  }

  #ping(target: string): number {
    this.#seq += 1;
    this.#send(target, { kind: 'ping', ...this.#fields(this.#seq), updates: this.#news(target) });
    return this.#seq;
  }

  #askForHelp(probe: Probe): void {
    const { target, seq } = probe;
    const isUseful = (row: Row): boolean =>
      row.status === 'alive' && row.id !== target && row.id !== this.#id;
    const others = shuffle([...this.#table.rows()].filter(isUseful), this.#random);
    const helpers = others.slice(0, this.#settings.helpersMax);
    probe.isHelpAsked = true;
    probe.helperCount = helpers.length;
    for (const { id } of helpers) {
      this.#send(id, { kind: 'probe', seq, target, updates: this.#news(id) });
    }
  }

  #help(nowMs: number, to: string, target: string, seq: number): void {
    if (this.#table.get(target) === undefined || target === this.#id) return;
    const { pingTimeoutMs } = this.#settings;
    const relay = { to, seq, dueMs: nowMs + pingTimeoutMs * RELAY_SHARE };
    if (this.#relays.add(this.#seq + 1, relay)) this.#ping(target);
  }

  #acknowledged(seq: number): void {
    const relay = this.#relays.take(seq);
    if (relay !== undefined) {
      this.#send(relay.to, {
        kind: 'ack',
        ...this.#fields(relay.seq),
        updates: this.#news(relay.to),
      });
    }
    if (this.#probe?.seq !== seq) return;
    this.#probe = undefined;
    this.#health = Math.max(0, this.#health - 1);
  }

  #probeFailed(nowMs: number, { target, helperCount, nackCount }: Probe): void {
    this.#probe = undefined;
    const row = this.#table.get(target);
    if (row === undefined || row.status === 'dead') return;
    // Helpers that say that they got no answer either speak for this member; silent ones do not.
    const missing = helperCount === 0 ? 1 : helperCount - nackCount;
    this.#health = Math.min(HEALTH_MAX, this.#health + missing);
    const { incarnation } = row;
    this.#apply(nowMs, { status: 'suspect', id: target, incarnation, by: this.#id });
  }

  // --- suspicion -------------------------------------------------------------------------------

  #tickSuspicion(nowMs: number, id: string): void {
    const suspicion = this.#suspicions.get(id);
    const row = this.#table.get(id);
    if (suspicion === undefined || row === undefined) return;
    if (nowMs >= this.#suspicions.dueMs(suspicion)) {
      this.#apply(nowMs, { status: 'dead', id, incarnation: row.incarnation });
    } else if (this.#suspicions.pings(suspicion, this.#id) && nowMs >= suspicion.nextPingMs) {
      this.#suspicions.pinged(suspicion, nowMs);
      this.#ping(id);
    }
  }

  #apply(nowMs: number, update: Update): void {
    const { id, status, by } = update;
    if (id === this.#id) return this.#hearOfMyself(update);
    if (this.#table.isNews(update)) {
      const before = this.#table.get(id)!.status;
      this.#table.set(update);
      this.#gossip.add(update);
      this.#suspicions.end(id);
      if (status === 'suspect') this.#suspicions.begin(nowMs, id, by ?? this.#id);
      if (status !== before) this.#tell({ kind: status, id, before });
    } else if (status === 'suspect' && this.#table.get(id)?.incarnation === update.incarnation) {
      if (by !== undefined && this.#suspicions.confirm(id, by)) this.#gossip.add(update);
    }
  }

  /** What others say of this member and it does not say itself, it outbids. */
  #hearOfMyself(update: Update): void {
    if (!this.#table.isNews(update)) {
      const own = this.#table.get(this.#id);
      // Whoever says so has missed the denial: it goes out anew.
      if (own !== undefined && update.status !== 'alive') this.#gossip.add(this.#updateOf(own));
      return;
    }
    if (update.status !== 'alive') this.#health = Math.min(HEALTH_MAX, this.#health + 1);
    const incarnation = update.incarnation + 1;
    const alive: Update = { status: 'alive', id: this.#id, incarnation };
    this.#table.set(alive);
    this.#gossip.add(alive);
  }

  /** A call that comes much too late: this member stood still, and others may have answered. */
  #noticePause(nowMs: number): void {
    const lateMs = nowMs - this.nextDueMs;
    if (!(lateMs > this.#settings.intervalMs / 2)) return;
    this.#suspicions.postpone(lateMs);
    this.#relays.clear();
    this.#probe = undefined;
    this.#nextProbeMs = nowMs + this.#random.float() * this.#settings.intervalMs;
  }

  // --- what is told ----------------------------------------------------------------------------

  #fields(seq: number): { seq: number; epoch: number; hash: number } {
    return { seq, epoch: this.#epoch, hash: this.#table.hash };
  }

  /** News for a message; what is said of the receiver comes first, so that it can object. */
  #news(to?: string): Update[] {
    const news = this.#gossip.take(UPDATES_MAX, retransmitMax(this.#table.size));
    const row = to === undefined ? undefined : this.#table.get(to);
    if (row === undefined || row.status === 'alive') return news;
    return [this.#updateOf(row), ...news.filter(({ id }) => id !== to)];
  }

  #updateOf({ id, status, incarnation }: Row): Update {
    if (status !== 'suspect') return { status, id, incarnation };
    const [by = this.#id] = this.#suspicions.get(id)?.by ?? [];
    return { status, id, incarnation, by };
  }

  #compare(nowMs: number, from: string, epoch: number, hash: number): void {
    if (epoch > this.#epoch) this.#tell({ kind: 'ahead', id: from, epoch });
    if (epoch !== this.#epoch || hash === this.#table.hash || nowMs < this.#nextStateMs) return;
    this.#nextStateMs = nowMs + this.#settings.intervalMs * (1 + this.#random.float());
    this.#sendState(from, true);
  }

  #sendState(to: string, isAsking: boolean): void {
    const updates = [...this.#table.rows()].map((row) => this.#updateOf(row));
    this.#send(to, { kind: 'state', isAsking, epoch: this.#epoch, updates });
  }

  #send(to: string, message: SwimMessage): void {
    this.#messages.push({ to, message });
  }

  #tell(event: SwimEvent): void {
    this.#events.push(event);
  }
}
