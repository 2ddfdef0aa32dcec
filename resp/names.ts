/**
 * Table of names (commands, subcommands, options) found by their bytes, whatever their case,
 * without making a string.
 *
 * Open addressing over a power of two at most half full; a slot is a hash to compare first and an
 * index into the lists of names and values. Names are ASCII; only A-Z and a-z fold, as in Redis's
 * `strcasecmp` under the C locale.
 */
import assert from 'node:assert';

/** FNV-1a over the bytes with bit 0x20 set: equal for names that differ in case only. */
export function nameHash(buf: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (buf[at]! | 0x20), 0x01000193);
  return hash ^ (hash >>> 15);
}

/** True if buf[from, to) equals `upper`, an upper-case ASCII text, whatever the case of the bytes. */
export function equalsIgnoreCase(
  buf: Uint8Array,
  from: number,
  to: number,
  upper: string,
): boolean {
  if (to - from !== upper.length) return false;
  for (let at = 0; at < upper.length; at++) {
    let byte = buf[from + at]!;
    if (byte >= 97 && byte <= 122) byte -= 32;
    if (byte !== upper.charCodeAt(at)) return false;
  }
  return true;
}

export class NameTable<T> {
  #mask = 15;
  /** Index + 1 of the name in the slot, 0 for none. */
  #slots = new Int32Array(16);
  #hashes = new Int32Array(16);
  #names: string[] = [];
  #values: T[] = [];

  get size(): number {
    return this.#names.length;
  }

  /** Adds a name, or gives a name that is there another value. */
  add(name: string, value: T): void {
    assert(Buffer.byteLength(name) === name.length, 'names are ASCII');
    const upper = name.toUpperCase();
    const bytes = Buffer.from(upper, 'latin1');
    const slot = this.#slotOf(bytes, 0, bytes.length);
    const known = this.#slots[slot]!;
    if (known !== 0) {
      this.#values[known - 1] = value;
      return;
    }
    this.#names.push(upper);
    this.#values.push(value);
    if (this.#names.length * 2 > this.#mask) this.#grow();
    else this.#place(this.#names.length - 1);
  }

  /** The value of the name in buf[from, to), or undefined. */
  find(buf: Uint8Array, from: number, to: number): T | undefined {
    const known = this.#slots[this.#slotOf(buf, from, to)]!;
    return known === 0 ? undefined : this.#values[known - 1];
  }

  /** The same for a text; not for hot paths. */
  get(name: string): T | undefined {
    return this.find(Buffer.from(name, 'latin1'), 0, name.length);
  }

  /** The slot that holds the name, or the empty one where it would go. */
  #slotOf(buf: Uint8Array, from: number, to: number): number {
    const hash = nameHash(buf, from, to);
    const mask = this.#mask;
    const slots = this.#slots;
    let slot = hash & mask;
    for (;;) {
      const known = slots[slot]!;
      if (known === 0) return slot;
      if (this.#hashes[slot] === hash) {
        if (equalsIgnoreCase(buf, from, to, this.#names[known - 1]!)) return slot;
      }
      slot = (slot + 1) & mask;
    }
  }

  #place(index: number): void {
    const bytes = Buffer.from(this.#names[index]!, 'latin1');
    const slot = this.#slotOf(bytes, 0, bytes.length);
    this.#slots[slot] = index + 1;
    this.#hashes[slot] = nameHash(bytes, 0, bytes.length);
  }

  #grow(): void {
    const slots = (this.#mask + 1) * 2;
    this.#mask = slots - 1;
    this.#slots = new Int32Array(slots);
    this.#hashes = new Int32Array(slots);
    for (let index = 0; index < this.#names.length; index++) this.#place(index);
  }
}
