/** The elements of an expression that a command asked for: between two bounds, so many of them. */
import type { Args } from '../../../resp/args.js';
import { ElementKey } from './element-key.js';
import type { SetopOptions } from './setop-options.js';
import type { OperationStream } from './streams.js';
import { END, FOUND, type Moved, type Walk } from './walk.js';

const OPEN_PAREN = 0x28;
const MINUS = 0x2d;
const PLUS = 0x2b;

/** An end of an interval. */
interface Bound {
  /** null: all elements are on this side of it, or with `isBehindAll` none. */
  readonly key: ElementKey | null;
  readonly isIncluded: boolean;
  readonly isBehindAll: boolean;
}

const NO_BOUND: Bound = { key: null, isIncluded: true, isBehindAll: false };
const NOTHING: Bound = { key: null, isIncluded: true, isBehindAll: true };

export class Selection {
  readonly root: OperationStream;
  readonly #walk: Walk;
  readonly #end: Bound;
  /** Where to go on. */
  #low: ElementKey | null;
  #isLowIncluded: boolean;
  readonly #last = new ElementKey();
  #offset: number;
  /** How many are wanted still; negative: all. */
  #left: number;

  constructor(walk: Walk, root: OperationStream, args: Args, options: SetopOptions) {
    const min = boundOf(args, options.min, PLUS);
    const max = boundOf(args, options.max, MINUS);
    const [begin, end] = options.reverse ? [max, min] : [min, max];
    this.root = root;
    this.#walk = walk;
    this.#end = end;
    this.#low = begin.key;
    this.#isLowIncluded = begin.isIncluded;
    this.#offset = options.offset;
    const hasNone = options.offset < 0 || begin.isBehindAll || end.isBehindAll;
    this.#left = hasNone ? 0 : options.count;
  }

  /** Goes to the next element, which `root` is at then. */
  next(): Moved {
    for (;;) {
      if (this.#left === 0) return END;
      const moved = this.root.skip(this.#low, this.#isLowIncluded);
      if (moved !== FOUND) return moved;
      if (this.#isBehindEnd(this.root.key)) return END;
      this.#last.copy(this.root.key);
      this.#low = this.#last;
      this.#isLowIncluded = false;
      if (this.#offset === 0) break;
      this.#offset -= 1;
    }
    this.#left -= 1;
    this.#walk.beginElement();
    return FOUND;
  }

  /** A copy of the last element. */
  lastKey(): ElementKey {
    const copy = new ElementKey();
    copy.copy(this.#last);
    return copy;
  }

  /** Goes back: `next` leads to what follows this element, and so many are wanted. */
  returnTo(key: ElementKey, count: number): void {
    this.root.rewind();
    this.#low = key;
    this.#isLowIncluded = false;
    this.#left = count;
  }

  #isBehindEnd(key: ElementKey): boolean {
    const { isIncluded, key: end } = this.#end;
    if (end === null) return false;
    const order = this.#walk.compare(key, end);
    return isIncluded ? order > 0 : order >= 0;
  }
}

/** The bound in argument `i`; 0: none. `far`: the sign of the end that leaves nothing. */
function boundOf(args: Args, i: number, far: number): Bound {
  if (i === 0) return NO_BOUND;
  const sign = args.byte(i, 0);
  if (args.length(i) === 1 && (sign === MINUS || sign === PLUS)) {
    return sign === far ? NOTHING : NO_BOUND;
  }
  const key = ElementKey.of(args.bytes(i).subarray(1));
  return { key, isIncluded: sign !== OPEN_PAREN, isBehindAll: false };
}
