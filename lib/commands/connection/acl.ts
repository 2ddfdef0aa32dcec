/**
 * ACL, as Redis answers with the one user `default`, who may do everything. Commands that would
 * make or change users are refused by name.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { AclLogEntry } from '../../server/acl-log.js';
import type { Session } from '../../server/session.js';
import { ADMIN, type CommandRow } from '../command.js';
import { helpRow } from '../help.js';
import { knownCommands } from '../known-commands.js';
import { refused } from '../refuse.js';
import { NOT_INTEGER, shortText, unknownSubcommandOrArity, wrongArity } from '../replies.js';
import { DEFAULT_USER, sha256 } from './auth.js';

const ONE_USER = "ERR users other than 'default' are not built yet in this version";

/** In Redis's order. */
const CATEGORIES = [
  'keyspace',
  'read',
  'write',
  'set',
  'sortedset',
  'list',
  'hash',
  'string',
  'bitmap',
  'hyperloglog',
  'geo',
  'stream',
  'pubsub',
  'admin',
  'fast',
  'slow',
  'blocking',
  'dangerous',
  'connection',
  'transaction',
  'scripting',
] as const;

/** Entries that ACL LOG tells unless told a number. */
const LOG_COUNT_DEFAULT = 10;
/** ACL GENPASS: bits unless told, and at most. */
const PASSWORD_BITS = 256;
const PASSWORD_BITS_MAX = 4096;

function whoAmI(session: Session, _args: Args, reply: ReplyWriter): void {
  reply.bulkLatin1(session.user);
}

function users(_session: Session, _args: Args, reply: ReplyWriter): void {
  reply.array(1);
  reply.bulkLatin1(DEFAULT_USER);
}

function list(session: Session, _args: Args, reply: ReplyWriter): void {
  const hash = passwordHash(session);
  const password = hash === undefined ? 'nopass' : `#${hash}`;
  reply.array(1);
  reply.bulkLatin1(`user default on ${password} ~* &* +@all`);
}

function passwordHash(session: Session): string | undefined {
  const { requirepass } = session.server.settings;
  return requirepass === '' ? undefined : sha256(Buffer.from(requirepass)).toString('hex');
}

function getUser(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.string(2) !== DEFAULT_USER) {
    reply.nil();
    return;
  }
  const hash = passwordHash(session);
  reply.map(6);
  reply.bulkLatin1('flags');
  reply.set(hash === undefined ? 2 : 1);
  reply.bulkLatin1('on');
  if (hash === undefined) reply.bulkLatin1('nopass');
  reply.bulkLatin1('passwords');
  reply.array(hash === undefined ? 0 : 1);
  if (hash !== undefined) reply.bulkLatin1(hash);
  for (const [name, rules] of [
    ['commands', '+@all'],
    ['keys', '~*'],
    ['channels', '&*'],
  ] as const) {
    reply.bulkLatin1(name);
    reply.bulkLatin1(rules);
  }
  reply.bulkLatin1('selectors');
  reply.emptyArray();
}

/** ACL CAT [category] */
function cat(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > 3) {
    reply.error(unknownSubcommandOrArity('acl', args.string(1)));
    return;
  }
  if (args.count === 2) {
    reply.array(CATEGORIES.length);
    for (const category of CATEGORIES) reply.bulkLatin1(category);
    return;
  }
  const wanted = args.string(2).toLowerCase();
  const category = CATEGORIES.find((each) => each === wanted);
  if (category === undefined) {
    reply.error(`ERR Unknown category '${shortText(args.string(2))}'`);
    return;
  }
  const names: string[] = [];
  for (const { about, children, command } of knownCommands(session.server).values()) {
    if (about.acl.includes(`@${category}`)) names.push(command.name);
    for (const child of children) {
      if (child.about.acl.includes(`@${category}`)) names.push(child.command.fullName);
    }
  }
  reply.array(names.length);
  for (const name of names) reply.bulkLatin1(name);
}

