/**
 * CLIENT TRACKING in a ring: who owns a key tells the members whose clients have read it when it
 * changes; each of them tells its clients.
 *
 *   INVALIDATE <key> ...   -> OK;  without keys: all that the sender holds may have changed
 *
 * A call with the TRACK flag is remembered before it runs, so no change after it is missed. The
 * message may overtake the reply to the read: then the client hears of it behind that reply. When a
 * key gets another owner, or another member acts for it, the clients that have it are told at once,
 * for whoever changes it next knows nothing of them. A message that may not have arrived, and all
 * that a member has forgotten, because it was started again or the reader was taken for dead, is
 * made good by one without keys, until it has arrived.
 */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { ChangeListener } from '../store/watches.js';
import { keysRead } from './owned-keys.js';
import type { Router } from './router.js';

const INVALIDATE_TIMEOUT_MS = 5000;
/** How often members that are to drop all are told, until they have heard it, ms. */
const OWED_PAUSE_MS = 500;
/** Keys of one message. */
const MESSAGE_KEYS_MAX = 256;

export class RemoteTracking implements ChangeListener {
  readonly #router: Router;
  /** Members whose clients may have a key. */
  readonly #readers = new Map<string, Set<string>>();
  /** Keys that are to be told, by member. */
  readonly #news = new Map<string, Set<string>>();
  /** Keys that clients of this node are reading elsewhere: by how many, and what became of them. */
  readonly #reading = new Map<string, { count: number; hasChanged: boolean }>();
  /** Members whose clients may have keys whose changes they have not heard of. */
  readonly #owed = new Set<string>();
  #isPlanned = false;
  #isPaying = false;
  #isStopped = false;

  constructor(router: Router) {
    this.#router = router;
  }

  // At the owner.

  remember(memberId: string, args: Args): void {
    const { server } = this.#router;
    const command = server.dispatcher.lookup(args);
    if (command === undefined) return;
    for (const key of keysRead(server, command, args)) {
      const readers = this.#readers.get(key);
      if (readers === undefined) this.#readers.set(key, new Set([memberId]));
      else readers.add(memberId);
    }
    this.#limit(server.settings.trackingTableMaxKeys);
    server.store.watches.listenWith(this);
  }

  keyChanged(key: string): void {
    this.#noteChange(key);
    const readers = this.#readers.get(key);
    if (readers === undefined) return;
    this.#readers.delete(key);
    for (const memberId of readers) {
      const news = this.#news.get(memberId);
      if (news === undefined) this.#news.set(memberId, new Set([key]));
      else news.add(key);
    }
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#router.world.timers.soon(() => this.#tell());
  }

  allChanged(): void {
    for (const reading of this.#reading.values()) reading.hasChanged = true;
    const members = new Set([...this.#readers.values()].flatMap((readers) => [...readers]));
    this.#readers.clear();
    for (const memberId of members) this.#send(memberId, []);
  }

  memberDied(memberId: string): void {
    for (const [key, readers] of this.#readers) {
      // It may be alive, and its clients may count on hearing of this key.
      if (readers.delete(memberId)) this.#owe(memberId);
      if (readers.size === 0) this.#readers.delete(key);
    }
  }

  /** This member knows nothing of who has read what, and others may count on it. */
  hasForgotten(memberIds: Iterable<string>): void {
    for (const memberId of memberIds) this.#owe(memberId);
  }

  #owe(memberId: string): void {
    this.#owed.add(memberId);
    if (this.#isPaying || this.#isStopped) return;
    this.#isPaying = true;
    this.#router.world.timers.after(OWED_PAUSE_MS, () => this.#pay(), true);
  }

  #pay(): void {
    this.#isPaying = false;
    if (this.#isStopped) return;
    const { links } = this.#router;
    const { current, next } = links.responsibility;
    for (const memberId of [...this.#owed]) {
      const isMember = [current, next].some((ring) => (ring?.indexOf(memberId) ?? -1) >= 0);
      if (!isMember) this.#owed.delete(memberId);
      else if (!links.isAlive(memberId)) this.#owe(memberId);
      else {
        this.#owed.delete(memberId);
        this.#send(memberId, []);
      }
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  #limit(most: number): void {
    for (const key of this.#readers.keys()) {
      if (most === 0 || this.#readers.size <= most) return;
      this.keyChanged(key);
    }
  }

  #tell(): void {
    this.#isPlanned = false;
    for (const [memberId, news] of this.#news) {
      const keys = [...news];
      for (let at = 0; at < keys.length; at += MESSAGE_KEYS_MAX) {
        this.#send(memberId, keys.slice(at, at + MESSAGE_KEYS_MAX));
      }
    }
    this.#news.clear();
  }

  #send(memberId: string, keys: readonly string[]): void {
    const words = ['INVALIDATE', ...keys.map((key) => Buffer.from(key, 'latin1'))];
    const { links } = this.#router;
    const sent = links.request(memberId, 'data', words, INVALIDATE_TIMEOUT_MS, (error) => {
      if (error !== null) this.#owe(memberId);
    });
    if (!('done' in sent)) this.#owe(memberId);
  }

  // At the node of the client.

  /** Others act for some keys from now on. */
  ownersChanged(isOther: (key: string) => boolean): void {
    for (const [key, reading] of this.#reading) if (isOther(key)) reading.hasChanged = true;
    this.#router.server.tracking.lose(isOther);
  }

  /** A client that tracks begins to read keys elsewhere; to be ended once the reply is written. */
  begin(keys: readonly string[]): void {
    // Some of them may be read here, long before the reply to it all is written.
    this.#router.server.store.watches.listenWith(this);
    for (const key of keys) {
      const reading = this.#reading.get(key);
      if (reading === undefined) this.#reading.set(key, { count: 1, hasChanged: false });
      else reading.count += 1;
    }
  }

  /** The keys of them that have changed meanwhile. */
  end(keys: readonly string[]): string[] {
    const changed = keys.filter((key) => {
      const reading = this.#reading.get(key)!;
      reading.count -= 1;
      if (reading.count === 0) this.#reading.delete(key);
      return reading.hasChanged;
    });
    if (this.#reading.size === 0 && this.#readers.size === 0) {
      this.#router.server.store.watches.stopListening(this);
    }
    return changed;
  }

  serveInvalidate(memberId: string, args: Args, reply: ReplyWriter): void {
    const { tracking } = this.#router.server;
    if (args.count === 1) this.ownersChanged((key) => this.#isHeldBy(memberId, key));
    for (let i = 1; i < args.count; i += 1) {
      const key = args.string(i);
      this.#noteChange(key);
      tracking.keyChanged(key, true);
    }
    reply.ok();
  }

  #isHeldBy(memberId: string, key: string): boolean {
    const { links, ring } = this.#router;
    if (!links.isReady) return true;
    const at = ring.indexOf(memberId);
    const bytes = Buffer.from(key, 'latin1');
    return at < 0 || ring.holds(at, ring.ownerOf(bytes, 0, bytes.length));
  }

  #noteChange(key: string): void {
    const reading = this.#reading.get(key);
    if (reading !== undefined) reading.hasChanged = true;
  }
}
