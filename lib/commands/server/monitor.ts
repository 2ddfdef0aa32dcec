/** MONITOR: the session sees every command that the node executes, until RESET or QUIT. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { GATE_MONITOR, type Session } from '../../server/session.js';
import { ADMIN, type CommandRow } from '../command.js';

function monitor(session: Session, _args: Args, reply: ReplyWriter): void {
  const { server } = session;
  if (server.dispatcher.atomic) {
    reply.error("ERR MONITOR isn't allowed for DENY BLOCKING client");
    return;
  }
  session.setGate(GATE_MONITOR, true);
  server.startMonitoring(session);
  reply.ok();
}

export const monitorCommands: readonly CommandRow[] = [
  { name: 'monitor', arity: 1, flags: ADMIN, handler: monitor },
];
