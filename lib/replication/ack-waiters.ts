/**
 * AckWaiters: who waits until replicas have acknowledged what some turns have changed.
 *
 *   add --> waiting --> safe        as many have acknowledged it as the level asks for
 *                   --> doubtful    on the way to too many replicas it was lost
 *                   --> doubtful    those that it waits for have acknowledged nothing for too long
 *
 * All of them are looked through at each acknowledgement, so a turn should add few: one for all that
 * waits for the same.
 */
import type { Timer, World } from '../../world/world.js';
import { type Group, type Holder, isSafeAt } from './groups.js';
import { levelName } from './levels.js';
import { ACK_TIMEOUT_MS } from './limits.js';
import type { ReplicaStream } from './replica-stream.js';
import type { TurnLog } from './turn-log.js';

/** Who waits until replicas have what some turns have changed. */
export interface ReplicaWaiter {
  safe(): void;
  /** Whether enough will have it is open. `text`: the error to tell. */
  doubtful(text: string): void;
}

interface Held {
  readonly first: number;
  readonly last: number;
  readonly level: number;
  readonly sinceMs: number;
  readonly waiter: ReplicaWaiter;
}

export interface AckWaitersParts {
  readonly world: World;
  readonly turns: TurnLog;
  readonly streams: Iterable<ReplicaStream>;
}

export class AckWaiters {
  readonly #parts: AckWaitersParts;
  #held: Held[] = [];
  #watchers: (() => boolean)[] = [];
  #timer: Timer | undefined;
  #isCheckPlanned = false;

  constructor(parts: AckWaitersParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#held.length;
  }

  get isAnyone(): boolean {
    return this.#held.length > 0 || this.#watchers.length > 0;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** False: there is nothing to wait for. */
  add(first: number, last: number, level: number, waiter: ReplicaWaiter): boolean {
    const { clock, timers } = this.#parts.world;
    const held = { first, last, level, sinceMs: clock.monotonicMs(), waiter };
    if (this.#isSafe(held)) return false;
    this.#held.push(held);
    this.#timer ??= timers.after(ACK_TIMEOUT_MS, () => this.#timeOut(), true);
    // It may be in doubt from the start.
    if (!this.#isCheckPlanned) {
      this.#isCheckPlanned = true;
      timers.soon(() => this.check());
    }
    return true;
  }

  /** Is called whenever something was acknowledged or dropped, until it returns true. */
  watch(look: () => boolean): void {
    this.#watchers.push(look);
  }

  /** Something was acknowledged or dropped, or others hold what was changed. */
  check(): void {
    this.#isCheckPlanned = false;
    if (this.#watchers.length > 0) this.#watchers = this.#watchers.filter((look) => !look());
    if (this.#held.length > 0) this.#tell((held) => this.#isHopeless(held));
  }

  #timeOut(): void {
    const { clock, timers } = this.#parts.world;
    const nowMs = clock.monotonicMs();
    this.#tell((held) => this.#dueMs(held) <= nowMs || this.#isHopeless(held));
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#held.length === 0) return;
    let dueMs = Number.POSITIVE_INFINITY;
    for (const held of this.#held) dueMs = Math.min(dueMs, this.#dueMs(held));
    const leftMs = Math.max(1, dueMs - clock.monotonicMs());
    this.#timer = timers.after(leftMs, () => this.#timeOut(), true);
  }

  /** Tells those who are safe, and those for whom it is in doubt. */
  #tell(isInDoubt: (held: Held) => boolean): void {
    const waiting: Held[] = [];
    const told: { readonly held: Held; readonly doubt: string | undefined }[] = [];
    for (const held of this.#held) {
      if (this.#isSafe(held)) told.push({ held, doubt: undefined });
      else if (isInDoubt(held)) told.push({ held, doubt: this.#doubtText(held) });
      else waiting.push(held);
    }
    // First: who is told may wait anew.
    this.#held = waiting;
    for (const { doubt, held } of told) {
      if (doubt === undefined) held.waiter.safe();
      else held.waiter.doubtful(doubt);
    }
  }

  #isSafe({ first, last, level }: Held): boolean {
    const changed = this.#parts.turns.changedBy(first, last);
    if (changed === undefined) return false;
    const has = (holder: Holder): boolean => isSafeAt(holder, first, changed.last);
    return isEnoughFor(changed.groups, level, has);
  }

  /** Whether too many replicas have lost what the turns have changed. */
  #isHopeless({ first, last, level }: Held): boolean {
    const changed = this.#parts.turns.changedBy(first, last);
    if (changed === undefined) return false;
    const may = (holder: Holder): boolean => holder === null || !holder.isLost(first, changed.last);
    return !isEnoughFor(changed.groups, level, may);
  }

  /** When the replicas that it waits for have acknowledged nothing for too long. */
  #dueMs({ first, last, sinceMs }: Held): number {
    const changed = this.#parts.turns.changedBy(first, last);
    let lastMs = sinceMs;
    for (const stream of this.#parts.streams) {
      if (changed !== undefined && stream.isSafe(first, changed.last)) continue;
      lastMs = Math.max(lastMs, stream.acknowledgedMs);
    }
    return lastMs + ACK_TIMEOUT_MS;
  }

  #doubtText({ first, last, level }: Held): string {
    const changed = this.#parts.turns.changedBy(first, last);
    const has = (holder: Holder): boolean => isSafeAt(holder, first, changed?.last ?? last);
    let text = 'by too few replicas';
    for (const group of changed?.groups ?? []) {
      if (group.isEnough(level, has)) continue;
      const count = group.count(has);
      text = `by ${count.has} of ${count.of} replicas`;
      break;
    }
    return `INDOUBT applied here, acknowledged ${text}, level '${levelName(level)}' was asked for`;
  }
}

function isEnoughFor(
  groups: Iterable<Group>,
  level: number,
  has: (holder: Holder) => boolean,
): boolean {
  for (const group of groups) if (!group.isEnough(level, has)) return false;
  return true;
}
