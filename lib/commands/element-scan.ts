/**
 * HSCAN and its kin: the elements of a collection a page at a time, in the order of their sub keys.
 * A page goes on behind the last element that the one before has looked at (docs/decisions/0003),
 * so an element that stays is told once, whatever is written meanwhile. A collection that Redis
 * would keep in one piece is told whole, as there.
 */

import type { Leaf } from '../../radix/leaf.js';
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import { globMatches } from '../glob.js';
import type { Session, Task } from '../server/session.js';
import type { Collection } from '../store/collection.js';
import type { Database } from '../store/database.js';
import { noteOutgrown } from '../types/outgrown.js';
import { TYPE_HASH } from '../types/types.js';
import { readCollection } from './collections.js';
import { type ElementWriter, writeKey } from './element-reply.js';
import { FoundItems } from './found-items.js';
import { type ScanOptions, scanCursor, scanOptions, scanPlace } from './scan-options.js';

/** Elements looked at between two looks at the clock. */
const STEP_ELEMENTS = 128;

export interface ScanKind {
  /** In an error: `HSCAN key`. */
  readonly name: string;
  readonly type: number;
  /** Items that `write` makes of an element. */
  readonly items: number;
  readonly write: ElementWriter;
  /** Whether the collection is told whole. */
  readonly isSmall: (collection: Collection) => boolean;
}

export function scanElements(
  session: Session,
  args: Args,
  reply: ReplyWriter,
  kind: ScanKind,
): void {
  const cursor = scanCursor(args, 2, reply);
  if (Number.isNaN(cursor)) return;
  const collection = readCollection(session, args, 1, kind.type, reply);
  if (collection === undefined) return;
  if (collection.size === 0) {
    reply.array(2);
    reply.bulkLatin1('0');
    reply.emptyArray();
    return;
  }
  const options = scanOptions(args, 3, reply, kind.type === TYPE_HASH ? 'hash' : 'other');
  if (options === undefined) return;
  let place: Buffer | undefined;
  noteOutgrown(collection);
  if (kind.isSmall(collection)) {
    options.count = Number.POSITIVE_INFINITY;
  } else if (cursor !== 0 && !isOfFormerOwner(session, cursor)) {
    place = scanPlace(session, args, 2, kind.name);
    if (place === undefined) return;
  }
  const told = options.isKeysOnly ? { ...kind, items: 1, write: writeKey } : kind;
  session.defer(new ElementScan(session, collection.key(), told, options, place));
}

/**
 * The key had another owner, or this one before it was started again: its places are not known here,
 * so the scan begins anew. Elements may be told twice, as Redis may tell them; none is missed.
 */
function isOfFormerOwner({ server }: Session, cursor: number): boolean {
  return server.ring?.isAlone === false && !server.scanPlaces.gave(cursor);
}

class ElementScan implements Task {
  readonly #session: Session;
  readonly #database: Database;
  readonly #key: Buffer;
  readonly #kind: ScanKind;
  readonly #options: ScanOptions;
  readonly #found: FoundItems;
  /** The last sub key looked at; or where to begin. */
  #place: Buffer;
  #isPlaceDone: boolean;
  #left: number;
  #atEnd = false;
  #isMoving = false;

  constructor(
    session: Session,
    key: Buffer,
    kind: ScanKind,
    options: ScanOptions,
    after: Buffer | undefined,
  ) {
    this.#session = session;
    this.#database = session.database;
    this.#key = key;
    this.#kind = kind;
    this.#options = options;
    this.#found = new FoundItems(session.server.pool, session.reply.protocol);
    this.#left = options.count;
    this.#isPlaceDone = after !== undefined && after.compare(options.prefix) >= 0;
    this.#place = this.#isPlaceDone ? after! : options.prefix;
  }

  step(deadlineMs: number): boolean {
    const { clock } = this.#database.store.world;
    const isLate = (): boolean => clock.monotonicMs() >= deadlineMs;
    const key = this.#key;
    if (!this.#database.expireElements(key, 0, key.length, deadlineMs)) return false;
    while (!this.#isMoving) {
      this.#look();
      if (this.#atEnd || this.#left === 0) this.#beginReply();
      else if (isLate()) return false;
    }
    return this.#found.moveTo(this.#session.reply, isLate);
  }

  cancel(): void {
    this.#found.release();
  }

  #beginReply(): void {
    const { reply, server } = this.#session;
    reply.array(2);
    reply.bulkLatin1(String(this.#atEnd ? 0 : server.scanPlaces.remember(this.#place)));
    reply.array(this.#found.count * this.#kind.items);
    this.#isMoving = true;
  }

  /** Looks at some elements. The collection may have changed since, or be gone. */
  #look(): void {
    const collection = this.#database.collection();
    const key = this.#key;
    this.#atEnd = !collection.openQuietly(key, 0, key.length, this.#kind.type);
    const { cursor, elements } = collection;
    const place = this.#place;
    cursor.seek(place, 0, place.length);
    let element = cursor.next();
    if (element !== 0 && this.#isPlaceDone && this.#isPlace(collection, element)) {
      element = cursor.next();
    }
    const most = Math.min(this.#left, STEP_ELEMENTS);
    let last: Leaf = 0;
    for (let seen = 0; seen < most && this.#goesOn(collection, element); seen += 1) {
      last = element;
      if (this.#matches(collection, element)) this.#add(element);
      element = cursor.next();
    }
    this.#left -= most;
    if (last !== 0) {
      this.#place = elements.key(last);
      this.#isPlaceDone = true;
    }
    this.#goesOn(collection, element);
  }

  /** Whether there is an element, and it may match; else the scan is at its end. */
  #goesOn({ elements }: Collection, element: Leaf): boolean {
    const { prefix } = this.#options;
    let goesOn = element !== 0;
    if (goesOn && prefix.length > 0) {
      const scratch = this.#database.store.keyScratch;
      const bytes = elements.copyKey(element, scratch, 0);
      const end = Math.min(bytes, prefix.length);
      goesOn = bytes >= prefix.length && scratch.compare(prefix, 0, prefix.length, 0, end) === 0;
    }
    if (!goesOn) this.#atEnd = true;
    return goesOn;
  }

  #isPlace({ elements }: Collection, element: Leaf): boolean {
    const scratch = this.#database.store.keyScratch;
    const bytes = elements.copyKey(element, scratch, 0);
    return scratch.compare(this.#place, 0, this.#place.length, 0, bytes) === 0;
  }

  #matches({ elements }: Collection, element: Leaf): boolean {
    const { pattern } = this.#options;
    if (pattern === undefined) return true;
    const scratch = this.#database.store.keyScratch;
    return globMatches(pattern, scratch, 0, elements.copyKey(element, scratch, 0));
  }

  #add(element: Leaf): void {
    this.#kind.write(this.#found.body, this.#database, element);
    this.#found.count += 1;
  }
}
