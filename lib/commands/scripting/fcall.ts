/** FCALL and FCALL_RO. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { REGISTRY } from '../../scripting/lua.js';
import type { Session } from '../../server/session.js';
import { type CommandRow, READONLY, SCRIPT } from '../command.js';
import { findScriptKeys, KEY_COUNT_AT, readKeyCount } from './run-arguments.js';
import { rightsOf } from './start.js';

function call(session: Session, args: Args, reply: ReplyWriter, isReadOnly: boolean): void {
  const { server } = session;
  const { scripts } = server;
  // The machine first: making it anew makes the functions anew.
  const isKnown = scripts.libraries.function(args.string(1)) !== undefined;
  const engine = isKnown ? scripts.functionEngine : undefined;
  const fn = scripts.libraries.function(args.string(1));
  if (engine === undefined || fn === undefined) {
    reply.error('ERR Function not found');
    return;
  }
  const keys = readKeyCount(args, reply, 'ERR Bad number of keys provided');
  if (keys === -1) return;
  const rights = rightsOf(server, fn.flags, isReadOnly, reply);
  if (rights === undefined) return;
  const firstArg = KEY_COUNT_AT + 1 + keys;
  const job = { engine, session, name: fn.name, isFunction: true, rights };
  try {
    engine.lua.c.lua_rawgeti(engine.thread, REGISTRY, fn.ref);
    engine.pushArguments(args, KEY_COUNT_AT + 1, firstArg);
    engine.pushArguments(args, firstArg, args.count);
  } catch (error) {
    scripts.runner.refuse(job, reply, error);
    return;
  }
  scripts.runner.run(job, args, reply, 2);
}

function row(name: string, isReadOnly: boolean): CommandRow {
  return {
    name,
    arity: -3,
    flags: SCRIPT | (isReadOnly ? READONLY : 0),
    findKeys: findScriptKeys,
    handler: (session, args, reply) => call(session, args, reply, isReadOnly),
  };
}

export const fcallCommands: readonly CommandRow[] = [row('fcall', false), row('fcall_ro', true)];
