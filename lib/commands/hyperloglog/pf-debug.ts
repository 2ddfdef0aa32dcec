/** PFDEBUG shows how a HyperLogLog is kept; PFSELFTEST tries out that it counts right. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session, Task } from '../../server/session.js';
import { estimateCount } from '../../types/hll-estimate.js';
import {
  describeSparse,
  raiseSparse,
  raiseToSparse,
  SPARSE_GROWTH_MAX,
  sparseBytesAfter,
  writeEmptySparse,
} from '../../types/hll-sparse.js';
import {
  denseRegister,
  HLL_DENSE_BYTES,
  HLL_HEADER_BYTES,
  HLL_REGISTERS,
  HLL_SPARSE,
  hllEncoding,
  hllPattern,
  raiseToDense,
  setDenseRegister,
  writeHllHeader,
} from '../../types/hyperloglog.js';
import { ADMIN, type CommandRow, WRITE } from '../command.js';
import { findStringKey } from '../lookup.js';
import { shortText } from '../replies.js';
import { CORRUPT_HLL, hll, makeDense, readHeader, readWhole, writeWhole } from './hll-value.js';

function pfdebug(session: Session, args: Args, reply: ReplyWriter): void {
  const database = session.database;
  const leaf = findStringKey(database, args, 2);
  if (leaf === 0) {
    reply.error('ERR The specified key does not exist');
    return;
  }
  if (!readHeader(database, leaf, reply)) return;
  const bytes = readWhole(database, leaf, reply);
  if (bytes < 0) return;
  const isSparse = hllEncoding(hll) === HLL_SPARSE;
  if (args.equalsIgnoreCase(1, 'GETREG')) {
    if (toDense(session, args, bytes, reply)) replyRegisters(reply);
  } else if (args.equalsIgnoreCase(1, 'DECODE')) {
    if (isSparse) reply.bulkString(describeSparse(hll, bytes));
    else reply.error('ERR HLL encoding is not sparse');
  } else if (args.equalsIgnoreCase(1, 'ENCODING')) {
    reply.simple(isSparse ? 'sparse' : 'dense');
  } else if (args.equalsIgnoreCase(1, 'TODENSE')) {
    if (toDense(session, args, bytes, reply)) reply.integer(isSparse ? 1 : 0);
  } else {
    reply.error(`ERR Unknown PFDEBUG subcommand '${shortText(args.string(1))}'`);
  }
}

/** Makes the value dense, for good; false, the error replied, if it is corrupt. */
function toDense(session: Session, args: Args, bytes: number, reply: ReplyWriter): boolean {
  if (hllEncoding(hll) !== HLL_SPARSE) return true;
  const denseBytes = makeDense(bytes);
  if (denseBytes < 0) {
    reply.error(CORRUPT_HLL);
    return false;
  }
  writeWhole(session.database, args, 2, denseBytes);
  return true;
}

function replyRegisters(reply: ReplyWriter): void {
  reply.array(HLL_REGISTERS);
  for (let index = 0; index < HLL_REGISTERS; index += 1) {
    reply.integer(denseRegister(hll, HLL_HEADER_BYTES, index));
  }
}

/** Elements that the self-test adds, and how many in one step. */
const TEST_ELEMENTS = 200_000;
const STEP_ELEMENTS = 500;
/** Standard errors beyond which a count is taken for wrong: so far off by chance it never is. */
const ERRORS_MAX = 6;

function pfselftest(session: Session, _args: Args, reply: ReplyWriter): void {
  session.defer(new SelfTest(session, reply));
}

class SelfTest implements Task {
  readonly #session: Session;
  readonly #reply: ReplyWriter;
  readonly #dense = Buffer.alloc(HLL_DENSE_BYTES);
  readonly #sparse = Buffer.alloc(HLL_DENSE_BYTES + SPARSE_GROWTH_MAX);
  readonly #element = Buffer.alloc(16);
  #sparseBytes: number;
  #isSparse = true;
  #added = 0;

  constructor(session: Session, reply: ReplyWriter) {
    this.#session = session;
    this.#reply = reply;
    writeHllHeader(this.#sparse, HLL_SPARSE);
    this.#sparseBytes = writeEmptySparse(this.#sparse);
    session.server.store.world.random.bytes(this.#element);
  }

  step(deadlineMs: number): boolean {
    const { clock } = this.#session.server.store.world;
    do {
      for (let i = 0; i < STEP_ELEMENTS; i += 1) this.#add();
      const problem = this.#problem();
      if (problem !== '') {
        this.#reply.error(`TESTFAILED ${problem}`);
        return true;
      }
      if (this.#added >= TEST_ELEMENTS) {
        this.#reply.ok();
        return true;
      }
    } while (clock.monotonicMs() < deadlineMs);
    return false;
  }

  #add(): void {
    this.#added += 1;
    this.#element.writeUInt32LE(this.#added, 0);
    const pattern = hllPattern(this.#element, 0, this.#element.length);
    const index = pattern >> 6;
    const run = pattern & 63;
    if (denseRegister(this.#dense, HLL_HEADER_BYTES, index) < run) {
      setDenseRegister(this.#dense, HLL_HEADER_BYTES, index, run);
    }
    if (!this.#isSparse) return;
    const bytes = this.#sparseBytes;
    const change = raiseSparse(this.#sparse, bytes, index, run, HLL_DENSE_BYTES);
    if (change === 'changed') this.#sparseBytes = sparseBytesAfter();
    if (change === 'tooBig') this.#isSparse = false;
  }

  #problem(): string {
    const registers = new Uint8Array(HLL_REGISTERS);
    raiseToDense(registers, this.#dense);
    if (this.#isSparse) {
      const others = new Uint8Array(HLL_REGISTERS);
      if (!raiseToSparse(others, this.#sparse, this.#sparseBytes)) return 'sparse is corrupt';
      if (Buffer.compare(registers, others) !== 0) return 'dense/sparse disagree';
    }
    const count = estimateCount(registers);
    const error = Math.abs(count - this.#added);
    const errorMax = (1.04 / Math.sqrt(HLL_REGISTERS)) * this.#added * ERRORS_MAX + 1;
    return error <= errorMax ? '' : `Too big error. card:${this.#added} abserr:${error}`;
  }
}

export const pfDebugCommands: readonly CommandRow[] = [
  { name: 'pfdebug', arity: 3, flags: WRITE | ADMIN, keys: [2, 2, 1], handler: pfdebug },
  { name: 'pfselftest', arity: 1, flags: ADMIN, handler: pfselftest },
];
