/** XGROUP: groups and their consumers. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_STREAM } from '../../store/notify.js';
import { ENTRIES_READ_UNKNOWN, Group } from '../../types/stream-group.js';
import { ALLOW_EDGES, StreamId } from '../../types/stream-id.js';
import { STREAM, StreamState } from '../../types/streams.js';
import { findCollection } from '../collections.js';
import { type CommandRow, WRITE } from '../command.js';
import { helpRow } from '../help.js';
import { refusesKey } from '../lookup.js';
import { unknownSubcommand, unknownSubcommandOrArity } from '../replies.js';
import { DeleteConsumerTask, DestroyTask, endConsumer, removeOwned } from './group-removal.js';
import {
  noGroupOfKey,
  openGroup,
  readCounter,
  readId,
  refusesName,
  seeConsumer,
  turnToConsumer,
} from './ids.js';

const KEY_NEEDED =
  'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use' +
  ' the MKSTREAM option to create an empty stream automatically.';
const BUSY = 'BUSYGROUP Consumer Group name already exists';
const READ_NEGATIVE = 'ERR value for ENTRIESREAD must be positive or -1';
const CREATE_COUNT_MAX = 8;
const SETID_COUNTS: readonly number[] = [5, 7];
/** So many elements go at once; more in slices. */
const AT_ONCE_MAX = 512;

const HELP = [
  'CREATE <key> <groupname> <id|$> [option]',
  '    Create a new consumer group. Options are:',
  '    * MKSTREAM',
  '      Create the empty stream if it does not exist.',
  '    * ENTRIESREAD entries_read',
  "      Set the group's entries_read counter (internal use).",
  'CREATECONSUMER <key> <groupname> <consumer>',
  '    Create a new consumer in the specified group.',
  'DELCONSUMER <key> <groupname> <consumer>',
  '    Remove the specified consumer.',
  'DESTROY <key> <groupname>',
  '    Remove the specified group.',
  'SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]',
  '    Set the current group ID and entries_read counter.',
];

const state = new StreamState();
const group = new Group();
const id = new StreamId();

/** What CREATE and SETID are asked for. */
const options = { makesStream: false, entriesRead: ENTRIES_READ_UNKNOWN };

/** Reads what follows the id; false if an error was replied. */
function readOptions(args: Args, isCreate: boolean, reply: ReplyWriter): boolean {
  options.makesStream = false;
  options.entriesRead = ENTRIES_READ_UNKNOWN;
  for (let i = 5; i < args.count; i += 1) {
    if (isCreate && args.equalsIgnoreCase(i, 'MKSTREAM')) {
      options.makesStream = true;
    } else if (i + 1 < args.count && args.equalsIgnoreCase(i, 'ENTRIESREAD')) {
      i += 1;
      options.entriesRead = readCounter(args, i, reply);
      if (Number.isNaN(options.entriesRead)) return false;
      if (options.entriesRead < ENTRIES_READ_UNKNOWN) {
        reply.error(READ_NEGATIVE);
        return false;
      }
    } else {
      refuseOption(args, reply);
      return false;
    }
  }
  return true;
}

function refuseOption(args: Args, reply: ReplyWriter): void {
  reply.error(unknownSubcommandOrArity('xgroup', args.string(1)));
}

/** The stream, which must be there; undefined if an error was replied. */
function findStream(session: Session, args: Args, reply: ReplyWriter): Collection | undefined {
  const stream = findCollection(session, args, 2, STREAM, reply);
  if (stream === undefined || stream.exists) return stream;
  reply.error(KEY_NEEDED);
  return undefined;
}

/** The stream, with `group` turned to its group; undefined if an error was replied. */
function findGroup(session: Session, args: Args, reply: ReplyWriter): Collection | undefined {
  const stream = findStream(session, args, reply);
  if (stream === undefined || openGroup(group, stream, args, 3)) return stream;
  reply.error(noGroupOfKey(args, 3, 2));
  return undefined;
}