/** ACL GENPASS [bits]: hex digits from the world's cryptographic source. */
function generatePassword(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > 3) {
    reply.error(wrongArity('acl|genpass'));
    return;
  }
  const bits = args.count === 3 ? args.int64(2) : PASSWORD_BITS;
  if (!(bits >= 1 && bits <= PASSWORD_BITS_MAX)) {
    reply.error(
      'ERR ACL GENPASS argument must be the number of bits for the output password, a positive ' +
        `number up to ${PASSWORD_BITS_MAX}`,
    );
    return;
  }
  const digits = Math.ceil(bits / 4);
  const bytes = Buffer.alloc(Math.ceil(digits / 2));
  session.server.store.world.random.bytes(bytes);
  reply.bulkLatin1(bytes.toString('hex').slice(0, digits));
}

/** ACL LOG [count | RESET]: logins that were refused, which is all that is refused here. */
function log(session: Session, args: Args, reply: ReplyWriter): void {
  const { aclLog, store } = session.server;
  if (args.count > 3) {
    reply.error(unknownSubcommandOrArity('acl', args.string(1)));
    return;
  }
  if (args.count === 3 && args.equalsIgnoreCase(2, 'RESET')) {
    aclLog.reset();
    reply.ok();
    return;
  }
  const count = args.count === 3 ? args.int64(2) : LOG_COUNT_DEFAULT;
  if (Number.isNaN(count)) {
    reply.error(NOT_INTEGER);
    return;
  }
  const told = aclLog.entries.slice(0, Math.max(0, count));
  reply.array(told.length);
  for (const entry of told) writeRefusal(entry, store.nowMs, reply);
}

function writeRefusal(entry: AclLogEntry, nowMs: number, reply: ReplyWriter): void {
  const texts = (...names: string[]): void => {
    for (const name of names) reply.bulkLatin1(name);
  };
  reply.map(10);
  texts('count');
  reply.integer(entry.count);
  texts('reason', 'auth', 'context', entry.context, 'object', entry.object);
  texts('username', entry.user, 'age-seconds');
  reply.double((nowMs - entry.atMs) / 1000);
  texts('client-info', entry.client, 'entry-id');
  reply.integer(entry.id);
  texts('timestamp-created');
  reply.integer(entry.createdMs);
  texts('timestamp-last-updated');
  reply.integer(entry.atMs);
}

export const aclCommands: readonly CommandRow[] = [
  {
    name: 'acl',
    arity: -2,
    flags: 0,
    handler: (_session, _args, reply) => reply.error(wrongArity('acl')),
    subcommands: [
      { name: 'cat', arity: -2, flags: 0, handler: cat },
      refused('deluser', -3, ADMIN, ONE_USER),
      refused('dryrun', -4, ADMIN, ONE_USER),
      { name: 'genpass', arity: -2, flags: 0, handler: generatePassword },
      { name: 'getuser', arity: 3, flags: ADMIN, handler: getUser },
      helpRow('acl', [
        'CAT [<category>]',
        '    List all commands that belong to <category>, or all command categories',
        '    when no category is specified.',
        'GETUSER <username>',
        "    Get the user's details.",
        'GENPASS [<bits>]',
        '    Generate a secure 256-bit user password. The optional `bits` argument can',
        '    be used to specify a different size.',
        'LIST',
        '    Show users details in config file format.',
        'LOG [<count> | RESET]',
        '    Show the ACL log entries.',
        'USERS',
        '    List all the registered usernames.',
        'WHOAMI',
        '    Return the current connection username.',
      ]),
      { name: 'list', arity: 2, flags: ADMIN, handler: list },
      refused('load', 2, ADMIN, ONE_USER),
      { name: 'log', arity: -2, flags: ADMIN, handler: log },
      refused('save', 2, ADMIN, ONE_USER),
      refused('setuser', -3, ADMIN, ONE_USER),
      { name: 'users', arity: 2, flags: ADMIN, handler: users },
      { name: 'whoami', arity: 2, flags: 0, handler: whoAmI },
    ],
  },
];
