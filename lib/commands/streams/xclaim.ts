/** XCLAIM: makes what is pending for others pending for a consumer. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { Group } from '../../types/stream-group.js';
import { StreamId } from '../../types/stream-id.js';
import { findEntry, STREAM } from '../../types/streams.js';
import { readCollection } from '../collections.js';
import { type CommandRow, FAST, WRITE } from '../command.js';
import { replyEntry } from './entries.js';
import {
  isId,
  noGroup,
  openGroup,
  printed,
  readCounter,
  readId,
  readInteger,
  refusesName,
  replyId,
  seeConsumer,
  turnToConsumer,
} from './ids.js';

const FIRST_ID_AT = 5;
const NOT_GIVEN = -1;

/** How entries are claimed. */
export class Claim {
  /** What was idle for less stays where it is. */
  idleMsMin = 0;
  deliveredMs = 0;
  /** NOT_GIVEN: one more than before, unless with `isJustId`. */
  deliveries = NOT_GIVEN;
  isForced = false;
  /** Ids are told, not entries. */
  isJustId = false;

  begin(idleMsMin: number, nowMs: number): void {
    this.idleMsMin = Math.max(0, idleMsMin);
    this.deliveredMs = nowMs;
    this.deliveries = NOT_GIVEN;
    this.isForced = false;
    this.isJustId = false;
  }

  /**
   * Claims the entry with this id for the consumer that the group is turned to. 'deleted': there is
   * no such entry any more, and it is no longer pending; 'kept': it was not to be claimed.
   */
  one(group: Group, id: StreamId, nowMs: number, out: ReplyWriter): 'claimed' | 'deleted' | 'kept' {
    const { stream } = group;
    const pending = group.findPending(id);
    if (findEntry(stream, id) === 0) return group.removePending(id) ? 'deleted' : 'kept';
    if (pending === 0 && !this.isForced) return 'kept';
    let before = 1;
    if (pending !== 0) {
      group.loadPending(pending);
      before = group.deliveries;
      if (this.idleMsMin > 0 && nowMs - group.deliveredMs < this.idleMsMin) return 'kept';
    }
    const given = this.isJustId ? before : before + 1;
    const deliveries = this.deliveries >= 0 ? this.deliveries : given;
    group.putPending(id, this.deliveredMs, deliveries);
    if (this.isJustId) replyId(out, id);
    else replyEntry(out, stream, id);
    return 'claimed';
  }
}

const claim = new Claim();
const group = new Group();
const id = new StreamId();
const lastId = new StreamId();

/** XCLAIM key group consumer min-idle-ms id ... [IDLE ms] [TIME ms] [RETRYCOUNT n] [FORCE] [JUSTID] [LASTID id] */
function xclaim(session: Session, args: Args, reply: ReplyWriter): void {
  const stream = readCollection(session, args, 1, STREAM, reply);
  if (stream === undefined) return;
  if (!stream.exists || !openGroup(group, stream, args, 2)) {
    reply.error(noGroup(args, 1, 2));
    return;
  }
  const { nowMs } = session.server.store;
  const idle = readInteger(args, 4, reply, 'ERR Invalid min-idle-time argument for XCLAIM');
  if (Number.isNaN(idle)) return;
  claim.begin(idle, nowMs);
  let end = FIRST_ID_AT;
  while (end < args.count && isId(args, end, id)) end += 1;
  if (!readOptions(args, end, nowMs, reply) || refusesName(args, 3, reply)) return;
  if (lastId.compare(group.lastId) > 0) {
    group.lastId.copy(lastId);
    group.save();
  }
  turnToConsumer(group, args, 3);
  const later = reply.defer();
  let claimed = 0;
  for (let i = FIRST_ID_AT; i < end; i += 1) {
    isId(args, i, id);
    if (claim.one(group, id, nowMs, reply) === 'claimed') claimed += 1;
  }
  seeConsumer(group, claimed > 0);
  reply.resolveArray(later, claimed);
}

/** Reads what follows the ids; false if an error was replied. */
function readOptions(args: Args, first: number, nowMs: number, reply: ReplyWriter): boolean {
  lastId.setZero();
  let deliveredMs = NOT_GIVEN;
  for (let i = first; i < args.count; i += 1) {
    const hasMore = i + 1 < args.count;
    if (args.equalsIgnoreCase(i, 'FORCE')) {
      claim.isForced = true;
    } else if (args.equalsIgnoreCase(i, 'JUSTID')) {
      claim.isJustId = true;
    } else if (hasMore && args.equalsIgnoreCase(i, 'LASTID')) {
      i += 1;
      if (!readId(args, i, lastId, reply)) return false;
    } else {
      const name = hasMore ? NUMBERS.find((option) => args.equalsIgnoreCase(i, option)) : undefined;
      if (name === undefined) {
        reply.error(`ERR Unrecognized XCLAIM option '${printed(args, i)}'`);
        return false;
      }
      i += 1;
      const read = name === 'RETRYCOUNT' ? readCounter : readInteger;
      const value = read(args, i, reply, `ERR Invalid ${name} option argument for XCLAIM`);
      if (Number.isNaN(value)) return false;
      if (name === 'RETRYCOUNT') claim.deliveries = value;
      else deliveredMs = name === 'IDLE' ? nowMs - value : value;
    }
  }
  // What is not between the beginning of time and now is taken for now.
  const isGiven = deliveredMs >= 0 && deliveredMs <= nowMs;
  claim.deliveredMs = isGiven ? deliveredMs : nowMs;
  return true;
}

const NUMBERS = ['IDLE', 'TIME', 'RETRYCOUNT'] as const;

export const xclaimCommands: readonly CommandRow[] = [
  { name: 'xclaim', arity: -6, flags: WRITE | FAST, keys: [1, 1, 1], handler: xclaim },
];
