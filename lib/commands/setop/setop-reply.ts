/**
 * SETOP that replies. An array says first how many elements it has, and nobody knows that before
 * the walk has ended; so what is little is kept until then, and what is much is walked twice, over
 * snapshots that show the same both times:
 *
 *   1 keep     elements as they will stand in the reply, up to KEPT_BYTES_MAX
 *   2 count    the rest, and merge its values where that can fail: an error comes first or never
 *   3 tell     how many, what was kept, and the rest, as fast as the client reads
 */
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session, Task } from '../../server/session.js';
import { breakOff } from '../broken-reply.js';
import { FoundItems } from '../found-items.js';
import { WRONG_TYPE_ERROR } from '../replies.js';
import type { ElementKey } from './element-key.js';
import { Evaluation } from './evaluation.js';
import { canFail } from './expression.js';
import { failureText } from './failure.js';
import type { SetopRequest } from './setop-request.js';
import { toBytes, type Value } from './values.js';
import { END, FOUND } from './walk.js';

const KEPT_BYTES_MAX = 256 * 1024;
/** Work between two looks at the clock. */
const PIECE_STEPS = 256;
/** Replies waiting beyond which the rest waits for the client to read, bytes. */
const PENDING_BYTES_MAX = 1024 * 1024;

export function replySetop(session: Session, request: SetopRequest, reply: ReplyWriter): void {
  const evaluation = Evaluation.open(session.database, request, true);
  if (evaluation === undefined) reply.error(WRONG_TYPE_ERROR);
  else session.defer(new SetopReply(session, request, evaluation, reply));
}

class SetopReply implements Task {
  readonly #session: Session;
  readonly #request: SetopRequest;
  readonly #evaluation: Evaluation;
  readonly #reply: ReplyWriter;
  /** Key and value as an array of two. */
  readonly #nests: boolean;
  readonly #canFail: boolean;
  #kept: FoundItems | undefined;
  /** The last element kept, once no more are; what follows is only counted. */
  #keptUpTo: ElementKey | undefined;
  #count = 0;
  #hasBegun = false;

  constructor(session: Session, request: SetopRequest, evaluation: Evaluation, reply: ReplyWriter) {
    this.#session = session;
    this.#request = request;
    this.#evaluation = evaluation;
    this.#reply = reply;
    this.#nests = request.options.withValues && reply.protocol === 3;
    this.#canFail = canFail(request.expression.root);
    this.#kept = new FoundItems(session.server.pool, reply.protocol);
  }

  step(deadlineMs: number): boolean {
    const { clock } = this.#session.server.store.world;
    const { walk } = this.#evaluation;
    walk.slice += 1;
    try {
      do {
        walk.steps = PIECE_STEPS;
        const isDone = this.#hasBegun ? this.#tell() : this.#find();
        if (isDone) {
          this.cancel();
          return true;
        }
        if (this.#reply.pendingBytes > PENDING_BYTES_MAX) return false;
      } while (clock.monotonicMs() < deadlineMs);
      return false;
    } catch (error) {
      const text = failureText(error, this.#evaluation);
      this.cancel();
      if (this.#hasBegun) breakOff(this.#session, error);
      else if (text !== undefined) this.#reply.error(text);
      else throw error;
      return true;
    }
  }

  cancel(): void {
    this.#evaluation.close();
    this.#kept?.release();
    this.#kept = undefined;
  }

  /** Keeps and counts some elements. */
  #find(): boolean {
    const { selection, walk } = this.#evaluation;
    const { withValues } = this.#request.options;
    while (walk.steps > 0) {
      const moved = selection.next();
      if (moved === END) this.#begin();
      if (moved !== FOUND) return false;
      this.#count += 1;
      const isKept = this.#keptUpTo === undefined;
      const isMerged = withValues && (isKept || this.#canFail);
      const values = isMerged ? selection.root.values() : undefined;
      if (isKept) this.#keep(values);
    }
    return false;
  }

  #keep(values: readonly Value[] | undefined): void {
    const kept = this.#kept!;
    kept.count += 1;
    this.#write(kept.body, values);
    if (kept.body.pendingBytes > KEPT_BYTES_MAX) {
      this.#keptUpTo = this.#evaluation.selection.lastKey();
    }
  }

  #begin(): void {
    this.#hasBegun = true;
    const isFlat = this.#request.options.withValues && !this.#nests;
    this.#reply.array(isFlat ? this.#count * 2 : this.#count);
    const left = this.#count - this.#kept!.count;
    if (left > 0) this.#evaluation.selection.returnTo(this.#keptUpTo!, left);
  }

  /** Writes some of the reply; true once it is written. */
  #tell(): boolean {
    if (this.#kept !== undefined) {
      this.#count -= this.#kept.count;
      this.#kept.count = 0;
      if (!this.#kept.moveTo(this.#reply, () => true)) return false;
      this.#kept = undefined;
    }
    const { selection, walk } = this.#evaluation;
    const { withValues } = this.#request.options;
    for (; this.#count > 0 && walk.steps > 0; this.#count -= 1) {
      const moved = selection.next();
      if (moved === END) throw new Error('there are fewer elements than were counted');
      if (moved !== FOUND) return false;
      this.#write(this.#reply, withValues ? selection.root.values() : undefined);
    }
    return this.#count === 0;
  }

  /** Writes the element at hand. */
  #write(reply: ReplyWriter, values: readonly Value[] | undefined): void {
    const { key } = this.#evaluation.selection.root;
    if (this.#nests) reply.array(2);
    reply.bulk(key.buf, 0, key.bytes);
    if (values === undefined) return;
    if (this.#request.isMany) reply.array(values.length);
    for (const value of values) {
      const bytes = toBytes(value);
      reply.bulk(bytes, 0, bytes.length);
    }
  }
}
