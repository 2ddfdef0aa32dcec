/**
 * BigIntake: a big value on its way in. It grows in a tree at the side, piece by piece; once it is
 * whole it changes places, in one step and without being copied, with a value of zeros that the
 * merge has let in for it.
 *
 *   side   [64 KiB | 64 KiB | ...]  <-+ swap
 *   tree   key -> zeros             <-+
 */
import { exchangeBigValues } from '../exchange.js';
import { INLINE_VALUE_BYTES_MAX, KIND_BYTES } from '../leaf.js';
import type { Merger } from '../merge.js';
import { Path } from '../path.js';
import type { Space } from '../space.js';
import { Tree } from '../tree.js';
import type { Incoming } from './entry-codec.js';
import { SyncError } from './sync-error.js';

const SIDE_KEY = Buffer.alloc(0);
/** The shortest value that lies outside of its leaf, as the one that it gives way to does. */
const ZEROS = Buffer.alloc(INLINE_VALUE_BYTES_MAX + 1);
const COMPARED_BYTES = 64 * 1024;

export class BigIntake {
  readonly #side: Tree;
  readonly #bytes: number;
  #received = 0;

  constructor(space: Space, bytes: number) {
    this.#side = new Tree(space, { expiries: false, digests: false, path: new Path() });
    this.#bytes = bytes;
  }

  get isWhole(): boolean {
    return this.#received === this.#bytes;
  }

  push(bytes: Buffer): void {
    if (bytes.length === 0 || this.#received + bytes.length > this.#bytes) {
      throw new SyncError('SYNC_PROTOCOL', 'a value of another length than was said');
    }
    this.#side.patch(SIDE_KEY, 0, 0, 1, 0, 0, this.#received, bytes, 0, bytes.length);
    this.#received += bytes.length;
  }

  /** Merges the entry or element with this value, or with `isForced` puts it; false if refused. */
  install(merger: Merger, incoming: Incoming, isForced: boolean): boolean {
    const isIn = incoming.isElement
      ? this.#installElement(merger, incoming, isForced)
      : this.#installEntry(merger, incoming, isForced);
    this.close();
    return isIn;
  }

  close(): void {
    this.#side.clear();
  }

  #installEntry(merger: Merger, incoming: Incoming, isForced: boolean): boolean {
    const { tree } = merger;
    const { expiryMs, flags, key, origin, stamp } = incoming;
    const at = [
      key,
      0,
      key.length,
      stamp,
      origin,
      flags,
      expiryMs,
      ZEROS,
      0,
      ZEROS.length,
    ] as const;
    if (isForced || this.#winsTie(tree, key, incoming)) tree.putEntry(...at);
    else if (!merger.entry(...at)) return false;
    const leaf = tree.find(key, 0, key.length);
    // One that has expired takes away what is there, and is not.
    if (leaf === 0 || tree.stamp(leaf) !== stamp) return true;
    this.#swap(tree, key);
    return true;
  }

  #installElement(merger: Merger, incoming: Incoming, isForced: boolean): boolean {
    const { sub } = merger;
    const { expiryMs, flags, headExpiryMs, key, origin, stamp, subKey, type } = incoming;
    const at = [key, 0, key.length] as const;
    const element = [subKey, 0, subKey.length] as const;
    const value = [stamp, origin, flags, ZEROS, 0, ZEROS.length] as const;
    sub.open(...at);
    if (isForced || this.#winsTie(sub.elements, subKey, incoming)) {
      if (!sub.begin(...at, type, ...element, stamp, origin, flags)) return false;
      sub.putElement(...element, ...value, expiryMs);
    } else if (!merger.element(...at, type, ...element, ...value, expiryMs, headExpiryMs)) {
      return false;
    }
    sub.beginExisting(...at, ...element);
    const leaf = sub.elements.find(...element);
    if (leaf !== 0 && sub.elements.stamp(leaf) === stamp) this.#swap(sub.elements, subKey);
    sub.finish(0, 0, 0);
    return true;
  }

  #swap(tree: Tree, key: Buffer): void {
    const side = { tree: this.#side, key: SIDE_KEY, from: 0, to: 0 };
    exchangeBigValues({ tree, key, from: 0, to: key.length }, side);
  }

  /** Whether only the values tell which entry is the higher, and this one is. */
  #winsTie(tree: Tree, key: Buffer, { origin, stamp }: Incoming): boolean {
    const leaf = tree.find(key, 0, key.length);
    if (leaf === 0 || tree.kind(leaf) !== KIND_BYTES) return false;
    if (tree.stamp(leaf) !== stamp || tree.origin(leaf) !== origin) return false;
    const side = this.#side.find(SIDE_KEY, 0, 0);
    const bytes = Math.min(tree.valueBytes(leaf), this.#bytes);
    for (let at = 0; at < bytes; at += COMPARED_BYTES) {
      const to = Math.min(bytes, at + COMPARED_BYTES);
      const mine = Buffer.alloc(to - at);
      const theirs = Buffer.alloc(to - at);
      tree.copyValue(leaf, mine, 0, at, to);
      this.#side.copyValue(side, theirs, 0, at, to);
      const order = theirs.compare(mine);
      if (order !== 0) return order > 0;
    }
    return this.#bytes > tree.valueBytes(leaf);
  }
}
