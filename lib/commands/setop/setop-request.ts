/** What SETOP was asked for, read and checked. It owns its bytes. */
import { Args } from '../../../resp/args.js';
import { TYPE_SET } from '../../types/types.js';
import { type Expression, hasSeveralValues } from './expression.js';
import { ExpressionError, parseExpression } from './parser.js';
import { readSetopOptions, type SetopOptions } from './setop-options.js';

/** Position of the expression. */
const EXPRESSION_AT = 1;
const SEVERAL_VALUES =
  'ERR Append gives an element several values: to STORE them name another merge function, or AS SET';

export interface SetopRequest {
  readonly expression: Expression;
  readonly options: SetopOptions;
  /** The arguments of the command, which bounds stand in. */
  readonly bounds: Args;
  /** The key to store at, or nothing; then the keys of the expression, in its order. */
  readonly keys: Args;
  /** Whether an element can have several values, which are told as an array then. */
  readonly isMany: boolean;
}

/** Reads a request, or the text of an error. */
export function readSetopRequest(args: Args): SetopRequest | string {
  const options = readSetopOptions(args, EXPRESSION_AT + 1);
  if (typeof options === 'string') return options;
  try {
    const [from, to] = [args.starts[EXPRESSION_AT]!, args.ends[EXPRESSION_AT]!];
    const expression = parseExpression(args.buf, from, to);
    const { target, targetType } = options;
    const isMany = hasSeveralValues(expression.root);
    if (isMany && target > 0 && targetType !== TYPE_SET) return SEVERAL_VALUES;
    const keys = Args.of(target === 0 ? '' : args.bytes(target), ...expression.keys);
    return { expression, options, bounds: args.clone(), keys, isMany };
  } catch (error) {
    if (error instanceof ExpressionError) return `ERR ${error.message}`;
    throw error;
  }
}
