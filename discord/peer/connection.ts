/**
 * One connection to a node: kept up, greeted, and filled with requests. Members greet each other by
 * PEER HELLO (handshake.ts), clients as their own Greeting has it (lib/client/greeting.ts).
 *
 *   closed --start--> connecting --> greeting --> open
 *                        ^              |          |       lost, refused, stuck
 *                        +-- waiting <--+----------+       a pause that grows, see backoff.ts
 *
 * All requests of one turn leave in one write. While the system does not take what was written,
 * nothing more is; requests then wait, and who sends too many is refused (PEER_BUSY) and told once
 * there is room. While there is no connection and none is being made, requests are refused at
 * once: whoever has other replicas to ask should do so.
 */
import RedisParser from 'redis-parser';
import { encodeRequest } from '../../resp/request-writer.js';
import type { Address, Link, LinkHandler, Timer, World } from '../../world/world.js';
import { Backoff, type BackoffOptions } from './backoff.js';
import type { Greeting } from './greeting.js';
import { PeerError } from './peer-error.js';
import {
  type Done,
  type PeerReply,
  type PeerRequest,
  Pipeline,
  type PipelineLimits,
} from './pipeline.js';

export interface ConnectionOptions extends BackoffOptions {
  readonly limits: PipelineLimits;
  /** Default 2000 ms each. */
  readonly connectTimeoutMs?: number;
  readonly greetTimeoutMs?: number;
  /** What one reply may have. Default 64 MiB. */
  readonly replyBytesMax?: number;
}

export interface ConnectionParts<Name> {
  readonly world: World;
  readonly address: Address;
  /** Asked anew for each attempt. */
  readonly greeting: () => Greeting<Name>;
}

export interface ConnectionEvents<Name> {
  opened(who: Name): void;
  /** It is gone, or was not made; it is tried again. */
  lost(error: PeerError): void;
  /** After PEER_BUSY: half of the room is free again. */
  room(): void;
}

export type ConnectionState = 'closed' | 'connecting' | 'greeting' | 'open' | 'waiting';

const CONNECT_TIMEOUT_MS = 2000;
const GREET_TIMEOUT_MS = 2000;
const REPLY_BYTES_MAX = 64 * 1024 * 1024;
/** Until it is known who answers. */
const GREETING_BYTES_MAX = 1024;
/** So long must a connection hold before the next pause is a short one again. */
const STEADY_MS = 5000;
/** Deadlines are looked at no more often than this. */
const DEADLINE_STEP_MS = 5;

export class PeerConnection<Name> {
  readonly #world: World;
  readonly #address: Address;
  readonly #greeting: () => Greeting<Name>;
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents<Name>;
  readonly #pipeline: Pipeline;
  readonly #backoff: Backoff;
  #state: ConnectionState = 'closed';
  /** Counts attempts: what an old one still says is not heard. */
  #attempt = 0;
  #link: Link | undefined;
  /** Undefined once it is over. */
  #underWay: Greeting<Name> | undefined;
  #parser: RedisParser | undefined;
  /** Bytes since the last whole reply. */
  #replyBytes = 0;
  #openedMs = 0;
  #isCongested = false;
  #isFlushPlanned = false;
  #wasBusy = false;
  #isRetired = false;
  #pause: Timer | undefined;
  #deadline: Timer | undefined;
  #deadlineMs = Infinity;

  constructor(
    { world, address, greeting }: ConnectionParts<Name>,
    options: ConnectionOptions,
    events: ConnectionEvents<Name>,
  ) {
    this.#world = world;
    this.#address = address;
    this.#greeting = greeting;
    this.#options = options;
    this.#events = events;
    this.#pipeline = new Pipeline(options.limits);
    this.#backoff = new Backoff(world.random, options);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get inFlightCount(): number {
    return this.#pipeline.inFlightCount;
  }

  get waitingCount(): number {
    return this.#pipeline.waitingCount;
  }

