/** Arguments and replies that the commands on lists share. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_LIST } from '../../store/notify.js';
import { replyValue, SYNTAX_ERROR } from '../replies.js';

const INT64_MAX = 2 ** 63;

/** An end of a list. */
export type Where = 'LEFT' | 'RIGHT';
export const ENDS = ['LEFT', 'RIGHT'] as const;

/** LEFT or RIGHT in argument `i`; undefined, the error replied, if it is neither. */
export function whereOf(args: Args, i: number, reply: ReplyWriter): Where | undefined {
  if (args.equalsIgnoreCase(i, 'LEFT')) return 'LEFT';
  if (args.equalsIgnoreCase(i, 'RIGHT')) return 'RIGHT';
  reply.error(SYNTAX_ERROR);
  return undefined;
}

/** An integer of at least `min` in argument `i`; NaN, the error replied, if it is not one. */
export function integerFrom(
  args: Args,
  i: number,
  min: number,
  error: string,
  reply: ReplyWriter,
): number {
  const value = args.int64(i);
  if (value >= min && value <= INT64_MAX) return value;
  reply.error(error);
  return Number.NaN;
}

/** Takes the element at an end of a list that is not empty and writes it. */
export function replyPopped(reply: ReplyWriter, list: Collection, where: Where): void {
  const { database, elements } = list;
  const element = where === 'LEFT' ? elements.first() : elements.last();
  replyValue(reply, database, element);
  list.removeFound(element);
}

/** Tells of what has been taken from an end. */
export function notifyPopped(list: Collection, where: Where): void {
  list.notify(NOTIFY_LIST, where === 'LEFT' ? 'lpop' : 'rpop');
}
