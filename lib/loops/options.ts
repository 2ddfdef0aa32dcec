/** The settings of the loops that keep the ring's entries where they belong. */

export interface LoopOptions {
  /** How often each loop looks, about; a quarter of it is chance. Default 1000 ms. */
  readonly tickMs?: number;
  /** A range that was found equal is compared again after this, doubled up to the most. */
  readonly syncMinMs?: number;
  readonly syncMaxMs?: number;
  /** Sessions that this node begins at a time. Default 4. */
  readonly callsMax?: number;
  /** Without an answer for so long a session is given up. Default 30 s. */
  readonly answerTimeoutMs?: number;
  /** How often another member's load is asked for, while loads change. Default 2000 ms. */
  readonly loadMs?: number;
  /** After a change of the ring nobody moves for so long. Default 2000 ms. */
  readonly quietMs?: number;
  /** A difference of fewer entries is left as it is. Default 512. */
  readonly migrateEntriesMin?: number;
  /** Whether this node moves at all by itself. Default true. */
  readonly migrates?: boolean;
  /** How often tombstones that nobody needs are looked for. Default 10 s. */
  readonly collectMs?: number;
  /** Tombstones are kept for so long at least. Default 0. */
  readonly tombstoneKeepMs?: number;
}

export type LoopSettings = Required<LoopOptions>;

const DEFAULTS: LoopSettings = {
  tickMs: 1000,
  syncMinMs: 1000,
  syncMaxMs: 8000,
  callsMax: 4,
  answerTimeoutMs: 30_000,
  loadMs: 2000,
  quietMs: 2000,
  migrateEntriesMin: 512,
  migrates: true,
  collectMs: 10_000,
  tombstoneKeepMs: 0,
};

export function loopSettings(options: LoopOptions): LoopSettings {
  return { ...DEFAULTS, ...options };
}
