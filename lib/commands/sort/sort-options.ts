/**
 * What SORT and SORT_RO are asked for:
 *
 *    key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC|DESC] [ALPHA] [STORE destination]
 *
 * in any order; of an option that comes twice the last one counts, but a BY without a `*` makes
 * that nothing is sorted, whatever other BY there is. Source: Redis sort.c.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { NOT_INTEGER, SYNTAX_ERROR } from '../replies.js';
import { KeyPattern } from './key-pattern.js';

export interface SortOptions {
  /** Whose values are sorted by; undefined: the elements themselves. */
  by: KeyPattern | undefined;
  /** As they stand in the collection. */
  isUnsorted: boolean;
  isDescending: boolean;
  isAlpha: boolean;
  /** Of the first that is told. */
  offset: number;
  /** How many are told; negative: all. */
  count: number;
  readonly gets: KeyPattern[];
  /** The argument that is the key to store at; 0: none. */
  target: number;
}

/** undefined if an error was replied. */
export function sortOptions(
  args: Args,
  takesStore: boolean,
  reply: ReplyWriter,
): SortOptions | undefined {
  const options: SortOptions = {
    by: undefined,
    isUnsorted: false,
    isDescending: false,
    isAlpha: false,
    offset: 0,
    count: -1,
    gets: [],
    target: 0,
  };
  for (let i = 2; i < args.count; ) {
    const taken = readOption(options, args, i, takesStore);
    if (taken === 0) reply.error(SYNTAX_ERROR);
    if (taken < 0) reply.error(NOT_INTEGER);
    if (taken <= 0) return undefined;
    i += taken;
  }
  return options;
}

/** How many arguments the option at `i` takes; 0: there is no such option; -1: no integer. */
function readOption(options: SortOptions, args: Args, i: number, takesStore: boolean): number {
  const more = args.count - i - 1;
  if (args.equalsIgnoreCase(i, 'ASC')) {
    options.isDescending = false;
    return 1;
  }
  if (args.equalsIgnoreCase(i, 'DESC')) {
    options.isDescending = true;
    return 1;
  }
  if (args.equalsIgnoreCase(i, 'ALPHA')) {
    options.isAlpha = true;
    return 1;
  }
  if (args.equalsIgnoreCase(i, 'LIMIT') && more >= 2) {
    options.offset = args.int64(i + 1);
    options.count = args.int64(i + 2);
    return Number.isNaN(options.offset) || Number.isNaN(options.count) ? -1 : 3;
  }
  if (takesStore && args.equalsIgnoreCase(i, 'STORE') && more >= 1) {
    options.target = i + 1;
    return 2;
  }
  if (args.equalsIgnoreCase(i, 'BY') && more >= 1) {
    options.by = new KeyPattern(args.bytes(i + 1));
    if (!options.by.hasPlace) options.isUnsorted = true;
    return 2;
  }
  if (args.equalsIgnoreCase(i, 'GET') && more >= 1) {
    options.gets.push(new KeyPattern(args.bytes(i + 1)));
    return 2;
  }
  return 0;
}

/** The arguments that are keys: what is sorted, and the last STORE. */
export function sortKeys(args: Args): number[] {
  let target = 0;
  for (let i = 2; i < args.count; i += 1) {
    if (args.equalsIgnoreCase(i, 'LIMIT')) i += 2;
    else if (args.equalsIgnoreCase(i, 'GET') || args.equalsIgnoreCase(i, 'BY')) i += 1;
    else if (args.equalsIgnoreCase(i, 'STORE') && i + 1 < args.count) target = i + 1;
  }
  return target === 0 ? [1] : [1, target];
}

/** The patterns of BY and GET that lead to other keys. */
export function sortPatterns(args: Args): Buffer[] {
  const patterns: Buffer[] = [];
  for (let i = 2; i + 1 < args.count; i += 1) {
    const isPattern = args.equalsIgnoreCase(i, 'GET') || args.equalsIgnoreCase(i, 'BY');
    if (args.equalsIgnoreCase(i, 'LIMIT')) i += 2;
    else if (args.equalsIgnoreCase(i, 'STORE')) i += 1;
    if (!isPattern) continue;
    i += 1;
    const pattern = args.bytes(i);
    if (new KeyPattern(pattern).hasPlace) patterns.push(pattern);
  }
  return patterns;
}
