/**
 * RESTORE: makes a key of what DUMP, here or of a Redis up to 7.4, has answered.
 *
 * The payload is checked whole, its version and checksum first, and a collection is made at the
 * side and linked in at the end: whatever is wrong with it, the old value is still there.
 */

import { DumpCheck, FOOTER_BYTES } from '../../../rdb/footer.js';
import { corrupt, RdbError } from '../../../rdb/rdb-error.js';
import { RdbReader } from '../../../rdb/reader.js';
import type { Reading } from '../../../rdb/reading.js';
import { valueTypeName } from '../../../rdb/value-types.js';
import { readValue } from '../../../rdb/values.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session, Task } from '../../server/session.js';
import { Collection } from '../../store/collection.js';
import type { Database } from '../../store/database.js';
import { NOTIFY_GENERIC, NOTIFY_NEW } from '../../store/notify.js';
import { SideDatabase } from '../../store/side-database.js';
import type { DumpType } from '../../types/dump-type.js';
import { dumpTypeNamed } from '../../types/dump-types.js';
import { findKey, notifyKey, peekKey, refusesKey, removeKey } from '../lookup.js';
import { NOT_INTEGER, OUT_OF_MEMORY, STRING_TOO_LONG } from '../replies.js';
import { accessOf, type RestoreOptions, readRestoreOptions } from './restore-options.js';

/** Payloads up to here are tried at once, */
const AT_ONCE_BYTES = 256 * 1024;
/** for so many pieces of work (reader.ts): compressed, they may hold many times as much. */
const AT_ONCE_PIECES = 8;

