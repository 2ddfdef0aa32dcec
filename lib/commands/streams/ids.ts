/** Ids of streams as arguments and in replies, and errors about groups. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_STREAM } from '../../store/notify.js';
import { type Group, NAME_BYTES_MAX } from '../../types/stream-group.js';
import { ALLOW_EDGES, ID_TEXT_MAX, type StreamId } from '../../types/stream-id.js';
import { NOT_INTEGER, shortText } from '../replies.js';

const INVALID_ID = 'ERR Invalid stream ID specified as stream command argument';
const NAME_TOO_LONG = `ERR group or consumer name is too long: at most ${NAME_BYTES_MAX} bytes, not applied`;
const OPEN_MARK = 40;
/** `$`, two digits and the end of a line. */
const ID_HEAD_BYTES = 5;
const DOLLAR = 36;
const ZERO = 48;
const CR = 13;
const LF = 10;

const text = Buffer.alloc(ID_TEXT_MAX);

/** Writes an id as a bulk. */
export function replyId(reply: ReplyWriter, id: StreamId): void {
  reply.room(ID_HEAD_BYTES + ID_TEXT_MAX + 2);
  const { at, buf } = reply;
  const from = at + ID_HEAD_BYTES;
  const end = id.write(buf, from);
  const bytes = end - from;
  if (bytes < 10) {
    buf.copy(text, 0, from, end);
    reply.bulk(text, 0, bytes);
    return;
  }
  // In place, behind a head whose length is known: `$15` and the end of a line.
  const tens = (bytes / 10) | 0;
  buf[at] = DOLLAR;
  buf[at + 1] = ZERO + tens;
  buf[at + 2] = ZERO + bytes - tens * 10;
  buf[at + 3] = CR;
  buf[at + 4] = LF;
  reply.at = end;
  reply.crlf();
}

/** Reads the id in argument `i`; false if the error was replied. `allow`: ALLOW_... bits. */
export function readId(
  args: Args,
  i: number,
  id: StreamId,
  reply: ReplyWriter,
  allow = 0,
): boolean {
  if (id.parse(args.buf, args.starts[i]!, args.ends[i]!, false, allow)) return true;
  reply.error(INVALID_ID);
  return false;
}

/** `readId` without a word about it. */
export function isId(args: Args, i: number, id: StreamId): boolean {
  return id.parse(args.buf, args.starts[i]!, args.ends[i]!, false, 0);
}

/** Reads the lowest id of an interval; false if the error was replied. */
export function readStart(args: Args, i: number, id: StreamId, reply: ReplyWriter): boolean {
  const isOpen = isOpenEdge(args, i);
  if (!readEdge(args, i, id, false, reply)) return false;
  if (!isOpen || id.increment()) return true;
  reply.error('ERR invalid start ID for the interval');
  return false;
}

/** Reads the highest one. */
export function readEnd(args: Args, i: number, id: StreamId, reply: ReplyWriter): boolean {
  const isOpen = isOpenEdge(args, i);
  if (!readEdge(args, i, id, true, reply)) return false;
  if (!isOpen || id.decrement()) return true;
  reply.error('ERR invalid end ID for the interval');
  return false;
}

function isOpenEdge(args: Args, i: number): boolean {
  return args.length(i) > 1 && args.byte(i, 0) === OPEN_MARK;
}

function readEdge(
  args: Args,
  i: number,
  id: StreamId,
  isEnd: boolean,
  reply: ReplyWriter,
): boolean {
  const isOpen = isOpenEdge(args, i);
  const from = args.starts[i]! + (isOpen ? 1 : 0);
  if (id.parse(args.buf, from, args.ends[i]!, isEnd, isOpen ? 0 : ALLOW_EDGES)) return true;
  reply.error(INVALID_ID);
  return false;
}

/** The int64 in argument `i`; NaN if an error was replied. */
export function readInteger(
  args: Args,
  i: number,
  reply: ReplyWriter,
  error: string = NOT_INTEGER,
): number {
  const value = args.int64(i);
  if (Number.isNaN(value)) reply.error(error);
  return value;
}

/** `readInteger` of what is kept as a double. */
export function readCounter(
  args: Args,
  i: number,
  reply: ReplyWriter,
  error: string = NOT_INTEGER,
): number {
  const value = args.int64(i);
  if (Number.isSafeInteger(value)) return value;
  reply.error(error);
  return Number.NaN;
}

/** Turns a group to the one that is named in argument `i`; false if the stream has none. */
export function openGroup(group: Group, stream: Collection, args: Args, i: number): boolean {
  return group.open(stream, args.buf, args.starts[i]!, args.ends[i]!);
}

export function turnToConsumer(group: Group, args: Args, i: number): void {
  group.turnTo(args.buf, args.starts[i]!, args.ends[i]!);
}

/** The consumer is seen, and made if it is new. `isActive`: it gets something. */
export function seeConsumer(group: Group, isActive: boolean): void {
  const { stream } = group;
  const isNew = group.see(stream.database.store.nowMs, isActive);
  if (isNew) stream.notify(NOTIFY_STREAM, 'xgroup-createconsumer');
}

/** True, the error replied, if the name in argument `i` is too long for a group or consumer. */
export function refusesName(args: Args, i: number, reply: ReplyWriter): boolean {
  if (args.length(i) <= NAME_BYTES_MAX) return false;
  reply.error(NAME_TOO_LONG);
  return true;
}

/** An argument as C prints it in an error. */
export function printed(args: Args, i: number): string {
  return shortText(args.string(i), Number.POSITIVE_INFINITY);
}

export function noGroup(args: Args, key: number, group: number): string {
  return `NOGROUP No such key '${printed(args, key)}' or consumer group '${printed(args, group)}'`;
}

export function noGroupOfKey(args: Args, groupAt: number, keyAt: number): string {
  const name = printed(args, groupAt);
  return `NOGROUP No such consumer group '${name}' for key name '${printed(args, keyAt)}'`;
}
