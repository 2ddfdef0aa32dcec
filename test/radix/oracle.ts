/**
 * What a tree must do, written to be obviously right and slow: a sorted array of entries.
 *
 * Keys and values are Buffers of their own. Nothing here shares code with radix/, except the hash
 * of an entry, which has its own oracle (halfsiphash.ts) and is fed with words laid out here.
 */

import { EntryHash } from '../../radix/entry-hash.js';
import { wordsOf } from './halfsiphash.js';

export const BYTES = 0;
export const HEAD = 1;
export const TOMBSTONE = 2;
export const LED = 4;
export const RAW = 64;

export interface OracleEntry {
  key: Buffer;
  kind: number;
  stamp: number;
  origin: number;
  led: boolean;
  raw: boolean;
  expiryMs: number;
  access: number;
  value: Buffer;
  /** Of a head. */
  sub: OracleSubTree | null;
}

/** A sub tree: what its head says, and its elements, tombstones included. */
export interface OracleSubTree {
  type: number;
  clearedAt: number;
  expiryStamp: number;
  expiryOrigin: number;
  elements: OracleTree;
}

export interface OracleTotals {
  live: number;
  all: number;
  digestLow: number;
  digestHigh: number;
}

/** Lays an entry out in words, as leaf.ts draws it, for the entry hash. */
export function leafWords(entry: OracleEntry, hash: EntryHash): Int32Array {
  const value = entry.sub === null ? entry.value : headValue(entry.sub);
  const isWide = entry.key.length > 255 || value.length > 1023;
  const hasExpiry = entry.expiryMs > 0;
  const flags = entry.kind | (entry.led ? LED : 0) | (hasExpiry ? 8 : 0) | (isWide ? 16 : 0);
  const words = [entry.stamp % 2 ** 32, Math.floor(entry.stamp / 2 ** 32) | (flags << 21)];
  words.push(isWide ? 0 : entry.key.length << 24);
  words.push((isWide ? 0 : value.length) | (entry.origin << 16));
  if (hasExpiry) words.push(entry.expiryMs % 2 ** 32, Math.floor(entry.expiryMs / 2 ** 32), 0);
  if (isWide) {
    hash.hashBlocks(Int32Array.from(wordsOf(value)), 0, value.length, 0);
    words.push(entry.key.length, value.length, hash.low, hash.high);
  }
  words.push(...wordsOf(entry.key));
  if (!isWide || entry.sub !== null) words.push(...wordsOf(value));
  return Int32Array.from(words);
}

/** A head's value as sub tree heads are laid out (subtree.ts); its two roots are zero here. */
function headValue(sub: OracleSubTree): Buffer {
  const value = Buffer.alloc(28);
  value.writeUInt32LE(sub.type | (sub.expiryOrigin << 16), 8);
  value.writeUInt32LE(sub.clearedAt % 2 ** 32, 12);
  value.writeUInt32LE(Math.floor(sub.clearedAt / 2 ** 32), 16);
  value.writeUInt32LE(sub.expiryStamp % 2 ** 32, 20);
  value.writeUInt32LE(Math.floor(sub.expiryStamp / 2 ** 32), 24);
  return sub.clearedAt === 0 && sub.expiryStamp === 0 ? value.subarray(0, 12) : value;
}

/** The total order of merging: positive if `a` wins over `b`. */
export function compareEntries(a: OracleEntry, b: OracleEntry): number {
  if (a.stamp !== b.stamp) return a.stamp - b.stamp;
  if (a.origin !== b.origin) return a.origin - b.origin;
  return Buffer.compare(a.value, b.value);
}

export function oracleEntry(key: Buffer, stamp: number, origin: number): OracleEntry {
  return {
    key: Buffer.from(key),
    kind: BYTES,
    stamp,
    origin,
    led: false,
    raw: false,
    expiryMs: 0,
    access: 0,
    value: Buffer.alloc(0),
    sub: null,
  };
}

export function isVisible(entry: OracleEntry): boolean {
  if (entry.kind === TOMBSTONE) return false;
  return entry.sub === null || entry.sub.elements.visible().length > 0;
}

export class OracleTree {
  entries: OracleEntry[] = [];
  readonly #hash: EntryHash;
  /** Of a sub tree: the head's key, which its elements' hashes cover. */
  readonly #headKey: Buffer | null;

  constructor(hashKey: Uint8Array, headKey: Buffer | null = null) {
    this.#hash = new EntryHash(hashKey);
    this.#headKey = headKey;
  }

