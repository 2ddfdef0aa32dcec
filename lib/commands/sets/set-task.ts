/**
 * Combining sets: SINTER, SUNION, SDIFF, with or without a target. All of it is one moment: see
 * ValueTask. What is stored is prepared at the side and linked in with one small write.
 *
 *   SINTER   walks the smallest set; each member is looked up in the others, smallest first
 *   SDIFF    walks the first set; each member is looked up in the others, largest first; or, where
 *            that would cost more, copies the first to the side and removes the others' members
 *   SUNION   copies all to the side
 *
 * Source of the choice: Redis t_set.c (`sunionDiffGenericCommand`).
 */
import type { Cursor } from '../../../radix/cursor.js';
import { KEY_BYTES_MAX, type Leaf } from '../../../radix/leaf.js';
import { Tree } from '../../../radix/tree.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { TYPE_SET } from '../../types/types.js';
import { bySize } from '../by-size.js';
import { readCollection } from '../collections.js';
import { MemberProbe } from '../member-probe.js';
import { WRONG_TYPE_ERROR } from '../replies.js';
import { PIECE_BYTES, ValueTask } from '../value-task.js';
import type { SetSink } from './set-sinks.js';

/** What a look at a member counts for, in the work done at once. */
const LOOK_BYTES = 256;
const LOOKS_OF_PIECE = PIECE_BYTES / LOOK_BYTES;

export type SetOperation = 'inter' | 'union' | 'diff';

/** The member at hand, for the sink. */
const member = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);

export class SetTask extends ValueTask {
  readonly #operation: SetOperation;
  readonly #firstKey: number;
  readonly #sink: SetSink;
  /** By operand: the root of its elements, valid while the tree has this version, and how many there are. */
  readonly #roots: Int32Array;
  readonly #versions: Float64Array;
  readonly #sizes: Int32Array;
  /** Operands to walk over one after the other, and those to look members up in. */
  #walked: number[] = [];
  #probed: number[] = [];
  /** Whether members of all walked but the first are removed. */
  #removes = false;
  #at = 0;
  readonly #walk: Tree;
  readonly #cursor: Cursor;
  readonly #probe: Tree;
  #hasCounted = false;
  #isFound = false;
  readonly #member = new MemberProbe((k, subject, bytes) => this.#isKeptBy(k, subject, bytes));

  /** `keys`: the first of the operands' arguments, and how many there are. */
  constructor(
    session: Session,
    args: Args,
    reply: ReplyWriter,
    options: {
      operation: SetOperation;
      keys: readonly [first: number, count: number];
      sink: SetSink;
    },
  ) {
    super(session, args, reply);
    const [first, count] = options.keys;
    this.#operation = options.operation;
    this.#firstKey = first;
    this.#sink = options.sink;
    this.#roots = new Int32Array(count);
    this.#versions = new Float64Array(count);
    this.#sizes = new Int32Array(count);
    const { space } = this.database.tree;
    this.#walk = new Tree(space, { expiries: false, path: space.elementPath });
    this.#probe = new Tree(space, { expiries: false, path: space.elementPath });
    this.#cursor = this.#walk.cursor();
  }

  protected begin(): boolean {
    this.#sink.begin(this.args);
    this.#at = 0;
    const { target } = this.#sink;
    if (target > 0) this.watch(target, this.leafOf(target));
    return true;
  }

  protected override lookCount(): number {
    return this.#roots.length;
  }

