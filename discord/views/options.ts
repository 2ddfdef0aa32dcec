/** The settings of agreeing on views. */

export interface ViewOptions {
  /** A dead member is evicted after this. Default 60 s. */
  readonly evictAfterMs?: number;
  /** An attempt that is not decided by then is given up. Default 1000 ms. */
  readonly attemptTimeoutMs?: number;
  /** The pause after a failed attempt, at first, and at most; half of it is chance. */
  readonly pauseMinMs?: number;
  readonly pauseMaxMs?: number;
  /** How often a newcomer asks, reports are repeated, and somebody is asked for a later view. */
  readonly repeatMs?: number;
  /** Where more than one member may act, each of them waits so much longer than the one before. */
  readonly staggerMs?: number;
}

export type ViewSettings = Required<ViewOptions>;

const DEFAULTS: ViewSettings = {
  evictAfterMs: 60_000,
  attemptTimeoutMs: 1000,
  pauseMinMs: 50,
  pauseMaxMs: 2000,
  repeatMs: 1000,
  staggerMs: 100,
};

/** A newcomer that has not asked again for so many repeats is forgotten. */
export const WISH_REPEATS = 5;

export function settingsOf(options: ViewOptions): ViewSettings {
  return { ...DEFAULTS, ...options };
}
