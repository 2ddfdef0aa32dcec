/** What goes with a group or a consumer: all that is pending, in slices if it is much. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session, Task } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import type { Database } from '../../store/database.js';
import { NOTIFY_STREAM } from '../../store/notify.js';
import { Group, loadOwnedId } from '../../types/stream-group.js';
import { StreamId } from '../../types/stream-id.js';
import { STREAM } from '../../types/streams.js';
import { openGroup, turnToConsumer } from './ids.js';

/** Elements removed between two looks at the clock. */
const STEP_ELEMENTS = 64;

const id = new StreamId();

/** Removes so much of what is pending for a consumer. */
export function removeOwned(stream: Collection, owner: Group, count: number): void {
  const { tree } = stream.mirror;
  for (let i = 0; i < count; i += 1) {
    loadOwnedId(tree, owner.nthOwned(0), id);
    owner.removePending(id);
  }
}

/** Removes a consumer that has nothing pending. */
export function endConsumer(stream: Collection, owner: Group): void {
  owner.removeConsumer();
  stream.notify(NOTIFY_STREAM, 'xgroup-delconsumer');
}

abstract class GroupTask implements Task {
  protected readonly reply: ReplyWriter;
  protected readonly group = new Group();
  readonly #database: Database;
  readonly #key: Buffer;

  constructor(session: Session, key: Buffer) {
    this.reply = session.reply;
    this.#database = session.database;
    this.#key = key;
  }

  /** Does some work; true when it has replied. `stream` may have been deleted. */
  protected abstract some(stream: Collection): boolean;

  step(deadlineMs: number): boolean {
    const { clock } = this.#database.store.world;
    const stream = this.#database.collection();
    if (!stream.openQuietly(this.#key, 0, this.#key.length, STREAM)) stream.openNone(STREAM);
    while (!this.some(stream)) {
      if (clock.monotonicMs() >= deadlineMs) return false;
    }
    return true;
  }
}

/** Takes out what a group has left, unless there is a new one of its name: then nothing is left. */
export class DestroyTask extends GroupTask {
  readonly #name: Buffer;

  constructor(session: Session, key: Buffer, name: Buffer) {
    super(session, key);
    this.#name = Buffer.from(name);
  }

  protected some(stream: Collection): boolean {
    const isNew = this.group.open(stream, this.#name, 0, this.#name.length);
    if (!isNew && stream.exists && !this.group.removeRest(STEP_ELEMENTS)) return false;
    this.reply.integer(1);
    return true;
  }
}

export class DeleteConsumerTask extends GroupTask {
  readonly #args: Args;
  #removed = 0;

  constructor(session: Session, args: Args, key: Buffer) {
    super(session, key);
    this.#args = args.clone();
  }

  protected some(stream: Collection): boolean {
    const { group: owner } = this;
    if (stream.exists && openGroup(owner, stream, this.#args, 3)) {
      turnToConsumer(owner, this.#args, 4);
      const count = Math.min(owner.ownedCount, STEP_ELEMENTS);
      removeOwned(stream, owner, count);
      this.#removed += count;
      if (count > 0) return false;
      if (owner.hasConsumer) endConsumer(stream, owner);
    }
    this.reply.integer(this.#removed);
    return true;
  }
}
