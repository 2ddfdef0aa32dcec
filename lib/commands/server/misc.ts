/** TIME, ROLE, SHUTDOWN, MODULE. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { parseMemberAddress } from '../../ring/member-address.js';
import type { Session } from '../../server/session.js';
import { ADMIN, type CommandRow, FAST, NO_MULTI } from '../command.js';
import { helpRow } from '../help.js';
import { refused } from '../refuse.js';
import { SYNTAX_ERROR, unknownSubcommand } from '../replies.js';
import { NO_DIR } from './disk.js';

const NO_MODULES = 'ERR modules of Redis cannot be loaded: they are made for its memory';

function time(session: Session, _args: Args, reply: ReplyWriter): void {
  const nowMs = session.server.store.world.clock.wallMs();
  const seconds = Math.floor(nowMs / 1000);
  reply.array(2);
  reply.bulkLatin1(String(seconds));
  reply.bulkLatin1(String(Math.floor((nowMs - seconds * 1000) * 1000)));
}

/** Each member takes reads and writes of all keys, so it is a master, and those that live its replicas. */
function role({ server }: Session, _args: Args, reply: ReplyWriter): void {
  const { replication } = server;
  const streams = [...(replication?.streams ?? [])].filter(({ isAlive }) => isAlive);
  reply.array(3);
  reply.bulkLatin1('master');
  reply.integer(replication === undefined ? 0 : replication.turn - 1);
  reply.array(streams.length);
  for (const { acknowledgedBatches, address } of streams) {
    const { host, port } = parseMemberAddress(address)!;
    reply.array(3);
    reply.bulkLatin1(host);
    reply.bulkLatin1(String(port));
    reply.bulkLatin1(String(acknowledgedBatches));
  }
}

/** SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE] [ABORT]: answers by closing the connection. */
function shutdown(session: Session, args: Args, reply: ReplyWriter): void {
  const options = new Set<string>();
  for (let i = 1; i < args.count; i += 1) options.add(args.string(i).toUpperCase());
  const known = ['NOSAVE', 'SAVE', 'NOW', 'FORCE', 'ABORT'];
  const isWrong = [...options].some((option) => !known.includes(option));
  const isAbort = options.has('ABORT');
  if (isWrong || (options.has('SAVE') && options.has('NOSAVE')) || (isAbort && args.count > 2)) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  if (isAbort) {
    reply.error('ERR No shutdown in progress.');
    return;
  }
  const { runner } = session.server.scripts;
  if (runner.running !== undefined && !options.has('NOSAVE')) {
    reply.error(runner.busyError);
    return;
  }
  if (options.has('SAVE') && session.server.persistence === undefined) {
    reply.error(NO_DIR);
    return;
  }
  session.server.log.info({ client: session.carrier.remote }, 'SHUTDOWN: a client asked to stop');
  session.closing = true;
  session.server.processInfo.shutdown();
}

function moduleList(_session: Session, _args: Args, reply: ReplyWriter): void {
  reply.emptyArray();
}

export const miscCommands: readonly CommandRow[] = [
  { name: 'time', arity: 1, flags: FAST, handler: time },
  { name: 'role', arity: 1, flags: FAST, handler: role },
  { name: 'shutdown', arity: -1, flags: ADMIN | NO_MULTI, handler: shutdown },
  {
    name: 'module',
    arity: -2,
    flags: 0,
    handler: (_session, args, reply) => reply.error(unknownSubcommand('module', args.string(1))),
    subcommands: [
      helpRow('module', ['LIST', '    Return a list of loaded modules: always empty.']),
      { name: 'list', arity: 2, flags: ADMIN, handler: moduleList },
      refused('load', -3, ADMIN, NO_MODULES),
      refused('loadex', -3, ADMIN, NO_MODULES),
      refused('unload', 3, ADMIN, NO_MODULES),
    ],
  },
];
