/**
 * Loads: what the others own and hold, asked for in turn, a few members in each tick. Whoever moves
 * or takes in a newcomer decides by it. What they said is of different times; `survey` asks all at once.
 */
import { PeerError } from '../../discord/peer/peer-error.js';
import { comparePositions, isInRange } from '../../discord/ring/position.js';
import { Ring } from '../../discord/ring/ring.js';
import type { View } from '../../discord/ring/view.js';
import type { PeerVerb } from '../ring/ring-links.js';
import { type Load, type LoadState, ownLoad, readLoad, writeLoad } from './load.js';
import type { LoopSettings } from './options.js';
import type { SyncParts } from './sync-answers.js';

export const LOAD_VERB = 'LOAD';
/** Behind the verb: reckoned anew, not kept from before. */
const NOW = 'NOW';
/** Members asked at once after a change of the ring, and in one tick. */
const ASKED_MAX = 16;
const TIMEOUT_MS = 2000;
/** After so many ticks without a change it is asked more seldom, by this factor at most. */
const STILL_TICKS = 16;
const SLOWER_MAX = 4;
/** A cut takes a search: the own load is reckoned anew after this at the earliest. */
const OWN_KEPT_MS = 500;

export class Loads {
  readonly verb: PeerVerb;
  readonly #parts: SyncParts;
  readonly #settings: LoopSettings;
  readonly #state: () => LoadState;
  readonly #loads = new Map<string, Load>();
  #own: Load | undefined;
  #ownMs = 0;
  #next = 0;
  /** Ticks since what somebody owns or holds was seen to change. */
  #stillTicks = 0;

  constructor(parts: SyncParts, settings: LoopSettings, state: () => LoadState) {
    this.#parts = parts;
    this.#settings = settings;
    this.#state = state;
    this.verb = {
      name: LOAD_VERB,
      channel: 'control',
      handler: (_session, args, reply) => {
        if (args.count > 1 && args.string(1) === NOW) this.#own = undefined;
        writeLoad(reply, this.own());
      },
    };
  }

  own(): Load {
    const { ring, store, world } = this.#parts;
    const nowMs = world.clock.monotonicMs();
    if (this.#own === undefined || nowMs - this.#ownMs >= OWN_KEPT_MS) {
      this.#own = ownLoad(store, ring, this.#state());
      this.#ownMs = nowMs;
    }
    return this.#own;
  }

  /** What a member said last; undefined: nothing yet. */
  of(memberId: string): Load | undefined {
    return memberId === this.#parts.ring.selfId ? this.own() : this.#loads.get(memberId);
  }

  /**
   * The loads of all members as good as now, in ring order; undefined: somebody did not answer. The
   * own one is reckoned before the others are asked: a member that is loaded as fast as they are looks
   * lighter for it, never heavier.
   */
  survey(done: (loads: readonly Load[] | undefined) => void): void {
    const { ring } = this.#parts;
    const { members } = ring.responsibility.current;
    this.#own = undefined;
    const loads = new Array<Load | undefined>(members.length);
    let missing = members.length;
    const take = (at: number, load: Load | undefined): void => {
      loads[at] = load;
      missing -= 1;
      if (missing > 0) return;
      done(loads.every((each) => each !== undefined) ? (loads as Load[]) : undefined);
    };
    if (ring.selfIndex >= 0) take(ring.selfIndex, this.own());
    for (const [at, { id }] of members.entries()) {
      if (id !== ring.selfId) this.#askOne(id, [LOAD_VERB, NOW], (load) => take(at, load));
    }
  }

  noticeView(): void {
    const { view } = this.#parts.ring.responsibility;
    this.#own = undefined;
    this.#stillTicks = 0;
    const members = [...view.members, ...(view.next?.members ?? [])];
    const isKnown = (id: string): boolean => members.some((member) => member.id === id);
    for (const id of this.#loads.keys()) if (!isKnown(id)) this.#loads.delete(id);
    this.#ask(ASKED_MAX);
  }

  tick(): void {
    const { members } = this.#parts.ring.responsibility.current;
    const { loadMs, tickMs } = this.#settings;
    // Where nothing changes there is little to ask.
    this.#stillTicks += 1;
    const pauseMs = loadMs * Math.min(SLOWER_MAX, 1 + Math.floor(this.#stillTicks / STILL_TICKS));
    this.#ask(Math.min(ASKED_MAX, Math.ceil((members.length * tickMs) / pauseMs)));
  }

  /** The position that gives a newcomer half of what the most loaded member owns; null: unknown. */
  heaviestMiddle(view: View): Buffer | null {
    const ring = new Ring(view.members, view.replicas);
    let best: { entries: number; middle: Buffer } | null = null;
    for (const [at, { id }] of ring.members.entries()) {
      const { middle = null, ownedEntries = 0 } = this.of(id) ?? {};
      if (middle === null || ownedEntries <= (best?.entries ?? 0)) continue;
      // It may have been reckoned before others joined or moved.
      const isTaken = ring.members.some(({ position }) => comparePositions(position, middle) === 0);
      if (isTaken || !isInRange(ring.rangeOf(at), middle)) continue;
      best = { entries: ownedEntries, middle };
    }
    return best?.middle ?? null;
  }

  #ask(count: number): void {
    const { ring } = this.#parts;
    const { members } = ring.responsibility.current;
    for (let n = 0; n < Math.min(count, members.length); n += 1) {
      this.#next = (this.#next + 1) % members.length;
      const { id } = members[this.#next]!;
      if (id === ring.selfId || !ring.isAlive(id)) continue;
      // Who does not answer is asked again in its turn.
      this.#askOne(id, [LOAD_VERB], () => undefined);
    }
  }

  /** `done` has what it says, also if it cannot be asked: undefined then. */
  #askOne(id: string, words: readonly string[], done: (load: Load | undefined) => void): void {
    const { ring } = this.#parts;
    const request = ring.request(id, 'control', words, TIMEOUT_MS, (error, reply) => {
      const load = error === null ? readLoad(reply) : undefined;
      if (load !== undefined) {
        if (!isStill(this.#loads.get(id), load)) this.#stillTicks = 0;
        this.#loads.set(id, load);
      }
      done(load);
    });
    if (request instanceof PeerError) done(undefined);
  }
}

function isStill(before: Load | undefined, now: Load): boolean {
  if (before === undefined || before.epoch !== now.epoch) return false;
  return before.ownedEntries === now.ownedEntries && before.heldEntries === now.heldEntries;
}
