/**
 * Arena: memory for records of many sizes, outside the JavaScript heap.
 *
 *   chunk  16 MiB, one SharedArrayBuffer, seen as words (`i32`) and as bytes (`u8`)
 *     slab  256 KiB, 64 to a chunk, all records of one size class
 *       record  8 B to 85 KiB, addressed by a pointer
 *       (the last granule of a slab is in no record)
 *
 *    30        21 20         15 14            0
 *   +------------+-------------+---------------+
 *   | chunk (10) | slab (6)    | granule (15)  |   pointer: index of an 8-byte granule
 *   +------------+-------------+---------------+
 *
 * A pointer is positive and fits in 31 bits, so that its sign is free for its
 * holder; 0 is null (the first slab is never handed out). A freed record goes
 * to the free list of its slab, threaded through the records; a slab without
 * records may serve another size, and a chunk without slabs goes back to the
 * system, so that nothing freed is lost for good.
 *
 * Why chunks and not one buffer that grows: growing copies, and copying half a
 * GiB stops the loop for 400 ms. Why slabs: a free list over the whole arena
 * cannot tell when a region has become empty.
 * Why shared buffers: V8 does not count them. Others make it collect garbage with every 64 MiB that
 * the data grow, though none of that is garbage. It is told of a chunk when it has become some.
 * Invariant: after `reserve(records)` so many next calls of `alloc` succeed.
 */
import assert from 'node:assert';
import type { Memory } from '../world/world.js';

export const CHUNK_SHIFT = 21;
export const GRANULE_MASK = 0x1fffff;
export const CHUNK_BYTES = 16 * 1024 * 1024;
/** The longest record: 1/3 of a slab. */
export const RECORD_BYTES_MAX = 8 * 10922;

const SLAB_SHIFT = 15;
const SLAB_GRANULES = 1 << SLAB_SHIFT;
const SLAB_BYTES = SLAB_GRANULES * 8;
/** Those that records lie in: the last one is for prefaulting. */
const RECORD_GRANULES = SLAB_GRANULES - 1;
const CHUNK_SLABS = 64;
const CHUNKS_MAX = 1024;
const NONE = -1;
/** Chunks that the tables have room for in the beginning. */
const TABLE_CHUNKS_FIRST = 8;
/** No operation allocates more records than this from one arena. */
const SLABS_READY = 6;
/** For each so many chunks one slab is prefaulted ahead: 1/256 of the memory. */
const PREFAULT_CHUNKS = 4;
const PREFAULT_SLABS_MAX = 16;
/** Fuller slabs are not worth emptying. */
const LEAVING_FILL_MAX = 0.8;
const PAGE_BYTES = 4096;
/** glibc maps what is longer than 32 MiB, whatever has been freed. */
const MAPPED_BYTES_MAX = 32 * 1024 * 1024 + PAGE_BYTES;
/**
 * What is asked for a chunk, bytes. What is no longer than something that was freed before, glibc takes out
 * of its heap, and touches huge pages there while the loop waits; so a chunk is a page longer, which nobody
 * touches, than any that was released. It is the process whose memory it is.
 */
let mappedBytes = CHUNK_BYTES;
const EMPTY_I32 = new Int32Array(0);
const EMPTY_U8 = Buffer.alloc(0);

/** Sizes in granules: every one up to 1120 B, then such that n records fill a slab. */
function sizeClasses(): number[] {
  const sizes = [];
  for (let granules = 0; granules <= 140; granules++) sizes.push(granules);
  let perSlab = Math.floor(RECORD_GRANULES / 140);
  while (perSlab > 3) {
    perSlab = Math.min(perSlab - 1, Math.ceil((perSlab * 8) / 9));
    if (perSlab < 3) perSlab = 3;
    sizes.push(Math.floor(RECORD_GRANULES / perSlab));
  }
  return sizes;
}

const CLASS_GRANULES = Int32Array.from(sizeClasses());
const CLASS_RECORDS = CLASS_GRANULES.map((size) => Math.floor(RECORD_GRANULES / Math.max(1, size)));
const CLASS_OF = new Uint8Array(CLASS_GRANULES.at(-1)! + 1);
for (let granules = 1, sizeClass = 1; granules < CLASS_OF.length; granules++) {
  if (granules > CLASS_GRANULES[sizeClass]!) sizeClass++;
  CLASS_OF[granules] = sizeClass;
}

/** Thrown before anything has been changed when memory ends. */
export class OutOfMemoryError extends Error {
  readonly code = 'OUT_OF_MEMORY';
  constructor(message: string) {
    super(message);
    this.name = 'OutOfMemoryError';
  }
}

