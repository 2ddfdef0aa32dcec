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
import { readCollection } from '../collections.js';
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
  /** By operand: the root of its elements, valid while nothing is written, and how many there are. */
  readonly #roots: Int32Array;
  /** The tree's when the roots were noted. */
  #version = 0;
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
    for (let k = 0; k < this.#roots.length; k += 1) {
      const set = this.#open(k);
      if (set === undefined) {
        this.#sink.release();
        return false;
      }
      this.#sizes[k] = set.size;
      this.watch(this.#firstKey + k, set.sub.head);
    }
    this.#hasCounted = true;
    this.#version = this.database.tree.version;
    this.#plan();
    if (this.#walked.length > 0) this.#turnTo(0);
    return true;
  }

  /** Opens an operand and notes its root; undefined, the error replied, if it is no set. */
  #open(k: number): Collection | undefined {
    const { args, database, reply, session } = this;
    const i = this.#firstKey + k;
    let set: Collection | undefined;
    if (this.#hasCounted) {
      set = database.collection();
      const isSet = set.openQuietly(args.buf, args.starts[i]!, args.ends[i]!, TYPE_SET);
      if (!isSet) reply.error(WRONG_TYPE_ERROR);
      if (!isSet) return undefined;
    } else {
      set = readCollection(session, args, i, TYPE_SET, reply);
    }
    if (set !== undefined) this.#roots[k] = set.elements.root;
    return set;
  }

  #plan(): void {
    const sizes = this.#sizes;
    const all = [...sizes.keys()].filter((k) => sizes[k]! > 0);
    this.#walked = [];
    this.#probed = [];
    this.#removes = false;
    if (this.#operation === 'union') {
      this.#walked = all;
    } else if (this.#operation === 'inter') {
      if (all.length < sizes.length) return;
      const [smallest, ...others] = all.sort((a, b) => sizes[a]! - sizes[b]!);
      this.#walked = [smallest!];
      this.#probed = others;
    } else if (sizes[0]! > 0) {
      const sum = all.reduce((before, k) => before + sizes[k]!, 0);
      this.#removes = (sizes[0]! * all.length) / 2 > sum && this.#sink.canRemove;
      this.#walked = this.#removes ? all : [0];
      const others = all.filter((k) => k !== 0);
      if (!this.#removes) this.#probed = others.sort((a, b) => sizes[b]! - sizes[a]!);
    }
  }

  protected workBytes(): number {
    const members = this.#walked.reduce((before, k) => before + this.#sizes[k]!, 0);
    return members * (1 + this.#probed.length) * LOOK_BYTES;
  }

  protected piece(): boolean {
    if (!this.#isFound) this.#look();
    return this.#isFound && this.#sink.finish(this.args, this.reply);
  }

  override cancel(): void {
    this.#sink.release();
  }

  /** Looks at some members. What was opened in an earlier slice may have moved since. */
  #look(): void {
    const { version } = this.database.tree;
    if (version !== this.#version) for (const k of this.#probed) this.#open(k);
    this.#version = version;
    if (this.#at < this.#walked.length) this.#reload();
    let left = LOOKS_OF_PIECE;
    while (left > 0 && !this.#isFound) {
      left -= 1 + this.#probed.length;
      this.#isFound = !this.#next();
    }
    // Once the reply has begun nothing can change it.
    if (this.#isFound) this.unwatch();
  }

  /** Looks at the next member; false if there is none, or no more is wanted. */
  #next(): boolean {
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
    return !this.#isWanted(bytes) || this.#sink.add(member, bytes);
  }

  #isWanted(bytes: number): boolean {
    const probe = this.#probe;
    const shouldBeThere = this.#operation === 'inter';
    for (const k of this.#probed) {
      probe.root = this.#roots[k]!;
      if ((probe.findVisible(member, 0, bytes) !== 0) !== shouldBeThere) return false;
    }
    return true;
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
