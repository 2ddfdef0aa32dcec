/** INFO [section ...]; the sections are in lib/server/info. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { infoText } from '../../server/info/info.js';
import type { Session } from '../../server/session.js';
import type { CommandRow } from '../command.js';

function info(session: Session, args: Args, reply: ReplyWriter): void {
  const names: string[] = [];
  for (let i = 1; i < args.count; i += 1) names.push(args.string(i));
  reply.verbatim('txt', infoText(session.server, names));
}

export const infoCommands: readonly CommandRow[] = [
  { name: 'info', arity: -1, flags: 0, handler: info },
];
