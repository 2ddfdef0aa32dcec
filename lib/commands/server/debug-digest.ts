/**
 * DEBUG DIGEST and DIGEST-VALUE, equal to Redis's for equal content (debug.c), so that a data set
 * can be compared with one that lies in a Redis:
 *
 *   value   = mix type (4 bytes, big-endian), mix bytes, xor "!!expire!!" if it expires
 *   entry   = mix key, then the value's mixes
 *   digest  = for each database with keys: mix its index, xor every entry
 *   xor: d ^= SHA1(x)       mix: d = SHA1(d ^ SHA1(x))
 *
 * Not the digests of the tree: those are keyed, cover stamps, and are never shown.
 */
import { createHash } from 'node:crypto';
import type { Cursor } from '../../../radix/cursor.js';
import type { Leaf } from '../../../radix/leaf.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Task } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import type { Store } from '../../store/store.js';

const DIGEST_BYTES = 20;
const TYPE_STRING = 0;
const EXPIRES = Buffer.from('!!expire!!');
/** Entries between two looks at the clock. */
const STEP_ENTRIES = 64;
const PIECE_BYTES = 64 * 1024;

const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);

export class Digest {
  #bytes = Buffer.alloc(DIGEST_BYTES);

  xor(bytes: Uint8Array): void {
    this.#xorHash(createHash('sha1').update(bytes).digest());
  }

  mix(bytes: Uint8Array): void {
    this.xor(bytes);
    this.#rehash();
  }

  /** `mix` of a big-endian number of four bytes. */
  mixNumber(value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    this.mix(bytes);
  }

  /** What Redis mixes of a value, whatever its key. */
  mixValue(database: Database, leaf: Leaf): void {
    const { tree } = database;
    this.mixNumber(TYPE_STRING);
    const hash = createHash('sha1');
    const bytes = tree.valueBytes(leaf);
    for (let at = 0; at < bytes; at += PIECE_BYTES) {
      const end = Math.min(bytes, at + PIECE_BYTES);
      tree.copyValue(leaf, piece, 0, at, end);
      hash.update(piece.subarray(0, end - at));
    }
    this.#xorHash(hash.digest());
    this.#rehash();
    if (tree.expiryMs(leaf) !== 0) this.xor(EXPIRES);
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  hex(): string {
    return this.#bytes.toString('hex');
  }

  #xorHash(hash: Buffer): void {
    for (let i = 0; i < DIGEST_BYTES; i += 1) this.#bytes[i]! ^= hash[i]!;
  }

  #rehash(): void {
    this.#bytes = createHash('sha1').update(this.#bytes).digest();
  }
}

/**
 * The digest of all databases, in slices: keys that others write meanwhile may or may not be in
 * it. Inside MULTI it is that of one moment.
 */
export class DigestTask implements Task {
  readonly #store: Store;
  readonly #reply: ReplyWriter;
  readonly #digest = new Digest();
  #index = 0;
  #cursor: Cursor | undefined;

  constructor(store: Store, reply: ReplyWriter) {
    this.#store = store;
    this.#reply = reply;
  }

  step(deadlineMs: number): boolean {
    if (!this.#store.expireDue(deadlineMs)) return false;
    const clock = this.#store.world.clock;
    for (;;) {
      if (this.#index === this.#store.databases.length) {
        this.#reply.simple(this.#digest.hex());
        return true;
      }
      this.#some(this.#store.databases[this.#index]!);
      if (clock.monotonicMs() >= deadlineMs) return false;
    }
  }

  #some(database: Database): void {
    if (this.#cursor === undefined) {
      if (database.size() > 0) this.#digest.mixNumber(database.index);
      this.#cursor = database.tree.cursor();
    }
    for (let entries = 0; entries < STEP_ENTRIES; entries += 1) {
      const leaf = this.#cursor.next();
      if (leaf === 0) {
        this.#cursor = undefined;
        this.#index += 1;
        return;
      }
      const entry = new Digest();
      entry.mix(database.tree.key(leaf));
      entry.mixValue(database, leaf);
      this.#digest.xor(entry.bytes);
    }
  }
}
