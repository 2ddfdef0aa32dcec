/**
 * Buffers of one size, used again instead of left to the garbage collector.
 *
 * Invariant: at most `freeMax` buffers lie idle; a buffer is either with one owner or free.
 */

export interface ChunkPoolOptions {
  /** Bytes of a chunk. Default 64 KiB. */
  chunkBytes?: number;
  /** Chunks kept for reuse at most. Default 256. */
  freeMax?: number;
}

export class ChunkPool {
  readonly chunkBytes: number;
  readonly #freeMax: number;
  readonly #free: Buffer[] = [];

  constructor(options: ChunkPoolOptions = {}) {
    this.chunkBytes = options.chunkBytes ?? 64 * 1024;
    this.#freeMax = options.freeMax ?? 256;
  }

  get freeBytes(): number {
    return this.#free.length * this.chunkBytes;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.chunkBytes);
  }

  /** Takes a buffer back. One of another size is left to the garbage collector. */
  give(chunk: Buffer): void {
    if (chunk.length !== this.chunkBytes || this.#free.length >= this.#freeMax) return;
    this.#free.push(chunk);
  }
}
