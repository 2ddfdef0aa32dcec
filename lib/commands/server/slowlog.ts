/** SLOWLOG: reads what lib/server/slowlog.ts keeps. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { ADMIN, type CommandRow } from '../command.js';
import { helpRow } from '../help.js';
import { unknownSubcommand } from '../replies.js';

const COUNT_DEFAULT = 10;

/** SLOWLOG GET [count]; -1 = all. */
function get(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > 3) {
    reply.error("ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.");
    return;
  }
  const { entries } = session.server.slowlog;
  let count = args.count === 3 ? args.int64(2) : COUNT_DEFAULT;
  if (!(count >= -1)) {
    reply.error('ERR count should be greater than or equal to -1');
    return;
  }
  if (count === -1 || count > entries.length) count = entries.length;
  reply.array(count);
  for (const entry of entries.slice(0, count)) {
    reply.array(6);
    reply.integer(entry.id);
    reply.integer(entry.atSeconds);
    reply.integer(entry.usec);
    reply.array(entry.args.length);
    for (const arg of entry.args) reply.bulkLatin1(arg);
    reply.bulkLatin1(entry.client);
    reply.bulkLatin1(entry.clientName);
  }
}

function length(session: Session, _args: Args, reply: ReplyWriter): void {
  reply.integer(session.server.slowlog.entries.length);
}

function reset(session: Session, _args: Args, reply: ReplyWriter): void {
  session.server.slowlog.reset();
  reply.ok();
}

export const slowlogCommands: readonly CommandRow[] = [
  {
    name: 'slowlog',
    arity: -2,
    flags: 0,
    handler: (_session, args, reply) => reply.error(unknownSubcommand('slowlog', args.string(1))),
    subcommands: [
      { name: 'get', arity: -2, flags: ADMIN, handler: get },
      helpRow('slowlog', [
        'GET [<count>]',
        '    Return top <count> entries from the slowlog (default: 10, -1 mean all).',
        '    Entries are made of:',
        '    id, timestamp, time in microseconds, arguments array, client IP and port,',
        '    client name',
        'LEN',
        '    Return the length of the slowlog.',
        'RESET',
        '    Reset the slowlog.',
      ]),
      { name: 'len', arity: 2, flags: ADMIN, handler: length },
      { name: 'reset', arity: 2, flags: ADMIN, handler: reset },
    ],
  },
];
