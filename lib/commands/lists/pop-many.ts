/**
 * Many elements from an end of a list (LPOP key 1000000): what goes and what stays is copied to the
 * side in slices, the list changes in one step, and then the reply is written, in slices again.
 */
import type { Cursor } from '../../../radix/cursor.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { TYPE_LIST } from '../../types/types.js';
import { breakOff } from '../broken-reply.js';
import { findCollection } from '../collections.js';
import type { PopKind } from '../multi-pop.js';
import { replyValue } from '../replies.js';
import { ValueTask } from '../value-task.js';
import { notifyPopped, replyPopped, type Where } from './list-arguments.js';
import { ListCut, REMOVED_AT_ONCE_MAX } from './list-cut.js';

/** Elements written between two looks at the clock. */
const PIECE_ELEMENTS = 128;
/** Replies waiting beyond which the rest waits for the client to read, bytes. */
const PENDING_BYTES_MAX = 1024 * 1024;

export interface PopOptions {
  /** The arguments that are the first key, and the first behind the last one. */
  readonly first: number;
  readonly end: number;
  readonly where: Where;
  readonly count: number;
  /** LMPOP tells the key, too. */
  readonly tellsKey: boolean;
  /** While the reply was prepared others have taken all. Default: replies a null array. */
  readonly allGone?: (session: Session, args: Args) => void;
}

/** LMPOP and BLMPOP. */
export const MULTI_POP: PopKind<PopOptions> = {
  type: TYPE_LIST,
  waitsFor: 'list',
  pop: (session, args, i, list, _count, options) => popSeveral(session, args, i, list, options),
};

/**
 * Takes up to `count` elements of the list at the key in argument `i`, which is not empty; of
 * another of its keys, if others were faster.
 */
export function popSeveral(
  session: Session,
  args: Args,
  i: number,
  list: Collection,
  options: PopOptions,
): void {
  if (Math.min(options.count, list.size) > REMOVED_AT_ONCE_MAX) {
    new PopTask(session, args, options).run();
  } else {
    popAtOnce(session, args, i, list, options);
  }
}

function popAtOnce(
  session: Session,
  args: Args,
  i: number,
  list: Collection,
  { where, count, tellsKey }: PopOptions,
): void {
  const { reply } = session;
  const taken = Math.min(count, list.size);
  replyHead(reply, args, i, tellsKey, taken);
  for (let left = taken; left > 0; left -= 1) replyPopped(reply, list, where);
  notifyPopped(list, where);
}

function replyHead(
  reply: ReplyWriter,
  args: Args,
  i: number,
  tellsKey: boolean,
  taken: number,
): void {
  if (tellsKey) {
    reply.array(2);
    reply.bulk(args.buf, args.starts[i]!, args.ends[i]!);
  }
  reply.array(taken);
}

class PopTask extends ValueTask {
  readonly #options: PopOptions;
  /** The argument that is the key of the list that it takes from. */
  #i = 0;
  #cut: ListCut | undefined;
  /** Over what was taken, once it has been. */
  #taken: Cursor | undefined;

  constructor(session: Session, args: Args, options: PopOptions) {
    super(session, args, session.reply);
    this.#options = options;
  }

  protected begin(): boolean {
    this.cancel();
    const { first, end, allGone } = this.#options;
    for (let i = first; i < end; i += 1) {
      const list = findCollection(this.session, this.args, i, TYPE_LIST, this.reply);
      if (list === undefined) return false;
      this.watch(i, list.sub.head);
      if (list.size > 0) return this.#takeFrom(i, list);
    }
    if (allGone === undefined) this.reply.nilArray();
    else allGone(this.session, this.args);
    return false;
  }

  /** False if it has replied. */
  #takeFrom(i: number, list: Collection): boolean {
    const { where, count } = this.#options;
    const { size } = list;
    const taken = Math.min(count, size);
    if (taken <= REMOVED_AT_ONCE_MAX) {
      popAtOnce(this.session, this.args, i, list, this.#options);
      return false;
    }
    const stays = (index: number): boolean =>
      where === 'LEFT' ? index >= taken : index < size - taken;
    this.#i = i;
    this.#cut = new ListCut(list, i, { stays, tellsTaken: true });
    return true;
  }

  protected workBytes(): number {
    return Number.POSITIVE_INFINITY;
  }

  protected piece(): boolean {
    if (this.#taken !== undefined) return this.#write();
    const list = this.database.collection();
    const { buf, starts, ends } = this.args;
    list.openQuietly(buf, starts[this.#i]!, ends[this.#i]!, TYPE_LIST);
    if (!this.#cut!.step(list, this.args)) return false;
    this.#cut!.finish(list, this.args);
    notifyPopped(list, this.#options.where);
    const { elements } = this.#cut!.taken!.sub;
    replyHead(this.reply, this.args, this.#i, this.#options.tellsKey, elements.liveCount);
    this.#taken = elements.cursor();
    if (this.#options.where === 'RIGHT') this.#taken.seekLast();
    return false;
  }

  override step(deadlineMs: number): boolean {
    if (this.#taken === undefined) return super.step(deadlineMs);
    const { dispatcher, store } = this.session.server;
    const { clock } = store.world;
    try {
      while (!this.#write()) {
        if (dispatcher.atomic) continue;
        const isFull = this.reply.pendingBytes > PENDING_BYTES_MAX;
        if (isFull || clock.monotonicMs() >= deadlineMs) return false;
      }
    } catch (error) {
      breakOff(this.session, error);
      this.cancel();
    }
    return true;
  }

  override cancel(): void {
    this.#taken = undefined;
    this.#cut?.clear();
    this.#cut = undefined;
  }

  /** Writes some of what was taken; true when that is all. */
  #write(): boolean {
    const cursor = this.#taken!;
    for (let i = 0; i < PIECE_ELEMENTS; i += 1) {
      const element = this.#options.where === 'LEFT' ? cursor.next() : cursor.prev();
      if (element === 0) {
        this.cancel();
        return true;
      }
      replyValue(this.reply, this.database, element);
      if (this.reply.pendingBytes > PENDING_BYTES_MAX) break;
    }
    return false;
  }
}
