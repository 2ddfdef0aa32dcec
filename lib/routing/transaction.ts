/**
 * EXEC in a ring: the queue, held at the client's node, goes as a whole to the one owner of all its
 * keys, and runs there as one step.
 *
 *   EXEC <header> <watched> <commands> { <words> <word> ... } ...     -> as CALL
 *
 * `watched` is 1 if the client watches keys at that owner (watch.ts).
 */
import type { Args } from '../../resp/args.js';
import type { FoundKey } from '../commands/command.js';
import type { QueuedCommand, Session } from '../server/session.js';
import { ACTING, TRACK } from './call-header.js';
import type { Call, CallOptions } from './calls.js';
import { crossRangeOf } from './cross-range.js';
import { ALL, SPAN } from './kinds.js';
import type { Lane } from './lane.js';
import type { LongSource } from './long-replies.js';
import { anyMayWrite } from './may-write.js';
import { Operation } from './operation.js';
import { keysOf, NO_OWNER, ownerOfKeys, SEVERAL } from './owned-keys.js';
import { isError, nullReply } from './raw-reply.js';
import type { Router } from './router.js';

/** What concerns the client's own connection cannot be done by another member. */
const OF_CONNECTION = new Set(['auth', 'client', 'hello', 'monitor', 'quit', 'reset', 'asking']);
const OF_SUBSCRIBER = /subscribe$/;

export interface PlannedTransaction {
  /** Index of the owner of all its keys; NO_OWNER: it has none. */
  readonly owner: number;
  /** Why it cannot run. */
  readonly error?: string;
}

/** Where a transaction would run. */
export function planTransaction(
  router: Router,
  session: Session,
  queue: readonly QueuedCommand[],
): PlannedTransaction {
  let owner = NO_OWNER;
  const include = (next: number): boolean => {
    if (next === NO_OWNER) return true;
    if (next === SEVERAL || (owner !== NO_OWNER && owner !== next)) return false;
    owner = next;
    return true;
  };
  for (const { command, args } of queue) {
    const { kind } = command.route;
    if (kind === SPAN || kind === ALL) {
      const error =
        `CROSSRANGE '${command.fullName}' concerns the whole ring and cannot be part of a ` +
        'transaction; nothing was applied';
      return { owner, error };
    }
    if (!include(ownerOfKeys(router.server, router.ring, command, args))) {
      return { owner, error: crossRangeOf(router, 'exec', allKeys(router, session, queue)) };
    }
  }
  for (const { buf, from, to } of watchedKeys(session)) {
    if (!include(router.ring.ownerOf(buf, from, to))) {
      return { owner, error: crossRangeOf(router, 'exec', allKeys(router, session, queue)) };
    }
  }
  return { owner };
}

/** The refusal of what only the client's own node could do; undefined: it may go elsewhere. */
export function refusesToTravel(queue: readonly QueuedCommand[]): string | undefined {
  const found = queue.find(
    ({ command: { fullName, name } }) =>
      OF_CONNECTION.has(fullName.split('|')[0]!) || OF_SUBSCRIBER.test(name),
  );
  if (found === undefined) return undefined;
  return (
    `CROSSRANGE '${found.command.fullName}' is about the connection, and another member owns the ` +
    'keys of the transaction; nothing was applied'
  );
}

function allKeys(router: Router, session: Session, queue: readonly QueuedCommand[]): FoundKey[] {
  const keys = queue.flatMap(({ command, args }) => keysOf(router.server, command, args));
  return [...keys, ...watchedKeys(session)];
}

function watchedKeys(session: Session): FoundKey[] {
  const local = [...session.watched.values()].map(({ key }) => Buffer.from(key, 'latin1'));
  const remote = [...(session.remoteWatches?.values() ?? [])].flat();
  return [...local, ...remote].map((buf) => ({ buf, from: 0, to: buf.length, flags: [] }));
}

