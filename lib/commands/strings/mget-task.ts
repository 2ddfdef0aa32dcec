/**
 * MGET of very many keys. They are looked up in slices, and what each holds is kept at once: as a copy, or held as
 * it is if it is long. So when the last one has been looked up nothing is read any more that others may change, and the
 * reply, of that moment, leaves as fast as the client reads.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { readStringKey } from '../lookup.js';
import { ValueTask } from '../value-task.js';
import { LongReply } from './long-value.js';

/** Of writing the reply between two looks at what is left of the slice, ms. */
const PIECE_MS = 0.5;

export class MgetTask extends ValueTask {
  readonly #values: LongReply;

  constructor(session: Session, args: Args, reply: ReplyWriter) {
    super(session, args, reply);
    this.#values = new LongReply(session, reply);
  }

  protected begin(): boolean {
    this.#values.cancel();
    return true;
  }

  protected override lookCount(): number {
    return this.args.count - 1;
  }

  protected override lookUp(place: number): boolean {
    const { args, database } = this;
    const leaf = readStringKey(database, args, place + 1);
    this.#values.put(place, leaf, 0, leaf > 0 ? database.tree.valueBytes(leaf) : 0);
    this.watch(place + 1, leaf);
    return true;
  }

  protected override plan(): boolean {
    this.unwatch();
    this.reply.array(this.lookCount());
    return true;
  }

  protected workBytes(): number {
    return 0;
  }

  protected piece(): boolean {
    return this.#values.step(this.database.store.world.clock.monotonicMs() + PIECE_MS);
  }

  override cancel(): void {
    this.#values.cancel();
  }
}
