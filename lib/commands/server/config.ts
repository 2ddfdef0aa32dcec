/** CONFIG over `Settings`, and the counters that RESETSTAT puts back to zero. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Server } from '../../server/server.js';
import type { Session } from '../../server/session.js';
import { ADMIN, type Command, type CommandRow } from '../command.js';
import { helpRow } from '../help.js';
import { SYNTAX_ERROR, wrongArity } from '../replies.js';
import { answerLater } from './later.js';

function get(session: Session, args: Args, reply: ReplyWriter): void {
  const patterns: string[] = [];
  for (let i = 2; i < args.count; i += 1) patterns.push(args.utf8(i));
  const found = session.server.settings.get(...patterns);
  reply.map(found.length);
  for (const [name, value] of found) {
    reply.bulkString(name);
    reply.bulkString(value);
  }
}

function set(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count % 2 !== 0) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const pairs: [string, string][] = [];
  for (let i = 2; i < args.count; i += 2) pairs.push([args.string(i), args.utf8(i + 1)]);
  const { server } = session;
  const refusal = server.settings.set(pairs);
  if (refusal !== undefined) {
    reply.error(refusal);
    return;
  }
  server.slowlog.trim(server.settings.slowlogMaxLen);
  if (server.settings.requirepass === '') admitAll(server);
  reply.ok();
}

/** Nobody need authenticate any more. */
function admitAll(server: Server): void {
  for (const session of server.sessions.values()) {
    if (!session.authenticated) session.setAuthenticated(true);
  }
}

function resetStatistics(session: Session, _args: Args, reply: ReplyWriter): void {
  const { server } = session;
  const { store } = server;
  server.connectionsReceived = 0;
  server.connectionsRejected = 0;
  server.bytesIn = 0;
  server.bytesOut = 0;
  server.reads = 0;
  server.writes = 0;
  server.totalErrors = 0;
  server.deniedLogins = 0;
  server.errorCounts.clear();
  store.keyspaceHits = 0;
  store.keyspaceMisses = 0;
  store.expiredKeys = 0;
  store.expiredElements = 0;
  store.eviction.evictedKeys = 0;
  for (const command of server.dispatcher.commands.values()) resetCommand(command);
  reply.ok();
}

function resetCommand(command: Command): void {
  command.stats.reset();
  for (const child of command.children?.values() ?? []) child.stats.reset();
}

/** CONFIG REWRITE: reads the file, puts today's values into it and writes it back. */
function rewrite(session: Session, _args: Args, reply: ReplyWriter): void {
  const { server } = session;
  const file = server.processInfo.config;
  if (file === undefined) {
    reply.error('ERR The server is running without a config file');
    return;
  }
  if (server.dispatcher.atomic) {
    reply.error('ERR CONFIG REWRITE is not allowed inside a transaction');
    return;
  }
  const finish = answerLater(session);
  const work = file.read().then((text) => file.write(server.settings.rewrite(text)));
  work.then(
    () => finish((writer) => writer.ok()),
    (error: unknown) => {
      server.log.warn({ err: error }, 'CONFIG REWRITE failed');
      const why = error instanceof Error ? error.message : String(error);
      finish((writer) => writer.error(`ERR Rewriting config file: ${why}`));
    },
  );
}

export const configCommands: readonly CommandRow[] = [
  {
    name: 'config',
    arity: -2,
    flags: 0,
    handler: (_session, _args, reply) => reply.error(wrongArity('config')),
    subcommands: [
      { name: 'get', arity: -3, flags: ADMIN, handler: get },
      helpRow('config', [
        'GET <pattern> [<pattern> ...]',
        '    Return parameters matching the glob-like <pattern> and their values.',
        'SET <directive> <value> [<directive> <value> ...]',
        '    Set the configuration <directive> to <value>.',
        'RESETSTAT',
        '    Reset statistics reported by the INFO command.',
        'REWRITE',
        '    Rewrite the configuration file.',
      ]),
      { name: 'resetstat', arity: 2, flags: ADMIN, handler: resetStatistics },
      { name: 'rewrite', arity: 2, flags: ADMIN, handler: rewrite },
      { name: 'set', arity: -4, flags: ADMIN, handler: set },
    ],
  },
];