/** XGROUP CREATE key group id|$ [MKSTREAM] [ENTRIESREAD entries] */
function create(session: Session, args: Args, reply: ReplyWriter): void {
  if (!readOptions(args, true, reply)) return;
  if (refusesKey(args, 2, reply) || refusesName(args, 3, reply)) return;
  const { makesStream } = options;
  const stream = makesStream
    ? findCollection(session, args, 2, STREAM, reply)
    : findStream(session, args, reply);
  if (stream === undefined) return;
  if (args.count > CREATE_COUNT_MAX) {
    refuseOption(args, reply);
    return;
  }
  state.load(stream);
  if (!readIdOrTop(args, id, reply, 0)) return;
  if (!stream.exists) state.hold(stream);
  if (openGroup(group, stream, args, 3)) {
    reply.error(BUSY);
    return;
  }
  group.removeRest(Number.POSITIVE_INFINITY);
  group.lastId.copy(id);
  group.entriesRead = options.entriesRead;
  group.save();
  reply.ok();
  stream.notify(NOTIFY_STREAM, 'xgroup-create');
}

/** Reads argument 4; `$` is the last id of `state`. False if an error was replied. */
function readIdOrTop(args: Args, target: StreamId, reply: ReplyWriter, allow: number): boolean {
  if (args.string(4) !== '$') return readId(args, 4, target, reply, allow);
  target.copy(state.lastId);
  return true;
}

/** XGROUP SETID key group id|$ [ENTRIESREAD entries] */
function setId(session: Session, args: Args, reply: ReplyWriter): void {
  if (!readOptions(args, false, reply)) return;
  const stream = findGroup(session, args, reply);
  if (stream === undefined) return;
  if (!SETID_COUNTS.includes(args.count)) {
    refuseOption(args, reply);
    return;
  }
  state.load(stream);
  if (!readIdOrTop(args, id, reply, ALLOW_EDGES)) return;
  group.lastId.copy(id);
  group.entriesRead = options.entriesRead;
  group.save();
  reply.ok();
  stream.notify(NOTIFY_STREAM, 'xgroup-setid');
}

/** XGROUP DESTROY key group */
function destroy(session: Session, args: Args, reply: ReplyWriter): void {
  const stream = findStream(session, args, reply);
  if (stream === undefined) return;
  if (!openGroup(group, stream, args, 3)) {
    reply.integer(0);
    return;
  }
  state.loadLast(stream);
  state.hold(stream);
  group.remove();
  stream.notify(NOTIFY_STREAM, 'xgroup-destroy');
  // Who waits for it hears that it has gone.
  stream.database.signalReady(args.buf, args.starts[2]!, args.ends[2]!);
  if (group.removeRest(AT_ONCE_MAX)) reply.integer(1);
  else session.defer(new DestroyTask(session, stream.key(), group.name));
}

/** XGROUP CREATECONSUMER key group consumer */
function createConsumer(session: Session, args: Args, reply: ReplyWriter): void {
  if (refusesName(args, 4, reply)) return;
  const stream = findGroup(session, args, reply);
  if (stream === undefined) return;
  turnToConsumer(group, args, 4);
  const isNew = !group.hasConsumer;
  if (isNew) seeConsumer(group, false);
  reply.integer(isNew ? 1 : 0);
}

/** XGROUP DELCONSUMER key group consumer */
function deleteConsumer(session: Session, args: Args, reply: ReplyWriter): void {
  const stream = findGroup(session, args, reply);
  if (stream === undefined) return;
  turnToConsumer(group, args, 4);
  if (!group.hasConsumer) {
    reply.integer(0);
    return;
  }
  const pending = group.ownedCount;
  if (pending > AT_ONCE_MAX) {
    session.defer(new DeleteConsumerTask(session, args, stream.key()));
    return;
  }
  removeOwned(stream, group, pending);
  endConsumer(stream, group);
  reply.integer(pending);
}

function xgroup(_session: Session, args: Args, reply: ReplyWriter): void {
  reply.error(unknownSubcommand('xgroup', args.string(1)));
}

const KEYS = [2, 2, 1] as const;

export const xgroupCommands: readonly CommandRow[] = [
  {
    name: 'xgroup',
    arity: -2,
    flags: 0,
    handler: xgroup,
    subcommands: [
      { name: 'create', arity: -5, flags: WRITE, keys: KEYS, handler: create },
      { name: 'createconsumer', arity: 5, flags: WRITE, keys: KEYS, handler: createConsumer },
      { name: 'delconsumer', arity: 5, flags: WRITE, keys: KEYS, handler: deleteConsumer },
      { name: 'destroy', arity: 4, flags: WRITE, keys: KEYS, handler: destroy },
      helpRow('xgroup', HELP),
      { name: 'setid', arity: -5, flags: WRITE, keys: KEYS, handler: setId },
    ],
  },
];
