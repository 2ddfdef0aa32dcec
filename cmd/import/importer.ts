/**
 * Brings the keys of an RDB file into a running server.
 *
 *   file -> RdbReader -> a value up to RAW_BYTES_MAX   its bytes as they stand, in a RESTORE
 *                        a bigger one                  element by element, as commands
 *                        of a type that the server     passed over, and counted by its name
 *                        does not know
 *
 * Memory: a piece of the file or RAW_BYTES_MAX, one string, and what the client has in flight.
 */

import { type RdbFileSink, type RdbKey, readFile } from '../../rdb/file.js';
import { dumpAround } from '../../rdb/footer.js';
import { corrupt } from '../../rdb/rdb-error.js';
import { RdbReader } from '../../rdb/reader.js';
import type { Reading } from '../../rdb/reading.js';
import { skipValue } from '../../rdb/skip.js';
import { type ValueTypeName, valueTypeName } from '../../rdb/value-types.js';
import { readValue } from '../../rdb/values.js';
import type { Argument, NodeClient } from '../node-client.js';
import type { RdbSource } from './source.js';
import { ValueCommands } from './value-commands.js';

/** Bigger values are not sent in one piece. */
const RAW_BYTES_MAX = 1024 * 1024;
/** Longest string, as by `proto-max-bulk-len`. */
const STRING_BYTES_MAX = 512 * 1024 * 1024;

export interface ImportOptions {
  /** Whether keys that are there are overwritten. */
  readonly replaces: boolean;
  /** The time by which keys have expired, ms. */
  readonly nowMs: number;
}

export interface Refusal {
  count: number;
  /** The first reason. */
  readonly reason: string;
}

/** A command that makes a value of this type. */
const TYPE_COMMANDS: readonly (readonly [ValueTypeName, string])[] = [
  ['list', 'rpush'],
  ['set', 'sadd'],
  ['zset', 'zadd'],
  ['hash', 'hset'],
  ['stream', 'xadd'],
];

export class Importer implements RdbFileSink {
  readonly #client: NodeClient;
  readonly #options: ImportOptions;
  readonly #reader = new RdbReader({ stringBytesMax: STRING_BYTES_MAX });
  /** What was sent and taken, by type. */
  readonly imported = new Map<string, number>();
  /** What was not, by type. */
  readonly refused = new Map<string, Refusal>();
  importedKeys = 0;
  alreadyThere = 0;
  expired = 0;
  #unknownTypes = new Set<ValueTypeName>();
  /** A database that the server does not have. */
  #missingDatabase = '';
  /** What the reading waits for besides bytes. */
  #waitsFor: Promise<unknown> | undefined;

