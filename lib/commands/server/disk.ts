/** SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF, and what of DEBUG is about the disk. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Server } from '../../server/server.js';
import type { Session } from '../../server/session.js';
import { ADMIN, type CommandRow, FAST, NO_MULTI } from '../command.js';
import { SYNTAX_ERROR } from '../replies.js';
import { answerLater } from './later.js';

export const NO_DIR = 'ERR nothing is kept on disk: start the node with --dir';

const NO_SAVE =
  'ERR nothing is kept on disk: start the node with --dir, or write a file with `dhash backup` or ' +
  '`dhash export`';
const RELOAD_OPTIONS = ['MERGE', 'NOFLUSH', 'NOSAVE'];
const SAVE_IN_PROGRESS = 'ERR Background save already in progress';

/** Why a save cannot begin; undefined: it can. */
function saveRefusal(server: Server): string | undefined {
  const { persistence } = server;
  if (persistence === undefined) return NO_SAVE;
  if (persistence.saves.backgroundStartedMs !== undefined) return SAVE_IN_PROGRESS;
  if (persistence.failure !== undefined) return server.diskError();
  return undefined;
}

/** Answers once all that was written before it is synced; others go on meanwhile. */
function save(session: Session, _args: Args, reply: ReplyWriter): void {
  const { server } = session;
  const refusal = saveRefusal(server);
  if (refusal !== undefined) {
    reply.error(refusal);
    return;
  }
  const finish = answerLater(session);
  server.persistence!.save(false, (isSaved) => {
    finish((writer) => {
      if (isSaved) writer.ok();
      else writer.error(server.diskError());
    });
  });
}

/** BGSAVE [SCHEDULE]: there is never another child process to wait for. */
function saveInBackground({ server }: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > 2 || (args.count === 2 && !args.equalsIgnoreCase(1, 'SCHEDULE'))) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const refusal = saveRefusal(server);
  if (refusal !== undefined) {
    reply.error(refusal);
    return;
  }
  server.log.info({}, 'background saving started');
  server.persistence!.save(true, (isSaved) => {
    if (isSaved) server.log.info({}, 'background saving: all of it is on disk');
    else server.log.error({}, 'background saving failed');
  });
  reply.simple('Background saving started');
}

/** When the last save ended; if there was none, when the node was loaded, as Redis says too. */
function lastSave({ server }: Session, _args: Args, reply: ReplyWriter): void {
  reply.integer(Math.floor((server.persistence?.saves.lastSaveMs ?? server.startedMs) / 1000));
}

function rewrite({ server }: Session, _args: Args, reply: ReplyWriter): void {
  const { persistence } = server;
  if (persistence === undefined) reply.error(NO_DIR);
  else if (persistence.failure !== undefined) reply.error(server.diskError());
  else if (persistence.sweep !== undefined || persistence.isSweepScheduled) {
    reply.error('ERR Background append only file rewriting already in progress');
  } else if (server.dispatcher.atomic) {
    persistence.scheduleSweep();
    reply.simple('Background append only file rewriting scheduled');
  } else {
    persistence.startSweep();
    reply.simple('Background append only file rewriting started');
  }
}

/** Redis's options are for a file that is saved at times; here the disk has every write. */
function reloadOptionError(args: Args): string {
  for (let i = 2; i < args.count; i += 1) {
    const option = args.string(i).toUpperCase();
    if (!RELOAD_OPTIONS.includes(option)) {
      return 'ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.';
    }
  }
  const first = args.string(2).toUpperCase();
  return `ERR DEBUG RELOAD ${first} is not supported: all that is in memory is on disk, too`;
}

/** DEBUG RELOAD, DEBUG LOADAOF: forgets what is in memory and reads it from the disk. */
export function debugReload(session: Session, args: Args, reply: ReplyWriter): void {
  const { server } = session;
  const { persistence } = server;
  if (args.count > 2) {
    reply.error(reloadOptionError(args));
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
  { name: 'save', arity: 1, flags: ADMIN | NO_MULTI, handler: save },
  { name: 'bgsave', arity: -1, flags: ADMIN, handler: saveInBackground },
  { name: 'lastsave', arity: 1, flags: FAST, handler: lastSave },
  { name: 'bgrewriteaof', arity: 1, flags: ADMIN, handler: rewrite },
];
