/** XINFO: what a stream, its groups and their consumers say of themselves. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { Group, NEVER_MS } from '../../types/stream-group.js';
import { groupCount, STREAM, StreamState } from '../../types/streams.js';
import { readCollection } from '../collections.js';
import { type CommandRow, READONLY } from '../command.js';
import { helpRow } from '../help.js';
import { NO_SUCH_KEY, unknownSubcommand, unknownSubcommandOrArity } from '../replies.js';
import { writeEntry } from './entries.js';
import { noGroupOfKey, openGroup, readInteger, replyId } from './ids.js';
import { PIECE_ITEMS, replySliced } from './sliced-reply.js';
import { fullItems, writeFull, writeReads, writeState } from './xinfo-full.js';

const KEY_AT = 2;
const FULL_COUNT_DEFAULT = 10;
const HELP = [
  'CONSUMERS <key> <groupname>',
  '    Show consumers of <groupname>.',
  'GROUPS <key>',
  '    Show the stream consumer groups.',
  'STREAM <key> [FULL [COUNT <count>]',
  '    Show information about the stream.',
];

const state = new StreamState();
const group = new Group();

/** The stream, which must be there; undefined if an error was replied. */
function readStream(session: Session, args: Args, reply: ReplyWriter): Collection | undefined {
  const stream = readCollection(session, args, KEY_AT, STREAM, reply);
  if (stream === undefined || stream.exists) return stream;
  reply.error(NO_SUCH_KEY);
  return undefined;
}

/** XINFO STREAM key [FULL [COUNT count]] */
function stream(session: Session, args: Args, reply: ReplyWriter): void {
  const opened = readStream(session, args, reply);
  if (opened === undefined) return;
  if (args.count === 3) {
    writeSummary(opened, reply);
    return;
  }
  const isFull = args.equalsIgnoreCase(3, 'FULL') && (args.count === 4 || args.count === 6);
  if (!isFull || (args.count === 6 && !args.equalsIgnoreCase(4, 'COUNT'))) {
    reply.error(unknownSubcommandOrArity('xinfo', args.string(1)));
    return;
  }
  const asked = args.count === 6 ? readInteger(args, 5, reply) : FULL_COUNT_DEFAULT;
  if (Number.isNaN(asked)) return;
  const count = asked < 0 ? FULL_COUNT_DEFAULT : asked === 0 ? Number.POSITIVE_INFINITY : asked;
  replySliced(session, opened, args, {
    keyAt: KEY_AT,
    items: fullItems(opened, count),
    isArray: false,
    write: (reopened, _given, out) => writeFull(reopened, out, count),
  });
}

function writeSummary(opened: Collection, reply: ReplyWriter): void {
  state.load(opened);
  reply.map(10);
  writeState(opened, state, reply);
  reply.bulkLatin1('groups');
  reply.integer(groupCount(opened));
  for (const [name, index] of [
    ['first-entry', 0],
    ['last-entry', state.length - 1],
  ] as const) {
    reply.bulkLatin1(name);
    if (state.length === 0) reply.nil();
    else writeEntry(reply, opened.database, opened.elements.nth(index));
  }
}

/** XINFO GROUPS key */
function groups(session: Session, args: Args, reply: ReplyWriter): void {
  const opened = readStream(session, args, reply);
  if (opened === undefined) return;
  const items = groupCount(opened);
  replySliced(session, opened, args, { keyAt: KEY_AT, items, isArray: true, write: writeGroups });
}

function* writeGroups(
  opened: Collection,
  _args: Args,
  out: ReplyWriter,
): Generator<void, number, void> {
  state.load(opened);
  const count = groupCount(opened);
  for (let i = 0; i < count; i += 1) {
    group.openNth(opened, i);
    out.map(6);
    out.bulkLatin1('name');
    out.bulk(group.name, 0, group.name.length);
    out.bulkLatin1('consumers');
    out.integer(group.consumerCount);
    out.bulkLatin1('pending');
    out.integer(group.pendingCount);
    out.bulkLatin1('last-delivered-id');
    replyId(out, group.lastId);
    writeReads(state, group, out);
    if ((i + 1) % PIECE_ITEMS !== 0) continue;
    yield;
    state.load(opened);
  }
  return count;
}

/** XINFO CONSUMERS key group */
function consumers(session: Session, args: Args, reply: ReplyWriter): void {
  const opened = readStream(session, args, reply);
  if (opened === undefined) return;
  if (!openGroup(group, opened, args, 3)) {
    reply.error(noGroupOfKey(args, 3, KEY_AT));
    return;
  }
  const items = group.consumerCount;
  const write = writeConsumers;
  replySliced(session, opened, args, { keyAt: KEY_AT, items, isArray: true, write });
}

function* writeConsumers(
  opened: Collection,
  args: Args,
  out: ReplyWriter,
): Generator<void, number, void> {
  openGroup(group, opened, args, 3);
  const count = group.consumerCount;
  for (let i = 0; i < count; i += 1) {
    group.turnToNth(i);
    group.loadConsumer();
    out.map(4);
    out.bulkLatin1('name');
    out.bulk(group.consumerName, 0, group.consumerName.length);
    out.bulkLatin1('pending');
    out.integer(group.ownedCount);
    out.bulkLatin1('idle');
    const { nowMs } = opened.database.store;
    out.integer(Math.max(0, nowMs - group.seenMs));
    out.bulkLatin1('inactive');
    out.integer(group.activeMs === NEVER_MS ? NEVER_MS : Math.max(0, nowMs - group.activeMs));
    if ((i + 1) % PIECE_ITEMS !== 0) continue;
    yield;
    openGroup(group, opened, args, 3);
  }
  return count;
}

function xinfo(_session: Session, args: Args, reply: ReplyWriter): void {
  reply.error(unknownSubcommand('xinfo', args.string(1)));
}

const KEYS = [KEY_AT, KEY_AT, 1] as const;

export const xinfoCommands: readonly CommandRow[] = [
  {
    name: 'xinfo',
    arity: -2,
    flags: 0,
    handler: xinfo,
    subcommands: [
      { name: 'consumers', arity: 4, flags: READONLY, keys: KEYS, handler: consumers },
      { name: 'groups', arity: 3, flags: READONLY, keys: KEYS, handler: groups },
      helpRow('xinfo', HELP),
      { name: 'stream', arity: -3, flags: READONLY, keys: KEYS, handler: stream },
    ],
  },
];
