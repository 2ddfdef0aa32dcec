/**
 * LCS: the longest common subsequence of two strings, in slices, on copies of both.
 *
 * The table takes a thirtieth of what Redis's does, but Redis's limit on its size is kept, since
 * it bounds the time as well.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session, Task } from '../../server/session.js';
import { WRONG_TYPE } from '../../store/database.js';
import { type CommandRow, READONLY } from '../command.js';
import { readStringKey } from '../lookup.js';
import { NOT_INTEGER, SYNTAX_ERROR } from '../replies.js';
import { LcsTable } from './lcs-table.js';

/** Bytes of a cell in Redis. */
const CELL_BYTES = 4;
/** Cells done at once. */
const CELLS_AT_ONCE = 256 * 1024;
const STRING_BYTES_MAX = 0xffff_fffe;
const EMPTY = Buffer.alloc(0);

interface Options {
  wantsLength: boolean;
  wantsMatches: boolean;
  withLengths: boolean;
  /** Shorter matches are left out. */
  matchBytesMin: number;
}

function lcs(session: Session, args: Args, reply: ReplyWriter): void {
  const a = valueOf(session, args, 1);
  const b = valueOf(session, args, 2);
  if (a === undefined || b === undefined) {
    reply.error('ERR The specified keys must contain string values');
    return;
  }
  const options = readOptions(args, reply);
  if (options === undefined) return;
  if (options.wantsMatches && options.wantsLength) {
    reply.error('ERR If you want both the length and indexes, please just use IDX.');
  } else if (a.length >= STRING_BYTES_MAX || b.length >= STRING_BYTES_MAX) {
    reply.error('ERR String too long for LCS');
  } else if ((a.length + 1) * (b.length + 1) * CELL_BYTES > tableBytesMax(session)) {
    reply.error('ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len');
  } else {
    const table = new LcsTable(a, b, !options.wantsLength);
    const task = new LcsTask(session, table, options, reply);
    if (a.length * b.length > CELLS_AT_ONCE) session.defer(task);
    else task.step(Number.POSITIVE_INFINITY);
  }
}

function tableBytesMax(session: Session): number {
  return session.server.settings.protoMaxBulkLen;
}

function valueOf(session: Session, args: Args, i: number): Buffer | undefined {
  const database = session.database;
  const leaf = readStringKey(database, args, i);
  if (leaf === WRONG_TYPE) return undefined;
  return leaf === 0 ? EMPTY : database.tree.value(leaf);
}

function readOptions(args: Args, reply: ReplyWriter): Options | undefined {
  const options: Options = {
    wantsLength: false,
    wantsMatches: false,
    withLengths: false,
    matchBytesMin: 0,
  };
  for (let i = 3; i < args.count; i += 1) {
    if (args.equalsIgnoreCase(i, 'IDX')) {
      options.wantsMatches = true;
    } else if (args.equalsIgnoreCase(i, 'LEN')) {
      options.wantsLength = true;
    } else if (args.equalsIgnoreCase(i, 'WITHMATCHLEN')) {
      options.withLengths = true;
    } else if (args.equalsIgnoreCase(i, 'MINMATCHLEN') && i + 1 < args.count) {
      i += 1;
      options.matchBytesMin = args.int64(i);
      if (Number.isNaN(options.matchBytesMin)) {
        reply.error(NOT_INTEGER);
        return undefined;
      }
    } else {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  return options;
}

class LcsTask implements Task {
  readonly #session: Session;
  readonly #table: LcsTable;
  readonly #options: Options;
  readonly #reply: ReplyWriter;

  constructor(session: Session, table: LcsTable, options: Options, reply: ReplyWriter) {
    this.#session = session;
    this.#table = table;
    this.#options = options;
    this.#reply = reply;
  }

  step(deadlineMs: number): boolean {
    const clock = this.#session.server.store.world.clock;
    while (!this.#table.fill(CELLS_AT_ONCE)) {
      if (clock.monotonicMs() >= deadlineMs) return false;
    }
    this.#answer();
    return true;
  }

  #answer(): void {
    const { wantsLength, wantsMatches } = this.#options;
    const reply = this.#reply;
    if (wantsLength) {
      reply.integer(this.#table.length);
    } else if (wantsMatches) {
      this.#answerMatches();
    } else {
      const common = this.#table.common();
      reply.bulk(common, 0, common.length);
    }
  }

  #answerMatches(): void {
    const { withLengths, matchBytesMin } = this.#options;
    const reply = this.#reply;
    const matches = this.#table.matches().filter(({ bytes }) => bytes >= matchBytesMin);
    reply.map(2);
    reply.bulkLatin1('matches');
    reply.array(matches.length);
    for (const { a, b, bytes } of matches) {
      reply.array(withLengths ? 3 : 2);
      for (const at of [a, b]) {
        reply.array(2);
        reply.integer(at);
        reply.integer(at + bytes - 1);
      }
      if (withLengths) reply.integer(bytes);
    }
    reply.bulkLatin1('len');
    reply.integer(this.#table.length);
  }
}

export const lcsCommands: readonly CommandRow[] = [
  { name: 'lcs', arity: -3, flags: READONLY, keys: [1, 2, 1], handler: lcs },
];
