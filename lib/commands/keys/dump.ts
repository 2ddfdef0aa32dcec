/**
 * DUMP and RESTORE in Redis's own serialisation, so that values travel between the two in both
 * directions. Strings are all that there is today.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { type DumpFault, StringDump, StringLoad } from '../../rdb/dump-string.js';
import type { Session, Task } from '../../server/session.js';
import { lfuWith, lruClock } from '../../store/access.js';
import type { Database } from '../../store/database.js';
import { NOTIFY_GENERIC, NOTIFY_NEW } from '../../store/notify.js';
import { type CommandRow, READONLY, WRITE } from '../command.js';
import {
  findKey,
  isWrongType,
  notifyKey,
  peekKey,
  readStringKey,
  refusesKey,
  removeKey,
} from '../lookup.js';
import { NOT_INTEGER, STRING_TOO_LONG, SYNTAX_ERROR } from '../replies.js';

/** Values and payloads up to here are done at once. */
const AT_ONCE_BYTES = 256 * 1024;
const LRU_CLOCK_MAX = 0xffffff;
const COUNTER_MAX = 255;

function dump(session: Session, args: Args, reply: ReplyWriter): void {
  const database = session.database;
  const leaf = readStringKey(database, args, 1);
  if (isWrongType(leaf, reply)) return;
  if (leaf === 0) {
    reply.nil();
    return;
  }
  const value = database.tree.value(leaf);
  run(session, value.length, new DumpTask(database, value, reply));
}

function run(session: Session, bytes: number, task: Task): void {
  if (bytes > AT_ONCE_BYTES) session.defer(task);
  else task.step(Number.POSITIVE_INFINITY);
}

class DumpTask implements Task {
  readonly #database: Database;
  readonly #dump: StringDump;
  readonly #reply: ReplyWriter;

  constructor(database: Database, value: Buffer, reply: ReplyWriter) {
    this.#database = database;
    this.#dump = new StringDump(value);
    this.#reply = reply;
  }

  step(deadlineMs: number): boolean {
    const clock = this.#database.store.world.clock;
    while (!this.#dump.step()) {
      if (clock.monotonicMs() >= deadlineMs) return false;
    }
    this.#reply.bulk(this.#dump.output, 0, this.#dump.bytes);
    return true;
  }
}

interface RestoreOptions {
  replaces: boolean;
  isAbsolute: boolean;
  /** -1 = not given. */
  idleSeconds: number;
  frequency: number;
  lifeMs: number;
}

function restore(session: Session, args: Args, reply: ReplyWriter): void {
  const options = readOptions(args, reply);
  if (options === undefined) return;
  const database = session.database;
  if (isBusy(database, args, options, reply)) return;
  const lifeMs = args.int64(2);
  if (Number.isNaN(lifeMs)) {
    reply.error(NOT_INTEGER);
    return;
  }
  if (lifeMs < 0) {
    reply.error('ERR Invalid TTL value, must be >= 0');
    return;
  }
  options.lifeMs = lifeMs;
  if (refusesKey(args, 1, reply)) return;
  const bytes = args.length(3);
  const kept = bytes > AT_ONCE_BYTES ? args.clone() : args;
  run(session, bytes, new RestoreTask(session, kept, options, reply));
}

/** True, the error replied, if the key is there and may not be replaced. */
function isBusy(
  database: Database,
  args: Args,
  options: RestoreOptions,
  reply: ReplyWriter,
): boolean {
  if (options.replaces || findKey(database, args, 1) === 0) return false;
  reply.error('BUSYKEY Target key name already exists.');
  return true;
}

function readOptions(args: Args, reply: ReplyWriter): RestoreOptions | undefined {
  const options: RestoreOptions = {
    replaces: false,
    isAbsolute: false,
    idleSeconds: -1,
    frequency: -1,
    lifeMs: 0,
  };
  for (let i = 4; i < args.count; i += 1) {
    const hasNext = i + 1 < args.count;
    let fault = '';
    if (args.equalsIgnoreCase(i, 'REPLACE')) {
      options.replaces = true;
    } else if (args.equalsIgnoreCase(i, 'ABSTTL')) {
      options.isAbsolute = true;
    } else if (args.equalsIgnoreCase(i, 'IDLETIME') && hasNext && options.frequency === -1) {
      i += 1;
      options.idleSeconds = args.int64(i);
      if (options.idleSeconds < 0) fault = 'ERR Invalid IDLETIME value, must be >= 0';
      if (Number.isNaN(options.idleSeconds)) fault = NOT_INTEGER;
    } else if (args.equalsIgnoreCase(i, 'FREQ') && hasNext && options.idleSeconds === -1) {
      i += 1;
      options.frequency = args.int64(i);
      const isCounter = options.frequency >= 0 && options.frequency <= COUNTER_MAX;
      if (!isCounter) fault = 'ERR Invalid FREQ value, must be >= 0 and <= 255';
      if (Number.isNaN(options.frequency)) fault = NOT_INTEGER;
    } else {
      fault = SYNTAX_ERROR;
    }
    if (fault !== '') {
      reply.error(fault);
      return undefined;
    }
  }
  return options;
}

