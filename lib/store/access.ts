/**
 * The 24 access bits of a leaf, as in Redis: either the second of the last access (LRU), or the
 * minute of the last decrement and a logarithmic counter (LFU).
 *
 *    LRU   23                        0        LFU   23            8 7          0
 *         +---------------------------+            +---------------+------------+
 *         |  seconds, modulo 2^24     |            | minutes 2^16  |  counter   |
 *         +---------------------------+            +---------------+------------+
 *
 * Source: Redis evict.c (`estimateObjectIdleTime`, `LFULogIncr`, `LFUDecrAndReturn`).
 */
import type { Random } from '../../world/world.js';

const LRU_MASK = 0xffffff;
const LFU_START = 5;
const COUNTER_MAX = 255;

export interface AccessSettings {
  readonly lfuLogFactor: number;
  /** Minutes after which the counter goes down by one; 0 = never. */
  readonly lfuDecayTime: number;
}

export function lruClock(nowMs: number): number {
  return Math.floor(nowMs / 1000) & LRU_MASK;
}

/** Seconds since the last access. */
export function lruIdleSeconds(access: number, nowMs: number): number {
  return (lruClock(nowMs) - access) & LRU_MASK;
}

export function lfuStart(nowMs: number): number {
  return (lfuMinutes(nowMs) << 8) | LFU_START;
}

/** Bits with an explicit counter, for RESTORE ... FREQ. */
export function lfuWith(counter: number, nowMs: number): number {
  return (lfuMinutes(nowMs) << 8) | counter;
}

/** The counter as it stands now, decayed. */
export function lfuCounter(access: number, nowMs: number, settings: AccessSettings): number {
  const counter = access & 0xff;
  if (settings.lfuDecayTime === 0) return counter;
  const minutes = (lfuMinutes(nowMs) - (access >>> 8)) & 0xffff;
  return Math.max(0, counter - Math.floor(minutes / settings.lfuDecayTime));
}

/** The bits after one more access. */
export function lfuTouched(
  access: number,
  nowMs: number,
  settings: AccessSettings,
  random: Random,
): number {
  let counter = lfuCounter(access, nowMs, settings);
  if (counter < COUNTER_MAX) {
    const above = Math.max(0, counter - LFU_START);
    if (random.float() < 1 / (above * settings.lfuLogFactor + 1)) counter += 1;
  }
  return (lfuMinutes(nowMs) << 8) | counter;
}

function lfuMinutes(nowMs: number): number {
  return Math.floor(nowMs / 60_000) & 0xffff;
}
