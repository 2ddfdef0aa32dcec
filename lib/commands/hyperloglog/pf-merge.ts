/** PFMERGE, and PFCOUNT of several keys: a key at a time, in slices if they are many. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { WRONG_TYPE } from '../../store/database.js';
import { NOTIFY_STRING } from '../../store/notify.js';
import { estimateCount } from '../../types/hll-estimate.js';
import { raiseSparse, sparseBytesAfter, writeEmptySparse } from '../../types/hll-sparse.js';
import {
  copyHllHeaderAsDense,
  HLL_DENSE,
  HLL_DENSE_BYTES,
  HLL_REGISTERS,
  HLL_SPARSE,
  hllEncoding,
  markHllCountStale,
  writeDense,
  writeHllHeader,
} from '../../types/hyperloglog.js';
import { TYPE_STRING, typeOf } from '../../types/types.js';
import { readKey, refusesKey } from '../lookup.js';
import { ValueTask } from '../value-task.js';
import {
  CORRUPT_HLL,
  hll,
  raiseRegisters,
  readHeader,
  readWhole,
  writeWhole,
} from './hll-value.js';

/** What Redis answers where the registers of several can be of no set at all: INT64_MIN. */
const IMPOSSIBLE_COUNT = -(2n ** 63n);

export function countSeveral(session: Session, args: Args, reply: ReplyWriter): void {
  new CountTask(session, args, reply).run();
}

export function pfmerge(session: Session, args: Args, reply: ReplyWriter): void {
  if (!refusesKey(args, 1, reply)) new MergeTask(session, args, reply).run();
}

/** Goes through all keys and raises the registers to theirs. */
abstract class RegistersTask extends ValueTask {
  protected readonly registers = new Uint8Array(HLL_REGISTERS);
  protected isAnyDense = false;
  #i = 1;

  protected begin(): boolean {
    this.registers.fill(0);
    this.isAnyDense = false;
    this.#i = 1;
    return true;
  }

  protected override lookCount(): number {
    return this.args.count - 1;
  }

  protected override lookUp(place: number): boolean {
    this.watch(place + 1, readKey(this.database, this.args, place + 1));
    return true;
  }

  protected workBytes(): number {
    return (this.args.count - 1) * HLL_DENSE_BYTES;
  }

  protected piece(): boolean {
    if (!this.#raiseTo(this.#i)) return true;
    this.#i += 1;
    if (this.#i < this.args.count) return false;
    this.finish();
    return true;
  }

  protected abstract finish(): void;

  /** False if an error was replied. */
  #raiseTo(i: number): boolean {
    const { database, reply } = this;
    const leaf = this.leafOf(i);
    if (leaf === 0) return true;
    const isString = typeOf(database.tree, leaf) === TYPE_STRING;
    if (!readHeader(database, isString ? leaf : WRONG_TYPE, reply)) return false;
    const bytes = readWhole(database, leaf, reply);
    if (bytes < 0) return false;
    if (hllEncoding(hll) === HLL_DENSE) this.isAnyDense = true;
    if (raiseRegisters(this.registers, bytes)) return true;
    reply.error(CORRUPT_HLL);
    return false;
  }
}

class CountTask extends RegistersTask {
  protected finish(): void {
    const count = estimateCount(this.registers);
    if (Number.isSafeInteger(count)) this.reply.integer(count);
    else this.reply.bigInteger(IMPOSSIBLE_COUNT);
  }
}

class MergeTask extends RegistersTask {
  protected finish(): void {
    const { args, database } = this;
    const { buf, starts, ends } = args;
    const leaf = this.leafOf(1);
    let bytes: number;
    if (leaf === 0) {
      writeHllHeader(hll, HLL_SPARSE);
      bytes = writeEmptySparse(hll);
    } else {
      bytes = database.tree.copyValue(leaf, hll, 0);
    }
    if (!this.isAnyDense) bytes = this.#raiseAll(bytes);
    if (this.isAnyDense) {
      copyHllHeaderAsDense(hll, hll);
      writeDense(this.registers, hll);
      bytes = HLL_DENSE_BYTES;
    }
    markHllCountStale(hll);
    writeWhole(database, args, 1, bytes);
    database.notify(NOTIFY_STRING, 'pfadd', buf, starts[1]!, ends[1]!);
    this.reply.ok();
  }

  /** Raises the registers of the sparse value at hand, unless that takes a dense one. */
  #raiseAll(bytes: number): number {
    const { hllSparseMaxBytes } = this.session.server.settings;
    let length = bytes;
    for (let index = 0; index < HLL_REGISTERS; index += 1) {
      const run = this.registers[index]!;
      if (run === 0) continue;
      const change = raiseSparse(hll, length, index, run, hllSparseMaxBytes);
      if (change === 'changed') length = sparseBytesAfter();
      if (change === 'tooBig') {
        this.isAnyDense = true;
        return length;
      }
    }
    return length;
  }
}
