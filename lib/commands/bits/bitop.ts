/**
 * BITOP: AND, OR, XOR or NOT of whole strings into another key. The result is made a piece at a
 * time beside the store, and written in one step once it is complete.
 */
import { FLAG_RAW } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { NOTIFY_GENERIC, NOTIFY_STRING } from '../../store/notify.js';
import { isWrongType, notifyKey, readStringKey, refusesKey, removeKey } from '../lookup.js';
import { SYNTAX_ERROR } from '../replies.js';
import { PIECE_BYTES, ValueTask } from '../value-task.js';

const OPERATIONS = ['AND', 'OR', 'XOR', 'NOT'] as const;
type Operation = (typeof OPERATIONS)[number];

const FIRST_SOURCE = 3;
/** Sources that are taken into a piece of the result between two looks at the clock. */
const SOURCES_OF_PIECE = 16;

/** A piece of a source, as words and as bytes. */
const words = new Int32Array(PIECE_BYTES / 4);
const bytes = Buffer.from(words.buffer);

export function bitop(session: Session, args: Args, reply: ReplyWriter): void {
  const operation = OPERATIONS.find((name) => args.equalsIgnoreCase(1, name));
  if (operation === undefined) {
    reply.error(SYNTAX_ERROR);
  } else if (operation === 'NOT' && args.count !== FIRST_SOURCE + 1) {
    reply.error('ERR BITOP NOT must be called with a single source key.');
  } else if (!refusesKey(args, 2, reply)) {
    new BitOperation(session, args, reply, operation).run();
  }
}

class BitOperation extends ValueTask {
  readonly #operation: Operation;
  #result = Buffer.alloc(0);
  #resultWords = new Int32Array(0);
  #resultBytes = 0;
  /** By source. */
  readonly #lengths: Float64Array;
  /** Where the piece at hand begins, and the next source that goes into it. */
  #at = 0;
  #source = FIRST_SOURCE;

  constructor(session: Session, args: Args, reply: ReplyWriter, operation: Operation) {
    super(session, args, reply);
    this.#operation = operation;
    this.#lengths = new Float64Array(args.count - FIRST_SOURCE);
  }

  protected begin(): boolean {
    return true;
  }

  protected override lookCount(): number {
    return this.#lengths.length;
  }

  protected override lookUp(place: number): boolean {
    const { args, database } = this;
    const leaf = readStringKey(database, args, FIRST_SOURCE + place);
    if (isWrongType(leaf, this.reply)) return false;
    this.#lengths[place] = leaf === 0 ? 0 : database.tree.valueBytes(leaf);
    this.watch(FIRST_SOURCE + place, leaf);
    return true;
  }

  protected override plan(): boolean {
    const { args, database } = this;
    const longest = this.#lengths.reduce((before, bytes) => Math.max(before, bytes), 0);
    if (longest === 0) {
      if (removeKey(database, args, 2)) notifyKey(database, NOTIFY_GENERIC, 'del', args, 2);
      this.reply.integer(0);
      return false;
    }
    const wordCount = (longest + 3) >>> 2;
    if (this.#resultWords.length !== wordCount) {
      this.#resultWords = new Int32Array(wordCount);
      this.#result = Buffer.from(this.#resultWords.buffer);
    }
    this.#resultBytes = longest;
    this.#at = 0;
    this.#source = FIRST_SOURCE;
    return true;
  }

  protected workBytes(): number {
    return this.#resultBytes * (this.args.count - FIRST_SOURCE);
  }

  protected piece(): boolean {
    const at = this.#at;
    const end = Math.min(this.#resultBytes, at + PIECE_BYTES);
    const sources = Math.min(this.args.count - this.#source, SOURCES_OF_PIECE);
    for (let left = sources; left > 0; left -= 1) this.#take(this.#source++, at, end);
    if (this.#source < this.args.count) return false;
    this.#source = FIRST_SOURCE;
    this.#at = end;
    if (end < this.#resultBytes) return false;
    this.#write();
    return true;
  }

  /** Takes bytes [at, end) of the source in argument `i` into the result. */
  #take(i: number, at: number, end: number): void {
    const result = this.#resultWords.subarray(at >>> 2, (end + 3) >>> 2);
    if (i > FIRST_SOURCE) {
      this.#copy(i, bytes, 0, at, end);
      combine(this.#operation, result);
      return;
    }
    this.#copy(i, this.#result, at, at, end);
    if (this.#operation !== 'NOT') return;
    for (let word = 0; word < result.length; word += 1) result[word] = ~result[word]!;
  }

  /** Copies bytes [from, to) of the source in argument `i`; behind its end it is zeros. */
  #copy(i: number, target: Buffer, at: number, from: number, to: number): void {
    const leaf = this.leafOf(i);
    const end = leaf === 0 ? 0 : Math.min(to, this.database.tree.valueBytes(leaf));
    if (end <= from) {
      target.fill(0, at, at + to - from);
      return;
    }
    this.database.tree.copyValue(leaf, target, at, from, end);
    if (end < to) target.fill(0, at + end - from, at + to - from);
  }

  #write(): void {
    const { buf, starts, ends } = this.args;
    const bytes = this.#resultBytes;
    this.database.set(buf, starts[2]!, ends[2]!, this.#result, 0, bytes, 0, FLAG_RAW);
    notifyKey(this.database, NOTIFY_STRING, 'set', this.args, 2);
    this.reply.integer(bytes);
  }
}

function combine(operation: Operation, result: Int32Array): void {
  if (operation === 'AND') {
    for (let i = 0; i < result.length; i += 1) result[i]! &= words[i]!;
  } else if (operation === 'OR') {
    for (let i = 0; i < result.length; i += 1) result[i]! |= words[i]!;
  } else {
    for (let i = 0; i < result.length; i += 1) result[i]! ^= words[i]!;
  }
}
