/**
 * The entries of a KRANGE, written a slice at a time: what does not fit into the command's own
 * slice goes on in later turns, from a snapshot, so that the reply is what stood at the start.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from '../../../radix/arena.js';
import type { Cursor } from '../../../radix/cursor.js';
import {
  FLAG_EXPIRY,
  FLAG_EXTERNAL,
  FLAG_SLIM,
  FLAG_WIDE,
  flagsAt,
  KIND_BYTES,
  KIND_MASK,
  keyBytesAt,
  keyWordAt,
  LEAF_WORDS,
  type Leaf,
  shortKeyBytesAt,
  shortValueBytesAt,
  valueBytesAt,
  valueWordAt,
} from '../../../radix/leaf.js';
import { Snapshot } from '../../../radix/snapshot.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { putShortPair, SHORT_BULK_END, SHORT_PAIR_BYTES_MAX } from '../../../resp/short-bulks.js';
import type { Session, Task } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import { breakOff } from '../broken-reply.js';
import { replyValue } from '../replies.js';
import type { RangeRequest } from './range-options.js';

/** Entries that are written before the command looks at the clock. */
const STEP_ENTRIES = 128;
/** Time that it may take before it goes on in slices of its own, ms. */
const SLICE_MS = 2;
/** Replies waiting beyond which the rest waits for the client to read, bytes. */
const PENDING_BYTES_MAX = 1024 * 1024;

/** What makes the key of a leaf lie elsewhere than behind its first words, or its value. */
const UNUSUAL = KIND_MASK | FLAG_EXPIRY | FLAG_WIDE | FLAG_EXTERNAL | FLAG_SLIM;
/** Entries found and not yet written; one for all, since it is empty when a command returns. */
const run = new Int32Array(32);

/** Writes key, or key and value. */
export function replyEntry(
  reply: ReplyWriter,
  database: Database,
  leaf: Leaf,
  withValues: boolean,
): void {
  const i32 = database.tree.space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  if (withValues && (flagsAt(i32, word) & UNUSUAL) === 0) {
    reply.pairWords(
      i32,
      word + LEAF_WORDS,
      shortKeyBytesAt(i32, word),
      shortValueBytesAt(i32, word),
    );
    return;
  }
  reply.bulkWords(i32, keyWordAt(i32, word), keyBytesAt(i32, word));
  if (!withValues) return;
  const kind = flagsAt(i32, word) & (KIND_MASK | FLAG_EXTERNAL);
  if (kind === KIND_BYTES) reply.bulkWords(i32, valueWordAt(i32, word), valueBytesAt(i32, word));
  else if ((kind & KIND_MASK) === KIND_BYTES) replyValue(reply, database, leaf);
  else reply.nil();
}

/** `replyEntry` among several, whose head was `beginItems`. */
export function replyItem(
  reply: ReplyWriter,
  database: Database,
  leaf: Leaf,
  withValues: boolean,
): void {
  if (withValues && reply.protocol === 3) reply.array(2);
  replyEntry(reply, database, leaf, withValues);
}

/** `replyItem` of the first `count` entries of a run. */
export function replyRun(
  reply: ReplyWriter,
  database: Database,
  run: Int32Array,
  count: number,
  withValues: boolean,
): void {
  const isFlat = withValues && reply.protocol === 2;
  for (let n = 0; n < count; n += 1) {
    if (isFlat) n = putShortPairs(reply, database, run, n, count);
    if (n < count) replyItem(reply, database, run[n]!, withValues);
  }
}

