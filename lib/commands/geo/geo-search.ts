/**
 * GEOSEARCH, GEOSEARCHSTORE, GEORADIUS, GEORADIUSBYMEMBER: the members of a sorted set that are
 * places in a circle or box. All of it is one moment: see ValueTask.
 */
import type { Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import {
  mirroredScore,
  readScore,
  SCORE_BYTES,
  SORTED_SET,
  scoreRank,
  writeScore,
} from '../../types/zsets.js';
import { readCollection } from '../collections.js';
import { type CommandRow, type Handler, READONLY, WRITE } from '../command.js';
import { INT64_MIN } from '../int64.js';
import { refusesKey } from '../lookup.js';
import { WRONG_TYPE_ERROR } from '../replies.js';
import { ValueTask } from '../value-task.js';
import { SideSortedSet } from '../zsets/side-sorted-set.js';
import { replyLength, replyPlace } from './geo-arguments.js';
import { GeoPoints, MEMBER_AT, SCORE_AT } from './geo-points.js';
import { type SearchForm, SearchOptions } from './geo-search-options.js';
import { cellsAround, distanceInShape } from './geo-shape.js';
import { decodePlace, lowestScore, type Place, scoresOf } from './geohash.js';

/** What looking at a member counts for, in the work done at once. */
const LOOK_BYTES = 512;
/** Members looked at, and then told or stored, between two looks at the clock. */
const PIECE_MEMBERS = 128;

/** The place at hand. */
const place: Place = { longitude: 0, latitude: 0 };
const scoreBytes = Buffer.allocUnsafeSlow(SCORE_BYTES);

class SearchTask extends ValueTask {
  readonly #form: SearchForm;
  readonly #points: GeoPoints;
  readonly #result: SideSortedSet;
  #options!: SearchOptions;
  /** Ranks in the order of scores, in twos, of what is to be looked at: from, to. */
  #ranks: number[] = [];
  #hasCounted = false;
  #isFound = false;
  #hasBegunReply = false;

  constructor(session: Session, args: Args, reply: ReplyWriter, form: SearchForm) {
    super(session, args, reply);
    this.#form = form;
    this.#points = new GeoPoints(session.server.store.space);
    this.#result = new SideSortedSet(session);
  }

  protected begin(): boolean {
    const { args, reply } = this;
    this.cancel();
    const zset = this.#open();
    if (zset === undefined) return false;
    const options = SearchOptions.read(args, this.#form, zset, reply);
    if (options === undefined) return false;
    const { target } = options;
    if (target > 0 && refusesKey(args, target, reply)) return false;
    this.#options = options;
    // The nearest so many, unless any will do.
    if (options.count > 0 && options.order === 'none' && !options.isAny) options.order = 'asc';
    this.#points.begin(options.order, options.count);
    this.#result.begin(target > 0 ? args.bytes(target) : undefined);
    this.#ranks = zset.size === 0 ? [] : this.#ranksToLookAt(zset);
    this.watch(this.#form.source, zset.sub.head);
    if (target > 0) this.watch(target, this.leafOf(target));
    return true;
  }

  /** The source; undefined, the error replied, if it is no sorted set. */
  #open(): Collection | undefined {
    const { args, database, reply, session } = this;
    const { source } = this.#form;
    if (!this.#hasCounted) {
      this.#hasCounted = true;
      return readCollection(session, args, source, SORTED_SET, reply);
    }
    const zset = database.collection();
    const { buf, starts, ends } = args;
    if (zset.openQuietly(buf, starts[source]!, ends[source]!, SORTED_SET)) return zset;
    reply.error(WRONG_TYPE_ERROR);
    return undefined;
  }

  #ranksToLookAt(zset: Collection): number[] {
    const ranks: number[] = [];
    for (const cell of cellsAround(this.#options.shape)) {
      const low = lowestScore(cell);
      const from = scoreRank(zset, low, false);
      const to = scoreRank(zset, low + scoresOf(cell.step), false);
      if (from < to) ranks.push(from, to);
    }
    return ranks;
  }

  protected workBytes(): number {
    let members = 0;
    for (let i = 0; i < this.#ranks.length; i += 2)
      members += this.#ranks[i + 1]! - this.#ranks[i]!;
    return members * LOOK_BYTES;
  }

  protected piece(): boolean {
    try {
      if (!this.#isFound) this.#look();
      if (!this.#isFound) return false;
      return this.#options.target > 0 ? this.#store() : this.#tell();
    } catch (error) {
      this.cancel();
      throw error;
    }
  }

  override cancel(): void {
    this.#points.release();
    this.#result.release();
  }

  /** Looks at some members. The source has not changed since the last piece, but it may have moved. */
  #look(): void {
    const ranks = this.#ranks;
    let left = PIECE_MEMBERS;
    if (ranks.length > 0) {
      const zset = this.#open();
      if (zset === undefined) throw new Error('a source has changed unseen');
      while (ranks.length > 0 && left > 0) {
        const most = Math.min(left, ranks[1]! - ranks[0]!);
        const goesOn = this.#lookAt(zset, ranks[0]!, most);
        left -= most;
        ranks[0]! += most;
        if (!goesOn) ranks.length = 0;
        else if (ranks[0] === ranks[1]) ranks.splice(0, 2);
      }
    }
    this.#isFound = ranks.length === 0;
    // Once the reply has begun nothing can change it.
    if (this.#isFound && this.#options.target === 0) this.unwatch();
  }

  /** Looks at members from a rank on; false if no more are wanted. */
  #lookAt(zset: Collection, from: number, count: number): boolean {
    const { tree } = zset.mirror;
    const { shape, isAny } = this.#options;
    let leaf: Leaf = zset.mirrorCursor.stepTo(from);
    for (let i = 0; i < count; i += 1) {
      if (isAny && this.#points.size === this.#options.count) return false;
      decodePlace(mirroredScore(tree, leaf), place);
      const distance = distanceInShape(shape, place);
      if (!Number.isNaN(distance)) this.#points.add(tree, leaf, distance);
      leaf = zset.mirrorCursor.next();
    }
    return true;
  }

  /** Writes some of the reply; true once it is written. */
  #tell(): boolean {
    const { reply } = this;
    if (!this.#hasBegunReply) {
      this.#hasBegunReply = true;
      reply.array(this.#points.size);
    }
    for (let i = 0; i < PIECE_MEMBERS; i += 1) {
      if (!this.#points.next()) {
        this.cancel();
        return true;
      }
      this.#tellPoint();
    }
    return false;
  }

  #tellPoint(): void {
    const { reply } = this;
    const { value, valueBytes, distance } = this.#points;
    const { withDistance, withHash, withPlace, unit } = this.#options;
    const items = 1 + (withDistance ? 1 : 0) + (withHash ? 1 : 0) + (withPlace ? 1 : 0);
    if (items > 1) reply.array(items);
    reply.bulk(value, MEMBER_AT, valueBytes);
    if (items === 1) return;
    const score = readScore(value, SCORE_AT);
    if (withDistance) replyLength(reply, distance / unit);
    if (withHash) replyWhole(reply, score);
    if (!withPlace) return;
    decodePlace(score, place);
    replyPlace(reply, place);
  }

  /** Stores some of what was found, at the side, and at the end at the target. */
  #store(): boolean {
    const { args, reply } = this;
    const { storesDistance, target, unit } = this.#options;
    const { value } = this.#points;
    for (let i = 0; i < PIECE_MEMBERS; i += 1) {
      if (!this.#points.next()) {
        const event = this.#form.from === 'options' ? 'geosearchstore' : 'georadiusstore';
        this.#result.store(args, target, event, reply);
        this.cancel();
        return true;
      }
      const { valueBytes } = this.#points;
      if (storesDistance) writeScore(this.#points.distance / unit, scoreBytes, 0);
      else value.copy(scoreBytes, 0, SCORE_AT, MEMBER_AT);
      this.#result.put(value, MEMBER_AT, valueBytes, scoreBytes, 0);
    }
    return false;
  }
}

/** A score as C casts it to a long long. */
function replyWhole(reply: ReplyWriter, score: number): void {
  if (Math.abs(score) < 2 ** 63) reply.integer(Math.trunc(score));
  else reply.bigInteger(INT64_MIN);
}

function search(form: SearchForm): Handler {
  return (session, args, reply) => new SearchTask(session, args, reply, form).run();
}

const SEARCH = search({ from: 'options', takesStore: false, target: 0, source: 1 });
const SEARCH_STORE = search({ from: 'options', takesStore: false, target: 1, source: 2 });
const RADIUS = search({ from: 'place', takesStore: true, target: 0, source: 1 });
const RADIUS_RO = search({ from: 'place', takesStore: false, target: 0, source: 1 });
const BY_MEMBER = search({ from: 'member', takesStore: true, target: 0, source: 1 });
const BY_MEMBER_RO = search({ from: 'member', takesStore: false, target: 0, source: 1 });

export const geoSearchCommands: readonly CommandRow[] = [
  { name: 'geosearch', arity: -7, flags: READONLY, keys: [1, 1, 1], handler: SEARCH },
  { name: 'geosearchstore', arity: -8, flags: WRITE, keys: [1, 2, 1], handler: SEARCH_STORE },
  { name: 'georadius', arity: -6, flags: WRITE, keys: [1, 1, 1], handler: RADIUS },
  { name: 'georadius_ro', arity: -6, flags: READONLY, keys: [1, 1, 1], handler: RADIUS_RO },
  { name: 'georadiusbymember', arity: -5, flags: WRITE, keys: [1, 1, 1], handler: BY_MEMBER },
  {
    name: 'georadiusbymember_ro',
    arity: -5,
    flags: READONLY,
    keys: [1, 1, 1],
    handler: BY_MEMBER_RO,
  },
];
