/**
 * Positions: the sub keys of a list's elements. Their bytes sort as the elements stand, and between
 * any two there is room for another.
 *
 *   position   one or more of   | number, 2 to 8 bytes | origin, 1 to 3 bytes |
 *
 *   number     0 .. 2^14-1    10nnnnnn nnnnnnnn               negative ones: all bits of the
 *              .. 2^21-1      110nnnnn and 2 bytes            encoding of -1-n flipped, so that
 *              .. 2^28-1      1110nnnn and 3 bytes            they come first, in their order
 *              .. 2^53-1      11110000 and 7 bytes
 *   origin     0 .. 127       0ooooooo;  above as a number; of the member that made the position
 *
 * A push takes the number beside that of the first or last element, in one piece: four bytes, up to
 * two million pushes at an end and 127 members. What is put in between lies below its left
 * neighbour, if there is no number free:
 *
 *   a = 5   b = 6      between:  x = 5.0     a x:  y = 5.-64     x b:  z = 5.64     x z:  5.32
 *
 * A longer position comes behind its beginning, so `5 < 5.-64 < 5.0 < 6`. (A binary fraction would
 * grow by a bit with every insertion at one place, this by a logarithm of their number, except where
 * each goes between the last two.) Positions with one number and different origins are different:
 * two members that push at the same time, apart, keep both elements, side by side.
 *
 * After LSEQ and Logoot (Weiss, Urso, Molli 2009): identifiers of numbers and sites.
 * Invariant: what `...Between` and the others make lies strictly between what they are given.
 */
import { copyBytes } from '../../resp/bytes.js';

/** Of number and origin. */
export const COMPONENT_BYTES_MAX = 11;
/** Between the numbers of elements put in between others: room for more without another level. */
export const GAP = 64;

/** Where the number or origin that was read last ends. */
let readTo = 0;

/** A position at the end of an empty list. */
export function onlyPosition(origin: number, target: Buffer): number {
  return writeComponent(target, 0, 0, origin);
}

/** A position before this one. */
export function positionBefore(position: Buffer, origin: number, target: Buffer): number {
  return writeComponent(target, 0, readNumber(position, 0) - 1, origin);
}

/** A position after this one. */
export function positionAfter(position: Buffer, origin: number, target: Buffer): number {
  return writeComponent(target, 0, readNumber(position, 0) + 1, origin);
}

/**
 * A position between two, the lower of `lowBytes`; how many bytes it has. `target` has room for that
 * and one component.
 */
export function positionBetween(
  low: Buffer,
  lowBytes: number,
  high: Buffer,
  origin: number,
  target: Buffer,
): number {
  let at = 0;
  while (at < lowBytes) {
    const lowNumber = readNumber(low, at);
    readOrigin(low, readTo);
    const end = readTo;
    const highNumber = readNumber(high, at);
    readOrigin(high, readTo);
    if (readTo !== end || low.compare(high, at, end, at, end) !== 0) {
      if (highNumber - lowNumber > 1) {
        copyBytes(low, 0, at, target, 0);
        const middle = lowNumber + Math.floor((highNumber - lowNumber) / 2);
        return writeComponent(target, at, middle, origin);
      }
      return positionBelow(low, end, lowBytes, origin, target);
    }
    at = end;
  }
  // `high` lies below `low`.
  copyBytes(low, 0, at, target, 0);
  return writeComponent(target, at, readNumber(high, at) - GAP, origin);
}

/** A position after `low` that shares its components up to `at`. */
function positionBelow(
  low: Buffer,
  at: number,
  lowBytes: number,
  origin: number,
  target: Buffer,
): number {
  copyBytes(low, 0, at, target, 0);
  const number = at === lowBytes ? 0 : readNumber(low, at) + GAP;
  return writeComponent(target, at, number, origin);
}

/** Where the component at `at` of a position ends. */
export function componentEnd(position: Buffer, at: number): number {
  readNumber(position, at);
  readOrigin(position, readTo);
  return readTo;
}

/** The number of the component at `at` of a position. */
export function componentNumber(position: Buffer, at: number): number {
  return readNumber(position, at);
}

/** Writes a component; returns where it ends. */
export function writeComponent(target: Buffer, at: number, number: number, origin: number): number {
  const magnitude = number < 0 ? -1 - number : number;
  const numberEnd = writeNumber(target, at, magnitude, number < 0 ? 0xff : 0);
  if (origin >= 0x80) return writeNumber(target, numberEnd, origin, 0);
  target[numberEnd] = origin;
  return numberEnd + 1;
}

function writeNumber(target: Buffer, at: number, magnitude: number, flip: number): number {
  if (magnitude < 2 ** 14) {
    target[at] = ((magnitude >>> 8) | 0x80) ^ flip;
    target[at + 1] = magnitude ^ flip;
    return at + 2;
  }
  if (magnitude < 2 ** 28) {
    let to = at;
    if (magnitude < 2 ** 21) {
      target[to++] = ((magnitude >>> 16) | 0xc0) ^ flip;
    } else {
      target[to++] = ((magnitude >>> 24) | 0xe0) ^ flip;
      target[to++] = (magnitude >>> 16) ^ flip;
    }
    target[to] = (magnitude >>> 8) ^ flip;
    target[to + 1] = magnitude ^ flip;
    return to + 2;
  }
  target[at] = 0xf0 ^ flip;
  let rest = magnitude;
  for (let i = 7; i > 0; i -= 1) {
    target[at + i] = (rest % 256) ^ flip;
    rest = Math.floor(rest / 256);
  }
  return at + 8;
}

function readNumber(position: Buffer, at: number): number {
  const first = position[at]!;
  return first < 0x80 ? -1 - readMagnitude(position, at, 0xff) : readMagnitude(position, at, 0);
}

function readOrigin(position: Buffer, at: number): number {
  const first = position[at]!;
  if (first >= 0x80) return readMagnitude(position, at, 0);
  readTo = at + 1;
  return first;
}

function readMagnitude(position: Buffer, at: number, flip: number): number {
  const first = position[at]! ^ flip;
  let number = 0;
  if (first < 0xc0) {
    readTo = at + 2;
    number = first & 0x3f;
  } else if (first < 0xe0) {
    readTo = at + 3;
    number = first & 0x1f;
  } else if (first < 0xf0) {
    readTo = at + 4;
    number = first & 0x0f;
  } else {
    readTo = at + 8;
  }
  for (let i = at + 1; i < readTo; i += 1) number = number * 256 + (position[i]! ^ flip);
  return number;
}
