/**
 * Lua's patterns over bytes in the machine's memory. Source: lstrlib.c of Lua 5.1.5.
 *
 * Why not C's own: a pattern can take exponential time, and within C nothing looks at the clock.
 * Here each call has a number of steps, and one that uses them up raises "pattern too complex".
 *
 * Invariant: subject and pattern are strings on the stack of Lua, so that they stay where they
 * are; both end with a zero byte, which may be read.
 */
import { WORK_BYTES } from '../limits.js';
import type { Lua } from '../lua.js';

const CAPTURES_MAX = 32;
const UNFINISHED = -1;
const POSITION = -2;
/** Recursion, which goes with the length of a pattern. */
const DEPTH_MAX = 1000;
/** Steps of one call, about a tenth of a second; a long subject has more of them. */
const STEPS_MIN = 10_000_000;
const STEPS_PER_BYTE = 20;
/** Steps between two looks at the clock. */
const STEPS_UNSEEN = 100_000;
/** There is no match. */
export const NO_MATCH = -1;

const ESCAPE = 37;
const OPEN = 40;
const CLOSE = 41;
const STAR = 42;
const PLUS = 43;
const DASH = 45;
const DOT = 46;
const QUESTION = 63;
const BRACKET = 91;
const BRACKET_END = 93;
const CARET = 94;
const DOLLAR = 36;
const LOWER_B = 98;
const LOWER_F = 102;

export class Matcher {
  readonly #lua: Lua;
  readonly #L: number;
  /** Addresses of the subject's first byte and of the zero byte behind it. */
  readonly start: number;
  readonly end: number;
  #bytes: Buffer;
  /** Captures begun. */
  level = 0;
  readonly #at: number[] = [];
  readonly #length: number[] = [];
  #steps: number;
  /** Below this it is time to look at the clock. */
  #stepsSeen = 0;
  #depth = 0;

  constructor(lua: Lua, L: number, start: number, end: number) {
    this.#lua = lua;
    this.#L = L;
    this.start = start;
    this.end = end;
    this.#bytes = lua.machine.bytes;
    this.#steps = Math.max(STEPS_MIN, (end - start) * STEPS_PER_BYTE);
    this.#stepsSeen = this.#steps - STEPS_UNSEEN;
  }

  /** Forgets captures, for a new attempt. */
  begin(): void {
    this.level = 0;
    this.#depth = 0;
    this.#bytes = this.#lua.machine.bytes;
  }

