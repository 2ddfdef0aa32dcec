/**
 * DurableRecords: a few small values by name that must survive anything: identity, promises, votes,
 * the reserved stamp. A value is on stable storage, twice, when `put` resolves.
 *
 *   file      header | frame | frame | ...        records.a and records.b, the same but for a crash
 *
 *   header     0   8  "DHRECORD"
 *              8   4  version of this format, 1
 *             12   4  CRC-32 of bytes 0 to 11
 *
 *   frame      0   4  CRC-32 of all that follows in the frame
 *              4   4  bytes of the frame, from its start
 *              8   8  number of the frame (f64), counted up by one
 *             16   1  1: the whole state; 0: changes to what was before
 *             17      u16 name bytes | u32 value bytes (0xffffffff: removed) | name | value, again
 *                     and again                                                  (little-endian)
 *
 * A frame is everything that is waiting to be put, written at the end of both files by one write
 * each and then synced, before the next frame is begun. So a crash can tear the last frame of a file
 * and nothing else: it was not acknowledged. Any other frame that is damaged in one file is taken
 * from the other; if it is damaged in both, `open` refuses. Files that have grown long are replaced
 * whole by a frame of the whole state, one after the other.
 *
 * New files end with zeros, which the next frames take the place of, so that a member whose disk is
 * full can keep what the ring decides, and its keys stay readable.
 *
 * Why two copies: a bit that flips in the last frame of a single file looks like a torn write, and
 * cutting it off would forget a promise that was given.
 *
 * Pure over the World's disk. Errors of `put` are the disk's; whether the value is there after the
 * next start is then open, and the next `put` begins with new files. `open` rejects with a
 * `DurableRecordsError`.
 */
import type { Disk, DiskFile } from '../../world/world.js';
import { crc32 } from './crc32.js';

/** Longest value, and all of them together, bytes. */
export const RECORD_VALUE_BYTES_MAX = 512 * 1024;
export const RECORDS_BYTES_MAX = 1024 * 1024;
/** A file that has grown beyond this by changes is replaced. */
const CHANGES_BYTES_MAX = 64 * 1024;
/** Room for changes in a new file: as much again for those that come while it cannot be replaced. */
const ROOM_BYTES = 2 * CHANGES_BYTES_MAX;
const NAMES = ['records.a', 'records.b'] as const;
const MAGIC = Buffer.from('DHRECORD', 'latin1');
const VERSION = 1;
const HEADER_BYTES = 16;
const FRAME_HEADER_BYTES = 17;
const PAIR_HEADER_BYTES = 6;
const REMOVED = 0xffff_ffff;
const FRAME_BYTES_MAX = 2 * RECORDS_BYTES_MAX;

export class DurableRecordsError extends Error {
  readonly code: 'DAMAGED' | 'NEWER_VERSION' | 'TOO_LARGE';

