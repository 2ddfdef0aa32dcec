/**
 * Responder: the side of a session that answers. It cuts the sub ranges, decodes the cells, and
 * tells what it wants. It trusts nothing that the initiator says: every number has a limit, and
 * what it keeps is bounded by its own items and by these limits.
 */

import { KEY_BYTES_MAX } from '../leaf.js';
import { ByteReader, ByteWriter } from './bytes.js';
import type { SyncDatabase } from './database.js';
import type { ApplyOptions } from './entry-applier.js';
import { Exchange } from './exchange.js';
import type { Frame } from './frame.js';
import { GroupAnswer } from './group-answer.js';
import type { Outcome } from './initiator.js';
import { ATTEMPTS_MAX } from './limits.js';
import type { Link, Task } from './link.js';
import {
  comparesCommon,
  encodeBitmap,
  FRAME_CELLS,
  FRAME_COMMON,
  FRAME_EMPTY,
  FRAME_FINISH,
  FRAME_HELD,
  FRAME_LIST,
  FRAME_RANGES,
  FRAME_SAME,
  FRAME_SUMMARY,
  isTaking,
  PROTOCOL_VERSION,
  SYNC_MODES,
  type SyncMode,
} from './messages.js';
import { expiredEntries, pendingPurges } from './purges.js';
import { CommonSums, Ranges, saltOf, writeBalancedBounds } from './ranges.js';
import { keyCheck, type Prefix, Replica } from './replica.js';
import { SyncError } from './sync-error.js';
import type { KeyRange } from './view.js';

export interface ResponderOptions extends ApplyOptions {
  /** The modes that it takes part in. */
  readonly modes: readonly SyncMode[];
}

/** What the first SUMMARY settles. */
interface Terms {
  readonly mode: SyncMode;
  readonly salt: number;
  readonly range: KeyRange;
}

export class Responder {
  /** null until the first SUMMARY has said which range it is about. */
  exchange: Exchange | null = null;
  readonly #databases: readonly SyncDatabase[];
  readonly #link: Link;
  readonly #options: ResponderOptions;
  readonly #payload = new ByteWriter();
  #mode: SyncMode = 'two-way';
  /** Of the attempt under way. */
  #salt = 0;

  constructor(databases: readonly SyncDatabase[], link: Link, options: ResponderOptions) {
    this.#databases = databases;
    this.#link = link;
    this.#options = options;
  }