export interface ArenaOptions {
  /** Limit of this arena, rounded to chunks; default and most: 16 GiB. */
  bytesMax?: number | undefined;
  /** Finds memory ahead; without it that is found when it is first touched. */
  memory?: Memory | undefined;
}

export interface ArenaUsage {
  /** Bytes of records in use, rounded up to their size class. */
  usedBytes: number;
  /** Bytes of used records and of the holes between them. */
  heldBytes: number;
  /** Bytes of chunks got from the system (touched or not). */
  reservedBytes: number;
}

export class Arena {
  /** Words of each chunk; a released chunk is an empty array. */
  readonly i32: Int32Array[] = [];
  /** Bytes of each chunk, over the same memory. */
  readonly u8: Buffer[] = [];
  readonly chunksMax: number;

  readonly #memory: Memory | undefined;
  /** The highest slab that was prefaulted; lower ones may have been released and got anew since. */
  #prefaultedSlab = 0;

  #usedGranules = 0;
  /** In the open slabs, up to their bump positions: records and holes. */
  #heldGranules = 0;
  /** Free slabs in chunks that exist. */
  #slabsReady = 0;
  #chunkCount = 0;
  /** No chunk below this one has a free slab. */
  #chunkHint = 0;

  #chunkFree = new Int32Array(TABLE_CHUNKS_FIRST);
  /** Per class: first slab with room, linked through #slabNext. */
  readonly #room = new Int32Array(CLASS_GRANULES.length).fill(NONE);
  #slabClass = new Uint8Array(TABLE_CHUNKS_FIRST * CHUNK_SLABS);
  #slabUsed = new Int32Array(TABLE_CHUNKS_FIRST * CHUNK_SLABS);
  #slabFree = new Int32Array(TABLE_CHUNKS_FIRST * CHUNK_SLABS);
  #slabBump = new Int32Array(TABLE_CHUNKS_FIRST * CHUNK_SLABS);
  #slabNext = new Int32Array(TABLE_CHUNKS_FIRST * CHUNK_SLABS);
  #slabPrev = new Int32Array(TABLE_CHUNKS_FIRST * CHUNK_SLABS);
  /** 1: being emptied by compaction; such a slab is in no list and gives no records. */
  #slabLeaving = new Uint8Array(TABLE_CHUNKS_FIRST * CHUNK_SLABS);

  constructor({ bytesMax = CHUNKS_MAX * CHUNK_BYTES, memory }: ArenaOptions = {}) {
    this.#memory = memory;
    const chunks = Math.floor(bytesMax / CHUNK_BYTES);
    this.chunksMax = Math.max(1, Math.min(CHUNKS_MAX, chunks));
  }

  usage(): ArenaUsage {
    return {
      usedBytes: this.#usedGranules * 8,
      heldBytes: this.#heldGranules * 8,
      reservedBytes: this.#chunkCount * CHUNK_BYTES,
    };
  }

  get usedBytes(): number {
    return this.#usedGranules * 8;
  }

