/**
 * Intake: puts the entries that other members send into the databases, by the merge rule.
 *
 *   APPLY epoch number records ...                      -> this member's epoch
 *   APPLYPIECE epoch number record offset bytes         -> likewise
 *
 * `number` counts the batches of the sender and is there to be looked at. What is put in is not
 * sent on: the sender tells all replicas himself. A long value grows at the side, one for each
 * member, and is merged when it is whole; a piece that does not fit what has come is refused, and
 * the sender leaves the value to synchronisation.
 */

import type { PeerReply } from '../../discord/peer/pipeline.js';
import { EntryApplier } from '../../radix/sync/entry-applier.js';
import { Replica } from '../../radix/sync/replica.js';
import { SyncError } from '../../radix/sync/sync-error.js';
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import { epochOf, type RingLinks } from '../ring/ring-links.js';
import { strayFilter } from '../ring/strays.js';
import type { Session, Task } from '../server/session.js';
import { ReplicatedDatabase } from '../store/replicated-database.js';
import type { Store } from '../store/store.js';
import type { Effects } from './effects.js';

/** A value on its way in. */
interface Growing {
  readonly record: Buffer;
  readonly applier: EntryApplier;
  receivedBytes: number;
}

export class Intake {
  /** Batches put in. */
  batches = 0;
  readonly #links: RingLinks;
  readonly #store: Store;
  readonly #effects: Effects;
  readonly #replica: Replica;
  /** By member. */
  readonly #growing = new Map<string, Growing>();

  constructor(components: { links: RingLinks; store: Store; effects: Effects }) {
    this.#links = components.links;
    this.#store = components.store;
    this.#effects = components.effects;
    const databases = this.#store.databases.map((database) => new ReplicatedDatabase(database));
    this.#replica = new Replica(databases, { from: null, to: null });
  }

  serve(): void {
    this.#links.serve({
      name: 'APPLY',
      channel: 'replica',
      handler: (session, args, reply) => {
        if (args.count < 4) reply.error('ERR APPLY epoch number records ..., not applied');
        else session.defer(new ApplyTask(this, session.peer!.memberId, args, reply));
      },
    });
    this.#links.serve({
      name: 'APPLYPIECE',
      channel: 'replica',
      handler: (session, args, reply) => this.#piece(session, args, reply),
    });
  }

  /** A member is gone: what it was sending never ends. */
  forget(memberId: string): void {
    this.#growing.get(memberId)?.applier.close();
    this.#growing.delete(memberId);
  }

  newApplier(memberId: string): EntryApplier {
    const { settings } = this.#store;
    return new EntryApplier(this.#replica, 'pull', {
      isCollected: strayFilter(this.#store, this.#links, memberId),
      valueBytesMax: settings.protoMaxBulkLen,
      expiredUntilMs: () => this.#store.nowMs - settings.clockSkewMaxMs,
    });
  }

  /**
   * Merges what a FETCH was answered with, and as a change of this node's own: it goes on to all
   * who hold the key. True if something was newer. Throws a SyncError.
   */
  take(contents: readonly PeerReply[], memberId: string): boolean {
    const applier = this.newApplier(memberId);
    try {
      for (let i = 0; i + 2 < contents.length; i += 3) {
        const [records, offset, bytes] = contents.slice(i, i + 3);
        if (!Buffer.isBuffer(records)) continue;
        if (!Buffer.isBuffer(bytes) || offset === 0) for (const _ of applier.push(records));
        if (Buffer.isBuffer(bytes)) for (const _ of applier.pushValue(bytes));
      }
    } finally {
      applier.close();
    }
    return applier.appliedCount > 0;
  }

  /** Merges records until the deadline (monotonic ms); true: all are in. Throws a SyncError. */
  apply(work: Generator<unknown, void, void>, deadlineMs: number): boolean {
    const { clock } = this.#store.world;
    return this.#effects.muted(() => {
      while (work.next().done !== true) if (clock.monotonicMs() >= deadlineMs) return false;
      return true;
    });
  }

  acknowledge(reply: ReplyWriter): void {
    this.batches += 1;
    reply.integer(epochOf(this.#links));
  }

  #piece(session: Session, args: Args, reply: ReplyWriter): void {
    const offset = args.count === 6 ? args.int64(4) : Number.NaN;
    if (!(offset >= 0)) {
      reply.error('ERR APPLYPIECE epoch number record offset bytes, not applied');
      return;
    }
    const memberId = session.peer!.memberId;
    const record = args.bytes(3);
    const bytes = args.bytes(5);
    let growing = this.#growing.get(memberId);
    if (offset === 0) {
      this.forget(memberId);
      growing = { record, applier: this.newApplier(memberId), receivedBytes: 0 };
      this.#growing.set(memberId, growing);
    }
    const isSame = growing?.record.equals(record) === true;
    if (growing !== undefined && isSame && offset + bytes.length <= growing.receivedBytes) {
      // It has come before.
      this.acknowledge(reply);
    } else if (growing === undefined || !isSame || offset !== growing.receivedBytes) {
      reply.error('APPLYGAP a piece before this one is missing, not applied');
    } else {
      this.#grow(memberId, growing, bytes, reply);
    }
  }

  #grow(memberId: string, growing: Growing, bytes: Buffer, reply: ReplyWriter): void {
    const { applier } = growing;
    try {
      this.#effects.muted(() => {
        if (growing.receivedBytes === 0) for (const _ of applier.push(growing.record));
        for (const _ of applier.pushValue(bytes));
      });
      growing.receivedBytes += bytes.length;
      this.acknowledge(reply);
    } catch (error) {
      this.forget(memberId);
      refuse(error, reply);
    }
  }
}

class ApplyTask implements Task {
  readonly #intake: Intake;
  readonly #reply: ReplyWriter;
  readonly #work: Generator<unknown, void, void>;

  constructor(intake: Intake, memberId: string, args: Args, reply: ReplyWriter) {
    this.#intake = intake;
    this.#reply = reply;
    const applier = intake.newApplier(memberId);
    // The applier keeps a copy of its own of what it is given, from its first step on.
    const { buf } = args;
    const records: Buffer[] = [];
    for (let i = 3; i < args.count; i += 1) {
      records.push(Buffer.from(buf.subarray(args.starts[i]!, args.ends[i]!)));
    }
    this.#work = applyAll(applier, records);
  }

  step(deadlineMs: number): boolean {
    try {
      if (!this.#intake.apply(this.#work, deadlineMs)) return false;
      this.#intake.acknowledge(this.#reply);
    } catch (error) {
      refuse(error, this.#reply);
    }
    return true;
  }
}

function* applyAll(applier: EntryApplier, records: readonly Buffer[]): Generator<unknown, void> {
  for (const bytes of records) yield* applier.push(bytes);
}

function refuse(error: unknown, reply: ReplyWriter): void {
  if (!(error instanceof SyncError)) throw error;
  reply.error(`APPLYREFUSED ${error.code} ${error.message}, the batch is in doubt`);
}
