/**
 * Streams: elements in order, one at a time, of a key or of an operation over other streams.
 *
 *              U      at the first of what its operands are at
 *            /   \
 *           a     I   leaps: each operand is sought to where the farthest one is, until all agree
 *                / \
 *               b   c
 *
 * All that a stream can do is go to the first element at or behind a place. So an intersection
 * passes over what cannot be in it however deep it lies, and a stream never holds more than the
 * element it is at. Values are read, and merged, only for elements of the result.
 *
 * A move costs steps of the walk. When these are used up it answers PENDING, and is repeated: nothing
 * ever goes back, so what was done is not done again. Who repeats it may name a place that comes
 * earlier, so a stream that has passed over an element must do so again.
 *
 * A place that is not included is in bytes that no stream owns; one that is may be another stream's
 * key, for that stream is there and does not move.
 *
 * Source of the idea: god's `Skipper`; Veldhuizen 2014 calls the intersection leapfrog join.
 */
import type { SubTreeSnapshot } from '../../../radix/subtree-snapshot.js';
import { TYPE_HASH, TYPE_ZSET } from '../../types/types.js';
import { scoreOf } from '../../types/zsets.js';
import { ElementKey } from './element-key.js';
import type { Merge } from './merges.js';
import { MergeError, type Value } from './values.js';
import { END, FOUND, type Moved, PENDING, type Walk } from './walk.js';

/** What a descent costs, in steps. */
const SEEK_STEPS = 4;
/** What a member of a set counts as. */
const SET_VALUE = 1;

export interface Stream {
  /** The element it is at; valid after FOUND. */
  readonly key: ElementKey;
  /** Goes to the first element at, or if not included behind, a place; null: to the first of all. */
  skip(low: ElementKey | null, isIncluded: boolean): Moved;
  /** Merges the values of the element it is at into `merged`. */
  merge(merged: Value[], merge: Merge, weight: number): void;
  /** From the beginning again. */
  rewind(): void;
}

/** The elements of a key. */
export class KeyStream implements Stream {
  readonly key = new ElementKey();
  readonly #walk: Walk;
  readonly #type: number;
  readonly #snapshot: SubTreeSnapshot;
  #isOn = false;
  #hasEnded = false;
  /** The slice in which the snapshot's leaf was found. */
  #slice = -1;

  constructor(walk: Walk, type: number, snapshot: SubTreeSnapshot) {
    this.#walk = walk;
    this.#type = type;
    this.#snapshot = snapshot;
  }

