/** SORT and SORT_RO. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { type CommandRow, READONLY, WRITE } from '../command.js';
import { refusesKey } from '../lookup.js';
import { sortKeys, sortOptions } from './sort-options.js';
import { SortTask } from './sort-task.js';

function sort(session: Session, args: Args, reply: ReplyWriter): void {
  const options = sortOptions(args, true, reply);
  if (options === undefined) return;
  if (options.target > 0 && refusesKey(args, options.target, reply)) return;
  new SortTask(session, args, reply, options).run();
}

function sortRo(session: Session, args: Args, reply: ReplyWriter): void {
  const options = sortOptions(args, false, reply);
  if (options !== undefined) new SortTask(session, args, reply, options).run();
}

export const sortCommands: readonly CommandRow[] = [
  { name: 'sort', arity: -2, flags: WRITE, keys: [1, 1, 1], findKeys: sortKeys, handler: sort },
  {
    name: 'sort_ro',
    arity: -2,
    flags: READONLY,
    keys: [1, 1, 1],
    findKeys: () => [1],
    handler: sortRo,
  },
];
