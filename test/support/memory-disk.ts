/** A disk in memory that answers at once: for tests of one node that keeps its entries. */
import type { Disk, DiskFile } from '../../world/world.js';

export class MemoryDisk implements Disk {
  readonly files = new Map<string, Buffer>();

  /** What a crash of the process at this moment leaves. */
  clone(): MemoryDisk {
    const copy = new MemoryDisk();
    for (const [path, bytes] of this.files) copy.files.set(path, Buffer.from(bytes));
    return copy;
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    if (!this.files.has(path)) {
      if (mode !== 'create') throw Object.assign(new Error(path), { code: 'ENOENT' });
      this.files.set(path, Buffer.alloc(0));
    }
    const write = (bytes: Uint8Array, position: number): void => {
      const before = this.files.get(path)!;
      const end = position + bytes.length;
      const after =
        end > before.length ? Buffer.concat([before, Buffer.alloc(end - before.length)]) : before;
      after.set(bytes, position);
      this.files.set(path, after);
    };
    return {
      read: async (target, position) => {
        const found = this.files.get(path)!.subarray(position, position + target.length);
        target.set(found);
        return found.length;
      },
      write: async (bytes, position) => write(bytes, position),
      writeNow: write,
      truncate: async (bytes) => {
        this.files.set(path, this.files.get(path)!.subarray(0, bytes));
      },
      sync: async () => {},
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
