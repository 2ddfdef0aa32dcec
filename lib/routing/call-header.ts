/**
 * The second word of CALL and EXEC: what a request of a client needs besides its own words. Decimal
 * numbers with commas between them, so that a link can be read by eye.
 *
 *   CALL  <epoch>,<generation>,<id>,<lane>,<database>,<protocol>,<flags>,<read>,<write>,<due>  GET key
 *
 *   epoch        of the sender's view
 *   generation   see calls.ts: what was sent before a refusal was heard is refused as well
 *   id           names the call, for ANSWER and CANCEL
 *   lane         the client, as its node knows it; commands of one lane run one after the other;
 *                0 = of none
 *   flags        ACTING, SPAN, TRACK, WHOLE
 *   read, write  levels of the client, LEVEL_... of replication/levels.ts
 *   due          it is not to be begun later, ms of the sender's monotonic clock
 */
import type { PeerClock } from '../../discord/peer/peer-clock.js';
import type { Args } from '../../resp/args.js';
import { parseInt64 } from '../../resp/numbers.js';
import { LEVEL_NAMES } from '../replication/levels.js';

/** The owner does not answer: a replica is asked in its place. */
export const ACTING = 1;
/** About a part of the ring, not about keys: both sides must be of the same epoch. */
export const SPAN_PART = 2;
/** The client keeps what it reads: its node wants to hear of changes. */
export const TRACK = 4;
/** The reply is not passed on as it is: it is wanted in one piece. */
export const WHOLE = 8;

export interface CallHeader {
  readonly epoch: number;
  readonly generation: number;
  readonly id: number;
  readonly lane: number;
  readonly database: number;
  readonly protocol: 2 | 3;
  readonly flags: number;
  readonly readLevel: number;
  readonly writeLevel: number;
  readonly dueMs: number;
}

const FIELDS = 10;
const COMMA = 0x2c;

export function encodeHeader(header: CallHeader): string {
  const { epoch, generation, id, lane, database, protocol, flags, readLevel, writeLevel } = header;
  const call = `${epoch},${generation},${id},${lane}`;
  const client = `${database},${protocol},${flags},${readLevel},${writeLevel}`;
  return `${call},${client},${Math.floor(header.dueMs)}`;
}

const numbers = new Float64Array(FIELDS);

/** Undefined if word `i` is none. `clock` is the sender's: `dueMs` is of this member's monotonic clock. */
export function decodeHeader(args: Args, i: number, clock: PeerClock): CallHeader | undefined {
  if (!readFields(args.buf, args.starts[i]!, args.ends[i]!)) return undefined;
  const protocol = numbers[5]!;
  const readLevel = numbers[7]!;
  const writeLevel = numbers[8]!;
  if (protocol !== 2 && protocol !== 3) return undefined;
  if (Math.max(readLevel, writeLevel) >= LEVEL_NAMES.length) return undefined;
  return {
    epoch: numbers[0]!,
    generation: numbers[1]!,
    id: numbers[2]!,
    lane: numbers[3]!,
    database: numbers[4]!,
    protocol,
    flags: numbers[6]!,
    readLevel,
    writeLevel,
    dueMs: clock.here(numbers[9]!),
  };
}

/** Into `numbers`. False if they are not as many as there should be, or not whole and positive. */
function readFields(buf: Buffer, from: number, to: number): boolean {
  let field = 0;
  let start = from;
  for (let at = from; at <= to; at += 1) {
    if (at < to && buf[at] !== COMMA) continue;
    const number = parseInt64(buf, start, at);
    if (field === FIELDS || !Number.isSafeInteger(number) || number < 0) return false;
    numbers[field] = number;
    field += 1;
    start = at + 1;
  }
  return field === FIELDS;
}
