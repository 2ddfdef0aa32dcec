/** Two trees that hold the same entries, and may be made to differ in some. */
import { Space } from '../../radix/space.js';
import { SubTree } from '../../radix/subtree.js';
import { TreeDatabase } from '../../radix/sync/database.js';
import { Tree } from '../../radix/tree.js';
import { type SeededRandom, seededRandom } from '../../test/support/random.js';

export interface Distribution {
  readonly name: string;
  /** Whether keys are elements of one sub tree. */
  readonly isSubTree: boolean;
  /** The key of an entry, by its number. */
  key(random: SeededRandom, index: number): Buffer;
  /** A key that no entry has. */
  other(random: SeededRandom, entries: number): Buffer;
}

const PADDED = 11;

function numbered(prefix: string, index: number): string {
  return `${prefix}${String(index).padStart(PADDED, '0')}`;
}

export const DISTRIBUTIONS: readonly Distribution[] = [
  {
    name: 'uniform',
    isSubTree: false,
    key: (random) => random.bytes(16),
    other: (random) => random.bytes(16),
  },
  {
    name: 'ordered',
    isSubTree: false,
    key: (_random, index) => Buffer.from(numbered('user:', index)),
    other: (random, entries) => {
      return Buffer.from(`${numbered('user:', random.below(entries))}:${random.below(1e6)}`);
    },
  },
  {
    name: 'skewed',
    isSubTree: false,
    key: (random, index) => Buffer.from(`user:${Math.floor(index * random.float() ** 4)}:${index}`),
    other: (random, entries) => {
      const user = Math.floor(entries * random.float() ** 5);
      return Buffer.from(`user:${user}:x${random.below(1e9)}`);
    },
  },
  {
    name: 'subtrees',
    isSubTree: true,
    key: (_random, index) => Buffer.from(numbered('item:', index)),
    other: (random, entries) => {
      return Buffer.from(`${numbered('item:', random.below(entries))}:${random.below(1e6)}`);
    },
  },
];

const HEAD = Buffer.from('a set of many members');
const VALUE = Buffer.alloc(64, 'v');
const TYPE = 1;
const hashKey = Buffer.alloc(16, 7);

export class Pair {
  readonly entries: number;
  readonly sides: readonly [TreeDatabase, TreeDatabase];
  readonly #distribution: Distribution;
  readonly #random = seededRandom(42);
  readonly #subs: readonly SubTree[];
  #stamp = 1;

  constructor(distribution: Distribution, entries: number) {
    this.#distribution = distribution;
    this.entries = entries;
    const make = (): TreeDatabase => new TreeDatabase(new Tree(new Space({ hashKey })));
    this.sides = [make(), make()];
    this.#subs = this.sides.map(({ tree }) => new SubTree(tree));
    for (let index = 0; index < entries; index++) {
      const key = distribution.key(this.#random, index);
      this.#stamp++;
      for (const side of [0, 1]) this.#put(side, key);
    }
  }

  /** Adds entries, half of them to each side; with `isClustered` all in one place. */
  differ(differences: number, isClustered: boolean): Buffer[] {
    const keys: Buffer[] = [];
    const place = this.#random.bytes(6);
    for (let i = 0; i < differences; i++) {
      const key = isClustered
        ? Buffer.concat([place, Buffer.from(numbered('', i))])
        : this.#distribution.other(this.#random, this.entries);
      this.#stamp++;
      this.#put(i & 1, key);
      keys.push(key);
    }
    return keys;
  }

  /** Takes entries out on both sides. */
  restore(keys: readonly Buffer[]): void {
    for (const key of keys) {
      for (const [side, { tree }] of this.sides.entries()) {
        if (!this.#distribution.isSubTree) tree.drop(key, 0, key.length);
        else this.#subs[side]!.drop(HEAD, 0, HEAD.length, key, 0, key.length);
      }
    }
    // The head's own stamp has moved with its elements.
    if (this.#distribution.isSubTree) this.#touchHeads();
  }

  /** Makes sure that both hold the same. */
  settle(): void {
    const [mine, theirs] = this.sides.map(({ tree }) => tree.digestLow);
    if (mine !== theirs) throw new Error('the sides differ');
  }

  /** The tree in which a key lies, and below which head. */
  treeOf(side: number): Tree {
    const sub = this.#subs[side]!;
    if (!this.#distribution.isSubTree) return this.sides[side]!.tree;
    sub.open(HEAD, 0, HEAD.length);
    return sub.elements;
  }

  #touchHeads(): void {
    this.#stamp++;
    for (const sub of this.#subs) {
      sub.open(HEAD, 0, HEAD.length);
      sub.rewriteHead(HEAD, 0, HEAD.length, this.#stamp, 1, 0);
    }
  }

  #put(side: number, key: Buffer): void {
    const { tree } = this.sides[side]!;
    const stamp = this.#stamp;
    const at = [key, 0, key.length] as const;
    if (!this.#distribution.isSubTree) {
      tree.put(...at, stamp, 1, 0, 0, VALUE, 0, VALUE.length);
      return;
    }
    const head = [HEAD, 0, HEAD.length] as const;
    this.#subs[side]!.put(...head, TYPE, ...at, stamp, 1, 0, VALUE, 0, VALUE.length);
  }
}
