/**
 * The options of SETOP, in any order:
 *
 *   [MIN bound] [MAX bound] [REV] [LIMIT offset count] [WITHVALUES] [STORE key [AS HASH|SET|ZSET]]
 */
import type { Args } from '../../../resp/args.js';
import { TYPE_HASH, TYPE_SET, TYPE_ZSET } from '../../types/types.js';
import { BAD_INTERVAL, isBound } from '../ordered/interval.js';
import { NOT_INTEGER, SYNTAX_ERROR } from '../replies.js';

export interface SetopOptions {
  /** The arguments that are bounds; 0: none. */
  min: number;
  max: number;
  reverse: boolean;
  offset: number;
  /** Negative: all. */
  count: number;
  withValues: boolean;
  /** The argument that is the key to store at; 0: none. */
  target: number;
  targetType: number;
}

/** The options from argument `from` on, or the text of an error. */
export function readSetopOptions(args: Args, from: number): SetopOptions | string {
  const options: SetopOptions = {
    min: 0,
    max: 0,
    reverse: false,
    offset: 0,
    count: -1,
    withValues: false,
    target: 0,
    targetType: TYPE_HASH,
  };
  for (let i = from; i < args.count; ) {
    const next = readOption(options, args, i);
    if (typeof next === 'string') return next;
    i = next;
  }
  return options.target > 0 && options.withValues ? SYNTAX_ERROR : options;
}

/** Reads the option in argument `i`; the argument behind it, or the text of an error. */
function readOption(options: SetopOptions, args: Args, i: number): number | string {
  const left = args.count - i - 1;
  const isMin = args.equalsIgnoreCase(i, 'MIN');
  if (left >= 1 && (isMin || args.equalsIgnoreCase(i, 'MAX'))) {
    options[isMin ? 'min' : 'max'] = i + 1;
    return isBound(args, i + 1) ? i + 2 : BAD_INTERVAL;
  }
  if (args.equalsIgnoreCase(i, 'REV')) {
    options.reverse = true;
    return i + 1;
  }
  if (args.equalsIgnoreCase(i, 'WITHVALUES')) {
    options.withValues = true;
    return i + 1;
  }
  if (left >= 2 && args.equalsIgnoreCase(i, 'LIMIT')) {
    options.offset = args.int64(i + 1);
    options.count = args.int64(i + 2);
    return Number.isNaN(options.offset + options.count) ? NOT_INTEGER : i + 3;
  }
  if (left >= 1 && args.equalsIgnoreCase(i, 'STORE')) {
    options.target = i + 1;
    return readTargetType(options, args, i + 2);
  }
  return SYNTAX_ERROR;
}

function readTargetType(options: SetopOptions, args: Args, i: number): number | string {
  if (i >= args.count || !args.equalsIgnoreCase(i, 'AS')) return i;
  if (i + 1 === args.count) return SYNTAX_ERROR;
  if (args.equalsIgnoreCase(i + 1, 'HASH')) options.targetType = TYPE_HASH;
  else if (args.equalsIgnoreCase(i + 1, 'SET')) options.targetType = TYPE_SET;
  else if (args.equalsIgnoreCase(i + 1, 'ZSET')) options.targetType = TYPE_ZSET;
  else return SYNTAX_ERROR;
  return i + 2;
}
