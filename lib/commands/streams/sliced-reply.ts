/**
 * Replies about a stream that may be long: written at once if they are short, else in slices at the
 * side, beginning again if the stream changes meanwhile.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { Collection } from '../../store/collection.js';
import { STREAM } from '../../types/streams.js';
import { FoundItems } from '../found-items.js';
import { ValueTask } from '../value-task.js';

/** So many items are written at once. */
const AT_ONCE_MAX = 512;
/** Items between two yields. */
export const PIECE_ITEMS = 64;
/** What an item is of work. */
const ITEM_BYTES = 2048;

/** Writes the items; yields now and then, with the stream open again afterwards. */
export type ItemsWriter = (
  stream: Collection,
  args: Args,
  out: ReplyWriter,
) => Generator<void, number, void>;

export interface SlicedReply {
  /** The argument that is the key. */
  readonly keyAt: number;
  /** At least as many as will be written. */
  readonly items: number;
  /** An array of as many items as `write` returns; else `write` gives the whole reply. */
  readonly isArray: boolean;
  readonly write: ItemsWriter;
}

/** Replies from the stream that is open. */
export function replySliced(
  session: Session,
  stream: Collection,
  args: Args,
  sliced: SlicedReply,
): void {
  const { reply } = session;
  if (sliced.items > AT_ONCE_MAX && !session.server.dispatcher.atomic) {
    new SlicedReplyTask(session, args, sliced).run();
    return;
  }
  const later = sliced.isArray ? reply.defer() : -1;
  const writing = sliced.write(stream, args, reply);
  let step = writing.next();
  while (step.done !== true) step = writing.next();
  if (later !== -1) reply.resolveArray(later, step.value);
}

class SlicedReplyTask extends ValueTask {
  readonly #sliced: SlicedReply;
  /** Its own, for it stays open over slices. */
  readonly #stream: Collection;
  #found: FoundItems | undefined;
  #writing: Generator<void, number, void> | undefined;
  #isWritten = false;

  constructor(session: Session, args: Args, sliced: SlicedReply) {
    // What writes keeps them over slices, in which others have their requests in these.
    super(session, args.clone(), session.reply);
    this.#sliced = sliced;
    this.#stream = new Collection(session.database);
  }

  protected begin(): boolean {
    this.cancel();
    this.#open();
    const { server } = this.session;
    if (!this.#stream.exists) {
      this.reply.error('ERR the stream was deleted while the reply was written');
      return false;
    }
    this.watch(this.#sliced.keyAt, this.#stream.sub.head);
    this.#found = new FoundItems(server.pool, this.reply.protocol);
    this.#writing = this.#sliced.write(this.#stream, this.args, this.#found.body);
    return true;
  }

  protected workBytes(): number {
    return this.#sliced.items * ITEM_BYTES;
  }

  protected piece(): boolean {
    if (this.#isWritten) return this.#found!.moveTo(this.reply, () => true);
    this.#open();
    const step = this.#writing!.next();
    if (step.done !== true) return false;
    this.#isWritten = true;
    this.unwatch();
    if (this.#sliced.isArray) this.reply.array(step.value);
    return false;
  }

  override cancel(): void {
    this.#found?.release();
  }

  #open(): void {
    const { buf, ends, starts } = this.args;
    const { keyAt } = this.#sliced;
    this.#stream.openQuietly(buf, starts[keyAt]!, ends[keyAt]!, STREAM);
  }
}
