/** The HyperLogLog that is the value of a key: read into one buffer, changed there, written back. */
import { FLAG_RAW, type Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Database } from '../../store/database.js';
import { raiseToSparse, SPARSE_GROWTH_MAX } from '../../types/hll-sparse.js';
import {
  copyHllHeaderAsDense,
  HLL_DENSE,
  HLL_DENSE_BYTES,
  HLL_HEADER_BYTES,
  HLL_REGISTERS,
  HLL_SPARSE_BYTES_MAX,
  hllEncoding,
  isHyperLogLog,
  raiseToDense,
  writeDense,
} from '../../types/hyperloglog.js';
import { WRONG_TYPE_ERROR } from '../replies.js';

const NOT_HLL = 'WRONGTYPE Key is not a valid HyperLogLog string value.';
export const CORRUPT_HLL = 'INVALIDOBJ Corrupted HLL object detected';

/** The value at hand, with room for one change more. */
export const hll = Buffer.alloc(HLL_SPARSE_BYTES_MAX + SPARSE_GROWTH_MAX);
/** One value in place of the other, while it is made dense. */
const dense = Buffer.alloc(HLL_DENSE_BYTES);
const registers = new Uint8Array(HLL_REGISTERS);

/** Reads the header of a string or WRONG_TYPE; false, the error replied, if it is none of one. */
export function readHeader(database: Database, leaf: Leaf, reply: ReplyWriter): boolean {
  if (leaf < 0) {
    reply.error(WRONG_TYPE_ERROR);
    return false;
  }
  const bytes = database.tree.valueBytes(leaf);
  database.tree.copyValue(leaf, hll, 0, 0, Math.min(bytes, HLL_HEADER_BYTES));
  if (isHyperLogLog(hll, bytes)) return true;
  reply.error(NOT_HLL);
  return false;
}

/** Reads all of one whose header was right. Its length; -1, the error replied, if it is too long. */
export function readWhole(database: Database, leaf: Leaf, reply: ReplyWriter): number {
  const bytes = database.tree.valueBytes(leaf);
  if (bytes > HLL_SPARSE_BYTES_MAX) {
    reply.error(CORRUPT_HLL);
    return -1;
  }
  database.tree.copyValue(leaf, hll, 0);
  return bytes;
}

/** Raises registers to those of the value at hand; false if it is corrupt. */
export function raiseRegisters(target: Uint8Array, bytes: number): boolean {
  if (hllEncoding(hll) !== HLL_DENSE) return raiseToSparse(target, hll, bytes);
  raiseToDense(target, hll);
  return true;
}

/** Makes the value at hand dense; its length, -1 if it is corrupt. */
export function makeDense(bytes: number): number {
  if (hllEncoding(hll) === HLL_DENSE) return bytes;
  registers.fill(0);
  if (!raiseToSparse(registers, hll, bytes)) return -1;
  copyHllHeaderAsDense(hll, dense);
  writeDense(registers, dense);
  return dense.copy(hll, 0);
}

/** Writes the value at hand to the key in argument `i`, whose expiry stays. */
export function writeWhole(database: Database, args: Args, i: number, bytes: number): void {
  const leaf = database.setKeepTtl(args.buf, args.starts[i]!, args.ends[i]!, hll, 0, bytes);
  database.tree.addHints(leaf, FLAG_RAW);
}
