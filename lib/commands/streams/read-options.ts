/** What XREAD and XREADGROUP are asked for. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { blockMs } from '../block-timeout.js';
import { SYNTAX_ERROR } from '../replies.js';
import { readInteger, refusesName } from './ids.js';

export interface ReadOptions {
  /** Of each stream; 0: all. */
  readonly count: number;
  /** -1: it does not wait. */
  readonly timeoutMs: number;
  /** What is delivered is not pending. */
  readonly isNoAck: boolean;
  /** The argument that names the group, before that of the consumer. 0: XREAD. */
  readonly groupAt: number;
  /** The first key, and how many; as many ids follow. */
  readonly first: number;
  readonly streams: number;
}

/** Undefined if an error was replied. */
export function readOptions(
  args: Args,
  isOfGroup: boolean,
  isScript: boolean,
  reply: ReplyWriter,
): ReadOptions | undefined {
  const options = {
    count: 0,
    timeoutMs: -1,
    isNoAck: false,
    groupAt: 0,
    first: 0,
    streams: 0,
  };
  for (let i = 1; i < args.count && options.first === 0; i += 1) {
    const left = args.count - i - 1;
    if (left > 0 && args.equalsIgnoreCase(i, 'BLOCK')) {
      if (isScript) return fail(reply, notFromScripts(args));
      i += 1;
      options.timeoutMs = blockMs(args, i, reply);
      if (options.timeoutMs < 0) return undefined;
    } else if (left > 0 && args.equalsIgnoreCase(i, 'COUNT')) {
      i += 1;
      const count = readInteger(args, i, reply);
      if (Number.isNaN(count)) return undefined;
      options.count = Math.max(0, count);
    } else if (left > 0 && args.equalsIgnoreCase(i, 'STREAMS')) {
      if (left % 2 !== 0) return fail(reply, unbalanced(isOfGroup));
      options.first = i + 1;
      options.streams = left / 2;
    } else if (left > 1 && args.equalsIgnoreCase(i, 'GROUP')) {
      if (!isOfGroup) return fail(reply, onlyOfGroups('GROUP'));
      options.groupAt = i + 1;
      i += 2;
    } else if (args.equalsIgnoreCase(i, 'NOACK')) {
      if (!isOfGroup) return fail(reply, onlyOfGroups('NOACK'));
      options.isNoAck = true;
    } else {
      return fail(reply, SYNTAX_ERROR);
    }
  }
  if (options.first === 0) return fail(reply, SYNTAX_ERROR);
  if (!isOfGroup) return options;
  if (options.groupAt === 0) return fail(reply, 'ERR Missing GROUP option for XREADGROUP');
  return refusesName(args, options.groupAt + 1, reply) ? undefined : options;
}

function unbalanced(isOfGroup: boolean): string {
  return (
    `ERR Unbalanced '${isOfGroup ? 'xreadgroup' : 'xread'}' list of streams: for each stream key an` +
    ` ID or '${isOfGroup ? '>' : '$'}' must be specified.`
  );
}

function onlyOfGroups(option: string): string {
  return `ERR The ${option} option is only supported by XREADGROUP. You called XREAD instead.`;
}

function notFromScripts(args: Args): string {
  return `ERR ${args.string(0)} command is not allowed with BLOCK option from scripts`;
}

function fail(reply: ReplyWriter, error: string): undefined {
  reply.error(error);
  return undefined;
}
