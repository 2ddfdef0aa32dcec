/** FUNCTION LOAD, DELETE, FLUSH, LIST, DUMP, RESTORE, STATS, KILL, HELP. */

import { dumpFunctions, loadFunctions } from '../../../rdb/dump-functions.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { globMatches } from '../../glob.js';
import type { FunctionLibrary, RestorePolicy } from '../../scripting/function-libraries.js';
import { LIBRARIES_BYTES_MAX } from '../../scripting/limits.js';
import { scriptFlagNames } from '../../scripting/shebang.js';
import type { Session } from '../../server/session.js';
import { type CommandRow, WRITE } from '../command.js';
import { helpRow } from '../help.js';
import { unknownSubcommand } from '../replies.js';
import { FUNCTION_HELP } from './function-help.js';
import { killScript } from './kill.js';

/** Keeps what has changed on disk: one library that was loaded, or how all of them are now. */
function changed({ server }: Session, loaded?: Buffer): void {
  server.store.dirty += 1;
  server.scripts.codeChanged('libraries');
  server.persistence?.journal.librariesChanged(loaded);
}

function load(session: Session, args: Args, reply: ReplyWriter): void {
  let at = 2;
  let replaces = false;
  for (; at < args.count - 1; at += 1) {
    if (!args.equalsIgnoreCase(at, 'REPLACE')) {
      reply.error(`ERR Unknown option given: ${args.string(at)}`);
      return;
    }
    replaces = true;
  }
  const loaded = session.server.scripts.loadLibrary(args.string(at), replaces);
  if (typeof loaded === 'string') {
    reply.error(loaded);
    return;
  }
  changed(session, args.bytes(at));
  reply.bulkLatin1(loaded.name);
}

function remove(session: Session, args: Args, reply: ReplyWriter): void {
  if (!session.server.scripts.deleteLibrary(args.string(2))) {
    reply.error('ERR Library not found');
    return;
  }
  changed(session);
  reply.ok();
}

function flush(session: Session, args: Args, reply: ReplyWriter): void {
  const isKnown =
    args.count === 2 ||
    (args.count === 3 && (args.equalsIgnoreCase(2, 'SYNC') || args.equalsIgnoreCase(2, 'ASYNC')));
  if (!isKnown) {
    reply.error('ERR FUNCTION FLUSH only supports SYNC|ASYNC option');
    return;
  }
  session.server.scripts.flushLibraries();
  changed(session);
  reply.ok();
}

function list(session: Session, args: Args, reply: ReplyWriter): void {
  let pattern: Buffer | undefined;
  let withCode = false;
  for (let i = 2; i < args.count; i += 1) {
    if (!withCode && args.equalsIgnoreCase(i, 'WITHCODE')) {
      withCode = true;
    } else if (pattern === undefined && args.equalsIgnoreCase(i, 'LIBRARYNAME')) {
      i += 1;
      if (i >= args.count) {
        reply.error('ERR library name argument was not given');
        return;
      }
      pattern = args.bytes(i);
    } else {
      reply.error(`ERR Unknown argument ${args.string(i)}`);
      return;
    }
  }
  const found = [...session.server.scripts.libraries.libraries].filter(
    ({ name }) =>
      pattern === undefined || globMatches(pattern, Buffer.from(name, 'latin1'), 0, name.length),
  );
  reply.array(found.length);
  for (const library of found) replyLibrary(reply, library, withCode);
}

function replyLibrary(reply: ReplyWriter, library: FunctionLibrary, withCode: boolean): void {
  reply.map(withCode ? 4 : 3);
  reply.bulkLatin1('library_name');
  reply.bulkLatin1(library.name);
  reply.bulkLatin1('engine');
  reply.bulkLatin1('LUA');
  reply.bulkLatin1('functions');
  reply.array(library.functions.size);
  for (const { name, description, flags } of library.functions.values()) {
    reply.map(3);
    reply.bulkLatin1('name');
    reply.bulkLatin1(name);
    reply.bulkLatin1('description');
    if (description === undefined) reply.nil();
    else reply.bulkLatin1(description);
    reply.bulkLatin1('flags');
    const names = scriptFlagNames(flags);
    reply.set(names.length);
    for (const flag of names) reply.simple(flag);
  }
  if (!withCode) return;
  reply.bulkLatin1('library_code');
  reply.bulkLatin1(library.code);
}

function dump(session: Session, _args: Args, reply: ReplyWriter): void {
  const payload = dumpFunctions(session.server.scripts.codes());
  reply.bulk(payload, 0, payload.length);
}

function restore(session: Session, args: Args, reply: ReplyWriter): void {
  const policy = args.count > 3 ? args.string(3).toUpperCase() : 'APPEND';
  if (args.count > 4 || !['FLUSH', 'APPEND', 'REPLACE'].includes(policy)) {
    reply.error(
      args.count > 4
        ? `ERR Unknown subcommand or wrong number of arguments for 'restore'. Try FUNCTION HELP.`
        : 'ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.',
    );
    return;
  }
  const codes = loadFunctions(args.bytes(2), LIBRARIES_BYTES_MAX);
  if (typeof codes === 'string') {
    reply.error(codes);
    return;
  }
  const texts = codes.map((code) => code.toString('latin1'));
  const error = session.server.scripts.restoreLibraries(texts, policy as RestorePolicy);
  if (error !== undefined) {
    reply.error(error);
    return;
  }
  changed(session);
  reply.ok();
}

function stats(session: Session, _args: Args, reply: ReplyWriter): void {
  const { runner, libraries } = session.server.scripts;
  const run = runner.running;
  if (run !== undefined && !run.job.isFunction) {
    reply.error(runner.busyError);
    return;
  }
  reply.map(2);
  reply.bulkLatin1('running_script');
  if (run === undefined) {
    reply.nil();
  } else {
    const nowMs = session.server.store.world.clock.monotonicMs();
    reply.map(3);
    reply.bulkLatin1('name');
    reply.bulkLatin1(run.job.name);
    reply.bulkLatin1('command');
    const args = run.args!;
    reply.array(args.count);
    for (let i = 0; i < args.count; i += 1) reply.bulk(args.buf, args.starts[i]!, args.ends[i]!);
    reply.bulkLatin1('duration_ms');
    reply.integer(Math.floor(nowMs - run.startMs));
  }
  reply.bulkLatin1('engines');
  reply.map(1);
  reply.bulkLatin1('LUA');
  reply.map(2);
  reply.bulkLatin1('libraries_count');
  reply.integer(libraries.size);
  reply.bulkLatin1('functions_count');
  reply.integer(libraries.functionCount);
}

export const functionCommands: readonly CommandRow[] = [
  {
    name: 'function',
    arity: -2,
    flags: 0,
    handler: (_session, args, reply) => reply.error(unknownSubcommand('function', args.string(1))),
    subcommands: [
      { name: 'load', arity: -3, flags: WRITE, handler: load },
      { name: 'delete', arity: 3, flags: WRITE, handler: remove },
      { name: 'flush', arity: -2, flags: WRITE, handler: flush },
      { name: 'list', arity: -2, flags: 0, handler: list },
      { name: 'dump', arity: 2, flags: 0, handler: dump },
      { name: 'restore', arity: -3, flags: WRITE, handler: restore },
      { name: 'stats', arity: 2, flags: 0, handler: stats },
      {
        name: 'kill',
        arity: 2,
        flags: 0,
        handler: (s, _args, reply) => killScript(s, reply, true),
      },
      helpRow('function', FUNCTION_HELP),
    ],
  },
];
