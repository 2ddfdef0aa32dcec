/**
 * Many short texts, each known by its index, in a few large buffers: what SORT holds while it works.
 *
 *   chunks   |abc|de||fghi|...   |jklm|...        of bytes, one behind the other
 *   index      0   1  2  3         4              where each lies; one may be absent
 *
 * A Buffer per text would cost some 500 bytes, and the garbage collector a walk over all of them.
 */
const CHUNK_BYTES_FIRST = 4 * 1024;
const CHUNK_BYTES_MAX = 1024 * 1024;
const ABSENT = -1;

export class ByteRecords {
  /** How many there are. */
  count = 0;
  /** Bytes of the longest one. */
  longestBytes = 0;
  /** Where the bytes of the record that `reserve` made go. */
  buf: Buffer = Buffer.alloc(0);
  at = 0;
  readonly #chunks: Buffer[] = [];
  readonly #chunkOf: Int32Array;
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  #end = 0;

  /** `capacity`: how many there will be, at most. */
  constructor(capacity: number) {
    this.#chunkOf = new Int32Array(capacity);
    this.#starts = new Int32Array(capacity);
    this.#ends = new Int32Array(capacity);
  }

  /** Makes a record; its bytes are to be written to buf[at, at + bytes). */
  reserve(bytes: number): void {
    if (this.#chunks.length === 0 || this.#end + bytes > this.buf.length) this.#addChunk(bytes);
    const index = this.count;
    if (bytes > this.longestBytes) this.longestBytes = bytes;
    this.at = this.#end;
    this.#end += bytes;
    this.#chunkOf[index] = this.#chunks.length - 1;
    this.#starts[index] = this.at;
    this.#ends[index] = this.#end;
    this.count += 1;
  }

  addAbsent(): void {
    this.#chunkOf[this.count] = ABSENT;
    this.count += 1;
  }

  isAbsent(index: number): boolean {
    return this.#chunkOf[index] === ABSENT;
  }

  chunk(index: number): Buffer {
    return this.#chunks[this.#chunkOf[index]!]!;
  }

  start(index: number): number {
    return this.#starts[index]!;
  }

  end(index: number): number {
    return this.#ends[index]!;
  }

  /** As memcmp, the shorter one of two that begin alike first. */
  compare(a: number, b: number): number {
    const [x, y] = [this.chunk(a), this.chunk(b)];
    return x.compare(y, this.start(b), this.end(b), this.start(a), this.end(a));
  }

  /** As strcmp: what stands behind a NUL does not count. */
  compareText(a: number, b: number): number {
    const [x, y] = [this.chunk(a), this.chunk(b)];
    const [from, to] = [this.start(a), this.end(a)];
    const shift = this.start(b) - from;
    const end = Math.min(to, this.end(b) - shift);
    for (let at = from; at < end; at += 1) {
      const byte = x[at]!;
      const other = y[at + shift]!;
      if (byte !== other) return byte - other;
      if (byte === 0) return 0;
    }
    const left = end < to ? x[end]! : 0;
    const right = end + shift < this.end(b) ? y[end + shift]! : 0;
    return left - right;
  }

  #addChunk(bytes: number): void {
    const wanted = Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_FIRST, this.buf.length * 2));
    this.buf = Buffer.allocUnsafeSlow(Math.max(wanted, bytes));
    this.#chunks.push(this.buf);
    this.#end = 0;
  }
}
