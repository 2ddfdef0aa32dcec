/** EVAL, EVALSHA and the two that only read. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { REGISTRY } from '../../scripting/lua.js';
import type { Script } from '../../scripting/script-cache.js';
import type { Session } from '../../server/session.js';
import { type CommandRow, type Handler, READONLY, SCRIPT } from '../command.js';
import { NOT_INTEGER } from '../replies.js';
import { findScriptKeys, KEY_COUNT_AT, readKeyCount } from './run-arguments.js';
import { rightsOf } from './start.js';

const NO_SCRIPT_ERROR = 'NOSCRIPT No matching script. Please use EVAL.';
const SHA1_CHARS = 40;

function evaluate(bySha1: boolean, isReadOnly: boolean): Handler {
  return (session, args, reply) => {
    if (bySha1 && args.length(1) !== SHA1_CHARS) {
      reply.error(NO_SCRIPT_ERROR);
      return;
    }
    const keys = readKeyCount(args, reply, NOT_INTEGER);
    if (keys === -1) return;
    const { cache, scriptEngine } = session.server.scripts;
    const text = args.string(1);
    const script = bySha1
      ? (cache.bySha1(text, scriptEngine) ?? NO_SCRIPT_ERROR)
      : cache.ofText(text, scriptEngine, false);
    if (typeof script === 'string') reply.error(script);
    else runScript(session, args, reply, script, keys, isReadOnly);
  };
}

function runScript(
  session: Session,
  args: Args,
  reply: ReplyWriter,
  script: Script,
  keys: number,
  isReadOnly: boolean,
): void {
  const { server } = session;
  const rights = rightsOf(server, script.flags, isReadOnly, reply);
  if (rights === undefined) return;
  const { engine } = script;
  const { thread, lua, environment } = engine;
  const firstArg = KEY_COUNT_AT + 1 + keys;
  const job = { engine, session, name: script.sha1, isFunction: false, rights };
  const { runner } = server.scripts;
  try {
    engine.pushArguments(args, KEY_COUNT_AT + 1, firstArg);
    environment.setGlobal(thread, 'KEYS');
    engine.pushArguments(args, firstArg, args.count);
    environment.setGlobal(thread, 'ARGV');
    lua.c.lua_rawgeti(thread, REGISTRY, script.ref);
  } catch (error) {
    runner.refuse(job, reply, error);
    return;
  }
  runner.run(job, args, reply, 0);
}

function row(name: string, bySha1: boolean, isReadOnly: boolean): CommandRow {
  return {
    name,
    arity: -3,
    flags: SCRIPT | (isReadOnly ? READONLY : 0),
    findKeys: findScriptKeys,
    handler: evaluate(bySha1, isReadOnly),
  };
}

export const evalCommands: readonly CommandRow[] = [
  row('eval', false, false),
  row('evalsha', true, false),
  row('eval_ro', false, true),
  row('evalsha_ro', true, true),
];
