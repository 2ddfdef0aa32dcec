/**
 * Where the members of an intersection, union or difference go (set-task.ts): counted, into the
 * reply, or into a tree at the side, which is then told or linked in at the target.
 */
import type { Cursor } from '../../../radix/cursor.js';
import { SubTree } from '../../../radix/subtree.js';
import { Tree } from '../../../radix/tree.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { NOTIFY_GENERIC, NOTIFY_SET } from '../../store/notify.js';
import { grownBy } from '../../types/sets.js';
import { TYPE_SET } from '../../types/types.js';
import { writeKey } from '../element-reply.js';
import { FoundItems } from '../found-items.js';

const NOTHING: Buffer = Buffer.alloc(0);
/** Members told between two looks at the clock. */
const STEP_MEMBERS = 256;

export interface SetSink {
  /** The argument that is the key to store at; 0: none. */
  readonly target: number;
  /** Whether members may come twice, and be removed again. */
  readonly canRemove: boolean;
  readonly size: number;
  /** The task starts, or starts over. `args` holds the keys. */
  begin(args: Args): void;
  /** Takes member[0, to); false: no more are wanted. */
  add(member: Buffer, to: number): boolean;
  remove(member: Buffer, to: number): void;
  /** Writes some of the reply; true once it is written. */
  finish(args: Args, reply: ReplyWriter): boolean;
  /** Frees what is held. */
  release(): void;
}

/** Replies how many there are, up to a limit; 0: no limit. */
export class CountSink implements SetSink {
  readonly target = 0;
  readonly canRemove = false;
  size = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  begin(): void {
    this.size = 0;
  }

  add(): boolean {
    this.size += 1;
    return this.size !== this.#limit;
  }

  remove(): void {}

  finish(_args: Args, reply: ReplyWriter): boolean {
    reply.integer(this.size);
    return true;
  }

  release(): void {}
}

/** Replies with members that come once each. */
export class FoundSink implements SetSink {
  readonly target = 0;
  readonly canRemove = false;
  readonly #session: Session;
  #found: FoundItems | undefined;
  #hasBegun = false;

  constructor(session: Session) {
    this.#session = session;
  }

  get size(): number {
    return this.#found?.count ?? 0;
  }

  begin(): void {
    this.release();
  }

  add(member: Buffer, to: number): boolean {
    const { reply, server } = this.#session;
    this.#found ??= new FoundItems(server.pool, reply.protocol);
    this.#found.body.bulk(member, 0, to);
    this.#found.count += 1;
    return true;
  }

  remove(): void {}

  finish(_args: Args, reply: ReplyWriter): boolean {
    if (!this.#hasBegun) reply.set(this.size);
    this.#hasBegun = true;
    return this.#found?.moveTo(reply, () => true) ?? true;
  }

  release(): void {
    this.#found?.release();
    this.#found = undefined;
  }
}

/** Keeps members in a tree at the side, each once. */
abstract class SideSink implements SetSink {
  abstract readonly target: number;
  readonly canRemove = true;
  protected readonly session: Session;
  protected readonly sub: SubTree;
  /** What Redis would have converted a set to, made of these members one by one. */
  protected hints = 0;
  #key: Buffer = NOTHING;
  readonly #side: Tree;

  constructor(session: Session) {
    this.session = session;
    this.#side = new Tree(session.server.store.space, { expiries: false });
    this.sub = new SubTree(this.#side);
  }

  get size(): number {
    return this.sub.elements.liveCount;
  }

  begin(args: Args): void {
    this.release();
    this.hints = 0;
    this.#key = this.target === 0 ? NOTHING : args.bytes(this.target);
  }

  add(member: Buffer, to: number): boolean {
    const { store } = this.session.server;
    const key = this.#key;
    if (this.sub.elements.find(member, 0, to) !== 0) return true;
    const at = [store.stamp(), store.origin, 0] as const;
    this.sub.put(key, 0, key.length, TYPE_SET, member, 0, to, ...at, NOTHING, 0, 0);
    this.hints = grownBy(this.hints, this.size, store.settings, member, 0, to);
    return true;
  }

  remove(member: Buffer, to: number): void {
    const key = this.#key;
    this.sub.drop(key, 0, key.length, member, 0, to);
  }

  abstract finish(args: Args, reply: ReplyWriter): boolean;

  release(): void {
    this.#side.clear();
    this.sub.openHead(0);
  }
}

/** Replies with members that may come twice, or be removed again. */
export class DistinctSink extends SideSink {
  readonly target = 0;
  #cursor: Cursor | undefined;

  override finish(_args: Args, reply: ReplyWriter): boolean {
    const { elements } = this.sub;
    if (this.#cursor === undefined) {
      reply.set(this.size);
      this.#cursor = elements.cursor();
    }
    for (let i = 0; i < STEP_MEMBERS; i += 1) {
      const leaf = this.#cursor.next();
      if (leaf === 0) {
        this.release();
        return true;
      }
      writeKey(reply, this.session.database, leaf);
    }
    return false;
  }
}

/** Replies how many have been stored at the target; none: the target is gone. */
export class StoreSink extends SideSink {
  readonly target = 1;
  readonly #event: string;

  constructor(session: Session, event: string) {
    super(session);
    this.#event = event;
  }

  override finish({ buf, starts, ends }: Args, reply: ReplyWriter): boolean {
    const { database } = this.session;
    const [from, to] = [starts[this.target]!, ends[this.target]!];
    const { size } = this;
    if (size > 0) {
      database.adopt(buf, from, to, this.sub, 0, this.hints, 0);
      database.store.touchNew(database.tree, database.peek(buf, from, to));
      database.notify(NOTIFY_SET, this.#event, buf, from, to);
    } else if (database.remove(buf, from, to)) {
      database.notify(NOTIFY_GENERIC, 'del', buf, from, to);
    }
    reply.integer(size);
    return true;
  }
}
