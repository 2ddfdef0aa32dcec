/**
 * Timer: a time that the members agree on, after god's timenet. Each asks a random peer now and
 * then what time it is there, and bends its own towards what most of them say.
 *
 *   time
 *    |            / true         A correction makes time run faster or slower for a while, by
 *    |         .-'               `SLEW_MAX` at most: it never steps, and never goes back.
 *    |      .-' /
 *    |   .-'  /   bent: 1 +- slew
 *    | /    /
 *    +-------------------- monotonic clock
 *
 * It rests on the monotonic clock, so setting the wall clock does not move it. The target is the
 * median of what the peers say and this member's own time, not their mean: a minority of wrong
 * clocks, however wrong, moves nobody else. Nor do the first that answer: who is to be asked and
 * has not been heard yet is taken to agree with this member, up to PEERS_ENOUGH of them.
 *
 * `skewMs` tells of the wall clock, which stamps are made of: how far it is from the median of all
 * wall clocks that were seen. Beyond the bound a member must not lead (`isSkewed`).
 *
 * Pure: a sample comes in with the times at which it was asked for and answered.
 */
import type { Clock, Random } from '../world/world.js';
import { Latency } from './latency.js';

export interface TimeSample {
  /** By this member's monotonic clock. */
  readonly sentMs: number;
  readonly receivedMs: number;
  /** What the peer answered: its agreed time (`nowMs`) and its wall clock. */
  readonly peerNowMs: number;
  readonly peerWallMs: number;
}

export interface TimerOptions {
  /** As of the hybrid clock: wall clocks further from the median are wrong. Default 500 ms. */
  readonly clockSkewMaxMs?: number;
}

export interface PeerTime {
  readonly id: string;
  readonly latencyMs: number;
  readonly deviationMs: number;
  /** How far the peer's time was ahead of this one, at the last usual sample. */
  readonly errorMs: number;
  readonly usedCount: number;
  readonly refusedCount: number;
}

export interface TimerStatus {
  /** How far the agreed time is ahead of the wall clock. */
  readonly offsetMs: number;
  /** What the last correction has still to make good. */
  readonly errorMs: number;
  /** Mean distance of the peers' times from this one: the smaller, the more stable. */
  readonly stabilityMs: number;
  /** How far the wall clock is ahead of the median of all; 0 while no peer is known. */
  readonly skewMs: number;
  readonly isSkewed: boolean;
  readonly peers: readonly PeerTime[];
}

export const PEERS_MAX = 1024;
/** Time runs faster or slower by this part at most. */
export const SLEW_MAX = 0.1;
/** A correction is spread over this, unless that would be too fast, ms of the monotonic clock. */
const SLEW_MS = 1000;
/** So many peers, picked at random, speak for all. */
const PEERS_ENOUGH = 8;
/** What a peer said longer ago counts no more, ms. */
const FRESH_MS = 60_000;
/** A sample that took longer says nothing, ms. */
const ROUND_TRIP_MAX_MS = 2000;

const CLOCK_SKEW_DEFAULT_MS = 500;

interface Peer {
  readonly latency: Latency;
  /** The peer's times less this member's monotonic one, at the last usual sample. */
  nowOffsetMs: number;
  wallOffsetMs: number;
  sampledMs: number;
  usedCount: number;
  refusedCount: number;
}

export class Timer {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #clockSkewMaxMs: number;
  readonly #peers = new Map<string, Peer>();
  /** At `#anchorMs` of the monotonic clock it was `#anchorNowMs`; from then on time is bent. */
  #anchorMs: number;
  #anchorNowMs: number;
  #slew = 0;
  /** How many peers there are to ask. */
  #peerCount = 0;
  #slewEndMs: number;

  constructor({ clock, random }: { clock: Clock; random: Random }, options: TimerOptions = {}) {
    this.#clock = clock;
    this.#random = random;
    this.#clockSkewMaxMs = options.clockSkewMaxMs ?? CLOCK_SKEW_DEFAULT_MS;
    this.#anchorMs = clock.monotonicMs();
    this.#slewEndMs = this.#anchorMs;
    this.#anchorNowMs = clock.wallMs();
  }

  /** The agreed time, ms since 1970 with fractions. Never goes back. */
  nowMs(): number {
    return this.#at(this.#clock.monotonicMs());
  }

