/**
 * LZF, the compression inside Redis's dumps (the format of Marc Lehmann's liblzf):
 *
 *   000LLLLL  bytes...            a run of L + 1 bytes as they are
 *   LLLooooo oooooooo             L + 2 bytes (0 < L < 7) that also stand o + 1 bytes before
 *   111ooooo LLLLLLLL oooooooo    L + 9 bytes that also stand o + 1 bytes before
 *
 * The compressor chooses its matches as the one in Redis does (three bytes hashed into 2^16 places,
 * the last place wins, of a match only the last two places are remembered), so that DUMP answers
 * with the same bytes. Both directions work in steps: half a gigabyte takes seconds.
 */

const HASH_BITS = 16;
const HASH_MASK = (1 << HASH_BITS) - 1;
const LITERALS_MAX = 32;
const OFFSET_MAX = 1 << 13;
/** The longest match, bytes beyond the first two. */
const MATCH_MAX = (1 << 8) + (1 << 3);
/** No three bytes of input give more output than this. */
const EXPANSION_MAX = 264;

/** Inputs up to here are compressed in one step, with the shared table. */
const SHARED_BYTES_MAX = 64 * 1024;
const BASE_MAX = 0x7fff_ffff - SHARED_BYTES_MAX;

/**
 * Where three bytes with this hash were last seen, plus a base that grows with every input: what
 * earlier inputs left lies below it, so that nothing need be cleared.
 */
const sharedTable = new Int32Array(1 << HASH_BITS);
let nextBase = 0;

function hashOf(three: number): number {
  return ((three >>> (24 - HASH_BITS)) - three * 5) & HASH_MASK;
}

export class LzfCompressor {
  readonly #input: Buffer;
  readonly #output: Buffer;
  readonly #outputMax: number;
  readonly #table: Int32Array;
  readonly #base: number;
  #at = 0;
  /** Where the next byte of output goes; the byte before a run of literals holds its length. */
  #written = 1;
  #literals = 0;
  /** Bytes of output once finished; 0 = it does not fit into `outputMax`. */
  outputBytes = 0;

  /** Compresses `input` into `output`, which must have room for `outputMax` + 4 bytes. */
  constructor(input: Buffer, output: Buffer, outputMax: number) {
    this.#input = input;
    this.#output = output;
    this.#outputMax = outputMax;
    const isLong = input.length > SHARED_BYTES_MAX;
    this.#table = isLong ? new Int32Array(1 << HASH_BITS) : sharedTable;
    this.#base = isLong ? 0 : takeBase(input.length);
  }

