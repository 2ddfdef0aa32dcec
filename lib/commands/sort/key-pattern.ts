/**
 * The pattern of BY and GET: a key with the element in the place of its first `*`, and behind `->`
 * the field of a hash. `#` is the element itself.
 *
 *    weight_*          the string at weight_7, of the element 7
 *    object_*->name    the field `name` of the hash at object_7
 *
 * As Redis does, with the functions of C, it looks for `*` and `->` in front of a NUL only.
 */
import { KEY_BYTES_MAX, type Leaf } from '../../../radix/leaf.js';
import type { Tree } from '../../../radix/tree.js';
import type { Database } from '../../store/database.js';
import { TYPE_HASH, TYPE_STRING, typeOf } from '../../types/types.js';

const NUL = 0;
const STAR = 42;

/** The key at hand. */
const key = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);

/** Where a value was found: valid until the next write or look. */
export interface FoundValue {
  tree: Tree;
  leaf: Leaf;
}

export class KeyPattern {
  /** `#`. */
  readonly isElement: boolean;
  /** Whether there is a place for the element: else it is nobody's key. */
  readonly hasPlace: boolean;
  readonly prefix: Buffer;
  readonly suffix: Buffer;
  readonly field: Buffer | undefined;
  /** Prefix and suffix, for `matches`. */
  #texts: [string, string] | undefined;

  constructor(text: Buffer) {
    const nul = text.indexOf(NUL);
    const seen = nul === -1 ? text : text.subarray(0, nul);
    this.isElement = seen.length === 1 && seen.toString('latin1') === '#';
    const star = seen.indexOf(STAR);
    this.hasPlace = star !== -1;
    const arrow = this.hasPlace ? seen.indexOf('->', star + 1) : -1;
    const hasField = arrow !== -1 && arrow + 2 < seen.length;
    this.prefix = text.subarray(0, Math.max(star, 0));
    this.suffix = text.subarray(star + 1, hasField ? arrow : text.length);
    this.field = hasField ? text.subarray(arrow + 2) : undefined;
  }

  /** Whether a key could be that of an element; one character per byte. */
  matches(name: string): boolean {
    this.#texts ??= [this.prefix.toString('latin1'), this.suffix.toString('latin1')];
    const [prefix, suffix] = this.#texts;
    if (!this.hasPlace || name.length < prefix.length + suffix.length) return false;
    return name.startsWith(prefix) && name.endsWith(suffix);
  }

  /**
   * Looks the value of element[from, to) up, as commands that read do, or with `quietly` without a
   * trace. False: there is none.
   */
  find(
    database: Database,
    element: Buffer,
    from: number,
    to: number,
    quietly: boolean,
    found: FoundValue,
  ): boolean {
    if (!this.hasPlace) return false;
    const { prefix, suffix, field } = this;
    const bytes = prefix.length + to - from + suffix.length;
    if (bytes > KEY_BYTES_MAX) {
      if (!quietly) this.#tellOfMiss(database, element, from, to);
      return false;
    }
    prefix.copy(key, 0);
    element.copy(key, prefix.length, from, to);
    suffix.copy(key, bytes - suffix.length);
    if (field === undefined) {
      const { tree } = database;
      const leaf = quietly ? database.peek(key, 0, bytes) : database.read(key, 0, bytes);
      found.tree = tree;
      found.leaf = leaf !== 0 && typeOf(tree, leaf) === TYPE_STRING ? leaf : 0;
    } else {
      const hash = database.collection();
      if (quietly) hash.openQuietly(key, 0, bytes, TYPE_HASH);
      else hash.openToRead(key, 0, bytes, TYPE_HASH);
      found.tree = hash.elements;
      found.leaf = hash.find(field, 0, field.length);
    }
    return found.leaf !== 0;
  }

  #tellOfMiss(database: Database, element: Buffer, from: number, to: number): void {
    const whole = Buffer.concat([this.prefix, element.subarray(from, to), this.suffix]);
    database.missed(whole, 0, whole.length);
  }
}
