/**
 * DEBUG DIGEST and DIGEST-VALUE, equal to Redis's for equal content (debug.c), so that a data set
 * can be compared with one that lies in a Redis:
 *
 *   value   = mix type (4 bytes, big-endian), then the contents, xor "!!expire!!" if it expires
 *   entry   = mix key, then the value's mixes
 *   contents of a string    mix bytes
 *               a hash      for each field: xor (mix field, mix value)
 *               a set       for each member: xor member
 *               a zset      for each member: xor (mix member, mix score as %.17g)
 *               a list      for each element: mix element
 *               a stream    for each entry: mix its id as `ms.seq`, then each field and value
 *   digest  = for each database with keys: mix its index, xor every entry
 *   xor: d ^= SHA1(x)       mix: d = SHA1(d ^ SHA1(x))
 *
 * Not the digests of the tree: those are keyed, cover stamps, and are never shown.
 */
import { createHash } from 'node:crypto';
import type { Cursor } from '../../../radix/cursor.js';
import type { Leaf } from '../../../radix/leaf.js';
import { SubTree } from '../../../radix/subtree.js';
import type { Tree } from '../../../radix/tree.js';
import { formatDouble } from '../../../resp/numbers.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Task } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import type { Store } from '../../store/store.js';
import { EntryReader } from '../../types/stream-entry.js';
import { StreamId } from '../../types/stream-id.js';
import { loadEntryId } from '../../types/streams.js';
import {
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  TYPE_ZSET,
  typeOf,
} from '../../types/types.js';
import { scoreOf } from '../../types/zsets.js';

const DIGEST_BYTES = 20;
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

  /** `mix` of the value of a leaf. */
  mixBytes(tree: Tree, leaf: Leaf): void {
    const hash = createHash('sha1');
    const bytes = tree.valueBytes(leaf);
    for (let at = 0; at < bytes; at += PIECE_BYTES) {
      const end = Math.min(bytes, at + PIECE_BYTES);
      tree.copyValue(leaf, piece, 0, at, end);
      hash.update(piece.subarray(0, end - at));
    }
    this.#xorHash(hash.digest());
    this.#rehash();
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

type ElementDigest = (digest: Digest, elements: Tree, element: Leaf) => void;

const ELEMENT_DIGESTS: Readonly<Record<number, ElementDigest>> = {
  [TYPE_HASH]: (digest, elements, element) => {
    const field = new Digest();
    field.mix(elements.key(element));
    field.mixBytes(elements, element);
    digest.xor(field.bytes);
  },
  [TYPE_SET]: (digest, elements, element) => digest.xor(elements.key(element)),
  [TYPE_ZSET]: (digest, elements, element) => {
    const scored = new Digest();
    scored.mix(elements.key(element));
    scored.mix(Buffer.from(formatDouble(scoreOf(elements, element)), 'latin1'));
    digest.xor(scored.bytes);
  },
  [TYPE_LIST]: (digest, elements, element) => digest.mixBytes(elements, element),
  [TYPE_STREAM]: mixEntry,
};

const id = new StreamId();
const strings = new EntryReader();

/** Mixes an element of a stream, if it is an entry. */
function mixEntry(digest: Digest, elements: Tree, element: Leaf): void {
  if (!loadEntryId(elements, element, id)) return;
  digest.mix(Buffer.from(`${id.ms}.${id.seq}`));
  strings.load(elements, element);
  while (strings.next()) digest.mix(strings.bytes.subarray(strings.from, strings.to));
}

/** Mixes what a key holds into a digest, in steps: a collection may have millions of elements. */
class ValueDigest {
  readonly digest: Digest;
  readonly #database: Database;
  readonly #key: Buffer;
  readonly #sub: SubTree;
  readonly #cursor: Cursor;
  #begun = false;

  constructor(database: Database, key: Buffer, digest: Digest) {
    this.digest = digest;
    this.#database = database;
    this.#key = key;
    this.#sub = new SubTree(database.tree);
    this.#cursor = this.#sub.elements.cursor();
  }

  /** Looks at up to `elements` elements; true when done. */
  step(elements: number): boolean {
    const { tree } = this.#database;
    const leaf = this.#database.peek(this.#key, 0, this.#key.length);
    if (leaf === 0) return true;
    const type = typeOf(tree, leaf);
    if (!this.#begun) this.digest.mixNumber(type);
    this.#begun = true;
    if (type === TYPE_STRING) {
      this.digest.mixBytes(tree, leaf);
    } else {
      this.#sub.openHead(leaf);
      for (let i = 0; i < elements; i += 1) {
        const element = this.#cursor.next();
        if (element === 0) break;
        ELEMENT_DIGESTS[type]!(this.digest, this.#sub.elements, element);
        if (i === elements - 1) return false;
      }
    }
    if (tree.expiryMs(leaf) !== 0) this.digest.xor(EXPIRES);
    return true;
  }
}

/** The digests of some values. */
export class DigestValueTask implements Task {
  readonly #database: Database;
  readonly #reply: ReplyWriter;
  readonly #keys: readonly Buffer[];
  #index = 0;
  #value: ValueDigest | undefined;

  constructor(database: Database, reply: ReplyWriter, keys: readonly Buffer[]) {
    this.#database = database;
    this.#reply = reply;
    this.#keys = keys;
  }

  step(deadlineMs: number): boolean {
    const { clock } = this.#database.store.world;
    if (this.#index === 0 && this.#value === undefined) this.#reply.array(this.#keys.length);
    while (this.#index < this.#keys.length) {
      this.#value ??= new ValueDigest(this.#database, this.#keys[this.#index]!, new Digest());
      if (this.#value.step(STEP_ENTRIES)) {
        this.#reply.simple(this.#value.digest.hex());
        this.#value = undefined;
        this.#index += 1;
      }
      if (clock.monotonicMs() >= deadlineMs && this.#index < this.#keys.length) return false;
    }
    return true;
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
  /** The value that it stands in. */
  #value: ValueDigest | undefined;

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
      if (this.#value === undefined) {
        const leaf = this.#cursor.next();
        if (leaf === 0) {
          this.#cursor = undefined;
          this.#index += 1;
          return;
        }
        const key = database.tree.key(leaf);
        const entry = new Digest();
        entry.mix(key);
        this.#value = new ValueDigest(database, key, entry);
      }
      if (!this.#value.step(STEP_ENTRIES)) return;
      this.#digest.xor(this.#value.digest.bytes);
      this.#value = undefined;
    }
  }
}