export function restore(session: Session, args: Args, reply: ReplyWriter): void {
  const options = readRestoreOptions(args, reply);
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
  if (args.length(3) <= AT_ONCE_BYTES) {
    const task = new RestoreTask(session, args, options, reply);
    if (task.run(AT_ONCE_PIECES, Number.POSITIVE_INFINITY)) return;
    task.cancel();
  }
  session.defer(new RestoreTask(session, args.clone(), options, reply));
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

class RestoreTask implements Task {
  readonly #database: Database;
  readonly #args: Args;
  readonly #options: RestoreOptions;
  readonly #reply: ReplyWriter;
  readonly #check: DumpCheck;
  readonly #reader: RdbReader;
  #isChecked = false;
  #reading: Reading | undefined;
  /** A string that was read. */
  #value: Buffer | undefined;
  /** A collection under way, at the side. */
  #side: Collection | undefined;
  #dumpType: DumpType | undefined;

  constructor(session: Session, args: Args, options: RestoreOptions, reply: ReplyWriter) {
    this.#database = session.database;
    this.#args = args;
    this.#options = options;
    this.#reply = reply;
    const from = args.starts[3]!;
    const to = args.ends[3]!;
    this.#check = new DumpCheck(args.buf.subarray(from, to));
    const stringBytesMax = session.server.settings.protoMaxBulkLen;
    const end = Math.max(from, to - FOOTER_BYTES);
    this.#reader = RdbReader.over(args.buf, from, end, { stringBytesMax });
  }

  step(deadlineMs: number): boolean {
    return this.run(Number.POSITIVE_INFINITY, deadlineMs);
  }

  /** Does so many pieces of work, or until the time has come; true when it has replied. */
  run(piecesMax: number, deadlineMs: number): boolean {
    const { store } = this.#database;
    const { clock } = store.world;
    // What is made at the side is no change yet.
    const { dirty } = store;
    try {
      for (let pieces = 1; !this.#piece(); pieces += 1) {
        if (pieces >= piecesMax || clock.monotonicMs() >= deadlineMs) return false;
      }
    } catch (error) {
      this.cancel();
      if (!(error instanceof RdbError)) throw error;
      this.#reply.error(faultText(error));
      return true;
    } finally {
      store.dirty = dirty;
    }
    if (this.#isChecked) this.#store();
    else this.#reply.error('ERR DUMP payload version or checksum are wrong');
    return true;
  }

  cancel(): void {
    this.#side?.database.tree.clear();
    this.#side = undefined;
  }

  /** Does some work; true when the value is there, or its checksum is wrong. */
  #piece(): boolean {
    if (!this.#isChecked) {
      if (!this.#check.step()) return false;
      this.#isChecked = this.#check.ok;
      return !this.#isChecked;
    }
    if (this.#reading === undefined) this.#begin();
    if (this.#side !== undefined) this.#openSide();
    const isDone = this.#reading!.next().done === true;
    if (isDone && this.#reader.at < this.#reader.end) throw corrupt('something behind the value');
    if (!isDone && !this.#database.store.eviction.makeRoom()) {
      throw new RdbError('outOfMemory', 'the memory is full');
    }
    return isDone;
  }

  #begin(): void {
    const type = this.#reader.byte();
    const name = valueTypeName(type);
    this.#dumpType = name === undefined ? undefined : dumpTypeNamed(name);
    if (this.#dumpType === undefined) {
      const value = (buf: Buffer, from: number, to: number): void => {
        this.#value = buf.subarray(from, to);
      };
      this.#reading = readValue(this.#reader, type, { string: { value } });
      return;
    }
    this.#side = new Collection(new SideDatabase(this.#database.store));
    this.#reading = readValue(this.#reader, type, this.#dumpType.sinks(this.#side));
  }

  #openSide(): void {
    const { buf, ends, starts } = this.#args;
    this.#side!.openQuietly(buf, starts[1]!, ends[1]!, this.#dumpType!.type);
  }

  #store(): void {
    const database = this.#database;
    const args = this.#args;
    const { isAbsolute, lifeMs } = this.#options;
    // Others may have made the key since the command began.
    if (isBusy(database, args, this.#options, this.#reply)) {
      this.cancel();
      return;
    }
    const baseMs = isAbsolute || lifeMs === 0 ? 0 : database.store.nowMs;
    const expiryMs = Math.min(lifeMs + baseMs, Number.MAX_SAFE_INTEGER);
    // A sum beyond int64 wraps round in Redis, to a time long past.
    const isPast = expiryMs <= database.store.nowMs || (baseMs > 0 && lifeMs + baseMs >= 2 ** 63);
    const isTaken = peekKey(database, args, 1) !== 0;
    if ((lifeMs !== 0 && isPast) || this.#isEmptied()) {
      removeKey(database, args, 1);
      if (isTaken) notifyKey(database, NOTIFY_GENERIC, 'del', args, 1);
      this.cancel();
      this.#reply.ok();
      return;
    }
    if (this.#side === undefined) {
      this.#storeString(expiryMs);
    } else {
      this.#adopt(this.#side, expiryMs);
    }
    database.signalReady(args.buf, args.starts[1]!, args.ends[1]!);
    if (isTaken) notifyKey(database, NOTIFY_NEW, 'new', args, 1);
    notifyKey(database, NOTIFY_GENERIC, 'restore', args, 1);
    this.#reply.ok();
  }

  /** Whether it is a collection whose elements have all expired. */
  #isEmptied(): boolean {
    if (this.#side === undefined) return false;
    this.#openSide();
    return !this.#side.exists;
  }

  #storeString(expiryMs: number): void {
    const database = this.#database;
    const { buf, starts, ends } = this.#args;
    const value = this.#value!;
    const leaf = database.set(buf, starts[1]!, ends[1]!, value, 0, value.length, expiryMs);
    const access = accessOf(database.store, this.#options);
    if (access >= 0) database.tree.setAccess(leaf, access);
  }

  #adopt(side: Collection, expiryMs: number): void {
    const database = this.#database;
    const { buf, starts, ends } = this.#args;
    this.#openSide();
    const asked = accessOf(database.store, this.#options);
    const access = asked >= 0 ? asked : side.database.tree.access(side.sub.head);
    const { hints, sub } = side;
    database.adopt(buf, starts[1]!, ends[1]!, sub, expiryMs, hints, access);
  }
}

function faultText({ code, message }: RdbError): string {
  if (code === 'corrupt') return 'ERR Bad data format';
  if (code === 'tooLong') return STRING_TOO_LONG;
  if (code === 'outOfMemory') return OUT_OF_MEMORY;
  return `ERR ${message} cannot be restored`;
}