  /** The end of a match of the pattern at `p` that starts at `s`, or NO_MATCH. */
  match(from: number, pattern: number): number {
    const bytes = this.#bytes;
    let s = from;
    let p = pattern;
    for (;;) {
      this.#steps -= 1;
      if (this.#steps < this.#stepsSeen) this.#look();
      const byte = bytes[p]!;
      if (byte === 0) return s;
      if (byte === OPEN) {
        return bytes[p + 1] === CLOSE
          ? this.#startCapture(s, p + 2, POSITION)
          : this.#startCapture(s, p + 1, UNFINISHED);
      }
      if (byte === CLOSE) return this.#endCapture(s, p + 1);
      if (byte === DOLLAR && bytes[p + 1] === 0) return s === this.end ? s : NO_MATCH;
      if (byte === ESCAPE) {
        const next = bytes[p + 1]!;
        if (next === LOWER_B || next === LOWER_F || isDigit(next)) {
          s = this.#matchSpecial(s, p, next);
          if (s === NO_MATCH) return NO_MATCH;
          p = next === LOWER_F ? this.#classEnd(p + 2) : p + (next === LOWER_B ? 4 : 2);
          continue;
        }
      }
      const ep = this.#classEnd(p);
      const isMatch = s < this.end && this.#matchesOne(bytes[s]!, p, ep);
      const suffix = bytes[ep]!;
      if (suffix === QUESTION) {
        if (isMatch) {
          const end = this.#deeper(s + 1, ep + 1);
          if (end !== NO_MATCH) return end;
        }
        p = ep + 1;
      } else if (suffix === STAR) {
        return this.#maxExpand(s, p, ep);
      } else if (suffix === PLUS) {
        return isMatch ? this.#maxExpand(s + 1, p, ep) : NO_MATCH;
      } else if (suffix === DASH) {
        return this.#minExpand(s, p, ep);
      } else if (isMatch) {
        s += 1;
        p = ep;
      } else {
        return NO_MATCH;
      }
    }
  }

  /** Pushes capture `i`, or all that matched if there is none and `i` is 0. */
  pushCapture(i: number, s: number, e: number): void {
    const { c } = this.#lua;
    if (i >= this.level) {
      if (i !== 0) this.#fail('invalid capture index');
      c.lua_pushlstring(this.#L, s, e - s);
      return;
    }
    const length = this.#length[i]!;
    if (length === UNFINISHED) this.#fail('unfinished capture');
    if (length === POSITION) c.lua_pushnumber(this.#L, this.#at[i]! - this.start + 1);
    else c.lua_pushlstring(this.#L, this.#at[i]!, length);
  }

  /** Pushes all captures; all that matched, if there is none and `s` is given. */
  pushCaptures(s: number, e: number): number {
    const count = this.level === 0 && s !== NO_MATCH ? 1 : this.level;
    if (this.#lua.c.lua_checkstack(this.#L, count) === 0) this.#fail('too many captures');
    for (let i = 0; i < count; i += 1) this.pushCapture(i, s, e);
    return count;
  }

  #look(): void {
    if (this.#steps < 0) this.#fail('pattern too complex');
    this.#stepsSeen = Math.max(0, this.#steps - STEPS_UNSEEN);
    this.#lua.work(this.#L, WORK_BYTES);
  }

  #fail(text: string): never {
    return this.#lua.raise(this.#L, text);
  }

  #deeper(s: number, p: number): number {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) this.#fail('pattern too complex');
    const end = this.match(s, p);
    this.#depth -= 1;
    return end;
  }

  /** `%b`, `%f` and `%1` to `%9`: where to go on in the subject. */
  #matchSpecial(s: number, p: number, kind: number): number {
    if (kind === LOWER_B) return this.#matchBalance(s, p + 2);
    if (kind !== LOWER_F) return this.#matchCapture(s, kind);
    const bytes = this.#bytes;
    if (bytes[p + 2] !== BRACKET) this.#fail("missing '[' after '%f' in pattern");
    const ep = this.#classEnd(p + 2);
    const previous = s === this.start ? 0 : bytes[s - 1]!;
    const wasIn = this.#matchesBracket(previous, p + 2, ep - 1);
    return !wasIn && this.#matchesBracket(bytes[s]!, p + 2, ep - 1) ? s : NO_MATCH;
  }

  #classEnd(from: number): number {
    const bytes = this.#bytes;
    let p = from;
    const byte = bytes[p]!;
    p += 1;
    if (byte === ESCAPE) {
      if (bytes[p] === 0) this.#fail("malformed pattern (ends with '%')");
      return p + 1;
    }
    if (byte !== BRACKET) return p;
    if (bytes[p] === CARET) p += 1;
    do {
      const inner = bytes[p]!;
      if (inner === 0) this.#fail("malformed pattern (missing ']')");
      p += 1;
      if (inner === ESCAPE && bytes[p] !== 0) p += 1;
    } while (bytes[p] !== BRACKET_END);
    return p + 1;
  }

  #matchesOne(byte: number, p: number, ep: number): boolean {
    const kind = this.#bytes[p]!;
    if (kind === DOT) return true;
    if (kind === ESCAPE) return isInClass(byte, this.#bytes[p + 1]!);
    if (kind === BRACKET) return this.#matchesBracket(byte, p, ep - 1);
    return kind === byte;
  }

  #matchesBracket(byte: number, from: number, ec: number): boolean {
    const bytes = this.#bytes;
    let p = from;
    let found = true;
    if (bytes[p + 1] === CARET) {
      found = false;
      p += 1;
    }
    for (p += 1; p < ec; p += 1) {
      if (bytes[p] === ESCAPE) {
        p += 1;
        if (isInClass(byte, bytes[p]!)) return found;
      } else if (bytes[p + 1] === DASH && p + 2 < ec) {
        p += 2;
        if (bytes[p - 2]! <= byte && byte <= bytes[p]!) return found;
      } else if (bytes[p] === byte) {
        return found;
      }
    }
    return !found;
  }

