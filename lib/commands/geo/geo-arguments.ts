/** Places, lengths and units as arguments, and what GEO commands reply of them. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { NOT_FLOAT } from '../replies.js';
import { LATITUDE_MAX, LONGITUDE_MAX, type Place } from './geohash.js';

const NO_MEMBER = 'ERR could not decode requested zset member';
/** From here on `toFixed` writes exponents. */
const FIXED_END = 1e21;

/** Reads a place from two arguments; false if an error was replied. */
export function readPlace(args: Args, i: number, place: Place, reply: ReplyWriter): boolean {
  place.longitude = args.float(i);
  place.latitude = args.float(i + 1);
  const { latitude, longitude } = place;
  if (Number.isNaN(longitude) || Number.isNaN(latitude)) {
    reply.error(NOT_FLOAT);
    return false;
  }
  if (Math.abs(longitude) <= LONGITUDE_MAX && Math.abs(latitude) <= LATITUDE_MAX) return true;
  reply.error(`ERR invalid longitude,latitude pair ${fixedText(longitude)},${fixedText(latitude)}`);
  return false;
}

/** A double as C's `%f` writes it. */
function fixedText(x: number): string {
  if (!Number.isFinite(x)) return x < 0 ? '-inf' : 'inf';
  if (Math.abs(x) >= FIXED_END) return `${BigInt(x)}.000000`;
  return (Object.is(x, -0) ? '-' : '') + x.toFixed(6);
}

/** The meters in the unit that argument `i` names; NaN if an error was replied. */
export function readUnit(args: Args, i: number, reply: ReplyWriter): number {
  if (args.equalsIgnoreCase(i, 'M')) return 1;
  if (args.equalsIgnoreCase(i, 'KM')) return 1000;
  if (args.equalsIgnoreCase(i, 'FT')) return 0.3048;
  if (args.equalsIgnoreCase(i, 'MI')) return 1609.34;
  reply.error('ERR unsupported unit provided. please use M, KM, FT, MI');
  return Number.NaN;
}

/** A length in argument `i`, not negative; NaN if an error was replied. */
export function readLength(args: Args, i: number, what: string, reply: ReplyWriter): number {
  const length = args.float(i);
  if (Number.isNaN(length)) reply.error(`ERR need numeric ${what}`);
  return length;
}

export function refuseMember(reply: ReplyWriter): void {
  reply.error(NO_MEMBER);
}

/** A length with four digits, as a bulk in either protocol. */
export function replyLength(reply: ReplyWriter, length: number): void {
  reply.bulkLatin1(length.toFixed(4));
}

/** Longitude and latitude as Redis writes a long double for humans: `%.17Lf` without last zeros. */
export function replyPlace(reply: ReplyWriter, place: Place): void {
  reply.array(2);
  replyDegrees(reply, place.longitude);
  replyDegrees(reply, place.latitude);
}

function replyDegrees(reply: ReplyWriter, degrees: number): void {
  const isLong = Math.abs(degrees) >= FIXED_END;
  reply.doubleText(isLong ? String(BigInt(degrees)) : degrees.toFixed(17).replace(/\.?0+$/, ''));
}
