/** An element from an end of one list to an end of another, or of the same: LMOVE, RPOPLPUSH. */
import { KEY_BYTES_MAX } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_LIST } from '../../store/notify.js';
import { pushFirst, pushLast } from '../../types/lists.js';
import { TYPE_LIST } from '../../types/types.js';
import { findCollection } from '../collections.js';
import { type CommandRow, WRITE } from '../command.js';
import { refusesKey } from '../lookup.js';
import { replyValue } from '../replies.js';
import { type Where, whereOf } from './list-arguments.js';

/** Longer values are copied to a buffer of their own. */
const SCRATCH_BYTES = 16 * 1024;

const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
const position = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);

function rpoplpush(session: Session, args: Args, reply: ReplyWriter): void {
  move(session, args, reply, 'RIGHT', 'LEFT');
}

function lmove(session: Session, args: Args, reply: ReplyWriter): void {
  const from = whereOf(args, 3, reply);
  if (from === undefined) return;
  const to = whereOf(args, 4, reply);
  if (to !== undefined) move(session, args, reply, from, to);
}

function move(session: Session, args: Args, reply: ReplyWriter, from: Where, to: Where): void {
  const source = findCollection(session, args, 1, TYPE_LIST, reply);
  if (source === undefined) return;
  if (source.exists) moveFrom(session, args, source, from, to);
  else reply.nil();
}

/** Moves an element of the list at argument 1, which is not empty, to that at argument 2. */
export function moveFrom(
  session: Session,
  args: Args,
  source: Collection,
  from: Where,
  to: Where,
): void {
  const { reply } = session;
  if (refusesKey(args, 2, reply)) return;
  const isSame = args.bytes(1).equals(args.bytes(2));
  const target = isSame ? source : findCollection(session, args, 2, TYPE_LIST, reply, 1);
  if (target === undefined) return;
  const { elements } = source;
  const element = from === 'LEFT' ? elements.first() : elements.last();
  replyValue(reply, session.database, element);
  moveElement(source, element, target, to);
  target.notify(NOTIFY_LIST, to === 'LEFT' ? 'lpush' : 'rpush');
  source.notify(NOTIFY_LIST, from === 'LEFT' ? 'lpop' : 'rpop');
}

/** Pushes first, so that a list of one element that is turned round does not go meanwhile. */
function moveElement(source: Collection, element: number, target: Collection, to: Where): void {
  const { elements } = source;
  const positionBytes = elements.copyKey(element, position, 0);
  const valueBytes = elements.valueBytes(element);
  const value = valueBytes <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(valueBytes);
  elements.copyValue(element, value, 0);
  if (to === 'LEFT') pushFirst(target, value, 0, valueBytes);
  else pushLast(target, value, 0, valueBytes);
  source.remove(position, 0, positionBytes);
}

export const listMoveCommands: readonly CommandRow[] = [
  { name: 'rpoplpush', arity: 3, flags: WRITE, keys: [1, 2, 1], handler: rpoplpush },
  { name: 'lmove', arity: 5, flags: WRITE, keys: [1, 2, 1], handler: lmove },
];
