/** Many members that watch each other, in simulated weather. */

import { encodeSwim, type SwimMessage } from '../../../discord/membership/messages.js';
import { Swim, type SwimEvent } from '../../../discord/membership/swim.js';
import type { PathConditions } from '../../../world/sim/conditions.js';
import { SimMessages } from '../../../world/sim/messages.js';
import { SimRandom } from '../../../world/sim/random.js';

export const WEATHER: Partial<PathConditions> = { delayMinMs: 0.2, delayMaxMs: 20 };

export interface Seen {
  readonly atMs: number;
  readonly at: string;
  readonly event: SwimEvent;
}

export class SwimNet {
  readonly net: SimMessages<SwimMessage>;
  readonly ids: string[];
  readonly swims = new Map<string, Swim>();
  /** What members have seen of others, in order. */
  readonly seen: Seen[] = [];
  readonly #seed: number;
  #startCount = 0;

  constructor(seed: number, count: number, conditions: Partial<PathConditions> = {}) {
    this.#seed = seed;
    this.net = new SimMessages<SwimMessage>({
      seed,
      conditions: { ...WEATHER, ...conditions },
      describe: (message) =>
        encodeSwim({ ...message, updates: message.updates.slice(0, 2) }).join(' '),
    });
    this.ids = Array.from({ length: count }, (_, at) => (at + 1).toString(16).padStart(40, '0'));
    for (const id of this.ids) this.start(id);
  }

  start(id: string): void {
    this.#startCount += 1;
    const random = new SimRandom(this.#seed, `swim ${id} ${this.#startCount}`);
    const swim = new Swim({ id, random });
    const nowMs = (): number => place.clock.monotonicMs();
    let plannedMs = Infinity;
    const flush = (): void => {
      for (const { to, message } of swim.takeMessages()) place.send(to, message);
      for (const event of swim.takeEvents()) this.#see(id, event);
      const dueMs = swim.nextDueMs;
      if (dueMs >= plannedMs) return;
      plannedMs = dueMs;
      place.after(dueMs - nowMs() + 0.01, () => {
        // Another one was planned that came earlier: this one would never end either.
        if (plannedMs !== dueMs) return;
        plannedMs = Infinity;
        if (nowMs() >= swim.nextDueMs) swim.tick(nowMs());
        flush();
      });
    };
    const place = this.net.place(id, (from, message) => {
      swim.receive(nowMs(), from, message);
      flush();
    });
    this.swims.set(id, swim);
    swim.setMembers(nowMs(), this.ids, 1);
    flush();
  }

  /** Who was taken for dead, by whom. */
  deaths(): Seen[] {
    return this.seen.filter(({ event }) => event.kind === 'dead');
  }

  /** Whether all of these see `id` so. */
  allSee(id: string, status: string, observers = this.ids): boolean {
    return observers.every((at) => at === id || this.swims.get(at)!.statusOf(id) === status);
  }

  isCalm(): boolean {
    return this.ids.every((id) => this.allSee(id, 'alive'));
  }

  #see(at: string, event: SwimEvent): void {
    this.seen.push({ atMs: this.net.nowMs, at, event });
    this.net.trace(`${at} sees ${event.id} ${event.kind}`);
  }
}
