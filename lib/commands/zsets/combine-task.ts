/**
 * Combining sorted sets, and sets: ZUNION, ZINTER, ZDIFF and ZINTERCARD, with or without a target.
 * All of it is one moment: see ValueTask. What comes of it is made at the side.
 *
 *   inter   walks the smallest operand; each member is looked up in the others, smallest first
 *   diff    walks the first operand; each member is looked up in the others
 *   union   walks all, the smallest first, and adds up at the side
 *
 * The order is Redis's (t_zset.c, `zunionInterDiffGenericCommand`), for a sum of doubles depends
 * on it.
 */
import type { Cursor } from '../../../radix/cursor.js';
import { KEY_BYTES_MAX, type Leaf } from '../../../radix/leaf.js';
import type { Tree } from '../../../radix/tree.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { SCORE_BYTES, scoreOf, writeScore } from '../../types/zsets.js';
import { bySize } from '../by-size.js';
import { MemberProbe } from '../member-probe.js';
import { beginItems, WRONG_TYPE_ERROR } from '../replies.js';
import { PIECE_BYTES, ValueTask } from '../value-task.js';
import {
  aggregated,
  type CombineForm,
  type CombineOptions,
  combineOptions,
  numberOr0,
} from './combine-options.js';
import { writeFlatRanked, writeNestedRanked, writeRanked } from './members.js';
import { Operands, treeOver } from './operands.js';
import { SideSortedSet } from './side-sorted-set.js';

export type Operation = 'union' | 'inter' | 'diff';

export interface Combination {
  readonly operation: Operation;
  readonly form: CombineForm;
  /** The argument that is the key of the first operand, and how many there are. */
  readonly firstKey: number;
  readonly keyCount: number;
  /** The argument that is the key to store at; 0: none. */
  readonly target: number;
}

/** What a look at a member counts for, in the work done at once. */
const LOOK_BYTES = 1024;
const LOOKS_OF_PIECE = PIECE_BYTES / LOOK_BYTES;
/** Members told between two looks at the clock. */
const STEP_MEMBERS = 128;

/** The member at hand, and its score. */
const member = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);
const scoreBytes = Buffer.allocUnsafeSlow(SCORE_BYTES);

export class CombineTask extends ValueTask {
  readonly #what: Combination;
  readonly #operands: Operands;
  readonly #result: SideSortedSet;
  #options!: CombineOptions;
  /** Operands to walk over one after the other, and those to look members up in. */
  #walked: readonly number[] = [];
  #probed: readonly number[] = [];
  #at = 0;
  readonly #walk: Tree;
  readonly #cursor: Cursor;
  #isFound = false;
  readonly #member = new MemberProbe((k, subject, bytes) => this.#isKeptBy(k, subject, bytes));
  /** Of the member at hand, so far. */
  #score = 0;
  /** How many ZINTERCARD has found. */
  #count = 0;
  #told: Cursor | undefined;

  constructor(session: Session, args: Args, reply: ReplyWriter, what: Combination) {
    super(session, args, reply);
    this.#what = what;
    this.#operands = new Operands(session.database, what.firstKey, what.keyCount);
    this.#result = new SideSortedSet(session);
    this.#walk = treeOver(session.database);
    this.#cursor = this.#walk.cursor();
  }

  protected begin(): boolean {
    const { args } = this;
    const { target } = this.#what;
    this.#result.begin(target === 0 ? undefined : args.bytes(target));
    this.#count = 0;
    if (target > 0) this.watch(target, this.leafOf(target));
    return true;
  }

  protected override lookCount(): number {
    return this.#what.keyCount;
  }

