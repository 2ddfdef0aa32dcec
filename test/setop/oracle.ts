/**
 * What a set expression means, slowly: every operand and every result is a Map, and elements are
 * sorted at the end. It shares nothing with the product but the names; its arithmetic is written
 * anew, from texts.
 */

/** Of an element: asked for only if they are wanted, for some cannot be merged. Latin1 texts. */
export type Values = () => readonly string[];
export type Content = ReadonlyMap<string, Values>;

export interface Term {
  readonly kind: 'U' | 'I' | 'D' | 'X';
  readonly merge: string;
  readonly parts: readonly { readonly of: string | Term; readonly weight: number }[];
}

/** A value that a merge cannot take. */
export class OracleError extends Error {}

export function evaluate(term: Term, keys: ReadonlyMap<string, Content>): Content {
  const parts = term.parts.map(({ of, weight }) => {
    const content = typeof of === 'string' ? (keys.get(of) ?? new Map()) : evaluate(of, keys);
    return { content: content as Content, weight };
  });
  const elements = new Set(parts.flatMap(({ content }) => [...content.keys()]));
  const result = new Map<string, Values>();
  for (const element of elements) {
    const holders = parts.filter(({ content }) => content.has(element));
    if (!isIn(term, holders.length, parts[0]!.content.has(element))) continue;
    const counted = (): Counted[] =>
      readBy(term.merge, holders).flatMap(({ content, weight }) => {
        return content.get(element)!().map((value) => ({ value, weight }));
      });
    result.set(element, () => mergedOf(term.merge, counted()));
  }
  return result;
}

/** First and Last read no values but those of one operand. */
function readBy<T>(merge: string, holders: readonly T[]): readonly T[] {
  if (merge === 'First') return holders.slice(0, 1);
  return merge === 'Last' ? holders.slice(-1) : holders;
}

function isIn({ kind, parts }: Term, holders: number, isInFirst: boolean): boolean {
  if (kind === 'U') return true;
  if (kind === 'I') return holders === parts.length;
  if (kind === 'X') return holders === 1;
  return isInFirst && holders === 1;
}

interface Counted {
  readonly value: string;
  readonly weight: number;
}

function mergedOf(merge: string, counted: readonly Counted[]): readonly string[] {
  if (merge === 'First') return [counted[0]!.value];
  if (merge === 'Last') return [counted.at(-1)!.value];
  if (merge === 'Append') return repeated(counted);
  if (merge === 'ConCat') return [repeated(counted).join('')];
  if (merge.startsWith('Float')) return [floats(merge.slice('Float'.length), counted)];
  const isBig = merge.startsWith('BigInt');
  return [integers(merge.replace(/^(BigInt|Integer)/, ''), counted, isBig)];
}

function repeated(counted: readonly Counted[]): string[] {
  return counted.flatMap(({ value, weight }) => new Array<string>(weight).fill(value));
}

function integers(name: string, counted: readonly Counted[], isBig: boolean): string {
  const checked = (value: bigint): bigint => {
    const isTooBig = !isBig && (value >= 2n ** 63n || value < -(2n ** 63n));
    if (isTooBig) throw new OracleError('out of range');
    return value;
  };
  const values = counted.map(({ value, weight }) => {
    if (!/^(0|-?[1-9][0-9]*)$/.test(value)) throw new OracleError('no integer');
    return checked(checked(BigInt(value)) * BigInt(weight));
  });
  return String(values.reduce((a, b) => checked(integerStep(name, a, b, isBig))));
}

function integerStep(name: string, a: bigint, b: bigint, isBig: boolean): bigint {
  const isDivision = name === 'Div' || name === 'Mod' || name === 'Rem';
  if (isDivision && b === 0n) throw new OracleError('division by zero');
  const size = b < 0n ? -b : b;
  switch (name) {
    case 'Sum':
    case 'Add':
      return a + b;
    case 'Sub':
      return a - b;
    case 'Mul':
      return a * b;
    case 'Min':
      return a < b ? a : b;
    case 'Max':
      return a < b ? b : a;
    case 'Rem':
      return a - (a / b) * b;
    case 'Mod':
      return ((a % size) + size) % size;
    case 'Div':
      if (!isBig) return a / b;
      return (a - (((a % size) + size) % size)) / b;
    case 'And':
      return a & b;
    case 'AndNot':
      return a & (-b - 1n);
    case 'Or':
      return a | b;
    case 'Xor':
      return a ^ b;
  }
  throw new Error(`no such merge: ${name}`);
}

function floats(name: string, counted: readonly Counted[]): string {
  const checked = (value: number): number => {
    if (Number.isNaN(value)) throw new OracleError('no number');
    return value === 0 ? 0 : value;
  };
  const values = counted.map(({ value, weight }) => checked(floatOf(value) * weight));
  const step = (a: number, b: number): number => {
    if (name === 'Div' && b === 0) throw new OracleError('division by zero');
    if (name === 'Sum') return a + b;
    if (name === 'Sub') return a - b;
    if (name === 'Mul') return a * b;
    if (name === 'Div') return a / b;
    return name === 'Min' ? Math.min(a, b) : Math.max(a, b);
  };
  return floatText(values.reduce((a, b) => checked(step(a, b))));
}

function floatOf(text: string): number {
  const infinite = /^(-?)inf$/.exec(text);
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity;
  if (!/^-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?$/.test(text)) throw new OracleError('no float');
  return Number(text);
}

/** As C's `%.17g`. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Number.isSafeInteger(value)) return String(value);
  const isTiny = Math.abs(value) < 1e-4;
  const digits = isTiny ? value.toExponential(16) : value.toPrecision(17);
  if (!digits.includes('e')) return withoutZeros(digits);
  const [mantissa, power] = digits.split('e') as [string, string];
  const padded = power.slice(1).padStart(2, '0');
  return `${withoutZeros(mantissa)}e${power[0]}${padded}`;
}

function withoutZeros(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
}

/** The elements between two bounds (as in KRANGE; '': none), turned round and cut. */
export function selected(
  content: Content,
  { min, max, reverse, limit }: Selection,
): (readonly [element: string, values: Values])[] {
  const all = [...content].sort(([a], [b]) => (a < b ? -1 : 1));
  const found = all.filter(([element]) => isAbove(element, min) && isBelow(element, max));
  if (reverse) found.reverse();
  if (limit === undefined) return found;
  const [offset, count] = limit;
  if (offset < 0) return [];
  return found.slice(offset, count < 0 ? undefined : offset + count);
}

export interface Selection {
  readonly min: string;
  readonly max: string;
  readonly reverse: boolean;
  readonly limit: readonly [offset: number, count: number] | undefined;
}

function isAbove(element: string, bound: string): boolean {
  if (bound === '' || bound === '-') return true;
  if (bound === '+') return false;
  const key = bound.slice(1);
  return bound.startsWith('(') ? element > key : element >= key;
}

function isBelow(element: string, bound: string): boolean {
  if (bound === '' || bound === '+') return true;
  if (bound === '-') return false;
  const key = bound.slice(1);
  return bound.startsWith('(') ? element < key : element <= key;
}
