/** A disk in memory that answers at once: for tests of one node that keeps its entries. */
import type { Disk, DiskFile } from '../../world/world.js';

export class MemoryDisk implements Disk {
  /** 0: syncs are waited for as on a slow disk, where `before` can hold them up. */
  quickSyncMs = 0;
  readonly files = new Map<string, Buffer>();
  /** Writes since the last sync of a file, for `powerCut`; only kept for files named here. */
  readonly unsynced = new Map<string, { bytes: Buffer; position: number; before: Buffer }[]>();
  /** Stands before each write and sync: for failures and delays. */
  before: (call: 'write' | 'sync', path: string) => Promise<void> | void = () => {};

  /** A crash of the machine: each write that is not synced is there, or in part, or not. */
  powerCut(kept: (bytes: number) => number): void {
    for (const [path, writes] of this.unsynced) {
      const file = this.files.get(path)!;
      for (const { before, position } of [...writes].reverse()) before.copy(file, position);
      for (const { bytes, position } of writes) {
        bytes.copy(file, position, 0, kept(bytes.length));
      }
      writes.length = 0;
    }
  }

  /** What a crash of the process at this moment leaves. */
  clone(): MemoryDisk {
    const copy = new MemoryDisk();
    copy.quickSyncMs = this.quickSyncMs;
    for (const [path, bytes] of this.files) copy.files.set(path, Buffer.from(bytes));
    for (const [path, writes] of this.unsynced) copy.unsynced.set(path, [...writes]);
    return copy;
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    if (!this.files.has(path)) {
      if (mode !== 'create') throw Object.assign(new Error(path), { code: 'ENOENT' });
      this.files.set(path, Buffer.alloc(0));
    }
    const writeNow = (bytes: Uint8Array, position: number): void => {
      const failure = this.before('write', path);
      if (failure !== undefined) throw new Error('writeNow cannot wait');
      write(bytes, position);
    };
    const write = (bytes: Uint8Array, position: number): void => {
      const before = this.files.get(path)!;
      const end = position + bytes.length;
      const after =
        end > before.length ? Buffer.concat([before, Buffer.alloc(end - before.length)]) : before;
      const unsynced = this.unsynced.get(path);
      if (unsynced !== undefined) {
        const replaced = Buffer.from(after.subarray(position, end));
        unsynced.push({ bytes: Buffer.from(bytes), position, before: replaced });
      }
      after.set(bytes, position);
      this.files.set(path, after);
    };
    return {
      read: async (target, position) => {
        const found = this.files.get(path)!.subarray(position, position + target.length);
        target.set(found);
        return found.length;
      },
      write: async (bytes, position) => {
        await this.before('write', path);
        write(bytes, position);
      },
      writeNow,
      truncate: async (bytes) => {
        this.files.set(path, this.files.get(path)!.subarray(0, bytes));
      },
      sync: async () => {
        // What is written while it waits is not synced by it.
        const writes = this.unsynced.get(path);
        const count = writes?.length ?? 0;
        await this.before('sync', path);
        writes?.splice(0, count);
      },
      syncNow: () => {
        if (this.before('sync', path) !== undefined) throw new Error('syncNow cannot wait');
        this.unsynced.get(path)?.splice(0);
      },
      sizeBytes: async () => this.files.get(path)!.length,
      close: async () => {},
    };
  }

  async readFile(path: string): Promise<Buffer> {
    return Buffer.from(this.files.get(path)!);
  }

  async replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    this.files.set(path, Buffer.from(bytes));
  }

  async rename(from: string, to: string): Promise<void> {
    this.files.set(to, this.files.get(from)!);
    this.files.delete(from);
  }

  async remove(path: string): Promise<void> {
    this.files.delete(path);
  }

  async list(): Promise<string[]> {
    return [...this.files.keys()].sort();
  }

  async makeFolder(): Promise<void> {}

  async exists(path: string): Promise<boolean> {
    return this.files.has(path);
  }
}