  protected override lookUp(k: number): boolean {
    if (!this.#operands.open(this.args, k)) {
      this.reply.error(WRONG_TYPE_ERROR);
      return false;
    }
    this.watch(this.#what.firstKey + k, this.#operands.heads[k]!);
    return true;
  }

  protected override plan(): boolean {
    const { args, reply } = this;
    const { firstKey, form, keyCount } = this.#what;
    this.#operands.haveCounted();
    const options = combineOptions(args, firstKey + keyCount, keyCount, form, reply);
    if (options === undefined) return false;
    this.#options = options;
    this.#member.isUnderWay = false;
    this.#plan();
    if (this.#walked.length > 0) this.#turnTo(0);
    return true;
  }

  #plan(): void {
    const { count, sizes } = this.#operands;
    const all: number[] = [];
    for (let k = 0; k < count; k += 1) all.push(k);
    this.#walked = [];
    this.#probed = [];
    if (this.#what.operation === 'diff') {
      if (sizes[0] === 0) return;
      this.#walked = [0];
      this.#probed = all.slice(1);
      return;
    }
    const sorted = bySize(all, sizes);
    if (this.#what.operation === 'union') {
      this.#walked = sorted;
    } else if (sizes[sorted[0]!]! > 0) {
      this.#walked = sorted.slice(0, 1);
      this.#probed = sorted.slice(1);
    }
  }

  protected workBytes(): number {
    const members = this.#walked.reduce((before, k) => before + this.#operands.sizes[k]!, 0);
    return members * (1 + this.#probed.length) * LOOK_BYTES;
  }

  protected piece(): boolean {
    if (!this.#isFound) this.#walkSome();
    return this.#isFound && this.#finish();
  }

  override cancel(): void {
    this.#result.release();
  }

  /** Looks at some members. What was looked up in an earlier slice may have moved since. */
  #walkSome(): void {
    if (this.#at < this.#walked.length) this.#turn();
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
      this.#turnTo(this.#at + 1);
    }
    const bytes = this.#walk.copyKey(leaf, member, 0);
    const k = this.#walked[this.#at]!;
    const score = this.#operands.scoreOf(k, leaf);
    const { operation } = this.#what;
    if (operation === 'union') {
      this.#add(bytes, numberOr0(score * this.#weight(k)));
      return true;
    }
    this.#member.begin(member, bytes);
    this.#score = operation === 'inter' ? numberOr0(score * this.#weight(k)) : score;
    return this.#probeMember();
  }

  /** Stands before the first member of one of the operands to walk over, if there are so many. */
  #turnTo(at: number): void {
    this.#at = at;
    if (at === this.#walked.length) return;
    this.#turn();
    this.#cursor.seekFirst();
  }

  #turn(): void {
    this.#operands.turn(this.args, this.#walk, this.#walked[this.#at]!);
  }

  #weight(k: number): number {
    return this.#options.weights?.[k] ?? 1;
  }

  /** Adds a member to the union. */
  #add(bytes: number, score: number): void {
    const { elements } = this.#result.sub;
    const element = elements.findVisible(member, 0, bytes);
    if (element === 0) {
      this.#put(member, bytes, score);
      return;
    }
    const before = scoreOf(elements, element);
    const after = aggregated(this.#options.aggregate, before, score);
    if (after !== before) this.#put(member, bytes, after);
  }

  /** Looks the member at hand up in the operands; false as `#next`. */
  #probeMember(): boolean {
    const found = this.#member;
    if (found.goOn(this.#probed) !== 'kept') return true;
    this.#count += 1;
    if (this.#what.form.takesLimit) return this.#count !== this.#options.limit;
    this.#put(found.member, found.bytes, this.#score);
    return true;
  }

  /** Whether the member stays in the result, with what another operand makes of its score. */
  #isKeptBy(other: number, subject: Buffer, bytes: number): boolean {
    const found = this.#operands.scoreOfMember(this.args, other, subject, bytes);
    if (this.#what.operation === 'diff') return Number.isNaN(found);
    if (Number.isNaN(found)) return false;
    const weighted = found * this.#weight(other);
    this.#score = aggregated(this.#options.aggregate, this.#score, weighted);
    return true;
  }

  #put(subject: Buffer, bytes: number, score: number): void {
    writeScore(score, scoreBytes, 0);
    this.#result.put(subject, 0, bytes, scoreBytes, 0);
  }

  /** Writes some of the reply; true once it is written. */
  #finish(): boolean {
    const { args, reply } = this;
    const { form, operation, target } = this.#what;
    if (form.takesLimit) {
      reply.integer(this.#count);
      return true;
    }
    if (target === 0) return this.#tell();
    this.#result.store(args, target, `z${operation}store`, reply);
    return true;
  }

  #tell(): boolean {
    const { database, reply } = this;
    const { withScores } = this.#options;
    const nests = withScores && reply.protocol === 3;
    if (this.#told === undefined) {
      beginItems(reply, this.#result.size, withScores);
      this.#told = this.#result.sub.mirror.tree.cursor();
    }
    const write = nests ? writeNestedRanked : withScores ? writeFlatRanked : writeRanked;
    for (let i = 0; i < STEP_MEMBERS; i += 1) {
      const leaf = this.#told.next();
      if (leaf === 0) {
        this.cancel();
        return true;
      }
      write(reply, database, leaf);
    }
    return false;
  }
}
