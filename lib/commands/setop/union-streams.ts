/**
 * Unions: the operands stand in a heap, that with the first element on top, so that a step costs the
 * logarithm of how many there are.
 *
 *                 b:k1                    at k1: a and b, for the part of the heap that has the
 *               /      \                  top's element hangs together below it
 *            a:k1      c:k7
 *           /
 *        d:k3
 */
import { ElementKey } from './element-key.js';
import { OperationStream } from './streams.js';
import type { Value } from './values.js';
import { END, FOUND, type Moved, PENDING } from './walk.js';

export class UnionStream extends OperationStream {
  /** Operands that have not ended, by their index. Those below the top are at an element. */
  #heap: number[] = [];
  /** Operands that are in the heap, or have ended. */
  #started = 0;
  /** The heap's top is on its way: where it is says nothing. */
  #isTopMoving = false;
  #here: number[] = [];

  override skip(low: ElementKey | null, isIncluded: boolean): Moved {
    if (!this.#start(low, isIncluded)) return PENDING;
    const heap = this.#heap;
    while (heap.length > 0) {
      const top = this.operands[heap[0]!]!;
      if (!this.#isTopMoving && this.walk.hasReached(top.key, low, isIncluded)) {
        return this.found(top.key);
      }
      const moved = top.skip(low, isIncluded);
      this.#isTopMoving = moved === PENDING;
      if (moved === PENDING) return PENDING;
      if (moved === END) this.#removeTop();
      else this.#sink(0);
    }
    return END;
  }

  /** Brings all operands to their first element; false if the steps are used up. */
  #start(low: ElementKey | null, isIncluded: boolean): boolean {
    for (; this.#started < this.operands.length; this.#started += 1) {
      const moved = this.operands[this.#started]!.skip(low, isIncluded);
      if (moved === PENDING) return false;
      if (moved === FOUND) this.#add(this.#started);
    }
    return true;
  }

  /** Whether more than one operand is at the top's element. */
  protected isShared(): boolean {
    return this.#isAtTop(1) || this.#isAtTop(2);
  }

  #isAtTop(place: number): boolean {
    const [top, other] = [this.#heap[0]!, this.#heap[place]];
    if (other === undefined) return false;
    return this.walk.compare(this.operands[other]!.key, this.operands[top]!.key) === 0;
  }

  protected override mergeOperands(merged: Value[]): void {
    const here = this.#here;
    here.length = 0;
    this.#collect(0);
    if (here.length > 1) here.sort((a, b) => a - b);
    this.mergeAll(here, merged);
  }

  /** Notes the operands from a place of the heap down that are at the top's element. */
  #collect(place: number): void {
    if (place > 0 && !this.#isAtTop(place)) return;
    this.#here.push(this.#heap[place]!);
    this.#collect(2 * place + 1);
    this.#collect(2 * place + 2);
  }

  #comesFirst(a: number, b: number): boolean {
    return this.walk.compare(this.operands[a]!.key, this.operands[b]!.key) < 0;
  }

  #add(k: number): void {
    const heap = this.#heap;
    let place = heap.push(k) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#comesFirst(k, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = k;
  }

  #removeTop(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const k = heap[from]!;
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#comesFirst(heap[child + 1]!, heap[child]!)) child += 1;
      if (!this.#comesFirst(heap[child]!, k)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = k;
  }

  override rewind(): void {
    super.rewind();
    this.#heap = [];
    this.#started = 0;
    this.#isTopMoving = false;
  }
}

/** What exactly one operand has: god's X, which is not the exclusive or of more than two. */
export class ExclusiveStream extends UnionStream {
  /** The last element that several have. */
  readonly #shared = new ElementKey();
  /** Some operands may have left it, and others not: who asks again must not be led to it. */
  #isLeaving = false;

  override skip(low: ElementKey | null, isIncluded: boolean): Moved {
    const isBefore = low === null || this.walk.compare(low, this.#shared) <= 0;
    const goesOn = this.#isLeaving && isBefore;
    let moved = goesOn ? super.skip(this.#shared, false) : super.skip(low, isIncluded);
    while (moved === FOUND && this.isShared()) {
      this.#shared.copy(this.key);
      moved = super.skip(this.#shared, false);
      this.#isLeaving = moved === PENDING;
    }
    if (moved !== PENDING) this.#isLeaving = false;
    return moved;
  }

  override rewind(): void {
    super.rewind();
    this.#isLeaving = false;
  }
}
