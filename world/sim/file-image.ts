/**
 * The contents of one simulated file, twice: as programs see it, and as it would be found after a
 * power cut.
 *
 *   write, truncate --> visible -------------------------> read
 *                  +--> pending --sync--> durable --power cut--> visible
 *
 * At a power cut every pending change by itself has reached the disk wholly, not at all, or in
 * some of its sectors (a torn write), because the system writes back in any order.
 */

import type { SimRandom } from './random.js';

const SECTOR_BYTES = 512;

type Change =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly bytes: number };

export class FileImage {
  #visible = new GrowingBytes();
  #durable = new GrowingBytes();
  #pending: Change[] = [];

  get bytes(): number {
    return this.#visible.length;
  }

  read(target: Uint8Array, position: number): number {
    return this.#visible.read(target, position);
  }

  whole(): Buffer {
    const all = Buffer.alloc(this.bytes);
    this.read(all, 0);
    return all;
  }

  write(position: number, bytes: Buffer): void {
    this.#visible.write(position, bytes);
    this.#pending.push({ kind: 'write', position, bytes });
  }

  truncate(bytes: number): void {
    this.#visible.truncate(bytes);
    this.#pending.push({ kind: 'truncate', bytes });
  }

  sync(): void {
    for (const change of this.#pending) apply(this.#durable, change);
    this.#pending = [];
  }

  /** What a failed sync does on Linux: the pages count as clean, and are on no disk. */
  syncFailed(): void {
    this.#pending = [];
  }

  powerCut(random: SimRandom): void {
    for (const change of this.#pending) {
      const fate = random.below(3);
      if (fate === 0) apply(this.#durable, change);
      else if (fate === 1 && change.kind === 'write') tear(this.#durable, change, random);
    }
    this.#pending = [];
    this.#visible = this.#durable.clone();
  }

  /** Bit rot, seen at once and for good. */
  flipBit(position: number, bit: number): void {
    for (const image of [this.#visible, this.#durable]) image.flipBit(position, bit);
  }
}

function apply(image: GrowingBytes, change: Change): void {
  if (change.kind === 'write') image.write(change.position, change.bytes);
  else image.truncate(change.bytes);
}

/** Writes a random choice of the sectors that the write touches. */
function tear(
  image: GrowingBytes,
  { position, bytes }: { readonly position: number; readonly bytes: Buffer },
  random: SimRandom,
): void {
  let from = 0;
  while (from < bytes.length) {
    const sectorEnd = Math.floor((position + from) / SECTOR_BYTES + 1) * SECTOR_BYTES;
    const to = Math.min(bytes.length, sectorEnd - position);
    if (random.chance(0.5)) image.write(position + from, bytes.subarray(from, to));
    from = to;
  }
}

/** Bytes with a length; a hole reads as zeros. */
class GrowingBytes {
  length = 0;
  #buf = Buffer.alloc(0);

  read(target: Uint8Array, position: number): number {
    const bytes = Math.max(0, Math.min(target.length, this.length - position));
    target.set(this.#buf.subarray(position, position + bytes));
    return bytes;
  }

  write(position: number, bytes: Buffer): void {
    const end = position + bytes.length;
    if (end > this.#buf.length) {
      const grown = Buffer.alloc(Math.max(end, 2 * this.#buf.length));
      this.#buf.copy(grown, 0, 0, this.length);
      this.#buf = grown;
    }
    bytes.copy(this.#buf, position);
    this.length = Math.max(this.length, end);
  }

  truncate(bytes: number): void {
    if (bytes < this.length) this.#buf.fill(0, bytes, this.length);
    else if (bytes > this.#buf.length) this.write(bytes - 1, Buffer.alloc(1));
    this.length = bytes;
  }

  flipBit(position: number, bit: number): void {
    if (position >= this.length) return;
    this.#buf[position] = this.#buf[position]! ^ (1 << bit);
  }

  clone(): GrowingBytes {
    const copy = new GrowingBytes();
    copy.#buf = Buffer.from(this.#buf);
    copy.length = this.length;
    return copy;
  }
}