class RestoreTask implements Task {
  readonly #database: Database;
  readonly #args: Args;
  readonly #options: RestoreOptions;
  readonly #reply: ReplyWriter;
  readonly #load: StringLoad;

  constructor(session: Session, args: Args, options: RestoreOptions, reply: ReplyWriter) {
    this.#database = session.database;
    this.#args = args;
    this.#options = options;
    this.#reply = reply;
    const payload = args.buf.subarray(args.starts[3], args.ends[3]);
    this.#load = new StringLoad(payload, session.server.settings.protoMaxBulkLen);
  }

  step(deadlineMs: number): boolean {
    const clock = this.#database.store.world.clock;
    while (!this.#load.step()) {
      if (clock.monotonicMs() >= deadlineMs) return false;
    }
    if (this.#load.fault === undefined) this.#store();
    else this.#reply.error(faultText(this.#load.fault, this.#load.typeName));
    return true;
  }

  #store(): void {
    const database = this.#database;
    const args = this.#args;
    const { isAbsolute, lifeMs } = this.#options;
    // Others may have made the key since the command began.
    if (isBusy(database, args, this.#options, this.#reply)) return;
    const baseMs = isAbsolute || lifeMs === 0 ? 0 : database.store.nowMs;
    const expiryMs = Math.min(lifeMs + baseMs, Number.MAX_SAFE_INTEGER);
    // A sum beyond int64 wraps round in Redis, to a time long past.
    const isPast = expiryMs <= database.store.nowMs || (baseMs > 0 && lifeMs + baseMs >= 2 ** 63);
    const isTaken = peekKey(database, args, 1) !== 0;
    if (lifeMs !== 0 && isPast) {
      removeKey(database, args, 1);
      if (isTaken) notifyKey(database, NOTIFY_GENERIC, 'del', args, 1);
    } else {
      const value = this.#load.value;
      const { buf, starts, ends } = args;
      const leaf = database.set(buf, starts[1]!, ends[1]!, value, 0, value.length, expiryMs);
      const access = accessOf(database, this.#options);
      if (access >= 0) database.tree.setAccess(leaf, access);
      database.signalReady(buf, starts[1]!, ends[1]!);
      if (isTaken) notifyKey(database, NOTIFY_NEW, 'new', args, 1);
      notifyKey(database, NOTIFY_GENERIC, 'restore', args, 1);
    }
    this.#reply.ok();
  }
}

/** The access bits that IDLETIME or FREQ ask for, if the policy has use for them; else -1. */
function accessOf(database: Database, { idleSeconds, frequency }: RestoreOptions): number {
  const { store } = database;
  if (store.usesLfu) return frequency < 0 ? -1 : lfuWith(frequency, store.nowMs);
  if (idleSeconds < 0) return -1;
  const nowSeconds = lruClock(store.nowMs);
  // As in Redis: a time before the clock last began anew counts as half its round ago.
  const accessed = nowSeconds - idleSeconds;
  return accessed < 0 ? (nowSeconds + (LRU_CLOCK_MAX >> 1)) % LRU_CLOCK_MAX : accessed;
}

function faultText(fault: DumpFault, typeName: string): string {
  if (fault === 'footer') return 'ERR DUMP payload version or checksum are wrong';
  if (fault === 'data') return 'ERR Bad data format';
  if (fault === 'tooLong') return STRING_TOO_LONG;
  return `ERR a value of type ${typeName} cannot be restored yet`;
}

export const dumpCommands: readonly CommandRow[] = [
  { name: 'dump', arity: 2, flags: READONLY, keys: [1, 1, 1], handler: dump },
  { name: 'restore', arity: -4, flags: WRITE, keys: [1, 1, 1], handler: restore },
  { name: 'restore-asking', arity: -4, flags: WRITE, keys: [1, 1, 1], handler: restore },
];
