/**
 * Loops: what keeps entries where they belong, all of it in the background.
 *
 *   sync      own ranges, with their replicas          fill      changed ranges, to who will hold them
 *   clean     what should not be here                  migrate   the own position
 *   collect   tombstones that nobody needs
 *
 * One timer, about once a second; sessions go on between its ticks by themselves. A node that is
 * alone in its ring does nothing but drop its tombstones.
 */
import type { View } from '../../discord/ring/view.js';
import { randomPosition } from '../../discord/views/position-choice.js';
import type { Timer, World } from '../../world/world.js';
import type { RingLinks } from '../ring/ring-links.js';
import type { Log } from '../server/log.js';
import { Pace } from '../server/pace.js';
import type { Store } from '../store/store.js';
import { CleanLoop } from './clean-loop.js';
import { CollectLoop } from './collect-loop.js';
import { collectedVerb } from './collected-wire.js';
import { FillLoop } from './fill-loop.js';
import { Loads } from './loads.js';
import { MigrateLoop } from './migrate-loop.js';
import { type LoopOptions, type LoopSettings, loopSettings } from './options.js';
import { Reports } from './reports.js';
import { SyncAnswers } from './sync-answers.js';
import { SyncCalls } from './sync-calls.js';
import { SyncLoop } from './sync-loop.js';
import { Verifier } from './verify.js';

export interface LoopComponents {
  readonly world: World;
  readonly store: Store;
  readonly ring: RingLinks;
  readonly log: Log;
  /** Runs what puts entries of others in, so that they are not sent on. Default: just runs it. */
  readonly muted?: <T>(work: () => T) => T;
  /** How they yield to clients. Default: they do not. */
  readonly pace?: Pace;
  /**
   * Resolves once all that this node holds is safe from a power failure; false: its disk has failed.
   * Undefined: it keeps nothing.
   */
  readonly settle?: (() => Promise<boolean>) | undefined;
  /** Age of the oldest change that is on its way to a replica, ms; 0: none is. Default: none ever is. */
  readonly unsentMs?: () => number;
  /** When the oldest command that reads on in later turns began, monotonic ms. Default: there is none. */
  readonly oldestReadMs?: () => number;
}

export class Loops {
  readonly reports: Reports;
  readonly answers: SyncAnswers;
  readonly calls: SyncCalls;
  readonly sync: SyncLoop;
  readonly fill: FillLoop;
  readonly clean: CleanLoop;
  readonly loads: Loads;
  readonly migrate: MigrateLoop;
  readonly verifier: Verifier;
  readonly #collect: CollectLoop;
  readonly #components: LoopComponents;
  readonly #settings: LoopSettings;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(components: LoopComponents, options: LoopOptions = {}) {
    const settings = loopSettings(options);
    this.#components = components;
    this.#settings = settings;
    this.reports = new Reports(components);
    const muted = components.muted ?? (<T>(work: () => T): T => work());
    const { oldestReadMs = () => Number.POSITIVE_INFINITY, pace = new Pace(components.world) } =
      components;
    const parts = { ...components, muted, reports: this.reports, pace, oldestReadMs };
    this.answers = new SyncAnswers(parts, settings);
    this.calls = new SyncCalls(parts, settings);
    const withCalls = { ...parts, calls: this.calls };
    this.sync = new SyncLoop(withCalls, settings);
    this.fill = new FillLoop(withCalls, settings);
    this.clean = new CleanLoop(withCalls, settings);
    this.loads = new Loads(parts, settings, () => this.#loadState());
    this.migrate = new MigrateLoop({ ...parts, loads: this.loads }, settings);
    const collectParts = { ...parts, loads: this.loads, sync: this.sync };
    this.#collect = new CollectLoop(collectParts, settings);
    this.verifier = new Verifier(parts);
  }

  start(): void {
    const { ring } = this.#components;
    for (const verb of [this.answers.verb, this.loads.verb]) ring.serve(verb);
    for (const verb of this.#collect.verbs) ring.serve(verb);
    ring.serve(collectedVerb(this.#components));
    for (const verb of this.verifier.verbs) ring.serve(verb);
    ring.listen({
      view: () => this.#noticeView(),
      liveness: (memberId, isAlive) => {
        if (isAlive) this.hurry(memberId);
      },
    });
    if (ring.isReady) this.#noticeView();
    this.#plan();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.sync.stop();
    this.calls.noticeView();
    this.answers.noticeView();
  }

  /** This member may have missed something: batches to it were dropped, or it was away. */
  hurry(memberId: string): void {
    this.sync.hurry(memberId);
    if (this.#components.ring.isReady) this.sync.tick();
  }

  /** Where a newcomer should stand: in the middle of the heaviest range, else anywhere. */
  choosePosition(view: View): Buffer {
    const { random } = this.#components.world;
    return this.loads.heaviestMiddle(view) ?? randomPosition(view, random);
  }

  #noticeView(): void {
    if (!this.#components.ring.isReady) return;
    this.calls.noticeView();
    this.answers.noticeView();
    this.sync.noticeView();
    this.clean.noticeView();
    this.loads.noticeView();
    this.migrate.noticeView();
    this.fill.noticeView();
    this.#collect.noticeView();
  }

  #plan(): void {
    if (this.#isStopped) return;
    const { timers, random } = this.#components.world;
    const delayMs = this.#settings.tickMs * (0.875 + random.float() / 4);
    this.#timer = timers.after(delayMs, () => this.#tick(), true);
  }

  #tick(): void {
    this.#plan();
    if (!this.#components.ring.isReady) return;
    this.answers.tick();
    this.fill.tick();
    this.sync.tick();
    this.clean.tick();
    this.loads.tick();
    this.migrate.tick();
    this.#collect.tick();
  }

  #loadState(): { misplacedEntries: number; floor: number } {
    const misplacedEntries = this.clean.misplacedCount;
    return { misplacedEntries, floor: this.#collect.floorOf(misplacedEntries) };
  }
}
