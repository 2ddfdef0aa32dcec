/**
 * The merge functions of set expressions: what becomes of the values that an element has in several
 * operands, in their order. The names are god's; the ones that it lacks are in its style.
 *
 *   Append ConCat First Last                               pass values on
 *   Integer...  int64     BigInt...  any length     Float...  doubles
 *
 * Why one step at a time (`step(so far, next)`): values come from a walk over operands, and a list
 * of all of them would be built only to be thrown away.
 */
import { REPEATS_MAX } from './expression.js';
import {
  checkedBig,
  checkedFloat,
  checkedInteger,
  MERGED_BYTES_MAX,
  MergeError,
  toBig,
  toBytes,
  toFloat,
  toInteger,
  type Value,
} from './values.js';

/** Values that an element has at most. */
const VALUES_MAX = 64 * 1024;

/** Weights that a merge takes: any, whole ones, how often a value is repeated, or none. */
export type WeightKind = 'any' | 'whole' | 'repeats' | 'none';

export interface Merge {
  readonly name: string;
  readonly weights: WeightKind;
  /** Whether values leave as they came: numbers are not made of them. */
  readonly passesOn: boolean;
  /** The one value that counts: others need not be read. */
  readonly picks?: 'first' | 'last';
  /** Takes one more value into what there is so far: [] or one value, with Append any number. */
  readonly take: (merged: Value[], value: Value, weight: number) => void;
}

/** Of an operand that has several values, First and Last take the first and the last too. */
const FIRST: Merge = {
  name: 'First',
  weights: 'none',
  passesOn: true,
  picks: 'first',
  take: (merged, value) => {
    merged[0] ??= value;
  },
};
const LAST: Merge = {
  name: 'Last',
  weights: 'none',
  passesOn: true,
  picks: 'last',
  take: (merged, value) => {
    merged[0] = value;
  },
};

function integer(name: string, step: (a: bigint, b: bigint) => bigint): Merge {
  const take = (merged: Value[], value: Value, weight: number): void => {
    const weighed = checkedInteger(toInteger(value) * BigInt(weight));
    const before = merged[0] as bigint | undefined;
    merged[0] = before === undefined ? weighed : checkedInteger(step(before, weighed));
  };
  return { name: `Integer${name}`, weights: 'whole', passesOn: false, take };
}

function big(name: string, step: (a: bigint, b: bigint) => bigint): Merge {
  const take = (merged: Value[], value: Value, weight: number): void => {
    const weighed = checkedBig(toBig(value) * BigInt(weight));
    const before = merged[0] as bigint | undefined;
    merged[0] = before === undefined ? weighed : checkedBig(step(before, weighed));
  };
  return { name: `BigInt${name}`, weights: 'whole', passesOn: false, take };
}

function float(name: string, step: (a: number, b: number) => number): Merge {
  const take = (merged: Value[], value: Value, weight: number): void => {
    const weighed = checkedFloat(toFloat(value) * weight);
    const before = merged[0] as number | undefined;
    merged[0] = before === undefined ? weighed : checkedFloat(step(before, weighed));
  };
  return { name: `Float${name}`, weights: 'any', passesOn: false, take };
}

function append(merged: Value[], value: Value, times: number): void {
  if (merged.length + times > VALUES_MAX) throw new MergeError('too many values');
  for (let i = 0; i < times; i += 1) merged.push(value);
}

function concat(merged: Value[], value: Value, times: number): void {
  const bytes = toBytes(value);
  const before = merged[0] as Buffer | undefined;
  if (before === undefined && times === 1) {
    merged[0] = bytes;
    return;
  }
  const total = (before?.length ?? 0) + bytes.length * times;
  if (total > MERGED_BYTES_MAX) throw new MergeError('result is too long');
  const repeated = new Array<Buffer>(times).fill(bytes);
  merged[0] = Buffer.concat(before === undefined ? repeated : [before, ...repeated]);
}

function divisor<T extends number | bigint>(value: T): T {
  if (Number(value) === 0) throw new MergeError('division by zero');
  return value;
}

/** As Go's Int.Mod, which god uses: never negative. */
function modulus(a: bigint, b: bigint): bigint {
  const rest = a % divisor(b);
  return rest >= 0n ? rest : rest + (b < 0n ? -b : b);
}

const ADD = (a: bigint, b: bigint): bigint => a + b;
const SUB = (a: bigint, b: bigint): bigint => a - b;
const MUL = (a: bigint, b: bigint): bigint => a * b;
const MIN = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const MAX = (a: bigint, b: bigint): bigint => (a > b ? a : b);

const APPEND: Merge = { name: 'Append', weights: 'repeats', passesOn: true, take: append };

/** In the order in which errors and documents tell them. */
export const merges: readonly Merge[] = [
  APPEND,
  { name: 'ConCat', weights: 'repeats', passesOn: false, take: concat },
  FIRST,
  LAST,
  integer('Sum', ADD),
  integer('Sub', SUB),
  integer('Mul', MUL),
  integer('Div', (a, b) => a / divisor(b)),
  integer('Min', MIN),
  integer('Max', MAX),
  float('Sum', (a, b) => a + b),
  float('Sub', (a, b) => a - b),
  float('Mul', (a, b) => a * b),
  float('Div', (a, b) => a / divisor(b)),
  float('Min', Math.min),
  float('Max', Math.max),
  big('Add', ADD),
  big('Sub', SUB),
  big('Mul', MUL),
  big('Div', (a, b) => (a - modulus(a, b)) / b),
  big('Mod', modulus),
  big('Rem', (a, b) => a % divisor(b)),
  big('And', (a, b) => a & b),
  big('AndNot', (a, b) => a & ~b),
  big('Or', (a, b) => a | b),
  big('Xor', (a, b) => a ^ b),
  big('Min', MIN),
  big('Max', MAX),
];

/** What an expression has that names none, as in god. */
export const DEFAULT_MERGE = APPEND;

const byName = new Map(merges.map((merge) => [merge.name.toLowerCase(), merge]));

/** The merge of a name in any case. */
export function mergeNamed(name: string): Merge | undefined {
  return byName.get(name.toLowerCase());
}

/** Why a merge does not take a weight; undefined: it does. */
export function refusesWeight({ name, weights }: Merge, weight: number): string | undefined {
  if (weights === 'none') return `${name} takes no weights`;
  if (weights === 'whole' && !Number.isSafeInteger(weight)) return `${name} takes whole weights`;
  const isCount = Number.isInteger(weight) && weight >= 1 && weight <= REPEATS_MAX;
  if (weights !== 'repeats' || isCount) return undefined;
  return `${name} repeats a value 1 to ${REPEATS_MAX} times`;
}
