/** BGREWRITEAOF, and what of DEBUG is about the disk. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { ADMIN, type CommandRow } from '../command.js';
import { SYNTAX_ERROR } from '../replies.js';
import { answerLater } from './later.js';

export const NO_DIR = 'ERR nothing is kept on disk: start the node with --dir';

function rewrite({ server }: Session, _args: Args, reply: ReplyWriter): void {
  const { persistence } = server;
  if (persistence === undefined) reply.error(NO_DIR);
  else if (persistence.failure !== undefined) reply.error(server.diskError());
  else if (persistence.startSweep()) {
    reply.simple('Background append only file rewriting started');
  } else {
    reply.error('ERR Background append only file rewriting already in progress');
  }
}

/** DEBUG RELOAD, DEBUG LOADAOF: forgets what is in memory and reads it from the disk. */
export function debugReload(session: Session, args: Args, reply: ReplyWriter): void {
  const { server } = session;
  const { persistence } = server;
  if (args.count > 2) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  if (persistence === undefined) {
    reply.error(NO_DIR);
    return;
  }
  if (persistence.failure !== undefined) {
    reply.error(server.diskError());
    return;
  }
  if (server.dispatcher.atomic || persistence.isLoading) {
    reply.error('ERR DEBUG RELOAD is not allowed here');
    return;
  }
  const finish = answerLater(session);
  // Others wait, as they do in Redis.
  const { pausedUntilMs, pauseAll } = server;
  server.pause(Number.POSITIVE_INFINITY, true);
  const goOn = (error?: unknown): void => {
    server.followDisk();
    server.unpause();
    if (pausedUntilMs !== 0) server.pause(pausedUntilMs, pauseAll);
    if (error !== undefined) server.log.error({ err: error }, 'DEBUG RELOAD failed');
    finish((writer) => {
      if (error === undefined) writer.ok();
      else writer.error('ERR Error trying to load the RDB dump');
    });
  };
  persistence.reload().then(() => goOn(), goOn);
}

export const diskCommands: readonly CommandRow[] = [
  { name: 'bgrewriteaof', arity: 1, flags: ADMIN, handler: rewrite },
];
