/** CLIENT: what a client asks of its own connection, and operators of those of others. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { GATE_NO_TOUCH, GATE_REPLY_MODE, type Session } from '../../server/session.js';
import { ADMIN, type CommandRow } from '../command.js';
import { helpRow } from '../help.js';
import { NOT_INTEGER, SYNTAX_ERROR, unknownSubcommandOrArity } from '../replies.js';
import { classOf, clientClass } from './client-class.js';
import { clientHelp } from './client-help.js';
import { clientLine } from './client-info.js';
import { clientKill } from './client-kill.js';
import { BAD_CLIENT_NAME, isClientName } from './client-name.js';
import { trackingSubcommands } from './client-tracking.js';

function id(session: Session, _args: Args, reply: ReplyWriter): void {
  reply.integer(session.id);
}

function info(session: Session, _args: Args, reply: ReplyWriter): void {
  reply.verbatim('txt', clientLine(session, session.server.store.nowMs));
}

/** CLIENT LIST [TYPE type | ID id ...] */
function list(session: Session, args: Args, reply: ReplyWriter): void {
  const { sessions, store } = session.server;
  let wanted: Iterable<Session> = sessions.values();
  if (args.count === 4 && args.equalsIgnoreCase(2, 'TYPE')) {
    const type = clientClass(args.string(3));
    if (type === undefined) {
      reply.error(`ERR Unknown client type '${args.string(3)}'`);
      return;
    }
    wanted = [...sessions.values()].filter((one) => classOf(one) === type);
  } else if (args.count > 3 && args.equalsIgnoreCase(2, 'ID')) {
    const found: Session[] = [];
    for (let i = 3; i < args.count; i += 1) {
      const number = args.int64(i);
      if (Number.isNaN(number)) {
        reply.error('ERR Invalid client ID');
        return;
      }
      const one = sessions.get(number);
      if (one !== undefined) found.push(one);
    }
    wanted = found;
  } else if (args.count !== 2) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  let text = '';
  for (const one of wanted) text += clientLine(one, store.nowMs);
  reply.verbatim('txt', text);
}

function setName(session: Session, args: Args, reply: ReplyWriter): void {
  const name = args.string(2);
  if (!isClientName(name)) {
    reply.error(BAD_CLIENT_NAME);
    return;
  }
  session.name = name;
  reply.ok();
}

function getName(session: Session, _args: Args, reply: ReplyWriter): void {
  if (session.name === '') reply.nil();
  else reply.bulkLatin1(session.name);
}

function setInfo(session: Session, args: Args, reply: ReplyWriter): void {
  const isName = args.equalsIgnoreCase(2, 'LIB-NAME');
  if (!isName && !args.equalsIgnoreCase(2, 'LIB-VER')) {
    reply.error(`ERR Unrecognized option '${args.string(2)}'`);
    return;
  }
  const value = args.string(3);
  if (!isClientName(value)) {
    const option = isName ? 'lib-name' : 'lib-ver';
    reply.error(`ERR ${option} cannot contain spaces, newlines or special characters.`);
    return;
  }
  if (isName) session.libName = value;
  else session.libVersion = value;
  reply.ok();
}

/** OFF and SKIP answer nothing, not even that they were understood. */
function replyMode(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.equalsIgnoreCase(2, 'ON')) {
    session.replyMode = 'on';
    session.setGate(GATE_REPLY_MODE, false);
    reply.ok();
  } else if (args.equalsIgnoreCase(2, 'OFF')) {
    session.replyMode = 'off';
    session.setGate(GATE_REPLY_MODE, true);
  } else if (args.equalsIgnoreCase(2, 'SKIP')) {
    if (session.replyMode === 'off') return;
    session.replyMode = 'skip';
    session.setGate(GATE_REPLY_MODE, true);
  } else {
    reply.error(SYNTAX_ERROR);
  }
}

