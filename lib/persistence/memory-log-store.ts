/**
 * A LogStore in memory: what a process that ends would leave is in `MemoryLog`, which outlives the
 * stores opened on it, as a folder does. For tests, and as the plainest form of the interface.
 */
import {
  type LogPut,
  type LogRange,
  type LogStore,
  LogStoreError,
  type OpenLogStore,
} from '../../world/log-store.js';

const PAIRS_PER_STEP = 64;

/** What lies on the disk. */
export class MemoryLog {
  /** Key in latin1, whose order is that of the bytes. */
  readonly pairs = new Map<string, Buffer>();
  /** For each batch that is not synced what its keys had before. */
  unsynced: Map<string, Buffer | undefined>[] = [];
  isOpen = false;

  /** A crash of the machine: of what is not synced each batch is kept, or it is lost. */
  powerCut(keeps: () => boolean): void {
    for (const before of this.unsynced.splice(0).reverse()) {
      if (keeps()) continue;
      for (const [key, value] of before) {
        if (value === undefined) this.pairs.delete(key);
        else this.pairs.set(key, value);
      }
    }
  }

  readonly open: OpenLogStore = async () => {
    if (this.isOpen) throw new LogStoreError('LOCKED', 'it is open already');
    this.isOpen = true;
    return new MemoryLogStore(this);
  };
}

class MemoryLogStore implements LogStore {
  readonly #log: MemoryLog;
  #isClosed = false;

  constructor(log: MemoryLog) {
    this.#log = log;
  }

  async batch(puts: readonly LogPut[], deletes: readonly Buffer[], sync: boolean): Promise<void> {
    this.#needOpen();
    const { pairs, unsynced } = this.#log;
    const before = new Map<string, Buffer | undefined>();
    for (const name of [...puts.map(({ key }) => key), ...deletes].map(nameOf)) {
      before.set(name, pairs.get(name));
    }
    for (const { key, value } of puts) pairs.set(nameOf(key), Buffer.from(value));
    for (const key of deletes) pairs.delete(nameOf(key));
    unsynced.push(before);
    if (sync) await this.sync();
  }

  async sync(): Promise<void> {
    this.#needOpen();
    this.#log.unsynced = [];
  }

  async *iterate({ from, to, reverse }: LogRange): AsyncGenerator<readonly LogPut[]> {
    this.#needOpen();
    const low = from?.toString('latin1') ?? '';
    const high = to?.toString('latin1');
    const within = (key: string) => key >= low && (high === undefined || key < high);
    const found = [...this.#log.pairs].filter(([key]) => within(key));
    found.sort(([a], [b]) => (a < b ? -1 : 1));
    if (reverse === true) found.reverse();
    for (let at = 0; at < found.length; at += PAIRS_PER_STEP) {
      this.#needOpen();
      const some = found.slice(at, at + PAIRS_PER_STEP);
      yield some.map(([key, value]) => ({
        key: Buffer.from(key, 'latin1'),
        value: Buffer.from(value),
      }));
    }
  }

  async bytes(): Promise<number> {
    let bytes = 0;
    for (const [key, value] of this.#log.pairs) bytes += key.length + value.length;
    return bytes;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#log.isOpen = false;
  }

  #needOpen(): void {
    if (this.#isClosed) throw new LogStoreError('CLOSED', 'the store is closed');
  }
}

function nameOf(key: Buffer): string {
  return key.toString('latin1');
}