  /** Compresses about `bytes` bytes more; true when finished. */
  step(bytes: number): boolean {
    const inputBytes = this.#input.length;
    if (inputBytes === 0 || this.#outputMax <= 0) return true;
    const last = inputBytes - 2;
    const isShared = this.#table === sharedTable;
    const end = isShared ? last : Math.min(last, this.#at + bytes);
    if (!this.#compressTo(end)) return true;
    if (this.#at < last) return false;
    if (this.#written + 3 <= this.#outputMax) this.#finish();
    return true;
  }

  /** False if there is no more room. */
  #compressTo(end: number): boolean {
    const input = this.#input;
    const output = this.#output;
    const table = this.#table;
    const base = this.#base;
    const outputMax = this.#outputMax;
    let at = this.#at;
    let written = this.#written;
    let literals = this.#literals;
    while (at < end) {
      const three = (input[at]! << 16) | (input[at + 1]! << 8) | input[at + 2]!;
      const hash = hashOf(three);
      const from = table[hash]! - base;
      table[hash] = base + at;
      const offset = at - from - 1;
      if (from > 0 && offset < OFFSET_MAX && sameThree(input, from, at)) {
        // The first test is quick and strict, the second exact.
        if (written + 4 >= outputMax && written - (literals === 0 ? 1 : 0) + 4 >= outputMax) {
          return false;
        }
        if (literals === 0) written -= 1;
        else output[written - literals - 1] = literals - 1;
        const length = matchLength(input, from, at);
        written = writeMatch(output, written, length - 2, offset);
        literals = 0;
        written += 1;
        at += length;
        if (at >= input.length - 2) break;
        rememberTwo(input, table, base, at - 2);
      } else {
        if (written >= outputMax) return false;
        output[written] = input[at]!;
        written += 1;
        at += 1;
        literals += 1;
        if (literals === LITERALS_MAX) {
          output[written - literals - 1] = literals - 1;
          literals = 0;
          written += 1;
        }
      }
    }
    this.#at = at;
    this.#written = written;
    this.#literals = literals;
    return true;
  }

  /** The last bytes, which are too few to match anything. */
  #finish(): void {
    const output = this.#output;
    let written = this.#written;
    let literals = this.#literals;
    for (let at = this.#at; at < this.#input.length; at += 1) {
      output[written] = this.#input[at]!;
      written += 1;
      literals += 1;
      if (literals === LITERALS_MAX) {
        output[written - literals - 1] = literals - 1;
        literals = 0;
        written += 1;
      }
    }
    if (literals === 0) written -= 1;
    else output[written - literals - 1] = literals - 1;
    this.outputBytes = written;
  }
}

function takeBase(bytes: number): number {
  if (nextBase > BASE_MAX) {
    sharedTable.fill(0);
    nextBase = 0;
  }
  const base = nextBase;
  nextBase += bytes;
  return base;
}

function sameThree(input: Buffer, a: number, b: number): boolean {
  return input[a] === input[b] && input[a + 1] === input[b + 1] && input[a + 2] === input[b + 2];
}

/** Bytes that input[at, ...) has in common with input[from, ...), at least 3. */
function matchLength(input: Buffer, from: number, at: number): number {
  const left = Math.min(input.length - at - 2, MATCH_MAX);
  // The last two bytes of the input take part in a match only if it may be this long.
  const most = left > 16 ? Math.max(left, 19) : left;
  let length = 3;
  while (length < most && input[from + length] === input[at + length]) length += 1;
  return length;
}

function writeMatch(output: Buffer, at: number, length: number, offset: number): number {
  let write = at;
  if (length < 7) {
    output[write] = (offset >> 8) + (length << 5);
  } else {
    output[write] = (offset >> 8) + (7 << 5);
    write += 1;
    output[write] = length - 7;
  }
  output[write + 1] = offset;
  return write + 2;
}

function rememberTwo(input: Buffer, table: Int32Array, base: number, at: number): void {
  const four = (input[at]! << 24) | (input[at + 1]! << 16) | (input[at + 2]! << 8) | input[at + 3]!;
  table[hashOf(four >>> 8)] = base + at;
  table[hashOf(four & 0xffffff)] = base + at + 1;
}

/** Whether so few bytes can be a compression of so many: lies are found before memory is taken. */
export function canExpand(compressedBytes: number, bytes: number): boolean {
  return bytes <= compressedBytes * EXPANSION_MAX;
}

export class LzfDecompressor {
  readonly #input: Buffer;
  readonly #end: number;
  readonly #output: Buffer;
  #at: number;
  #written = 0;
  /** Set once finished: the input was well formed and filled the output exactly. */
  ok = false;

  /** Decompresses input[from, to) into the whole of `output`. */
  constructor(input: Buffer, from: number, to: number, output: Buffer) {
    this.#input = input;
    this.#at = from;
    this.#end = to;
    this.#output = output;
  }

  /** Produces about `bytes` bytes more; true when finished. */
  step(bytes: number): boolean {
    const stop = this.#written + bytes;
    while (this.#at < this.#end) {
      if (this.#written >= stop) return false;
      const control = this.#input[this.#at]!;
      this.#at += 1;
      const good = control < 32 ? this.#literals(control + 1) : this.#match(control);
      if (!good) return true;
    }
    this.ok = this.#written === this.#output.length;
    return true;
  }

  #literals(bytes: number): boolean {
    const input = this.#input;
    const output = this.#output;
    if (this.#at + bytes > this.#end || this.#written + bytes > output.length) return false;
    for (let i = 0; i < bytes; i += 1) output[this.#written + i] = input[this.#at + i]!;
    this.#at += bytes;
    this.#written += bytes;
    return true;
  }

  #match(control: number): boolean {
    const input = this.#input;
    const output = this.#output;
    let length = control >> 5;
    if (length === 7) {
      if (this.#at >= this.#end) return false;
      length += input[this.#at]!;
      this.#at += 1;
    }
    if (this.#at >= this.#end) return false;
    const offset = (((control & 31) << 8) | input[this.#at]!) + 1;
    this.#at += 1;
    length += 2;
    const from = this.#written - offset;
    if (from < 0 || this.#written + length > output.length) return false;
    // Byte by byte: a match may run into what it writes.
    for (let i = 0; i < length; i += 1) output[this.#written + i] = output[from + i]!;
    this.#written += length;
    return true;
  }
}
