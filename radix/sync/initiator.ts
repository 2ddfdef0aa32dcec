/**
 * Initiator: the side of a session that begins it, compares, and decides what is done next. See
 * messages.ts for who says what when.
 *
 * An attempt compares the whole, then the sub ranges, then finds out for groups of the sub ranges
 * that differ which items do, and exchanges these. The next attempt, with other symbols of the same
 * entries, verifies the one before, and carries along what writers have changed meanwhile. If an
 * attempt moves nothing and yet the sides differ, the cells have led astray: then items are listed.
 */
import { ByteReader, ByteWriter } from './bytes.js';
import { Comparison } from './comparison.js';
import type { SyncDatabase } from './database.js';
import { Dropper, type Piece } from './dropper.js';
import type { ApplyOptions } from './entry-applier.js';
import { findMismatches } from './estimate.js';
import { Exchange } from './exchange.js';
import { FollowDrops } from './follow-drops.js';
import type { Frame } from './frame.js';
import { GroupExchange } from './group-exchange.js';
import {
  ATTEMPTS_MAX,
  DEVIATIONS,
  ENTRIES_MAX,
  GROUP_ITEMS_MAX,
  groupsOf,
  LIST_ITEMS_MAX,
} from './limits.js';
import type { Link, Task } from './link.js';
import {
  comparesCommon,
  decodeBitmap,
  FRAME_COMMON,
  FRAME_EMPTY,
  FRAME_END,
  FRAME_ENTRIES,
  FRAME_FINISH,
  FRAME_HELD,
  FRAME_RANGES,
  FRAME_SAME,
  FRAME_SUMMARY,
  isFollowing,
  isGiving,
  PROTOCOL_VERSION,
  SYNC_MODES,
  type SyncMode,
} from './messages.js';
import { decodePlaces, FIRST_PLACE } from './place.js';
import { expiredEntries, pendingPurges } from './purges.js';
import { CommonSums, RANGES_MAX, Ranges, saltOf } from './ranges.js';
import { keyCheck, Replica } from './replica.js';
import { SyncError } from './sync-error.js';
import type { KeyRange } from './view.js';

export interface InitiatorOptions extends ApplyOptions {
  readonly range: KeyRange;
  readonly mode: SyncMode;
  /** 32 random bits: the same entries have other symbols in each session. */
  readonly salt: number;
  /** Of `destructive`: nothing is dropped, the outcome says whether the responder holds all. */
  readonly keeps: boolean;
}

/** How a session ended well. */
export interface Outcome {
  /**
   * Whether both sides were found equal in the end, of `follow-led` in what was led; with `keeps`,
   * whether the responder holds all that the initiator has. null: the mode does not ask.
   */
  readonly isEqual: boolean | null;
  /** How often they were compared and found differing. */
  readonly attempts: number;
}

export class Initiator {
  readonly exchange: Exchange;
  readonly dropper: Dropper;
  readonly #replica: Replica;
  readonly #link: Link;
  readonly #options: InitiatorOptions;
  readonly #payload = new ByteWriter();
  /** Of the attempt under way. */
  #salt = 0;
  /** What its SUMMARY said. */
  #whole: Piece = { from: FIRST_PLACE, to: null, count: 0, low: 0, high: 0 };

  constructor(databases: readonly SyncDatabase[], link: Link, options: InitiatorOptions) {
    this.#replica = new Replica(databases, options.range);
    this.#link = link;
    this.#options = options;
    this.exchange = new Exchange(this.#replica, link, options.mode, options);
    this.dropper = new Dropper(this.#replica);
  }

  *run(): Task<Outcome> {
    const { databases } = this.#replica;
    yield* expiredEntries(databases, this.#options.expiredUntilMs());
    let isStuck = false;
    for (let attempt = 0; ; attempt++) {
      yield* pendingPurges(databases);
      yield* this.#sendSummary(attempt);
      const answer = yield* this.#link.expect(
        FRAME_SAME,
        FRAME_EMPTY,
        FRAME_ENTRIES,
        FRAME_END,
        FRAME_RANGES,
      );
      if (answer.type === FRAME_SAME) return yield* this.#endAsSame(attempt);
      if (attempt === ATTEMPTS_MAX)
        return yield* this.#finish(this.#asksEqual ? false : null, attempt);
      const moved = this.#movedCount;
      const isDone = yield* this.#attempt(answer, isStuck);
      if (isDone) return yield* this.#finish(this.#asksEqual ? true : null, attempt + 1);
      // Where the other side's writers never rest a list tells of one moment, and cells do not quite.
      const isUnsettled = this.#options.mode === 'destructive' && attempt > 0;
      isStuck = this.#movedCount === moved || isUnsettled;
    }
  }

  /** Whether the session is to find out that both sides are equal in the end. */
  get #asksEqual(): boolean {
    const { keeps, mode } = this.#options;
    return mode === 'two-way' || isFollowing(mode) || keeps;
  }

  /** Grows with whatever the session achieves. */
  get #movedCount(): number {
    const { applier, sentCount } = this.exchange;
    const isLedOnly = this.#options.mode === 'follow-led';
    // What is free comes again in each attempt, and changes nothing.
    const received = isLedOnly ? applier.appliedCount : applier.receivedCount;
    return sentCount + received + this.dropper.droppedCount;
  }

