/** A session between two trees, measured. */
import {
  FRAME_CREDIT,
  FRAME_ENTRIES,
  FRAME_SAME,
  FRAME_SUMMARY,
  FRAME_VALUE,
  type SyncMode,
} from '../../radix/sync/messages.js';
import { SyncSession } from '../../radix/sync/session.js';
import type { Pair } from './sync-pair.js';

export interface Measured {
  readonly discoveryBytes: number;
  readonly roundTrips: number;
  readonly cpuMsLocal: number;
  readonly cpuMsRemote: number;
  /** The longest slice of work of either side. */
  readonly sliceMsMax: number;
  readonly unneededEntries: number;
}

/** Frames that carry values, or say how many bytes of them have been taken. */
const CARRIES = [FRAME_ENTRIES, FRAME_VALUE, FRAME_CREDIT];

/** Time and frames of one side. */
class Side {
  readonly session: SyncSession;
  cpuMs = 0;
  sliceMsMax = 0;

  constructor(make: () => SyncSession) {
    const started = performance.now();
    this.session = make();
    this.cpuMs = performance.now() - started;
  }

  timed<T>(work: () => T): T {
    const started = performance.now();
    const result = work();
    const spent = performance.now() - started;
    this.cpuMs += spent;
    if (spent > this.sliceMsMax) this.sliceMsMax = spent;
    return result;
  }
}

export function measureSession(pair: Pair, mode: SyncMode, salt: number): Measured {
  const range = { from: null, to: null };
  const local = new Side(() => SyncSession.initiate([pair.sides[0]], { range, mode, salt }));
  const remote = new Side(() => SyncSession.respond([pair.sides[1]]));
  let discoveryBytes = 0;
  let closingBytes = 0;
  let roundTrips = 0;
  for (let isBusy = true; isBusy; ) {
    isBusy = false;
    for (const [from, to] of [
      [local, remote],
      [remote, local],
    ] as const) {
      if (from.timed(() => from.session.work())) isBusy = true;
      for (;;) {
        const frame = from.timed(() => from.session.take());
        if (frame === null) break;
        isBusy = true;
        const [type] = frame;
        if (!CARRIES.includes(type!)) discoveryBytes += frame.length;
        if (type === FRAME_SUMMARY) closingBytes = 0;
        if (type === FRAME_SUMMARY || type === FRAME_SAME) closingBytes += frame.length;
        to.timed(() => to.session.receive(frame));
      }
    }
  }
  const { error, outcome } = local.session;
  if (error !== null) throw error;
  if (outcome === null) throw new Error('the session did not end');
  roundTrips = local.session.stats.roundTrips;
  if (outcome.isEqual === true && outcome.attempts > 0) {
    discoveryBytes -= closingBytes;
    roundTrips--;
  }
  const stats = [local.session.stats, remote.session.stats];
  const unneeded = stats.map((one) => one.receivedEntries - one.appliedEntries);
  return {
    discoveryBytes,
    roundTrips,
    cpuMsLocal: local.cpuMs,
    cpuMsRemote: remote.cpuMs,
    sliceMsMax: Math.max(local.sliceMsMax, remote.sliceMsMax),
    unneededEntries: unneeded[0]! + unneeded[1]!,
  };
}
