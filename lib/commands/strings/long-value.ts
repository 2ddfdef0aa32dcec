/**
 * GET of a long value, in slices, and of one moment: it is copied a piece at a time and begun
 * again if it changes meanwhile, as value-task.ts has it. Only then is it sent, again a piece at a
 * time, as fast as the client reads. It takes the memory of one copy, as a reply at once does.
 */
import { findStringKey, isWrongType } from '../lookup.js';
import { PIECE_BYTES, ValueTask } from '../value-task.js';

/** Values up to here are copied at once, which takes a few ms. */
export const GET_AT_ONCE_BYTES = 4 * 1024 * 1024;
/** Of each part of the copy. */
const PART_BYTES = 8 * PIECE_BYTES;

export class LongGet extends ValueTask {
  #parts: Buffer[] = [];
  #bytes = 0;
  #copiedBytes = 0;
  #sentBytes = 0;

  override cancel(): void {
    this.#parts = [];
  }

  protected begin(): boolean {
    // GET has counted it as read.
    const leaf = findStringKey(this.database, this.args, 1);
    this.#parts = [];
    this.#copiedBytes = 0;
    if (isWrongType(leaf, this.reply)) return false;
    if (leaf === 0) {
      this.reply.nil();
      return false;
    }
    this.#bytes = this.database.tree.valueBytes(leaf);
    this.watch(1, leaf);
    return true;
  }

  protected workBytes(): number {
    return this.#bytes;
  }

  protected piece(): boolean {
    if (this.#copiedBytes < this.#bytes) {
      this.#copy();
      return false;
    }
    this.#send();
    return this.#sentBytes === this.#bytes;
  }

  #copy(): void {
    const from = this.#copiedBytes;
    const at = from % PART_BYTES;
    if (at === 0) {
      this.#parts.push(Buffer.allocUnsafeSlow(Math.min(PART_BYTES, this.#bytes - from)));
    }
    const to = Math.min(this.#bytes, from + PIECE_BYTES);
    this.database.tree.copyValue(this.leafOf(1), this.#parts.at(-1)!, at, from, to);
    this.#copiedBytes = to;
  }

  #send(): void {
    const { reply } = this;
    if (this.#sentBytes === 0) {
      this.unwatch();
      this.#parts.reverse();
      reply.bulkHeader(this.#bytes);
    }
    const part = this.#parts.pop();
    if (part !== undefined) reply.raw(part, 0, part.length);
    this.#sentBytes += part?.length ?? 0;
    if (this.#sentBytes === this.#bytes) reply.crlf();
  }
}
