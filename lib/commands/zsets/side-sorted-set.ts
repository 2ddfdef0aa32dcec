/**
 * A sorted set that a command makes at the side, in slices if need be. It is told from there, or
 * linked in at a key with one small write, and nobody sees any of it before.
 */
import { SubTree } from '../../../radix/subtree.js';
import { Tree } from '../../../radix/tree.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { NOTIFY_GENERIC, NOTIFY_ZSET } from '../../store/notify.js';
import { OUTGREW_FIRST } from '../../types/encodings.js';
import { SCORE_BYTES, SORTED_SET } from '../../types/zsets.js';

const NOTHING: Buffer = Buffer.alloc(0);

export class SideSortedSet {
  readonly sub: SubTree;
  readonly #session: Session;
  readonly #side: Tree;
  /** Where it will be linked in: digests cover it. */
  #key: Buffer = NOTHING;
  #hints = 0;

  constructor(session: Session) {
    this.#session = session;
    this.#side = new Tree(session.server.store.space, { expiries: false });
    this.sub = new SubTree(this.#side);
  }

  get size(): number {
    return this.sub.elements.liveCount;
  }

  /** Begins, or begins again, with nothing. `key`: where it shall be stored, if at all. */
  begin(key: Buffer = NOTHING): void {
    this.release();
    this.#key = key;
    this.#hints = 0;
  }

  /** Writes member[from, to) with the score in the eight bytes from score[at] on. */
  put(member: Buffer, from: number, to: number, score: Buffer, at: number): void {
    const { store } = this.#session.server;
    const key = this.#key;
    const written = [store.stamp(), store.origin, 0] as const;
    const end = at + SCORE_BYTES;
    this.sub.put(key, 0, key.length, SORTED_SET, member, from, to, ...written, score, at, end);
    const { zsetMaxListpackEntries, zsetMaxListpackValue } = store.settings;
    if (to - from > zsetMaxListpackValue || this.size > zsetMaxListpackEntries) {
      this.#hints = OUTGREW_FIRST;
    }
  }

  /** Takes a member out again. */
  remove(member: Buffer, to: number): void {
    const key = this.#key;
    this.sub.drop(key, 0, key.length, member, 0, to);
  }

  /**
   * Puts it in the place of whatever is at the key in argument `i`, which `begin` was given, and
   * replies its size; if it is empty, removes what is there.
   */
  store({ buf, starts, ends }: Args, i: number, event: string, reply: ReplyWriter): void {
    const { database } = this.#session;
    const from = starts[i]!;
    const to = ends[i]!;
    const { size } = this;
    if (size > 0) {
      database.adopt(buf, from, to, this.sub, 0, this.#hints, 0);
      database.store.touchNew(database.tree, database.peek(buf, from, to));
      database.notify(NOTIFY_ZSET, event, buf, from, to);
    } else if (database.remove(buf, from, to)) {
      database.notify(NOTIFY_GENERIC, 'del', buf, from, to);
    }
    reply.integer(size);
  }

  /** Frees what is held. */
  release(): void {
    this.#side.clear();
    this.sub.openHead(0);
  }
}
