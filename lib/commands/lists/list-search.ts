/**
 * Looking for elements by their value: LPOS, LINSERT, LREM. Long lists are searched in slices, and
 * again if they change meanwhile (see ValueTask); what is found is acted upon in one step.
 */
import type { Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_LIST } from '../../store/notify.js';
import { insertAt, removeElement } from '../../types/lists.js';
import { TYPE_LIST } from '../../types/types.js';
import { findCollection, readCollection } from '../collections.js';
import { type CommandRow, READONLY, WRITE } from '../command.js';
import { signedCount } from '../int64.js';
import { NOT_INTEGER, SYNTAX_ERROR } from '../replies.js';
import { ValueTask } from '../value-task.js';
import { integerFrom } from './list-arguments.js';
import { ListCut, REMOVED_AT_ONCE_MAX } from './list-cut.js';

/** Elements looked at between two looks at the clock. */
const PIECE_ELEMENTS = 1024;
/** What a look at an element counts for, in the work done at once. */
const LOOK_BYTES = 64;

const run = new Int32Array(16);

interface Search {
  /** The argument that is the element looked for. */
  readonly element: number;
  /** Whether it begins at the tail. */
  readonly backward: boolean;
  /** Elements looked at, at most. */
  readonly looksMax: number;
  /** Matches after which it ends. */
  readonly matchesMax: number;
}

abstract class ListSearch extends ValueTask {
  readonly #search: Search;
  #size = 0;
  #looks = 0;
  #looksMax = 0;
  #isOver = false;
  #hasCounted = false;
  /** Indices of what was found, in the order in which it was. */
  protected readonly found: number[] = [];

  constructor(session: Session, args: Args, reply: ReplyWriter, search: Search) {
    super(session, args, reply);
    this.#search = search;
  }

  protected abstract open(): Collection | undefined;
  protected abstract absent(): void;
  /** The search is over: acts upon `found`, a piece at a time; true once it has replied. */
  protected abstract finish(list: Collection): boolean;

  protected begin(): boolean {
    const list = this.#hasCounted ? this.#reopen() : this.open();
    this.#hasCounted = true;
    if (list === undefined) return false;
    if (!list.exists) {
      this.absent();
      return false;
    }
    this.found.length = 0;
    this.#isOver = false;
    this.#looks = 0;
    this.#size = list.size;
    this.#looksMax = Math.min(list.size, this.#search.looksMax);
    this.watch(1, list.sub.head);
    return true;
  }

  protected workBytes(): number {
    return this.#looksMax * LOOK_BYTES;
  }

