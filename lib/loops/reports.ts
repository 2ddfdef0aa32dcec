/**
 * What the loops have done: counters for INFO, an event for whoever listens, a line in the log.
 */
import type { SyncStats } from '../../radix/sync/session.js';
import type { World } from '../../world/world.js';
import type { Log } from '../server/log.js';

export const LOOP_NAMES = ['sync', 'fill', 'clean', 'migrate', 'collect'] as const;
export type LoopName = (typeof LOOP_NAMES)[number];

export interface LoopEvent {
  readonly loop: LoopName;
  /** Ids of members. */
  readonly from: string;
  readonly to: string;
  readonly entries: number;
  readonly bytes: number;
  /** Empty if it went well. */
  readonly failure: string;
}

export class LoopCounters {
  rounds = 0;
  failures = 0;
  entries = 0;
  bytes = 0;
  /** Wall time of the last round, ms; 0: there was none. */
  lastMs = 0;
  lastFrom = '';
  lastTo = '';
}

export class Reports {
  readonly loops = new Map(LOOP_NAMES.map((name) => [name, new LoopCounters()]));
  /** Sessions that others began: entries and bytes that came by them and went. */
  readonly answers = { sessions: 0, entriesIn: 0, entriesOut: 0, bytesIn: 0, bytesOut: 0 };
  readonly #world: World;
  readonly #log: Log;
  readonly #listeners: ((event: LoopEvent) => void)[] = [];

  constructor({ log, world }: { log: Log; world: World }) {
    this.#log = log;
    this.#world = world;
  }

  listen(listener: (event: LoopEvent) => void): void {
    this.#listeners.push(listener);
  }

  of(name: LoopName): LoopCounters {
    return this.loops.get(name)!;
  }

  report(event: LoopEvent): void {
    const { bytes, entries, failure, from, loop, to } = event;
    const counters = this.of(loop);
    counters.rounds += 1;
    counters.entries += entries;
    counters.bytes += bytes;
    counters.lastMs = this.#world.clock.wallMs();
    counters.lastFrom = from;
    counters.lastTo = to;
    if (failure !== '') {
      counters.failures += 1;
      this.#log.debug(event, `${loop} failed: ${failure}`);
    } else if (entries > 0) this.#log.info(event, `${loop}: ${entries} entries`);
    else this.#log.debug(event, `${loop}: nothing to do`);
    for (const listener of this.#listeners) listener(event);
  }

  answered(from: string, stats: SyncStats): void {
    const { answers } = this;
    answers.sessions += 1;
    answers.entriesIn += stats.receivedEntries;
    answers.entriesOut += stats.sentEntries;
    answers.bytesIn += stats.receivedBytes;
    answers.bytesOut += stats.sentBytes;
    this.#log.debug({ from, ...stats }, 'a member has synchronised with this one');
  }
}
