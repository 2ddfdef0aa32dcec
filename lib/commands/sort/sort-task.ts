/**
 * SORT and SORT_RO, in slices:
 *
 *   elements -> what they are sorted by -> order -> elements, or what GET leads to -> reply or list
 *   sort-source  sort-order                          sort-output
 *
 * All of it is one moment. The elements come from a snapshot; if a key that BY or GET could read
 * changes before the end, the command begins again, as a ValueTask does.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { KeyReader } from '../../store/watches.js';
import { OUTGREW_FIRST } from '../../types/encodings.js';
import { TYPE_LIST, TYPE_SET, TYPE_ZSET, typeOf } from '../../types/types.js';
import type { ElementRange } from '../element-range.js';
import { peekKey, readKey } from '../lookup.js';
import { WRONG_TYPE_ERROR } from '../replies.js';
import { PIECE_BYTES, ValueTask } from '../value-task.js';
import type { FoundValue, KeyPattern } from './key-pattern.js';
import type { SortOptions } from './sort-options.js';
import { SortOrder } from './sort-order.js';
import { type SortOutput, SortReply, SortStore } from './sort-output.js';
import { SortSource } from './sort-source.js';

const NO_NUMBER = "ERR One or more scores can't be converted into double";
/** What copying and placing an element, and what looking a value up, count for in work. */
const ELEMENT_BYTES = 256;
const LOOK_BYTES = 1024;

export class SortTask extends ValueTask {
  readonly #asked: SortOptions;
  /** As they hold for the type that was found. */
  #options: SortOptions;
  /** Keys that are read on the way. */
  readonly #patterns: readonly KeyPattern[];
  #hasCounted = false;
  #isAgain = false;
  #source!: SortSource;
  #order: SortOrder | undefined;
  /** Places in the order, of what is told. */
  #first = 0;
  #end = 0;
  #at = 0;
  #output: SortOutput | undefined;
  #reader: KeyReader | undefined;
  readonly #found: FoundValue;

  constructor(session: Session, args: Args, reply: ReplyWriter, options: SortOptions) {
    super(session, args, reply);
    this.#asked = options;
    this.#options = options;
    const { by, gets, isUnsorted } = options;
    const read = by === undefined || isUnsorted ? gets : [by, ...gets];
    this.#patterns = read.filter((pattern) => pattern.hasPlace);
    this.#found = { tree: this.database.tree, leaf: 0 };
  }

  protected begin(): boolean {
    this.cancel();
    this.#isAgain = this.#hasCounted;
    this.#hasCounted = true;
    const { args, database, reply } = this;
    const head = this.#isAgain ? peekKey(database, args, 1) : readKey(database, args, 1);
    const type = head === 0 ? TYPE_LIST : typeOf(database.tree, head);
    if (type !== TYPE_LIST && type !== TYPE_SET && type !== TYPE_ZSET) {
      reply.error(WRONG_TYPE_ERROR);
      return false;
    }
    this.#options = this.#optionsFor(type);
    const collection = database.collection();
    if (head === 0) collection.openNone(type);
    else collection.openHead(head);
    // As in Redis, which needs the other encoding to walk over it.
    if (type === TYPE_ZSET) collection.addHints(OUTGREW_FIRST);
    const range = this.#plan(type, collection.size);
    this.#source = new SortSource(collection, args.bytes(1), type, range);
    const { target } = this.#options;
    if (target > 0) this.watch(target, this.leafOf(target));
    if (this.#patterns.length > 0) this.#watchPatterns();
    return true;
  }

  /** A set without an order is sorted all the same where the result must not be by chance. */
  #optionsFor(type: number): SortOptions {
    const asked = this.#asked;
    const isFixed = asked.target > 0 || this.session.isOfScripts;
    if (type !== TYPE_SET || !asked.isUnsorted || !isFixed) return asked;
    return { ...asked, by: undefined, isUnsorted: false, isAlpha: true };
  }

  /** Which elements are read; and which of them are told. */
  #plan(type: number, size: number): ElementRange {
    const { isDescending, isUnsorted } = this.#options;
    const first = Math.min(Math.max(this.#options.offset, 0), size);
    const asked = this.#options.count;
    const end = asked < 0 ? size : Math.min(first + asked, size);
    this.#at = 0;
    if (isUnsorted && type !== TYPE_SET) {
      this.#first = 0;
      this.#end = end - first;
      const index = isDescending ? size - 1 - first : first;
      const byValue = type === TYPE_ZSET;
      return { index, count: end - first, reverse: isDescending, byValue };
    }
    this.#first = first;
    this.#end = end;
    return { index: 0, count: size, reverse: false, byValue: false };
  }

  #watchPatterns(): void {
    const reads = (key: string): boolean => this.#patterns.some((each) => each.matches(key));
    this.#reader = { database: this.database.index, reads, hasChanged: false };
    this.database.store.watches.addReader(this.#reader);
  }

  protected override hasChanged(): boolean {
    return this.#reader?.hasChanged === true || super.hasChanged();
  }

  protected workBytes(): number {
    const { by, gets } = this.#options;
    const size = this.#source.size;
    const looks = by === undefined ? 0 : size;
    const gotten = gets.length * (this.#end - this.#first);
    return this.#source.bytes + size * ELEMENT_BYTES + (looks + gotten) * LOOK_BYTES;
  }

  protected piece(): boolean {
    if (!this.#source.step()) return false;
    this.#order ??= this.#beginOrder();
    if (!this.#order.step(this.#isAgain)) return false;
    if (this.#order.isWrong) {
      this.reply.error(NO_NUMBER);
      this.cancel();
      return true;
    }
    return this.#tell(this.#order);
  }

  #beginOrder(): SortOrder {
    const places = [this.#first, this.#end - 1] as const;
    return new SortOrder(this.database, this.#source.records, this.#options, places);
  }

  /** Tells some of the elements; true once the reply is written. */
  #tell(order: SortOrder): boolean {
    const { session } = this;
    const { target } = this.#options;
    this.#output ??= target > 0 ? new SortStore(session, target) : new SortReply(session);
    const output = this.#output;
    output.turn(this.args);
    const count = this.#end - this.#first;
    const enough = output.bytes + PIECE_BYTES;
    for (let work = 0; this.#at < count && work < PIECE_BYTES && output.bytes < enough; ) {
      this.#add(output, order.at(this.#first + this.#at));
      this.#at += 1;
      work += ELEMENT_BYTES + this.#options.gets.length * LOOK_BYTES;
    }
    if (this.#at < count) return false;
    // Once the reply has begun nothing can change it.
    this.unwatch();
    this.#unwatchPatterns();
    if (!output.finish(this.args)) return false;
    this.cancel();
    return true;
  }

  /** Adds an element, or what GET asks for. */
  #add(output: SortOutput, i: number): void {
    const { records } = this.#source;
    const { gets } = this.#options;
    const [buf, from, to] = [records.chunk(i), records.start(i), records.end(i)];
    if (gets.length === 0) output.add(buf, from, to);
    for (const pattern of gets) {
      const found = this.#found;
      if (pattern.isElement) output.add(buf, from, to);
      else if (pattern.find(this.database, buf, from, to, this.#isAgain, found)) {
        output.addFound(found);
      } else output.addNothing();
    }
  }

  #unwatchPatterns(): void {
    if (this.#reader !== undefined) this.database.store.watches.removeReader(this.#reader);
    this.#reader = undefined;
  }

  override cancel(): void {
    this.#unwatchPatterns();
    this.#source?.close();
    this.#order = undefined;
    this.#output?.release();
    this.#output = undefined;
  }
}
