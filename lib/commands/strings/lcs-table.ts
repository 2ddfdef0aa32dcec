/**
 * The table of a longest common subsequence.
 *
 *   cell (i, j) = length of the LCS of a[0, i) and b[0, j)
 *
 * Lengths are kept of one row only. The way back through the table, which is the answer, needs of
 * each cell just whether the one above is longer than the one to the left: one bit, where the
 * plain algorithm keeps the length.
 */

/** A run of bytes that both strings have in common. */
export interface Match {
  readonly a: number;
  readonly b: number;
  readonly bytes: number;
}

export class LcsTable {
  readonly #a: Buffer;
  readonly #b: Buffer;
  /** The last row done; [0] is 0. */
  readonly #row: Uint32Array;
  /** Rows that are done, and where the next one stands: cells done, the last one, the one above. */
  #rows = 0;
  #column = 0;
  #left = 0;
  #diagonal = 0;
  /** Per row (of a) and column (of b): above is longer than left. Empty if only lengths matter. */
  readonly #turns: Uint32Array;
  readonly #wordsPerRow: number;

  constructor(a: Buffer, b: Buffer, wantsWay: boolean) {
    this.#a = a;
    this.#b = b;
    this.#row = new Uint32Array(b.length + 1);
    this.#wordsPerRow = (b.length + 31) >>> 5;
    this.#turns = new Uint32Array(wantsWay ? a.length * this.#wordsPerRow : 0);
  }

  /** The length of the LCS, once filled. */
  get length(): number {
    return this.#row[this.#b.length]!;
  }

  /** Does about `cells` cells; true when all are done. */
  fill(cells: number): boolean {
    const columns = this.#b.length;
    if (columns === 0) return true;
    // Pieces of a row end at whole words of turns.
    let left = (cells + 31) & ~31;
    while (left > 0 && this.#rows < this.#a.length) {
      const end = Math.min(columns, this.#column + left);
      left -= end - this.#column;
      this.#fillPiece(this.#rows, this.#column, end);
      this.#column = end;
      if (end < columns) break;
      this.#rows += 1;
      this.#column = 0;
      this.#left = 0;
      this.#diagonal = 0;
      left &= ~31;
    }
    return this.#rows === this.#a.length;
  }

  #fillPiece(i: number, from: number, to: number): void {
    const b = this.#b;
    const row = this.#row;
    const turns = this.#turns;
    const keepsTurns = turns.length !== 0;
    const byte = this.#a[i]!;
    let word = i * this.#wordsPerRow + (from >>> 5);
    let bits = 0;
    let left = this.#left;
    let diagonal = this.#diagonal;
    for (let j = from; j < to; j += 1) {
      const above = row[j + 1]!;
      if (b[j] === byte) {
        left = diagonal + 1;
      } else if (above > left) {
        left = above;
        bits |= 1 << (j & 31);
      }
      row[j + 1] = left;
      diagonal = above;
      if ((j & 31) === 31 && keepsTurns) {
        turns[word] = bits;
        word += 1;
        bits = 0;
      }
    }
    if ((to & 31) !== 0 && keepsTurns) turns[word] = bits;
    this.#left = left;
    this.#diagonal = diagonal;
  }

  /** The LCS itself. */
  common(): Buffer {
    const common = Buffer.alloc(this.length);
    let at = common.length;
    this.#walk((i) => {
      at -= 1;
      common[at] = this.#a[i]!;
    });
    return common;
  }

  /** The runs that make up the LCS, the last first. */
  matches(): Match[] {
    const matches: Match[] = [];
    let a = -1;
    let b = -1;
    let bytes = 0;
    this.#walk((i, j) => {
      if (bytes > 0 && i === a - 1 && j === b - 1) {
        bytes += 1;
      } else {
        if (bytes > 0) matches.push({ a, b, bytes });
        bytes = 1;
      }
      a = i;
      b = j;
    });
    if (bytes > 0) matches.push({ a, b, bytes });
    return matches;
  }

  /** Visits the bytes of the LCS from the last to the first, by their places in both strings. */
  #walk(visit: (i: number, j: number) => void): void {
    const a = this.#a;
    const b = this.#b;
    let i = a.length - 1;
    let j = b.length - 1;
    while (i >= 0 && j >= 0) {
      if (a[i] === b[j]) {
        visit(i, j);
        i -= 1;
        j -= 1;
      } else if (this.#isTurn(i, j)) {
        i -= 1;
      } else {
        j -= 1;
      }
    }
  }

  #isTurn(i: number, j: number): boolean {
    const word = this.#turns[i * this.#wordsPerRow + (j >>> 5)]!;
    return ((word >>> (j & 31)) & 1) !== 0;
  }
}
