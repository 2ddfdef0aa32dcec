/**
 * What one member knows of all: status and incarnation of each, and a hash of that.
 *
 * Knowledge only grows: of two updates about a member the one with the higher incarnation holds,
 * of equal ones dead before suspect before alive. So in whatever order updates come, and however
 * often, all members end with the same table. A member that hears ill of itself raises its own
 * incarnation, which nobody else does; that is how it comes back even from the dead.
 *
 * Invariant: `hash` is the sum (mod 2^32) of the hashes of all rows.
 */
import type { Status, Update } from './messages.js';

const RANKS: Record<Status, number> = { alive: 0, suspect: 1, dead: 2 };
const HASH_SEED = 0x811c_9dc5;
const HASH_PRIME = 0x0100_0193;

export interface Row {
  readonly id: string;
  status: Status;
  incarnation: number;
}

export class MemberTable {
  readonly #rows = new Map<string, Row>();
  #hash = 0;

  get hash(): number {
    return this.#hash;
  }

  get size(): number {
    return this.#rows.size;
  }

  rows(): IterableIterator<Row> {
    return this.#rows.values();
  }

  get(id: string): Readonly<Row> | undefined {
    return this.#rows.get(id);
  }

  /** Knows exactly these from now on; who is new is alive. Returns who is gone. */
  keep(ids: readonly string[]): string[] {
    const wanted = new Set(ids);
    const gone = [...this.#rows.keys()].filter((id) => !wanted.has(id));
    for (const id of gone) {
      this.#count(this.#rows.get(id)!, -1);
      this.#rows.delete(id);
    }
    for (const id of ids) {
      if (this.#rows.has(id)) continue;
      const row: Row = { id, status: 'alive', incarnation: 0 };
      this.#rows.set(id, row);
      this.#count(row, 1);
    }
    return gone;
  }

  /** Whether the update says more than is known of somebody who is known. */
  isNews({ id, status, incarnation }: Update): boolean {
    const row = this.#rows.get(id);
    if (row === undefined) return false;
    if (incarnation !== row.incarnation) return incarnation > row.incarnation;
    return RANKS[status] > RANKS[row.status];
  }

  /** Takes an update that is news. */
  set({ id, status, incarnation }: Update): void {
    const row = this.#rows.get(id)!;
    this.#count(row, -1);
    row.status = status;
    row.incarnation = incarnation;
    this.#count(row, 1);
  }

  #count(row: Row, sign: 1 | -1): void {
    this.#hash = (this.#hash + sign * hashOf(row)) >>> 0;
  }
}

function hashOf({ id, status, incarnation }: Row): number {
  let hash = HASH_SEED;
  const text = `${id} ${status} ${incarnation}`;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), HASH_PRIME);
  }
  return hash >>> 0;
}
