/**
 * The migrate loop: a member that owns too much moves its position down, so that its successor, who
 * holds that already, owns the rest.
 *
 *   before   ... A ]--------- B ]----------------------- C ]-- D          C owns much, D little
 *   after    ... A ]--------- B ]------------- C ]------------ D          D holds it as a replica anyway
 *
 * Who moves and by how much is decided by move-plan.ts, from what all have told of themselves in the
 * view at hand. What they told now and then only says that it is time to ask: under a bulk load it is
 * of different times, and whoever knows its own load best would look heaviest. So all are asked at
 * once, and the answers decide; patience.ts says when it is too early. Of several members the one
 * that gives most goes at once, the others wait: one change at a time, and after each all loads are
 * asked for anew. Together with the thresholds that keeps load from going to and fro.
 */
import { comparePositions } from '../../discord/ring/position.js';
import { type Cut, cutOf } from './cut.js';
import type { Load } from './load.js';
import type { Loads } from './loads.js';
import { movesOf } from './move-plan.js';
import type { LoopSettings } from './options.js';
import { Patience } from './patience.js';
import { allowedPositions } from './position-rule.js';
import type { SyncParts } from './sync-answers.js';

/** Whoever gives less waits so long for each that gives more: they may be unable to. */
const RANK_WAIT_MS = 5000;
/** A move that has been asked for and has not begun by then may be asked for again. */
const MOVE_WAIT_MS = 15_000;

interface Plan {
  /** How many give more. */
  readonly rank: number;
  /** What to give, in the unit of the loads. */
  readonly amount: number;
}

export class MigrateLoop {
  readonly #parts: SyncParts;
  readonly #loads: Loads;
  readonly #settings: LoopSettings;
  readonly #patience = new Patience();
  #viewMs = 0;
  #movedMs = -Infinity;

  constructor(parts: SyncParts & { readonly loads: Loads }, settings: LoopSettings) {
    this.#parts = parts;
    this.#loads = parts.loads;
    this.#settings = settings;
  }

  noticeView(): void {
    this.#viewMs = this.#nowMs();
    this.#movedMs = -Infinity;
  }

  tick(): void {
    // Loads are reckoned in milliseconds, which a node that is alone has no use for.
    if (!this.#mayMove) return;
    const plan = this.#plan(this.#toldLoads());
    if (plan === undefined || !this.#patience.isOver(plan !== null, this.#nowMs())) return;
    if (plan !== null && this.#isTime(plan)) this.#loads.survey((loads) => this.#moveBy(loads));
  }

  /** Moves, if these loads call for it. */
  #moveBy(loads: readonly Load[] | undefined): void {
    const plan = this.#plan(loads);
    if (loads === undefined || !plan || !this.#isTime(plan)) return;
    const { ownedBytes, ownedEntries } = loads[this.#parts.ring.selfIndex]!;
    const entries = Math.round((plan.amount * ownedEntries) / ownedBytes);
    const cut = this.#cut(entries);
    // Keys of one tag stay together, so there may be no good place.
    const given = cut === null ? 0 : (cut.above * ownedBytes) / ownedEntries;
    if (cut === null || given + loads[this.#successor]!.ownedBytes > ownedBytes) return;
    this.#patience.moved(this.#nowMs());
    this.#move(cut.position, cut.above);
  }

  /** Asked for by a person. Gives half of what it owns to the successor; false: it cannot. */
  moveHalf(): boolean {
    const cut = this.#cut(Math.floor(this.#loads.own().ownedEntries / 2));
    if (cut === null) return false;
    this.#move(cut.position, cut.above);
    return true;
  }

  /** Asked for by a person; false: it would separate keys of one {tag}. */
  moveTo(position: Buffer): boolean {
    const [allowed] = allowedPositions(position);
    if (comparePositions(allowed!, position) !== 0) return false;
    this.#move(position, 0);
    return true;
  }

  get #successor(): number {
    const { ring } = this.#parts;
    return (ring.selfIndex + 1) % ring.responsibility.current.members.length;
  }

  get #mayMove(): boolean {
    const { ring } = this.#parts;
    const { current, next } = ring.responsibility;
    const isSettled = next === undefined && ring.selfIndex >= 0 && current.members.length > 1;
    return this.#settings.migrates && isSettled;
  }

  /** What this member should give by the loads of all; null: nothing; undefined: that is not known. */
  #plan(loads: readonly Load[] | undefined): Plan | null | undefined {
    const { ring } = this.#parts;
    const { view } = ring.responsibility;
    if (!this.#mayMove || loads === undefined) return undefined;
    if (loads.some(({ epoch }) => epoch !== view.epoch)) return undefined;
    const { ownedBytes, ownedEntries } = loads[ring.selfIndex]!;
    if (ownedEntries === 0) return null;
    const owned = loads.map((load) => load.ownedBytes);
    const least = (this.#settings.migrateEntriesMin * ownedBytes) / ownedEntries;
    const moves = movesOf(owned, least);
    const rank = moves.findIndex(({ index }) => index === ring.selfIndex);
    return rank < 0 ? null : { rank, amount: moves[rank]!.amount };
  }

  /** Whether those who give more have had their time, and the ring has been quiet. */
  #isTime({ rank }: Plan): boolean {
    const nowMs = this.#nowMs();
    const quietMs = nowMs - this.#viewMs;
    if (nowMs - this.#movedMs < MOVE_WAIT_MS) return false;
    return quietMs >= this.#settings.quietMs + rank * RANK_WAIT_MS;
  }

  /** What each has told last, in ring order; undefined: of one that lives nothing is known. */
  #toldLoads(): Load[] | undefined {
    const { ring } = this.#parts;
    const loads: Load[] = [];
    for (const { id } of ring.responsibility.current.members) {
      const load = this.#loads.of(id);
      if (load === undefined || !ring.isAlive(id)) return undefined;
      loads.push(load);
    }
    return loads;
  }

  #cut(entries: number): Cut | null {
    const { ring, store } = this.#parts;
    return cutOf(store, ring.responsibility.current.rangeOf(ring.selfIndex), entries);
  }

  #move(position: Buffer, entries: number): void {
    const { reports, ring } = this.#parts;
    this.#movedMs = this.#nowMs();
    const to = ring.responsibility.current.members[this.#successor]!.id;
    ring.move(position);
    reports.report({ loop: 'migrate', from: ring.selfId, to, entries, bytes: 0, failure: '' });
  }

  #nowMs(): number {
    return this.#parts.world.clock.monotonicMs();
  }
}