export class Transaction extends Operation implements CallOptions {
  readonly verb = 'EXEC';
  readonly name = 'exec';
  readonly isWrite: boolean;
  flags = 0;
  readonly #queue: readonly QueuedCommand[];
  readonly #watchedAt: string | undefined;
  readonly #isDirty: boolean;
  #call: Call | undefined;

  constructor(router: Router, session: Session, queue: Lane) {
    super(router, session, queue);
    queue.isClosed = true;
    this.#queue = session.transaction!.queue;
    const watchedAt = [...(session.remoteWatches?.keys() ?? [])];
    // Keys of one owner are watched at several members if it is another now: nobody saw it all.
    this.#isDirty = session.dirty || session.watched.size > 0 || watchedAt.length > 1;
    this.#watchedAt = watchedAt[0];
    // What was watched is taken when it is asked for, so that it is not to be asked for again.
    this.isWrite = this.#watchedAt !== undefined || anyMayWrite(router.server, this.#queue);
    session.remoteWatches?.delete(this.#watchedAt ?? '');
    session.discard();
  }

  override start(): void {
    const { router } = this;
    const { error, owner } = planTransaction(router, this.session, this.#queue);
    if (error !== undefined) {
      this.fail(error);
      return;
    }
    const actor = owner < 0 ? this.#watcher() : router.calls.actorFor(owner);
    if (actor < 0) {
      this.down(owner);
      return;
    }
    const memberId = router.ring.members[actor]!.id;
    const isElsewhere = this.#watchedAt !== undefined && this.#watchedAt !== memberId;
    if (isElsewhere) router.watches.forgetAt(this.#watchedAt!, this.laneId);
    if (this.#isDirty || isElsewhere) {
      this.finish(nullReply(this.protocol, true));
      return;
    }
    this.flags = (actor === owner ? 0 : ACTING) | (this.isTracked ? TRACK : 0);
    if (actor === router.selfIndex) {
      this.#call = router.calls.runTransactionHere([...this.#queue], this);
    } else {
      this.#call = router.calls.call(memberId, this.#words(), this);
    }
    this.opened(this.#call);
  }

  done(reply: Buffer): void {
    this.closed(this.#call);
    if (!isError(reply)) this.#follow();
    this.finish(reply);
  }

  override long(source: LongSource): void {
    this.#follow();
    super.long(source);
  }

  /** It has no keys: who knows what was watched runs it, else this node. */
  #watcher(): number {
    const at = this.router.ring.indexOf(this.#watchedAt ?? '');
    return at < 0 ? this.router.selfIndex : at;
  }

  #words(): (string | Buffer)[] {
    const isWatched = this.#watchedAt === undefined ? '0' : '1';
    const words: (string | Buffer)[] = [isWatched, String(this.#queue.length)];
    for (const { args } of this.#queue) {
      words.push(String(args.count));
      for (let i = 0; i < args.count; i += 1) words.push(args.bytes(i));
    }
    return words;
  }

  /** The database that a SELECT of the transaction has selected is the client's from now on. */
  #follow(): void {
    for (const { command, args } of this.#queue) {
      const index = command.name === 'select' ? args.int64(1) : Number.NaN;
      if (this.router.server.store.databases[index] !== undefined) {
        this.session.databaseIndex = index;
      }
    }
  }
}

/** The commands of an EXEC between members, from word `from` on; undefined if it is malformed. */
export function readQueue(
  args: Args,
  from: number,
  find: (args: Args) => QueuedCommand | undefined,
): QueuedCommand[] | undefined {
  const queue: QueuedCommand[] = [];
  const count = args.int64(from);
  let at = from + 1;
  for (let i = 0; i < count; i += 1) {
    const words = at < args.count ? args.int64(at) : Number.NaN;
    if (!(words >= 1 && at + words < args.count)) return undefined;
    const queued = find(args.clone(at + 1, at + 1 + words));
    if (queued === undefined) return undefined;
    queue.push(queued);
    at += 1 + words;
  }
  return at === args.count ? queue : undefined;
}
