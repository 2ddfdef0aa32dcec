/**
 * Replies with long strings: each is held as it is at this moment (radix/big-values.ts), which costs a
 * pointer for each mebibyte, and sent a piece at a time, as fast as the client reads. So the command may
 * change or remove it at once, and so may others meanwhile; the reply is that of one moment.
 */
import type { BigValues, HeldValue } from '../../../radix/big-values.js';
import type { Leaf } from '../../../radix/leaf.js';
import { holdValue } from '../../../radix/value.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session, Task } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import { PIECE_BYTES } from '../value-task.js';

/** Strings up to here are copied at once, which takes a few ms. */
export const AT_ONCE_BYTES = 4 * 1024 * 1024;
/** Replies that the system has not taken beyond which the next piece waits for the next turn, bytes. */
const PENDING_BYTES_MAX = 1024 * 1024;

/** Bytes [from, to) of a held value. */
interface HeldPart {
  readonly held: HeldValue;
  readonly from: number;
  readonly to: number;
}

/** What lies in its leaf is short, and copied; null: nil. */
type Part = HeldPart | Buffer | null;

export function isLong({ tree }: Database, leaf: Leaf): boolean {
  return leaf > 0 && tree.valueBytes(leaf) > AT_ONCE_BYTES;
}

/** Replies a string that is long; `write` is what the command changes besides. */
export function replyLong(
  session: Session,
  reply: ReplyWriter,
  leaf: Leaf,
  write: () => void = () => {},
): void {
  const task = new LongReply(session, reply);
  task.add(leaf, 0, session.database.tree.valueBytes(leaf));
  task.send(write);
}

export class LongReply implements Task {
  readonly #session: Session;
  readonly #reply: ReplyWriter;
  readonly #database: Database;
  readonly #values: BigValues;
  readonly #parts: Part[] = [];
  /** The part at hand, and how much of it is sent; -1: not its header. */
  #index = 0;
  #sentBytes = -1;

  constructor(session: Session, reply: ReplyWriter) {
    this.#session = session;
    this.#reply = reply;
    this.#database = session.database;
    this.#values = session.database.tree.space.bigValues;
  }

  /** Bytes [from, to) of a string come next; `leaf` 0 or no string: nil. */
  add(leaf: Leaf, from: number, to: number): void {
    this.put(this.#parts.length, leaf, from, to);
  }

  /** `add` in place of what was put at this place before, if anything was. */
  put(place: number, leaf: Leaf, from: number, to: number): void {
    const before = this.#parts[place];
    this.#parts[place] = this.#partOf(leaf, from, to);
    if (before !== undefined) this.#release(before);
  }

  #partOf(leaf: Leaf, from: number, to: number): Part {
    if (leaf <= 0) return null;
    const { tree } = this.#database;
    const held = holdValue(tree.space, leaf);
    if (held !== null) return { held, from, to };
    const copy = Buffer.allocUnsafe(to - from);
    tree.copyValue(leaf, copy, 0, from, to);
    return copy;
  }

  #release(part: Part): void {
    if (part !== null && 'held' in part) this.#values.release(part.held);
  }

  /** Nothing more is added. */
  send(write: () => void = () => {}): void {
    try {
      write();
    } catch (error) {
      this.cancel();
      throw error;
    }
    this.#session.defer(this);
  }

  step(deadlineMs: number): boolean {
    const { clock } = this.#database.store.world;
    while (this.#index < this.#parts.length) {
      this.#piece(this.#parts[this.#index]!);
      if (this.#reply.pendingBytes > PENDING_BYTES_MAX) break;
      if (clock.monotonicMs() >= deadlineMs) break;
    }
    return this.#index === this.#parts.length;
  }

  cancel(): void {
    for (const part of this.#parts.splice(this.#index)) this.#release(part);
  }

  #piece(part: Part): void {
    const reply = this.#reply;
    if (part === null || !('held' in part)) {
      if (part === null) reply.nil();
      else reply.bulk(part, 0, part.length);
      this.#index += 1;
      return;
    }
    const { from, held, to } = part;
    if (this.#sentBytes < 0) {
      reply.bulkHeader(to - from);
      this.#sentBytes = 0;
    }
    const at = from + this.#sentBytes;
    const bytes = Math.min(PIECE_BYTES, to - at);
    reply.room(bytes);
    this.#values.readHeld(held, at, reply.buf, reply.at, bytes);
    reply.at += bytes;
    this.#sentBytes += bytes;
    if (at + bytes < to) return;
    reply.crlf();
    this.#values.release(held);
    this.#index += 1;
    this.#sentBytes = -1;
  }
}
