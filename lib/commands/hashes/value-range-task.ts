/**
 * A long HVRANGE in slices. The order by value has no snapshots, so the fields found are put aside
 * until all are; if the hash changes meanwhile, it begins again (value-task.ts).
 */
import type { Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { TYPE_HASH } from '../../types/types.js';
import { type ElementWriter, writeFlatPair } from '../element-reply.js';
import { FoundItems } from '../found-items.js';
import { highValueRank, lowValueRank } from '../ordered/interval.js';
import { type RangeRequest, rangePart } from '../ordered/range-options.js';
import { WRONG_TYPE_ERROR } from '../replies.js';
import { ValueTask } from '../value-task.js';

const STEP_FIELDS = 256;
/** What a field counts for, in the work done at once. */
const FIELD_BYTES = 256;

/** The element that a leaf of the mirror stands for. */
export function elementOf({ database, elements, mirror }: Collection, leaf: Leaf): Leaf {
  const { keyScratch } = database.store;
  return elements.find(keyScratch, 0, mirror.copySubKey(leaf, keyScratch, 0));
}

export class ValueRangeTask extends ValueTask {
  readonly #request: RangeRequest;
  readonly #write: ElementWriter;
  #found: FoundItems;
  /** The next field's index by value, and how many are left. */
  #index = 0;
  #left = 0;
  #isMoving = false;

  constructor(
    session: Session,
    args: Args,
    reply: ReplyWriter,
    request: RangeRequest,
    write: ElementWriter,
  ) {
    super(session, args, reply);
    this.#request = request;
    this.#write = write;
    this.#found = this.#noneFound();
  }

  #noneFound(): FoundItems {
    return new FoundItems(this.session.server.pool, this.reply.protocol);
  }

  #open(): Collection | undefined {
    const { buf, starts, ends } = this.args;
    const hash = this.database.collection();
    return hash.openQuietly(buf, starts[1]!, ends[1]!, TYPE_HASH) ? hash : undefined;
  }

  protected begin(): boolean {
    this.#found.release();
    this.#found = this.#noneFound();
    const hash = this.#open();
    if (hash === undefined) {
      this.reply.error(WRONG_TYPE_ERROR);
      return false;
    }
    // Without its order by value, which has been switched off meanwhile, it is as if it were empty.
    const { mirror } = hash;
    const low = lowValueRank(mirror, this.args, 2);
    const { first, count } = rangePart(this.#request, low, highValueRank(mirror, this.args, 3));
    this.#index = first;
    this.#left = count;
    this.watch(1, hash.sub.head);
    return true;
  }

  protected workBytes(): number {
    return this.#left * FIELD_BYTES;
  }

  protected piece(): boolean {
    try {
      if (!this.#isMoving) this.#look();
      return this.#isMoving && this.#found.moveTo(this.reply, () => true);
    } catch (error) {
      this.cancel();
      throw error;
    }
  }

  cancel(): void {
    this.#found.release();
  }

  #look(): void {
    const hash = this.#open()!;
    const { tree } = hash.mirror;
    const { reverse } = this.#request;
    const most = Math.min(STEP_FIELDS, this.#left);
    for (let i = 0; i < most; i += 1) {
      this.#write(this.#found.body, this.database, elementOf(hash, tree.nth(this.#index)));
      this.#found.count += 1;
      this.#index += reverse ? -1 : 1;
    }
    this.#left -= most;
    if (this.#left > 0) return;
    const items = this.#write === writeFlatPair ? 2 : 1;
    this.reply.array(this.#found.count * items);
    this.#isMoving = true;
    this.unwatch();
  }
}
