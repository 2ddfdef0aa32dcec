/** `CONTAINER HELP`, in Redis's form. */
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { CommandRow } from './command.js';

/** Writes the help of a container command; `lines` come without the ones on HELP itself. */
export function replyHelp(reply: ReplyWriter, container: string, lines: readonly string[]): void {
  const all = [
    `${container.toUpperCase()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
    ...lines,
    'HELP',
    '    Prints this help.',
  ];
  reply.array(all.length);
  for (const line of all) reply.simple(line);
}

/** The row of the subcommand HELP. */
export function helpRow(container: string, lines: readonly string[]): CommandRow {
  return {
    name: 'help',
    arity: 2,
    flags: 0,
    handler: (_session, _args, reply) => replyHelp(reply, container, lines),
  };
}
