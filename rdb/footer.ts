/**
 * The footer of a dump: version 2 B LE, and CRC-64 8 B LE of all before it, type and version
 * included.
 */
import { Crc64 } from './crc64.js';
import { RDB_HASH_METADATA_EARLY, RDB_SET_LISTPACK } from './value-types.js';

/** The newest that is understood: Redis 7.4. */
export const VERSION_MAX = 12;
export const FOOTER_BYTES = 10;
/** Bytes checked in one step. */
const STEP_BYTES = 256 * 1024;

/** Checks version and checksum of a dump, in steps. */
export class DumpCheck {
  readonly #payload: Buffer;
  readonly #crc = new Crc64();
  #at = 0;
  /** Known once finished. */
  ok = false;

  constructor(payload: Buffer) {
    this.#payload = payload;
  }

  /** Does a step's work; true when finished. */
  step(): boolean {
    const payload = this.#payload;
    const end = payload.length - 8;
    if (payload.length < FOOTER_BYTES || payload.readUInt16LE(end - 2) > VERSION_MAX) return true;
    const stop = Math.min(end, this.#at + STEP_BYTES);
    this.#crc.update(payload, this.#at, stop);
    this.#at = stop;
    if (stop < end) return false;
    this.ok = this.#crc.equals(payload, end);
    return true;
  }
}

/** A dump around a value's bytes as they stand in a file, in the lowest version that has its type. */
export function dumpAround(type: number, value: Buffer): Buffer {
  const end = 1 + value.length;
  const dump = Buffer.allocUnsafe(end + FOOTER_BYTES);
  dump[0] = type;
  value.copy(dump, 1);
  const version = type >= RDB_HASH_METADATA_EARLY ? 12 : type >= RDB_SET_LISTPACK ? 11 : 10;
  dump.writeUInt16LE(version, end);
  const crc = new Crc64();
  crc.update(dump, 0, end + 2);
  crc.writeTo(dump, end + 2);
  return dump;
}
