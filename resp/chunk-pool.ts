/**
 * Buffers of one size, used again instead of left to the garbage collector.
 *
 * Invariant: at most `freeMax` chunks lie idle; a chunk is either with one owner or free.
 */

const EMPTY = Buffer.alloc(0);

/** A buffer with its DataView: through the view whole words go to any offset. */
export class Chunk {
  readonly buf: Buffer;
  readonly view: DataView;
  #head: Buffer = EMPTY;

  constructor(bytes: number) {
    this.buf = Buffer.allocUnsafeSlow(bytes);
    this.view = new DataView(this.buf.buffer, this.buf.byteOffset, bytes);
  }

  /** The first so many bytes. Replies are often as long as the last one: then it is the same. */
  head(bytes: number): Buffer {
    if (this.#head.length !== bytes) this.#head = this.buf.subarray(0, bytes);
    return this.#head;
  }
}

export interface ChunkPoolOptions {
  /** Bytes of a chunk. Default 64 KiB. */
  chunkBytes?: number;
  /** Chunks kept for reuse at most. Default 256. */
  freeMax?: number;
}

export class ChunkPool {
  readonly chunkBytes: number;
  readonly #freeMax: number;
  readonly #free: Chunk[] = [];

  constructor(options: ChunkPoolOptions = {}) {
    this.chunkBytes = options.chunkBytes ?? 64 * 1024;
    this.#freeMax = options.freeMax ?? 256;
  }

  get freeBytes(): number {
    return this.#free.length * this.chunkBytes;
  }

  take(): Chunk {
    return this.#free.pop() ?? new Chunk(this.chunkBytes);
  }

  /** Takes a chunk back. One of another size is left to the garbage collector. */
  give(chunk: Chunk): void {
    if (chunk.buf.length !== this.chunkBytes || this.#free.length >= this.#freeMax) return;
    this.#free.push(chunk);
  }
}
