/**
 * A walk over all elements of the sub tree at a key that writes them down, in slices. Writers go
 * on in between; what they change they mark themselves.
 */
import { KEY_BYTES_MAX, KIND_HEAD } from '../../radix/leaf.js';
import type { SubTree } from '../../radix/subtree.js';
import type { Clock } from '../../world/world.js';
import type { RecordWriter } from './record-writer.js';

/** Elements between two looks at the clock. */
const ELEMENTS_PER_LOOK = 32;

const lastKey = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);

export class ElementWalk {
  readonly #writer: RecordWriter;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #sub: SubTree;
  readonly #slot: number;
  readonly #key: Buffer;
  /** The last element written; undefined: none was. */
  #after: Buffer | undefined;

  constructor(
    components: { writer: RecordWriter; clock: Pick<Clock, 'monotonicMs'>; sub: SubTree },
    slot: number,
    key: Buffer,
  ) {
    this.#writer = components.writer;
    this.#clock = components.clock;
    this.#sub = components.sub;
    this.#slot = slot;
    this.#key = key;
  }

  /** Goes on until the deadline (monotonic ms); true: all are written, or the key is another. */
  step(deadlineMs: number): boolean {
    const sub = this.#sub;
    const writer = this.#writer;
    const { tree, elements } = sub;
    writer.forgetHead();
    const leaf = tree.find(this.#key, 0, this.#key.length);
    if (leaf === 0 || tree.kind(leaf) !== KIND_HEAD) return true;
    sub.openHead(leaf);
    writer.head(this.#slot, sub);
    const cursor = elements.cursor({ all: true });
    if (this.#after !== undefined) cursor.seekBeside(this.#after, false, false);
    for (let done = 1; ; done += 1) {
      const element = cursor.next();
      if (element === 0) return true;
      writer.element(this.#slot, sub, element);
      if (done % ELEMENTS_PER_LOOK !== 0) continue;
      if (this.#clock.monotonicMs() < deadlineMs) continue;
      const bytes = elements.copyKey(element, lastKey, 0);
      this.#after = Buffer.from(lastKey.subarray(0, bytes));
      return false;
    }
  }
}
