/** The settings of failure detection, and what follows from them. */

export interface SwimOptions {
  /** A member pings one other each time this has passed. Default 1000 ms. */
  readonly intervalMs?: number;
  /** After this, others are asked to ping too. Default 300 ms; less than the interval. */
  readonly pingTimeoutMs?: number;
  /** How many others are asked. Default 3. */
  readonly helpersMax?: number;
  /** Intervals for which a suspect of a ring of up to ten may defend itself. Default 8. */
  readonly suspicionIntervals?: number;
}

export type SwimSettings = Required<SwimOptions>;

const DEFAULTS: SwimSettings = {
  intervalMs: 1000,
  pingTimeoutMs: 300,
  helpersMax: 3,
  suspicionIntervals: 8,
};

/** A suspicion nobody confirms lasts this much longer than one that enough others confirm. */
const UNCONFIRMED_FACTOR = 2;
/** Others that must confirm for the shortest suspicion, if the ring has so many. */
const CONFIRMERS_MAX = 3;
/**
 * How often a suspect is pinged in an interval, and by whom: where there are few others, lost messages
 * must not decide, so that everybody who has heard of the suspicion pings, and more often. With 30 % of messages
 * lost half of the pings come back; of 32 in the time of a suspicion none does once in 10^9 times.
 */
const SUSPECT_PINGS = 2;
const SUSPECT_PINGS_SMALL = 4;
const SMALL_RING_MAX = 5;
/** Times log10 of the ring's size: how often one update is sent by each member. */
const RETRANSMIT_FACTOR = 6;
/** Updates in one message. */
export const UPDATES_MAX = 8;
/** Pings on behalf of others at a time. */
export const RELAYS_MAX = 256;
/**
 * Lifeguard's local health: how far a member that has reason to doubt itself slows down. Each
 * step adds an interval to its interval and a timeout to its timeout.
 */
export const HEALTH_MAX = 4;

export function settingsOf(options: SwimOptions): SwimSettings {
  return { ...DEFAULTS, ...options };
}

/** How many confirmations shorten a suspicion, in a ring of so many. */
export function confirmersMax(memberCount: number): number {
  // Neither the suspect nor the first to suspect it.
  return Math.max(0, Math.min(CONFIRMERS_MAX, memberCount - 2));
}

/** Whether all who know of a suspicion ping the suspect, and not only those whose own pings failed. */
export function allPingSuspects(memberCount: number): boolean {
  return memberCount <= SMALL_RING_MAX;
}

/** How long after one ping of a suspect the next one follows. */
export function suspectPingMs({ intervalMs }: SwimSettings, memberCount: number): number {
  return intervalMs / (allPingSuspects(memberCount) ? SUSPECT_PINGS_SMALL : SUSPECT_PINGS);
}

/** How long a suspect may defend itself, given how many confirm the suspicion. */
export function suspicionMs(
  settings: SwimSettings,
  memberCount: number,
  confirmationCount: number,
): number {
  const scale = Math.max(1, Math.log10(memberCount));
  const minMs = settings.intervalMs * settings.suspicionIntervals * scale;
  const wanted = confirmersMax(memberCount);
  if (wanted === 0) return minMs;
  const share = Math.log(Math.min(confirmationCount, wanted) + 1) / Math.log(wanted + 1);
  return minMs * (UNCONFIRMED_FACTOR - (UNCONFIRMED_FACTOR - 1) * share);
}

export function retransmitMax(memberCount: number): number {
  return Math.ceil(RETRANSMIT_FACTOR * Math.log10(memberCount + 1));
}

/**
 * The bound: a member that dies is known dead by all others after this time, if no other dies and
 * messages arrive. All others ping it once in a round of all members, at their slowest; then it
 * may defend itself for the longest time; then the news spreads.
 */
export function detectionMaxMs(options: SwimOptions, memberCount: number): number {
  const settings = settingsOf(options);
  const roundMs = 2 * memberCount * settings.intervalMs * (HEALTH_MAX + 1);
  return roundMs + suspicionMs(settings, memberCount, 0) + 10 * settings.intervalMs;
}
