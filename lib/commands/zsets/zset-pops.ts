/**
 * ZPOPMIN, ZPOPMAX and ZMPOP. A few members are popped at once, and all of them with one small
 * write; many go a slice at a time, each the lowest or highest of its moment.
 */
import { KEY_BYTES_MAX } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_ZSET } from '../../store/notify.js';
import { copyMember, SORTED_SET } from '../../types/zsets.js';
import { findCollection } from '../collections.js';
import { type CommandRow, FAST, WRITE } from '../command.js';
import { replyElementRange } from '../element-range.js';
import { type PopKind, popFirst, readMultiPop } from '../multi-pop.js';
import { type Pops, PopTask } from '../pop-task.js';
import { SYNTAX_ERROR } from '../replies.js';
import { writeFlatRanked, writeNestedRanked } from './members.js';

/** So many are popped at once; more in slices. */
const AT_ONCE_MAX = 512;

export const EXTREMES = ['MIN', 'MAX'] as const;

/** How what was popped is told. */
export interface PopForm {
  readonly isMax: boolean;
  /** Each member in an array with its score. */
  readonly nests: boolean;
  /** The key comes before them; and if they nest, they are in an array of their own. */
  readonly withKey: boolean;
}

/** How ZMPOP and BZMPOP tell of what they pop; by the index of the word in EXTREMES. */
export const MULTI_FORMS: readonly [PopForm, PopForm] = [
  { isMax: false, nests: true, withKey: true },
  { isMax: true, nests: true, withKey: true },
];

/** The member that is about to be popped. */
const member = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);

function zpopmin(session: Session, args: Args, reply: ReplyWriter): void {
  popOfOne(session, args, reply, false);
}

function zpopmax(session: Session, args: Args, reply: ReplyWriter): void {
  popOfOne(session, args, reply, true);
}

function popOfOne(session: Session, args: Args, reply: ReplyWriter, isMax: boolean): void {
  if (args.count > 3) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const hasCount = args.count === 3;
  const count = hasCount ? args.int64(2) : 1;
  if (!(count >= 0)) {
    reply.error('ERR value is out of range, must be positive');
    return;
  }
  const zset = findCollection(session, args, 1, SORTED_SET, reply);
  if (zset === undefined) return;
  const nests = hasCount && reply.protocol === 3;
  if (zset.size === 0 || count === 0) reply.emptyArray();
  else popSeveral(session, zset, count, { isMax, nests, withKey: false });
}

/** ZMPOP numkeys key [key ...] MIN|MAX [COUNT count] */
function zmpop(session: Session, args: Args, reply: ReplyWriter): void {
  const asked = readMultiPop(args, 1, EXTREMES, reply);
  if (asked === undefined) return;
  const form = MULTI_FORMS[asked.where];
  if (!popFirst(session, args, SORTED_SET_POP, asked, form)) reply.nilArray();
}

export const SORTED_SET_POP: PopKind<PopForm> = {
  type: SORTED_SET,
  waitsFor: 'zset',
  pop: (session, _args, _i, zset, count, form) => popSeveral(session, zset, count, form),
};

/** Pops up to `count` members, at least one, of a sorted set that is not empty. */
function popSeveral(session: Session, zset: Collection, count: number, form: PopForm): void {
  const { reply } = session;
  const { size } = zset;
  if (count > AT_ONCE_MAX && count < size) {
    const key = zset.key();
    session.defer(new PopTask(session, key, count, popsOf(key, form)));
    return;
  }
  const popped = Math.min(count, size);
  beginReply(reply, form.withKey ? zset.key() : undefined, popped, form);
  if (popped === size) {
    // What does not fit into this slice is read from a snapshot, which keeps the members.
    const index = form.isMax ? size - 1 : 0;
    const range = { index, count: size, reverse: form.isMax, byValue: true };
    replyElementRange(session, zset, range, form.nests ? writeNestedRanked : writeFlatRanked);
    zset.removeAll();
  } else {
    for (let i = 0; i < popped; i += 1) popNext(zset, reply, form);
  }
  tellOfPops(zset, form);
}

function popsOf(key: Buffer, form: PopForm): Pops {
  return {
    type: SORTED_SET,
    one: (zset, reply) => popNext(zset, reply, form),
    notify: (zset) => tellOfPops(zset, form),
    beginReply: (reply, count) => beginReply(reply, form.withKey ? key : undefined, count, form),
  };
}

function tellOfPops(zset: Collection, form: PopForm): void {
  zset.notify(NOTIFY_ZSET, form.isMax ? 'zpopmax' : 'zpopmin');
}

function beginReply(
  reply: ReplyWriter,
  key: Buffer | undefined,
  count: number,
  form: PopForm,
): void {
  if (key !== undefined) {
    reply.array(form.nests ? 2 : 1 + count * 2);
    reply.bulk(key, 0, key.length);
    if (!form.nests) return;
  }
  reply.array(form.nests ? count : count * 2);
}

function popNext(zset: Collection, reply: ReplyWriter, form: PopForm): void {
  const { tree } = zset.mirror;
  const leaf = form.isMax ? tree.last() : tree.first();
  (form.nests ? writeNestedRanked : writeFlatRanked)(reply, zset.database, leaf);
  zset.remove(member, 0, copyMember(tree, leaf, member));
}

export const zsetPopCommands: readonly CommandRow[] = [
  { name: 'zpopmin', arity: -2, flags: WRITE | FAST, keys: [1, 1, 1], handler: zpopmin },
  { name: 'zpopmax', arity: -2, flags: WRITE | FAST, keys: [1, 1, 1], handler: zpopmax },
  { name: 'zmpop', arity: -4, flags: WRITE, handler: zmpop },
];
