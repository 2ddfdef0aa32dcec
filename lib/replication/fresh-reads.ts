/**
 * FreshReads: a read at `quorum` or `all` asks the other replicas of its keys first, takes over
 * what is newer there, and then runs here as any other.
 *
 *   GET k  -> suspended -> FETCH to all others -> merged, until enough have answered -> runs
 *
 * What was newer elsewhere goes on to all replicas as a change of this node's own does, and who had
 * something older is sent what is here (read repair). The newest of a majority is at least as new as
 * what was acknowledged at `quorum`; it is not linearizable, for a write that is in doubt may be
 * seen by one reader and not by the next.
 */
import type { PeerReply } from '../../discord/peer/pipeline.js';
import { SyncError } from '../../radix/sync/sync-error.js';
import type { Args } from '../../resp/args.js';
import type { Command } from '../commands/command.js';
import { findKeys } from '../commands/key-positions.js';
import { findKnown } from '../commands/known-commands.js';
import type { Session } from '../server/session.js';
import type { Database } from '../store/database.js';
import type { Group, Holder } from './groups.js';
import { isSameState, type KeyState, keyState } from './key-state.js';
import { levelName, neededOf } from './levels.js';
import { FETCH_TIMEOUT_MS, FRESH_KEYS_MAX, REPAIR_ELEMENTS_MAX } from './limits.js';
import type { ReplicaStream } from './replica-stream.js';
import type { Replication } from './replication.js';

export class FreshReads {
  /** Keys asked for, those that were newer elsewhere, and those sent to who had older ones. */
  fetched = 0;
  newer = 0;
  repaired = 0;
  /** When each that waits for replicas began, monotonic ms. */
  readonly underWay = new Map<object, number>();
  readonly #replication: Replication;

  constructor(replication: Replication) {
    this.#replication = replication;
  }

  /** When the oldest that waits for replicas began, monotonic ms; Infinity: there is none. */
  get oldestMs(): number {
    // They stand in their order.
    return this.underWay.values().next().value ?? Number.POSITIVE_INFINITY;
  }

  /**
   * False: the command may run. True: it was suspended, and will run when replicas have answered.
   * A text: why it is not executed.
   */
  begin(session: Session, command: Command, args: Args): boolean | string {
    if (session.isFresh) {
      session.isFresh = false;
      return false;
    }
    const known = findKnown(session.server, command.fullName);
    const keys = known === undefined ? [] : findKeys(known, args);
    if (keys.length === 0) return false;
    if (keys.length > FRESH_KEYS_MAX) {
      return `ERR at level '${levelName(session.readLevel)}' a command reads ${FRESH_KEYS_MAX} keys at most, not executed`;
    }
    for (const { buf, from, to } of keys) {
      const refusal = this.#replication.refusalOfKey(session.readLevel, buf, from, to);
      if (refusal !== undefined) return refusal;
    }
    session.lastCommand = command;
    session.postponed = args.clone();
    session.suspended = true;
    const read = new FreshRead(this.#replication, this, session, keys.length);
    this.underWay.set(read, session.server.store.world.clock.monotonicMs());
    for (const { buf, from, to } of keys) read.ask(Buffer.from(buf.subarray(from, to)));
    return true;
  }
}

/** One request that waits for its keys. */
class FreshRead {
  readonly #replication: Replication;
  readonly #reads: FreshReads;
  readonly #session: Session;
  readonly #level: number;
  #keysLeft: number;
  #isOver = false;

  constructor(replication: Replication, reads: FreshReads, session: Session, keyCount: number) {
    this.#replication = replication;
    this.#reads = reads;
    this.#session = session;
    this.#level = session.readLevel;
    this.#keysLeft = keyCount;
  }

