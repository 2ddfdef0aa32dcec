/**
 * SCAN and KEYS, in key order. A SCAN goes on after the last key that it looked at, so it never
 * misses or repeats a key that stays, whatever is written meanwhile. A pattern with a literal
 * beginning looks only at the keys that begin so.
 */
import type { Leaf } from '../../../radix/leaf.js';
import { Snapshot } from '../../../radix/snapshot.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { filterOf, globMatches, literalPrefix } from '../../glob.js';
import type { KeyspacePart, Session, Task } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import { typeName } from '../../types/types.js';
import { COUNTS, type CommandRow, READONLY } from '../command.js';
import { FoundItems } from '../found-items.js';
import { replyKey } from '../replies.js';
import { scanCursor, scanOptions, scanPlace } from '../scan-options.js';

/** Keys looked at between two looks at the clock. */
const STEP_KEYS = 128;
const MINUS = 0x2d;
const PLUS = 0x2b;

interface Filter {
  pattern: Buffer | undefined;
  /** Keys that match begin with this. */
  prefix: Buffer;
  type: string | undefined;
}

/** Looks at keys in order, from a place on, and collects those that match. */
class KeyWalk {
  readonly found: FoundItems;
  /** The last key looked at. */
  place: Buffer;
  atEnd = false;
  readonly #database: Database;
  readonly #filter: Filter;
  readonly #scratch: Buffer;
  #inclusive: boolean;
  /** The last key that may be looked at. */
  readonly #high: Buffer | undefined;

  constructor(session: Session, filter: Filter, after: Buffer | undefined) {
    const { database } = session;
    this.found = new FoundItems(session.server.pool, session.reply.protocol);
    this.#database = database;
    this.#filter = filter;
    this.#scratch = database.store.keyScratch;
    const { part } = session;
    const low = part === undefined ? after : lowKey(part);
    const behind = low !== undefined && low.compare(filter.prefix) >= 0;
    this.place = behind ? low : filter.prefix;
    this.#inclusive = !behind;
    this.#high = part === undefined ? undefined : highKey(part);
  }

