/**
 * Client-side caching (CLIENT TRACKING): who may have which keys in a cache of its own, and hears
 * when one of them changes. Source: Redis tracking.c.
 *
 *   default mode    a read remembers (key, client); the first change after it tells the client
 *   BCAST           a client names prefixes; at the end of each turn it hears of all keys changed
 *                   below them
 *
 * As in Redis a key is one name, whatever its database, and of a client that has gone its id stays
 * in the table until its keys change.
 * Invariant: `#items` is the number of (key, client) pairs. Beyond `tracking-table-max-keys` the
 * oldest keys leave, as if they had changed.
 */
import type { ChangeListener } from '../store/watches.js';
import { PushMessage } from './push-message.js';
import type { Server } from './server.js';
import { GATE_TRACKING, type Session } from './session.js';

const INVALIDATE_CHANNEL = '__redis__:invalidate';
/** Keys that leave a table that has become too large at once; the rest follows. */
const LEAVING_MAX = 1000;
/** Of a larger table all keys are lost at once. */
const LOOKED_AT_MAX = 10_000;

export interface TrackingOptions {
  /** Id of the client that hears instead; 0 = itself. */
  readonly redirect: number;
  readonly isBroadcast: boolean;
  /** Prefixes to add; empty = all keys, in broadcast mode. */
  readonly prefixes: readonly string[];
  readonly optIn: boolean;
  readonly optOut: boolean;
  readonly noLoop: boolean;
}

/** What one session has asked for. */
export class Tracking {
  readonly owner: Session;
  readonly options: TrackingOptions;
  readonly prefixes = new Set<string>();
  /** CLIENT CACHING was sent: it is about the next command, or the next transaction. */
  caching = false;
  /** The client that hears instead has gone. */
  isBroken = false;

  constructor(owner: Session, options: TrackingOptions) {
    this.owner = owner;
    this.options = options;
  }

  get remembersReads(): boolean {
    const { isBroadcast, optIn, optOut } = this.options;
    return !isBroadcast && !(optIn && !this.caching) && !(optOut && this.caching);
  }
}

interface Prefix {
  readonly sessions: Set<Session>;
  /** Keys changed in this turn, and by whom last; undefined = by time. */
  readonly changed: Map<string, Session | undefined>;
}

export class TrackingTable implements ChangeListener {
  readonly #server: Server;
  /** Ids of the clients that may have a key; nearly always it is one. */
  readonly #readers = new Map<string, number | Set<number>>();
  readonly #prefixes = new Map<string, Prefix>();
  #items = 0;
  #clients = 0;
  #isPlanned = false;

  constructor(server: Server) {
    this.#server = server;
  }

  get clientCount(): number {
    return this.#clients;
  }

  get keyCount(): number {
    return this.#readers.size;
  }

  get itemCount(): number {
    return this.#items;
  }

  get prefixCount(): number {
    return this.#prefixes.size;
  }

  /** Starts to track, or changes how; prefixes add up. */
  enable(session: Session, options: TrackingOptions): void {
    const before = session.tracking;
    const tracking = new Tracking(session, options);
    for (const prefix of before?.prefixes ?? []) tracking.prefixes.add(prefix);
    session.tracking = tracking;
    session.setGate(GATE_TRACKING, !options.isBroadcast);
    if (before === undefined) this.#clients += 1;
    if (options.isBroadcast) {
      const added = options.prefixes.length === 0 ? [''] : options.prefixes;
      for (const prefix of added) this.#addPrefix(tracking, prefix);
    }
    this.#server.store.watches.listenWith(this);
  }

