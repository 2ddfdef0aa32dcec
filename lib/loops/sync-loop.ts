/**
 * The sync loop: makes what this node owns equal on all of its replicas.
 *
 *   owner A   replicas B C        A - B, A - C, and what one of them lacked comes to the other
 *                                 by A in the next round
 *
 * The owner acts, and while it is dead the next replica that lives. Equal ranges cost one round trip
 * and are compared ever more seldom; whoever may have missed something, since it was away or its
 * batches were dropped, is compared at once.
 */
import type { RingRange } from '../../discord/ring/position.js';
import type { LoopSettings } from './options.js';
import { isActing, liveOthers, replicasOf } from './placement.js';
import type { SyncParts } from './sync-answers.js';
import type { SyncCalls } from './sync-calls.js';

/** One range and one other member that holds it. */
interface Pair {
  dueMs: number;
  pauseMs: number;
  /** When the last session began that found both equal; -1: not since the view changed. */
  equalSinceMs: number;
}

export class SyncLoop {
  readonly #parts: SyncParts;
  readonly #calls: SyncCalls;
  readonly #settings: LoopSettings;
  /** By owner and replica, of this view. */
  #pairs = new Map<string, Pair>();
  readonly #busy = new Set<string>();
  #isHeld = false;
  #isStopped = false;

  constructor(parts: SyncParts & { readonly calls: SyncCalls }, settings: LoopSettings) {
    this.#parts = parts;
    this.#calls = parts.calls;
    this.#settings = settings;
  }

  noticeView(): void {
    this.#pairs = new Map();
  }

  /** This member may have missed what was sent to it: it is compared at the next tick. */
  hurry(memberId: string): void {
    for (const [key, pair] of this.#pairs) {
      if (!key.endsWith(memberId)) continue;
      pair.dueMs = 0;
      pair.pauseMs = this.#settings.syncMinMs;
      pair.equalSinceMs = -1;
    }
  }

  /**
   * The time (monotonic ms) before which all that this node then held of what it owns is on every
   * replica too; -1 if not all have been found equal in this view, or this node does not act.
   */
  confirmedMs(owner: number): number {
    const { current } = this.#parts.ring.responsibility;
    const members = replicasOf(current, owner);
    let confirmedMs = Infinity;
    for (const { id } of members) {
      if (id === this.#parts.ring.selfId) continue;
      const pair = this.#pairs.get(keyOf(members[0]!.id, id));
      confirmedMs = Math.min(confirmedMs, pair?.equalSinceMs ?? -1);
    }
    return confirmedMs;
  }

  /**
   * Begins no session until `release`, so that what is dropped on one side does not come back from the
   * other. False: one is under way.
   */
  hold(): boolean {
    this.#isHeld = this.#busy.size === 0;
    return this.#isHeld;
  }

  release(): void {
    this.#isHeld = false;
  }

  stop(): void {
    this.#isStopped = true;
  }

  tick(): void {
    if (this.#isHeld || this.#isStopped) return;
    const { ring } = this.#parts;
    const { current } = ring.responsibility;
    for (const owner of current.members.keys()) {
      const members = replicasOf(current, owner);
      if (!isActing(ring, members)) continue;
      for (const { id } of liveOthers(ring, members)) {
        this.#look(members[0]!.id, id, current.rangeOf(owner));
      }
    }
  }

  #look(ownerId: string, memberId: string, range: RingRange): void {
    const key = keyOf(ownerId, memberId);
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      pair = { dueMs: 0, pauseMs: this.#settings.syncMinMs, equalSinceMs: -1 };
      this.#pairs.set(key, pair);
    }
    // A session at a time with each member: it works them off one after the other anyway.
    if (this.#busy.has(memberId) || this.#nowMs() < pair.dueMs) return;
    this.#busy.add(memberId);
    void this.#sync(pair, memberId, range)
      .then((hasTaken) => {
        if (hasTaken) this.#hurryOthers(ownerId, key);
      })
      .finally(() => {
        this.#busy.delete(memberId);
        // Another range may have waited for this member.
        if (this.#parts.ring.isReady) this.tick();
      });
  }

  /** What one replica has brought the others should have too. */
  #hurryOthers(ownerId: string, key: string): void {
    for (const [other, pair] of this.#pairs) {
      if (other === key || !other.startsWith(ownerId)) continue;
      pair.dueMs = 0;
      pair.pauseMs = this.#settings.syncMinMs;
    }
  }

  /** Resolves to whether this node has got anything. */
  async #sync(pair: Pair, memberId: string, range: RingRange): Promise<boolean> {
    const { reports, ring } = this.#parts;
    const startMs = this.#nowMs();
    pair.dueMs = Infinity;
    const result = await this.#calls.call({ memberId, range, mode: 'two-way' });
    const { failure, isEqual, stats } = result;
    const entries = stats.sentEntries + stats.appliedEntries;
    const { syncMaxMs, syncMinMs } = this.#settings;
    if (isEqual === true) pair.equalSinceMs = startMs;
    const isQuiet = failure !== '' || (isEqual === true && entries === 0);
    pair.pauseMs = isQuiet ? Math.min(syncMaxMs, pair.pauseMs * 2) : syncMinMs;
    // Somebody was found alive again meanwhile: then it stays due.
    if (pair.dueMs === Infinity) pair.dueMs = startMs + pair.pauseMs;
    reports.report({
      loop: 'sync',
      from: ring.selfId,
      to: memberId,
      entries,
      bytes: stats.sentBytes + stats.receivedBytes,
      failure,
    });
    return stats.appliedEntries > 0;
  }

  #nowMs(): number {
    return this.#parts.world.clock.monotonicMs();
  }
}

function keyOf(ownerId: string, memberId: string): string {
  return `${ownerId} ${memberId}`;
}
