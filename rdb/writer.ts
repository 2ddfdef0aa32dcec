/**
 * Writes what DUMP answers: a value, the version, and a checksum of all before it.
 *
 *   +------+-------+-----------------+---------------+
 *   | type | value | version, 2 B LE | CRC-64, 8 B LE |
 *   +------+-------+-----------------+---------------+
 *
 * Into chunks, since the length is not known before the end. Long strings are compressed and
 * copied in steps: `string` says whether it is done, `more` goes on.
 *
 *   if (!writer.string(buf, from, to)) while (!writer.more()) yield;
 */
import { Crc64 } from './crc64.js';
import { TWO_32, writeBigLength, writeInteger, writeLength } from './lengths.js';
import { LzfCompressor } from './lzf.js';

/** What is written: the version of Redis 7.0, which later ones read too. */
export const VERSION_WRITTEN = 10;
const FOOTER_BYTES = 10;
const MARK_LZF = 0xc3;

const CHUNK_BYTES = 64 * 1024;
/** A mark, two lengths. */
const HEADER_BYTES_MAX = 19;
/** Shorter strings are not compressed. */
const COMPRESSED_BYTES_MIN = 21;
/** Compression must save this many bytes. */
const SAVED_BYTES_MIN = 4;
/** Bytes of work in one step. */
const STEP_BYTES = 64 * 1024;

export class RdbWriter {
  /** All but the last are full. */
  readonly chunks: Buffer[] = [];
  /** In the footer: the lowest that has all of what is written. */
  version = VERSION_WRITTEN;
  #chunk = Buffer.allocUnsafe(256);
  #at = 0;
  #fullBytes = 0;
  readonly #crc = new Crc64();
  #compressor: LzfCompressor | undefined;
  #compressed: Buffer = this.#chunk;
  #source: Buffer = this.#chunk;
  #from = 0;
  #to = 0;

  get totalBytes(): number {
    return this.#fullBytes + this.#at;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#chunk[this.#at] = value;
    this.#at += 1;
  }

  length(length: number): void {
    this.#reserve(HEADER_BYTES_MAX);
    this.#at = writeLength(this.#chunk, this.#at, length);
  }

  bigLength(length: bigint): void {
    this.#reserve(HEADER_BYTES_MAX);
    this.#at = writeBigLength(this.#chunk, this.#at, length);
  }

  /** A few bytes as they are. */
  raw(buf: Buffer, from: number, to: number): void {
    this.#copy(buf, from, to);
  }

  int64(value: bigint): void {
    this.#reserve(8);
    this.#at = this.#chunk.writeBigInt64LE(value, this.#at);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at = this.#chunk.writeDoubleLE(value, this.#at);
  }

  /** An unsigned integer of 64 bits, up to 2^53-1. */
  uint64(value: number): void {
    this.#reserve(8);
    this.#at = this.#chunk.writeUInt32LE(value % TWO_32, this.#at);
    this.#at = this.#chunk.writeUInt32LE(Math.floor(value / TWO_32), this.#at);
  }

  /** A string as Redis would write it; false if `more` must go on. `buf` stays as it is until then. */
  string(buf: Buffer, from: number, to: number): boolean {
    this.#reserve(HEADER_BYTES_MAX);
    const end = writeInteger(this.#chunk, this.#at, buf, from, to);
    if (end !== this.#at) {
      this.#at = end;
      return true;
    }
    const bytes = to - from;
    this.#source = buf;
    this.#from = from;
    this.#to = to;
    if (bytes >= COMPRESSED_BYTES_MIN) {
      const most = bytes - SAVED_BYTES_MIN;
      this.#compressed = Buffer.allocUnsafe(most + SAVED_BYTES_MIN);
      this.#compressor = new LzfCompressor(buf.subarray(from, to), this.#compressed, most);
    } else {
      this.length(bytes);
    }
    return this.more();
  }

  /** Goes on with a string; true when it is done. */
  more(): boolean {
    if (this.#compressor !== undefined) {
      if (!this.#compressor.step(STEP_BYTES)) return false;
      this.#begin(this.#compressor.outputBytes);
      this.#compressor = undefined;
    }
    const end = Math.min(this.#to, this.#from + STEP_BYTES);
    this.#copy(this.#source, this.#from, end);
    this.#from = end;
    return end === this.#to;
  }

  /** Writes what stands before the bytes of a string. `compressedBytes` 0: it is not worth it. */
  #begin(compressedBytes: number): void {
    const bytes = this.#to - this.#from;
    if (compressedBytes === 0) {
      this.length(bytes);
      return;
    }
    this.byte(MARK_LZF);
    this.length(compressedBytes);
    this.length(bytes);
    this.#source = this.#compressed;
    this.#from = 0;
    this.#to = compressedBytes;
  }

  /** Writes version and checksum, and closes the last chunk. */
  finish(): void {
    this.#reserve(FOOTER_BYTES);
    this.#at = this.#chunk.writeUInt16LE(this.version, this.#at);
    this.#crc.update(this.#chunk, 0, this.#at);
    this.#crc.writeTo(this.#chunk, this.#at);
    this.#at += 8;
    this.close();
  }

  /** Closes the last chunk, without a footer: a part of a file. */
  close(): void {
    this.chunks.push(this.#chunk.subarray(0, this.#at));
    this.#fullBytes += this.#at;
    this.#at = 0;
  }

  #copy(buf: Buffer, from: number, to: number): void {
    for (let at = from; at < to; ) {
      this.#reserve(1);
      const end = Math.min(to, at + this.#chunk.length - this.#at);
      this.#at += buf.copy(this.#chunk, this.#at, at, end);
      at = end;
    }
  }

  /** Makes sure that so many bytes fit in the chunk at hand. The first one is small. */
  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#chunk.length) return;
    const full = this.#chunk.subarray(0, this.#at);
    this.#crc.update(full, 0, full.length);
    this.#fullBytes += full.length;
    this.chunks.push(full);
    this.#chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    this.#at = 0;
  }
}
