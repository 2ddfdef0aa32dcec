/** An RDB file on disk: checked whole before anything is done with it, then read in pieces. */
import { Crc64 } from '../../rdb/crc64.js';
import { hasChecksum, RDB_CHECKSUM_BYTES, RDB_HEADER_BYTES, versionOf } from '../../rdb/file.js';
import { corrupt } from '../../rdb/rdb-error.js';
import { InputFile } from '../input-file.js';

const PIECE_BYTES = 256 * 1024;

export class RdbSource {
  readonly #file: InputFile;
  #version = 0;
  /** Where the next piece begins. */
  #at = 0;

  private constructor(file: InputFile) {
    this.#file = file;
  }

  static async open(path: string): Promise<RdbSource> {
    return new RdbSource(await InputFile.open(path));
  }

  /** Of the whole file. */
  get bytes(): number {
    return this.#file.bytes;
  }

  /**
   * Reads the file once to its end and compares its checksum. Throws an RdbError if it is wrong.
   * Returns false if the file has none.
   */
  async check(progress: (doneBytes: number) => void): Promise<boolean> {
    const header = await this.#file.read(0, RDB_HEADER_BYTES);
    this.#version = versionOf(header);
    if (!hasChecksum(this.#version)) return false;
    const end = this.bytes - RDB_CHECKSUM_BYTES;
    if (end <= RDB_HEADER_BYTES) throw corrupt('the file is cut short');
    const crc = new Crc64();
    for (let at = 0; at < end; ) {
      const piece = await this.#file.read(at, Math.min(PIECE_BYTES, end - at));
      if (piece.length === 0) throw corrupt('the file is cut short');
      crc.update(piece, 0, piece.length);
      at += piece.length;
      progress(at);
    }
    const sum = await this.#file.read(end, RDB_CHECKSUM_BYTES);
    if (sum.equals(Buffer.alloc(RDB_CHECKSUM_BYTES))) return false;
    if (!crc.equals(sum, 0))
      throw corrupt('the checksum is wrong: the file is damaged or cut short');
    return true;
  }

  /** What lies between header and checksum, piece by piece, at least `bytes` if there are so many. */
  async next(bytes: number): Promise<Buffer> {
    if (this.#at === 0) this.#at = RDB_HEADER_BYTES;
    const piece = await this.#file.read(
      this.#at,
      Math.min(Math.max(bytes, PIECE_BYTES), this.leftBytes),
    );
    if (piece.length === 0 && this.leftBytes > 0) throw corrupt('the file has become shorter');
    this.#at += piece.length;
    return piece;
  }

  /** Bytes that `next` has not given yet. */
  get leftBytes(): number {
    const end = this.bytes - (hasChecksum(this.#version) ? RDB_CHECKSUM_BYTES : 0);
    return Math.max(0, end - this.#at);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
