/** DEBUG POPULATE count [prefix] [size]: keys `prefix:n` holding `value:n`, in slices. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session, Task } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import { KEY_BYTES_MAX } from '../../store/store.js';
import { KEY_TOO_LONG, NOT_INTEGER } from '../replies.js';

const STEP_KEYS = 64;
/** Digits of a count, and the colon. */
const SUFFIX_BYTES_MAX = 20;

export function debugPopulate(session: Session, args: Args, reply: ReplyWriter): void {
  const count = args.int64(2);
  const size = args.count > 4 ? args.int64(4) : 0;
  const prefix = args.count > 3 ? args.bytes(3) : Buffer.from('key');
  if (!(count >= 0) || !(size >= 0) || size > session.server.settings.protoMaxBulkLen) {
    reply.error(NOT_INTEGER);
  } else if (prefix.length + SUFFIX_BYTES_MAX > KEY_BYTES_MAX) {
    reply.error(KEY_TOO_LONG);
  } else {
    session.defer(new PopulateTask(session.database, reply, { count, size, prefix }));
  }
}

class PopulateTask implements Task {
  readonly #database: Database;
  readonly #reply: ReplyWriter;
  readonly #options: { count: number; size: number; prefix: Buffer };
  #done = 0;

  constructor(
    database: Database,
    reply: ReplyWriter,
    options: { count: number; size: number; prefix: Buffer },
  ) {
    this.#database = database;
    this.#reply = reply;
    this.#options = options;
  }

  step(deadlineMs: number): boolean {
    const clock = this.#database.store.world.clock;
    const { count } = this.#options;
    while (this.#done < count) {
      const end = Math.min(count, this.#done + STEP_KEYS);
      for (; this.#done < end; this.#done += 1) this.#add(this.#done);
      if (clock.monotonicMs() >= deadlineMs) break;
    }
    if (this.#done < count) return false;
    this.#reply.ok();
    return true;
  }

  /** Keys that are there stay as they are. */
  #add(index: number): void {
    const { prefix, size } = this.#options;
    const key = Buffer.concat([prefix, Buffer.from(`:${index}`)]);
    if (this.#database.peek(key, 0, key.length) !== 0) return;
    const text = Buffer.from(`value:${index}`);
    let value = text;
    if (size > 0) {
      value = Buffer.alloc(size);
      text.copy(value);
    }
    this.#database.set(key, 0, key.length, value, 0, value.length, 0);
  }
}
