/**
 * Trimming of streams by XADD and XTRIM: away with the first entries, down to a number of entries or
 * up to an id. A few go at once; many in slices, with what was the first to stay as the bound.
 *
 * `~` trims whole groups of `stream-node-max-entries` entries, as Redis does with its nodes: here
 * they are counted from the first entry ever added.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session, Task } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import type { Database } from '../../store/database.js';
import { NOTIFY_STREAM } from '../../store/notify.js';
import { ALLOW_STAR, StreamId } from '../../types/stream-id.js';
import {
  ENTRY_KEY_BYTES,
  entryCount,
  entryRank,
  loadEntryId,
  STREAM,
  StreamState,
} from '../../types/streams.js';
import { NOT_INTEGER, SYNTAX_ERROR } from '../replies.js';
import { readId } from './ids.js';

const TRIM_NONE = 0;
const TRIM_LENGTH = 1;
const TRIM_ID = 2;

/** So many entries go at once; more in slices. */
const AT_ONCE_MAX = 512;
/** Entries removed between two looks at the clock. */
const STEP_ENTRIES = 64;
const LIMIT_NODES = 100;
const NODE_ENTRIES_DEFAULT = 100;
const LIMIT_MAX = 1_000_000;
const STAR = 42;
const EXACT = 61;
const APPROXIMATE = 126;

const firstKey = Buffer.alloc(ENTRY_KEY_BYTES);

/** What XADD and XTRIM are asked for besides the fields. One object for all. */
export class TrimOptions {
  strategy = TRIM_NONE;
  isApproximate = false;
  /** 0: none. */
  limit = 0;
  lengthMax = 0;
  readonly minId = new StreamId();
  /** XADD: `*` was given. */
  isIdOpen = false;
  readonly id = new StreamId();
  noMakeStream = false;

  /** Reads the options from argument 2 on; returns where the id stands, -1 if it has replied. */
  read(args: Args, isAdd: boolean, nodeEntriesMax: number, reply: ReplyWriter): number {
    this.strategy = TRIM_NONE;
    this.isApproximate = false;
    this.limit = -1;
    this.isIdOpen = false;
    this.noMakeStream = false;
    let i = 2;
    for (; i < args.count; i += 1) {
      if (isAdd && args.length(i) === 1 && args.byte(i, 0) === STAR) {
        this.isIdOpen = true;
        break;
      }
      const hasMore = i + 1 < args.count;
      if (hasMore && args.equalsIgnoreCase(i, 'MAXLEN')) {
        i = this.#readThreshold(args, i, TRIM_LENGTH, reply);
      } else if (hasMore && args.equalsIgnoreCase(i, 'MINID')) {
        i = this.#readThreshold(args, i, TRIM_ID, reply);
      } else if (hasMore && args.equalsIgnoreCase(i, 'LIMIT')) {
        i = this.#readLimit(args, i + 1, reply);
      } else if (isAdd && args.equalsIgnoreCase(i, 'NOMKSTREAM')) {
        this.noMakeStream = true;
      } else if (isAdd) {
        if (!readId(args, i, this.id, reply, ALLOW_STAR)) return -1;
        break;
      } else {
        reply.error(SYNTAX_ERROR);
        return -1;
      }
      if (i === -1) return -1;
    }
    return this.#check(isAdd, nodeEntriesMax, reply) ? i : -1;
  }

