/** GEOADD, GEOPOS, GEODIST, GEOHASH: places as members of a sorted set. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { findScore, SORTED_SET } from '../../types/zsets.js';
import { readCollection } from '../collections.js';
import { type CommandRow, READONLY, WRITE } from '../command.js';
import { replyForEach } from '../many-arguments.js';
import { SYNTAX_ERROR } from '../replies.js';
import { addScores, CH, NX, type ScoreForm, XX } from '../zsets/add-scores.js';
import { readPlace, readUnit, replyLength, replyPlace } from './geo-arguments.js';
import { decodePlace, distanceBetween, encodePlace, geohashText, type Place } from './geohash.js';

/** The places at hand. */
const place: Place = { longitude: 0, latitude: 0 };
const other: Place = { longitude: 0, latitude: 0 };

/** longitude latitude member [longitude latitude member ...] */
const PLACES: ScoreForm = {
  step: 3,
  read: (args, i, reply) => {
    return readPlace(args, i, place, reply) ? encodePlace(place) : Number.NaN;
  },
};

/** GEOADD key [NX|XX] [CH] longitude latitude member [longitude latitude member ...] */
function geoadd(session: Session, args: Args, reply: ReplyWriter): void {
  let flags = 0;
  let first = 2;
  for (; first < args.count; first += 1) {
    if (args.equalsIgnoreCase(first, 'NX')) flags |= NX;
    else if (args.equalsIgnoreCase(first, 'XX')) flags |= XX;
    else if (args.equalsIgnoreCase(first, 'CH')) flags |= CH;
    else break;
  }
  const rest = args.count - first;
  const isBoth = (flags & NX) !== 0 && (flags & XX) !== 0;
  if (rest === 0 || rest % PLACES.step !== 0 || isBoth) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  addScores(session, args, first, PLACES, flags);
}

function geopos(session: Session, args: Args, reply: ReplyWriter): void {
  const zset = readCollection(session, args, 1, SORTED_SET, reply);
  if (zset !== undefined) replyForEach(session, zset, args, 2, writePlace);
}

function writePlace(reply: ReplyWriter, zset: Collection, args: Args, i: number): void {
  if (findPlace(zset, args, i, place)) replyPlace(reply, place);
  else reply.nilArray();
}

/** Finds where the member in argument `i` is; false if it is not there. */
export function findPlace(zset: Collection, args: Args, i: number, found: Place): boolean {
  const score = findScore(zset, args.buf, args.starts[i]!, args.ends[i]!);
  if (Number.isNaN(score)) return false;
  decodePlace(score, found);
  return true;
}

function geodist(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > 5) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const unit = args.count === 5 ? readUnit(args, 4, reply) : 1;
  if (Number.isNaN(unit)) return;
  const zset = readCollection(session, args, 1, SORTED_SET, reply);
  if (zset === undefined) return;
  if (!findPlace(zset, args, 2, place) || !findPlace(zset, args, 3, other)) reply.nil();
  else replyLength(reply, distanceBetween(place, other) / unit);
}

function geohash(session: Session, args: Args, reply: ReplyWriter): void {
  const zset = readCollection(session, args, 1, SORTED_SET, reply);
  if (zset !== undefined) replyForEach(session, zset, args, 2, writeGeohash);
}

function writeGeohash(reply: ReplyWriter, zset: Collection, args: Args, i: number): void {
  if (findPlace(zset, args, i, place)) reply.bulkLatin1(geohashText(place));
  else reply.nil();
}

export const geoCommands: readonly CommandRow[] = [
  { name: 'geoadd', arity: -5, flags: WRITE, keys: [1, 1, 1], handler: geoadd },
  { name: 'geopos', arity: -2, flags: READONLY, keys: [1, 1, 1], handler: geopos },
  { name: 'geodist', arity: -4, flags: READONLY, keys: [1, 1, 1], handler: geodist },
  { name: 'geohash', arity: -2, flags: READONLY, keys: [1, 1, 1], handler: geohash },
];