  constructor(code: DurableRecordsError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

interface Frame {
  readonly number: number;
  readonly isWhole: boolean;
  readonly pairs: readonly (readonly [name: string, value: Buffer | undefined])[];
}

interface Waiting {
  readonly name: string;
  readonly value: Buffer | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class DurableRecords {
  /** What was damaged in one of the files and taken from the other, in words; for the log. */
  readonly repaired: readonly string[];
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #values: Map<string, Buffer>;
  #files: DiskFile[] = [];
  /** The number of the last frame that may be on the disk. */
  #number: number;
  #endBytes = 0;
  #wholeBytes = 0;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  /** The files end with a frame that nobody can be sure of. */
  #isBroken = true;

  private constructor(disk: Disk, folder: string, found: Found) {
    this.#disk = disk;
    this.#folder = folder;
    this.#values = found.values;
    this.#number = found.number;
    this.repaired = found.repaired;
  }

  /**
   * Reads what is there; both files are then as good as new. An empty folder is an empty state,
   * unless `isNew` is false: then there must have been files.
   */
  static async open(disk: Disk, folder: string, { isNew = true } = {}): Promise<DurableRecords> {
    const copies: (Buffer | undefined)[] = [];
    for (const name of NAMES) copies.push(await readCopy(disk, `${folder}/${name}`));
    if (!isNew && copies.every((copy) => copy === undefined || copy.length === 0)) {
      throw new DurableRecordsError('DAMAGED', `${NAMES.join(' and ')} are missing`);
    }
    const records = new DurableRecords(disk, folder, recover(copies));
    await removeLeftovers(disk, folder);
    await records.#replaceFiles();
    return records;
  }

  /** Empty ones, in place of files that cannot be read; these are kept under another name. */
  static async openAnew(disk: Disk, folder: string): Promise<DurableRecords> {
    for (const name of NAMES) {
      const path = `${folder}/${name}`;
      if (await disk.exists(path)) await disk.rename(path, `${path}.damaged`);
    }
    return DurableRecords.open(disk, folder);
  }

  get(name: string): Buffer | undefined {
    return this.#values.get(name);
  }

  /** Resolves when it is safe; undefined removes. `get` gives it from then on. */
  put(name: string, value: Buffer | undefined): Promise<void> {
    const bytes = value?.length ?? 0;
    if (bytes > RECORD_VALUE_BYTES_MAX || this.#bytes() + bytes > RECORDS_BYTES_MAX) {
      return Promise.reject(new DurableRecordsError('TOO_LARGE', `${name}: ${bytes} bytes`));
    }
    const copy = value === undefined ? undefined : Buffer.from(value);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name, value: copy, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Closes the files; the next `put` begins with new ones. */
  async release(): Promise<void> {
    this.#isBroken = true;
    if (this.#writing === undefined) await this.#closeFiles();
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#closeFiles();
  }

  #bytes(): number {
    let bytes = 0;
    for (const [name, value] of this.#values) bytes += name.length + value.length;
    for (const { value } of this.#waiting) bytes += value?.length ?? 0;
    return bytes;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        if (this.#isBroken) await this.#replaceFiles();
        else if (this.#changesBytes > CHANGES_BYTES_MAX) await this.#tryToReplace();
        await this.#append(group);
      } catch (error) {
        this.#isBroken = true;
        for (const { reject } of group) reject(error);
        continue;
      }
      for (const { name, value } of group) {
        if (value === undefined) this.#values.delete(name);
        else this.#values.set(name, value);
      }
      for (const { resolve } of group) resolve();
    }
    this.#writing = undefined;
  }

  async #append(group: readonly Waiting[]): Promise<void> {
    this.#number += 1;
    const pairs = new Map(group.map(({ name, value }) => [name, value]));
    const bytes = encodeFrame({ number: this.#number, isWhole: false, pairs: [...pairs] });
    await Promise.all(this.#files.map((file) => file.write(bytes, this.#endBytes)));
    await Promise.all(this.#files.map((file) => file.sync()));
    this.#endBytes += bytes.length;
  }

  get #changesBytes(): number {
    return this.#endBytes - this.#wholeBytes;
  }

  /** While nothing of them was replaced and there is room, the files are as good as before. */
  async #tryToReplace(): Promise<void> {
    try {
      await this.#replaceFiles();
    } catch (error) {
      if (this.#isBroken || this.#changesBytes > ROOM_BYTES) throw error;
    }
  }

  async #replaceFiles(): Promise<void> {
    const number = this.#number + 1;
    const frame = encodeFrame({ number, isWhole: true, pairs: [...this.#values] });
    const whole = Buffer.concat([encodeHeader(), frame]);
    const bytes = Buffer.concat([whole, Buffer.alloc(ROOM_BYTES)]);
    for (const name of NAMES) {
      await this.#disk.replaceFile(`${this.#folder}/${name}`, bytes);
      this.#isBroken = true;
      this.#number = number;
    }
    await this.#closeFiles();
    for (const name of NAMES) {
      this.#files.push(await this.#disk.open(`${this.#folder}/${name}`, 'write'));
    }
    this.#endBytes = whole.length;
    this.#wholeBytes = whole.length;
    this.#isBroken = false;
  }

  async #closeFiles(): Promise<void> {
    const files = this.#files;
    this.#files = [];
    await Promise.allSettled(files.map((file) => file.close()));
  }
}

/** Removes what a crash has left of files that were being replaced (`Disk.replaceFile`). */
async function removeLeftovers(disk: Disk, folder: string): Promise<void> {
  for (const name of await disk.list(folder)) {
    if (/^\.records\.[ab]\..*\.tmp$/.test(name)) await disk.remove(`${folder}/${name}`);
  }
}

async function readCopy(disk: Disk, path: string): Promise<Buffer | undefined> {
  if (!(await disk.exists(path))) return undefined;
  return disk.readFile(path);
}

// What is found.

interface Found {
  readonly values: Map<string, Buffer>;
  readonly number: number;
  readonly repaired: string[];
}

/** The state after the last frame that follows without a gap from a frame of the whole state. */
function recover(copies: readonly (Buffer | undefined)[]): Found {
  const repaired: string[] = [];
  const frames = new Map<number, Frame>();
  const found: Frame[][] = [];
  let hasHeader = false;
  for (const [index, copy] of copies.entries()) {
    if (copy === undefined) {
      found.push([]);
      continue;
    }
    if (readHeader(copy)) hasHeader = true;
    else if (copy.length > 0) repaired.push(`${NAMES[index]}: its header`);
    const own = readFrames(copy);
    for (const frame of own) frames.set(frame.number, frame);
    found.push(own);
  }
  const highest = Math.max(0, ...frames.keys());
  if (frames.size === 0) {
    if (copies.some((copy) => copy !== undefined && copy.length > 0)) {
      throw new DurableRecordsError('DAMAGED', 'no frame of either file can be read');
    }
    return { values: new Map(), number: 0, repaired };
  }
  if (!hasHeader) throw new DurableRecordsError('DAMAGED', 'both headers are damaged');
  let first = highest;
  while (frames.get(first)?.isWhole === false) first -= 1;
  const start = frames.get(first);
  if (start === undefined) {
    throw new DurableRecordsError(
      'DAMAGED',
      `frame ${first} of ${highest} is damaged in both files`,
    );
  }
  for (const [index, own] of found.entries()) {
    const has = new Set(own.map(({ number }) => number));
    const from = Math.max(first, own[0]?.number ?? highest + 1);
    for (let number = from; number <= (own.at(-1)?.number ?? 0); number += 1) {
      if (!has.has(number)) repaired.push(`${NAMES[index]}: frame ${number}`);
    }
  }
  const values = new Map<string, Buffer>();
  for (let number = first; number <= highest; number += 1) {
    for (const [name, value] of frames.get(number)!.pairs) {
      if (value === undefined) values.delete(name);
      else values.set(name, value);
    }
  }
  return { values, number: highest, repaired };
}

/** True: a header of this version; false: damaged. Throws for a newer one. */
function readHeader(copy: Buffer): boolean {
  if (copy.length < HEADER_BYTES || !copy.subarray(0, MAGIC.length).equals(MAGIC)) return false;
  if (copy.readUInt32LE(12) !== crc32(copy, 0, 12)) return false;
  const version = copy.readUInt32LE(8);
  if (version <= VERSION) return true;
  throw new DurableRecordsError(
    'NEWER_VERSION',
    `its format is version ${version}, this dhash knows up to ${VERSION}`,
  );
}

/** All frames that are whole, in order; damaged bytes in between are passed over. */
function readFrames(copy: Buffer): Frame[] {
  const frames: Frame[] = [];
  // Behind the last there may be room.
  let usedBytes = copy.length;
  while (copy[usedBytes - 1] === 0) usedBytes -= 1;
  for (let at = HEADER_BYTES; at < usedBytes && at + FRAME_HEADER_BYTES <= copy.length; ) {
    const frame = readFrame(copy, at);
    if (frame === undefined) {
      at += 1;
    } else {
      frames.push(frame);
      at += copy.readUInt32LE(at + 4);
    }
  }
  return frames;
}

function readFrame(copy: Buffer, at: number): Frame | undefined {
  const bytes = copy.readUInt32LE(at + 4);
  if (bytes < FRAME_HEADER_BYTES || bytes > FRAME_BYTES_MAX) return undefined;
  const end = at + bytes;
  if (end > copy.length || copy.readUInt32LE(at) !== crc32(copy, at + 4, end)) return undefined;
  const pairs: [string, Buffer | undefined][] = [];
  for (let pair = at + FRAME_HEADER_BYTES; pair < end; ) {
    const from = pair + PAIR_HEADER_BYTES;
    const to = from + copy.readUInt16LE(pair);
    const valueBytes = copy.readUInt32LE(pair + 2);
    const valueTo = valueBytes === REMOVED ? to : to + valueBytes;
    const value = valueBytes === REMOVED ? undefined : Buffer.from(copy.subarray(to, valueTo));
    pairs.push([copy.toString('latin1', from, to), value]);
    pair = valueTo;
  }
  return { number: copy.readDoubleLE(at + 8), isWhole: copy[at + 16] === 1, pairs };
}

function encodeHeader(): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(crc32(header, 0, 12), 12);
  return header;
}

function encodeFrame({ number, isWhole, pairs }: Frame): Buffer {
  const parts: Buffer[] = [Buffer.alloc(FRAME_HEADER_BYTES)];
  for (const [name, value] of pairs) {
    const header = Buffer.alloc(PAIR_HEADER_BYTES);
    header.writeUInt16LE(name.length, 0);
    header.writeUInt32LE(value?.length ?? REMOVED, 2);
    parts.push(header, Buffer.from(name, 'latin1'), value ?? Buffer.alloc(0));
  }
  const frame = Buffer.concat(parts);
  frame.writeUInt32LE(frame.length, 4);
  frame.writeDoubleLE(number, 8);
  frame[16] = isWhole ? 1 : 0;
  frame.writeUInt32LE(crc32(frame, 4, frame.length), 0);
  return frame;
}
