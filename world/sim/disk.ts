/**
 * The disk of a simulated host. It outlives the host's processes and power cuts.
 *
 * Contents are lost or torn at a power cut until synced (see `FileImage`); a crash of the process
 * alone loses nothing that was written. Changes of names (create, rename, remove, makeFolder) and
 * `replaceFile` are atomic, and durable once resolved, as `RealDisk` makes them. A call under way
 * at a crash may or may not have happened; a write under way may have happened in part.
 *
 * Faults: a capacity (ENOSPC, after writing what fits), chances of EIO for reads, writes and
 * syncs, single failures to order, and bit rot.
 */

import { posix } from 'node:path';

import type { Disk, DiskFile } from '../world.js';
import { diskError } from './errors.js';
import { FileImage } from './file-image.js';
import type { SimRandom } from './random.js';
import type { Owner, Scheduler } from './scheduler.js';
import type { Trace } from './trace.js';

export type DiskCall = 'open' | 'read' | 'write' | 'sync' | 'rename' | 'remove';

export interface DiskFaults {
  readonly capacityBytes: number;
  readonly readErrorChance: number;
  readonly writeErrorChance: number;
  readonly syncErrorChance: number;
}

export const SOUND_DISK: DiskFaults = {
  capacityBytes: Infinity,
  readErrorChance: 0,
  writeErrorChance: 0,
  syncErrorChance: 0,
};

const CALL_MS = { low: 0.02, high: 0.2 } as const;
const SYNC_MS = { low: 0.5, high: 5 } as const;

export interface SimDiskParts {
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly random: SimRandom;
  readonly name: string;
}

/** A call that has been made and not yet completed. */
interface UnderWay {
  readonly owner: Owner;
  /** What a crash may leave of it. */
  readonly leave: (random: SimRandom) => void;
}

interface OpenFile {
  readonly path: string;
  readonly image: FileImage;
  readonly mayWrite: boolean;
  isOpen: boolean;
}

export class SimDisk {
  faults: DiskFaults = SOUND_DISK;
  readonly #parts: SimDiskParts;
  readonly #files = new Map<string, FileImage>();
  readonly #folders = new Set<string>(['/']);
  readonly #underWay = new Set<UnderWay>();
  readonly #ordered: { call: DiskCall; code: string }[] = [];

  constructor(parts: SimDiskParts) {
    this.#parts = parts;
  }

  /** The next call of this kind fails. */
  failNext(call: DiskCall, code: string): void {
    this.#ordered.push({ call, code });
  }

  get usedBytes(): number {
    let bytes = 0;
    for (const image of this.#files.values()) bytes += image.bytes;
    return bytes;
  }

  /** Flips one random bit of a file. */
  rot(path: string): void {
    const image = this.#files.get(normal(path));
    if (image === undefined || image.bytes === 0) return;
    const { random } = this.#parts;
    image.flipBit(random.below(image.bytes), random.below(8));
  }

  crashed(isPowerCut: boolean): void {
    const { random } = this.#parts;
    for (const call of this.#underWay) {
      if (random.chance(0.5)) call.leave(random);
    }
    this.#underWay.clear();
    if (!isPowerCut) return;
    for (const image of this.#files.values()) image.powerCut(random);
  }

  /** What a process of the host sees. */
  facade(owner: Owner): Disk {
    return {
      // Nobody can wait here: no time passes before a call returns.
      quickSyncMs: 0,
      open: (path, mode) => this.#open(owner, normal(path), mode),
      readFile: (path) => this.#readFile(owner, normal(path)),
      replaceFile: (path, bytes) => this.#replaceFile(owner, normal(path), bytes),
      rename: (from, to) => this.#rename(owner, normal(from), normal(to)),
      remove: (path) => this.#remove(owner, normal(path)),
      list: (folder) => this.#list(owner, normal(folder)),
      makeFolder: (path) => this.#makeFolder(owner, normal(path)),
      exists: (path) =>
        this.#read(owner, () => this.#files.has(normal(path)) || this.#folders.has(normal(path))),
    };
  }

  // --- calls -----------------------------------------------------------------------------------

  /** Settles after the disk's time with what `work` returns, or rejects with what it throws. */
  #call<T>(
    owner: Owner,
    time: { readonly low: number; readonly high: number },
    work: () => T,
    leave?: (random: SimRandom) => void,
  ): Promise<T> {
    const { scheduler, random } = this.#parts;
    return new Promise((resolve, reject) => {
      const underWay: UnderWay = { owner, leave: leave ?? (() => undefined) };
      this.#underWay.add(underWay);
      const complete = (): void => {
        this.#underWay.delete(underWay);
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      };
      scheduler.after(random.between(time.low, time.high), complete, owner);
    });
  }

  #read<T>(owner: Owner, work: () => T): Promise<T> {
    return this.#call(owner, CALL_MS, work);
  }

