/** A range of indices as two arguments, negative ones from the end, both inclusive. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { NOT_INTEGER } from '../replies.js';

export class IndexRange {
  start = 0;
  /** Exclusive, once clamped. */
  end = 0;

  /** From arguments `i` and `i + 1`; false, the error replied, if they are no integers. */
  read(args: Args, i: number, reply: ReplyWriter): boolean {
    this.start = args.int64(i);
    this.end = args.int64(i + 1);
    if (!Number.isNaN(this.start) && !Number.isNaN(this.end)) return true;
    reply.error(NOT_INTEGER);
    return false;
  }

  /** Makes it one of [0, size): start <= end. */
  clamp(size: number): void {
    if (this.start < 0) this.start = Math.max(0, this.start + size);
    if (this.end < 0) this.end += size;
    this.end = Math.min(this.end + 1, size);
    if (this.end < this.start) this.end = this.start;
  }
}
