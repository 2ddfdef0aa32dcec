/** COMMAND: what the node can do, told of the commands that it really has. */
import { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { globMatches } from '../../glob.js';
import type { Session } from '../../server/session.js';
import type { CommandRow, FoundKey } from '../command.js';
import { helpRow } from '../help.js';
import { findKeys, mayHaveKeys } from '../key-positions.js';
import { findKnown, type KnownCommand, knownCommands } from '../known-commands.js';
import { SYNTAX_ERROR } from '../replies.js';
import { replyDocs, replyInfo } from './command-reply.js';

function all(session: Session, _args: Args, reply: ReplyWriter): void {
  const commands = knownCommands(session.server);
  reply.array(commands.size);
  for (const known of commands.values()) replyInfo(reply, known);
}

function count(session: Session, _args: Args, reply: ReplyWriter): void {
  reply.integer(knownCommands(session.server).size);
}

/** COMMAND INFO [name ...] */
function info(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count === 2) {
    all(session, args, reply);
    return;
  }
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i += 1) {
    const known = findKnown(session.server, args.string(i));
    if (known === undefined) reply.nil();
    else replyInfo(reply, known);
  }
}

/** COMMAND DOCS [name ...]; unknown names are left out. */
function docs(session: Session, args: Args, reply: ReplyWriter): void {
  const { server } = session;
  const found: KnownCommand[] = args.count === 2 ? [...knownCommands(server).values()] : [];
  for (let i = 2; i < args.count; i += 1) {
    const known = findKnown(server, args.string(i));
    if (known !== undefined) found.push(known);
  }
  reply.map(found.length);
  for (const known of found) {
    reply.bulkLatin1(known.command.fullName);
    replyDocs(reply, known);
  }
}

/** COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN glob] */
function list(session: Session, args: Args, reply: ReplyWriter): void {
  const commands = knownCommands(session.server);
  if (args.count === 2) {
    reply.array(commands.size);
    for (const name of commands.keys()) reply.bulkLatin1(name);
    return;
  }
  const wanted =
    args.count === 5 && args.equalsIgnoreCase(2, 'FILTERBY') ? filter(args) : undefined;
  if (wanted === undefined) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const names: string[] = [];
  for (const known of commands.values()) {
    for (const each of [known, ...known.children]) {
      if (wanted(each)) names.push(each.command.fullName);
    }
  }
  reply.array(names.length);
  for (const name of names) reply.bulkLatin1(name);
}

function filter(args: Args): ((known: KnownCommand) => boolean) | undefined {
  switch (args.string(3).toUpperCase()) {
    case 'MODULE':
      return () => false;
    case 'ACLCAT': {
      const category = `@${args.string(4).toLowerCase()}`;
      return (known) => known.about.acl.includes(category);
    }
    case 'PATTERN': {
      const pattern = Buffer.from(args.string(4).toLowerCase(), 'latin1');
      return ({ command }) => {
        const name = Buffer.from(command.fullName);
        return globMatches(pattern, name, 0, name.length);
      };
    }
    default:
      return undefined;
  }
}

/** COMMAND GETKEYS command [argument ...] */
function getKeys(session: Session, args: Args, reply: ReplyWriter): void {
  const request = withoutFirstTwo(args);
  const keys = keysOf(session, request, reply);
  if (keys === undefined) return;
  reply.array(keys.length);
  for (const { buf, from, to } of keys) reply.bulk(buf, from, to);
}

function getKeysAndFlags(session: Session, args: Args, reply: ReplyWriter): void {
  const request = withoutFirstTwo(args);
  const keys = keysOf(session, request, reply);
  if (keys === undefined) return;
  reply.array(keys.length);
  for (const { buf, from, to, flags } of keys) {
    reply.array(2);
    reply.bulk(buf, from, to);
    reply.set(flags.length);
    for (const flag of flags) reply.simple(flag);
  }
}

/** The keys of a request, or undefined if an error was written. */
function keysOf(session: Session, request: Args, reply: ReplyWriter): FoundKey[] | undefined {
  const { server } = session;
  const command = server.dispatcher.lookup(request);
  const known = command && findKnown(server, command.fullName);
  const lacksSubcommand = command?.children !== undefined && request.count > 1;
  if (known === undefined || command === undefined || lacksSubcommand) {
    reply.error('ERR Invalid command specified');
    return undefined;
  }
  if (!mayHaveKeys(known)) {
    reply.error('ERR The command has no key arguments');
    return undefined;
  }
  const { arity } = command;
  if (arity > 0 ? request.count !== arity : request.count < -arity) {
    reply.error('ERR Invalid number of arguments specified for command');
    return undefined;
  }
  const keys = findKeys(known, request);
  if (keys.length > 0 || known.about.flags.includes('no_mandatory_keys')) return keys;
  reply.error('ERR Invalid arguments specified for command');
  return undefined;
}

/** The request that stands behind COMMAND GETKEYS. */
function withoutFirstTwo(args: Args): Args {
  const request = new Args();
  request.buf = args.buf;
  request.count = args.count - 2;
  request.starts = args.starts.subarray(2);
  request.ends = args.ends.subarray(2);
  return request;
}

export const commandCommands: readonly CommandRow[] = [
  {
    name: 'command',
    arity: -1,
    flags: 0,
    handler: all,
    subcommands: [
      { name: 'count', arity: 2, flags: 0, handler: count },
      { name: 'docs', arity: -2, flags: 0, handler: docs },
      { name: 'getkeys', arity: -4, flags: 0, handler: getKeys },
      { name: 'getkeysandflags', arity: -4, flags: 0, handler: getKeysAndFlags },
      helpRow('command', [
        '(no subcommand)',
        '    Return details about all commands.',
        'COUNT',
        '    Return the total number of commands in this server.',
        'LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]',
        '    Return a list of all commands in this server.',
        'INFO [<command-name> ...]',
        '    Return details about multiple commands.',
        '    If no command names are given, details for all commands are returned.',
        'DOCS [<command-name> ...]',
        '    Return documentation details about multiple commands.',
        '    If no command names are given, documentation details for all',
        '    commands are returned.',
        'GETKEYS <full-command>',
        '    Return the keys from a full command.',
        'GETKEYSANDFLAGS <full-command>',
        '    Return the keys and the access flags from a full command.',
      ]),
      { name: 'info', arity: -2, flags: 0, handler: info },
      { name: 'list', arity: -2, flags: 0, handler: list },
    ],
  },
];
