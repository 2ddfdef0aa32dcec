/**
 * DEBUG, behind `enable-debug-command`: for tests of clients and of dhash, not for production.
 *
 * DEBUG SLEEP in Redis blocks the server. Here no command of anybody is executed until the time
 * has come (CLIENT excepted), while the node itself goes on: it keeps time, expires keys, and
 * answers its peers. A client sees the same, and a ring does not take the node for dead.
 */
import type { Leaf } from '../../../radix/leaf.js';
import { RdbWriter } from '../../../rdb/writer.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { isLoopback } from '../../server/protected-mode.js';
import type { Session } from '../../server/session.js';
import { lruIdleSeconds } from '../../store/access.js';
import type { Database } from '../../store/database.js';
import { TYPE_STRING, typeOf } from '../../types/types.js';
import { ADMIN, type CommandRow } from '../command.js';
import { replyHelp } from '../help.js';
import { encodingOf, refcountOf } from '../keys/object.js';
import { peekKey } from '../lookup.js';
import { NO_SUCH_KEY, unknownSubcommandOrArity } from '../replies.js';
import { DigestTask, DigestValueTask } from './debug-digest.js';
import { debugPopulate } from './debug-populate.js';
import { debugProtocol } from './debug-protocol.js';
import { debugReload } from './disk.js';
import { answerLater } from './later.js';

const NOT_ALLOWED =
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can ' +
  'run it from a local connection, otherwise you need to set this option in the configuration ' +
  'file, and then restart the server.';

/** Values up to here are packed to learn their length. */
const PACKED_BYTES_MAX = 256 * 1024;
/** What stands in front of a string that is longer. */
const LONG_HEADER_BYTES = 5;
const ELEMENT_SAMPLES = 64;
const SLEEP_SECONDS_MAX = 3600;

const HELP = [
  'DIGEST',
  '    Output a hex signature representing the current DB content.',
  'DIGEST-VALUE <key> [<key> ...]',
  '    Output a hex signature of the values of all the specified keys.',
  'ERROR <string>',
  '    Return a protocol error with <string> as message. Useful for clients',
  '    unit tests to simulate errors.',
  'LOADAOF',
  '    Write what waits to disk, forget what is in memory, and load it again.',
  'LOG <message>',
  '    Write <message> to the server log.',
  'OBJECT <key>',
  '    Show low level info about `key` and associated value.',
  'POPULATE <count> [<prefix>] [<size>]',
  '    Create <count> string keys named key:<num>. If <prefix> is specified then',
  "    it is used instead of the 'key' prefix.",
  'PROTOCOL <type>',
  '    Reply with a test value of the specified type. <type> can be: string,',
  '    integer, double, bignum, null, array, set, map, attrib, push, verbatim,',
  '    true, false.',
  'RELOAD',
  '    The same as LOADAOF.',
  'SET-ACTIVE-EXPIRE <0|1>',
  '    Setting it to 0 disables expiring keys in background when they are not',
  '    accessed. Setting it to 1 reenables back the default.',
  'SLEEP <seconds>',
  '    Execute no command of any client for <seconds>. Decimals allowed.',
];

function debug(session: Session, args: Args, reply: ReplyWriter): void {
  if (!isAllowed(session)) {
    reply.error(NOT_ALLOWED);
    return;
  }
  const known = SUBCOMMANDS.find((each) => args.equalsIgnoreCase(1, each.name));
  const values = args.count - 2;
  if (known === undefined || values < known.valuesMin || values > known.valuesMax) {
    reply.error(unknownSubcommandOrArity('debug', args.string(1)));
    return;
  }
  known.run(session, args, reply);
}

function isAllowed(session: Session): boolean {
  const access = session.server.settings.enableDebugCommand;
  if (access !== 'local') return access === 'yes';
  const { carrier } = session;
  return carrier.isUnix || isLoopback(carrier.remote.replace(/^\[(.*)\]:\d+$/, '$1'));
}

function sleep(session: Session, args: Args, reply: ReplyWriter): void {
  const { server } = session;
  if (server.dispatcher.atomic) {
    reply.error('ERR DEBUG SLEEP is not allowed inside a transaction');
    return;
  }
  const asked = Number.parseFloat(args.string(2));
  const seconds = Math.min(SLEEP_SECONDS_MAX, Number.isNaN(asked) ? 0 : Math.max(0, asked));
  if (seconds === 0) {
    reply.ok();
    return;
  }
  const finish = answerLater(session);
  const { clock, timers } = server.store.world;
  const untilMs = clock.wallMs() + seconds * 1000;
  server.pause(untilMs, true);
  timers.after(seconds * 1000, () => {
    // A CLIENT PAUSE may last longer; its end is not ours to bring.
    if (server.pausedUntilMs <= untilMs) server.unpause();
    finish((writer) => writer.ok());
  });
}

