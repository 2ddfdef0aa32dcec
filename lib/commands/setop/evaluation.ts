/**
 * An expression over the keys as they are now: opens a snapshot of each and builds the streams. It
 * holds the snapshots until `close`; what writers change meanwhile they keep.
 */
import { SubTreeSnapshot } from '../../../radix/subtree-snapshot.js';
import type { Args } from '../../../resp/args.js';
import type { Database } from '../../store/database.js';
import { TYPE_HASH, TYPE_SET, TYPE_ZSET, typeOf } from '../../types/types.js';
import { peekKey, readKey } from '../lookup.js';
import type { Operand, Operation } from './expression.js';
import { Selection } from './selection.js';
import type { SetopRequest } from './setop-request.js';
import {
  DifferenceStream,
  EmptyStream,
  IntersectionStream,
  KeyStream,
  type OperationStream,
  type Stream,
} from './streams.js';
import { ExclusiveStream, UnionStream } from './union-streams.js';
import { Walk } from './walk.js';

/** Of a key that is not there. */
const NO_TYPE = -1;
const STREAMS = {
  U: UnionStream,
  I: IntersectionStream,
  D: DifferenceStream,
  X: ExclusiveStream,
} as const;

export class Evaluation {
  readonly walk: Walk;
  readonly selection: Selection;
  readonly #database: Database;
  readonly #keys: Args;
  readonly #types: readonly number[];
  readonly #snapshots: SubTreeSnapshot[] = [];

  private constructor(database: Database, request: SetopRequest, types: readonly number[]) {
    const { bounds, expression, options } = request;
    this.#database = database;
    this.#keys = request.keys;
    this.#types = types;
    this.walk = new Walk(options.reverse);
    this.selection = new Selection(this.walk, this.#operation(expression.root), bounds, options);
  }

  /**
   * Opens all keys; undefined if one holds what has no elements with values. The first time, a
   * command reads them; when it begins again they are looked at without a trace.
   */
  static open(database: Database, request: SetopRequest, isFirst: boolean): Evaluation | undefined {
    const { expression, keys } = request;
    const look = isFirst ? readKey : peekKey;
    const types: number[] = [];
    for (let k = 0; k < expression.keys.length; k += 1) {
      const leaf = look(database, keys, k + 1);
      const type = leaf === 0 ? NO_TYPE : typeOf(database.tree, leaf);
      if (leaf !== 0 && type !== TYPE_HASH && type !== TYPE_SET && type !== TYPE_ZSET) {
        return undefined;
      }
      types.push(type);
    }
    return new Evaluation(database, request, types);
  }

  close(): void {
    for (const snapshot of this.#snapshots) snapshot.close();
    this.#snapshots.length = 0;
  }

  #operation({ kind, merge, operands }: Operation): OperationStream {
    const streams = operands.map((operand) => this.#stream(operand));
    const weights = operands.map(({ weight }) => weight);
    return new STREAMS[kind](this.walk, streams, { merge, weights });
  }

  #stream({ source }: Operand): Stream {
    if (typeof source !== 'number') return this.#operation(source);
    const type = this.#types[source]!;
    if (type === NO_TYPE) return new EmptyStream();
    const key = this.#keys.bytes(source + 1);
    const options = { backward: this.walk.backward, seeks: true };
    const snapshot = new SubTreeSnapshot(this.#database.tree, key, options);
    this.#snapshots.push(snapshot);
    return new KeyStream(this.walk, type, snapshot);
  }
}
