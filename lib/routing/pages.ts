/**
 * Answers of the whole ring in portions: each owner is asked for so many keys at a time, and goes on
 * behind the last one it told, so that no answer of a member is longer than members send.
 *
 *   A  [first 8192] ..... [next 8192] ... [the rest]
 *   B  [first 8192] ..... [the rest]                     all owners at the same time
 *
 * A portion that is too long all the same, since keys or values are long, is asked for again with an
 * eighth of the keys. The whole is kept until its end, for an array begins with how many elements it has.
 */
import type { Part } from './parts.js';
import { bulkOf, elementsOf, errorReply, headOf, isError } from './raw-reply.js';
import { type Bounds, excluded, type Segment } from './segments.js';

/** Keys of a portion, at first. */
export const PORTION_KEYS = 8192;
/** Fewer, where the values come too. */
const PORTION_ENTRIES = 1024;
const SMALLER_SHIFT = 3;
/** Bytes of the whole answer. */
const WHOLE_BYTES_MAX = 512 * 1024 * 1024;
const TOO_LONG = errorReply(
  `ERR the reply has more than ${WHOLE_BYTES_MAX} bytes: ask for less, with LIMIT or SCAN`,
);

export type Pages = Generator<readonly Part[], Buffer, Buffer[]>;

/** Bytes of portions, joined in the end. */
class Gathered {
  bytes = 0;
  error: Buffer | undefined;
}

/** What is asked of one owner. */
abstract class Walk {
  readonly bodies: Buffer[] = [];
  count = 0;
  isOver = false;
  protected bounds: Bounds;
  protected portion: number;
  readonly #owner: number;
  readonly #all: Gathered;

  constructor({ bounds, owner }: Segment, portion: number, all: Gathered) {
    this.bounds = bounds;
    this.portion = portion;
    this.#owner = owner;
    this.#all = all;
  }

  get part(): Part {
    const { bounds } = this;
    const tolerates = (): boolean => this.portion > 1;
    return { owner: this.#owner, bounds, words: this.words(), tolerates };
  }

  answered(reply: Buffer): void {
    // Too long, or something else that fewer keys do not change, and that is told in the end.
    if (isError(reply)) this.portion = Math.max(1, this.portion >> SMALLER_SHIFT);
    else this.take(reply);
  }

  protected abstract words(): (string | Buffer)[];
  protected abstract take(reply: Buffer): void;

  protected keep(array: Buffer): number {
    const { bodyAt, count } = headOf(array);
    if (count > 0) this.bodies.push(array.subarray(bodyAt));
    this.count += count;
    this.#all.bytes += array.length;
    if (this.#all.bytes > WHOLE_BYTES_MAX) this.#all.error = TOO_LONG;
    return count;
  }
}

export interface RangeOptions {
  readonly isReverse: boolean;
  readonly withValues: boolean;
  readonly protocol: 2 | 3;
}

/** Up to `count` entries of a segment behind the first `offset`. */
export interface Wanted {
  readonly segment: Segment;
  readonly offset: number;
  readonly count: number;
}

class RangeWalk extends Walk {
  readonly #options: RangeOptions;
  #offset: number;
  #left: number;
  #asked = 0;

  constructor({ count, offset, segment }: Wanted, options: RangeOptions, all: Gathered) {
    super(segment, options.withValues ? PORTION_ENTRIES : PORTION_KEYS, all);
    this.#options = options;
    this.#offset = offset;
    this.#left = count;
  }

  protected override words(): (string | Buffer)[] {
    const { isReverse, withValues } = this.#options;
    this.#asked = Math.min(this.portion, this.#left);
    const words = ['KRANGE', ...this.bounds, 'LIMIT', String(this.#offset), String(this.#asked)];
    if (isReverse) words.push('REV');
    if (withValues) words.push('WITHVALUES');
    return words;
  }

  protected override take(reply: Buffer): void {
    const { isReverse, protocol, withValues } = this.#options;
    const isFlat = withValues && protocol === 2;
    const entries = this.keep(reply) / (isFlat ? 2 : 1);
    this.#left -= entries;
    this.#offset = 0;
    this.isOver = entries < this.#asked || this.#left === 0;
    if (this.isOver) return;
    const elements = elementsOf(reply);
    const last = elements.at(isFlat ? -2 : -1)!;
    const key = excluded(bulkOf(withValues && !isFlat ? elementsOf(last)[0]! : last));
    const [low, high] = this.bounds;
    this.bounds = isReverse ? [low, key] : [key, high];
  }
}

class MatchWalk extends Walk {
  readonly #pattern: Buffer;

  constructor(segment: Segment, pattern: Buffer, all: Gathered) {
    super(segment, PORTION_KEYS, all);
    this.#pattern = pattern;
  }

  protected override words(): (string | Buffer)[] {
    return ['SCAN', '0', 'MATCH', this.#pattern, 'COUNT', String(this.portion)];
  }

  protected override take(reply: Buffer): void {
    const [next, keys] = elementsOf(reply) as [Buffer, Buffer];
    this.keep(keys);
    const [behind] = elementsOf(next);
    if (behind === undefined) this.isOver = true;
    else this.bounds = [excluded(bulkOf(behind)), this.bounds[1]];
  }
}

export function rangePages(wanted: readonly Wanted[], options: RangeOptions): Pages {
  const all = new Gathered();
  return pages(
    wanted.map((each) => new RangeWalk(each, options, all)),
    all,
  );
}

/** All keys of the segments that match a pattern, as KEYS tells them. */
export function matchPages(segments: readonly Segment[], pattern: Buffer): Pages {
  const all = new Gathered();
  return pages(
    segments.map((each) => new MatchWalk(each, pattern, all)),
    all,
  );
}

function* pages(walks: readonly Walk[], all: Gathered): Pages {
  for (;;) {
    const open = walks.filter(({ isOver }) => !isOver);
    if (open.length === 0) break;
    const replies = yield open.map(({ part }) => part);
    for (const [at, walk] of open.entries()) walk.answered(replies[at]!);
    if (all.error !== undefined) return all.error;
  }
  const count = walks.reduce((sum, walk) => sum + walk.count, 0);
  return Buffer.concat([Buffer.from(`*${count}\r\n`), ...walks.flatMap(({ bodies }) => bodies)]);
}
