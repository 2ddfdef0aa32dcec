/** OBJECT: how Redis would keep a value, and how lately or often it was used. */
import { FLAG_RAW, HINT_FLAGS, type Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import { parseInt64 } from '../../../resp/numbers.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { lfuCounter, lruIdleSeconds } from '../../store/access.js';
import type { Database } from '../../store/database.js';
import { collectionEncoding } from '../../types/encodings.js';
import { fitsListpack } from '../../types/list-encoding.js';
import { noteOutgrown } from '../../types/outgrown.js';
import { TYPE_LIST, TYPE_STRING, typeOf } from '../../types/types.js';
import { type CommandRow, READONLY } from '../command.js';
import { inspectKeyQuietly } from '../lookup.js';
import { unknownSubcommand } from '../replies.js';

/** Redis keeps strings up to here in one piece with their object. */
const EMBEDDED_BYTES_MAX = 44;
const INT64_TEXT_MAX = 20;
/** Redis shares one object among all keys that hold one of the numbers below. */
const SHARED_INTEGERS = 10_000;
const SHARED_REFERENCES = 2147483647;

const HELP = [
  'OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'ENCODING <key>',
  '    Return the kind of internal representation used in order to store the value',
  '    associated with a <key>.',
  'FREQ <key>',
  '    Return the access frequency index of the <key>. The returned integer is',
  '    proportional to the logarithm of the recent access frequency of the key.',
  'IDLETIME <key>',
  '    Return the idle time of the <key>, that is the approximated number of',
  '    seconds elapsed since the last access to the key.',
  'REFCOUNT <key>',
  '    Return the number of references of the value associated with the specified',
  '    <key>.',
  'HELP',
  '    Prints this help.',
];

const NOT_LFU =
  'ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that ' +
  'when switching between policies at runtime LRU and LFU data will take some time to adjust.';
const NOT_LRU =
  'ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that ' +
  'when switching between policies at runtime LRU and LFU data will take some time to adjust.';

const digits = Buffer.allocUnsafeSlow(INT64_TEXT_MAX + 4);

/** The value as an int64, NaN if Redis would not keep it as one. */
function integerOf(database: Database, leaf: Leaf): number {
  const tree = database.tree;
  if (typeOf(tree, leaf) !== TYPE_STRING) return Number.NaN;
  const bytes = tree.valueBytes(leaf);
  if (bytes > INT64_TEXT_MAX || (tree.flags(leaf) & HINT_FLAGS) !== 0) return Number.NaN;
  tree.copyValue(leaf, digits, 0);
  return parseInt64(digits, 0, bytes);
}

/** What OBJECT ENCODING says. */
export function encodingOf(database: Database, leaf: Leaf): string {
  const tree = database.tree;
  const type = typeOf(tree, leaf);
  if (type === TYPE_LIST) return listEncoding(database, leaf);
  if (type !== TYPE_STRING) {
    const collection = database.collection();
    collection.openHead(leaf);
    noteOutgrown(collection);
    return collectionEncoding(tree, leaf);
  }
  if (!Number.isNaN(integerOf(database, leaf))) return 'int';
  const isRaw = (tree.flags(leaf) & FLAG_RAW) !== 0 || tree.valueBytes(leaf) > EMBEDDED_BYTES_MAX;
  return isRaw ? 'raw' : 'embstr';
}

function listEncoding(database: Database, leaf: Leaf): string {
  const list = database.collection();
  list.openHead(leaf);
  return fitsListpack(list) ? 'listpack' : 'quicklist';
}

/** What OBJECT REFCOUNT says. */
export function refcountOf(database: Database, leaf: Leaf): number {
  const value = integerOf(database, leaf);
  if (!(value >= 0 && value < SHARED_INTEGERS)) return 1;
  const { maxmemory, maxmemoryPolicy } = database.store.settings;
  const countsAccess = maxmemoryPolicy.endsWith('lru') || maxmemoryPolicy.endsWith('lfu');
  return maxmemory === 0 || !countsAccess ? SHARED_REFERENCES : 1;
}

/** The leaf of argument 2; 0, nil replied, if it is not there. */
function leafOrNil(session: Session, args: Args, reply: ReplyWriter): Leaf {
  const leaf = inspectKeyQuietly(session.database, args, 2);
  if (leaf === 0) reply.nil();
  return leaf;
}

function encoding(session: Session, args: Args, reply: ReplyWriter): void {
  const leaf = leafOrNil(session, args, reply);
  if (leaf !== 0) reply.bulkLatin1(encodingOf(session.database, leaf));
}

function refcount(session: Session, args: Args, reply: ReplyWriter): void {
  const leaf = leafOrNil(session, args, reply);
  if (leaf !== 0) reply.integer(refcountOf(session.database, leaf));
}

function idletime(session: Session, args: Args, reply: ReplyWriter): void {
  const leaf = leafOrNil(session, args, reply);
  if (leaf === 0) return;
  const { store, tree } = session.database;
  if (store.usesLfu) reply.error(NOT_LRU);
  else reply.integer(lruIdleSeconds(tree.access(leaf), store.nowMs));
}

function freq(session: Session, args: Args, reply: ReplyWriter): void {
  const leaf = leafOrNil(session, args, reply);
  if (leaf === 0) return;
  const { store, tree } = session.database;
  if (!store.usesLfu) reply.error(NOT_LFU);
  else reply.integer(lfuCounter(tree.access(leaf), store.nowMs, store.settings));
}

function help(_session: Session, _args: Args, reply: ReplyWriter): void {
  reply.array(HELP.length);
  for (const line of HELP) reply.simple(line);
}

function unknown(_session: Session, args: Args, reply: ReplyWriter): void {
  reply.error(unknownSubcommand('object', args.string(1)));
}

export const objectCommands: readonly CommandRow[] = [
  {
    name: 'object',
    arity: -2,
    flags: 0,
    handler: unknown,
    subcommands: [
      { name: 'encoding', arity: 3, flags: READONLY, keys: [2, 2, 1], handler: encoding },
      { name: 'freq', arity: 3, flags: READONLY, keys: [2, 2, 1], handler: freq },
      { name: 'help', arity: 2, flags: 0, handler: help },
      { name: 'idletime', arity: 3, flags: READONLY, keys: [2, 2, 1], handler: idletime },
      { name: 'refcount', arity: 3, flags: READONLY, keys: [2, 2, 1], handler: refcount },
    ],
  },
];
