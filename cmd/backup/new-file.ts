/**
 * A file that appears under its name only once it is whole and on the disk: until then it is
 * `NAME.part` beside it.
 */
import type { Stats } from 'node:fs';
import { type FileHandle, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ExitError, systemCode, usageError } from '../exit.js';

export class NewFile {
  readonly path: string;
  readonly #part: string;
  readonly #file: FileHandle;
  bytes = 0;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#part = `${path}.part`;
    this.#file = file;
  }

  /**
   * Makes a file of what `write` writes to it, and returns it with what that returned; leaves
   * nothing behind if it fails. Rejects with an ExitError, also if there is such a file and `replaces` is
   * false.
   */
  static async of<T>(
    path: string,
    replaces: boolean,
    write: (file: NewFile) => Promise<T>,
  ): Promise<{ readonly file: NewFile; readonly written: T }> {
    const file = await NewFile.#create(path, replaces);
    try {
      const written = await write(file);
      await file.#finish();
      return { file, written };
    } catch (error) {
      await file.#abandon();
      throw error;
    }
  }

  static async #create(path: string, replaces: boolean): Promise<NewFile> {
    const found = await statOf(path);
    if (found !== undefined && !replaces) {
      throw usageError(`${path} is there already: give another name, or --force`);
    }
    // A device, or a pipe, would be gone then.
    if (found?.isFile() === false) throw usageError(`${path} is no file that can be replaced`);
    try {
      return new NewFile(path, await open(`${path}.part`, 'w', 0o600));
    } catch (error) {
      throw fileError(path, error);
    }
  }

  async write(bytes: Buffer): Promise<void> {
    try {
      await this.#file.writeFile(bytes);
    } catch (error) {
      throw fileError(this.path, error);
    }
    this.bytes += bytes.length;
  }

  /** The file is complete: syncs it and gives it its name. */
  async #finish(): Promise<void> {
    try {
      await this.#file.sync();
      await this.#file.close();
      await rename(this.#part, this.path);
      const folder = await open(dirname(this.path), 'r');
      await folder.sync();
      await folder.close();
    } catch (error) {
      throw fileError(this.path, error);
    }
  }

  /** Gives it up. */
  async #abandon(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await unlink(this.#part).catch(() => undefined);
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw fileError(path, error);
  }
}

function fileError(path: string, error: unknown): ExitError {
  const code = systemCode(error);
  if (code === undefined) throw error;
  const said = code === 'ENOSPC' ? 'no space is left on the disk' : code;
  return new ExitError(`cannot write ${path}: ${said}`);
}
