/** SCRIPT LOAD, EXISTS, FLUSH, KILL, DEBUG, HELP. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { CommandRow } from '../command.js';
import { helpRow } from '../help.js';
import { unknownSubcommand } from '../replies.js';
import { killScript } from './kill.js';

const HELP = [
  'DEBUG (YES|SYNC|NO)',
  '    Set the debug mode for subsequent scripts executed.',
  'EXISTS <sha1> [<sha1> ...]',
  '    Return information about the existence of the scripts in the script cache.',
  'FLUSH [ASYNC|SYNC]',
  '    Flush the Lua scripts cache. Very dangerous on replicas.',
  '    When called without the optional mode argument, the behavior is determined by the',
  '    lazyfree-lazy-user-flush configuration directive. Valid modes are:',
  '    * ASYNC: Asynchronously flush the scripts cache.',
  '    * SYNC: Synchronously flush the scripts cache.',
  'KILL',
  '    Kill the currently executing Lua script.',
  'LOAD <script>',
  '    Load a script into the scripts cache without executing it.',
];

function load(session: Session, args: Args, reply: ReplyWriter): void {
  const { cache, scriptEngine } = session.server.scripts;
  const script = cache.ofText(args.string(2), scriptEngine, true);
  if (typeof script === 'string') {
    reply.error(script);
    return;
  }
  session.server.scripts.codeChanged('scripts');
  reply.bulkLatin1(script.sha1);
}

function exists(session: Session, args: Args, reply: ReplyWriter): void {
  const { cache } = session.server.scripts;
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i += 1) reply.integer(cache.has(args.string(i)) ? 1 : 0);
}

function flush(session: Session, args: Args, reply: ReplyWriter): void {
  const isKnown =
    args.count === 2 ||
    (args.count === 3 && (args.equalsIgnoreCase(2, 'SYNC') || args.equalsIgnoreCase(2, 'ASYNC')));
  if (!isKnown) {
    reply.error('ERR SCRIPT FLUSH only support SYNC|ASYNC option');
    return;
  }
  session.server.scripts.flushScripts();
  session.server.scripts.codeChanged('scripts');
  reply.ok();
}

/** There is no debugger to be turned on; it is off at all times. */
function debug(_session: Session, args: Args, reply: ReplyWriter): void {
  if (args.equalsIgnoreCase(2, 'NO')) reply.ok();
  else if (args.equalsIgnoreCase(2, 'YES') || args.equalsIgnoreCase(2, 'SYNC')) {
    reply.error('ERR the debugger of scripts is not supported: use redis.log');
  } else reply.error('ERR Use SCRIPT DEBUG YES/SYNC/NO');
}

export const scriptCommands: readonly CommandRow[] = [
  {
    name: 'script',
    arity: -2,
    flags: 0,
    handler: (_session, args, reply) => reply.error(unknownSubcommand('script', args.string(1))),
    subcommands: [
      { name: 'load', arity: 3, flags: 0, handler: load },
      { name: 'exists', arity: -3, flags: 0, handler: exists },
      { name: 'flush', arity: -2, flags: 0, handler: flush },
      {
        name: 'kill',
        arity: 2,
        flags: 0,
        handler: (s, _args, reply) => killScript(s, reply, false),
      },
      { name: 'debug', arity: 3, flags: 0, handler: debug },
      helpRow('script', HELP),
    ],
  },
];
