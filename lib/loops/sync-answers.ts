/**
 * SyncAnswers: the side of sessions that other members have begun with this one. It answers a
 * message with what the session says to it, worked out in slices as a command's task is; bulk
 * transfers so take turns with clients, and a member that asks too much waits for itself.
 *
 * Invariant: what a member can make this one keep is `SESSIONS_PER_PEER_MAX` sessions, for no longer
 * than it is heard of every `answerTimeoutMs`; every session ends when the view changes.
 */

import { SyncSession } from '../../radix/sync/session.js';
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { World } from '../../world/world.js';
import { epochOf, type PeerVerb, type RingLinks } from '../ring/ring-links.js';
import { strayFilter } from '../ring/strays.js';
import type { Pace } from '../server/pace.js';
import type { Session, Task } from '../server/session.js';
import type { Store } from '../store/store.js';
import type { LoopSettings } from './options.js';
import { expiredUntilMs, syncDatabases } from './replica.js';
import type { Reports } from './reports.js';
import {
  MESSAGE_BYTES_MAX,
  Outgoing,
  STATE_LISTENS,
  STATE_OVER,
  STATE_SPEAKS,
  SYNC_VERB,
} from './sync-wire.js';

export interface SyncParts {
  readonly world: World;
  readonly store: Store;
  readonly ring: RingLinks;
  readonly reports: Reports;
  /** Runs what puts entries of others in: they are not sent on to replicas from here. */
  readonly muted: <T>(work: () => T) => T;
  /** Of all background work of the loops together. */
  readonly pace: Pace;
  /** When the oldest command that reads on in later turns began, monotonic ms; Infinity: there is none. */
  readonly oldestReadMs: () => number;
}

const SESSIONS_PER_PEER_MAX = 8;
const SESSIONS_MAX = 256;

interface Answering {
  readonly key: string;
  readonly peerId: string;
  readonly session: SyncSession;
  /** A message of it is being answered. */
  isBusy: boolean;
  heardMs: number;
}

export class SyncAnswers {
  readonly verb: PeerVerb;
  readonly #parts: SyncParts;
  readonly #settings: LoopSettings;
  readonly #sessions = new Map<string, Answering>();

  constructor(parts: SyncParts, settings: LoopSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.verb = {
      name: SYNC_VERB,
      channel: 'bulk',
      handler: (session, args, reply) => this.#hear(session, args, reply),
    };
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Another view holds: what is under way was about the one before. */
  noticeView(): void {
    for (const answering of [...this.#sessions.values()]) this.#end(answering);
  }

  /** Ends what nobody has asked about for long. */
  tick(): void {
    const untilMs = this.#nowMs() - this.#settings.answerTimeoutMs;
    for (const answering of [...this.#sessions.values()]) {
      if (answering.heardMs < untilMs && !answering.isBusy) this.#end(answering);
    }
  }

  #hear(session: Session, args: Args, reply: ReplyWriter): void {
    const peerId = session.peer?.memberId;
    if (peerId === undefined) return reply.error('NOPERM SYNC is for members of the ring');
    if (args.count < 3) return reply.error('ERR SYNC takes OPEN, FRAME or CLOSE and a session');
    const word = args.string(1).toUpperCase();
    const key = `${peerId} ${args.string(2)}`;
    if (word === 'OPEN' && args.count === 5) this.#open(session, args, reply, key, peerId);
    else if (word === 'FRAME' && args.count === 4) this.#frame(session, args, reply, key);
    else if (word === 'CLOSE' && args.count === 3) this.#close(reply, key);
    else reply.error('ERR SYNC takes OPEN session epoch bytes, FRAME session bytes, CLOSE session');
  }

  #open(session: Session, args: Args, reply: ReplyWriter, key: string, peerId: string): void {
    const { ring, store } = this.#parts;
    const epoch = epochOf(ring);
    if (args.string(3) !== String(epoch)) {
      return reply.error(`SYNCEPOCH this member is in epoch ${epoch}`);
    }
    const own = [...this.#sessions.values()].filter((each) => each.peerId === peerId);
    const isFull = own.length >= SESSIONS_PER_PEER_MAX || this.#sessions.size >= SESSIONS_MAX;
    if (isFull || this.#sessions.has(key)) return reply.error('SYNCBUSY too many sessions');
    const answering: Answering = {
      key,
      peerId,
      session: SyncSession.respond(syncDatabases(store), {
        modes: ['two-way', 'destructive'],
        expiredUntilMs: () => expiredUntilMs(store),
        isCollected: strayFilter(store, ring, peerId),
      }),
      isBusy: false,
      heardMs: this.#nowMs(),
    };
    this.#sessions.set(key, answering);
    this.#answer(session, answering, reply, args, 4);
  }

  #frame(session: Session, args: Args, reply: ReplyWriter, key: string): void {
    const answering = this.#sessions.get(key);
    if (answering === undefined) return reply.error('NOSYNC there is no such session');
    if (answering.isBusy) return reply.error('SYNCBUSY a message of it is being answered');
    answering.heardMs = this.#nowMs();
    this.#answer(session, answering, reply, args, 3);
  }

  #close(reply: ReplyWriter, key: string): void {
    const answering = this.#sessions.get(key);
    if (answering !== undefined) this.#end(answering);
    reply.ok();
  }

  #answer(
    session: Session,
    answering: Answering,
    reply: ReplyWriter,
    args: Args,
    at: number,
  ): void {
    if (args.length(at) > MESSAGE_BYTES_MAX) {
      this.#end(answering);
      return reply.error(`SYNCLIMIT a message has ${MESSAGE_BYTES_MAX} bytes at most`);
    }
    const bytes = args.buf.subarray(args.starts[at]!, args.ends[at]!);
    this.#parts.muted(() => answering.session.receive(bytes));
    answering.isBusy = true;
    session.defer(this.#task(answering, reply));
  }

  #task(answering: Answering, reply: ReplyWriter): Task {
    const { clock } = this.#parts.world;
    const outgoing = new Outgoing();
    return {
      step: (deadlineMs) => {
        const isLate = (): boolean => clock.monotonicMs() >= deadlineMs;
        const isFilled = this.#parts.muted(() => outgoing.fill(answering.session, isLate));
        if (!isFilled) return false;
        this.#reply(answering, outgoing, reply);
        return true;
      },
      cancel: () => this.#end(answering),
    };
  }

  #reply(answering: Answering, outgoing: Outgoing, reply: ReplyWriter): void {
    const { session } = answering;
    answering.isBusy = false;
    answering.heardMs = this.#nowMs();
    if (session.error !== null) {
      const { code, message } = session.error;
      this.#end(answering);
      return reply.error(`SYNCFAILED ${code} ${message}`);
    }
    const speaks = outgoing.isFull;
    const isOver = session.outcome !== null && !speaks;
    const bytes = outgoing.take();
    reply.array(2);
    reply.integer(speaks ? STATE_SPEAKS : isOver ? STATE_OVER : STATE_LISTENS);
    reply.bulk(bytes, 0, bytes.length);
    if (isOver) this.#end(answering);
  }

  #end(answering: Answering): void {
    if (!this.#sessions.delete(answering.key)) return;
    answering.session.cancel();
    this.#parts.reports.answered(answering.peerId, answering.session.stats);
  }

  #nowMs(): number {
    return this.#parts.world.clock.monotonicMs();
  }
}