function describe(session: Session, args: Args, reply: ReplyWriter): void {
  const { database } = session;
  const leaf = peekKey(database, args, 2);
  if (leaf === 0) {
    reply.error(NO_SUCH_KEY);
    return;
  }
  const { tree, store } = database;
  const access = tree.access(leaf);
  const use = store.usesLfu
    ? `lfu_freq:${access & 0xff} lfu_access_time_minutes:${access >>> 8}`
    : `lru:${access} lru_seconds_idle:${lruIdleSeconds(access, store.nowMs)}`;
  reply.simple(
    `Value at:0x${Math.abs(leaf).toString(16)} refcount:${refcountOf(database, leaf)} ` +
      `encoding:${encodingOf(database, leaf)} ` +
      `serializedlength:${serializedBytes(database, leaf)} ${use}`,
  );
}

/** Exact for strings that are not too long, else near. */
function serializedBytes(database: Database, leaf: Leaf): number {
  const { tree } = database;
  if (typeOf(tree, leaf) !== TYPE_STRING) return elementsBytes(database, leaf);
  const bytes = tree.valueBytes(leaf);
  if (bytes > PACKED_BYTES_MAX) return bytes + LONG_HEADER_BYTES;
  const writer = new RdbWriter();
  if (!writer.string(tree.value(leaf), 0, bytes)) while (!writer.more());
  return writer.totalBytes;
}

/** What the elements take, each with its lengths in front, by the mean of some of them. */
function elementsBytes(database: Database, head: Leaf): number {
  const { sub } = database.collection();
  sub.openHead(head);
  const { elements } = sub;
  const size = elements.liveCount;
  const samples = Math.min(size, ELEMENT_SAMPLES);
  let bytes = 0;
  for (let i = 0; i < samples; i += 1) {
    const element = elements.nth(Math.floor((i * size) / samples));
    bytes += elements.keyBytes(element) + elements.valueBytes(element) + 2;
  }
  return Math.round((bytes / samples) * size) + 1;
}

function digest(session: Session, _args: Args, reply: ReplyWriter): void {
  session.defer(new DigestTask(session.server.store, reply));
}

function digestValue(session: Session, args: Args, reply: ReplyWriter): void {
  const keys: Buffer[] = [];
  for (let i = 2; i < args.count; i += 1) keys.push(args.bytes(i));
  session.defer(new DigestValueTask(session.database, reply, keys));
}

function setActiveExpire(session: Session, args: Args, reply: ReplyWriter): void {
  session.server.activeExpire = Number.parseInt(args.string(2), 10) > 0;
  reply.ok();
}

function log(session: Session, args: Args, reply: ReplyWriter): void {
  session.server.log.warn({}, `DEBUG LOG: ${args.utf8(2)}`);
  reply.ok();
}

const SUBCOMMANDS: readonly {
  /** Upper case. */
  readonly name: string;
  readonly valuesMin: number;
  readonly valuesMax: number;
  readonly run: (session: Session, args: Args, reply: ReplyWriter) => void;
}[] = [
  { name: 'DIGEST', valuesMin: 0, valuesMax: 0, run: digest },
  { name: 'DIGEST-VALUE', valuesMin: 0, valuesMax: Number.POSITIVE_INFINITY, run: digestValue },
  {
    name: 'ERROR',
    valuesMin: 1,
    valuesMax: 1,
    run: (_session, args, reply) => reply.error(args.string(2)),
  },
  {
    name: 'HELP',
    valuesMin: 0,
    valuesMax: 0,
    run: (_session, _args, reply) => replyHelp(reply, 'debug', HELP),
  },
  { name: 'LOADAOF', valuesMin: 0, valuesMax: 0, run: debugReload },
  { name: 'LOG', valuesMin: 1, valuesMax: 1, run: log },
  { name: 'OBJECT', valuesMin: 1, valuesMax: 2, run: describe },
  { name: 'POPULATE', valuesMin: 1, valuesMax: 3, run: debugPopulate },
  {
    name: 'PROTOCOL',
    valuesMin: 1,
    valuesMax: 1,
    run: (_session, args, reply) => debugProtocol(reply, args.string(2).toLowerCase()),
  },
  { name: 'RELOAD', valuesMin: 0, valuesMax: 9, run: debugReload },
  { name: 'SET-ACTIVE-EXPIRE', valuesMin: 1, valuesMax: 1, run: setActiveExpire },
  { name: 'SLEEP', valuesMin: 1, valuesMax: 1, run: sleep },
];

export const debugCommands: readonly CommandRow[] = [
  { name: 'debug', arity: -2, flags: ADMIN, handler: debug },
];