  *run(): Task<Outcome> {
    let frame = yield* this.#link.expect(FRAME_SUMMARY);
    const first = new ByteReader(frame.payload);
    const { mode, range, salt } = this.#readTerms(first);
    let theirs = readPrefix(first);
    this.#mode = mode;
    const replica = new Replica(this.#databases, range);
    const exchange = new Exchange(replica, this.#link, mode, this.#options);
    this.exchange = exchange;
    yield* expiredEntries(this.#databases, this.#options.expiredUntilMs());
    for (let attempt = 0; ; attempt++) {
      yield* pendingPurges(this.#databases);
      this.#salt = saltOf(salt, attempt);
      const own = replica.prefix(null);
      if (isSame(own, theirs)) {
        yield* this.#link.send(FRAME_SAME, null);
        return { isEqual: true, attempts: attempt };
      }
      frame = yield* this.#attempt(exchange, own, theirs);
      if (frame.type === FRAME_FINISH) {
        return { isEqual: mode === 'two-way' ? false : null, attempts: attempt + 1 };
      }
      const reader = new ByteReader(frame.payload);
      if (reader.u8() !== attempt + 1 || attempt >= ATTEMPTS_MAX) {
        throw new SyncError('SYNC_LIMIT', 'too many attempts');
      }
      theirs = readPrefix(reader);
    }
  }

  #readTerms(reader: ByteReader): Terms {
    if (reader.u8() !== 0) throw new SyncError('SYNC_PROTOCOL', 'no first attempt');
    if (reader.u8() !== PROTOCOL_VERSION) throw new SyncError('SYNC_VERSION', 'unknown version');
    const mode = SYNC_MODES[reader.u8()];
    if (mode === undefined) throw new SyncError('SYNC_VERSION', 'unknown mode');
    if (!this.#options.modes.includes(mode)) {
      throw new SyncError('SYNC_REFUSED', `no ${mode} session here`);
    }
    const check = reader.i32();
    if (reader.varint() !== this.#databases.length) {
      throw new SyncError('SYNC_PROTOCOL', 'another number of databases');
    }
    const salt = reader.i32();
    if (check !== keyCheck(this.#databases, salt)) {
      throw new SyncError('SYNC_KEY', 'the other side hashes with another key');
    }
    const [from, to] = [readBound(reader), readBound(reader)];
    return { mode, salt, range: { from, to } };
  }

  /** Answers a SUMMARY that differs; returns the SUMMARY or FINISH after it. */
  *#attempt(exchange: Exchange, own: Prefix, theirs: Prefix): Task<Frame> {
    if (own.count === 0) {
      yield* this.#link.send(FRAME_EMPTY, null);
      yield* exchange.receive(theirs.count);
      if (this.#mode === 'destructive') yield* this.#sendHeld(exchange, [], 0);
    } else if (theirs.count === 0) {
      if (isTaking(this.#mode)) yield* exchange.sendAll(null);
      else yield* exchange.sendEnd();
    } else {
      const ranges = yield* this.#sendRanges(exchange.replica, own);
      return yield* this.#answerGroups(exchange, ranges, theirs.count);
    }
    return yield* this.#link.expect(FRAME_SUMMARY, FRAME_FINISH);
  }

  *#sendRanges(replica: Replica, own: Prefix): Task<Ranges> {
    const places = new ByteWriter();
    const bounds = yield* writeBalancedBounds(replica, places);
    const ranges = yield* Ranges.of(replica, bounds);
    const payload = this.#payload;
    payload.varint(own.count);
    payload.varint(ranges.length);
    payload.bytes(places.view());
    for (let i = 0; i < ranges.length; i++) payload.u16(ranges.digest(i, this.#salt));
    yield* this.#link.send(FRAME_RANGES, payload);
    return ranges;
  }

  *#answerGroups(exchange: Exchange, ranges: Ranges, theirCount: number): Task<Frame> {
    const common = new CommonSums(ranges);
    const answer = new GroupAnswer(exchange, this.#mode, ranges, common, this.#salt, theirCount);
    // Each sub range may come twice, as cells and listed; then COMMON, then what ends the attempt.
    for (let frames = 0; frames < 2 * ranges.length + 2; frames++) {
      const { type, payload } = yield* this.#link.expect(
        FRAME_CELLS,
        FRAME_LIST,
        FRAME_COMMON,
        FRAME_SUMMARY,
        FRAME_FINISH,
      );
      if (type === FRAME_CELLS) yield* answer.toCells(new ByteReader(payload));
      else if (type === FRAME_LIST) yield* answer.toList(new ByteReader(payload));
      else if (type !== FRAME_COMMON) return { type, payload };
      else yield* this.#answerCommon(exchange, common, new ByteReader(payload), ranges.length);
    }
    throw new SyncError('SYNC_LIMIT', 'more groups than sub ranges');
  }

  *#answerCommon(
    exchange: Exchange,
    common: CommonSums,
    theirs: ByteReader,
    rangeCount: number,
  ): Task<void> {
    if (!comparesCommon(this.#mode)) throw new SyncError('SYNC_PROTOCOL', 'COMMON in this mode');
    yield* this.#sendHeld(exchange, common.decodeEqual(theirs), rangeCount);
  }

  *#sendHeld(exchange: Exchange, held: readonly number[], rangeCount: number): Task<void> {
    this.#payload.varint(exchange.applier.receivedCount);
    encodeBitmap(this.#payload, held, rangeCount);
    yield* this.#link.send(FRAME_HELD, this.#payload);
  }
}

function isSame(a: Prefix, b: Prefix): boolean {
  return a.count === b.count && a.low === b.low && a.high === b.high;
}

function readPrefix(reader: ByteReader): Prefix {
  const prefix = { count: reader.varint(), low: reader.i32(), high: reader.i32() };
  reader.end();
  return prefix;
}

function readBound(reader: ByteReader): Buffer | null {
  const code = reader.u8();
  if (code > 1) throw new SyncError('SYNC_BAD_FRAME', 'neither a bound nor none');
  return code === 0 ? null : Buffer.from(reader.blob(KEY_BYTES_MAX));
}
