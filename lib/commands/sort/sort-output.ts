/**
 * Where the sorted elements go, or what the patterns of GET make of them: into the reply, or into a
 * list that is made at the side and linked in at the target with one small write.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { Collection } from '../../store/collection.js';
import { NOTIFY_GENERIC, NOTIFY_LIST } from '../../store/notify.js';
import { SideDatabase } from '../../store/side-database.js';
import { pushLast } from '../../types/lists.js';
import { TYPE_LIST } from '../../types/types.js';
import { FoundItems } from '../found-items.js';
import { replyValue } from '../replies.js';
import type { FoundValue } from './key-pattern.js';

const NOTHING: Buffer = Buffer.alloc(0);
/** Longer values are copied to a buffer of their own. */
const SCRATCH_BYTES = 16 * 1024;
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

export interface SortOutput {
  /** Bytes that were taken so far, about. */
  readonly bytes: number;
  /** Others have run since. */
  turn(args: Args): void;
  add(buf: Buffer, from: number, to: number): void;
  addFound(found: FoundValue): void;
  addNothing(): void;
  /** All were taken: writes some of the reply; true once it is written. */
  finish(args: Args): boolean;
  release(): void;
}

/** Into the reply, all at once: whatever changes first, the command can still begin again. */
export class SortReply implements SortOutput {
  readonly #reply: ReplyWriter;
  readonly #session: Session;
  readonly #items: FoundItems;
  #hasBegun = false;

  constructor(session: Session) {
    const { reply, server } = session;
    this.#reply = reply;
    this.#session = session;
    this.#items = new FoundItems(server.pool, reply.protocol);
  }

  get bytes(): number {
    return this.#items.body.mark();
  }

  turn(): void {}

  add(buf: Buffer, from: number, to: number): void {
    this.#items.body.bulk(buf, from, to);
    this.#items.count += 1;
  }

  addFound({ leaf }: FoundValue): void {
    replyValue(this.#items.body, this.#session.database, leaf);
    this.#items.count += 1;
  }

  addNothing(): void {
    this.#items.body.nil();
    this.#items.count += 1;
  }

  finish(): boolean {
    if (!this.#hasBegun) this.#reply.array(this.#items.count);
    this.#hasBegun = true;
    return this.#items.moveTo(this.#reply, () => true);
  }

  release(): void {
    this.#items.release();
  }
}

/** A list at the argument `target`. */
export class SortStore implements SortOutput {
  bytes = 0;
  readonly #session: Session;
  readonly #target: number;
  readonly #list: Collection;

  constructor(session: Session, target: number) {
    this.#session = session;
    this.#target = target;
    this.#list = new Collection(new SideDatabase(session.server.store));
  }

  turn({ buf, starts, ends }: Args): void {
    this.#list.openQuietly(buf, starts[this.#target]!, ends[this.#target]!, TYPE_LIST);
  }

  add(buf: Buffer, from: number, to: number): void {
    const { store } = this.#session.server;
    // What is made at the side is no change yet.
    const { dirty } = store;
    pushLast(this.#list, buf, from, to);
    store.dirty = dirty;
    this.bytes += to - from;
  }

  addFound({ leaf, tree }: FoundValue): void {
    const bytes = tree.valueBytes(leaf);
    const value = bytes <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(bytes);
    tree.copyValue(leaf, value, 0);
    this.add(value, 0, bytes);
  }

  addNothing(): void {
    this.add(NOTHING, 0, 0);
  }

  finish({ buf, starts, ends }: Args): boolean {
    const { database, reply } = this.#session;
    const from = starts[this.#target]!;
    const to = ends[this.#target]!;
    const { size, sub } = this.#list;
    if (size > 0) {
      database.adopt(buf, from, to, sub, 0, 0, 0);
      database.store.touchNew(database.tree, database.peek(buf, from, to));
      database.notify(NOTIFY_LIST, 'sortstore', buf, from, to);
    } else if (database.remove(buf, from, to)) {
      database.notify(NOTIFY_GENERIC, 'del', buf, from, to);
    }
    reply.integer(size);
    return true;
  }

  release(): void {
    this.#list.database.tree.clear();
  }
}