  /** Looks at up to `most` keys. Only keys that have not expired count. */
  walk(most: number): void {
    const { tree, cursor, store } = this.#database;
    cursor.seek(this.place, 0, this.place.length);
    let leaf = cursor.next();
    if (leaf !== 0 && !this.#inclusive && this.#isPlace(leaf)) leaf = cursor.next();
    let last: Leaf = 0;
    for (let seen = 0; seen < most; seen += 1) {
      if (leaf === 0 || !this.#isWithin(leaf)) {
        this.atEnd = true;
        return;
      }
      last = leaf;
      const expiryMs = tree.expiryMs(leaf);
      const isHidden = this.#database.isPurging && tree.stamp(leaf) <= this.#database.clearedAt;
      const isThere = !isHidden && (expiryMs === 0 || expiryMs > store.nowMs);
      if (isThere && !this.#database.isEmptied(leaf) && this.#matches(leaf)) this.#add(leaf);
      leaf = cursor.next();
    }
    this.place = tree.key(last);
    this.#inclusive = false;
    if (leaf === 0 || !this.#isWithin(leaf)) this.atEnd = true;
  }

  /** The keys behind the last one looked at, as they are now. */
  snapshot(): Snapshot {
    const snapshot = new Snapshot(this.#database.tree, { low: this.place });
    if (!this.#inclusive) snapshot.next();
    return snapshot;
  }

  /** `walk` over a snapshot; keys that have expired since it was opened are still in it. */
  walkSnapshot(snapshot: Snapshot, most: number): void {
    for (let seen = 0; seen < most; seen += 1) {
      if (!snapshot.next() || !this.#isWithin(snapshot.leaf)) {
        this.atEnd = true;
        return;
      }
      const { leaf, tree } = snapshot;
      if (tree.visible(leaf) && this.#matches(leaf)) this.#add(leaf);
    }
  }

  #add(leaf: Leaf): void {
    replyKey(this.found.body, this.#database, leaf);
    this.found.count += 1;
  }

  #isPlace(leaf: Leaf): boolean {
    const bytes = this.#database.tree.copyKey(leaf, this.#scratch, 0);
    return this.#scratch.compare(this.place, 0, this.place.length, 0, bytes) === 0;
  }

  #isWithin(leaf: Leaf): boolean {
    const { prefix } = this.#filter;
    const high = this.#high;
    if (prefix.length === 0 && high === undefined) return true;
    const bytes = this.#database.tree.copyKey(leaf, this.#scratch, 0);
    if (high !== undefined && high.compare(this.#scratch, 0, bytes) < 0) return false;
    if (bytes < prefix.length) return false;
    return this.#scratch.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
  }

  #matches(leaf: Leaf): boolean {
    const { pattern, type } = this.#filter;
    if (type !== undefined && typeName(this.#database.tree, leaf) !== type) return false;
    if (pattern === undefined) return true;
    const bytes = this.#database.tree.copyKey(leaf, this.#scratch, 0);
    return globMatches(pattern, this.#scratch, 0, bytes);
  }
}

/** The key behind which a part begins; undefined: with the lowest. Its ends come from `segmentsOf`. */
function lowKey({ low }: KeyspacePart): Buffer | undefined {
  return low.length === 1 && low[0] === MINUS ? undefined : low.subarray(1);
}

/** The last key of a part; undefined: the highest. */
function highKey({ high }: KeyspacePart): Buffer | undefined {
  return high.length === 1 && high[0] === PLUS ? undefined : high.subarray(1);
}

/** Walks, then moves what was found to the reply, both in slices. */
abstract class WalkTask implements Task {
  protected readonly session: Session;
  protected readonly walk: KeyWalk;
  #isMoving = false;

  constructor(session: Session, walk: KeyWalk) {
    this.session = session;
    this.walk = walk;
  }

  /** Looks at some keys; true when there are no more to look at. */
  protected abstract look(): boolean;
  /** The slice is over and there are more keys to look at. */
  protected abstract pause(): void;
  /** Writes what stands in front of the keys. */
  protected abstract writeHead(reply: ReplyWriter): void;

  step(deadlineMs: number): boolean {
    const { reply, server } = this.session;
    const { clock } = server.store.world;
    const isLate = (): boolean => clock.monotonicMs() >= deadlineMs;
    while (!this.#isMoving) {
      if (this.look()) {
        this.writeHead(reply);
        reply.array(this.walk.found.count);
        this.#isMoving = true;
      } else if (isLate()) {
        this.pause();
        return false;
      }
    }
    if (!this.walk.found.moveTo(reply, isLate)) return false;
    this.cancel();
    return true;
  }

  cancel(): void {
    this.walk.found.release();
  }
}

class ScanTask extends WalkTask {
  #left: number;

  constructor(session: Session, walk: KeyWalk, count: number) {
    super(session, walk);
    this.#left = count;
  }

  protected override look(): boolean {
    const most = Math.min(this.#left, STEP_KEYS);
    this.walk.walk(most);
    this.#left -= most;
    return this.#left === 0 || this.walk.atEnd;
  }

  protected override pause(): void {}

  protected override writeHead(reply: ReplyWriter): void {
    const { atEnd, place } = this.walk;
    reply.array(2);
    if (this.session.part === undefined) {
      reply.bulkLatin1(String(atEnd ? 0 : this.session.server.scanPlaces.remember(place)));
    } else if (atEnd) {
      reply.emptyArray();
    } else {
      // Whoever asked for a part keeps the places, as keys.
      reply.array(1);
      reply.bulk(place, 0, place.length);
    }
  }
}

/**
 * KEYS: what does not fit into its first slice is read from a snapshot, so that the reply is what
 * stood at the start.
 */
class KeysTask extends WalkTask {
  #snapshot: Snapshot | undefined;

  protected override look(): boolean {
    if (this.#snapshot === undefined) this.walk.walk(STEP_KEYS);
    else this.walk.walkSnapshot(this.#snapshot, STEP_KEYS);
    return this.walk.atEnd;
  }

  protected override pause(): void {
    this.#snapshot ??= this.walk.snapshot();
  }

  protected override writeHead(): void {
    this.#snapshot?.close();
  }

  override cancel(): void {
    super.cancel();
    this.#snapshot?.close();
  }
}

function scan(session: Session, args: Args, reply: ReplyWriter): void {
  const cursor = scanCursor(args, 1, reply);
  if (Number.isNaN(cursor)) return;
  const options = scanOptions(args, 2, reply, 'keys');
  if (options === undefined) return;
  let after: Buffer | undefined;
  if (cursor !== 0) {
    after = scanPlace(session, args, 1, 'SCAN');
    if (after === undefined) return;
  }
  session.defer(new ScanTask(session, new KeyWalk(session, options, after), options.count));
}

function keys(session: Session, args: Args, _reply: ReplyWriter): void {
  const pattern = args.bytes(1);
  const prefix = literalPrefix(pattern);
  const filter: Filter = { pattern: filterOf(pattern), prefix, type: undefined };
  session.defer(new KeysTask(session, new KeyWalk(session, filter, undefined)));
}

export const scanCommands: readonly CommandRow[] = [
  { name: 'scan', arity: -2, flags: READONLY, handler: scan },
  { name: 'keys', arity: 2, flags: READONLY | COUNTS, handler: keys },
];
