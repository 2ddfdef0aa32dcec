/**
 * SyncCalls: sessions that this node begins with other members, as requests (sync-wire.ts). All of
 * them share one slice of 2 ms in a turn of the event loop, so that clients come first however many
 * ranges are compared.
 *
 *   call --> waits for a place --> works -- message --> waits for the answer --> works ... --> ended
 *
 * Invariant: a call ends once, whatever the network does, and by itself: by an answer, by the
 * deadline of a request, or because the view changed. Nothing of a session is kept afterwards.
 */
import { PeerError } from '../../discord/peer/peer-error.js';
import type { PeerReply } from '../../discord/peer/pipeline.js';
import type { RingRange } from '../../discord/ring/position.js';
import type { SyncMode } from '../../radix/sync/messages.js';
import { SyncSession, type SyncStats } from '../../radix/sync/session.js';
import { BackgroundWork } from '../server/background.js';
import type { LoopSettings } from './options.js';
import { expiredUntilMs, syncDatabases } from './replica.js';
import type { SyncParts } from './sync-answers.js';
import { Outgoing, STATE_OVER, STATE_SPEAKS, SYNC_VERB } from './sync-wire.js';

export interface CallOptions {
  readonly memberId: string;
  readonly range: RingRange;
  readonly mode: SyncMode;
  readonly keeps?: boolean;
}

/** How a call ended; `isEqual` as in radix/sync/initiator.ts, null also if it failed. */
export interface CallResult {
  readonly isDone: boolean;
  readonly isEqual: boolean | null;
  readonly stats: SyncStats;
  /** Why it failed; empty if it did not. */
  readonly failure: string;
}

const NOTHING: SyncStats = {
  sentBytes: 0,
  receivedBytes: 0,
  sentEntries: 0,
  receivedEntries: 0,
  appliedEntries: 0,
  droppedEntries: 0,
  roundTrips: 0,
};
const SESSION_IDS = 2 ** 48;

class Call {
  readonly options: CallOptions;
  readonly resolve: (result: CallResult) => void;
  readonly outgoing = new Outgoing();
  readonly id: string;
  session: SyncSession | undefined;
  hasOpened = false;
  isWaiting = false;
  /** The responder has said that it has more to say. */
  isAsked = false;
  isOver = false;

  constructor(id: string, options: CallOptions, resolve: (result: CallResult) => void) {
    this.id = id;
    this.options = options;
    this.resolve = resolve;
  }
}

export class SyncCalls {
  readonly #parts: SyncParts;
  readonly #settings: LoopSettings;
  readonly #work: BackgroundWork;
  readonly #waiting: Call[] = [];
  readonly #running = new Set<Call>();
  #nextId: number;

  constructor(parts: SyncParts, settings: LoopSettings) {
    this.#parts = parts;
    this.#settings = settings;
    const { pace, world } = parts;
    this.#work = new BackgroundWork(world, (deadlineMs) => this.#step(deadlineMs), pace);
    // A member that starts anew must not be taken for its former self.
    this.#nextId = parts.world.random.below(SESSION_IDS);
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** Makes a range equal with another member's. Never rejects. */
  call(options: CallOptions): Promise<CallResult> {
    this.#nextId += 1;
    const id = this.#nextId.toString(36);
    return new Promise((resolve) => {
      this.#waiting.push(new Call(id, options, resolve));
      this.#startNext();
    });
  }

  /** Another view holds: what is under way was about the one before. */
  noticeView(): void {
    for (const call of [...this.#waiting.splice(0), ...this.#running]) {
      this.#fail(call, 'the ring has changed');
    }
  }

  #startNext(): void {
    while (this.#running.size < this.#settings.callsMax) {
      const call = this.#waiting.shift();
      if (call === undefined) return;
      const { store, world } = this.#parts;
      const { keeps = false, mode, range } = call.options;
      call.session = SyncSession.initiate(syncDatabases(store), {
        range,
        mode,
        keeps,
        salt: world.random.below(2 ** 32),
        expiredUntilMs: () => expiredUntilMs(store),
      });
      this.#running.add(call);
      this.#work.start();
    }
  }

  /** True when all sessions wait for answers. */
  #step(deadlineMs: number): boolean {
    const isLate = (): boolean => this.#parts.world.clock.monotonicMs() >= deadlineMs;
    for (const call of [...this.#running]) {
      if (call.isWaiting) continue;
      const { outgoing, session } = call;
      if (this.#parts.muted(() => outgoing.fill(session!, isLate))) this.#send(call);
      else {
        // The others go first in the next turn.
        this.#running.delete(call);
        this.#running.add(call);
      }
      if (isLate()) break;
    }
    return [...this.#running].every(({ isWaiting }) => isWaiting);
  }

  #send(call: Call): void {
    const session = call.session!;
    if (session.error !== null) return this.#fail(call, session.error.message);
    if (call.outgoing.isEmpty && session.outcome !== null) return this.#end(call);
    if (call.outgoing.isEmpty && !call.isAsked) return this.#fail(call, 'both sides wait');
    const bytes = call.outgoing.take();
    const { epoch } = this.#parts.ring.responsibility.view;
    const words = call.hasOpened
      ? [SYNC_VERB, 'FRAME', call.id, bytes]
      : [SYNC_VERB, 'OPEN', call.id, String(epoch), bytes];
    call.hasOpened = true;
    call.isWaiting = true;
    const request = this.#parts.ring.request(
      call.options.memberId,
      'bulk',
      words,
      this.#settings.answerTimeoutMs,
      (error, reply) => this.#hear(call, error, reply),
    );
    if (request instanceof PeerError) this.#fail(call, request.message);
  }

  #hear(call: Call, error: PeerError | null, reply: PeerReply): void {
    if (call.isOver) return;
    call.isWaiting = false;
    if (error !== null) return this.#fail(call, error.message);
    if (reply instanceof Error) return this.#fail(call, reply.message);
    const [state, bytes] = Array.isArray(reply) ? reply : [];
    if (typeof state !== 'number' || !Buffer.isBuffer(bytes)) {
      return this.#fail(call, 'the answer is none');
    }
    call.isAsked = state === STATE_SPEAKS;
    const session = call.session!;
    if (bytes.length > 0) this.#parts.muted(() => session.receive(bytes));
    // What FINISH says needs no answer; if the other side has ended and this one has not, work tells.
    if (state === STATE_OVER && session.outcome !== null) this.#end(call);
    else this.#work.start();
  }

  #end(call: Call): void {
    const { outcome, stats } = call.session!;
    this.#settle(call, { isDone: true, isEqual: outcome!.isEqual, stats, failure: '' });
  }

  #fail(call: Call, failure: string): void {
    if (call.isOver) return;
    const { session } = call;
    session?.cancel();
    if (call.hasOpened) this.#close(call);
    const stats = session?.stats ?? NOTHING;
    this.#settle(call, { isDone: false, isEqual: null, stats, failure });
  }

  #settle(call: Call, result: CallResult): void {
    call.isOver = true;
    this.#running.delete(call);
    call.resolve(result);
    this.#startNext();
  }

  /** Lets the other side forget the session; if that is not heard, it does so by itself. */
  #close(call: Call): void {
    const { ring } = this.#parts;
    const words = [SYNC_VERB, 'CLOSE', call.id];
    ring.request(call.options.memberId, 'bulk', words, this.#settings.answerTimeoutMs, () => {});
  }
}
