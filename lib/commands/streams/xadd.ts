/** XADD and XTRIM: entries at the end of a stream, and away from its beginning. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { NOTIFY_STREAM } from '../../store/notify.js';
import { EncodedEntry } from '../../types/stream-entry.js';
import { StreamId } from '../../types/stream-id.js';
import { entryCount, putEntry, STREAM, StreamState } from '../../types/streams.js';
import { findCollection } from '../collections.js';
import { type CommandRow, FAST, WRITE } from '../command.js';
import { refusesKey } from '../lookup.js';
import { wrongArity } from '../replies.js';
import { replyId } from './ids.js';
import { removeFirst, TrimOptions, tellOfTrim } from './trim.js';

const NOT_ABOVE_ZERO = 'ERR The ID specified in XADD must be greater than 0-0';
const NOT_ABOVE_TOP =
  'ERR The ID specified in XADD is equal or smaller than the target stream top item';
const EXHAUSTED = 'ERR The stream has exhausted the last possible ID, unable to add more items';
const TOO_LARGE = 'ERR Elements are too large to be stored';

const options = new TrimOptions();
const state = new StreamState();
const id = new StreamId();
const entry = new EncodedEntry();

/** XADD key [NOMKSTREAM] [MAXLEN|MINID [=|~] threshold [LIMIT count]] id|* field value ... */
function xadd(session: Session, args: Args, reply: ReplyWriter): void {
  const { streamNodeMaxEntries } = session.server.settings;
  const at = options.read(args, true, streamNodeMaxEntries, reply);
  if (at === -1) return;
  const strings = args.count - at - 1;
  if (strings < 2 || (strings & 1) !== 0) {
    reply.error(wrongArity('xadd'));
    return;
  }
  if (!options.isIdOpen && !options.id.isSeqOpen && options.id.isZero) {
    reply.error(NOT_ABOVE_ZERO);
    return;
  }
  if (refusesKey(args, 1, reply)) return;
  const stream = findCollection(session, args, 1, STREAM, reply);
  if (stream === undefined) return;
  if (options.noMakeStream && !stream.exists) {
    reply.nil();
    return;
  }
  state.loadLast(stream);
  const fault = chooseId(session.server.store.nowMs) ?? encode(args, at + 1);
  if (fault !== undefined) {
    reply.error(fault);
    return;
  }
  putEntry(stream, id, entry.bytes, 0, entry.length, state.lastEntry);
  entry.forget();
  replyId(reply, id);
  stream.notify(NOTIFY_STREAM, 'xadd');
  stream.database.signalReady(args.buf, args.starts[1]!, args.ends[1]!);
  if (!options.trims) return;
  state.lastId.copy(id);
  state.length = entryCount(stream);
  const surplus = options.surplus(stream, state, streamNodeMaxEntries);
  if (surplus > 0) removeFirst(session, stream, state, surplus, tellOfTrim);
}

/** Puts the id of the new entry in `id`; or what is wrong with it. */
function chooseId(nowMs: number): string | undefined {
  const { lastId } = state;
  if (lastId.isMax) return EXHAUSTED;
  if (options.isIdOpen) {
    id.setNext(lastId, nowMs);
    return undefined;
  }
  id.copy(options.id);
  if (options.id.isSeqOpen && id.hasMsOf(lastId)) {
    if (lastId.isSeqMax) return NOT_ABOVE_TOP;
    id.copy(lastId);
    id.increment();
  }
  return id.compare(lastId) > 0 ? undefined : NOT_ABOVE_TOP;
}

function encode(args: Args, first: number): string | undefined {
  return entry.encode(args, first) ? undefined : TOO_LARGE;
}

/** XTRIM key MAXLEN|MINID [=|~] threshold [LIMIT count] */
function xtrim(session: Session, args: Args, reply: ReplyWriter): void {
  const { streamNodeMaxEntries } = session.server.settings;
  if (options.read(args, false, streamNodeMaxEntries, reply) === -1) return;
  const stream = findCollection(session, args, 1, STREAM, reply);
  if (stream === undefined) return;
  if (!stream.exists) {
    reply.integer(0);
    return;
  }
  state.load(stream);
  const surplus = options.surplus(stream, state, streamNodeMaxEntries);
  if (surplus === 0) {
    reply.integer(0);
    return;
  }
  removeFirst(session, stream, state, surplus, (trimmed) => {
    tellOfTrim(trimmed);
    reply.integer(surplus);
  });
}

export const xaddCommands: readonly CommandRow[] = [
  { name: 'xadd', arity: -5, flags: WRITE | FAST, keys: [1, 1, 1], handler: xadd },
  { name: 'xtrim', arity: -4, flags: WRITE, keys: [1, 1, 1], handler: xtrim },
];
