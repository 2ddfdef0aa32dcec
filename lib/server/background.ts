/**
 * Work that nobody waits for, a slice per turn of the event loop until there is none left: taking
 * out what has expired, giving memory back, moving records together. With a pace it pauses while
 * clients are busy.
 */
import type { World } from '../../world/world.js';
import { Pace } from './pace.js';

/** Time of a turn that it may take, ms; less if its pace says so. */
const SLICE_MS = 2;

export class BackgroundWork {
  readonly #world: World;
  /** Works until the deadline (monotonic ms); true when nothing is left. */
  readonly #step: (deadlineMs: number) => boolean;
  readonly #pace: Pace;
  #isRunning = false;

  constructor(world: World, step: (deadlineMs: number) => boolean, pace = new Pace(world)) {
    this.#pace = pace;
    this.#world = world;
    this.#step = step;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** There may be something to do; costs nothing if it is being done. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#pace.plan(() => this.#turn());
  }

  #turn(): void {
    const sinceMs = this.#world.clock.monotonicMs();
    const isDone = this.#step(sinceMs + this.#pace.sliceMs(SLICE_MS));
    this.#pace.worked(sinceMs);
    this.#isRunning = false;
    if (!isDone) this.start();
  }
}
