/**
 * The arguments of ZUNION and its kin, behind the operands:
 *
 *   [WEIGHTS weight ...] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]      ZINTERCARD: [LIMIT limit]
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { SYNTAX_ERROR } from '../replies.js';

export type Aggregate = 'sum' | 'min' | 'max';

/** Which options a command takes. */
export interface CombineForm {
  /** WEIGHTS and AGGREGATE. */
  readonly takesWeights: boolean;
  readonly takesScores: boolean;
  readonly takesLimit: boolean;
}

export interface CombineOptions {
  /** One for each operand; undefined: all 1. */
  weights: Float64Array | undefined;
  aggregate: Aggregate;
  withScores: boolean;
  /** 0: none. */
  limit: number;
}

/** The options from argument `i` on; undefined if an error was replied. */
export function combineOptions(
  args: Args,
  i: number,
  keyCount: number,
  form: CombineForm,
  reply: ReplyWriter,
): CombineOptions | undefined {
  const options: CombineOptions = {
    weights: undefined,
    aggregate: 'sum',
    withScores: false,
    limit: 0,
  };
  for (let at = i; at < args.count; ) {
    const left = args.count - at;
    if (form.takesWeights && left > keyCount && args.equalsIgnoreCase(at, 'WEIGHTS')) {
      options.weights = readWeights(args, at + 1, keyCount, reply);
      if (options.weights === undefined) return undefined;
      at += 1 + keyCount;
    } else if (form.takesWeights && left >= 2 && args.equalsIgnoreCase(at, 'AGGREGATE')) {
      const aggregate = aggregateOf(args, at + 1);
      if (aggregate === undefined) break;
      options.aggregate = aggregate;
      at += 2;
    } else if (form.takesScores && args.equalsIgnoreCase(at, 'WITHSCORES')) {
      options.withScores = true;
      at += 1;
    } else if (form.takesLimit && left >= 2 && args.equalsIgnoreCase(at, 'LIMIT')) {
      options.limit = args.int64(at + 1);
      if (!(options.limit >= 0)) {
        reply.error("ERR LIMIT can't be negative");
        return undefined;
      }
      at += 2;
    } else {
      break;
    }
    if (at === args.count) return options;
  }
  if (i === args.count) return options;
  reply.error(SYNTAX_ERROR);
  return undefined;
}

function readWeights(
  args: Args,
  from: number,
  count: number,
  reply: ReplyWriter,
): Float64Array | undefined {
  const weights = new Float64Array(count);
  for (let k = 0; k < count; k += 1) {
    weights[k] = args.float(from + k);
    if (Number.isNaN(weights[k])) {
      reply.error('ERR weight value is not a float');
      return undefined;
    }
  }
  return weights;
}

function aggregateOf(args: Args, i: number): Aggregate | undefined {
  if (args.equalsIgnoreCase(i, 'SUM')) return 'sum';
  if (args.equalsIgnoreCase(i, 'MIN')) return 'min';
  return args.equalsIgnoreCase(i, 'MAX') ? 'max' : undefined;
}

/** Puts the weighted score of one more operand to what the ones before it gave. */
export function aggregated(so: Aggregate, before: number, score: number): number {
  if (so === 'min') return score < before ? score : before;
  if (so === 'max') return score > before ? score : before;
  return numberOr0(before + score);
}

/** Infinities that cancel each other, or that have no weight, count as 0. */
export function numberOr0(score: number): number {
  return Number.isNaN(score) ? 0 : score;
}
