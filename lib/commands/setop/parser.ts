/**
 * Reads set expressions.
 *
 *   expression = "(" kind [ ":" merge ] operand { operand } ")"
 *   operand    = ( key | expression ) [ "*" weight ]
 *   key        = bytes other than blanks ( ) *        or  "..." with \\ \" \n \r \t \a \b \xHH
 *
 * Every error names the byte, counted from 0, where the text stops being an expression. Input is
 * hostile: depth, operands and bytes have limits, and the text is gone through once.
 */
import { latin1 } from '../../../resp/bytes.js';
import { parseFloat64 } from '../../../resp/numbers.js';
import {
  DEPTH_MAX,
  EXPRESSION_BYTES_MAX,
  type Expression,
  OPERANDS_MAX,
  type Operand,
  type Operation,
  type OperationKind,
} from './expression.js';
import { DEFAULT_MERGE, type Merge, mergeNamed, merges, refusesWeight } from './merges.js';

const OPEN = 0x28;
const CLOSE = 0x29;
const STAR = 0x2a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_X = 0x78;
const ESCAPED: Readonly<Record<string, number>> = {
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  a: 0x07,
  b: 0x08,
  '"': QUOTE,
  '\\': BACKSLASH,
};
/** Of a name that an error shows, characters. */
const SHOWN_MAX = 32;

/** A text that is no expression. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  /** The first byte that is wrong, from 0. */
  readonly at: number;

  constructor(at: number, message: string) {
    super(`expression at byte ${at}: ${message}`);
    this.at = at;
  }
}

/** Reads buf[from, to). Throws an ExpressionError. Keeps nothing of `buf`. */
export function parseExpression(buf: Buffer, from: number, to: number): Expression {
  return new Parser(buf, from, to).parse();
}

class Parser {
  readonly #buf: Buffer;
  readonly #from: number;
  readonly #to: number;
  readonly #keys: Buffer[] = [];
  /** The bytes of a quoted key; made for the first one. */
  #unquoted: Buffer | undefined;
  #at: number;
  #operandCount = 0;

  constructor(buf: Buffer, from: number, to: number) {
    this.#buf = buf;
    this.#from = from;
    this.#to = to;
    this.#at = from;
  }

