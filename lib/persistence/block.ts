/**
 * Block: what the log is made of, one value of the LogStore each.
 *
 *   key     'b' (1 B) | number (7 B, big-endian), counted up by one
 *
 *   value   byte (little-endian)
 *            0   4  CRC-32 of all that follows
 *            4   4  mark: "DHB" and the version of this format, 1
 *            8   8  number, as in the key
 *           16   8  wall clock when it was sealed, ms since 1970
 *           24   4  bytes that follow the header
 *           28   4  flags: 1 closes a run
 *           32      records (record.ts), each whole
 *
 * A run is what takes effect together: the blocks up to one that closes. At a start, what follows
 * the last block that closes is cut off. Most runs are one block: what one turn of the event loop
 * has changed. Numbers without a gap show that no block is missing between two others.
 *
 * Keys of anything else sort before the blocks. LevelDB writes a table once, and merges it with
 * none, if no other table has keys on both sides of those in it: as long as all that is behind the
 * last block is the next one.
 */
import { crc32 } from './crc32.js';

export const BLOCK_HEADER_BYTES = 32;
const FLAG_CLOSES = 1;
const BLOCK_VERSION = 1;
const KEY_BYTES = 8;
const KEY_PREFIX = 0x62;
const MARK = 0x424844;
const TWO_32 = 4294967296;

export interface BlockHeader {
  number: number;
  /** Wall clock when it was sealed, ms since 1970. */
  sealedMs: number;
  closes: boolean;
}

export type BlockProblem = 'cut short' | 'no block' | 'a newer version' | 'a wrong checksum';

export function blockKey(number: number): Buffer {
  const key = Buffer.alloc(KEY_BYTES);
  key.writeUInt32BE(Math.floor(number / TWO_32), 0);
  key.writeUInt32BE(number % TWO_32, 4);
  key[0] = KEY_PREFIX;
  return key;
}

export const FIRST_BLOCK_KEY = blockKey(0);
/** The first key behind all blocks. */
export const BLOCK_KEYS_END = Buffer.from([KEY_PREFIX + 1]);

/** The number in a key; -1 if it is none of a block. */
export function blockNumber(key: Buffer): number {
  if (key.length !== KEY_BYTES || key[0] !== KEY_PREFIX) return -1;
  return key.readUIntBE(1, 3) * TWO_32 + key.readUInt32BE(4);
}

/** Writes the header of the block that ends at `end`. */
export function sealBlock(buf: Buffer, end: number, header: BlockHeader): void {
  buf.writeUInt32LE(MARK | (BLOCK_VERSION << 24), 4);
  buf.writeDoubleLE(header.number, 8);
  buf.writeDoubleLE(header.sealedMs, 16);
  buf.writeUInt32LE(end - BLOCK_HEADER_BYTES, 24);
  buf.writeUInt32LE(header.closes ? FLAG_CLOSES : 0, 28);
  buf.writeUInt32LE(crc32(buf, 4, end), 0);
}

/** Bytes of the block whose header is here, if it is one. */
export function blockBytes(buf: Buffer, at: number): number {
  return BLOCK_HEADER_BYTES + buf.readUInt32LE(at + 24);
}

/** Reads the header and checks the whole; what is wrong with it, or undefined. */
export function readBlock(block: Buffer, into: BlockHeader): BlockProblem | undefined {
  if (block.length < BLOCK_HEADER_BYTES) return 'cut short';
  if (block.readUInt32LE(24) !== block.length - BLOCK_HEADER_BYTES) return 'cut short';
  if (block.readUInt32LE(0) !== crc32(block, 4, block.length)) return 'a wrong checksum';
  const mark = block.readUInt32LE(4);
  if ((mark & 0xffffff) !== MARK) return 'no block';
  if (mark >>> 24 > BLOCK_VERSION) return 'a newer version';
  into.number = block.readDoubleLE(8);
  into.sealedMs = block.readDoubleLE(16);
  into.closes = (block.readUInt32LE(28) & FLAG_CLOSES) !== 0;
  return undefined;
}