/** ON or OFF; undefined if an error was written. */
function onOrOff(args: Args, reply: ReplyWriter): boolean | undefined {
  if (args.equalsIgnoreCase(2, 'ON')) return true;
  if (args.equalsIgnoreCase(2, 'OFF')) return false;
  reply.error(SYNTAX_ERROR);
  return undefined;
}

function noEvict(session: Session, args: Args, reply: ReplyWriter): void {
  const on = onOrOff(args, reply);
  if (on === undefined) return;
  session.noEvict = on;
  reply.ok();
}

function noTouch(session: Session, args: Args, reply: ReplyWriter): void {
  const on = onOrOff(args, reply);
  if (on === undefined) return;
  session.setGate(GATE_NO_TOUCH, on);
  reply.ok();
}

/** CLIENT PAUSE timeout [WRITE|ALL] */
function pause(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > 4) {
    reply.error(unknownSubcommandOrArity('client', args.string(1)));
    return;
  }
  const isWrite = args.count === 4 && args.equalsIgnoreCase(3, 'WRITE');
  if (args.count === 4 && !isWrite && !args.equalsIgnoreCase(3, 'ALL')) {
    reply.error('ERR CLIENT PAUSE mode must be WRITE or ALL');
    return;
  }
  const timeoutMs = args.int64(2);
  if (Number.isNaN(timeoutMs)) {
    reply.error('ERR timeout is not an integer or out of range');
  } else if (timeoutMs < 0) {
    reply.error('ERR timeout is negative');
  } else {
    session.server.pause(session.server.store.nowMs + timeoutMs, !isWrite);
    reply.ok();
  }
}

function unpause(session: Session, _args: Args, reply: ReplyWriter): void {
  session.server.unpause();
  reply.ok();
}

/** CLIENT UNBLOCK id [TIMEOUT|ERROR] */
function unblock(session: Session, args: Args, reply: ReplyWriter): void {
  const hasReason = args.count > 3;
  const reason = hasReason ? args.string(3).toUpperCase() : 'TIMEOUT';
  if (args.count > 4) {
    reply.error(unknownSubcommandOrArity('client', args.string(1)));
  } else if (reason !== 'TIMEOUT' && reason !== 'ERROR') {
    reply.error('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
  } else if (Number.isNaN(args.int64(2))) {
    reply.error(NOT_INTEGER);
  } else {
    const { blocking, router, sessions } = session.server;
    const target = sessions.get(args.int64(2));
    const withError = reason === 'ERROR';
    const isUnblocked =
      target !== undefined &&
      (blocking.unblock(target, withError) || router?.unblock(target, withError) === true);
    reply.integer(isUnblocked ? 1 : 0);
  }
}

export const clientCommands: readonly CommandRow[] = [
  {
    name: 'client',
    arity: -2,
    flags: 0,
    handler: (_session, _args, reply) => reply.error(SYNTAX_ERROR),
    subcommands: [
      { name: 'getname', arity: 2, flags: 0, handler: getName },
      helpRow('client', clientHelp),
      { name: 'id', arity: 2, flags: 0, handler: id },
      { name: 'info', arity: 2, flags: 0, handler: info },
      { name: 'kill', arity: -3, flags: ADMIN, handler: clientKill },
      { name: 'list', arity: -2, flags: ADMIN, handler: list },
      { name: 'no-evict', arity: 3, flags: ADMIN, handler: noEvict },
      { name: 'no-touch', arity: 3, flags: 0, handler: noTouch },
      { name: 'pause', arity: -3, flags: ADMIN, handler: pause },
      { name: 'reply', arity: 3, flags: 0, handler: replyMode },
      { name: 'setinfo', arity: 4, flags: 0, handler: setInfo },
      { name: 'setname', arity: 3, flags: 0, handler: setName },
      ...trackingSubcommands,
      { name: 'unblock', arity: -3, flags: ADMIN, handler: unblock },
      { name: 'unpause', arity: 2, flags: ADMIN, handler: unpause },
    ],
  },
];
