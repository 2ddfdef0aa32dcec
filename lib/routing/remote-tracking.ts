/**
 * CLIENT TRACKING in a ring: who owns a key tells the members whose clients have read it when it
 * changes; each of them tells its clients.
 *
 *   INVALIDATE <key> ...   -> OK;  without keys: all may have changed
 *
 * A call with the TRACK flag is remembered before it runs, so no change after it is missed. The
 * message may overtake the reply to the read: then the client hears of it behind that reply. When a
 * key gets another owner, or another member acts for it, the clients that have it are told at once,
 * for whoever changes it next knows nothing of them.
 */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import { READONLY } from '../commands/command.js';
import type { ChangeListener } from '../store/watches.js';
import { keysOf } from './owned-keys.js';
import type { Router } from './router.js';

const INVALIDATE_TIMEOUT_MS = 5000;
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
  #isPlanned = false;
  #isListening = false;

  constructor(router: Router) {
    this.#router = router;
  }

  // At the owner.

  remember(memberId: string, args: Args): void {
    const { server } = this.#router;
    const command = server.dispatcher.lookup(args);
    if (command === undefined || (command.flags & READONLY) === 0) return;
    for (const { buf, from, to } of keysOf(server, command, args)) {
      const key = buf.toString('latin1', from, to);
      const readers = this.#readers.get(key);
      if (readers === undefined) this.#readers.set(key, new Set([memberId]));
      else readers.add(memberId);
    }
    this.#limit(server.settings.trackingTableMaxKeys);
    if (this.#isListening) return;
    this.#isListening = true;
    server.store.watches.listenWith(this);
  }

  keyChanged(key: string): void {
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
    const members = new Set([...this.#readers.values()].flatMap((readers) => [...readers]));
    this.#readers.clear();
    for (const memberId of members) this.#send(memberId, []);
  }

  memberDied(memberId: string): void {
    for (const [key, readers] of this.#readers) {
      readers.delete(memberId);
      if (readers.size === 0) this.#readers.delete(key);
    }
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
    this.#router.links.request(memberId, 'data', words, INVALIDATE_TIMEOUT_MS, () => {});
  }

  // At the node of the client.

  /** Others act for some keys from now on. */
  ownersChanged(isOther: (key: string) => boolean): void {
    for (const [key, reading] of this.#reading) if (isOther(key)) reading.hasChanged = true;
    this.#router.server.tracking.lose(isOther);
  }

  /** A client that tracks begins to read keys elsewhere; to be ended once the reply is written. */
  begin(keys: readonly string[]): void {
    for (const key of keys) {
      const reading = this.#reading.get(key);
      if (reading === undefined) this.#reading.set(key, { count: 1, hasChanged: false });
      else reading.count += 1;
    }
  }

  /** The keys of them that have changed meanwhile. */
  end(keys: readonly string[]): string[] {
    return keys.filter((key) => {
      const reading = this.#reading.get(key)!;
      reading.count -= 1;
      if (reading.count === 0) this.#reading.delete(key);
      return reading.hasChanged;
    });
  }

  serveInvalidate(args: Args, reply: ReplyWriter): void {
    const { tracking } = this.#router.server;
    if (args.count === 1) tracking.allChanged();
    for (let i = 1; i < args.count; i += 1) {
      const key = args.string(i);
      const reading = this.#reading.get(key);
      if (reading !== undefined) reading.hasChanged = true;
      tracking.keyChanged(key, true);
    }
    reply.ok();
  }
}