  /** A change of names: it happens whole, and at a crash under way perhaps. */
  #change(owner: Owner, work: () => void): Promise<void> {
    const attempt = (): void => {
      try {
        work();
      } catch {
        // The call would have failed: it leaves nothing.
      }
    };
    return this.#call(owner, SYNC_MS, work, attempt);
  }

  #open(owner: Owner, path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    return this.#read(owner, () => {
      this.#check('open', 'open', path);
      if (this.#folders.has(path) && mode !== 'read') throw diskError('EISDIR', 'open', path);
      let image = this.#files.get(path);
      if (image === undefined) {
        if (mode !== 'create') throw diskError('ENOENT', 'open', path);
        this.#needFolder(path, 'open');
        image = new FileImage();
        this.#files.set(path, image);
      }
      this.#note(`open ${path} ${mode}`);
      return this.#file(owner, { path, image, mayWrite: mode !== 'read', isOpen: true });
    });
  }

  #file(owner: Owner, file: OpenFile): DiskFile {
    const { image, path } = file;
    return {
      read: (target, position) =>
        this.#read(owner, () => {
          needOpen(file, 'read');
          this.#check('read', 'read', path);
          return image.read(target, position);
        }),
      write: (bytes, position) => this.#write(owner, file, Buffer.from(bytes), position),
      writeNow: (bytes, position) => this.#writeNow(file, Buffer.from(bytes), position),
      truncate: (bytes) =>
        this.#read(owner, () => {
          needOpen(file, 'ftruncate');
          if (!file.mayWrite) throw diskError('EINVAL', 'ftruncate', path);
          if (bytes > image.bytes) this.#needRoom(bytes - image.bytes, path);
          image.truncate(bytes);
        }),
      sync: () => this.#call(owner, SYNC_MS, () => this.#syncNow(file)),
      syncNow: () => this.#syncNow(file),
      sizeBytes: () =>
        this.#read(owner, () => {
          needOpen(file, 'fstat');
          return image.bytes;
        }),
      close: () =>
        this.#read(owner, () => {
          file.isOpen = false;
        }),
    };
  }

  #write(owner: Owner, file: OpenFile, bytes: Buffer, position: number): Promise<void> {
    const { image } = file;
    const leave = (random: SimRandom): void => {
      if (file.mayWrite) image.write(position, bytes.subarray(0, random.below(bytes.length + 1)));
    };
    const work = (): void => this.#writeNow(file, bytes, position);
    return this.#call(owner, CALL_MS, work, leave);
  }

  #writeNow(file: OpenFile, bytes: Buffer, position: number): void {
    const { image, path } = file;
    needOpen(file, 'write');
    if (!file.mayWrite) throw diskError('EBADF', 'write', path);
    this.#check('write', 'write', path);
    const growth = Math.max(0, position + bytes.length - image.bytes);
    const room = Math.max(0, this.faults.capacityBytes - this.usedBytes);
    const fitting = growth <= room ? bytes.length : Math.max(0, bytes.length - (growth - room));
    this.#note(`write ${path} ${position} ${fitting}`);
    if (fitting > 0) image.write(position, bytes.subarray(0, fitting));
    if (fitting < bytes.length) throw diskError('ENOSPC', 'write', path);
  }

  #syncNow(file: OpenFile): void {
    needOpen(file, 'fsync');
    try {
      this.#check('sync', 'fsync', file.path);
    } catch (error) {
      file.image.syncFailed();
      throw error;
    }
    this.#note(`sync ${file.path}`);
    file.image.sync();
  }

  #readFile(owner: Owner, path: string): Promise<Buffer> {
    return this.#read(owner, () => {
      this.#check('read', 'read', path);
      if (this.#folders.has(path)) throw diskError('EISDIR', 'read', path);
      const image = this.#files.get(path);
      if (image === undefined) throw diskError('ENOENT', 'open', path);
      return image.whole();
    });
  }

  #replaceFile(owner: Owner, path: string, bytes: Uint8Array): Promise<void> {
    const copy = Buffer.from(bytes);
    return this.#change(owner, () => {
      this.#needFolder(path, 'open');
      if (this.#folders.has(path)) throw diskError('EISDIR', 'rename', path);
      this.#check('write', 'write', path);
      this.#needRoom(copy.length, path);
      this.#check('sync', 'fsync', path);
      const image = new FileImage();
      image.write(0, copy);
      image.sync();
      this.#files.set(path, image);
      this.#note(`replace ${path} ${copy.length}`);
    });
  }

  #rename(owner: Owner, from: string, to: string): Promise<void> {
    return this.#change(owner, () => {
      this.#check('rename', 'rename', from);
      const image = this.#files.get(from);
      if (image === undefined) throw diskError('ENOENT', 'rename', from);
      if (this.#folders.has(to)) throw diskError('EISDIR', 'rename', from);
      this.#needFolder(to, 'rename');
      this.#files.delete(from);
      this.#files.set(to, image);
      this.#note(`rename ${from} ${to}`);
    });
  }

  #remove(owner: Owner, path: string): Promise<void> {
    return this.#change(owner, () => {
      this.#check('remove', 'unlink', path);
      this.#note(`remove ${path}`);
      if (this.#files.delete(path)) return;
      if (!this.#folders.has(path)) throw diskError('ENOENT', 'stat', path);
      if (this.#namesIn(path).length > 0) throw diskError('ENOTEMPTY', 'rmdir', path);
      this.#folders.delete(path);
    });
  }

  #list(owner: Owner, folder: string): Promise<string[]> {
    return this.#read(owner, () => {
      if (this.#files.has(folder)) throw diskError('ENOTDIR', 'scandir', folder);
      if (!this.#folders.has(folder)) throw diskError('ENOENT', 'scandir', folder);
      return this.#namesIn(folder);
    });
  }

  #makeFolder(owner: Owner, path: string): Promise<void> {
    return this.#change(owner, () => {
      let at = path;
      const missing: string[] = [];
      while (!this.#folders.has(at)) {
        if (this.#files.has(at)) throw diskError(at === path ? 'EEXIST' : 'ENOTDIR', 'mkdir', path);
        missing.push(at);
        at = posix.dirname(at);
      }
      for (const folder of missing) this.#folders.add(folder);
      this.#note(`mkdir ${path}`);
    });
  }

  // --- helpers ---------------------------------------------------------------------------------

  #namesIn(folder: string): string[] {
    const names: string[] = [];
    for (const path of [...this.#files.keys(), ...this.#folders]) {
      if (path !== folder && posix.dirname(path) === folder) names.push(posix.basename(path));
    }
    return names.sort();
  }

  #needFolder(path: string, syscall: string): void {
    const folder = posix.dirname(path);
    if (this.#files.has(folder)) throw diskError('ENOTDIR', syscall, path);
    if (!this.#folders.has(folder)) throw diskError('ENOENT', syscall, path);
  }

  #needRoom(bytes: number, path: string): void {
    if (this.usedBytes + bytes > this.faults.capacityBytes) {
      throw diskError('ENOSPC', 'write', path);
    }
  }

  /** Fails the call if that was ordered, or if chance has it. */
  #check(call: DiskCall, syscall: string, path: string): void {
    const at = this.#ordered.findIndex((order) => order.call === call);
    if (at >= 0) {
      const { code } = this.#ordered.splice(at, 1)[0]!;
      this.#note(`${call} ${path} ${code}`);
      throw diskError(code, syscall, path);
    }
    if (this.#parts.random.chance(this.#errorChance(call))) {
      this.#note(`${call} ${path} EIO`);
      throw diskError('EIO', syscall, path);
    }
  }

  #errorChance(call: DiskCall): number {
    const { readErrorChance, writeErrorChance, syncErrorChance } = this.faults;
    if (call === 'read') return readErrorChance;
    if (call === 'write') return writeErrorChance;
    return call === 'sync' ? syncErrorChance : 0;
  }

  #note(text: string): void {
    this.#parts.trace.add(`${this.#parts.name} disk ${text}`);
  }
}

function needOpen(file: OpenFile, syscall: string): void {
  if (!file.isOpen) throw diskError('EBADF', syscall, file.path);
}

function normal(path: string): string {
  return posix.resolve('/', path);
}
