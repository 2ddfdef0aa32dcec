/**
 * ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX. The whole goes with one small write, and a few
 * members at once; many go a slice at a time.
 *
 * In slices it is not one step for others: they may see part of the range gone. What they write into
 * it meanwhile stays, since only elements that are older than the command are removed; so it ends.
 */
import { KEY_BYTES_MAX, type Leaf } from '../../../radix/leaf.js';
import type { Tree } from '../../../radix/tree.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session, Task } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import type { Database } from '../../store/database.js';
import { NOTIFY_ZSET } from '../../store/notify.js';
import { copyMember, SORTED_SET } from '../../types/zsets.js';
import { findCollection } from '../collections.js';
import { type CommandRow, type Handler, WRITE } from '../command.js';
import { BY_MEMBER, BY_RANK, BY_SCORE, rankRange } from './rank-range.js';

/** So many are removed at once. */
const AT_ONCE_MAX = 512;
/** Members looked at between two looks at the clock. */
const STEP_MEMBERS = 64;

/** The member that is about to go. */
const member = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);

function removeRange(by: number, event: string): Handler {
  return (session, args, reply) => remove(session, args, reply, by, event);
}

function remove(session: Session, args: Args, reply: ReplyWriter, by: number, event: string): void {
  if (!rankRange.read(by, args, 2, 3, reply)) return;
  const zset = findCollection(session, args, 1, SORTED_SET, reply);
  if (zset === undefined) return;
  rankRange.find(zset, false);
  const { from, size } = rankRange;
  if (size > AT_ONCE_MAX && size < zset.size) {
    session.defer(new RemovalTask(session, zset, by !== BY_MEMBER, event));
    return;
  }
  if (size > 0 && size === zset.size) {
    zset.removeAll();
  } else {
    const base = by === BY_MEMBER ? zset.elements : zset.mirror.tree;
    for (let i = 0; i < size; i += 1) {
      const leaf = base.nth(from);
      const bytes =
        by === BY_MEMBER ? base.copyKey(leaf, member, 0) : copyMember(base, leaf, member);
      zset.remove(member, 0, bytes);
    }
  }
  if (size > 0) zset.notify(NOTIFY_ZSET, event);
  reply.integer(size);
}

class RemovalTask implements Task {
  readonly #session: Session;
  readonly #database: Database;
  readonly #key: Buffer;
  readonly #byValue: boolean;
  readonly #event: string;
  readonly #startStamp: number;
  /** Keys of the elements or of the mirror: the next one to look at, or one before it; the last. */
  #place: Buffer;
  readonly #last: Buffer;
  #isAtEnd = false;
  #removed = 0;

  /** Of the range that `rankRange` tells of an open sorted set. */
  constructor(session: Session, zset: Collection, byValue: boolean, event: string) {
    this.#session = session;
    this.#database = session.database;
    this.#key = zset.key();
    this.#byValue = byValue;
    this.#event = event;
    this.#startStamp = session.server.store.stamp();
    const base = this.#base(zset);
    this.#place = base.key(base.nth(rankRange.from));
    this.#last = base.key(base.nth(rankRange.to - 1));
  }

  step(deadlineMs: number): boolean {
    const { reply, server } = this.#session;
    const { clock } = server.store.world;
    while (!this.#isAtEnd) {
      this.#removeSome();
      if (clock.monotonicMs() >= deadlineMs && !this.#isAtEnd) return false;
    }
    reply.integer(this.#removed);
    return true;
  }

  #base(zset: Collection): Tree {
    return this.#byValue ? zset.mirror.tree : zset.elements;
  }

  /** The sorted set may have changed since, or be gone. */
  #removeSome(): void {
    const zset = this.#database.collection();
    const key = this.#key;
    this.#isAtEnd = !zset.openQuietly(key, 0, key.length, SORTED_SET) || zset.size === 0;
    const before = this.#removed;
    for (let i = 0; i < STEP_MEMBERS && !this.#isAtEnd; i += 1) this.#next(zset);
    if (this.#removed > before) zset.notify(NOTIFY_ZSET, this.#event);
  }

  #next(zset: Collection): void {
    const base = this.#base(zset);
    const leaf: Leaf = base.ceiling(this.#place, 0, this.#place.length);
    if (leaf === 0) {
      this.#isAtEnd = true;
      return;
    }
    const at = base.key(leaf);
    if (at.compare(this.#last) > 0) {
      this.#isAtEnd = true;
      return;
    }
    const bytes = this.#byValue ? copyMember(base, leaf, member) : at.copy(member);
    this.#place = Buffer.concat([at, Buffer.of(0)]);
    const { elements } = zset;
    if (elements.stamp(elements.find(member, 0, bytes)) > this.#startStamp) return;
    if (zset.remove(member, 0, bytes)) this.#removed += 1;
    this.#isAtEnd = !zset.exists;
  }
}

const BY_RANKS = removeRange(BY_RANK, 'zremrangebyrank');
const BY_SCORES = removeRange(BY_SCORE, 'zremrangebyscore');
const BY_MEMBERS = removeRange(BY_MEMBER, 'zremrangebylex');

export const zsetRemovalCommands: readonly CommandRow[] = [
  { name: 'zremrangebyrank', arity: 4, flags: WRITE, keys: [1, 1, 1], handler: BY_RANKS },
  { name: 'zremrangebyscore', arity: 4, flags: WRITE, keys: [1, 1, 1], handler: BY_SCORES },
  { name: 'zremrangebylex', arity: 4, flags: WRITE, keys: [1, 1, 1], handler: BY_MEMBERS },
];
