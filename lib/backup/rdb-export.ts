/**
 * RdbExport: the chunks of a backup (backup-stream.ts) as an RDB file. Chunks are merged into a
 * store of its own, and leave it as keys that are whole: a backup comes database by database, in
 * the order of keys.
 *
 * Memory: a chunk, and the largest value.
 */
import type { Leaf } from '../../radix/leaf.js';
import { RdbFileWriter } from '../../rdb/file-writer.js';
import { RDB_STRING } from '../../rdb/value-types.js';
import { RdbWriter } from '../../rdb/writer.js';
import { Collection } from '../store/collection.js';
import type { Database } from '../store/database.js';
import type { Store } from '../store/store.js';
import { dumpTypeOf } from '../types/dump-types.js';
import { TYPE_STRING, typeName, typeOf } from '../types/types.js';
import { DHASH_VERSION } from '../version.js';
import type { BackupFacts } from './backup-file.js';
import { RestoreIntake } from './restore-intake.js';

export class RdbExport {
  keys = 0;
  /** Keys of types that RDB is not written of, by type. */
  readonly leftOut = new Map<string, number>();
  readonly #store: Store;
  readonly #intake: RestoreIntake;
  readonly #file = new RdbFileWriter();
  #database = -1;

  /** `store` is empty, and for nobody else. */
  constructor(store: Store) {
    this.#store = store;
    this.#intake = new RestoreIntake(store.databases, {
      valueBytesMax: Number.MAX_SAFE_INTEGER,
      expiredUntilMs: () => store.nowMs,
    });
  }

  begin({ createdMs, functions }: BackupFacts): Buffer[] {
    const notes = { 'dhash-ver': DHASH_VERSION, ctime: String(Math.floor(createdMs / 1000)) };
    // In the order of the file, since each part goes into its checksum.
    const head = this.#file.begin(notes);
    return [
      ...head,
      ...functions.flatMap((code) => this.#file.functions(Buffer.from(code, 'latin1'))),
    ];
  }

  /** What is complete with this chunk. */
  add(chunk: Buffer): Buffer[] {
    this.#store.refresh();
    for (const _ of this.#intake.push(chunk));
    return this.#drain(true);
  }

  /** The rest, behind the last chunk. */
  end(): Buffer[] {
    const rest = this.#drain(false);
    this.#intake.close();
    return [...rest, ...this.#file.end()];
  }

  /** Takes keys out, with `keepsLast` all but the last one: more of it may come. */
  #drain(keepsLast: boolean): Buffer[] {
    const parts: Buffer[] = [];
    const filled = this.#store.databases.filter(({ tree }) => tree.allCount > 0);
    for (const [i, database] of filled.entries()) {
      const { tree } = database;
      const kept = keepsLast && i === filled.length - 1 ? tree.key(tree.lastEntry()) : null;
      for (let leaf = tree.firstEntry(); leaf !== 0; leaf = tree.firstEntry()) {
        const key = tree.key(leaf);
        if (kept?.equals(key) === true) break;
        if (tree.visible(leaf)) parts.push(...this.#write(database, leaf, key));
        tree.drop(key, 0, key.length);
      }
    }
    while (this.#store.space.reclaimPending) this.#store.space.reclaimStep(1024);
    return parts;
  }

  #write(database: Database, leaf: Leaf, key: Buffer): Buffer[] {
    const value = this.#valueOf(database, leaf, key);
    if (value === undefined) {
      const type = typeName(database.tree, leaf);
      this.leftOut.set(type, (this.leftOut.get(type) ?? 0) + 1);
      return [];
    }
    const isOther = database.index !== this.#database;
    this.#database = database.index;
    this.keys += 1;
    return [
      ...(isOther ? this.#file.database(database.index) : []),
      ...this.#file.key(key, database.tree.expiryMs(leaf), value),
    ];
  }

  #valueOf(database: Database, leaf: Leaf, key: Buffer): RdbWriter | undefined {
    const { tree } = database;
    const writer = new RdbWriter();
    const type = typeOf(tree, leaf);
    if (type === TYPE_STRING) {
      const value = tree.value(leaf);
      writer.byte(RDB_STRING);
      if (!writer.string(value, 0, value.length)) while (!writer.more());
      return writer;
    }
    const dumpType = dumpTypeOf(type);
    if (dumpType === undefined) return undefined;
    const collection = new Collection(database);
    collection.openQuietly(key, 0, key.length, dumpType.type);
    for (const _ of dumpType.write(writer, collection));
    return writer;
  }
}
