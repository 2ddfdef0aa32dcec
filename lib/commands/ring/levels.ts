/** CONSISTENCY and AT: how many replicas a connection, or one request, asks for. */
import { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { levelName, levelOf } from '../../replication/levels.js';
import type { Session } from '../../server/session.js';
import { type CommandRow, NO_MULTI, NO_SCRIPT } from '../command.js';
import { SYNTAX_ERROR } from '../replies.js';

/** CONSISTENCY [READ level] [WRITE level]: sets what is given; tells both if nothing is. */
function consistency(session: Session, args: Args, reply: ReplyWriter): void {
  let { readLevel, writeLevel } = session;
  if (args.count % 2 === 0) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  for (let i = 1; i < args.count; i += 2) {
    const what = args.string(i).toLowerCase();
    const level = levelOf(args.string(i + 1));
    if (what !== 'read' && what !== 'write') {
      reply.error(SYNTAX_ERROR);
      return;
    }
    if (typeof level === 'string') {
      reply.error(level);
      return;
    }
    if (what === 'read') readLevel = level;
    else writeLevel = level;
  }
  if (args.count > 1) {
    session.setLevels(readLevel, writeLevel);
    reply.ok();
    return;
  }
  reply.map(2);
  reply.bulkLatin1('read');
  reply.bulkLatin1(levelName(readLevel));
  reply.bulkLatin1('write');
  reply.bulkLatin1(levelName(writeLevel));
}

/** AT level command ...: the command, at this level whether it reads or writes. */
function at(session: Session, args: Args, reply: ReplyWriter): void {
  const level = levelOf(args.string(1));
  if (typeof level === 'string') {
    reply.error(level);
    return;
  }
  const { readLevel, server, writeLevel } = session;
  const before = server.store.changeCount;
  session.setLevels(level, level);
  server.dispatcher.execute(session, withoutFirst(args, 2));
  session.noteWrites(before);
  // What it has still to do is at this level, too.
  if (session.suspended) session.levelsAfter = { readLevel, writeLevel };
  else session.setLevels(readLevel, writeLevel);
}

function withoutFirst(args: Args, count: number): Args {
  const rest = new Args();
  rest.buf = args.buf;
  rest.starts = args.starts.subarray(count);
  rest.ends = args.ends.subarray(count);
  rest.count = args.count - count;
  return rest;
}

export const levelCommands: readonly CommandRow[] = [
  { name: 'at', arity: -3, flags: NO_MULTI | NO_SCRIPT, handler: at },
  { name: 'consistency', arity: -1, flags: NO_MULTI | NO_SCRIPT, handler: consistency },
];
