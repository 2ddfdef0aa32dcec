/**
 * Pad: a small file that a turn's blocks are written to before its replies leave, so that a crash
 * of the process loses nothing acknowledged, though the LogStore gets the same blocks a little
 * later and many at a time. It is never synced: it covers a crash of the process, not of the machine.
 *
 *   byte 0                      HALF                       2 HALF
 *    +--------+--------+--------+-------+--------+----------+
 *    | bytes 4, block  | ...  0 | bytes 4, block | ...      |
 *    +--------+--------+--------+-------+--------+----------+
 *
 * Blocks (block.ts) follow each other in one half, then in the other, which is begun only when the
 * store has all blocks that it held. What is behind the last block of a half is older, or nothing.
 *
 * Why not each batch at once to the store: handing one over to its thread costs as much as forty
 * commands, and this write two.
 *
 * Invariant: every block above what the store has, up to `number`, is in the pad.
 */
import type { Disk, DiskFile } from '../../world/world.js';
import { BLOCK_HEADER_BYTES, type BlockHeader, readBlock } from './block.js';

export const PAD_HALF_BYTES = 4 * 1024 * 1024;
const LENGTH_BYTES = 4;

export interface PadBlock {
  readonly number: number;
  readonly block: Buffer;
}

export class Pad {
  /** The last block in it, or in the store when it was begun. */
  number = 0;
  readonly #file: DiskFile;
  #half = 0;
  #at = 0;
  /** The last block of each half. */
  readonly #lastNumbers = [0, 0];
  readonly #length = Buffer.alloc(LENGTH_BYTES);

  private constructor(file: DiskFile) {
    this.#file = file;
  }

  /** Opens the pad and reads what it holds, in the order of numbers. */
  static async open(disk: Disk, path: string): Promise<{ pad: Pad; blocks: PadBlock[] }> {
    const file = await disk.open(path, 'create');
    const whole = Buffer.alloc(2 * PAD_HALF_BYTES);
    await file.read(whole, 0);
    const blocks: PadBlock[] = [];
    for (let half = 0; half < 2; half += 1) {
      const from = half * PAD_HALF_BYTES;
      blocks.push(...readHalf(whole.subarray(from, from + PAD_HALF_BYTES)));
    }
    blocks.sort((a, b) => a.number - b.number);
    return { pad: new Pad(file), blocks };
  }

  /** Makes it empty, with room on the disk for all that it may hold. `number`: of the store. */
  async reset(number: number): Promise<void> {
    const nothing = Buffer.alloc(PAD_HALF_BYTES);
    await this.#file.write(nothing, 0);
    await this.#file.write(nothing, PAD_HALF_BYTES);
    this.restart(number);
  }

  /** Begins anew: what it holds no longer counts. Throws the disk's error. */
  restart(number: number): void {
    this.#length.fill(0);
    for (const half of [0, 1]) {
      this.#file.writeNow(this.#length, half * PAD_HALF_BYTES);
      this.#lastNumbers[half] = 0;
    }
    this.#at = 0;
    this.number = number;
  }

  /**
   * Keeps the next block; false if it cannot: there is no room until the store has more, or a
   * block before it is neither here nor there. Throws the disk's error.
   */
  add(number: number, block: Buffer, writtenNumber: number): boolean {
    if (number > Math.max(this.number, writtenNumber) + 1) return false;
    const bytes = LENGTH_BYTES + block.length;
    if (this.#at + bytes + LENGTH_BYTES > PAD_HALF_BYTES && !this.#turn(writtenNumber, bytes)) {
      return false;
    }
    const at = this.#half * PAD_HALF_BYTES + this.#at;
    this.#length.writeUInt32LE(block.length, 0);
    // The length comes last: until then nothing, or an older block, is here.
    this.#file.writeNow(block, at + LENGTH_BYTES);
    this.#file.writeNow(this.#length, at);
    this.#at += bytes;
    this.number = number;
    this.#lastNumbers[this.#half] = number;
    return true;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Goes on in the other half, if the store has all of it. */
  #turn(writtenNumber: number, bytes: number): boolean {
    const other = 1 - this.#half;
    if (bytes + LENGTH_BYTES > PAD_HALF_BYTES) return false;
    if (this.#lastNumbers[other]! > writtenNumber) return false;
    this.#half = other;
    this.#at = 0;
    return true;
  }
}

function readHalf(half: Buffer): PadBlock[] {
  const blocks: PadBlock[] = [];
  const header: BlockHeader = { number: 0, sealedMs: 0, closes: false };
  for (let at = 0; at + LENGTH_BYTES <= half.length; ) {
    const bytes = half.readUInt32LE(at);
    const from = at + LENGTH_BYTES;
    if (bytes < BLOCK_HEADER_BYTES || from + bytes > half.length) break;
    const block = half.subarray(from, from + bytes);
    if (readBlock(block, header) !== undefined) break;
    // Behind the last block of this time around older ones may follow.
    const last = blocks.at(-1);
    if (last !== undefined && header.number <= last.number) break;
    blocks.push({ number: header.number, block });
    at = from + bytes;
  }
  return blocks;
}