  protected override lookUp(k: number): boolean {
    const set = this.#open(k);
    if (set === undefined) {
      this.#sink.release();
      return false;
    }
    this.#sizes[k] = set.size;
    this.watch(this.#firstKey + k, set.sub.head);
    return true;
  }

  protected override plan(): boolean {
    this.#hasCounted = true;
    this.#member.isUnderWay = false;
    this.#plan();
    if (this.#walked.length > 0) this.#turnTo(0);
    return true;
  }

  /** Opens an operand and notes its root; undefined, the error replied, if it is no set. */
  #open(k: number): Collection | undefined {
    const { args, database, reply } = this;
    const i = this.#firstKey + k;
    let set: Collection | undefined;
    if (this.#hasCounted) {
      set = database.collection();
      const isSet = set.openQuietly(args.buf, args.starts[i]!, args.ends[i]!, TYPE_SET);
      if (!isSet) reply.error(WRONG_TYPE_ERROR);
      if (!isSet) return undefined;
    } else {
      set = readCollection({ database }, args, i, TYPE_SET, reply);
    }
    if (set === undefined) return undefined;
    this.#roots[k] = set.elements.root;
    this.#versions[k] = database.tree.version;
    return set;
  }

  #plan(): void {
    const sizes = this.#sizes;
    const all: number[] = [];
    for (let k = 0; k < sizes.length; k += 1) if (sizes[k]! > 0) all.push(k);
    this.#walked = [];
    this.#probed = [];
    this.#removes = false;
    if (this.#operation === 'union') {
      this.#walked = all;
    } else if (this.#operation === 'inter') {
      if (all.length < sizes.length) return;
      const [smallest] = (this.#probed = bySize(all, sizes));
      this.#probed.shift();
      this.#walked = [smallest!];
    } else if (sizes[0]! > 0) {
      const sum = all.reduce((before, k) => before + sizes[k]!, 0);
      this.#removes = (sizes[0]! * all.length) / 2 > sum && this.#sink.canRemove;
      this.#walked = this.#removes ? all : [0];
      if (this.#removes) return;
      const others = all.filter((k) => k !== 0);
      this.#probed = bySize(others, sizes, true);
    }
  }

  protected workBytes(): number {
    const members = this.#walked.reduce((before, k) => before + this.#sizes[k]!, 0);
    return members * (1 + this.#probed.length) * LOOK_BYTES;
  }

  protected piece(): boolean {
    if (!this.#isFound) this.#walkSome();
    return this.#isFound && this.#sink.finish(this.args, this.reply);
  }

  override cancel(): void {
    this.#sink.release();
  }

  /** Looks at some members. What was opened in an earlier slice may have moved since. */
  #walkSome(): void {
    if (this.#at < this.#walked.length) this.#reload();
    this.#member.left = LOOKS_OF_PIECE;
    while (this.#member.left > 0 && !this.#isFound) this.#isFound = !this.#next();
    // Once the reply has begun nothing can change it.
    if (this.#isFound) this.unwatch();
  }

  /** Looks at the next member, or goes on with it; false if there is none, or no more is wanted. */
  #next(): boolean {
    if (this.#member.isUnderWay) return this.#probeMember();
    this.#member.left -= 1;
    let leaf: Leaf = 0;
    for (;;) {
      if (this.#at >= this.#walked.length) return false;
      leaf = this.#cursor.next();
      if (leaf !== 0) break;
      if (this.#at + 1 < this.#walked.length) this.#turnTo(this.#at + 1);
      else this.#at += 1;
    }
    const bytes = this.#walk.copyKey(leaf, member, 0);
    if (this.#removes && this.#at > 0) {
      this.#sink.remove(member, bytes);
      return this.#sink.size > 0;
    }
    if (this.#probed.length === 0) return this.#sink.add(member, bytes);
    this.#member.begin(member, bytes);
    return this.#probeMember();
  }

  /** Looks the member at hand up in the operands; false as `#next`. */
  #probeMember(): boolean {
    const found = this.#member;
    return found.goOn(this.#probed) !== 'kept' || this.#sink.add(found.member, found.bytes);
  }

  #isKeptBy(k: number, subject: Buffer, bytes: number): boolean {
    if (this.#versions[k] !== this.database.tree.version) this.#open(k);
    this.#probe.root = this.#roots[k]!;
    const isThere = this.#probe.findVisible(subject, 0, bytes) !== 0;
    return isThere === (this.#operation === 'inter');
  }

  /** Stands before the first member of one of the operands to walk over. */
  #turnTo(at: number): void {
    this.#at = at;
    this.#reload();
    this.#cursor.seekFirst();
  }

  #reload(): void {
    this.#open(this.#walked[this.#at]!);
    this.#walk.root = this.#roots[this.#walked[this.#at]!]!;
    this.#walk.version += 1;
  }
}
