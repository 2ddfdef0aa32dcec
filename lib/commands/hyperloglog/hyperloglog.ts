/**
 * PFADD, and PFCOUNT of one key. Of a dense HyperLogLog they touch the registers that they need.
 *
 * Bad input changes nothing: a corrupt value is found before anything is written.
 */
import { FLAG_RAW, type Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import { NOTIFY_STRING } from '../../store/notify.js';
import { estimateCount } from '../../types/hll-estimate.js';
import { raiseSparse, sparseBytesAfter, writeEmptySparse } from '../../types/hll-sparse.js';
import {
  denseByteOf,
  denseRegister,
  HLL_DENSE,
  HLL_HEADER_BYTES,
  HLL_REGISTERS,
  HLL_SPARSE,
  HLL_STALE_AT,
  hllEncoding,
  hllPattern,
  isHllCountStale,
  markHllCountStale,
  readHllCount,
  setDenseRegister,
  writeHllCount,
  writeHllHeader,
} from '../../types/hyperloglog.js';
import { type CommandRow, FAST, READONLY, WRITE } from '../command.js';
import { findStringKey, peekKey, readStringKey, refusesKey } from '../lookup.js';
import {
  CORRUPT_HLL,
  hll,
  makeDense,
  raiseRegisters,
  readHeader,
  readWhole,
  writeWhole,
} from './hll-value.js';
import { countSeveral, pfmerge } from './pf-merge.js';

const registers = new Uint8Array(HLL_REGISTERS);
/** A register and what lies beside it. */
const two = Buffer.alloc(2);

function pfadd(session: Session, args: Args, reply: ReplyWriter): void {
  if (refusesKey(args, 1, reply)) return;
  const database = session.database;
  const leaf = findStringKey(database, args, 1);
  if (leaf !== 0 && !readHeader(database, leaf, reply)) return;
  const isDense = leaf !== 0 && hllEncoding(hll) === HLL_DENSE;
  const changed = isDense ? addDense(database, args, leaf) : addWhole(session, args, leaf, reply);
  if (changed < 0) return;
  const { buf, starts, ends } = args;
  if (changed > 0) database.notify(NOTIFY_STRING, 'pfadd', buf, starts[1]!, ends[1]!);
  reply.integer(changed);
}

/** 1 if a register of the dense value has changed, else 0. */
function addDense(database: Database, args: Args, leaf: Leaf): number {
  const { tree } = database;
  const { buf, starts, ends } = args;
  const bytes = tree.valueBytes(leaf);
  let changed = 0;
  let at: Leaf = leaf;
  for (let i = 2; i < args.count; i += 1) {
    const pattern = hllPattern(buf, starts[i]!, ends[i]!);
    const index = pattern >> 6;
    const run = pattern & 63;
    const byte = denseByteOf(index);
    const from = HLL_HEADER_BYTES + byte;
    const to = Math.min(from + 2, bytes);
    tree.copyValue(at, two, 0, from, to);
    if (denseRegister(two, -byte, index) >= run) continue;
    setDenseRegister(two, -byte, index, run);
    at = database.patch(buf, starts[1]!, ends[1]!, from, two, 0, to - from);
    changed = 1;
  }
  if (changed === 1 && !isHllCountStale(hll)) {
    markHllCountStale(hll);
    const stale = HLL_STALE_AT;
    at = database.patch(buf, starts[1]!, ends[1]!, stale, hll, stale, stale + 1);
  }
  tree.addHints(at, FLAG_RAW);
  return changed;
}

/** `addDense` of a sparse value, or of none yet; -1 if an error was replied. */
function addWhole(session: Session, args: Args, leaf: Leaf, reply: ReplyWriter): number {
  const { database } = session;
  let bytes: number;
  if (leaf === 0) {
    writeHllHeader(hll, HLL_SPARSE);
    bytes = writeEmptySparse(hll);
  } else {
    bytes = readWhole(database, leaf, reply);
    if (bytes < 0) return -1;
  }
  let changed = leaf === 0 ? 1 : 0;
  const { hllSparseMaxBytes } = session.server.settings;
  for (let i = 2; i < args.count; i += 1) {
    const pattern = hllPattern(args.buf, args.starts[i]!, args.ends[i]!);
    const after = raise(bytes, pattern >> 6, pattern & 63, hllSparseMaxBytes);
    if (after < 0) {
      reply.error(CORRUPT_HLL);
      return -1;
    }
    if (after === 0) continue;
    bytes = after;
    changed = 1;
  }
  if (changed === 1) {
    markHllCountStale(hll);
    writeWhole(database, args, 1, bytes);
  } else {
    database.tree.addHints(leaf, FLAG_RAW);
  }
  return changed;
}

/** Raises a register of the value at hand: its new length, 0 if nothing changed, -1 if corrupt. */
function raise(bytes: number, index: number, run: number, sparseBytesMax: number): number {
  let length = bytes;
  if (hllEncoding(hll) === HLL_SPARSE) {
    const change = raiseSparse(hll, bytes, index, run, sparseBytesMax);
    if (change === 'same') return 0;
    if (change === 'corrupt') return -1;
    if (change === 'changed') return sparseBytesAfter();
    length = makeDense(bytes);
    if (length < 0) return -1;
  }
  if (denseRegister(hll, HLL_HEADER_BYTES, index) >= run) return 0;
  setDenseRegister(hll, HLL_HEADER_BYTES, index, run);
  return length;
}

function pfcount(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > 2) {
    countSeveral(session, args, reply);
    return;
  }
  const database = session.database;
  const leaf = readStringKey(database, args, 1);
  if (leaf === 0) {
    reply.integer(0);
    return;
  }
  if (!readHeader(database, leaf, reply)) return;
  if (isHllCountStale(hll) && !count(database, args, leaf, reply)) return;
  database.tree.addHints(peekKey(database, args, 1), FLAG_RAW);
  const value = readHllCount(hll);
  if (typeof value === 'number') reply.integer(value);
  else reply.bigInteger(value);
}

/** Counts anew and keeps the count in the value; false, the error replied, if it is corrupt. */
function count(database: Database, args: Args, leaf: Leaf, reply: ReplyWriter): boolean {
  const bytes = readWhole(database, leaf, reply);
  if (bytes < 0) return false;
  registers.fill(0);
  if (!raiseRegisters(registers, bytes)) {
    reply.error(CORRUPT_HLL);
    return false;
  }
  writeHllCount(hll, estimateCount(registers));
  const { buf, starts, ends } = args;
  const countAt = HLL_STALE_AT - 7;
  database.patch(buf, starts[1]!, ends[1]!, countAt, hll, countAt, HLL_HEADER_BYTES);
  return true;
}

export const hyperLogLogCommands: readonly CommandRow[] = [
  { name: 'pfadd', arity: -2, flags: WRITE | FAST, keys: [1, 1, 1], handler: pfadd },
  // It may keep the count that it has made; who may only read may do it all the same.
  { name: 'pfcount', arity: -2, flags: READONLY, keys: [1, -1, 1], handler: pfcount },
  { name: 'pfmerge', arity: -2, flags: WRITE, keys: [1, -1, 1], handler: pfmerge },
];
