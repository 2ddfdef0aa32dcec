/**
 * Bulks of less than a hundred bytes, whose head is five bytes or four: most of what a range replies.
 * Functions of a view and a place in it, so that a loop over many keeps both in registers.
 *
 *   $ 1 6 CR LF <16 bytes> CR LF $ 6 4 CR LF <64 bytes> CR LF
 *   `--word--'
 */
import { putWords } from './bytes.js';

/** Bulks below this length have a head of one or two digits. */
export const SHORT_BULK_END = 100;
/** Head, CR LF, and what is written beyond the bytes since they are copied as words. */
const AROUND_BYTES_MAX = 5 + 2 + 3;
/** Room for two of them. */
export const SHORT_PAIR_BYTES_MAX = 2 * (SHORT_BULK_END + AROUND_BYTES_MAX);

const LF = 10;
/** The two bytes as a little-endian half word. */
const CR_LF = 0x0a0d;

/** The words of `$10\r` and so on, by the length that they tell. */
const SHORT_HEADS = new Int32Array(SHORT_BULK_END);
for (let bytes = 0; bytes < SHORT_BULK_END; bytes += 1) {
  SHORT_HEADS[bytes] = Buffer.from(`$${bytes}\r\n`).readInt32LE(0);
}

/** `$`, a length below SHORT_BULK_END and CR LF, for which there is room; returns where it ends. */
export function putShortHead(view: DataView, at: number, bytes: number): number {
  view.setInt32(at, SHORT_HEADS[bytes]!, true);
  if (bytes < 10) return at + 4;
  view.setInt8(at + 4, LF);
  return at + 5;
}

/** A bulk of less than SHORT_BULK_END bytes, those at words[word]; returns where it ends. */
export function putShortBulk(
  view: DataView,
  from: number,
  words: Int32Array,
  word: number,
  bytes: number,
): number {
  const at = putShortHead(view, from, bytes);
  putWords(view, at, words, word, word + ((bytes + 3) >>> 2));
  view.setInt16(at + bytes, CR_LF, true);
  return at + bytes + 2;
}

/**
 * Two of them: the bytes at words[word], and those at the next whole word behind them; returns where they
 * end. To be called with SHORT_PAIR_BYTES_MAX of room.
 */
export function putShortPair(
  view: DataView,
  from: number,
  words: Int32Array,
  word: number,
  firstBytes: number,
  secondBytes: number,
): number {
  const second = word + ((firstBytes + 3) >>> 2);
  const at = putShortBulk(view, from, words, word, firstBytes);
  return putShortBulk(view, at, words, second, secondBytes);
}
