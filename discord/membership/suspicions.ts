/**
 * Who is suspected of being dead, since when, and by whom. A suspect has time to defend itself:
 * less, the more others confirm (Lifeguard), since that makes it unlikely that the fault lies with
 * the first one.
 */
import {
  allPingSuspects,
  confirmersMax,
  type SwimSettings,
  suspectPingMs,
  suspicionMs,
} from './options.js';

export interface Suspicion {
  readonly id: string;
  /** Members whose own pings failed, the first one first. */
  readonly by: Set<string>;
  startMs: number;
  /** When this member pings the suspect again, if it does. */
  nextPingMs: number;
}

export class Suspicions {
  readonly #settings: SwimSettings;
  readonly #all = new Map<string, Suspicion>();
  memberCount = 1;

  constructor(settings: SwimSettings) {
    this.#settings = settings;
  }

  get(id: string): Suspicion | undefined {
    return this.#all.get(id);
  }

  all(): IterableIterator<Suspicion> {
    return this.#all.values();
  }

  begin(nowMs: number, id: string, by: string): void {
    const nextPingMs = nowMs + suspectPingMs(this.#settings, this.memberCount);
    this.#all.set(id, { id, by: new Set([by]), startMs: nowMs, nextPingMs });
  }

  /** False: that was known, or enough others confirm already. */
  confirm(id: string, by: string): boolean {
    const suspicion = this.#all.get(id);
    if (suspicion === undefined || suspicion.by.has(by)) return false;
    if (suspicion.by.size > confirmersMax(this.memberCount)) return false;
    suspicion.by.add(by);
    return true;
  }

  /** Whether this member, of this id, pings the suspect until it is clear what is true. */
  pings(suspicion: Suspicion, selfId: string): boolean {
    return allPingSuspects(this.memberCount) || suspicion.by.has(selfId);
  }

  pinged(suspicion: Suspicion, nowMs: number): void {
    suspicion.nextPingMs = nowMs + suspectPingMs(this.#settings, this.memberCount);
  }

  end(id: string): void {
    this.#all.delete(id);
  }

  /** When the suspect is taken for dead. */
  dueMs(suspicion: Suspicion): number {
    const confirmations = suspicion.by.size - 1;
    return suspicion.startMs + suspicionMs(this.#settings, this.memberCount, confirmations);
  }

  /** This member stood still for so long: nobody could defend himself. */
  postpone(byMs: number): void {
    for (const suspicion of this.#all.values()) {
      suspicion.startMs += byMs;
      suspicion.nextPingMs += byMs;
    }
  }
}
