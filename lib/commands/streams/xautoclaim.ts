/** XAUTOCLAIM: claims what is pending, from an id on, without being told the ids. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session, Task } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import { Group } from '../../types/stream-group.js';
import { StreamId } from '../../types/stream-id.js';
import { STREAM } from '../../types/streams.js';
import { readCollection } from '../collections.js';
import { type CommandRow, FAST, WRITE } from '../command.js';
import { FoundItems } from '../found-items.js';
import { SYNTAX_ERROR } from '../replies.js';
import {
  noGroup,
  openGroup,
  readInteger,
  readStart,
  refusesName,
  replyId,
  seeConsumer,
  turnToConsumer,
} from './ids.js';
import { Claim } from './xclaim.js';

const COUNT_DEFAULT = 100;
/** What LONG_MAX leaves, as in Redis. */
const COUNT_MAX = 2 ** 59;
/** For each entry to be claimed so many are looked at. */
const ATTEMPTS_FACTOR = 10;
/** So many are looked at between two looks at the clock. */
const STEP_ATTEMPTS = 64;
const OPTIONS_AT = 6;

const group = new Group();

/** XAUTOCLAIM key group consumer min-idle-ms start [COUNT count] [JUSTID] */
function xautoclaim(session: Session, args: Args, reply: ReplyWriter): void {
  const idle = readInteger(args, 4, reply, 'ERR Invalid min-idle-time argument for XAUTOCLAIM');
  if (Number.isNaN(idle)) return;
  const start = new StreamId();
  if (!readStart(args, 5, start, reply)) return;
  let count = COUNT_DEFAULT;
  let isJustId = false;
  for (let i = OPTIONS_AT; i < args.count; i += 1) {
    if (i + 1 < args.count && args.equalsIgnoreCase(i, 'COUNT')) {
      i += 1;
      count = args.int64(i);
      if (!(count >= 1 && count < COUNT_MAX)) {
        reply.error('ERR COUNT must be > 0');
        return;
      }
    } else if (args.equalsIgnoreCase(i, 'JUSTID')) {
      isJustId = true;
    } else {
      reply.error(SYNTAX_ERROR);
      return;
    }
  }
  const stream = readCollection(session, args, 1, STREAM, reply);
  if (stream === undefined) return;
  if (!stream.exists || !openGroup(group, stream, args, 2)) {
    reply.error(noGroup(args, 1, 2));
    return;
  }
  if (refusesName(args, 3, reply)) return;
  const task = new AutoClaim(session, args, start, count);
  task.claim.begin(idle, session.server.store.nowMs);
  task.claim.isJustId = isJustId;
  if (group.pendingCount > STEP_ATTEMPTS) task.keepArgs();
  session.defer(task);
}

class AutoClaim implements Task {
  readonly claim = new Claim();
  readonly #session: Session;
  readonly #database: Database;
  #args: Args;
  readonly #start: StreamId;
  readonly #id = new StreamId();
  readonly #claimed: FoundItems;
  readonly #deleted: FoundItems;
  #left: number;
  #attempts: number;
  #isDone = false;

  constructor(session: Session, args: Args, start: StreamId, count: number) {
    const { pool } = session.server;
    const { protocol } = session.reply;
    this.#session = session;
    this.#database = session.database;
    this.#args = args;
    this.#start = start;
    this.#left = count;
    this.#attempts = count * ATTEMPTS_FACTOR;
    this.#claimed = new FoundItems(pool, protocol);
    this.#deleted = new FoundItems(pool, protocol);
  }

  /** It may outlive the request. */
  keepArgs(): void {
    this.#args = this.#args.clone();
  }

  step(deadlineMs: number): boolean {
    const { reply } = this.#session;
    const { clock } = this.#database.store.world;
    const isLate = (): boolean => clock.monotonicMs() >= deadlineMs;
    while (!this.#isDone) {
      if (this.#some()) this.#begin(reply);
      else if (isLate()) return false;
    }
    if (this.#claimed.count > 0 && !this.#claimed.moveTo(reply, isLate)) return false;
    this.#claimed.count = 0;
    this.#claimed.release();
    reply.array(this.#deleted.count);
    // Ids are short, and no more than entries were pending.
    while (!this.#deleted.moveTo(reply, () => false));
    return true;
  }

  cancel(): void {
    this.#claimed.release();
    this.#deleted.release();
  }

  /** Looks at some of what is pending; true once all has been looked at. */
  #some(): boolean {
    if (!this.#open()) return true;
    const before = this.#claimed.count;
    const isDone = this.#look();
    seeConsumer(group, this.#claimed.count > before);
    return isDone;
  }

  #look(): boolean {
    const { nowMs } = this.#database.store;
    for (let i = 0; i < STEP_ATTEMPTS; i += 1) {
      const pending = group.pendingFrom(this.#start);
      if (pending === 0) {
        this.#start.setZero();
        return true;
      }
      group.loadPendingId(pending, this.#id);
      if (this.#left === 0 || this.#attempts === 0) {
        this.#start.copy(this.#id);
        return true;
      }
      this.#attempts -= 1;
      this.#one(nowMs);
      this.#start.copy(this.#id);
      // Behind the highest id there is nothing.
      if (!this.#start.increment()) return true;
    }
    return false;
  }

  #one(nowMs: number): void {
    const outcome = this.claim.one(group, this.#id, nowMs, this.#claimed.body);
    if (outcome === 'kept') return;
    this.#left -= 1;
    if (outcome === 'claimed') {
      this.#claimed.count += 1;
    } else {
      this.#deleted.count += 1;
      replyId(this.#deleted.body, this.#id);
    }
  }

  #open(): boolean {
    const args = this.#args;
    const stream = this.#database.collection();
    const { buf, ends, starts } = args;
    const isThere = stream.openQuietly(buf, starts[1]!, ends[1]!, STREAM) && stream.exists;
    if (!isThere || !openGroup(group, stream, args, 2)) {
      this.#start.setZero();
      return false;
    }
    turnToConsumer(group, args, 3);
    return true;
  }

  #begin(reply: ReplyWriter): void {
    this.#isDone = true;
    reply.array(3);
    replyId(reply, this.#start);
    reply.array(this.#claimed.count);
  }
}

export const xautoclaimCommands: readonly CommandRow[] = [
  { name: 'xautoclaim', arity: -6, flags: WRITE | FAST, keys: [1, 1, 1], handler: xautoclaim },
];
