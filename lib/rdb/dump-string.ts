/**
 * What DUMP answers and RESTORE takes, of a string:
 *
 *   +------+----------------+-----------------+--------------------------------+
 *   | type | value          | version, 2 B LE | CRC-64 of all before it, 8 B LE |
 *   +------+----------------+-----------------+--------------------------------+
 *
 * Both directions are objects that work in steps, since compressing and checking half a gigabyte
 * takes seconds. Other types of values can be told by `typeName`; they come with their commands.
 */
import { Crc64 } from './crc64.js';
import { LENGTH_BYTES_MAX, MARK_LZF, RdbReader, writeInteger, writeLength } from './encoding.js';
import { canExpand, LzfCompressor, LzfDecompressor } from './lzf.js';

/** What is written: the version of Redis 7.0, which later ones read too. */
const VERSION_WRITTEN = 10;
/** The newest that is understood: Redis 7.4. */
const VERSION_MAX = 12;
const TYPE_STRING = 0;
const FOOTER_BYTES = 10;
/** Shorter strings are not compressed. */
const COMPRESSED_BYTES_MIN = 21;
/** Compression must save this many bytes. */
const SAVED_BYTES_MIN = 4;
/** Bytes of work in one step. */
const STEP_BYTES = 64 * 1024;

/** Types by number, where they are not strings. */
const TYPE_NAMES = new Map<number, string>([
  [1, 'list'],
  [2, 'set'],
  [3, 'zset'],
  [4, 'hash'],
  [5, 'zset'],
  [6, 'module'],
  [7, 'module'],
  [9, 'hash'],
  [10, 'list'],
  [11, 'set'],
  [12, 'zset'],
  [13, 'hash'],
  [14, 'list'],
  [15, 'stream'],
  [16, 'hash'],
  [17, 'zset'],
  [18, 'list'],
  [19, 'stream'],
  [20, 'set'],
  [21, 'stream'],
  [22, 'hash'],
  [23, 'hash'],
  [24, 'hash'],
  [25, 'hash'],
]);

/** Makes the dump of a string. */
export class StringDump {
  readonly #value: Buffer;
  /** The dump, valid once finished: output[0, bytes). */
  output: Buffer;
  bytes = 0;
  #compressor: LzfCompressor | undefined;
  #compressed: Buffer | undefined;
  readonly #crc = new Crc64();
  #checked = 0;

  constructor(value: Buffer) {
    this.#value = value;
    this.output = Buffer.allocUnsafe(0);
    if (value.length >= COMPRESSED_BYTES_MIN) {
      const most = value.length - SAVED_BYTES_MIN;
      this.#compressed = Buffer.allocUnsafe(most + SAVED_BYTES_MIN);
      this.#compressor = new LzfCompressor(value, this.#compressed, most);
    }
  }

  /** Does a step's work; true when finished. */
  step(): boolean {
    if (this.#compressor !== undefined) {
      if (!this.#compressor.step(STEP_BYTES)) return false;
      this.#layOut(this.#compressor.outputBytes);
      this.#compressor = undefined;
      this.#compressed = undefined;
    } else if (this.bytes === 0) {
      this.#layOut(0);
    }
    const end = this.bytes - 8;
    const stop = Math.min(end, this.#checked + STEP_BYTES * 4);
    this.#crc.update(this.output, this.#checked, stop);
    this.#checked = stop;
    if (stop < end) return false;
    this.#crc.writeTo(this.output, end);
    return true;
  }

  /** Writes everything but the checksum. `compressedBytes` 0 = not compressed. */
  #layOut(compressedBytes: number): void {
    const value = this.#value;
    const bodyBytes = compressedBytes === 0 ? value.length : compressedBytes;
    const output = Buffer.allocUnsafe(2 + 2 * LENGTH_BYTES_MAX + bodyBytes + FOOTER_BYTES);
    output[0] = TYPE_STRING;
    let at = 1;
    if (compressedBytes > 0) {
      output[at] = MARK_LZF;
      at = writeLength(output, at + 1, compressedBytes);
      at = writeLength(output, at, value.length);
      at += this.#compressed!.copy(output, at, 0, compressedBytes);
    } else {
      at = writeInteger(output, 1, value, 0, value.length);
      if (at === 1) {
        at = writeLength(output, at, value.length);
        at += value.copy(output, at);
      }
    }
    at = output.writeUInt16LE(VERSION_WRITTEN, at);
    this.output = output;
    this.bytes = at + 8;
  }
}

/** What is wrong with a payload: its footer, its body, its size, or its type. */
export type DumpFault = 'footer' | 'data' | 'tooLong' | 'type';

/** Reads the dump of a string. */
export class StringLoad {
  readonly #payload: Buffer;
  readonly #valueBytesMax: number;
  /** Why there is no value, known once finished. */
  fault: DumpFault | undefined;
  /** Of a payload that is no string: the name of its type. */
  typeName = '';
  /** The value, valid once finished without a fault. */
  value: Buffer;
  readonly #crc = new Crc64();
  #checked = 0;
  #decompressor: LzfDecompressor | undefined;

