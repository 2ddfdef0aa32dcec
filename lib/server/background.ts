/**
 * Work that nobody waits for, a slice per turn of the event loop until there is none left: taking
 * out what has expired, giving memory back, moving records together.
 */
import type { World } from '../../world/world.js';

/** Time of a turn that it may take, ms. */
const SLICE_MS = 2;

export class BackgroundWork {
  readonly #world: World;
  /** Works until the deadline (monotonic ms); true when nothing is left. */
  readonly #step: (deadlineMs: number) => boolean;
  #isRunning = false;

  constructor(world: World, step: (deadlineMs: number) => boolean) {
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
    this.#world.timers.soon(() => this.#turn());
  }

  #turn(): void {
    const isDone = this.#step(this.#world.clock.monotonicMs() + SLICE_MS);
    this.#isRunning = false;
    if (!isDone) this.start();
  }
}