  *#endAsSame(attempts: number): Task<Outcome> {
    if (this.#options.mode === 'destructive') yield* this.#drop([this.#whole]);
    return { isEqual: this.#asksEqual ? true : null, attempts };
  }

  *#finish(isEqual: boolean | null, attempts: number): Task<Outcome> {
    yield* this.#link.send(FRAME_FINISH, null);
    return { isEqual, attempts };
  }

  *#sendSummary(attempt: number): Task<void> {
    const { mode, range, salt } = this.#options;
    const payload = this.#payload;
    payload.u8(attempt);
    if (attempt === 0) {
      const { databases } = this.#replica;
      payload.u8(PROTOCOL_VERSION);
      payload.u8(SYNC_MODES.indexOf(mode));
      payload.u32(keyCheck(databases, salt));
      payload.varint(databases.length);
      payload.u32(salt);
      for (const bound of [range.from, range.to]) {
        payload.u8(bound === null ? 0 : 1);
        if (bound !== null) payload.blob(bound);
      }
    }
    this.#whole = this.dropper.piece(FIRST_PLACE, null);
    const { count, low, high } = this.#whole;
    payload.varint(count);
    payload.u32(low);
    payload.u32(high);
    this.#salt = saltOf(salt, attempt);
    yield* this.#link.send(FRAME_SUMMARY, payload);
  }

  /** Does what an answer that is not SAME asks for; true if that was all. */
  *#attempt(answer: Frame, isStuck: boolean): Task<boolean> {
    const { keeps, mode } = this.#options;
    let isSettled = false;
    if (answer.type === FRAME_EMPTY) {
      yield* this.#fillOrDrop(mode);
      isSettled = true;
    } else if (answer.type === FRAME_RANGES) {
      isSettled = yield* this.#compareRanges(answer.payload, isStuck);
    } else {
      if (this.#whole.count > 0) {
        throw new SyncError('SYNC_PROTOCOL', 'all entries, but none were lacking');
      }
      yield* this.exchange.takeAll(answer, ENTRIES_MAX);
      isSettled = mode === 'push' || mode === 'pull';
    }
    if (mode === 'destructive' && !keeps)
      return this.#replica.prefix(null).count === this.#replica.clearCount;
    return comparesCommon(mode) && isSettled;
  }

  /** The responder has nothing. */
  *#fillOrDrop(mode: SyncMode): Task<void> {
    const { exchange } = this;
    if (!isGiving(mode)) {
      if (isFollowing(mode)) yield* new FollowDrops(this.dropper, mode).dropAll(this.#replica);
      yield* exchange.sendEnd();
      return;
    }
    const pieces: Piece[] | null = mode === 'destructive' ? [] : null;
    yield* exchange.sendAll(pieces);
    if (pieces === null) return;
    yield* this.#expectHeld();
    yield* this.#drop(pieces);
  }

  *#drop(pieces: readonly Piece[]): Task<void> {
    if (!this.#options.keeps) yield* this.dropper.dropPieces(pieces);
  }

  /** Returns whether what both have in common has been compared, and is equal. */
  *#compareRanges(payload: Buffer, isStuck: boolean): Task<boolean> {
    const reader = new ByteReader(payload);
    const theirCount = reader.varint();
    const rangeCount = reader.varint(RANGES_MAX);
    if (rangeCount === 0) throw new SyncError('SYNC_BAD_FRAME', 'no sub ranges');
    const bounds = decodePlaces(reader, rangeCount - 1, this.#replica.databases.length);
    const digests = Array.from({ length: rangeCount }, () => reader.u16());
    reader.end();
    const ranges = yield* Ranges.of(this.#replica, bounds);
    const excess = this.#whole.count - theirCount;
    const mismatches = findMismatches(ranges, digests, this.#salt, excess);
    const common = new CommonSums(ranges);
    const { mode } = this.#options;
    const { dropper, exchange } = this;
    const finish = new GroupExchange(exchange, dropper, mode, ranges, common, theirCount);
    const comparison = new Comparison(exchange, ranges, this.#salt, theirCount, mode, finish);
    const itemsMax = isStuck ? LIST_ITEMS_MAX : GROUP_ITEMS_MAX;
    for (const group of groupsOf(ranges, mismatches.ranges, itemsMax)) {
      const share = group.length / mismatches.ranges.length;
      const spread = DEVIATIONS * mismatches.deviation * Math.sqrt(share);
      if (isStuck) yield* comparison.list(group);
      else yield* comparison.compare(group, mismatches.differences * share + spread);
    }
    return yield* this.#settleCommon(ranges, common);
  }

  /** Settles what both sides have in common, where the mode asks for it; true: all that is. */
  *#settleCommon(ranges: Ranges, common: CommonSums): Task<boolean> {
    const { mode } = this.#options;
    if (!comparesCommon(mode)) return false;
    common.encode(this.#payload);
    yield* this.#link.send(FRAME_COMMON, this.#payload);
    const held = decodeBitmap(yield* this.#expectHeld(), ranges.length);
    if (mode === 'destructive') {
      yield* this.#drop(held.map((range) => ranges.piece(range)));
    }
    return held.length === ranges.length;
  }

  /** Waits until all that was sent is merged; returns what else the answer says. */
  *#expectHeld(): Task<ByteReader> {
    const { payload } = yield* this.#link.expect(FRAME_HELD);
    const reader = new ByteReader(payload);
    if (reader.varint() !== this.exchange.sentCount) {
      throw new SyncError('SYNC_PROTOCOL', 'other entries held than were sent');
    }
    return reader;
  }
}