  /** Where the key is or would be. */
  indexOf(key: Buffer): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Buffer.compare(this.entries[middle]!.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  find(key: Buffer): OracleEntry | null {
    const entry = this.entries[this.indexOf(key)];
    return entry !== undefined && entry.key.equals(key) ? entry : null;
  }

  findVisible(key: Buffer): OracleEntry | null {
    const entry = this.find(key);
    return entry !== null && isVisible(entry) ? entry : null;
  }

  /** Puts a whole entry in place of whatever is there. */
  set(entry: OracleEntry): void {
    const index = this.indexOf(entry.key);
    const found = this.entries[index];
    const isThere = found !== undefined && found.key.equals(entry.key);
    this.entries.splice(index, isThere ? 1 : 0, entry);
  }

  put(
    key: Buffer,
    stamp: number,
    origin: number,
    flags: number,
    expiryMs: number,
    value: Buffer,
  ): void {
    this.set({
      ...oracleEntry(key, stamp, origin),
      led: (flags & LED) !== 0,
      raw: (flags & RAW) !== 0,
      expiryMs,
      access: this.find(key)?.access ?? 0,
      value: Buffer.from(value),
    });
  }

  patch(
    key: Buffer,
    stamp: number,
    origin: number,
    flags: number,
    offset: number,
    bytes: Buffer,
  ): void {
    const old = this.find(key);
    const isBytes = old !== null && old.kind === BYTES;
    const before = isBytes ? old.value : Buffer.alloc(0);
    const value = Buffer.alloc(Math.max(before.length, offset + bytes.length));
    before.copy(value);
    bytes.copy(value, offset);
    this.put(key, stamp, origin, flags, isBytes ? old.expiryMs : 0, value);
  }

  /** False if there is nothing that could expire. */
  setExpiry(key: Buffer, stamp: number, origin: number, expiryMs: number): boolean {
    const entry = this.find(key);
    if (entry === null || entry.kind === TOMBSTONE) return false;
    this.set({ ...entry, stamp, origin, expiryMs });
    return true;
  }

  delete(key: Buffer, stamp: number, origin: number, flags = 0): boolean {
    const wasVisible = this.findVisible(key) !== null;
    const led = (flags & LED) !== 0;
    const access = this.find(key)?.access ?? 0;
    this.set({ ...oracleEntry(key, stamp, origin), kind: TOMBSTONE, led, access });
    return wasVisible;
  }

  drop(key: Buffer): boolean {
    if (this.find(key) === null) return false;
    this.entries.splice(this.indexOf(key), 1);
    return true;
  }

  dropAt(key: Buffer, stamp: number, origin: number): boolean {
    const entry = this.find(key);
    if (entry === null || entry.stamp !== stamp || entry.origin !== origin) return false;
    return this.drop(key);
  }

  /** The merge rule for bytes and tombstones. */
  merge(entry: OracleEntry): boolean {
    const old = this.find(entry.key);
    if (old !== null && compareEntries(entry, old) <= 0) return false;
    this.set({ ...entry, access: old?.access ?? 0 });
    return true;
  }

  clear(): void {
    this.entries = [];
  }

  visible(): OracleEntry[] {
    return this.entries.filter(isVisible);
  }

  first(): OracleEntry | null {
    return this.visible()[0] ?? null;
  }

  last(): OracleEntry | null {
    return this.visible().at(-1) ?? null;
  }

  ceiling(key: Buffer): OracleEntry | null {
    return this.visible().find((entry) => Buffer.compare(entry.key, key) >= 0) ?? null;
  }

  floor(key: Buffer): OracleEntry | null {
    return this.visible().findLast((entry) => Buffer.compare(entry.key, key) <= 0) ?? null;
  }

  next(key: Buffer): OracleEntry | null {
    return this.visible().find((entry) => Buffer.compare(entry.key, key) > 0) ?? null;
  }

  prev(key: Buffer): OracleEntry | null {
    return this.visible().findLast((entry) => Buffer.compare(entry.key, key) < 0) ?? null;
  }

  rank(key: Buffer): number {
    return this.visible().filter((entry) => Buffer.compare(entry.key, key) < 0).length;
  }

  nth(index: number): OracleEntry | null {
    return this.visible()[index] ?? null;
  }

  /** Entries between two keys; null: without bound. */
  between(
    entries: OracleEntry[],
    low: Buffer | null,
    lowInclusive: boolean,
    high: Buffer | null,
    highInclusive: boolean,
  ): OracleEntry[] {
    return entries.filter(({ key }) => {
      const fromLow = low === null ? 1 : Buffer.compare(key, low);
      const toHigh = high === null ? 1 : Buffer.compare(high, key);
      return (
        (fromLow > 0 || (fromLow === 0 && lowInclusive)) &&
        (toHigh > 0 || (toHigh === 0 && highInclusive))
      );
    });
  }

  rangeCount(
    low: Buffer | null,
    lowInclusive: boolean,
    high: Buffer | null,
    highInclusive: boolean,
  ): number {
    return this.between(this.visible(), low, lowInclusive, high, highInclusive).length;
  }

  /** Totals of the keys in (from, to], round the circle if to <= from; null: the whole tree. */
  rangeDigest(from: Buffer | null, to: Buffer | null): OracleTotals {
    if (from === null || to === null) return this.#totals(this.entries);
    if (Buffer.compare(from, to) < 0) {
      return this.#totals(this.between(this.entries, from, false, to, true));
    }
    const above = this.between(this.entries, from, false, null, false);
    const below = this.between(this.entries, null, false, to, true);
    return this.#totals([...below, ...above]);
  }

  totals(): OracleTotals {
    return this.#totals(this.entries);
  }

  /** The hash of one entry, without what is below a head. */
  hashOf(entry: OracleEntry): { low: number; high: number } {
    const hash = this.#hash;
    const words = leafWords(entry, hash);
    if (this.#headKey === null) {
      hash.hashLeaf(words, 0);
    } else {
      const headWords = Int32Array.from(wordsOf(this.#headKey));
      const state = new Int32Array(4);
      hash.beginElements(state, headWords, 0, this.#headKey.length);
      hash.hashElement(state, words, 0);
    }
    return { low: hash.low, high: hash.high };
  }

  #totals(entries: OracleEntry[]): OracleTotals {
    const totals = { live: 0, all: 0, digestLow: 0, digestHigh: 0 };
    for (const entry of entries) {
      const own = this.hashOf(entry);
      totals.live += isVisible(entry) ? 1 : 0;
      totals.all += 1;
      totals.digestLow = (totals.digestLow + own.low) | 0;
      totals.digestHigh = (totals.digestHigh + own.high) | 0;
      if (entry.sub === null) continue;
      const below = entry.sub.elements.totals();
      totals.all += below.all;
      totals.digestLow = (totals.digestLow + below.digestLow) | 0;
      totals.digestHigh = (totals.digestHigh + below.digestHigh) | 0;
    }
    return totals;
  }
}
