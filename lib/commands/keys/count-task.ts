/** EXISTS and TOUCH of very many keys: how many there are, of one moment, looked up in slices. */
import type { Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import { ValueTask } from '../value-task.js';

/** Looks up the key in argument `i`; 0: it is not there. */
type Look = (database: Database, args: Args, i: number) => Leaf;

export class CountTask extends ValueTask {
  readonly #look: Look;
  /** By place among the keys: 1 if it is there. */
  readonly #isThere: Uint8Array;

  constructor(session: Session, args: Args, reply: ReplyWriter, look: Look) {
    super(session, args, reply);
    this.#look = look;
    this.#isThere = new Uint8Array(args.count - 1);
  }

  protected begin(): boolean {
    return true;
  }

  protected override lookCount(): number {
    return this.#isThere.length;
  }

  protected override lookUp(place: number): boolean {
    const leaf = this.#look(this.database, this.args, place + 1);
    this.#isThere[place] = leaf === 0 ? 0 : 1;
    this.watch(place + 1, leaf);
    return true;
  }

  protected override plan(): boolean {
    let count = 0;
    for (const one of this.#isThere) count += one;
    this.reply.integer(count);
    return false;
  }

  protected workBytes(): number {
    return 0;
  }

  protected piece(): boolean {
    return true;
  }
}
