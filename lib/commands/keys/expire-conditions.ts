/** NX, XX, GT and LT: what must hold of an expiry for EXPIRE, HEXPIRE and their kin to set another. */
import type { Args } from '../../../resp/args.js';

export const NX = 1;
export const XX = 2;
export const GT = 4;
export const LT = 8;

/** The condition in argument `i`; 0: it is none. */
export function conditionOf(args: Args, i: number): number {
  if (args.equalsIgnoreCase(i, 'NX')) return NX;
  if (args.equalsIgnoreCase(i, 'XX')) return XX;
  if (args.equalsIgnoreCase(i, 'GT')) return GT;
  return args.equalsIgnoreCase(i, 'LT') ? LT : 0;
}

/** What has no expiry (0) lives for ever, which is longer than any time. */
export function holds(conditions: number, timeMs: number, oldMs: number): boolean {
  if (conditions === 0) return true;
  if ((conditions & NX) !== 0 && oldMs !== 0) return false;
  if ((conditions & XX) !== 0 && oldMs === 0) return false;
  if ((conditions & GT) !== 0 && (oldMs === 0 || timeMs <= oldMs)) return false;
  return (conditions & LT) === 0 || oldMs === 0 || timeMs < oldMs;
}
