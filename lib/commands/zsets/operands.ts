/** The sorted sets, or sets, whose members count with a score of 1, that a command combines. */
import { HEAD_ROOT_WORD, headWord, type Leaf } from '../../../radix/leaf.js';
import { Tree } from '../../../radix/tree.js';
import type { Args } from '../../../resp/args.js';
import type { Database } from '../../store/database.js';
import { TYPE_SET, TYPE_ZSET, typeOf } from '../../types/types.js';
import { scoreOf } from '../../types/zsets.js';
import { peekKey, readKey } from '../lookup.js';

const SET_SCORE = 1;

export class Operands {
  readonly count: number;
  readonly sizes: Int32Array;
  readonly heads: Int32Array;
  readonly #database: Database;
  readonly #first: number;
  /** By operand: the root of its elements, valid while the tree has this version. */
  readonly #roots: Int32Array;
  readonly #versions: Float64Array;
  readonly #isSet: Uint8Array;
  readonly #tree: Tree;
  #hasCounted = false;

  /** `first`: the argument that is the key of the first of them. */
  constructor(database: Database, first: number, count: number) {
    this.#database = database;
    this.#first = first;
    this.count = count;
    this.sizes = new Int32Array(count);
    this.heads = new Int32Array(count);
    this.#roots = new Int32Array(count);
    this.#versions = new Float64Array(count);
    this.#isSet = new Uint8Array(count);
    this.#tree = treeOver(database);
  }

  /** From now on they are looked up without a trace. */
  haveCounted(): void {
    this.#hasCounted = true;
  }

  /** Looks one of them up, the first time as commands that read do; false: it is of another type. */
  open(args: Args, k: number): boolean {
    const { tree } = this.#database;
    const look = this.#hasCounted ? peekKey : readKey;
    const head = look(this.#database, args, this.#first + k);
    const type = head === 0 ? TYPE_ZSET : typeOf(tree, head);
    if (type !== TYPE_ZSET && type !== TYPE_SET) return false;
    this.heads[k] = head;
    this.#isSet[k] = type === TYPE_SET ? 1 : 0;
    this.#versions[k] = tree.version;
    this.#roots[k] = head === 0 ? 0 : headWord(tree.space.leaves, head, HEAD_ROOT_WORD);
    this.#tree.root = this.#roots[k]!;
    this.sizes[k] = this.#tree.liveCount;
    return true;
  }

  /** Looks an operand up again, and turns a tree, from `treeOver`, to its elements. */
  turn(args: Args, tree: Tree, k: number): void {
    this.open(args, k);
    tree.root = this.#roots[k]!;
    tree.version += 1;
  }

  /** The score that an element of an operand counts with. */
  scoreOf(k: number, element: Leaf): number {
    return this.#isSet[k] === 1 ? SET_SCORE : scoreOf(this.#tree, element);
  }

  /** The score of a member of an operand; NaN if it is not there. */
  scoreOfMember(args: Args, k: number, member: Buffer, to: number): number {
    // What was looked up before the last write may have moved.
    if (this.#versions[k] !== this.#database.tree.version) this.open(args, k);
    this.#tree.root = this.#roots[k]!;
    const element = this.#tree.findVisible(member, 0, to);
    return element === 0 ? Number.NaN : this.scoreOf(k, element);
  }
}

/** A tree to be turned to the elements of operands. */
export function treeOver({ tree: { space } }: Database): Tree {
  return new Tree(space, { expiries: false, path: space.elementPath });
}
