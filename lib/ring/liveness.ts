/** Runs SWIM on a node: its clock, its messages. */
import { encodeSwim, type SwimMessage } from '../../discord/membership/messages.js';
import { Swim, type SwimEvent } from '../../discord/membership/swim.js';
import type { Timer, World } from '../../world/world.js';

export interface LivenessEvents {
  send(to: string, words: readonly string[]): void;
  told(event: SwimEvent): void;
}

export class Liveness {
  readonly swim: Swim;
  readonly #world: World;
  readonly #events: LivenessEvents;
  #timer: Timer | undefined;
  #plannedMs = Infinity;
  #isStopped = false;

  constructor(world: World, id: string, events: LivenessEvents) {
    this.#world = world;
    this.#events = events;
    this.swim = new Swim({ id, random: world.random });
  }

  setMembers(ids: readonly string[], epoch: number): void {
    this.#do((nowMs) => this.swim.setMembers(nowMs, ids, epoch));
  }

  receive(from: string, message: SwimMessage): void {
    this.#do((nowMs) => this.swim.receive(nowMs, from, message));
  }

  /** There is a connection to this member. */
  reached(id: string): void {
    this.#do(() => this.swim.reached(id));
  }

  isAlive(id: string): boolean {
    return this.swim.statusOf(id) !== 'dead';
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #do(action: (nowMs: number) => void): void {
    if (this.#isStopped) return;
    action(this.#world.clock.monotonicMs());
    for (const { to, message } of this.swim.takeMessages()) {
      this.#events.send(to, encodeSwim(message));
    }
    for (const event of this.swim.takeEvents()) this.#events.told(event);
    this.#plan();
  }

  #plan(): void {
    const dueMs = this.swim.nextDueMs;
    if (this.#isStopped || dueMs >= this.#plannedMs || dueMs === Infinity) return;
    this.#timer?.cancel();
    this.#plannedMs = dueMs;
    const tick = (): void => {
      this.#plannedMs = Infinity;
      this.#do((nowMs) => this.swim.tick(nowMs));
    };
    const delayMs = Math.max(1, dueMs - this.#world.clock.monotonicMs());
    this.#timer = this.#world.timers.after(delayMs, tick, true);
  }
}