/** Writes from run[first] on until one is not usual and short, or the chunk is full: how far it came. */
function putShortPairs(
  reply: ReplyWriter,
  database: Database,
  run: Int32Array,
  first: number,
  count: number,
): number {
  const { view } = reply;
  const chunks = database.tree.space.leaves.i32;
  const full = reply.buf.length - SHORT_PAIR_BYTES_MAX;
  let { at } = reply;
  let n = first;
  for (; n < count && at <= full; n += 1) {
    const leaf = run[n]!;
    const i32 = chunks[leaf >>> CHUNK_SHIFT]!;
    const word = (leaf & GRANULE_MASK) << 1;
    if ((flagsAt(i32, word) & UNUSUAL) !== 0) break;
    const keyBytes = shortKeyBytesAt(i32, word);
    const valueBytes = shortValueBytesAt(i32, word);
    if (keyBytes >= SHORT_BULK_END || valueBytes >= SHORT_BULK_END) break;
    at = putShortPair(view, at, i32, word + LEAF_WORDS, keyBytes, valueBytes);
  }
  reply.at = at;
  return n;
}

/** `Cursor.stepRun` of one entry, backwards. */
function stepBack(cursor: Cursor): number {
  run[0] = cursor.stepBack();
  return 1;
}

export class RangeReply {
  /** Writes `count` entries from that with the visible index on; downwards, if in reverse. */
  static start(session: Session, first: number, count: number, request: RangeRequest): void {
    const { database, reply, server } = session;
    const cursor = database.cursor;
    const clock = server.store.world.clock;
    const { reverse, withValues } = request;
    // A few may be long.
    const mayPause = !server.dispatcher.atomic;
    const deadlineMs = count > STEP_ENTRIES ? clock.monotonicMs() + SLICE_MS : 0;
    let left = count;
    let unchecked = 0;
    run[0] = cursor.stepTo(first);
    for (let found = 1; ; found = reverse ? stepBack(cursor) : cursor.stepRun(run, left)) {
      let written = 0;
      let isFull = false;
      while (written < found && !isFull) {
        replyItem(reply, database, run[written]!, withValues);
        written += 1;
        isFull = mayPause && reply.pendingBytes > PENDING_BYTES_MAX;
      }
      left -= written;
      if (left === 0) return;
      if (!mayPause) continue;
      unchecked += written;
      if (unchecked < STEP_ENTRIES && !isFull) continue;
      unchecked = 0;
      if (isFull || clock.monotonicMs() >= deadlineMs) {
        session.defer(new RangeRest(session, run[written - 1]!, left, request));
        return;
      }
    }
  }
}

/** What is left of a range behind its last entry so far, read from a snapshot. */
class RangeRest implements Task {
  readonly #session: Session;
  readonly #database: Database;
  readonly #snapshot: Snapshot;
  readonly #withValues: boolean;
  #left: number;

  constructor(session: Session, last: Leaf, count: number, request: RangeRequest) {
    this.#session = session;
    this.#database = session.database;
    this.#left = count;
    this.#withValues = request.withValues;
    const { tree } = this.#database;
    const key = tree.key(last);
    const bounds = request.reverse ? { high: key, backward: true } : { low: key };
    this.#snapshot = new Snapshot(tree, bounds);
    // The bound is the last entry itself, which has been written.
    this.#snapshot.next();
  }

  step(deadlineMs: number): boolean {
    const { reply, server } = this.#session;
    const { clock } = server.store.world;
    try {
      while (this.#left > 0) {
        for (let i = 0; i < STEP_ENTRIES && this.#left > 0; i += 1) {
          this.#writeNext(reply);
          if (reply.pendingBytes > PENDING_BYTES_MAX) break;
        }
        if (clock.monotonicMs() >= deadlineMs || reply.pendingBytes > PENDING_BYTES_MAX) break;
      }
    } catch (error) {
      breakOff(this.#session, error);
      this.#left = 0;
    }
    if (this.#left > 0) return false;
    this.#snapshot.close();
    return true;
  }

  cancel(): void {
    this.#snapshot.close();
  }

  #writeNext(reply: ReplyWriter): void {
    const snapshot = this.#snapshot;
    do {
      if (!snapshot.next()) throw new Error('a snapshot has fewer keys than were counted');
    } while (!snapshot.tree.visible(snapshot.leaf));
    replyItem(reply, this.#database, snapshot.leaf, this.#withValues);
    this.#left -= 1;
  }
}
