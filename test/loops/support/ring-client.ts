/**
 * A client of a ring under trouble: one connection at a time, to any node, on which it pipelines reads
 * and writes of keys that it alone writes, and reads of others' keys. It connects anew, elsewhere, when
 * the connection is cut or nothing is answered, and holds every reply against what may be.
 */
import { ReplyParser } from '../../../resp/reply-parser.js';
import { SimRandom } from '../../../world/sim/random.js';
import type { SimHost } from '../../../world/sim/sim-world.js';
import type { Link, LinkHandler } from '../../../world/world.js';
import { encode } from '../../support/local.js';
import { PORT, plain, type SceneNode } from '../../support/ring-scene.js';
import {
  type ClientCall,
  consistency,
  get,
  increment,
  type Level,
  type Levels,
  remove,
  set,
  transaction,
} from './client-calls.js';
import type { KeyHistory } from './key-history.js';

const BETWEEN_MIN_MS = 20;
const BETWEEN_MAX_MS = 400;
const BURST_MAX = 6;
/** Calls under way. */
const WAITING_MAX = 40;
const CONNECT_MAX_MS = 3000;
/** Some wait for every reply that comes at all, others give up and go elsewhere. */
const PATIENCE_MS = [300, 2000, 8000] as const;
const HANGS_UP_CHANCE = 0.03;
const DEFAULT_LEVELS: Levels = { read: 'one', write: 'quorum' };

export interface RingClientParts {
  readonly seed: number;
  readonly host: SimHost;
  /** That it may connect to. */
  readonly nodes: () => readonly SceneNode[];
  readonly own: readonly KeyHistory[];
  readonly all: readonly KeyHistory[];
  readonly trace: (text: string) => void;
}

interface Waiting {
  readonly call: ClientCall;
  readonly sinceMs: number;
}

export class RingClient {
  /** It sends nothing new. */
  isResting = false;
  readonly problems: string[] = [];
  readonly #parts: RingClientParts;
  readonly #random: SimRandom;
  readonly #counterKey: Buffer;
  #counted = 0;
  #connection: Connection | undefined;
  #isConnecting = false;

  constructor(parts: RingClientParts) {
    this.#parts = parts;
    this.#random = new SimRandom(parts.seed, parts.host.name);
    this.#counterKey = Buffer.concat([parts.own[0]!.key, Buffer.from(':count')]);
    this.#later();
  }

  get isIdle(): boolean {
    return this.#connection === undefined || this.#connection.waiting.length === 0;
  }

  #later(): void {
    const delayMs = this.#random.between(BETWEEN_MIN_MS, BETWEEN_MAX_MS);
    this.#parts.host.timers.after(delayMs, () => {
      this.#act();
      this.#later();
    });
  }

  #act(): void {
    const connection = this.#connection;
    if (connection === undefined) {
      if (!this.#isConnecting && !this.isResting) this.#connect();
      return;
    }
    const [first] = connection.waiting;
    const isSilent = first !== undefined && this.#nowMs - first.sinceMs > connection.patienceMs;
    const isBored = first === undefined && this.#random.chance(HANGS_UP_CHANCE);
    if (isSilent || isBored) connection.destroy();
    else if (!this.isResting && connection.waiting.length < WAITING_MAX) this.#burst(connection);
  }

  get #nowMs(): number {
    return this.#parts.host.clock.monotonicMs();
  }

  #connect(): void {
    const { host, trace } = this.#parts;
    const nodes = this.#parts.nodes();
    if (nodes.length === 0) return;
    const address = { host: this.#random.pick(nodes).host.name, port: PORT };
    this.#isConnecting = true;
    const done = (): void => {
      this.#isConnecting = false;
    };
    const make = (link: Link): LinkHandler => {
      this.#connection = new Connection(link, this.#random.pick(PATIENCE_MS), {
        replied: (problem, text) => {
          trace(`${host.name} gets ${text}`);
          if (problem !== undefined) this.problems.push(`${host.name}: ${problem}`);
        },
        closed: () => {
          this.#connection = undefined;
        },
      });
      this.#greet(this.#connection);
      return this.#connection;
    };
    host.network.connect(address, CONNECT_MAX_MS, make).then(done, done);
  }

  /** Most take the levels of the node: reads at `one`, writes at `quorum`. */
  #greet(connection: Connection): void {
    if (!this.#random.chance(0.3)) return;
    const levels: Levels = { read: this.#level(), write: this.#level() };
    const done = (isDone: boolean): void => {
      connection.levels = isDone ? levels : DEFAULT_LEVELS;
    };
    // What is sent before it is answered would be at one level or the other.
    connection.levels = undefined;
    connection.send([consistency(levels, done)], this.#nowMs);
  }

  #burst(connection: Connection): void {
    const { levels } = connection;
    if (levels === undefined) return;
    const calls: ClientCall[] = [];
    for (let left = 1 + this.#random.below(BURST_MAX); left > 0; left -= 1) {
      calls.push(...this.#calls(levels));
    }
    connection.send(calls, this.#nowMs);
  }

  #calls(levels: Levels): ClientCall[] {
    const { all, own } = this.#parts;
    const random = this.#random;
    const mine = random.pick(own);
    const at = random.chance(0.2) ? this.#level() : undefined;
    const kind = random.below(20);
    if (kind < 8) return [set(mine, levels, at)];
    if (kind < 13) return [get(mine, levels, at)];
    if (kind < 15) return [get(random.pick(all), levels, at)];
    if (kind < 17) return transaction(mine, levels);
    if (kind < 18) return [remove(mine, levels, at)];
    this.#counted += 1;
    return [increment(this.#counterKey, this.#counted)];
  }

  #level(): Level {
    return this.#random.pick(['one', 'quorum', 'quorum', 'all'] as const);
  }
}

interface ConnectionEvents {
  /** A reply has come; `problem`: that cannot be. */
  replied(problem: string | undefined, text: string): void;
  closed(): void;
}

class Connection implements LinkHandler {
  /** Undefined: they are about to change. */
  levels: Levels | undefined = DEFAULT_LEVELS;
  readonly waiting: Waiting[] = [];
  readonly patienceMs: number;
  readonly #link: Link;
  readonly #parser = new ReplyParser();
  readonly #events: ConnectionEvents;

  constructor(link: Link, patienceMs: number, events: ConnectionEvents) {
    this.#link = link;
    this.patienceMs = patienceMs;
    this.#events = events;
  }

  send(calls: readonly ClientCall[], nowMs: number): void {
    const bytes = Buffer.concat(calls.map(({ words }) => encode(words)));
    for (const call of calls) this.waiting.push({ call, sinceMs: nowMs });
    this.#link.write(bytes, 0, bytes.length);
  }

  destroy(): void {
    this.#link.destroy();
  }

  data(buf: Buffer, bytes: number): void {
    this.#parser.feed(buf.subarray(0, bytes));
    for (const reply of this.#parser.all()) {
      const next = this.waiting.shift();
      const text = JSON.stringify(plain(reply));
      const problem =
        next === undefined ? `nothing was asked: ${text}` : next.call.take(plain(reply));
      this.#events.replied(problem, text);
    }
  }

  drained(): void {}

  ended(): void {
    this.#link.end();
  }

  closed(): void {
    for (const { call } of this.waiting.splice(0)) call.lost();
    this.#events.closed();
  }
}