  disable(session: Session): void {
    const { tracking } = session;
    if (tracking === undefined) return;
    for (const name of tracking.prefixes) {
      const prefix = this.#prefixes.get(name)!;
      prefix.sessions.delete(session);
      if (prefix.sessions.size === 0) this.#prefixes.delete(name);
    }
    session.tracking = undefined;
    session.setGate(GATE_TRACKING, false);
    this.#clients -= 1;
    if (this.#clients > 0) return;
    // Nobody is left to hear of anything.
    this.#readers.clear();
    this.#items = 0;
    this.#server.store.watches.stopListening(this);
  }

  /** A session has read keys, one character per byte, that it is to remember: see `keysRead`. */
  remember(session: Session, keys: readonly string[]): void {
    for (const key of keys) this.#add(key, session.id);
    this.limit();
  }

  /** Keeps the table to its size. */
  limit(): void {
    const most = this.#server.settings.trackingTableMaxKeys;
    if (most === 0 || this.#readers.size <= most) return;
    let left = LEAVING_MAX;
    for (const key of this.#readers.keys()) {
      if (this.#readers.size <= most || left === 0) return;
      this.#invalidate(key);
      left -= 1;
    }
  }

  keyChanged(key: string, expired: boolean): void {
    if (this.#prefixes.size > 0) this.#noteChange(key, expired ? undefined : this.#server.current);
    this.#invalidate(key);
  }

  /** Others own keys from now on: who counts on hearing of all of them must learn that he does not. */
  ringGrew(): void {
    for (const session of [...this.#server.sessions.values()]) {
      const options = session.tracking?.options;
      if (options?.isBroadcast === true || options?.noLoop === true) session.carrier.closeSoon();
    }
  }

  /** Of some keys nobody may hear any more when they change: it is as if they had, now. */
  lose(isLost: (key: string) => boolean): void {
    if (this.#readers.size > LOOKED_AT_MAX) return this.allChanged();
    for (const key of [...this.#readers.keys()]) if (isLost(key)) this.#invalidate(key);
  }

  allChanged(): void {
    this.#readers.clear();
    this.#items = 0;
    for (const { tracking } of this.#server.sessions.values()) {
      if (tracking !== undefined) this.#tell(tracking, null);
    }
  }

  #add(key: string, id: number): void {
    const readers = this.#readers.get(key);
    if (readers === undefined) {
      this.#readers.set(key, id);
    } else if (typeof readers === 'number') {
      if (readers === id) return;
      this.#readers.set(key, new Set([readers, id]));
    } else {
      if (readers.has(id)) return;
      readers.add(id);
    }
    this.#items += 1;
  }

  #invalidate(key: string): void {
    const readers = this.#readers.get(key);
    if (readers === undefined) return;
    this.#readers.delete(key);
    const ids = typeof readers === 'number' ? [readers] : readers;
    for (const id of ids) {
      this.#items -= 1;
      const session = this.#server.sessions.get(id);
      const tracking = session?.tracking;
      if (session === undefined || tracking === undefined) continue;
      const { isBroadcast, noLoop } = tracking.options;
      if (isBroadcast || (noLoop && session === this.#server.current)) continue;
      this.#tell(tracking, [key]);
    }
  }

  #addPrefix(tracking: Tracking, name: string): void {
    let prefix = this.#prefixes.get(name);
    if (prefix === undefined) {
      prefix = { sessions: new Set(), changed: new Map() };
      this.#prefixes.set(name, prefix);
    }
    prefix.sessions.add(tracking.owner);
    tracking.prefixes.add(name);
  }

  #noteChange(key: string, by: Session | undefined): void {
    for (const [name, { changed }] of this.#prefixes) {
      if (key.startsWith(name)) changed.set(key, by);
    }
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#server.store.world.timers.soon(() => this.#broadcast());
  }

  #broadcast(): void {
    this.#isPlanned = false;
    // In the order of bytes, as from Redis, whose tables are trees.
    for (const name of [...this.#prefixes.keys()].sort()) {
      const { changed, sessions } = this.#prefixes.get(name)!;
      if (changed.size === 0) continue;
      const all = [...changed.keys()].sort();
      for (const session of sessions) {
        const { options } = session.tracking!;
        const keys = options.noLoop ? all.filter((key) => changed.get(key) !== session) : all;
        if (keys.length > 0) this.#tell(session.tracking!, keys);
      }
      changed.clear();
    }
  }

  /** Tells a client, or whom it names, that keys have changed; null = all may have. */
  #tell(tracking: Tracking, keys: readonly string[] | null): void {
    const { owner } = tracking;
    const { redirect } = tracking.options;
    const target = redirect === 0 ? owner : this.#server.sessions.get(redirect);
    if (target === undefined) {
      tracking.isBroken = true;
      if (owner.reply.protocol === 3) {
        owner.push(new PushMessage(['tracking-redir-broken', redirect], 3));
      }
      return;
    }
    const message = invalidation(target, redirect !== 0, keys);
    if (message === undefined) return;
    // Of what a client changes itself it hears after the messages of its command, as from Redis.
    if (owner === this.#server.current) owner.pushLate(target, message);
    else target.push(message);
  }
}

/** RESP2 has no pushes: who is subscribed to anything gets a message, as Redis has it. */
function invalidation(
  target: Session,
  isRedirected: boolean,
  keys: readonly string[] | null,
): PushMessage | undefined {
  if (target.reply.protocol === 3) return new PushMessage(['invalidate', keys], 3);
  if (!isRedirected || !target.isSubscribed) return undefined;
  return new PushMessage(['message', INVALIDATE_CHANNEL, keys]);
}
