/**
 * Files through Node's promises. What changes a folder (creating, renaming, removing) also syncs
 * that folder, so that after a power cut a name that was reported as there is there.
 */

import { constants, fdatasyncSync, writeSync } from 'node:fs';
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rmdir,
  stat,
  unlink,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import type { Disk, DiskFile } from '../world.js';

const OPEN_FLAGS = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT,
} as const;

/** Folders cannot be opened or synced on some systems; there the names are as safe as they get. */
const FOLDER_SYNC_REFUSALS: ReadonlySet<string | undefined> = new Set([
  'EISDIR',
  'EPERM',
  'EINVAL',
  'ENOTSUP',
]);

export class RealDisk implements Disk {
  /** Handing a sync to another thread and hearing of it takes 0.1 ms of processors alone. */
  readonly quickSyncMs = 1;

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    const isNew = mode === 'create' && !(await this.exists(path));
    const handle = await open(path, OPEN_FLAGS[mode], 0o600);
    if (isNew) await syncFolder(dirname(path));
    return new RealFile(handle);
  }

  readFile(path: string): Promise<Buffer> {
    return readFile(path);
  }

  async replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    const beside = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
    const handle = await open(beside, 'w', 0o600);
    try {
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await this.rename(beside, path);
    } catch (error) {
      await unlink(beside).catch(() => undefined);
      throw error;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await rename(from, to);
    await syncFolder(dirname(to));
    if (dirname(from) !== dirname(to)) await syncFolder(dirname(from));
  }

  async remove(path: string): Promise<void> {
    const isFolder = (await stat(path)).isDirectory();
    await (isFolder ? rmdir(path) : unlink(path));
    await syncFolder(dirname(path));
  }

  async list(folder: string): Promise<string[]> {
    return (await readdir(folder)).sort();
  }

  async makeFolder(path: string): Promise<void> {
    const firstMade = await mkdir(path, { recursive: true, mode: 0o700 });
    if (firstMade !== undefined) await syncFolder(dirname(firstMade));
  }

  async exists(path: string): Promise<boolean> {
    try {
      await stat(path);
      return true;
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
      throw error;
    }
  }
}

class RealFile implements DiskFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < target.length) {
      const left = target.length - done;
      const { bytesRead } = await this.#handle.read(target, done, left, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const left = bytes.length - done;
      const { bytesWritten } = await this.#handle.write(bytes, done, left, position + done);
      done += bytesWritten;
    }
  }

  writeNow(bytes: Uint8Array, position: number): void {
    let done = 0;
    while (done < bytes.length) {
      const left = bytes.length - done;
      done += writeSync(this.#handle.fd, bytes, done, left, position + done);
    }
  }

  truncate(bytes: number): Promise<void> {
    return this.#handle.truncate(bytes);
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  syncNow(): void {
    fdatasyncSync(this.#handle.fd);
  }

  async sizeBytes(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, constants.O_RDONLY);
    await handle.sync();
  } catch (error) {
    if (!FOLDER_SYNC_REFUSALS.has(codeOf(error))) throw error;
  } finally {
    await handle?.close();
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
