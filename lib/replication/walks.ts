/**
 * Walks: what is too much for the turn that has changed it, sent in slices of later turns: all
 * elements of a collection that was linked in (RENAME, RESTORE, SUNIONSTORE), a very long string.
 *
 * Writers go on in between. What they change of a collection they mark themselves; a string that
 * is another one meanwhile is begun anew, so that the turn is not over before what is there now,
 * or something newer, has been sent.
 */
import { KEY_BYTES_MAX, KIND_HEAD, type Leaf } from '../../radix/leaf.js';
import { SubTree } from '../../radix/subtree.js';
import type { Clock } from '../../world/world.js';
import type { Database } from '../store/database.js';
import type { EntrySender } from './entry-sender.js';
import type { Group } from './groups.js';
import { PIECE_BYTES, VALUE_AT_ONCE_BYTES_MAX } from './limits.js';

/** Elements between two looks at the clock. */
const ELEMENTS_PER_LOOK = 32;

const lastKey = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);

export interface Walk {
  /** Sends until the deadline (monotonic ms); true: all is sent, or is no more. */
  step(group: Group, deadlineMs: number): boolean;
  /** Of the group. */
  readonly key: Buffer;
}

export interface WalkComponents {
  readonly sender: EntrySender;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly database: Database;
}

export class ElementsWalk implements Walk {
  readonly key: Buffer;
  readonly #parts: WalkComponents;
  readonly #number: number;
  readonly #sub: SubTree;
  /** The last element sent; undefined: none was. */
  #after: Buffer | undefined;

  constructor(components: WalkComponents, number: number, key: Buffer) {
    this.#parts = components;
    this.#number = number;
    this.#sub = new SubTree(components.database.tree);
    this.key = key;
  }

  step(group: Group, deadlineMs: number): boolean {
    const { clock, database, sender } = this.#parts;
    const { key } = this;
    const sub = this.#sub;
    const { tree } = database;
    const head = tree.find(key, 0, key.length);
    if (head === 0 || tree.kind(head) !== KIND_HEAD) return true;
    if (this.#after === undefined) sender.entry(group, this.#number, tree, head);
    sub.openHead(head);
    const { elements } = sub;
    const cursor = elements.cursor({ all: true });
    if (this.#after !== undefined) cursor.seekBeside(this.#after, false, false);
    for (let done = 1; ; done += 1) {
      const element = cursor.next();
      if (element === 0) return true;
      sender.element(group, this.#number, key, sub, element);
      if (done % ELEMENTS_PER_LOOK !== 0 || clock.monotonicMs() < deadlineMs) continue;
      const bytes = elements.copyKey(element, lastKey, 0);
      this.#after = Buffer.from(lastKey.subarray(0, bytes));
      return false;
    }
  }
}

export class ValueWalk implements Walk {
  readonly key: Buffer;
  readonly #parts: WalkComponents;
  readonly #number: number;
  /** Of what is on its way. */
  #stamp = 0;
  #record: Buffer = Buffer.alloc(0);
  #sentBytes = 0;

  constructor(components: WalkComponents, number: number, key: Buffer) {
    this.#parts = components;
    this.#number = number;
    this.key = key;
  }

  step(group: Group, deadlineMs: number): boolean {
    const { clock, database, sender } = this.#parts;
    const { tree } = database;
    const leaf = tree.find(this.key, 0, this.key.length);
    if (leaf === 0 || tree.kind(leaf) === KIND_HEAD) return true;
    const valueBytes = tree.valueBytes(leaf);
    if (tree.stamp(leaf) !== this.#stamp) this.#begin(leaf);
    if (valueBytes <= VALUE_AT_ONCE_BYTES_MAX) {
      sender.entry(group, this.#number, tree, leaf);
      return true;
    }
    while (this.#sentBytes < valueBytes) {
      const end = Math.min(valueBytes, this.#sentBytes + PIECE_BYTES);
      sender.pieces(group, this.#record, tree, leaf, this.#sentBytes, end);
      this.#sentBytes = end;
      if (clock.monotonicMs() >= deadlineMs) break;
    }
    return this.#sentBytes === valueBytes;
  }

  #begin(leaf: Leaf): void {
    const { database, sender } = this.#parts;
    this.#stamp = database.tree.stamp(leaf);
    this.#record = sender.entryRecord(this.#number, database.tree, leaf);
    this.#sentBytes = 0;
  }
}
