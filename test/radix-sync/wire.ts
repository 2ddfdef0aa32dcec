/** Two sessions in one process, over a wire that cuts bytes as it likes. */

import { type InitiateOptions, SyncSession } from '../../radix/sync/session.js';
import type { KeyRange } from '../../radix/sync/view.js';
import type { SeededRandom } from '../support/random.js';
import type { Store } from './stores.js';

export const WHOLE: KeyRange = { from: null, to: null };
/** More turns than any session here needs: it hangs. */
const TURNS_MAX = 200_000;

export interface WireOptions {
  /** Cuts what is sent into pieces if given; otherwise frames arrive whole. */
  readonly random?: SeededRandom;
  /** Frames that arrive before the link breaks; default: all. */
  readonly framesMax?: number;
  /** Called between any two slices of work. */
  readonly between?: () => void;
  /** May change what the initiator (0) or the responder (1) says; null: swallow it. */
  readonly tamper?: (frame: Buffer, side: number) => Buffer | null;
}

export interface Run {
  readonly initiator: SyncSession;
  readonly responder: SyncSession;
  readonly frames: number;
  /** Types and lengths of all frames, in order. */
  readonly log: string[];
}

export function runSync(
  [ours, theirs]: readonly [Store, Store],
  options: InitiateOptions,
  wire: WireOptions = {},
): Run {
  const initiator = SyncSession.initiate(ours, options);
  const responder = SyncSession.respond(theirs);
  const log: string[] = [];
  return { initiator, responder, ...drive(initiator, responder, wire, log), log };
}

/** Lets two sides talk until neither has anything to say or do. */
export function drive(
  initiator: SyncSession,
  responder: SyncSession,
  wire: WireOptions,
  log: string[],
): { frames: number } {
  const { between = () => {}, framesMax = Infinity, tamper = (frame) => frame } = wire;
  let frames = 0;
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    let isBusy = false;
    for (const [side, from] of [initiator, responder].entries()) {
      const to = side === 0 ? responder : initiator;
      if (from.work()) isBusy = true;
      between();
      for (let frame = from.take(); frame !== null; frame = from.take()) {
        isBusy = true;
        if (++frames > framesMax) return { frames };
        log.push(`${side === 0 ? '>' : '<'}${frame[0]}:${frame.length}`);
        const sent = tamper(frame, side);
        if (sent !== null) deliver(sent, to, wire.random);
      }
    }
    if (initiator.error !== null || responder.error !== null) return { frames };
    if (!isBusy) return { frames };
  }
  throw new Error('the sessions go on for ever');
}

function deliver(bytes: Buffer, to: SyncSession, random: SeededRandom | undefined): void {
  if (random === undefined) {
    to.receive(bytes);
    return;
  }
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + random.below(random.chance(0.5) ? 10 : 5000));
    to.receive(bytes.subarray(at, end));
    at = end;
    if (random.chance(0.3)) to.work();
  }
}
