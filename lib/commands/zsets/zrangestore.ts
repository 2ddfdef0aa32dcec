/** ZRANGESTORE: a range of a sorted set, stored as another. All of it is one moment: see ValueTask. */
import { KEY_BYTES_MAX, type Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { SCORE_BYTES, SORTED_SET } from '../../types/zsets.js';
import { readCollection } from '../collections.js';
import { type CommandRow, WRITE } from '../command.js';
import { refusesKey } from '../lookup.js';
import { WRONG_TYPE_ERROR } from '../replies.js';
import { ValueTask } from '../value-task.js';
import { BY_MEMBER, rankRange } from './rank-range.js';
import { SideSortedSet } from './side-sorted-set.js';
import { applyLimit, readRange } from './zset-ranges.js';

const TARGET = 1;
const SOURCE = 2;
/** What copying a member counts for, in the work done at once. */
const MEMBER_COST_BYTES = 1024;
const PIECE_MEMBERS = 64;

/** The member at hand, its score before or behind it. */
const scratch = Buffer.allocUnsafeSlow(KEY_BYTES_MAX + SCORE_BYTES);

class RangeStore extends ValueTask {
  readonly #copy: SideSortedSet;
  #byMember = false;
  /** Ranks in the source, of what is still to be copied. */
  #from = 0;
  #to = 0;
  #hasCounted = false;

  constructor(session: Session, args: Args, reply: ReplyWriter) {
    super(session, args, reply);
    this.#copy = new SideSortedSet(session);
  }

  protected begin(): boolean {
    const { args, reply } = this;
    this.#copy.begin(args.bytes(TARGET));
    const asked = readRange(args, SOURCE, { takesScores: false }, reply);
    if (asked === undefined) return false;
    const zset = this.#open();
    if (zset === undefined) return false;
    this.#byMember = asked.by === BY_MEMBER;
    rankRange.find(zset, asked.reverse);
    applyLimit(asked);
    this.#from = rankRange.from;
    this.#to = rankRange.to;
    this.watch(SOURCE, zset.sub.head);
    this.watch(TARGET, this.leafOf(TARGET));
    return true;
  }

  /** The source; undefined, the error replied, if it is no sorted set. */
  #open(): Collection | undefined {
    const { args, database, reply, session } = this;
    if (!this.#hasCounted) {
      this.#hasCounted = true;
      return readCollection(session, args, SOURCE, SORTED_SET, reply);
    }
    const { buf, starts, ends } = args;
    const zset = database.collection();
    if (zset.openQuietly(buf, starts[SOURCE]!, ends[SOURCE]!, SORTED_SET)) return zset;
    reply.error(WRONG_TYPE_ERROR);
    return undefined;
  }

  protected workBytes(): number {
    return (this.#to - this.#from) * MEMBER_COST_BYTES;
  }

  protected piece(): boolean {
    if (this.#from < this.#to) this.#copySome();
    if (this.#from < this.#to) return false;
    this.#copy.store(this.args, TARGET, 'zrangestore', this.reply);
    return true;
  }

  override cancel(): void {
    this.#copy.release();
  }

  /** The source has not changed since the last piece, but it may have moved. */
  #copySome(): void {
    const zset = this.#open();
    if (zset === undefined) throw new Error('a source has changed unseen');
    const cursor = this.#byMember ? zset.cursor : zset.mirrorCursor;
    const base = this.#byMember ? zset.elements : zset.mirror.tree;
    const end = Math.min(this.#to, this.#from + PIECE_MEMBERS);
    let leaf: Leaf = cursor.stepTo(this.#from);
    for (; this.#from < end; this.#from += 1) {
      const bytes = base.copyKey(leaf, scratch, 0);
      if (this.#byMember) {
        base.copyValue(leaf, scratch, bytes);
        this.#copy.put(scratch, 0, bytes, scratch, bytes);
      } else {
        this.#copy.put(scratch, SCORE_BYTES, bytes, scratch, 0);
      }
      leaf = cursor.next();
    }
  }
}

function zrangestore(session: Session, args: Args, reply: ReplyWriter): void {
  if (refusesKey(args, TARGET, reply)) return;
  new RangeStore(session, args, reply).run();
}

export const zrangestoreCommands: readonly CommandRow[] = [
  { name: 'zrangestore', arity: -5, flags: WRITE, keys: [1, 2, 1], handler: zrangestore },
];