  constructor(client: NodeClient, options: ImportOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Rejects with an RdbError if the file is wrong, or if the connection is lost. */
  async run(source: RdbSource, progress: (doneBytes: number) => void): Promise<void> {
    await this.#askTypes();
    const reader = this.#reader;
    const reading = readFile(reader, this);
    while (reading.next().done !== true) {
      if (this.#waitsFor !== undefined) {
        await this.#waitsFor;
        this.#waitsFor = undefined;
      } else if (reader.missing > 0) {
        reader.feed(await source.next(reader.missing));
        reader.isLast = source.leftBytes === 0;
        progress(source.bytes - source.leftBytes);
      }
      if (this.#client.isFull) await this.#client.room();
    }
    await this.#client.idle();
    if (source.leftBytes > 0 || reader.at < reader.end) throw corrupt('something behind the end');
  }

  /** Which types the server knows. */
  async #askTypes(): Promise<void> {
    const names = TYPE_COMMANDS.map(([, command]) => command);
    const infos = await this.#client.ask('COMMAND', 'INFO', ...names);
    if (!Array.isArray(infos)) return;
    for (const [index, [type]] of TYPE_COMMANDS.entries()) {
      if (infos[index] === null) this.#unknownTypes.add(type);
    }
  }

  database(index: number): void {
    const select = this.#client.ask('SELECT', String(index)).then((reply) => {
      this.#missingDatabase = reply instanceof Error ? `database ${index}` : '';
    });
    this.#waitsFor = select;
  }

  functions(code: Buffer): void {
    const args = ['FUNCTION', 'LOAD', ...(this.#options.replaces ? ['REPLACE'] : []), code];
    this.#client.send(args, (reply) => {
      if (reply instanceof Error) this.#refuse('functions', reply.message);
      else this.#took('functions');
    });
  }

  *key(entry: RdbKey): Reading {
    if (this.#waitsFor !== undefined) yield;
    const type = valueTypeName(entry.type);
    if (type === undefined) throw corrupt(`no such type of values: ${entry.type}`);
    const isExpired = entry.expiryMs > 0 && entry.expiryMs <= this.#options.nowMs;
    const refusal = this.#refusalOf(type);
    if (isExpired || refusal !== '') {
      if (isExpired) this.expired += 1;
      else this.#refuse(type, refusal);
      yield* skipValue(this.#reader, entry.type);
      return;
    }
    const raw = yield* this.#readRaw(entry.type);
    if (raw !== undefined) this.#restore(entry, type, raw);
    else yield* this.#writeInParts(entry, type);
  }

  #refusalOf(type: ValueTypeName): string {
    if (type === 'module') return 'modules have types of their own';
    if (this.#unknownTypes.has(type)) return 'the server has no such type';
    return this.#missingDatabase === '' ? '' : `the server has no ${this.#missingDatabase}`;
  }

  /** The bytes of a value; undefined, and nothing was read, if they are too many. */
  *#readRaw(type: number): Generator<void, Buffer | undefined, void> {
    const reader = this.#reader;
    reader.hold = reader.at;
    const skipping = skipValue(reader, type);
    while (skipping.next().done !== true) {
      if (reader.at - reader.hold + reader.missing > RAW_BYTES_MAX) {
        reader.at = reader.hold;
        reader.hold = -1;
        return undefined;
      }
      yield;
    }
    const raw = reader.buf.subarray(reader.hold, reader.at);
    reader.hold = -1;
    return raw;
  }

  #restore(
    { type, key, expiryMs, idleSeconds, frequency }: RdbKey,
    name: string,
    raw: Buffer,
  ): void {
    const args: Argument[] = ['RESTORE', key, String(expiryMs), dumpAround(type, raw), 'ABSTTL'];
    if (this.#options.replaces) args.push('REPLACE');
    if (idleSeconds >= 0) args.push('IDLETIME', String(idleSeconds));
    else if (frequency >= 0) args.push('FREQ', String(frequency));
    this.#client.send(args, (reply) => {
      if (!(reply instanceof Error)) this.#took(name);
      else if (reply.message.startsWith('BUSYKEY')) this.alreadyThere += 1;
      else this.#refuse(name, reply.message);
    });
  }

  /** A big value: it grows while it comes, and goes again if some part of it is refused. */
  *#writeInParts({ type, key, expiryMs }: RdbKey, name: string): Reading {
    const client = this.#client;
    if (!this.#options.replaces) {
      let isThere = false;
      this.#waitsFor = client.ask('EXISTS', key).then((reply) => {
        isThere = reply === 1;
      });
      yield;
      if (isThere) {
        this.alreadyThere += 1;
        yield* skipValue(this.#reader, type);
        return;
      }
    }
    let problem = '';
    const take = (reply: unknown): void => {
      if (reply instanceof Error && problem === '') problem = reply.message;
    };
    client.send(['DEL', key], take);
    const commands = new ValueCommands(key, (args) => client.send(args, take));
    try {
      yield* readValue(this.#reader, type, commands.sinks);
    } catch (error) {
      client.send(['DEL', key], take);
      throw error;
    }
    commands.finish();
    if (expiryMs > 0) client.send(['PEXPIREAT', key, String(expiryMs)], take);
    this.#waitsFor = client.idle();
    yield;
    if (problem === '') {
      this.#took(name);
    } else {
      client.send(['DEL', key], take);
      this.#refuse(name, problem);
    }
  }

  #took(type: string): void {
    if (type !== 'functions') this.importedKeys += 1;
    this.imported.set(type, (this.imported.get(type) ?? 0) + 1);
  }

  #refuse(type: string, reason: string): void {
    const known = this.refused.get(type);
    if (known === undefined) this.refused.set(type, { count: 1, reason });
    else known.count += 1;
  }
}
