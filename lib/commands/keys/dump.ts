/**
 * DUMP: a value in Redis's own serialisation, so that values travel between the two in both
 * directions. Written beside the store, in slices; it begins again if the value changes meanwhile.
 */

import { RDB_STRING } from '../../../rdb/value-types.js';
import { RdbWriter } from '../../../rdb/writer.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { Collection } from '../../store/collection.js';
import { dumpTypeOf } from '../../types/dump-types.js';
import { TYPE_STRING, typeName, typeOf } from '../../types/types.js';
import { type CommandRow, READONLY, WRITE } from '../command.js';
import { readKey } from '../lookup.js';
import { ValueTask } from '../value-task.js';
import { restore } from './restore.js';

/** What an element costs besides its bytes, for how much work is done at once. */
const ELEMENT_BYTES = 256;

function dump(session: Session, args: Args, reply: ReplyWriter): void {
  new DumpTask(session, args, reply).run();
}

class DumpTask extends ValueTask {
  #writer = new RdbWriter();
  #writing: Generator<void, void, void> | undefined;
  /** The value, if it is no string; its own, for it stays open over slices. */
  #collection: Collection | undefined;
  #type = TYPE_STRING;
  #workBytes = 0;

  protected begin(): boolean {
    const { args, database, reply } = this;
    const leaf = readKey(database, args, 1);
    if (leaf === 0) {
      reply.nil();
      return false;
    }
    const { tree } = database;
    this.watch(1, leaf);
    this.#writer = new RdbWriter();
    this.#collection = undefined;
    this.#type = typeOf(tree, leaf);
    if (this.#type === TYPE_STRING) {
      this.#workBytes = tree.valueBytes(leaf);
      this.#writing = writeString(this.#writer, tree.value(leaf));
      return true;
    }
    const dumpType = dumpTypeOf(this.#type);
    if (dumpType === undefined) {
      reply.error(`ERR a value of type ${typeName(tree, leaf)} cannot be dumped`);
      return false;
    }
    this.#collection = new Collection(database);
    this.#type = dumpType.type;
    this.#open();
    this.#workBytes = this.#collection.size * ELEMENT_BYTES;
    this.#writing = dumpType.write(this.#writer, this.#collection);
    return true;
  }

  protected workBytes(): number {
    return this.#workBytes;
  }

  protected piece(): boolean {
    this.#open();
    const isDone = this.#writing!.next().done === true;
    const bytesMax = this.session.server.settings.protoMaxBulkLen;
    if (this.#writer.totalBytes > bytesMax) {
      this.reply.error(`ERR the dump is longer than ${bytesMax} bytes (proto-max-bulk-len)`);
      return true;
    }
    if (isDone) this.#reply();
    return isDone;
  }

  #open(): void {
    const { buf, ends, starts } = this.args;
    this.#collection?.openQuietly(buf, starts[1]!, ends[1]!, this.#type);
  }

  #reply(): void {
    const { reply } = this;
    this.#writer.finish();
    reply.bulkHeader(this.#writer.totalBytes);
    for (const chunk of this.#writer.chunks) reply.raw(chunk, 0, chunk.length);
    reply.crlf();
  }
}

function* writeString(writer: RdbWriter, value: Buffer): Generator<void, void, void> {
  writer.byte(RDB_STRING);
  if (!writer.string(value, 0, value.length)) while (!writer.more()) yield;
}

export const dumpCommands: readonly CommandRow[] = [
  { name: 'dump', arity: 2, flags: READONLY, keys: [1, 1, 1], handler: dump },
  { name: 'restore', arity: -4, flags: WRITE, keys: [1, 1, 1], handler: restore },
  { name: 'restore-asking', arity: -4, flags: WRITE, keys: [1, 1, 1], handler: restore },
];
