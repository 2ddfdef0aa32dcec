/**
 * Pad: a small file that a turn's blocks are written to before its replies leave, so that nothing
 * acknowledged is lost, though the LogStore gets the same blocks a little later and many at a time.
 * Not synced it covers a crash of the process, and synced (`--fsync always`) one of the machine.
 *
 *   byte 0                      HALF                       2 HALF
 *    +-------+-------+-----+-----+-------+-------+----------+
 *    | block | block | ... | old | block | ...   | 0        |
 *    +-------+-------+-----+-----+-------+-------+----------+
 *
 * Blocks (block.ts) follow each other in one half, then in the other, which is begun only when the
 * store has all blocks that it held. What is behind the last block of a half is older, or nothing.
 *
 * Why not each batch at once to the store: handing one over to its thread costs as much as forty
 * commands, and this write two. And a sync of this file moves no end of a file and finds no other
 * writes under way: its room is there since the start.
 *
 * Invariant: every block above what the store has, up to `number`, is in the pad.
 */
import type { Disk, DiskFile } from '../../world/world.js';
import { BLOCK_HEADER_BYTES, type BlockHeader, blockBytes, readBlock } from './block.js';

export const PAD_HALF_BYTES = 4 * 1024 * 1024;

export interface PadBlock {
  readonly number: number;
  readonly block: Buffer;
}

export class Pad {
  /** The last block in it, or in the store when it was begun. */
  number = 0;
  /** Blocks [firstNumber, number] are all in it; of them those up to `syncedNumber` are synced. */
  firstNumber = 1;
  syncedNumber = 0;
  readonly #disk: Disk;
  readonly #path: string;
  #opened: DiskFile | undefined;
  #half = 0;
  #at = 0;
  /** The first and the last block of each half. */
  readonly #firstNumbers = [0, 0];
  readonly #lastNumbers = [0, 0];
  /** How often it was begun anew: a sync from before does not count. */
  #beginnings = 0;

  private constructor(disk: Disk, path: string, file: DiskFile) {
    this.#disk = disk;
    this.#path = path;
    this.#opened = file;
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
    return { pad: new Pad(disk, path, file), blocks };
  }

  /** Makes it empty, with room on the disk for all that it may hold. `number`: of the store. */
  async reset(number: number): Promise<void> {
    await this.#makeRoom();
    this.restart(number);
  }

  async #makeRoom(): Promise<void> {
    const nothing = Buffer.alloc(PAD_HALF_BYTES);
    await this.#file.write(nothing, 0);
    await this.#file.write(nothing, PAD_HALF_BYTES);
    await this.#file.sync();
  }

  /** Closes the file; what it holds stays there. Until `reopen` whatever needs it throws. */
  async release(): Promise<void> {
    const file = this.#opened;
    this.#opened = undefined;
    await file?.close().catch(() => undefined);
  }

  /** Opens the file again, if it was released. Rejects with the disk's error. */
  async reopen(): Promise<void> {
    if (this.#opened !== undefined) return;
    this.#opened = await this.#disk.open(this.#path, 'create');
    try {
      if ((await this.#opened.sizeBytes()) < 2 * PAD_HALF_BYTES) await this.#makeRoom();
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  get #file(): DiskFile {
    if (this.#opened === undefined) throw new Error('the pad is closed');
    return this.#opened;
  }

  /** Begins anew: what it holds no longer counts. Throws the disk's error. */
  restart(number: number): void {
    this.forget(number);
    const nothing = Buffer.alloc(BLOCK_HEADER_BYTES);
    for (const half of [0, 1]) this.#file.writeNow(nothing, half * PAD_HALF_BYTES);
  }

  /** As `restart`, but what it holds stays and is true, if somebody can read it. */
  forget(number: number): void {
    this.#beginnings += 1;
    this.#half = 0;
    this.#at = 0;
    this.#lastNumbers.fill(0);
    this.number = number;
    this.firstNumber = number + 1;
    this.syncedNumber = 0;
  }

  /**
   * Keeps the next block; false if it cannot: there is no room until the store has more, or a
   * block before it is neither here nor there. `storedNumber`: blocks up to it are safe in the
   * store, as far as they are to be safe here. Throws the disk's error.
   */
  add(number: number, block: Buffer, storedNumber: number): boolean {
    if (number > Math.max(this.number, storedNumber) + 1) return false;
    const bytes = block.length;
    if (this.#at + bytes > PAD_HALF_BYTES && !this.#turn(storedNumber, bytes)) return false;
    this.#file.writeNow(block, this.#half * PAD_HALF_BYTES + this.#at);
    if (number > this.number + 1) this.firstNumber = number;
    if (this.#at === 0) this.#firstNumbers[this.#half] = number;
    this.#at += bytes;
    this.number = number;
    this.#lastNumbers[this.#half] = number;
    return true;
  }

  /** Blocks up to this one must be safe in the store before the other half can be used again. */
  get otherHalfNumber(): number {
    return this.#lastNumbers[1 - this.#half]!;
  }

  /** All blocks that it has now are safe from a crash of the machine. Rejects with the disk's error. */
  async sync(): Promise<void> {
    const { number } = this;
    const beginnings = this.#beginnings;
    await this.#file.sync();
    if (beginnings === this.#beginnings) this.syncedNumber = number;
  }

  /** As `sync`, before it returns; throws the disk's error. */
  syncNow(): void {
    this.#file.syncNow();
    this.syncedNumber = this.number;
  }

  async close(): Promise<void> {
    await this.#opened?.close();
  }

  /** Goes on in the other half, if the store has all of it. */
  #turn(storedNumber: number, bytes: number): boolean {
    const other = 1 - this.#half;
    if (bytes > PAD_HALF_BYTES) return false;
    if (this.#lastNumbers[other]! > storedNumber) return false;
    this.firstNumber = Math.max(this.firstNumber, this.#firstNumbers[this.#half]!);
    this.#half = other;
    this.#at = 0;
    return true;
  }
}

function readHalf(half: Buffer): PadBlock[] {
  const blocks: PadBlock[] = [];
  const header: BlockHeader = { number: 0, sealedMs: 0, closes: false };
  for (let at = 0; at + BLOCK_HEADER_BYTES <= half.length; ) {
    const to = at + blockBytes(half, at);
    if (to > half.length) break;
    const block = half.subarray(at, to);
    if (readBlock(block, header) !== undefined) break;
    // Behind the last block of this time around older ones may follow.
    const last = blocks.at(-1);
    if (last !== undefined && header.number <= last.number) break;
    blocks.push({ number: header.number, block });
    at = to;
  }
  return blocks;
}