  #matchBalance(from: number, p: number): number {
    const bytes = this.#bytes;
    const open = bytes[p]!;
    if (open === 0 || bytes[p + 1] === 0) this.#fail('unbalanced pattern');
    if (bytes[from] !== open) return NO_MATCH;
    const close = bytes[p + 1]!;
    let depth = 1;
    for (let s = from + 1; s < this.end; s += 1) {
      this.#steps -= 1;
      const byte = bytes[s]!;
      if (byte === close) {
        depth -= 1;
        if (depth === 0) return s + 1;
      } else if (byte === open) {
        depth += 1;
      }
    }
    return NO_MATCH;
  }

  #maxExpand(s: number, p: number, ep: number): number {
    let i = 0;
    while (s + i < this.end && this.#matchesOne(this.#bytes[s + i]!, p, ep)) i += 1;
    this.#steps -= i;
    for (; i >= 0; i -= 1) {
      const end = this.#deeper(s + i, ep + 1);
      if (end !== NO_MATCH) return end;
    }
    return NO_MATCH;
  }

  #minExpand(from: number, p: number, ep: number): number {
    for (let s = from; ; s += 1) {
      const end = this.#deeper(s, ep + 1);
      if (end !== NO_MATCH) return end;
      if (s >= this.end || !this.#matchesOne(this.#bytes[s]!, p, ep)) return NO_MATCH;
    }
  }

  #startCapture(s: number, p: number, what: number): number {
    if (this.level >= CAPTURES_MAX) this.#fail('too many captures');
    this.#at[this.level] = s;
    this.#length[this.level] = what;
    this.level += 1;
    const end = this.#deeper(s, p);
    if (end === NO_MATCH) this.level -= 1;
    return end;
  }

  #endCapture(s: number, p: number): number {
    let open = this.level - 1;
    while (open >= 0 && this.#length[open] !== UNFINISHED) open -= 1;
    if (open < 0) this.#fail('invalid pattern capture');
    this.#length[open] = s - this.#at[open]!;
    const end = this.#deeper(s, p);
    if (end === NO_MATCH) this.#length[open] = UNFINISHED;
    return end;
  }

  #matchCapture(s: number, digit: number): number {
    const i = digit - 0x31;
    if (i < 0 || i >= this.level || this.#length[i] === UNFINISHED) {
      this.#fail('invalid capture index');
    }
    const length = this.#length[i]!;
    if (length < 0 || this.end - s < length) return NO_MATCH;
    const at = this.#at[i]!;
    const bytes = this.#bytes;
    this.#steps -= length;
    return bytes.compare(bytes, at, at + length, s, s + length) === 0 ? s + length : NO_MATCH;
  }
}

export function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

/** `%a`, `%d` and so on, over ASCII; an upper-case letter means all others. */
function isInClass(byte: number, letter: number): boolean {
  const lower = letter | 0x20;
  let isIn: boolean;
  switch (String.fromCharCode(lower)) {
    case 'a':
      isIn = isLetter(byte);
      break;
    case 'c':
      isIn = byte < 32 || byte === 127;
      break;
    case 'd':
      isIn = isDigit(byte);
      break;
    case 'l':
      isIn = byte >= 97 && byte <= 122;
      break;
    case 'p':
      isIn = byte > 32 && byte < 127 && !isLetter(byte) && !isDigit(byte);
      break;
    case 's':
      isIn = byte === 32 || (byte >= 9 && byte <= 13);
      break;
    case 'u':
      isIn = byte >= 65 && byte <= 90;
      break;
    case 'w':
      isIn = isLetter(byte) || isDigit(byte);
      break;
    case 'x':
      isIn = isDigit(byte) || ((byte | 0x20) >= 97 && (byte | 0x20) <= 102);
      break;
    case 'z':
      isIn = byte === 0;
      break;
    default:
      return letter === byte;
  }
  if (lower < 97 || lower > 122) return letter === byte;
  return letter === lower ? isIn : !isIn;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 97 && lower <= 122;
}