  /** Whom to ask next; undefined if there is nobody. */
  pickPeer(ids: readonly string[]): string | undefined {
    this.#peerCount = ids.length;
    return ids.length === 0 ? undefined : ids[this.#random.below(ids.length)];
  }

  /** Forgets all peers but these. */
  keepPeers(ids: readonly string[]): void {
    const wanted = new Set(ids);
    for (const id of this.#peers.keys()) if (!wanted.has(id)) this.#peers.delete(id);
  }

  /** Takes what a peer said; false: it took unusually long, and is not used. */
  sample(id: string, { sentMs, receivedMs, peerNowMs, peerWallMs }: TimeSample): boolean {
    const peer = this.#peers.get(id) ?? newPeer();
    if (!this.#peers.has(id) && this.#peers.size >= PEERS_MAX) return false;
    this.#peers.set(id, peer);
    const roundTripMs = receivedMs - sentMs;
    const isPlausible = roundTripMs >= 0 && roundTripMs <= ROUND_TRIP_MAX_MS;
    const isNumber = Number.isFinite(peerNowMs) && Number.isFinite(peerWallMs);
    if (!isPlausible || !isNumber || !peer.latency.add(roundTripMs / 2)) {
      peer.refusedCount += 1;
      return false;
    }
    const middleMs = sentMs + roundTripMs / 2;
    peer.usedCount += 1;
    peer.nowOffsetMs = peerNowMs - middleMs;
    peer.wallOffsetMs = peerWallMs - middleMs;
    peer.sampledMs = receivedMs;
    this.#correct();
    return true;
  }

  status(): TimerStatus {
    const monotonicMs = this.#clock.monotonicMs();
    const wallMs = this.#clock.wallMs();
    const ownMs = this.#at(monotonicMs) - monotonicMs;
    const fresh = this.#freshPeers(monotonicMs);
    const distances = fresh.map(({ nowOffsetMs }) => Math.abs(nowOffsetMs - ownMs));
    const walls = [wallMs - monotonicMs, ...fresh.map(({ wallOffsetMs }) => wallOffsetMs)];
    const skewMs = wallMs - monotonicMs - median(walls);
    return {
      offsetMs: ownMs + monotonicMs - wallMs,
      errorMs: Math.max(0, this.#slewEndMs - monotonicMs) * this.#slew,
      stabilityMs: distances.reduce((sum, ms) => sum + ms, 0) / Math.max(1, distances.length),
      skewMs,
      isSkewed: Math.abs(skewMs) > this.#clockSkewMaxMs,
      peers: [...this.#peers].map(([id, peer]) => ({
        id,
        latencyMs: peer.latency.meanMs,
        deviationMs: peer.latency.deviationMs,
        errorMs: peer.usedCount === 0 ? 0 : peer.nowOffsetMs - ownMs,
        usedCount: peer.usedCount,
        refusedCount: peer.refusedCount,
      })),
    };
  }

  /** Bends time from now on, instead of what is left of the last correction. */
  #correct(): void {
    const monotonicMs = this.#clock.monotonicMs();
    const nowMs = this.#at(monotonicMs);
    const ownMs = nowMs - monotonicMs;
    const peers = this.#freshPeers(monotonicMs).map(({ nowOffsetMs }) => nowOffsetMs - ownMs);
    const unheard = Math.max(0, Math.min(this.#peerCount, PEERS_ENOUGH) - peers.length);
    const errorMs = median([0, ...peers, ...Array.from({ length: unheard }, () => 0)]);
    const slewMs = Math.max(SLEW_MS, Math.abs(errorMs) / SLEW_MAX);
    this.#anchorMs = monotonicMs;
    this.#anchorNowMs = nowMs;
    this.#slew = errorMs / slewMs;
    this.#slewEndMs = monotonicMs + slewMs;
  }

  #at(monotonicMs: number): number {
    const passedMs = monotonicMs - this.#anchorMs;
    const bentMs = Math.min(monotonicMs, this.#slewEndMs) - this.#anchorMs;
    return this.#anchorNowMs + passedMs + bentMs * this.#slew;
  }

  #freshPeers(monotonicMs: number): Peer[] {
    return [...this.#peers.values()].filter(({ usedCount, sampledMs }) => {
      return usedCount > 0 && monotonicMs - sampledMs <= FRESH_MS;
    });
  }
}

function newPeer(): Peer {
  return {
    latency: new Latency(),
    nowOffsetMs: 0,
    wallOffsetMs: 0,
    sampledMs: 0,
    usedCount: 0,
    refusedCount: 0,
  };
}

function median(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return (sorted[middle - 1]! + sorted[middle]!) / 2;
}
