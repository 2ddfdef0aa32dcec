/**
 * What a set expression is once it is read: a tree of operations over keys (docs/setop.md draws the
 * grammar; parser.ts reads it, streams.ts runs it).
 *
 * Source of the language: https://github.com/zond/god, package `setop`.
 */
import type { Merge } from './merges.js';

/** Operations within operations. */
export const DEPTH_MAX = 32;
/** Keys and operations in all. */
export const OPERANDS_MAX = 1024;
export const EXPRESSION_BYTES_MAX = 128 * 1024;
/** How often Append and ConCat may repeat a value. */
export const REPEATS_MAX = 1000;

export type OperationKind = 'U' | 'I' | 'D' | 'X';

export interface Operation {
  readonly kind: OperationKind;
  readonly merge: Merge;
  readonly operands: readonly Operand[];
}

export interface Operand {
  /** A key, by its index in `Expression.keys`, or an operation. */
  readonly source: number | Operation;
  readonly weight: number;
}

export interface Expression {
  readonly root: Operation;
  /** In the order in which they stand; a key that stands twice is there twice. */
  readonly keys: readonly Buffer[];
}

/** Whether an element can have several values: Append keeps all that it gets. */
export function hasSeveralValues({ kind, merge, operands }: Operation): boolean {
  if (merge.name !== 'Append') return false;
  const counted = kind === 'D' ? operands.slice(0, 1) : operands;
  if ((kind === 'U' || kind === 'I') && counted.length > 1) return true;
  return counted.some(({ source, weight }) => {
    return weight !== 1 || (typeof source !== 'number' && hasSeveralValues(source));
  });
}

/** Whether merging values can fail: passing a single one on cannot. */
export function canFail(operation: Operation): boolean {
  if (!operation.merge.passesOn || hasSeveralValues(operation)) return true;
  return operation.operands.some(({ source }) => typeof source !== 'number' && canFail(source));
}