  start(): void {
    if (this.#state === 'closed' && !this.#isRetired) this.#connect();
  }

  /** There is reason to believe that the other side can be reached: does not wait any longer. */
  retry(): void {
    if (this.#state !== 'waiting') return;
    this.#pause?.cancel();
    this.#connect();
  }

  /** It serves as long as it is there, and is not made again. */
  retire(): void {
    this.#isRetired = true;
    if (this.#state !== 'open') this.close();
  }

  /** For good; who waits for replies is told. */
  close(): void {
    this.#isRetired = true;
    if (this.#state === 'closed') return;
    this.#drop('closed', new PeerError('PEER_DOWN', 'this side closed the connection'));
  }

  /**
   * Sends a request; `done` is called once, later, unless the request is cancelled. A PeerError:
   * it was not taken, and `done` is not called.
   */
  request(
    words: readonly (string | Buffer)[],
    timeoutMs: number,
    done: Done,
  ): PeerRequest | PeerError {
    if (this.#state === 'closed' || this.#state === 'waiting') {
      return new PeerError('PEER_DOWN', 'there is no connection to this member');
    }
    const dueMs = this.#nowMs() + timeoutMs;
    const request = this.#pipeline.add(words, dueMs, done);
    if (request instanceof PeerError) {
      this.#wasBusy = true;
      return request;
    }
    this.#watch(dueMs);
    this.#planFlush();
    return request;
  }

  // --- making a connection ---------------------------------------------------------------------

  #connect(): void {
    const { connectTimeoutMs = CONNECT_TIMEOUT_MS } = this.#options;
    this.#state = 'connecting';
    this.#attempt += 1;
    const attempt = this.#attempt;
    const handler = (link: Link): LinkHandler => this.#attach(link, attempt);
    this.#world.network.connect(this.#address, connectTimeoutMs, handler).catch((error: Error) => {
      if (attempt === this.#attempt) this.#lost(new PeerError('PEER_DOWN', error.message));
    });
  }

  #attach(link: Link, attempt: number): LinkHandler {
    const isOld = (): boolean => attempt !== this.#attempt;
    if (isOld()) link.destroy();
    else this.#greet(link);
    return {
      data: (buf, bytes) => {
        if (!isOld()) this.#arrived(Buffer.from(buf.subarray(0, bytes)));
      },
      drained: () => {
        if (!isOld()) this.#drained();
      },
      ended: () => {
        if (!isOld()) this.#lost(new PeerError('PEER_LOST', 'the member closed the connection'));
      },
      closed: (error) => {
        const message = error?.message ?? 'the connection is gone';
        if (!isOld()) this.#lost(new PeerError('PEER_LOST', message));
      },
    };
  }

  #greet(link: Link): void {
    const { greetTimeoutMs = GREET_TIMEOUT_MS } = this.#options;
    this.#state = 'greeting';
    this.#link = link;
    this.#replyBytes = 0;
    this.#isCongested = false;
    this.#parser = new RedisParser({
      returnBuffers: true,
      returnReply: (reply) => this.#replied(reply as PeerReply),
      returnError: (error) => this.#replied(error),
      returnFatalError: (error) => this.#lost(new PeerError('PEER_PROTOCOL', error.message)),
    });
    this.#underWay = this.#greeting();
    this.#write(encodeRequest(this.#underWay.hello()));
    const late = new PeerError('PEER_LOST', 'no greeting in time');
    this.#pause = this.#world.timers.after(greetTimeoutMs, () => this.#lost(late), true);
  }

  /** A reply of the greeting. */
  #goOnGreeting(greeting: Greeting<Name>, reply: PeerReply): void {
    try {
      const next = greeting.answer(reply);
      if ('say' in next) return this.#write(encodeRequest(next.say));
      this.#pause?.cancel();
      this.#underWay = undefined;
      this.#state = 'open';
      this.#openedMs = this.#nowMs();
      this.#events.opened(next.who);
      this.#planFlush();
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      // It takes somebody who changes a setting, so it need not be tried often.
      if (error.code === 'PEER_REFUSED') this.#backoff.exhaust();
      this.#lost(error);
    }
  }

  #lost(error: PeerError): void {
    if (this.#state === 'closed' || this.#state === 'waiting') return;
    if (this.#isRetired) return this.#drop('closed', error);
    const isSteady = this.#state === 'open' && this.#nowMs() - this.#openedMs >= STEADY_MS;
    if (isSteady) this.#backoff.reset();
    this.#drop('waiting', error);
    const again = (): void => this.#connect();
    this.#pause = this.#world.timers.after(this.#backoff.nextMs(), again, true);
    this.#events.lost(error);
  }

  #drop(state: ConnectionState, error: PeerError): void {
    this.#attempt += 1;
    this.#state = state;
    this.#pause?.cancel();
    this.#deadline?.cancel();
    this.#deadlineMs = Infinity;
    this.#underWay = undefined;
    this.#parser = undefined;
    this.#link?.destroy();
    this.#link = undefined;
    this.#wasBusy = false;
    this.#pipeline.failAll('PEER_DOWN', error.message);
  }

  // --- replies ---------------------------------------------------------------------------------

  #arrived(bytes: Buffer): void {
    const { replyBytesMax = REPLY_BYTES_MAX } = this.#options;
    this.#replyBytes += bytes.length;
    const bytesMax = this.#state === 'greeting' ? GREETING_BYTES_MAX : replyBytesMax;
    if (this.#replyBytes > bytesMax) {
      return this.#lost(new PeerError('PEER_PROTOCOL', `a reply of more than ${bytesMax} bytes`));
    }
    try {
      this.#parser?.execute(bytes);
    } catch (error) {
      // It makes an array of whatever length was promised.
      if (!(error instanceof RangeError)) throw error;
      this.#lost(new PeerError('PEER_PROTOCOL', error.message));
    }
    if (this.#pipeline.waitingCount > 0) this.#planFlush();
  }

  #replied(reply: PeerReply): void {
    this.#replyBytes = 0;
    if (this.#underWay !== undefined) return this.#goOnGreeting(this.#underWay, reply);
    // Replies that came in one piece with what broke the connection.
    if (this.#state !== 'open') return;
    if (!this.#pipeline.answer(reply)) {
      this.#lost(new PeerError('PEER_PROTOCOL', 'a reply that nobody asked for'));
    }
  }

  // --- requests --------------------------------------------------------------------------------

  #planFlush(): void {
    if (this.#isFlushPlanned || this.#state !== 'open') return;
    this.#isFlushPlanned = true;
    this.#world.timers.soon(() => {
      this.#isFlushPlanned = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#state === 'open' && !this.#isCongested) {
      const batch = this.#pipeline.takeBatch(this.#nowMs());
      if (batch === null) break;
      this.#write(batch);
    }
    this.#watch(this.#pipeline.stallDueMs);
    if (!this.#wasBusy || !this.#pipeline.isRelaxed) return;
    this.#wasBusy = false;
    this.#events.room();
  }

  #write(bytes: Buffer): void {
    if (this.#link?.write(bytes, 0, bytes.length) === false) this.#isCongested = true;
  }

  #drained(): void {
    this.#isCongested = false;
    this.#planFlush();
  }

  /** Looks at the deadlines at this moment, or earlier. */
  #watch(atMs: number): void {
    if (atMs >= this.#deadlineMs) return;
    this.#deadline?.cancel();
    this.#deadlineMs = atMs;
    const delayMs = Math.max(DEADLINE_STEP_MS, atMs - this.#nowMs());
    this.#deadline = this.#world.timers.after(delayMs, () => this.#expire(), true);
  }

  #expire(): void {
    this.#deadlineMs = Infinity;
    if (this.#pipeline.expire(this.#nowMs())) {
      return this.#lost(new PeerError('PEER_LOST', 'the member does not answer'));
    }
    this.#watch(this.#pipeline.nextDueMs);
  }

  #nowMs(): number {
    return this.#world.clock.monotonicMs();
  }
}
