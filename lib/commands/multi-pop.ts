/**
 * Pops from the first of several keys that has something, at once or as soon as one has: what
 * LMPOP, BLPOP and BLMPOP share with ZMPOP, BZPOPMIN and BZMPOP.
 */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Session } from '../server/session.js';
import type { Collection } from '../store/collection.js';
import type { WaitedType } from '../store/wait-table.js';
import { findCollection } from './collections.js';
import { SYNTAX_ERROR } from './replies.js';

/** What `numkeys key [key ...] where [COUNT count]` asks for. */
export interface MultiPop {
  /** The arguments that are the first key, and the first behind the last one. */
  readonly first: number;
  readonly end: number;
  /** Which of the two words `where` is. */
  readonly where: 0 | 1;
  readonly count: number;
}

/** Of which of several keys, and how many elements. */
type Asked = Omit<MultiPop, 'where'>;

/** How a type is popped from. `Form`: from which side, and how it is told. */
export interface PopKind<Form> {
  /** As `Collection.open...` takes it. */
  readonly type: number;
  readonly waitsFor: WaitedType;
  /** Pops from a collection that is not empty, the one at the key in argument `i`, and replies. */
  pop(
    session: Session,
    args: Args,
    i: number,
    collection: Collection,
    count: number,
    form: Form,
  ): void;
}

/**
 * Reads the arguments from `numkeys`, which is argument `i`, on; `words` are what `where` may be,
 * in upper case. undefined if an error was replied.
 */
export function readMultiPop(
  args: Args,
  i: number,
  words: readonly [string, string],
  reply: ReplyWriter,
): MultiPop | undefined {
  const keyCount = args.int64(i);
  if (!(keyCount >= 1)) {
    reply.error('ERR numkeys should be greater than 0');
    return undefined;
  }
  const first = i + 1;
  const end = first + keyCount;
  const where = end < args.count ? words.findIndex((word) => args.equalsIgnoreCase(end, word)) : -1;
  if (where < 0) {
    reply.error(SYNTAX_ERROR);
    return undefined;
  }
  const count = readCount(args, end + 1, reply);
  if (Number.isNaN(count)) return undefined;
  return { first, end, where: where === 0 ? 0 : 1, count };
}

/** Reads [COUNT count] from argument `i` on; NaN if an error was replied. */
function readCount(args: Args, i: number, reply: ReplyWriter): number {
  if (i === args.count) return 1;
  if (!args.equalsIgnoreCase(i, 'COUNT') || i + 1 === args.count) {
    reply.error(SYNTAX_ERROR);
    return Number.NaN;
  }
  const count = args.int64(i + 1);
  if (!(count >= 1)) reply.error('ERR count should be greater than 0');
  else if (i + 2 < args.count) reply.error(SYNTAX_ERROR);
  else return count;
  return Number.NaN;
}

/** Pops from the first key that is there; false, nothing replied, if none is. */
export function popFirst<Form>(
  session: Session,
  args: Args,
  kind: PopKind<Form>,
  { first, end, count }: Asked,
  form: Form,
): boolean {
  for (let i = first; i < end; i += 1) {
    const collection = findCollection(session, args, i, kind.type, session.reply);
    if (collection === undefined) return true;
    if (collection.size === 0) continue;
    kind.pop(session, args, i, collection, count, form);
    return true;
  }
  return false;
}

/** `popFirst` that waits if none is there, `timeoutMs` at most; 0 = for ever. */
export function popOrWait<Form>(
  session: Session,
  args: Args,
  kind: PopKind<Form>,
  asked: Asked,
  form: Form,
  timeoutMs: number,
): void {
  if (popFirst(session, args, kind, asked, form)) return;
  const { first, end, count } = asked;
  const { type, waitsFor } = kind;
  const keys = Array.from({ length: end - first }, (_, k) => first + k);
  const retry = (waiting: Session, given: Args, i: number): boolean => {
    const collection = openReady(waiting, given, i, type);
    if (collection !== undefined) kind.pop(waiting, given, i, collection, count, form);
    return collection !== undefined;
  };
  session.block(args, { type: waitsFor, keys, timeoutMs, retry });
}

/** The collection at a key that was waited for; undefined if there is nothing of that type. */
export function openReady(
  session: Session,
  { buf, starts, ends }: Args,
  i: number,
  type: number,
): Collection | undefined {
  const collection = session.database.collection();
  const isOne = collection.openToWrite(buf, starts[i]!, ends[i]!, type);
  return isOne && collection.size > 0 ? collection : undefined;
}
