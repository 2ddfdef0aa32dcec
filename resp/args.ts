/**
 * Arguments of one request as offsets into one buffer.
 *
 * Why offsets and not a Buffer per argument: a small Buffer costs 430-570 bytes and its share of
 * garbage collection; an offset pair costs eight bytes once. One object is reused for ever, so
 * everything read from it is valid only while the command runs; `clone` makes a copy that lasts.
 * Invariant: 0 <= starts[i] <= ends[i] <= buf.length for i < count.
 */
import { latin1, utf8 } from './bytes.js';
import { equalsIgnoreCase, nameHash } from './names.js';
import { parseBigInt64, parseFloat64, parseInt64 } from './numbers.js';

const EMPTY = Buffer.alloc(0);

export class Args {
  buf: Buffer = EMPTY;
  starts: Int32Array = new Int32Array(16);
  ends: Int32Array = new Int32Array(16);
  count = 0;

  /** Arguments made by hand, for tests and tools. Strings are taken as UTF-8. */
  static of(...values: (string | Uint8Array)[]): Args {
    const parts = values.map((value) => Buffer.from(value as string));
    const args = new Args();
    args.buf = Buffer.concat(parts);
    args.reserve(parts.length);
    args.count = parts.length;
    let at = 0;
    for (const [index, part] of parts.entries()) {
      args.starts[index] = at;
      at += part.length;
      args.ends[index] = at;
    }
    return args;
  }

  /** Makes room for `count` arguments; what is there stays. */
  reserve(count: number): void {
    if (count <= this.starts.length) return;
    let capacity = this.starts.length;
    while (capacity < count) capacity *= 2;
    const starts = new Int32Array(capacity);
    const ends = new Int32Array(capacity);
    starts.set(this.starts);
    ends.set(this.ends);
    this.starts = starts;
    this.ends = ends;
  }

  length(i: number): number {
    return this.ends[i]! - this.starts[i]!;
  }

  byte(i: number, at: number): number {
    return this.buf[this.starts[i]! + at]!;
  }

  /** The bytes as a latin1 text: one character per byte, binary safe. */
  string(i: number): string {
    return latin1(this.buf, this.starts[i]!, this.ends[i]!);
  }

  utf8(i: number): string {
    return utf8(this.buf, this.starts[i]!, this.ends[i]!);
  }

  /** A copy of the bytes. */
  bytes(i: number): Buffer {
    const from = this.starts[i]!;
    const copy = Buffer.allocUnsafe(this.ends[i]! - from);
    this.buf.copy(copy, 0, from, this.ends[i]);
    return copy;
  }

  /** Compares with an upper-case ASCII text, without allocating. */
  equalsIgnoreCase(i: number, upper: string): boolean {
    return equalsIgnoreCase(this.buf, this.starts[i]!, this.ends[i]!, upper);
  }

  /** NaN unless an int64 as Redis's `string2ll` reads it; beyond 2^53 the nearest double. */
  int64(i: number): number {
    return parseInt64(this.buf, this.starts[i]!, this.ends[i]!);
  }

  /** The exact value, undefined unless an int64. For the cold path beyond 2^53. */
  bigInt64(i: number): bigint | undefined {
    return parseBigInt64(this.buf, this.starts[i]!, this.ends[i]!);
  }

  /** NaN unless a number as Redis's `string2d` reads it (never NaN itself there). */
  float(i: number): number {
    return parseFloat64(this.buf, this.starts[i]!, this.ends[i]!);
  }

  /** A copy, of the arguments [first, end), that owns its bytes, and no more than them. */
  clone(first = 0, end = this.count): Args {
    return this.#copy(first, end, Buffer.allocUnsafeSlow);
  }

  /** `clone` with what stands between the arguments, if they stand one behind the other: of very many in a fraction of the time. */
  cloneWhole(): Args {
    const { count, ends, starts } = this;
    for (let i = 1; i < count; i++) if (starts[i]! < ends[i - 1]!) return this.clone();
    const from = starts[0]!;
    const copy = new Args();
    copy.count = count;
    copy.starts = starts.slice(0, count);
    copy.ends = ends.slice(0, count);
    for (let i = 0; i < count; i++) {
      copy.starts[i]! -= from;
      copy.ends[i]! -= from;
    }
    const bytes = ends[count - 1]! - from;
    copy.buf = Buffer.allocUnsafeSlow(bytes);
    this.buf.copy(copy.buf, 0, from, from + bytes);
    return copy;
  }

  /** A copy for a moment: cheaper, and may keep a whole slab of Node's alive. */
  cloneBriefly(): Args {
    return this.#copy(0, this.count, Buffer.allocUnsafe);
  }

  #copy(first: number, end: number, allocate: (bytes: number) => Buffer): Args {
    const copy = new Args();
    copy.count = end - first;
    copy.starts = new Int32Array(copy.count);
    copy.ends = new Int32Array(copy.count);
    let bytes = 0;
    for (let i = first; i < end; i++) bytes += this.length(i);
    copy.buf = allocate(bytes);
    let at = 0;
    for (let i = 0; i < copy.count; i++) {
      copy.starts[i] = at;
      at += this.buf.copy(copy.buf, at, this.starts[first + i], this.ends[first + i]);
      copy.ends[i] = at;
    }
    return copy;
  }

  /** Becomes the arguments of `other` from `first` on; the bytes are shared. */
  borrow(other: Args, first: number): void {
    const count = other.count - first;
    this.reserve(count);
    this.buf = other.buf;
    this.count = count;
    for (let i = 0; i < count; i++) {
      this.starts[i] = other.starts[first + i]!;
      this.ends[i] = other.ends[first + i]!;
    }
  }

  /** Hash of an argument for lookup whatever its case; see `NameTable`. */
  hash(i: number): number {
    return nameHash(this.buf, this.starts[i]!, this.ends[i]!);
  }
}
