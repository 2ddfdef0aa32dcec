/**
 * RENAME, RENAMENX, COPY and MOVE of a collection, whose elements must be written anew, since the
 * digest of an element covers its key:
 *
 *   source         a copy at the side, in slices        target
 *   k1: a b c  ->  k2: a b  (c to come)             ->  k2: a b c     linked in at once, at the end
 *
 * Until then nobody sees any of it. If the source or the target changes meanwhile, the command
 * begins again, as if it had come later; after a few times it runs to its end at once.
 */
import type { Cursor } from '../../../radix/cursor.js';
import { HINT_FLAGS, type Leaf } from '../../../radix/leaf.js';
import { SubTree } from '../../../radix/subtree.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import { NOTIFY_GENERIC, NOTIFY_NEW } from '../../store/notify.js';
import { keyHash } from '../../store/seen-times.js';
import { writeSeen } from '../../types/stream-group.js';
import { TYPE_STREAM, TYPE_STRING, typeOf } from '../../types/types.js';
import { notifyKey } from '../lookup.js';
import { SideCopy, type ValueEdit } from '../side-copy.js';
import { PIECE_BYTES, ValueTask } from '../value-task.js';
import { copyEntry, moveEntry } from './copy-entry.js';

/** What a command has found that it shall do. */
export interface Transfer {
  readonly source: Database;
  /** The argument that is the key there. */
  readonly i: number;
  readonly target: Database;
  readonly j: number;
  /** Whether the source goes. */
  readonly moves: boolean;
  /** What is told of it: `rename_from` and `rename_to`, and so on. */
  readonly event: 'rename' | 'copy' | 'move';
  readonly success: 'OK' | 1;
}

/** Looks at everything anew; undefined if there is nothing to do, the reply written. */
export type Plan = (session: Session, args: Args, reply: ReplyWriter) => Transfer | undefined;

/** What an element costs besides its bytes, for how much work is done at once. */
const ELEMENT_BYTES = 256;

export function transfer(session: Session, args: Args, reply: ReplyWriter, plan: Plan): void {
  const found = plan(session, args, reply);
  if (found === undefined) return;
  const { source, i } = found;
  const leaf = source.peek(args.buf, args.starts[i]!, args.ends[i]!);
  if (typeOf(source.tree, leaf) === TYPE_STRING) transferString(args, reply, found, leaf);
  else new CollectionTransfer(session, args, reply, plan, found).run();
}

function transferString(args: Args, reply: ReplyWriter, found: Transfer, leaf: Leaf): void {
  const { source, i, target, j, moves } = found;
  const { buf, starts, ends } = args;
  const isTaken = target.peek(buf, starts[j]!, ends[j]!) !== 0;
  if (moves) {
    moveEntry(source, buf, starts[i]!, ends[i]!, target, buf, starts[j]!, ends[j]!);
    source.remove(buf, starts[i]!, ends[i]!);
  } else {
    copyEntry(source, leaf, target, buf, starts[j]!, ends[j]!);
  }
  finish(args, reply, found, isTaken);
}

/** Tells of it and replies. A key that was taken has made room for a new one. */
function finish(args: Args, reply: ReplyWriter, found: Transfer, isTaken: boolean): void {
  const { source, i, target, j, moves, event, success } = found;
  target.signalReady(args.buf, args.starts[j]!, args.ends[j]!);
  if (isTaken) notifyKey(target, NOTIFY_NEW, 'new', args, j);
  if (moves) notifyKey(source, NOTIFY_GENERIC, `${event}_from`, args, i);
  notifyKey(target, NOTIFY_GENERIC, `${event}_to`, args, j);
  if (success === 'OK') reply.ok();
  else reply.integer(success);
}

class CollectionTransfer extends ValueTask {
  readonly #plan: Plan;
  /** What was found when the command came, until it begins. */
  #first: Transfer | undefined;
  #transfer!: Transfer;
  /** The source as of the slice at hand, and where in it the copy stands. */
  #source!: SubTree;
  #cursor!: Cursor;
  #edit: ValueEdit | undefined;
  /** At the key that it is to have. */
  readonly #copy: SideCopy;

  constructor(session: Session, args: Args, reply: ReplyWriter, plan: Plan, first: Transfer) {
    super(session, args, reply);
    this.#plan = plan;
    this.#first = first;
    this.#copy = new SideCopy(session.server.store);
  }

  protected begin(): boolean {
    this.#copy.clear();
    const found = this.#first ?? this.#plan(this.session, this.args, this.reply);
    this.#first = undefined;
    if (found === undefined) return false;
    const { source, i, target, j } = found;
    const { buf, starts, ends } = this.args;
    const leaf = source.peek(buf, starts[i]!, ends[i]!);
    if (typeOf(source.tree, leaf) === TYPE_STRING) {
      transferString(this.args, this.reply, found, leaf);
      return false;
    }
    this.#transfer = found;
    this.#source = new SubTree(source.tree);
    this.#source.openHead(leaf);
    this.#cursor = this.#source.elements.cursor();
    this.#edit = undefined;
    if (typeOf(source.tree, leaf) === TYPE_STREAM) {
      const hash = keyHash(buf, starts[i]!, ends[i]!);
      this.#edit = (...element) => writeSeen(source, hash, ...element);
    }
    this.watch(i, leaf, source);
    this.watch(j, target.peek(buf, starts[j]!, ends[j]!), target);
    return true;
  }

  protected workBytes(): number {
    return this.#source.elements.liveCount * ELEMENT_BYTES;
  }

  protected piece(): boolean {
    const { source, i, j } = this.#transfer;
    const { buf, starts, ends } = this.args;
    const target = [buf, starts[j]!, ends[j]!] as const;
    this.#source.openHead(source.peek(buf, starts[i]!, ends[i]!));
    for (let bytes = 0; bytes < PIECE_BYTES; ) {
      const element = this.#cursor.next();
      if (element === 0) {
        this.#finish();
        return true;
      }
      bytes += ELEMENT_BYTES + this.#copy.add(this.#source, element, ...target, this.#edit);
    }
    return false;
  }

  override cancel(): void {
    this.#copy.clear();
  }

  #finish(): void {
    const { source, i, target, j, moves } = this.#transfer;
    const { buf, starts, ends } = this.args;
    const isTaken = target.peek(buf, starts[j]!, ends[j]!) !== 0;
    const { head } = this.#source;
    const access = source.tree.access(head);
    const expiryMs = source.tree.expiryMs(head);
    const hints = source.tree.flags(head) & HINT_FLAGS;
    target.adopt(buf, starts[j]!, ends[j]!, this.#copy.sub, expiryMs, hints, access);
    if (moves) source.remove(buf, starts[i]!, ends[i]!);
    finish(this.args, this.reply, this.#transfer, isTaken);
  }
}