  ask(key: Buffer): void {
    this.#reads.fetched += 1;
    const group = this.#replication.othersOf(key, 0, key.length);
    const asked = new KeyFetch(this.#replication, this.#session.database, key, group);
    asked.run((isWhole) => this.#answered(asked, group, isWhole));
  }

  /** Another replica has answered for a key, or none more will. */
  #answered(asked: KeyFetch, group: Group, isWhole: boolean): void {
    if (asked.isOver) return;
    const has = (holder: Holder): boolean => holder === null || asked.answered.has(holder);
    const isEnough = group.isEnough(this.#level, has);
    if (!isEnough && !isWhole) return;
    asked.isOver = true;
    if (!isEnough) {
      const count = group.count(has);
      this.#end(
        `NOQUORUM ${count.has} of ${count.of} replicas have answered, level ` +
          `'${levelName(this.#level)}' needs ${neededOf(this.#level, count.of)}, not executed`,
      );
      return;
    }
    if (asked.isNewer) this.#reads.newer += 1;
    if (asked.repair()) this.#reads.repaired += 1;
    this.#keysLeft -= 1;
    if (this.#keysLeft === 0) this.#end(undefined);
  }

  #end(error: string | undefined): void {
    const session = this.#session;
    const { server } = session;
    this.#reads.underWay.delete(this);
    if (this.#isOver || session.isGone || session.closing) return;
    this.#isOver = true;
    session.suspended = false;
    if (error === undefined) {
      session.isFresh = true;
    } else {
      session.postponed = undefined;
      session.reply.error(error);
      server.countError(error);
      session.carrier.flushSoon();
    }
    session.carrier.resume();
  }
}

/** One key, asked of all other replicas. */
class KeyFetch {
  isOver = false;
  /** Something newer has come. */
  isNewer = false;
  readonly answered = new Map<ReplicaStream, KeyState | undefined>();
  readonly #replication: Replication;
  readonly #database: Database;
  readonly #key: Buffer;
  readonly #group: Group;
  #left: number;

  constructor(replication: Replication, database: Database, key: Buffer, group: Group) {
    this.#replication = replication;
    this.#database = database;
    this.#key = key;
    this.#group = group;
    this.#left = group.receivers.length;
  }

  run(told: (isWhole: boolean) => void): void {
    for (const stream of this.#group.receivers) this.#ask(stream, undefined, told);
    // With no other replica nobody answers, and the caller must not hear of it before `run` is over.
    if (this.#left === 0) this.#replication.soon(() => told(true));
  }

  /** Sends who has older entries what is here, if that is little; true if there was somebody. */
  repair(): boolean {
    const state = this.#state();
    if (state.all === 0 || state.all > REPAIR_ELEMENTS_MAX) return false;
    const isOlder = (theirs: KeyState | undefined): boolean =>
      theirs !== undefined && !isSameState(theirs, state);
    if (![...this.answered.values()].some(isOlder)) return false;
    this.#replication.effects.whole(this.#database.index, this.#key);
    return true;
  }

  #state(): KeyState {
    const { tree } = this.#database;
    const key = this.#key;
    // Takes out what a clear hides, or has expired.
    this.#database.peek(key, 0, key.length);
    return keyState(tree, tree.find(key, 0, key.length));
  }

  #ask(stream: ReplicaStream, after: Buffer | undefined, told: (isWhole: boolean) => void): void {
    const { clearedAt, index } = this.#database;
    const { all, high, low } = this.#state();
    const numbers = [clearedAt, all, low, high].map(String);
    const words = ['FETCH', String(index), this.#key, ...numbers];
    const { links } = this.#replication;
    const over = (): void => {
      this.#left -= 1;
      told(this.#left === 0);
    };
    const sent = links.request(
      stream.memberId,
      'replica',
      after === undefined ? words : [...words, after],
      FETCH_TIMEOUT_MS,
      (error, reply) => {
        if (error !== null || reply instanceof Error) over();
        else this.#take(stream, reply, over, told);
      },
    );
    if (sent instanceof Error) this.#replication.soon(over);
  }

  #take(
    stream: ReplicaStream,
    reply: PeerReply,
    over: () => void,
    told: (isWhole: boolean) => void,
  ): void {
    if (!Array.isArray(reply)) {
      this.answered.set(stream, undefined);
      over();
      return;
    }
    const [next, all, low, high, ...contents] = reply;
    try {
      if (this.#replication.intake.take(contents, stream.memberId)) this.isNewer = true;
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      over();
      return;
    }
    if (Buffer.isBuffer(next)) {
      this.#ask(stream, next, told);
      return;
    }
    const state = { all: Number(all), low: Number(low), high: Number(high) };
    this.answered.set(stream, state);
    over();
  }
}