  parse(): Expression {
    if (this.#to - this.#from > EXPRESSION_BYTES_MAX) {
      throw new ExpressionError(EXPRESSION_BYTES_MAX, `more than ${EXPRESSION_BYTES_MAX} bytes`);
    }
    this.#skipBlanks();
    if (this.#peek() !== OPEN) this.#expected('(');
    const root = this.#operation(1);
    this.#skipBlanks();
    if (this.#at < this.#to) this.#fail('unexpected bytes behind the expression');
    return { root, keys: this.#keys };
  }

  #operation(depth: number): Operation {
    if (depth > DEPTH_MAX) this.#fail(`nested deeper than ${DEPTH_MAX}`);
    this.#at += 1;
    this.#skipBlanks();
    const [kind, merge] = this.#head();
    const operands: Operand[] = [];
    for (;;) {
      this.#skipBlanks();
      if (this.#at === this.#to) this.#fail('the expression ends before its )');
      if (this.#peek() === CLOSE) break;
      operands.push(this.#operand(depth, kind, merge, operands.length === 0));
    }
    if (operands.length === 0) this.#fail('an operation without operands');
    this.#at += 1;
    return { kind, merge, operands };
  }

  /** `U:FloatSum` */
  #head(): [OperationKind, Merge] {
    const start = this.#at;
    this.#skipBare();
    const text = latin1(this.#buf, start, this.#at);
    const colon = text.indexOf(':');
    const kind = (colon < 0 ? text : text.slice(0, colon)).toUpperCase();
    if (kind !== 'U' && kind !== 'I' && kind !== 'D' && kind !== 'X') {
      this.#fail(`unknown operation '${shown(kind)}', there are U, I, D and X`, start);
    }
    const merge = colon < 0 ? DEFAULT_MERGE : mergeNamed(text.slice(colon + 1));
    if (merge === undefined) {
      const names = merges.map(({ name }) => name).join(', ');
      const name = shown(text.slice(colon + 1));
      this.#fail(`unknown merge function '${name}', there are ${names}`, start + colon + 1);
    }
    const next = this.#peek();
    if (next === OPEN || next === STAR) this.#expected('a blank behind the operation');
    return [kind, merge];
  }

  #operand(depth: number, kind: OperationKind, merge: Merge, isFirst: boolean): Operand {
    this.#operandCount += 1;
    if (this.#operandCount > OPERANDS_MAX) this.#fail(`more than ${OPERANDS_MAX} operands`);
    const source = this.#peek() === OPEN ? this.#operation(depth + 1) : this.#key();
    this.#skipBlanks();
    if (this.#peek() !== STAR) return { source, weight: 1 };
    const star = this.#at;
    if (kind === 'D' && !isFirst) {
      this.#fail('the values of what D takes away do not count: no weight', star);
    }
    const weight = this.#weight();
    const refusal = refusesWeight(merge, weight);
    if (refusal !== undefined) this.#fail(refusal, star + 1);
    return { source, weight };
  }

  #weight(): number {
    const start = this.#at + 1;
    this.#at = start;
    this.#skipBare();
    const weight = parseFloat64(this.#buf, start, this.#at);
    if (!Number.isFinite(weight)) this.#fail('a weight is a finite number', start);
    const next = this.#peek();
    if (next === OPEN || next === STAR) this.#expected('a blank or ) behind the weight');
    return weight;
  }

  /** The index of the key that stands here. */
  #key(): number {
    const start = this.#at;
    if (this.#peek() === QUOTE) {
      this.#keys.push(this.#quoted());
    } else {
      this.#skipBare();
      if (this.#at === start) this.#fail('unexpected *');
      if (this.#peek() === OPEN) this.#expected('a blank, * or ) behind the key');
      this.#keys.push(Buffer.from(this.#buf.subarray(start, this.#at)));
    }
    return this.#keys.length - 1;
  }

  #quoted(): Buffer {
    const buf = this.#buf;
    const start = this.#at;
    this.#unquoted ??= Buffer.allocUnsafe(this.#to - start);
    const bytes = this.#unquoted;
    let length = 0;
    for (this.#at += 1; ; this.#at += 1) {
      if (this.#at >= this.#to) this.#fail('the quoted key has no end', start);
      let byte = buf[this.#at]!;
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) byte = this.#escape();
      bytes[length] = byte;
      length += 1;
    }
    this.#at += 1;
    const next = this.#peek();
    if (next !== -1 && next !== CLOSE && next !== STAR && !isBlank(next)) {
      this.#expected('a blank, * or ) behind the key');
    }
    return Buffer.from(bytes.subarray(0, length));
  }

  /** The byte of an escape; stands on its last byte then. */
  #escape(): number {
    const start = this.#at;
    this.#at += 1;
    const letter = this.#peek();
    if (letter === LETTER_X) {
      const digits = latin1(this.#buf, this.#at + 1, Math.min(this.#at + 3, this.#to));
      if (/^[\da-f]{2}$/i.test(digits)) {
        this.#at += 2;
        return Number.parseInt(digits, 16);
      }
    }
    const byte = letter < 0 ? undefined : ESCAPED[String.fromCharCode(letter)];
    if (byte === undefined) {
      this.#fail('unknown escape, there are \\\\ \\" \\n \\r \\t \\a \\b \\xHH', start);
    }
    return byte;
  }

  /** The byte here; -1 at the end. */
  #peek(): number {
    return this.#at < this.#to ? this.#buf[this.#at]! : -1;
  }

  #skipBlanks(): void {
    while (isBlank(this.#peek())) this.#at += 1;
  }

  #skipBare(): void {
    for (; this.#at < this.#to; this.#at += 1) {
      const byte = this.#buf[this.#at]!;
      if (byte === OPEN || byte === CLOSE || byte === STAR || isBlank(byte)) return;
    }
  }

  #expected(what: string): never {
    this.#fail(this.#at < this.#to ? `expected ${what}` : `expected ${what}, not the end`);
  }

  #fail(message: string, at = this.#at): never {
    throw new ExpressionError(at - this.#from, message);
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d && byte !== 0x0b && byte !== 0x0c);
}

/** The beginning of a name, without what a line of an error cannot hold. */
function shown(text: string): string {
  return text.slice(0, SHOWN_MAX).replace(/[^ -~]/g, '?');
}
