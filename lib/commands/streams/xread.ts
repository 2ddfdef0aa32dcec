/**
 * XREAD and XREADGROUP: what has come to streams since, for each reader or for the consumers of a
 * group together; at once, or as soon as there is something.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { Group } from '../../types/stream-group.js';
import { StreamId } from '../../types/stream-id.js';
import { moveOn } from '../../types/stream-lag.js';
import { entryRank, loadEntryId, loadTopId, STREAM, StreamState } from '../../types/streams.js';
import { readCollection } from '../collections.js';
import { type CommandRow, type Handler, READONLY, WRITE } from '../command.js';
import { openGroup, printed, readId, seeConsumer, turnToConsumer } from './ids.js';
import { AT_ONCE_MAX, type Part, replyParts } from './parts.js';
import { type ReadOptions, readOptions } from './read-options.js';

const PLUS = 43;
const DOLLAR = 36;
const ABOVE = 62;
const NO_ABOVE =
  'ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group>' +
  ' <consumer> option.';
/** What a group does not take, by its byte. */
const NO_MARKS = new Map([
  [DOLLAR, noMark('$')],
  [PLUS, noMark('+')],
]);

type Ids = readonly (StreamId | undefined)[];

const state = new StreamState();
const group = new Group();
const next = new StreamId();

function noMark(mark: string): string {
  return (
    `ERR The ${mark} ID is meaningless in the context of XREADGROUP: you want to read the history` +
    ' of this consumer by specifying a proper ID, or use the > ID to get new messages.' +
    ` The ${mark} ID would just return an empty result set.`
  );
}

/** XREAD [COUNT count] [BLOCK ms] STREAMS key ... id ...; of a group, GROUP group consumer [NOACK] */
function read(isOfGroup: boolean): Handler {
  return (session, args, reply) => {
    const options = readOptions(args, isOfGroup, session.isScript, reply);
    if (options === undefined) return;
    const ids = readIds(session, args, options, reply);
    if (ids === undefined) return;
    const parts = partsOf(session, args, options, ids);
    if (parts.length > 0) replyParts(session, args, parts);
    else if (options.timeoutMs === -1) reply.nilArray();
    else wait(session, args, options, ids);
  };
}

/**
 * The id behind which each stream is to be read; undefined stands for `>`, what the group has not
 * been delivered. No array if an error was replied. `before`: what it was when the command came;
 * what `$` stands for stays.
 */
function readIds(
  session: Session,
  args: Args,
  options: ReadOptions,
  reply: ReplyWriter,
  before?: Ids,
): Ids | undefined {
  const { first, groupAt, streams } = options;
  const ids: (StreamId | undefined)[] = [];
  for (let key = first; key < first + streams; key += 1) {
    const stream = readCollection(session, args, key, STREAM, reply);
    if (stream === undefined) return undefined;
    if (groupAt !== 0 && !(stream.exists && openGroup(group, stream, args, groupAt))) {
      reply.error(
        `NOGROUP No such key '${printed(args, key)}' or consumer group` +
          ` '${printed(args, groupAt)}' in XREADGROUP with GROUP option`,
      );
      return undefined;
    }
    const at = key + streams;
    const mark = args.length(at) === 1 ? args.byte(at, 0) : 0;
    const refused = groupAt === 0 ? (mark === ABOVE ? NO_ABOVE : '') : (NO_MARKS.get(mark) ?? '');
    if (refused !== '') {
      reply.error(refused);
      return undefined;
    }
    if (before !== undefined && mark !== PLUS) {
      ids.push(before[key - first]);
      continue;
    }
    const id = new StreamId();
    if (mark === DOLLAR) {
      state.loadLast(stream);
      id.copy(state.lastId);
    } else if (mark === PLUS) {
      if (loadTopId(stream, id)) id.decrement();
    } else if (mark !== ABOVE && !readId(args, at, id, reply)) {
      return undefined;
    }
    // The highest id stands for `>` in Redis, too.
    ids.push(mark === ABOVE || (groupAt !== 0 && id.isMax) ? undefined : id);
  }
  return ids;
}

function partsOf(session: Session, args: Args, options: ReadOptions, ids: Ids): Part[] {
  const parts: Part[] = [];
  for (const [i, after] of ids.entries()) {
    const part = partOf(session, args, options, options.first + i, after);
    if (part !== undefined) parts.push(part);
  }
  return parts;
}