  protected piece(): boolean {
    const list = this.#reopen()!;
    if (this.#isOver) return this.finish(list);
    const end = Math.min(this.#looks + PIECE_ELEMENTS, this.#looksMax);
    const isDone = this.#search.backward ? this.#backward(list, end) : this.#forward(list, end);
    if (!isDone && end < this.#looksMax) return false;
    this.#isOver = true;
    return this.finish(list);
  }

  #reopen(): Collection | undefined {
    const list = this.database.collection();
    const { buf, starts, ends } = this.args;
    if (list.openQuietly(buf, starts[1]!, ends[1]!, TYPE_LIST)) return list;
    // It has become something else since: the error that a command that came now would get.
    return findCollection(this.session, this.args, 1, TYPE_LIST, this.reply);
  }

  /** Looks at elements up to the `end`-th; true if no more are wanted. */
  #forward(list: Collection, end: number): boolean {
    const { cursor } = list;
    run[0] = cursor.stepTo(this.#looks);
    for (let count = 1; ; count = cursor.stepRun(run, end - this.#looks)) {
      for (let i = 0; i < count; i += 1) {
        if (this.#look(list, run[i]!, this.#looks)) return true;
      }
      if (this.#looks === end) return false;
    }
  }

  #backward(list: Collection, end: number): boolean {
    const { cursor } = list;
    const last = this.#size - 1;
    let leaf = cursor.stepTo(last - this.#looks);
    while (!this.#look(list, leaf, last - this.#looks)) {
      if (this.#looks === end) return false;
      leaf = cursor.stepBack();
    }
    return true;
  }

  /** True if it was the last one wanted. */
  #look(list: Collection, leaf: Leaf, index: number): boolean {
    this.#looks += 1;
    const { elements } = list;
    const { element, matchesMax } = this.#search;
    const { buf, starts, ends } = this.args;
    const from = starts[element]!;
    const to = ends[element]!;
    if (elements.valueBytes(leaf) !== to - from) return false;
    if (elements.compareValue(leaf, buf, from, to) !== 0) return false;
    this.found.push(index);
    return this.found.length >= matchesMax;
  }
}

/** LPOS key element [RANK rank] [COUNT count] [MAXLEN len] */
class PositionSearch extends ListSearch {
  /** How many matches are passed over, and how many are told: -1 = one, as no array. */
  readonly #skip: number;
  readonly #count: number;

  constructor(session: Session, args: Args, reply: ReplyWriter, options: PositionOptions) {
    const { rank, count, lengthMax } = options;
    const skip = Math.abs(rank) - 1;
    const wanted = count === 0 ? Number.POSITIVE_INFINITY : Math.abs(count);
    super(session, args, reply, {
      element: 2,
      backward: rank < 0,
      looksMax: lengthMax === 0 ? Number.POSITIVE_INFINITY : lengthMax,
      matchesMax: skip + wanted,
    });
    this.#skip = skip;
    this.#count = count;
  }

  protected open(): Collection | undefined {
    return readCollection(this.session, this.args, 1, TYPE_LIST, this.reply);
  }

  protected absent(): void {
    if (this.#count < 0) this.reply.nil();
    else this.reply.emptyArray();
  }

  protected finish(): boolean {
    const { found, reply } = this;
    if (this.#count >= 0) {
      reply.array(Math.max(0, found.length - this.#skip));
      for (let i = this.#skip; i < found.length; i += 1) reply.integer(found[i]!);
    } else if (found.length <= this.#skip) {
      reply.nil();
    } else {
      reply.integer(found[this.#skip]!);
    }
    return true;
  }
}

interface PositionOptions {
  rank: number;
  count: number;
  lengthMax: number;
}

function lpos(session: Session, args: Args, reply: ReplyWriter): void {
  const options = positionOptions(args, reply);
  if (options !== undefined) new PositionSearch(session, args, reply, options).run();
}

const RANK_IS_ZERO =
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
  'or use negative to start from the end of the list';

/** Undefined, the error replied, if they are wrong. */
function positionOptions(args: Args, reply: ReplyWriter): PositionOptions | undefined {
  const options: PositionOptions = { rank: 1, count: -1, lengthMax: 0 };
  for (let i = 3; i < args.count; i += 2) {
    if (i + 1 === args.count) {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
    let value: number;
    if (args.equalsIgnoreCase(i, 'RANK')) {
      value = rankOf(args, i + 1, reply);
      options.rank = value;
    } else if (args.equalsIgnoreCase(i, 'COUNT')) {
      value = integerFrom(args, i + 1, 0, "ERR COUNT can't be negative", reply);
      options.count = value;
    } else if (args.equalsIgnoreCase(i, 'MAXLEN')) {
      value = integerFrom(args, i + 1, 0, "ERR MAXLEN can't be negative", reply);
      options.lengthMax = value;
    } else {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
    if (Number.isNaN(value)) return undefined;
  }
  return options;
}

function rankOf(args: Args, i: number, reply: ReplyWriter): number {
  const rank = signedCount(args, i, reply);
  if (rank !== 0) return rank;
  reply.error(RANK_IS_ZERO);
  return Number.NaN;
}

/** LINSERT key BEFORE|AFTER pivot element */
class InsertSearch extends ListSearch {
  readonly #isAfter: boolean;

  constructor(session: Session, args: Args, reply: ReplyWriter, isAfter: boolean) {
    const looksMax = Number.POSITIVE_INFINITY;
    super(session, args, reply, { element: 3, backward: false, looksMax, matchesMax: 1 });
    this.#isAfter = isAfter;
  }

  protected open(): Collection | undefined {
    return findCollection(this.session, this.args, 1, TYPE_LIST, this.reply);
  }

  protected absent(): void {
    this.reply.integer(0);
  }

  protected finish(list: Collection): boolean {
    const [index] = this.found;
    if (index === undefined) {
      this.reply.integer(-1);
      return true;
    }
    const { buf, starts, ends } = this.args;
    insertAt(list, this.#isAfter ? index + 1 : index, buf, starts[4]!, ends[4]!);
    list.notify(NOTIFY_LIST, 'linsert');
    this.reply.integer(list.size);
    return true;
  }
}

function linsert(session: Session, args: Args, reply: ReplyWriter): void {
  const isAfter = args.equalsIgnoreCase(2, 'AFTER');
  if (!isAfter && !args.equalsIgnoreCase(2, 'BEFORE')) reply.error(SYNTAX_ERROR);
  else new InsertSearch(session, args, reply, isAfter).run();
}

/** LREM key count element */
class RemoveSearch extends ListSearch {
  #cut: ListCut | undefined;

  constructor(session: Session, args: Args, reply: ReplyWriter, count: number) {
    super(session, args, reply, {
      element: 3,
      backward: count < 0,
      looksMax: Number.POSITIVE_INFINITY,
      matchesMax: count === 0 ? Number.POSITIVE_INFINITY : Math.abs(count),
    });
  }

  protected open(): Collection | undefined {
    return findCollection(this.session, this.args, 1, TYPE_LIST, this.reply);
  }

  protected absent(): void {
    this.reply.integer(0);
  }

  protected override begin(): boolean {
    this.cancel();
    return super.begin();
  }

  protected finish(list: Collection): boolean {
    const { found, reply } = this;
    if (this.#cut === undefined) {
      if (found.length > 1 && found[0]! > found[1]!) found.reverse();
      if (found.length > REMOVED_AT_ONCE_MAX) this.#cut = this.#makeCut(list);
    }
    if (this.#cut === undefined) {
      // The highest index first, so that the others stay what they are.
      for (let i = found.length - 1; i >= 0; i -= 1) {
        removeElement(list, list.elements.nth(found[i]!));
      }
    } else {
      if (!this.#cut.step(list, this.args)) return false;
      this.#cut.finish(list, this.args);
    }
    if (found.length > 0) list.notify(NOTIFY_LIST, 'lrem');
    reply.integer(found.length);
    return true;
  }

  override cancel(): void {
    this.#cut?.clear();
    this.#cut = undefined;
  }

  #makeCut(list: Collection): ListCut {
    const { found } = this;
    let next = 0;
    const stays = (index: number): boolean => {
      if (found[next] !== index) return true;
      next += 1;
      return false;
    };
    return new ListCut(list, 1, { stays, tellsTaken: false });
  }
}

function lrem(session: Session, args: Args, reply: ReplyWriter): void {
  const count = args.int64(2);
  if (Number.isNaN(count)) reply.error(NOT_INTEGER);
  else new RemoveSearch(session, args, reply, count).run();
}

export const listSearchCommands: readonly CommandRow[] = [
  { name: 'lpos', arity: -3, flags: READONLY, keys: [1, 1, 1], handler: lpos },
  { name: 'linsert', arity: 5, flags: WRITE, keys: [1, 1, 1], handler: linsert },
  { name: 'lrem', arity: 4, flags: WRITE, keys: [1, 1, 1], handler: lrem },
];
