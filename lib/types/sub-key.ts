/** A sub key in the making, or the beginning of many: bytes that grow. */
import { KEY_BYTES_MAX } from '../../radix/leaf.js';
import type { Tree } from '../../radix/tree.js';
import { ID_BYTES, type StreamId } from './stream-id.js';

const behind = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);

export class SubKey {
  buf = Buffer.allocUnsafe(64);
  bytes = 0;

  add(buf: Buffer, from: number, to: number): this {
    this.#reserve(this.bytes + to - from);
    this.bytes += buf.copy(this.buf, this.bytes, from, to);
    return this;
  }

  addByte(byte: number): this {
    this.#reserve(this.bytes + 1);
    this.buf[this.bytes] = byte;
    this.bytes += 1;
    return this;
  }

  addName(buf: Buffer, from: number, to: number): this {
    this.addByte((to - from) >>> 8).addByte(to - from);
    return this.add(buf, from, to);
  }

  /** Writes an id behind it, which does not become a part of it; returns where that ends. */
  withId(id: StreamId): number {
    this.#reserve(this.bytes + ID_BYTES);
    return id.store(this.buf, this.bytes);
  }

  /** How many keys of a tree are below those that begin with this one. */
  rank(tree: Tree): number {
    return tree.rank(this.buf, 0, this.bytes);
  }

  /** How many are below, or begin with it. */
  rankBehind(tree: Tree): number {
    let last = this.buf.copy(behind, 0, 0, this.bytes) - 1;
    while (behind[last] === 0xff) last -= 1;
    behind[last]! += 1;
    return tree.rank(behind, 0, last + 1);
  }

  /** Whether key[0, bytes) is this one with an id. */
  isOf(key: Buffer, bytes: number): boolean {
    if (bytes !== this.bytes + ID_BYTES) return false;
    return this.buf.compare(key, 0, this.bytes, 0, this.bytes) === 0;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.buf.length) return;
    const larger = Buffer.allocUnsafe(bytes * 2);
    this.buf.copy(larger, 0, 0, this.bytes);
    this.buf = larger;
  }
}