  constructor(payload: Buffer, valueBytesMax: number) {
    this.#payload = payload;
    this.#valueBytesMax = valueBytesMax;
    this.value = payload.subarray(0, 0);
  }

  /** Does a step's work; true when finished. */
  step(): boolean {
    if (this.#decompressor !== undefined) {
      if (!this.#decompressor.step(STEP_BYTES)) return false;
      if (!this.#decompressor.ok) this.fault = 'data';
      return true;
    }
    const checkedAll = this.#check();
    if (this.fault !== undefined) return true;
    if (!checkedAll) return false;
    this.#read();
    return this.fault !== undefined || this.#decompressor === undefined;
  }

  /** Goes on with version and checksum; true when they are right. */
  #check(): boolean {
    const payload = this.#payload;
    const end = payload.length - 8;
    const hasFooter = payload.length >= FOOTER_BYTES;
    if (!hasFooter || payload.readUInt16LE(end - 2) > VERSION_MAX) {
      this.fault = 'footer';
      return false;
    }
    const stop = Math.min(end, this.#checked + STEP_BYTES * 4);
    this.#crc.update(payload, this.#checked, stop);
    this.#checked = stop;
    if (stop < end) return false;
    if (!this.#crc.equals(payload, end)) this.fault = 'footer';
    return true;
  }

  #read(): void {
    const reader = new RdbReader(this.#payload, 0, this.#payload.length - FOOTER_BYTES);
    const type = reader.readByte();
    if (type === TYPE_STRING) {
      this.#readString(reader);
      return;
    }
    this.typeName = TYPE_NAMES.get(type) ?? '';
    this.fault = this.typeName === '' ? 'data' : 'type';
  }

  #readString(reader: RdbReader): void {
    const length = reader.readLength();
    if (length >= 0) {
      if (reader.at + length > reader.end) this.fault = 'data';
      else this.value = this.#payload.subarray(reader.at, reader.at + length);
    } else if (reader.mark === MARK_LZF) {
      this.#readCompressed(reader);
    } else {
      const integer = reader.readInteger(reader.mark);
      if (Number.isNaN(integer)) this.fault = 'data';
      else this.value = Buffer.from(String(integer), 'latin1');
    }
    if (this.value.length > this.#valueBytesMax) this.fault = 'tooLong';
  }

  #readCompressed(reader: RdbReader): void {
    const compressedBytes = reader.readLength();
    const bytes = compressedBytes < 0 ? -1 : reader.readLength();
    const from = reader.at;
    if (bytes < 0 || compressedBytes === 0 || from + compressedBytes > reader.end) {
      this.fault = 'data';
    } else if (!canExpand(compressedBytes, bytes)) {
      this.fault = 'data';
    } else if (bytes > this.#valueBytesMax) {
      this.fault = 'tooLong';
    } else {
      this.value = Buffer.allocUnsafe(bytes);
      const end = from + compressedBytes;
      this.#decompressor = new LzfDecompressor(this.#payload, from, end, this.value);
    }
  }
}
