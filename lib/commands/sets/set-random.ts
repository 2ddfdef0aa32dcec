/** SRANDMEMBER key [count] and SPOP key [count]: members by chance. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_SET } from '../../store/notify.js';
import { TYPE_SET } from '../../types/types.js';
import { findCollection, readCollection } from '../collections.js';
import { type CommandRow, FAST, READONLY, WRITE } from '../command.js';
import { replyElements } from '../element-range.js';
import { writeKey } from '../element-reply.js';
import { signedCount } from '../int64.js';
import { type Pops, PopTask } from '../pop-task.js';
import { replyRandom } from '../random-elements.js';
import { SYNTAX_ERROR } from '../replies.js';

/** So many are popped at once; more in slices. */
const POPS_AT_ONCE_MAX = 512;

function srandmember(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > 3) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const isOne = args.count === 2;
  const count = isOne ? -1 : signedCount(args, 2, reply);
  if (Number.isNaN(count)) return;
  const set = readCollection(session, args, 1, TYPE_SET, reply);
  if (set === undefined) return;
  const { size } = set;
  const found = size === 0 ? 0 : count < 0 ? -count : Math.min(count, size);
  if (!isOne) reply.array(found);
  else if (found === 0) reply.nil();
  if (found > 0) replyRandom(session, set, count, writeKey);
}

function spop(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > 3) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  if (args.count === 3) {
    popSeveral(session, args, reply);
    return;
  }
  const set = findCollection(session, args, 1, TYPE_SET, reply);
  if (set === undefined) return;
  if (set.size === 0) {
    reply.nil();
    return;
  }
  popOne(set, reply);
  set.notify(NOTIFY_SET, 'spop');
}

function popSeveral(session: Session, args: Args, reply: ReplyWriter): void {
  const count = args.int64(2);
  if (!(count >= 0)) {
    reply.error('ERR value is out of range, must be positive');
    return;
  }
  const set = findCollection(session, args, 1, TYPE_SET, reply);
  if (set === undefined) return;
  const { size } = set;
  if (count > POPS_AT_ONCE_MAX && count < size) {
    session.defer(new PopTask(session, set.key(), count, pops));
    return;
  }
  reply.set(Math.min(count, size));
  if (count === 0 || size === 0) return;
  if (count >= size) {
    // What does not fit into this slice is read from a snapshot, which keeps the members.
    replyElements(session, set, writeKey);
    set.removeAll();
  } else {
    for (let i = 0; i < count; i += 1) popOne(set, reply);
  }
  set.notify(NOTIFY_SET, 'spop');
}

/** Removes a member by chance from a set that is not empty, and writes it. */
function popOne(set: Collection, reply: ReplyWriter): void {
  const { database, elements } = set;
  const leaf = elements.nth(database.store.world.random.below(elements.liveCount));
  writeKey(reply, database, leaf);
  set.removeFound(leaf);
}

const pops: Pops = {
  type: TYPE_SET,
  one: popOne,
  notify: (set) => set.notify(NOTIFY_SET, 'spop'),
  beginReply: (reply, count) => reply.set(count),
};

export const setRandomCommands: readonly CommandRow[] = [
  { name: 'srandmember', arity: -2, flags: READONLY, keys: [1, 1, 1], handler: srandmember },
  { name: 'spop', arity: -2, flags: WRITE | FAST, keys: [1, 1, 1], handler: spop },
];
