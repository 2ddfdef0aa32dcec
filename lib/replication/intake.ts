/**
 * Intake: puts the entries that other members send into the databases, by the merge rule.
 *
 *   APPLY epoch number records ...                      -> this member's epoch
 *   APPLYPIECE epoch number record offset bytes         -> likewise
 *                                       -> or [epoch, the highest stamp known here]: some records
 *                                          have lost to what another than their writer has written
 *
 * `number` counts the batches of the sender and is there to be looked at. What is put in is not
 * sent on: the sender tells all replicas himself. A long value grows at the side, one for each
 * member, and is merged when it is whole; a piece that does not fit what has come is refused, and
 * the sender leaves the value to synchronisation. A newcomer that has not heard yet that it is in the ring
 * takes nothing, and says epoch 0: what it kept without a view would bar its way in after a restart.
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

/** Time that a batch takes of the turn that it arrives in, ms. */
const AT_ONCE_MS = 3;
const RECORDS_PER_LOOK = 128;

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
  /** By member: between two batches nothing is kept in them but room. */
  readonly #appliers = new Map<string, EntryApplier>();
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
        else if (!this.#links.isReady) reply.integer(epochOf(this.#links));
        else this.#apply(session, args, reply);
      },
    });
    this.#links.serve({
      name: 'APPLYPIECE',
      channel: 'replica',
      handler: (session, args, reply) => this.#piece(session, args, reply),
    });
  }

  #apply(session: Session, args: Args, reply: ReplyWriter): void {
    const { memberId } = session.peer!;
    // One that is in use, or has failed, is not among them.
    const applier = this.#appliers.get(memberId) ?? this.newApplier(memberId);
    this.#appliers.delete(memberId);
    try {
      const rest = this.#applyAtOnce(applier, args);
      if (rest.length > 0) {
        session.defer(new ApplyTask(this, applier, applyAll(applier, rest), reply));
        return;
      }
      this.acknowledge(applier, reply);
      this.#appliers.set(memberId, applier);
    } catch (error) {
      refuse(error, reply);
    }
  }

  /** Merges records straight from the request, for a slice of time; returns copies of the rest. */
  #applyAtOnce(applier: EntryApplier, args: Args): Buffer[] {
    const { clock } = this.#store.world;
    const { buf } = args;
    const deadlineMs = clock.monotonicMs() + AT_ONCE_MS;
    const rest: Buffer[] = [];
    this.#effects.muted(() => {
      let isLate = false;
      for (let i = 3; i < args.count; i += 1) {
        const end = args.ends[i]!;
        let at = args.starts[i]!;
        while (!isLate && at < end) {
          const next = applier.applyAtOnce(buf, at, end, RECORDS_PER_LOOK);
          isLate = next === at || clock.monotonicMs() >= deadlineMs;
          at = next;
        }
        if (at < end) rest.push(Buffer.from(buf.subarray(at, end)));
      }
    });
    return rest;
  }

  /** A member is gone: what it was sending never ends. */
  forget(memberId: string): void {
    this.#appliers.delete(memberId);
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

  acknowledge(applier: EntryApplier, reply: ReplyWriter): void {
    const { hasSuperseded } = applier;
    applier.hasSuperseded = false;
    this.batches += 1;
    if (hasSuperseded) reply.array(2);
    reply.integer(epochOf(this.#links));
    if (hasSuperseded) reply.integer(this.#store.clock.last);
  }

  #piece(session: Session, args: Args, reply: ReplyWriter): void {
    const offset = args.count === 6 ? args.int64(4) : Number.NaN;
    if (!(offset >= 0)) {
      reply.error('ERR APPLYPIECE epoch number record offset bytes, not applied');
      return;
    }
    if (!this.#links.isReady) {
      reply.integer(epochOf(this.#links));
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
      this.acknowledge(growing.applier, reply);
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
      this.acknowledge(applier, reply);
    } catch (error) {
      this.forget(memberId);
      refuse(error, reply);
    }
  }
}

/** What is more than a slice, or takes slices of its own. */
class ApplyTask implements Task {
  readonly #intake: Intake;
  readonly #applier: EntryApplier;
  readonly #reply: ReplyWriter;
  readonly #work: Generator<unknown, void, void>;

  constructor(
    intake: Intake,
    applier: EntryApplier,
    work: Generator<unknown, void, void>,
    reply: ReplyWriter,
  ) {
    this.#intake = intake;
    this.#applier = applier;
    this.#work = work;
    this.#reply = reply;
  }

  step(deadlineMs: number): boolean {
    try {
      if (!this.#intake.apply(this.#work, deadlineMs)) return false;
      this.#intake.acknowledge(this.#applier, this.#reply);
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
