/**
 * The file that `dhash backup` writes: the chunks of a backup, compressed and checked.
 *
 *    0           8              10
 *   +-----------+--------------+--------+--------+-- ... --+--------+
 *   | DHASHBAK  | version 2 B  | facts  | chunk  |         | totals |
 *   +-----------+--------------+--------+--------+-- ... --+--------+
 *
 *   block:  kind 1 B | stored bytes 4 B | bytes 4 B | stored, raw deflate (RFC 1951) | CRC-64 8 B
 *
 * Numbers are little-endian; the CRC-64 (rdb/crc64.ts) covers its block from the kind on. `facts`
 * and `totals` are JSON: what the node said of the backup, and how many chunks and bytes there
 * must be. A chunk is that of backup-stream.ts. A file without totals was not written to its end.
 *
 * `facts.ranges` says which keys the backup is of, (after, upTo] on the circle each, in base64; one
 * that ends where it begins is the whole circle. Together the files of a ring's nodes cover it.
 */
import { Crc64 } from '../../rdb/crc64.js';

const MAGIC = Buffer.from('DHASHBAK');
const FILE_VERSION = 1;
/** The version of what is in chunks (backup-stream.ts). */
export const CHUNK_FORMAT = 1;
export const FILE_HEADER_BYTES = 10;
export const BLOCK_HEADER_BYTES = 9;
export const BLOCK_CHECK_BYTES = 8;
/** Of a block as it is stored: a chunk with the longest value, which does not compress. */
export const BLOCK_BYTES_MAX = 1024 * 1024 * 1024;

export const BLOCK_FACTS = 1;
export const BLOCK_CHUNK = 2;
export const BLOCK_TOTALS = 3;

export interface BackupRange {
  readonly after: string;
  readonly upTo: string;
}

export interface BackupFacts {
  /** CHUNK_FORMAT of the chunks. */
  readonly format: number;
  /** Of the dhash that wrote it. */
  readonly version: string;
  /** The moment that it shows, ms since 1970. */
  readonly createdMs: number;
  readonly databases: number;
  /** About how many entries: those that are tombstones or elements count too. */
  readonly entries: number;
  /** What they take in the node, bytes. */
  readonly memoryBytes: number;
  readonly ranges: readonly BackupRange[];
  /** The code of each library of functions, a character a byte. */
  readonly functions: readonly string[];
}

export interface BackupTotals {
  readonly chunks: number;
  /** Of the chunks, before they were compressed. */
  readonly bytes: number;
}

export interface BlockHeader {
  readonly kind: number;
  readonly storedBytes: number;
  readonly bytes: number;
}

/** Thrown at what is no whole and sound backup. */
export class BackupFileError extends Error {
  override readonly name = 'BackupFileError';
}

export function fileHeader(): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt16LE(FILE_VERSION, MAGIC.length);
  return header;
}

export function checkFileHeader(header: Buffer): void {
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new BackupFileError('this is no backup: it does not begin with DHASHBAK');
  }
  const version = header.readUInt16LE(MAGIC.length);
  if (version !== FILE_VERSION) {
    throw new BackupFileError(`version ${version} of the format: known is ${FILE_VERSION}`);
  }
}

/** A block around what is stored, which has had so many bytes before it was compressed. */
export function encodeBlock(kind: number, stored: Buffer, bytes: number): Buffer {
  const end = BLOCK_HEADER_BYTES + stored.length;
  const block = Buffer.allocUnsafe(end + BLOCK_CHECK_BYTES);
  block[0] = kind;
  block.writeUInt32LE(stored.length, 1);
  block.writeUInt32LE(bytes, 5);
  stored.copy(block, BLOCK_HEADER_BYTES);
  const crc = new Crc64();
  crc.update(block, 0, end);
  crc.writeTo(block, end);
  return block;
}

/** Reads the header of a block; the rest of it has `storedBytes` and BLOCK_CHECK_BYTES. */
export function readBlockHeader(header: Buffer): BlockHeader {
  const kind = header[0]!;
  const storedBytes = header.readUInt32LE(1);
  const bytes = header.readUInt32LE(5);
  if (kind < BLOCK_FACTS || kind > BLOCK_TOTALS || storedBytes > BLOCK_BYTES_MAX) {
    throw new BackupFileError('the file is damaged: no block begins where one should');
  }
  return { kind, storedBytes, bytes };
}

/** Whether a whole block is as it was written. */
export function isSound(block: Buffer): boolean {
  const end = block.length - BLOCK_CHECK_BYTES;
  const crc = new Crc64();
  crc.update(block, 0, end);
  return crc.equals(block, end);
}