  skip(low: ElementKey | null, isIncluded: boolean): Moved {
    const walk = this.#walk;
    if (this.#hasEnded) return END;
    if (this.#isOn && walk.hasReached(this.key, low, isIncluded)) return FOUND;
    if (walk.steps <= 0) return PENDING;
    if (this.#isOn) {
      // Mostly the next one is far enough. Of one that is itself the place, it always is.
      const isThere = low !== null && walk.compare(this.key, low) === 0;
      walk.steps -= 1;
      if (!this.#step()) return END;
      if (isThere || walk.hasReached(this.key, low, isIncluded)) return FOUND;
    }
    walk.steps -= SEEK_STEPS;
    if (low === null) this.#snapshot.seek(null, 0, true);
    else this.#snapshot.seek(low.buf, low.bytes, isIncluded);
    return this.#step() ? FOUND : END;
  }

  #step(): boolean {
    const snapshot = this.#snapshot;
    this.#isOn = snapshot.next();
    this.#hasEnded = !this.#isOn;
    this.#slice = this.#walk.slice;
    if (this.#isOn) this.key.load(snapshot.tree, snapshot.leaf);
    return this.#isOn;
  }

  merge(merged: Value[], merge: Merge, weight: number): void {
    merge.take(merged, this.#value(), weight);
  }

  #value(): Value {
    if (this.#type !== TYPE_HASH && this.#type !== TYPE_ZSET) return SET_VALUE;
    const snapshot = this.#snapshot;
    if (this.#slice !== this.#walk.slice) {
      snapshot.seek(this.key.buf, this.key.bytes, true);
      this.#step();
    }
    const { leaf, tree } = snapshot;
    if (this.#type === TYPE_ZSET) return scoreOf(tree, leaf);
    this.#walk.read(tree.valueBytes(leaf));
    return tree.value(leaf);
  }

  rewind(): void {
    this.#isOn = false;
    this.#hasEnded = false;
  }
}

/** A key that is not there. */
export class EmptyStream implements Stream {
  readonly key = new ElementKey();

  skip(): Moved {
    return END;
  }

  merge(): void {}

  rewind(): void {}
}

/** What operations have in common. */
export abstract class OperationStream implements Stream {
  protected readonly walk: Walk;
  protected readonly operands: readonly Stream[];
  readonly #merge: Merge;
  readonly #weights: readonly number[];
  #key: ElementKey;
  readonly #merged: Value[] = [];

  constructor(
    walk: Walk,
    operands: readonly Stream[],
    { merge, weights }: { merge: Merge; weights: readonly number[] },
  ) {
    this.walk = walk;
    this.operands = operands;
    this.#merge = merge;
    this.#weights = weights;
    this.#key = operands[0]!.key;
  }

  get key(): ElementKey {
    return this.#key;
  }

  abstract skip(low: ElementKey | null, isIncluded: boolean): Moved;
  /** Merges what the operands have of the element that it is at, in their order. */
  protected abstract mergeOperands(merged: Value[]): void;

  protected found(key: ElementKey): Moved {
    this.#key = key;
    return FOUND;
  }

  /** Merges what these operands have. */
  protected mergeAll(holders: readonly number[], merged: Value[]): void {
    const { picks } = this.#merge;
    if (picks === 'first') this.mergeOperand(holders[0]!, merged);
    else if (picks === 'last') this.mergeOperand(holders.at(-1)!, merged);
    else for (const k of holders) this.mergeOperand(k, merged);
  }

  protected mergeOperand(k: number, merged: Value[]): void {
    this.operands[k]!.merge(merged, this.#merge, this.#weights[k]!);
  }

  /** The values of the element that it is at; valid until it is asked again. */
  values(): readonly Value[] {
    const merged = this.#merged;
    merged.length = 0;
    try {
      this.mergeOperands(merged);
      this.walk.made(merged);
    } catch (error) {
      if (error instanceof MergeError) error.merge ||= this.#merge.name;
      throw error;
    }
    return merged;
  }

  merge(merged: Value[], merge: Merge, weight: number): void {
    for (const value of this.values()) merge.take(merged, value, weight);
  }

  rewind(): void {
    for (const operand of this.operands) operand.rewind();
  }
}

export class IntersectionStream extends OperationStream {
  readonly #all = [...this.operands.keys()];
  #hasEnded = false;

  override skip(low: ElementKey | null, isIncluded: boolean): Moved {
    const { operands, walk } = this;
    if (this.#hasEnded) return END;
    /** Where some of them are, and how many. */
    let agreed: ElementKey | null = null;
    let count = 0;
    for (let k = 0; ; k = k + 1 === operands.length ? 0 : k + 1) {
      const operand = operands[k]!;
      const moved = agreed === null ? operand.skip(low, isIncluded) : operand.skip(agreed, true);
      if (moved === END) this.#hasEnded = true;
      if (moved !== FOUND) return moved;
      if (agreed === null || walk.compare(operand.key, agreed) !== 0) {
        agreed = operand.key;
        count = 0;
      }
      count += 1;
      if (count === operands.length) return this.found(agreed);
    }
  }

  protected override mergeOperands(merged: Value[]): void {
    this.mergeAll(this.#all, merged);
  }

  override rewind(): void {
    super.rewind();
    this.#hasEnded = false;
  }
}

/** What the first operand has and no other. */
export class DifferenceStream extends OperationStream {
  /** The last element that another operand has too. */
  readonly #taken = new ElementKey();

  override skip(low: ElementKey | null, isIncluded: boolean): Moved {
    const first = this.operands[0]!;
    let moved = first.skip(low, isIncluded);
    while (moved === FOUND) {
      const taken = this.#isTaken(first.key);
      if (taken === END) return this.found(first.key);
      if (taken === PENDING) return PENDING;
      this.#taken.copy(first.key);
      moved = first.skip(this.#taken, false);
    }
    return moved;
  }

  /** FOUND: another operand has it; END: none has. */
  #isTaken(key: ElementKey): Moved {
    for (let k = 1; k < this.operands.length; k += 1) {
      const operand = this.operands[k]!;
      const moved = operand.skip(key, true);
      if (moved === PENDING) return PENDING;
      if (moved === FOUND && this.walk.compare(operand.key, key) === 0) return FOUND;
    }
    return END;
  }

  protected override mergeOperands(merged: Value[]): void {
    this.mergeOperand(0, merged);
  }
}
