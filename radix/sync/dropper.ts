/**
 * Dropper: takes items out of a replica, without tombstones, once the other side holds them or
 * lacks them, and only as they were.
 *
 *   piece     [ from ............................ to )   count, digest: as acknowledged
 *   compare   equal now?      no: a writer was there, nothing is dropped
 *   split     [      ][      ][      ][      ][      ]   at once, so the parts are known, too
 *   drop                                      [xxxxxx]   of a small part all, in one step
 *
 * From the last to the first: a head comes before its elements, and goes when they have gone. One
 * that has elements left, which nobody has acknowledged, stays with them.
 */
import { KIND_HEAD } from '../leaf.js';
import type { Task } from './link.js';
import { comparePlaces, type Place } from './place.js';
import type { Prefix, Replica } from './replica.js';
import type { Item } from './takers.js';

/** Items dropped in one step, a slice of work. */
const SLICE_DROPS = 256;
const PARTS_MAX = 32;

/** Items between two places, with count and digest. */
export interface Piece extends Prefix {
  readonly from: Place;
  /** null: the end of all. */
  readonly to: Place | null;
}

/** One item, with its digest. */
export interface Target {
  readonly db: number;
  readonly key: Buffer;
  /** null: the entry itself. */
  readonly subKey: Buffer | null;
  readonly low: number;
  readonly high: number;
}

export class Dropper {
  droppedCount = 0;
  readonly #replica: Replica;

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** What lies between two places now. */
  piece(from: Place, to: Place | null): Piece {
    return { from, to, ...this.#replica.between(from, to) };
  }

  /** Drops the items of pieces, ascending ones, that are still as they were. */
  *dropPieces(pieces: readonly Piece[]): Task<void> {
    const left = [...pieces];
    for (let piece = left.pop(); piece !== undefined; piece = left.pop()) {
      const now = this.piece(piece.from, piece.to);
      const isSame = now.count === piece.count && now.low === piece.low && now.high === piece.high;
      if (!isSame || now.count === 0) continue;
      if (now.count > SLICE_DROPS) left.push(...this.#parts(now));
      else this.#dropAll(now);
      yield 'slice';
    }
  }

  /** Drops items that are still as they were; a head only if nothing belongs to it. */
  *dropTargets(targets: readonly Target[]): Task<void> {
    for (let i = targets.length - 1; i >= 0; i--) {
      this.#dropTarget(targets[i]!);
      if (i % SLICE_DROPS === 0) yield 'slice';
    }
  }

  #parts(piece: Piece): Piece[] {
    const { from, to, count } = piece;
    const partCount = Math.min(PARTS_MAX, Math.ceil(count / (SLICE_DROPS / 2)));
    const rank = this.#replica.prefix(from).count;
    const parts: Piece[] = [];
    let start = from;
    for (let i = 1; i < partCount; i++) {
      const bound = this.#replica.placeOf(rank + Math.floor((count * i) / partCount))!;
      if (comparePlaces(start, bound) >= 0) continue;
      parts.push(this.piece(start, bound));
      start = bound;
    }
    parts.push(this.piece(start, to));
    return parts;
  }

  #dropAll({ from, to }: Piece): void {
    const targets: Target[] = [];
    this.#replica.scan(from, to, Number.MAX_SAFE_INTEGER, (item) => {
      if (item.leaf !== 0) targets.push(this.targetOf(item));
      return true;
    });
    for (let i = targets.length - 1; i >= 0; i--) this.#drop(targets[i]!);
  }

  /** An item that is not the clear of a database. */
  targetOf(item: Item): Target {
    const { db, leaf, element, low, high } = item;
    const { tree } = this.#replica.databases[db]!;
    const subKey = element === 0 ? null : tree.key(element);
    return { db, key: tree.key(leaf), subKey, low, high };
  }

  #dropTarget(target: Target): void {
    const { db, key, subKey } = target;
    let isSame = false;
    this.#replica.scan({ db, key, sub: subKey }, null, 1, (item) => {
      const { tree } = this.#replica.databases[db]!;
      const isIt = item.db === db && item.leaf !== 0 && tree.key(item.leaf).equals(key);
      const isElement = isIt && (item.element !== 0) === (subKey !== null);
      isSame = isElement && item.low === target.low && item.high === target.high;
      return false;
    });
    if (isSame) this.#drop(target);
  }

  #drop({ db, key, subKey }: Target): void {
    const database = this.#replica.databases[db]!;
    const { tree } = database;
    const sub = this.#replica.subOf(db);
    const at = [key, 0, key.length] as const;
    if (subKey !== null) {
      sub.drop(...at, subKey, 0, subKey.length);
    } else {
      const leaf = tree.find(...at);
      if (tree.kind(leaf) === KIND_HEAD && sub.open(...at) && sub.elements.root !== 0) return;
      tree.drop(...at);
    }
    this.droppedCount++;
    database.changed(...at, 0, 0);
  }
}