  /** Reads MAXLEN or MINID; returns the last argument of it, -1 if it has replied. */
  #readThreshold(args: Args, i: number, strategy: number, reply: ReplyWriter): number {
    if (this.strategy !== TRIM_NONE) {
      reply.error('ERR syntax error, MAXLEN and MINID options at the same time are not compatible');
      return -1;
    }
    let at = i + 1;
    this.isApproximate = false;
    if (at + 1 < args.count && args.length(at) === 1) {
      const mark = args.byte(at, 0);
      this.isApproximate = mark === APPROXIMATE;
      if (mark === APPROXIMATE || mark === EXACT) at += 1;
    }
    this.strategy = strategy;
    if (strategy === TRIM_ID) return readId(args, at, this.minId, reply) ? at : -1;
    this.lengthMax = args.int64(at);
    if (this.lengthMax >= 0) return at;
    const isNumber = this.lengthMax < 0;
    reply.error(isNumber ? 'ERR The MAXLEN argument must be >= 0.' : NOT_INTEGER);
    return -1;
  }

  #readLimit(args: Args, i: number, reply: ReplyWriter): number {
    this.limit = args.int64(i);
    if (this.limit >= 0) return i;
    reply.error(this.limit < 0 ? 'ERR The LIMIT argument must be >= 0.' : NOT_INTEGER);
    return -1;
  }

  #check(isAdd: boolean, nodeEntriesMax: number, reply: ReplyWriter): boolean {
    const { isApproximate, limit, strategy } = this;
    if (limit > 0 && strategy === TRIM_NONE) {
      reply.error('ERR syntax error, LIMIT cannot be used without specifying a trimming strategy');
    } else if (!isAdd && strategy === TRIM_NONE) {
      reply.error('ERR syntax error, XTRIM must be called with a trimming strategy');
    } else if (limit >= 0 && !isApproximate) {
      reply.error('ERR syntax error, LIMIT cannot be used without the special ~ option');
    } else {
      const standard = LIMIT_NODES * (nodeEntriesMax || NODE_ENTRIES_DEFAULT);
      if (!isApproximate) this.limit = 0;
      else if (limit < 0) this.limit = Math.min(standard, LIMIT_MAX);
      return true;
    }
    return false;
  }

  get trims(): boolean {
    return this.strategy !== TRIM_NONE;
  }

  /** How many entries, from the first on, an open stream is to lose. */
  surplus(stream: Collection, state: StreamState, nodeEntriesMax: number): number {
    const { length } = state;
    const isByLength = this.strategy === TRIM_LENGTH;
    const most = isByLength ? length - this.lengthMax : entryRank(stream, this.minId);
    if (most <= 0 || !this.isApproximate) return Math.max(0, most);
    // Without what lies in a node that others need; what is left of the last one goes as a whole.
    const perNode = nodeEntriesMax || NODE_ENTRIES_DEFAULT;
    const whole = (entries: number): number =>
      Math.floor((state.removed + entries) / perNode) * perNode - state.removed;
    let count = most >= length ? length : whole(most);
    if (this.limit > 0 && count > this.limit) count = whole(this.limit);
    return Math.max(0, count);
  }
}

/**
 * Removes the first `count` entries of the stream that is open and whose state is loaded. `then` is
 * called, with the stream open, once all are gone.
 */
export function removeFirst(
  session: Session,
  stream: Collection,
  state: StreamState,
  count: number,
  then: (stream: Collection) => void,
): void {
  if (count <= AT_ONCE_MAX) {
    removeSome(stream, state, count);
    then(stream);
    return;
  }
  session.defer(new TrimTask(session, stream, count, then));
}

function removeSome(stream: Collection, state: StreamState, count: number): void {
  if (count === 0) return;
  state.hold(stream);
  stream.removeFirst(count, firstKey);
  state.countRemoved(count);
  state.save(stream);
}

export function tellOfTrim(stream: Collection): void {
  stream.notify(NOTIFY_STREAM, 'xtrim');
}

class TrimTask implements Task {
  readonly #database: Database;
  readonly #key: Buffer;
  readonly #then: (stream: Collection) => void;
  readonly #state = new StreamState();
  /** What is below it goes; what comes meanwhile is not. */
  readonly #bound = new StreamId();
  readonly #hasBound: boolean;

  constructor(
    session: Session,
    stream: Collection,
    count: number,
    then: (stream: Collection) => void,
  ) {
    this.#database = session.database;
    this.#key = stream.key();
    this.#then = then;
    loadEntryId(stream.elements, stream.elements.nth(count - 1), this.#bound);
    this.#hasBound = this.#bound.increment();
  }

  step(deadlineMs: number): boolean {
    const { clock } = this.#database.store.world;
    const stream = this.#database.collection();
    if (!stream.openQuietly(this.#key, 0, this.#key.length, STREAM)) stream.openNone(STREAM);
    for (let left = this.#left(stream); left > 0; left = this.#left(stream)) {
      this.#state.load(stream);
      removeSome(stream, this.#state, Math.min(left, STEP_ENTRIES));
      if (clock.monotonicMs() >= deadlineMs) return false;
    }
    this.#then(stream);
    return true;
  }

  #left(stream: Collection): number {
    return this.#hasBound ? entryRank(stream, this.#bound) : entryCount(stream);
  }
}