  /** Call before the first change of an operation: throws if memory might end within it. */
  reserve(records = SLABS_READY): void {
    if (this.#slabsReady < records) this.#addChunk(records);
  }

  /** Whether `alloc` would succeed without memory from the system. */
  hasRoom(granules: number): boolean {
    return this.#slabsReady > 0 || this.#room[CLASS_OF[granules]!]! !== NONE;
  }

  alloc(granules: number): number {
    const sizeClass = CLASS_OF[granules]!;
    let slab = this.#room[sizeClass]!;
    if (slab === NONE) slab = this.#openSlab(sizeClass);
    const free = this.#slabFree[slab]!;
    let pointer: number;
    if (free !== 0) {
      pointer = free;
      this.#slabFree[slab] = this.i32[free >>> CHUNK_SHIFT]![(free & GRANULE_MASK) << 1]!;
    } else {
      const bump = this.#slabBump[slab]!;
      pointer = (slab << SLAB_SHIFT) + bump;
      this.#slabBump[slab] = bump + CLASS_GRANULES[sizeClass]!;
      this.#heldGranules += CLASS_GRANULES[sizeClass]!;
    }
    const used = this.#slabUsed[slab]! + 1;
    this.#slabUsed[slab] = used;
    this.#usedGranules += CLASS_GRANULES[sizeClass]!;
    if (used === CLASS_RECORDS[sizeClass]!) this.#unlink(slab, sizeClass);
    return pointer;
  }

  free(pointer: number): void {
    const slab = pointer >>> SLAB_SHIFT;
    const sizeClass = this.#slabClass[slab]!;
    const used = this.#slabUsed[slab]!;
    if (used === CLASS_RECORDS[sizeClass]!) this.#link(slab, sizeClass);
    this.i32[pointer >>> CHUNK_SHIFT]![(pointer & GRANULE_MASK) << 1] = this.#slabFree[slab]!;
    this.#slabFree[slab] = pointer;
    this.#slabUsed[slab] = used - 1;
    this.#usedGranules -= CLASS_GRANULES[sizeClass]!;
    if (used === 1) this.#closeSlab(slab, sizeClass);
  }

  /** Bytes that the record at this pointer takes. */
  recordBytes(pointer: number): number {
    return CLASS_GRANULES[this.#slabClass[pointer >>> SLAB_SHIFT]!]! * 8;
  }

  /** Whether a record of this many granules takes the place of the one at `pointer` exactly. */
  fits(pointer: number, granules: number): boolean {
    return this.#slabClass[pointer >>> SLAB_SHIFT]! === CLASS_OF[granules]!;
  }

  /** Whether compaction wants this record elsewhere. */
  isLeaving(pointer: number): boolean {
    return this.#slabLeaving[pointer >>> SLAB_SHIFT]! !== 0;
  }

  /**
   * Begins a compaction: picks, size by size, the emptiest slabs whose records
   * fit in the holes of the others. From now on they take no new records, and
   * once theirs have been moved they are free. Returns how many there are.
   */
  pickLeaving(): number {
    let picked = 0;
    for (let sizeClass = 1; sizeClass < CLASS_RECORDS.length; sizeClass++) {
      const records = CLASS_RECORDS[sizeClass]!;
      const slabs: number[] = [];
      for (let slab = this.#room[sizeClass]!; slab !== NONE; slab = this.#slabNext[slab]!) {
        slabs.push(slab);
      }
      slabs.sort((a, b) => this.#slabUsed[a]! - this.#slabUsed[b]!);
      let holes = slabs.reduce((sum, slab) => sum + records - this.#slabUsed[slab]!, 0);
      for (const slab of slabs) {
        const used = this.#slabUsed[slab]!;
        // Its own holes go with it.
        holes -= records - used;
        if (used > holes || used > records * LEAVING_FILL_MAX) break;
        holes -= used;
        this.#unlink(slab, sizeClass);
        this.#slabLeaving[slab] = 1;
        picked++;
      }
    }
    return picked;
  }

  /** Ends a compaction: slabs that could not be emptied serve again. */
  keepLeaving(): void {
    for (let slab = 0; slab < this.i32.length * CHUNK_SLABS; slab++) {
      if (this.#slabLeaving[slab] === 0) continue;
      this.#slabLeaving[slab] = 0;
      this.#link(slab, this.#slabClass[slab]!);
    }
  }

  #link(slab: number, sizeClass: number): void {
    const next = this.#room[sizeClass]!;
    this.#slabNext[slab] = next;
    this.#slabPrev[slab] = NONE;
    if (next !== NONE) this.#slabPrev[next] = slab;
    this.#room[sizeClass] = slab;
  }

  #unlink(slab: number, sizeClass: number): void {
    const next = this.#slabNext[slab]!;
    const prev = this.#slabPrev[slab]!;
    if (next !== NONE) this.#slabPrev[next] = prev;
    if (prev !== NONE) this.#slabNext[prev] = next;
    else this.#room[sizeClass] = next;
  }

  #openSlab(sizeClass: number): number {
    if (this.#slabsReady === 0) this.#addChunk();
    let chunk = this.#chunkHint;
    while (this.#chunkFree[chunk] === 0) chunk++;
    this.#chunkHint = chunk;
    let slab = chunk * CHUNK_SLABS;
    while (slab === 0 || this.#slabClass[slab] !== 0) slab++;
    this.#chunkFree[chunk]! -= 1;
    this.#slabsReady--;
    this.#slabClass[slab] = sizeClass;
    this.#slabFree[slab] = 0;
    this.#slabBump[slab] = 0;
    this.#link(slab, sizeClass);
    if (this.#memory !== undefined) this.#prefaultAfter(slab, this.#memory);
    return slab;
  }

  /**
   * Has memory found for the next slabs while this one is filled: the first touch of a huge page
   * takes some ms on a virtual machine, and those that come are held up by it.
   */
  #prefaultAfter(slab: number, memory: Memory): void {
    const ahead = Math.min(PREFAULT_SLABS_MAX, Math.floor(this.#chunkCount / PREFAULT_CHUNKS));
    const end = Math.min(slab + ahead, this.i32.length * CHUNK_SLABS - 1);
    for (let next = Math.max(slab, this.#prefaultedSlab) + 1; next <= end; next++) {
      const bytes = this.u8[Math.floor(next / CHUNK_SLABS)]!;
      if (bytes.length === 0) return;
      memory.prefault(bytes, (next % CHUNK_SLABS) * SLAB_BYTES + SLAB_BYTES - 1);
      this.#prefaultedSlab = next;
    }
  }

  #closeSlab(slab: number, sizeClass: number): void {
    if (this.#slabLeaving[slab] === 0) this.#unlink(slab, sizeClass);
    else this.#slabLeaving[slab] = 0;
    this.#slabClass[slab] = 0;
    this.#heldGranules -= this.#slabBump[slab]!;
    this.#slabsReady++;
    const chunk = Math.floor(slab / CHUNK_SLABS);
    this.#chunkFree[chunk]! += 1;
    if (chunk < this.#chunkHint) this.#chunkHint = chunk;
    // One chunk stays as a spare, so that a program at the edge does not get
    // and release a chunk again and again. The first chunk always stays.
    const empty = this.#chunkFree[chunk] === CHUNK_SLABS;
    if (empty && this.#slabsReady >= 2 * CHUNK_SLABS) this.#releaseChunk(chunk);
  }

  #addChunk(records = SLABS_READY): void {
    let chunk = 0;
    while (chunk < this.i32.length && this.i32[chunk]!.length !== 0) chunk++;
    if (chunk >= this.chunksMax) {
      if (this.#slabsReady >= records) return;
      throw new OutOfMemoryError(`the arena is full: ${this.chunksMax} chunks of 16 MiB`);
    }
    let memory: SharedArrayBuffer;
    try {
      if (chunk === this.#chunkFree.length) this.#growTables();
      memory = new SharedArrayBuffer(mappedBytes);
    } catch {
      throw new OutOfMemoryError(`the system gives no memory for chunk ${this.#chunkCount + 1}`);
    }
    this.i32[chunk] = new Int32Array(memory, 0, CHUNK_BYTES / 4);
    this.u8[chunk] = Buffer.from(memory, 0, CHUNK_BYTES);
    const slabs = chunk === 0 ? CHUNK_SLABS - 1 : CHUNK_SLABS;
    this.#chunkFree[chunk] = slabs;
    this.#slabsReady += slabs;
    this.#chunkCount++;
    if (chunk < this.#chunkHint) this.#chunkHint = chunk;
    this.#prefaultedSlab = Math.min(this.#prefaultedSlab, chunk * CHUNK_SLABS);
  }

  #growTables(): void {
    this.#chunkFree = grown(this.#chunkFree);
    this.#slabUsed = grown(this.#slabUsed);
    this.#slabFree = grown(this.#slabFree);
    this.#slabBump = grown(this.#slabBump);
    this.#slabNext = grown(this.#slabNext);
    this.#slabPrev = grown(this.#slabPrev);
    this.#slabClass = grown(this.#slabClass);
    this.#slabLeaving = grown(this.#slabLeaving);
  }

  #releaseChunk(chunk: number): void {
    assert(chunk > 0);
    const { byteLength } = this.u8[chunk]!.buffer;
    const longerBytes = Math.min(byteLength + PAGE_BYTES, MAPPED_BYTES_MAX);
    mappedBytes = Math.max(mappedBytes, longerBytes);
    this.i32[chunk] = EMPTY_I32;
    this.u8[chunk] = EMPTY_U8;
    tellOfGarbage(CHUNK_BYTES);
    this.#chunkFree[chunk] = 0;
    this.#slabsReady -= CHUNK_SLABS;
    this.#chunkCount--;
  }
}

/**
 * Has the collector of garbage come sooner, as for a buffer of so many bytes. One that can be resized is
 * reserved and not touched; any other the C library may take out of its heap, and set to zero first.
 */
function tellOfGarbage(bytes: number): void {
  try {
    new ArrayBuffer(bytes, { maxByteLength: bytes });
  } catch {
    // Where memory is so short the collector comes anyway.
  }
}

/** A table twice as long. */
function grown<T extends Int32Array | Uint8Array>(table: T): T {
  const longer = new (table.constructor as new (length: number) => T)(table.length * 2);
  longer.set(table);
  return longer;
}

/** Copies a few words of a record to another. */
export function copyWords(
  from: Int32Array,
  fromWord: number,
  to: Int32Array,
  toWord: number,
  words: number,
): void {
  for (let i = 0; i < words; i++) to[toWord + i] = from[fromWord + i]!;
}