/** What a stream has for the command now; undefined: nothing. */
function partOf(
  session: Session,
  args: Args,
  options: ReadOptions,
  keyAt: number,
  after: StreamId | undefined,
): Part | undefined {
  const { groupAt } = options;
  const stream = session.database.collection();
  const { buf, ends, starts } = args;
  stream.openQuietly(buf, starts[keyAt]!, ends[keyAt]!, STREAM);
  if (!stream.exists) return undefined;
  if (groupAt === 0) return partBehind(stream, options, keyAt, after!);
  // An earlier one of the keys may be the same stream.
  openGroup(group, stream, args, groupAt);
  turnToConsumer(group, args, groupAt + 1);
  if (after !== undefined) {
    seeConsumer(group, false);
    return history(options, keyAt, after);
  }
  const part = partBehind(stream, options, keyAt, group.lastId);
  if (part === undefined) {
    seeConsumer(group, false);
    return undefined;
  }
  seeConsumer(group, !options.isNoAck);
  return deliver(stream, options, part);
}

/** Entries behind an id; undefined if there are none. */
function partBehind(
  stream: Collection,
  { count: most }: ReadOptions,
  keyAt: number,
  after: StreamId,
): Part | undefined {
  state.load(stream);
  const count = state.length - rankBehind(stream, after);
  if (count <= 0) return undefined;
  const first = new StreamId();
  first.copy(after);
  return {
    keyAt,
    after: first,
    count: most === 0 ? count : Math.min(most, count),
    consumer: undefined,
  };
}

/** How many entries come before those behind an id. */
function rankBehind(stream: Collection, after: StreamId): number {
  next.copy(after);
  return next.increment() ? entryRank(stream, next) : state.length;
}

/** Moves the group on over a part, of which `state` is loaded. */
function deliver(stream: Collection, options: ReadOptions, part: Part): Part {
  const { count } = part;
  const index = rankBehind(stream, part.after);
  moveOn(stream, state, group, index, count);
  group.save();
  const makesPending = !options.isNoAck && count > AT_ONCE_MAX;
  if (!options.isNoAck && !makesPending) makePending(stream, index, count);
  return { ...part, consumer: consumerOf(options, false, makesPending) };
}

/** Makes entries from an index on pending for the consumer. */
function makePending({ database, elements }: Collection, index: number, count: number): void {
  for (let i = index; i < index + count; i += 1) {
    loadEntryId(elements, elements.nth(i), next);
    group.putPending(next, database.store.nowMs, 1);
  }
}

function history(options: ReadOptions, keyAt: number, after: StreamId): Part {
  next.copy(after);
  next.increment();
  const count = group.ownedCount - group.ownedRank(next);
  const most = options.count === 0 ? count : Math.min(options.count, count);
  return { keyAt, after, count: most, consumer: consumerOf(options, true, false) };
}

function consumerOf(
  { groupAt }: ReadOptions,
  isHistory: boolean,
  makesPending: boolean,
): Part['consumer'] {
  return { groupAt, consumerAt: groupAt + 1, isHistory, makesPending };
}

/** Waits until one of the streams has grown; for a group, also until one is another or gone. */
function wait(session: Session, args: Args, options: ReadOptions, ids: Ids): void {
  const { first, groupAt, streams, timeoutMs } = options;
  const keys = Array.from({ length: streams }, (_, i) => first + i);
  const retry = (waiting: Session, given: Args, at: number): boolean =>
    (groupAt !== 0 || isStream(waiting, given, at)) && again(waiting, given, options, ids);
  const wantsRemovals = groupAt !== 0;
  // Groups know themselves how far they are.
  const idsBefore = (): string[] => (wantsRemovals ? [] : ids.map((id) => `${id!.ms}-${id!.seq}`));
  session.block(args, { type: 'stream', keys, timeoutMs, retry, wantsRemovals, idsBefore });
}

function isStream(session: Session, { buf, ends, starts }: Args, at: number): boolean {
  const stream = session.database.collection();
  return stream.openQuietly(buf, starts[at]!, ends[at]!, STREAM) && stream.exists;
}

/** The command once more, over all its streams; false, nothing replied, if they have nothing. */
function again(session: Session, args: Args, options: ReadOptions, before: Ids): boolean {
  const ids = readIds(session, args, options, session.reply, before);
  if (ids === undefined) return true;
  const parts = partsOf(session, args, options, ids);
  if (parts.length > 0) replyParts(session, args, parts);
  return parts.length > 0;
}

export const xreadCommands: readonly CommandRow[] = [
  { name: 'xread', arity: -4, flags: READONLY, handler: read(false) },
  { name: 'xreadgroup', arity: -7, flags: WRITE, handler: read(true) },
];
