/** The conversation itself: PING, ECHO, SELECT, AUTH, HELLO, RESET, QUIT. */
import type { Args } from '../../../resp/args.js';
import { parseBigInt64 } from '../../../resp/numbers.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import {
  GATE_MONITOR,
  GATE_NO_TOUCH,
  GATE_REPLY_MODE,
  GATE_SUBSCRIBED,
  type Session,
} from '../../server/session.js';
import { REDIS_VERSION } from '../../version.js';
import { type CommandRow, FAST, NO_AUTH, NOT_QUEUED } from '../command.js';
import { INDEX_OUT_OF_RANGE, NOT_INTEGER, SYNTAX_ERROR, wrongArity } from '../replies.js';
import { DEFAULT_USER, isAdmitted, NO_PASSWORD_SET, WRONG_PASSWORD } from './auth.js';
import { BAD_CLIENT_NAME, isClientName } from './client-name.js';

const INT32_MAX = 0x7fff_ffff;

function ping(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > 2) reply.error(wrongArity('ping'));
  else if ((session.gate & GATE_SUBSCRIBED) !== 0) pingSubscribed(args, reply);
  else if (args.count === 1) reply.pong();
  else reply.bulk(args.buf, args.starts[1]!, args.ends[1]!);
}

/** In RESP2 a subscriber tells replies from messages by their form. */
function pingSubscribed(args: Args, reply: ReplyWriter): void {
  reply.array(2);
  reply.bulkLatin1('pong');
  if (args.count === 1) reply.bulk(args.buf, 0, 0);
  else reply.bulk(args.buf, args.starts[1]!, args.ends[1]!);
}

function echo(_session: Session, args: Args, reply: ReplyWriter): void {
  reply.bulk(args.buf, args.starts[1]!, args.ends[1]!);
}

function select(session: Session, args: Args, reply: ReplyWriter): void {
  const index = args.int64(1);
  if (Number.isNaN(index)) {
    reply.error(NOT_INTEGER);
  } else if (index > INT32_MAX || index < -INT32_MAX - 1) {
    reply.error('ERR value is out of range, value must between -2147483648 and 2147483647');
  } else if (index < 0 || index >= session.server.store.databases.length) {
    reply.error(INDEX_OUT_OF_RANGE);
  } else {
    session.databaseIndex = index;
    reply.ok();
  }
}

function quit(session: Session, _args: Args, reply: ReplyWriter): void {
  reply.ok();
  session.closing = true;
}

/** Everything as it was when the client connected. */
function reset(session: Session, _args: Args, reply: ReplyWriter): void {
  session.discard();
  session.server.stopMonitoring(session);
  session.server.pubsub.forget(session);
  session.server.tracking.disable(session);
  session.setGate(GATE_MONITOR | GATE_REPLY_MODE | GATE_NO_TOUCH, false);
  session.replyMode = 'on';
  session.noEvict = false;
  session.databaseIndex = 0;
  session.name = '';
  session.user = DEFAULT_USER;
  session.setAuthenticated(session.server.settings.requirepass === '');
  reply.protocol = 2;
  reply.simple('RESET');
}

function auth(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > 3) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  if (args.count === 2 && session.server.settings.requirepass === '') {
    reply.error(NO_PASSWORD_SET);
    return;
  }
  const user = args.count === 3 ? args.string(1) : DEFAULT_USER;
  if (!isAdmitted(session, user, args, args.count - 1)) {
    reply.error(WRONG_PASSWORD);
    return;
  }
  session.user = user;
  session.setAuthenticated(true);
  reply.ok();
}

/** HELLO [protocol [AUTH user password] [SETNAME name]]; errors change nothing. */
function hello(session: Session, args: Args, reply: ReplyWriter): void {
  let protocol: 2 | 3 = reply.protocol;
  if (args.count > 1) {
    if (parseBigInt64(args.buf, args.starts[1]!, args.ends[1]!) === undefined) {
      reply.error('ERR Protocol version is not an integer or out of range');
      return;
    }
    const asked = args.int64(1);
    if (asked !== 2 && asked !== 3) {
      reply.error('NOPROTO unsupported protocol version');
      return;
    }
    protocol = asked;
  }
  const options = helloOptions(args, reply);
  if (options === undefined) return;
  const { userAt, nameAt } = options;
  if (userAt > 0 && !isAdmitted(session, args.string(userAt), args, userAt + 1)) {
    reply.error(WRONG_PASSWORD);
    return;
  }
  if (userAt > 0) {
    session.user = args.string(userAt);
    session.setAuthenticated(true);
  }
  if (!session.authenticated) {
    reply.error(
      'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO ' +
        '<proto> AUTH <user> <pass> option can be used to authenticate the client and select ' +
        'the RESP protocol version at the same time',
    );
    return;
  }
  if (nameAt > 0) session.name = args.string(nameAt);
  reply.protocol = protocol;
  session.followSubscriptions();
  replyServer(session, reply);
}

/** Where the user and the name stand, 0 if nowhere; undefined if an error was written. */
function helloOptions(
  args: Args,
  reply: ReplyWriter,
): { userAt: number; nameAt: number } | undefined {
  let userAt = 0;
  let nameAt = 0;
  let i = 2;
  while (i < args.count) {
    if (args.equalsIgnoreCase(i, 'AUTH') && i + 2 < args.count) {
      userAt = i + 1;
      i += 3;
    } else if (args.equalsIgnoreCase(i, 'SETNAME') && i + 1 < args.count) {
      nameAt = i + 1;
      if (!isClientName(args.string(nameAt))) {
        reply.error(BAD_CLIENT_NAME);
        return undefined;
      }
      i += 2;
    } else {
      reply.error(`ERR Syntax error in HELLO option '${args.string(i)}'`);
      return undefined;
    }
  }
  return { userAt, nameAt };
}

function replyServer(session: Session, reply: ReplyWriter): void {
  reply.map(7);
  reply.bulkLatin1('server');
  reply.bulkLatin1('redis');
  reply.bulkLatin1('version');
  reply.bulkLatin1(REDIS_VERSION);
  reply.bulkLatin1('proto');
  reply.integer(reply.protocol);
  reply.bulkLatin1('id');
  reply.integer(session.id);
  reply.bulkLatin1('mode');
  reply.bulkLatin1('standalone');
  reply.bulkLatin1('role');
  reply.bulkLatin1('master');
  reply.bulkLatin1('modules');
  reply.emptyArray();
}

export const connectionCommands: readonly CommandRow[] = [
  { name: 'ping', arity: -1, flags: FAST, handler: ping },
  { name: 'echo', arity: 2, flags: FAST, handler: echo },
  { name: 'select', arity: 2, flags: FAST, handler: select },
  { name: 'quit', arity: -1, flags: FAST | NO_AUTH | NOT_QUEUED, handler: quit },
  { name: 'reset', arity: 1, flags: FAST | NO_AUTH | NOT_QUEUED, handler: reset },
  { name: 'auth', arity: -2, flags: FAST | NO_AUTH, handler: auth },
  { name: 'hello', arity: -1, flags: FAST | NO_AUTH, handler: hello },
];
