/** A file that a command was given to read. */
import { type FileHandle, open } from 'node:fs/promises';
import { ExitError, systemCode, usageError } from './exit.js';

export class InputFile {
  readonly path: string;
  /** Of the whole file. */
  readonly bytes: number;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle, bytes: number) {
    this.path = path;
    this.#file = file;
    this.bytes = bytes;
  }

  /** Rejects with an ExitError that says why it cannot be read. */
  static async open(path: string): Promise<InputFile> {
    let file: FileHandle | undefined;
    try {
      file = await open(path, 'r');
      const stat = await file.stat();
      if (!stat.isFile()) throw usageError(`${path}: not a file`);
      return new InputFile(path, file, stat.size);
    } catch (error) {
      await file?.close();
      if (error instanceof ExitError) throw error;
      const code = systemCode(error);
      throw usageError(`${path}: ${code === 'ENOENT' ? 'no such file' : (code ?? String(error))}`);
    }
  }

  /** Bytes [at, at + bytes), fewer at the file's end, in a buffer of their own. */
  async read(at: number, bytes: number): Promise<Buffer> {
    const piece = Buffer.allocUnsafeSlow(bytes);
    let have = 0;
    while (have < bytes) {
      const { bytesRead } = await this.#file.read(piece, have, bytes - have, at + have);
      if (bytesRead === 0) break;
      have += bytesRead;
    }
    return piece.subarray(0, have);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
