/**
 * Marks: which keys and elements have changed, in order, until somebody says how they are now.
 *
 *   byte 0   kind   1   database (as the user numbers them)   2   key bytes (4)   6   sub key bytes (4)
 *       10   key    ..  sub key
 *
 * Numbers are little-endian. One buffer for all: a mark is 10 bytes and the keys, and no object.
 */
const HEADER_BYTES = 10;
const BYTES_FIRST = 64 * 1024;
/** A buffer that has grown beyond this is given up once it is empty. */
const BYTES_KEPT = 4 * 1024 * 1024;

/** The entry of a key, whatever it is. */
export const MARK_KEY = 1;
/** What a head says itself. */
export const MARK_HEAD = 2;
export const MARK_ELEMENT = 3;
/** A head with all its elements. */
export const MARK_ALL = 4;

export class Marks {
  /** The mark that `next` has taken: its keys are buf[from, to) and buf[to, subTo). */
  kind = 0;
  database = 0;
  buf: Buffer = Buffer.allocUnsafeSlow(BYTES_FIRST);
  from = 0;
  to = 0;
  subTo = 0;
  #end = 0;
  #read = 0;

  /** Bytes of marks that nobody has taken. */
  get bytes(): number {
    return this.#end - this.#read;
  }

  add(
    kind: number,
    database: number,
    key: Buffer,
    from: number,
    to: number,
    sub: Buffer | null = null,
    sfrom = 0,
    sto = 0,
  ): void {
    const keyBytes = to - from;
    const subBytes = sub === null ? 0 : sto - sfrom;
    const needed = HEADER_BYTES + keyBytes + subBytes;
    if (this.#end + needed > this.buf.length) this.#grow(needed);
    const { buf } = this;
    const at = this.#end;
    buf[at] = kind;
    buf[at + 1] = database;
    buf.writeUInt32LE(keyBytes, at + 2);
    buf.writeUInt32LE(subBytes, at + 6);
    key.copy(buf, at + HEADER_BYTES, from, to);
    if (sub !== null) sub.copy(buf, at + HEADER_BYTES + keyBytes, sfrom, sto);
    this.#end = at + needed;
  }

  /** Takes the next one; false if there is none. */
  next(): boolean {
    if (this.#read === this.#end) return false;
    const { buf } = this;
    const at = this.#read;
    this.kind = buf[at]!;
    this.database = buf[at + 1]!;
    this.from = at + HEADER_BYTES;
    this.to = this.from + buf.readUInt32LE(at + 2);
    this.subTo = this.to + buf.readUInt32LE(at + 6);
    this.#read = this.subTo;
    return true;
  }

  clear(): void {
    this.#end = 0;
    this.#read = 0;
    if (this.buf.length > BYTES_KEPT) this.buf = Buffer.allocUnsafeSlow(BYTES_FIRST);
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.buf.length, this.#end + needed));
    this.buf.copy(grown, 0, this.#read, this.#end);
    this.buf = grown;
    this.#end -= this.#read;
    this.#read = 0;
  }
}
