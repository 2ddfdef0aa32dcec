/**
 * WATCH in a ring: a key is watched where it is written, at its owner.
 *
 *   WATCH <lane> <database> <key> ...   -> OK
 *   UNWATCH <lane>                      -> OK
 *
 * The owner keeps one watcher for each lane (client) of each member. EXEC at the owner asks it; one
 * that is not there (the owner was started again, or is another now) counts as changed.
 */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Server } from '../server/server.js';
import type { Session } from '../server/session.js';
import type { Watcher } from '../store/watches.js';
import type { Lane } from './lane.js';
import { Operation } from './operation.js';
import { errorReply, OK } from './raw-reply.js';
import type { Router } from './router.js';

const WATCH_TIMEOUT_MS = 5000;
/** Keys that all clients of other members may watch here. */
const KEYS_MAX = 1_000_000;

/** The client's side. */
export class RemoteWatch extends Operation {
  readonly #keys: Buffer[] = [];

  constructor(router: Router, session: Session, queue: Lane, args: Args) {
    super(router, session, queue);
    queue.isClosed = true;
    for (let i = 1; i < args.count; i += 1) this.#keys.push(args.bytes(i));
  }

  override start(): void {
    const { router, session } = this;
    const byMember = new Map<string, Buffer[]>();
    for (const key of this.#keys) {
      const owner = router.ring.ownerOf(key, 0, key.length);
      const actor = router.calls.actorFor(owner);
      if (actor < 0) {
        this.down(owner);
        return;
      }
      if (actor === router.selfIndex) {
        session.database.peek(key, 0, key.length);
        session.watch(key.toString('latin1'));
        continue;
      }
      const { id } = router.ring.members[actor]!;
      const keys = byMember.get(id);
      if (keys === undefined) byMember.set(id, [key]);
      else keys.push(key);
    }
    let left = byMember.size;
    if (left === 0) this.finish(OK);
    for (const [memberId, keys] of byMember) {
      this.#ask(memberId, keys, () => {
        left -= 1;
        if (left === 0) this.finish(OK);
      });
    }
  }

  #ask(memberId: string, keys: Buffer[], done: () => void): void {
    const { database, laneId, router, session } = this;
    const words = ['WATCH', String(laneId), String(database), ...keys];
    const sent = router.links.request(memberId, 'data', words, WATCH_TIMEOUT_MS, (error, reply) => {
      if (error !== null) {
        this.fail(`TRYAGAIN the owner of a key cannot be reached (${error.message}); not watched`);
      } else if (reply instanceof Error) {
        this.finish(errorReply(reply.message));
      } else {
        session.remoteWatches ??= new Map();
        const known = session.remoteWatches.get(memberId) ?? [];
        session.remoteWatches.set(memberId, [...known, ...keys]);
        done();
      }
    });
    if (!('done' in sent)) {
      this.fail(`TRYAGAIN the owner of a key cannot be reached (${sent.message}); not watched`);
    }
  }
}

/** Both sides' tables. */
export class RemoteWatches {
  readonly #router: Router;
  readonly #server: Server;
  /** By member and lane. */
  readonly #watchers = new Map<string, RemoteWatcher>();
  #keyCount = 0;

  constructor(router: Router) {
    this.#router = router;
    this.#server = router.server;
  }

  /** Forgets what a client watches elsewhere. */
  forget(session: Session): void {
    const watches = session.remoteWatches;
    session.remoteWatches = undefined;
    for (const memberId of watches?.keys() ?? []) {
      this.forgetAt(memberId, this.#router.laneIdOf(session));
    }
  }

  forgetAt(memberId: string, laneId: number): void {
    const words = ['UNWATCH', String(laneId)];
    this.#router.links.request(memberId, 'data', words, WATCH_TIMEOUT_MS, () => {});
  }

  serveWatch(memberId: string, args: Args, reply: ReplyWriter): void {
    const database = this.#server.store.databases[args.count < 3 ? -1 : args.int64(2)];
    if (database === undefined) {
      reply.error('ERR WATCH takes a lane, a database and keys');
      return;
    }
    if (this.#keyCount + args.count > KEYS_MAX) {
      reply.error(`ERR more than ${KEYS_MAX} keys are watched by clients of other members`);
      return;
    }
    const id = `${memberId}/${args.string(1)}`;
    let watcher = this.#watchers.get(id);
    if (watcher === undefined) {
      watcher = new RemoteWatcher(this.#server);
      this.#watchers.set(id, watcher);
    }
    for (let i = 3; i < args.count; i += 1) {
      database.peek(args.buf, args.starts[i]!, args.ends[i]!);
      if (watcher.add(database.index, args.string(i))) this.#keyCount += 1;
    }
    reply.ok();
  }

  serveUnwatch(memberId: string, args: Args, reply: ReplyWriter): void {
    if (args.count === 2) this.take(memberId, args.string(1));
    reply.ok();
  }

  /** Ends what a lane watches; true if any of it has changed, or nothing was known of it. */
  take(memberId: string, laneId: string): boolean {
    const id = `${memberId}/${laneId}`;
    const watcher = this.#watchers.get(id);
    if (watcher === undefined) return true;
    this.#watchers.delete(id);
    this.#keyCount -= watcher.size;
    return watcher.end();
  }

  memberDied(memberId: string): void {
    for (const id of [...this.#watchers.keys()]) {
      if (id.startsWith(`${memberId}/`)) this.take(memberId, id.slice(memberId.length + 1));
    }
  }
}

class RemoteWatcher implements Watcher {
  dirty = false;
  readonly #server: Server;
  readonly #keys = new Map<string, { database: number; key: string }>();

  constructor(server: Server) {
    this.#server = server;
  }

  get size(): number {
    return this.#keys.size;
  }

  add(database: number, key: string): boolean {
    const id = `${database}:${key}`;
    if (this.#keys.has(id)) return false;
    this.#keys.set(id, { database, key });
    this.#server.store.watches.add(database, key, this);
    return true;
  }

  end(): boolean {
    const { store } = this.#server;
    for (const { database, key } of this.#keys.values()) {
      // One that has expired by now has changed, even if nobody has looked at it since.
      const bytes = Buffer.from(key, 'latin1');
      store.databases[database]!.peek(bytes, 0, bytes.length);
      store.watches.remove(database, key, this);
    }
    return this.dirty;
  }
}
