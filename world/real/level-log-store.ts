/**
 * The LogStore of a real node: LevelDB by `classic-level`, from its prebuilt binary. Why this one
 * is in docs/decisions/0012.
 *
 * Values are blocks of the node's own log, so they are neither cached nor compressed. LevelDB hands
 * each batch to the system before it says so: a crash of the process alone loses none.
 */
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import {
  type LogPut,
  type LogRange,
  type LogStore,
  type LogStoreCode,
  LogStoreError,
  type OpenLogMode,
} from '../log-store.js';
import { manifestProblem } from './level-manifest.js';

const WRITE_BUFFER_BYTES = 8 * 1024 * 1024;
const FILE_BYTES_MAX = 32 * 1024 * 1024;
const READ_AHEAD_BYTES = 4 * 1024 * 1024;
const PAIRS_PER_STEP_MAX = 1024;

/**
 * Besides what LevelDB calls a corruption: it reads behind the end of a table that is too short, and
 * misses files.
 */
const DAMAGE = /corruption|\.(ldb|sst): (Invalid argument|No such)|MANIFEST-\d+: No such file/i;

type Level = ClassicLevel<Buffer, Buffer>;

export async function openLevelLogStore(
  folder: string,
  mode: OpenLogMode = 'create',
): Promise<LogStore> {
  try {
    if (mode === 'salvage') await ClassicLevel.repair(folder);
    else await needWhole(folder, mode);
  } catch (error) {
    throw logStoreError(error);
  }
  const level: Level = new ClassicLevel(folder, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    createIfMissing: mode !== 'existing',
    compression: false,
    cacheSize: 1024 * 1024,
    writeBufferSize: WRITE_BUFFER_BYTES,
    maxFileSize: FILE_BYTES_MAX,
  });
  try {
    await level.open();
  } catch (error) {
    throw logStoreError(error);
  }
  return new LevelLogStore(level, folder);
}

/**
 * Where the name of its manifest is missing, LevelDB would begin anew and remove the tables that it
 * knows nothing of.
 */
async function needWhole(folder: string, mode: OpenLogMode): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  if (names.includes('CURRENT')) {
    await needManifest(folder, names);
    return;
  }
  // LevelDB would make the folder before it looks for what is in it.
  if (mode === 'existing') throw new LogStoreError('IO', `${folder} is gone`);
  if (!names.some((name) => /\.(ldb|sst)$/.test(name))) return;
  throw new LogStoreError('CORRUPT', 'CURRENT is missing');
}

/** A manifest that has lost its end is found before LevelDB removes what it does not name. */
async function needManifest(folder: string, names: readonly string[]): Promise<void> {
  let manifest: Buffer;
  try {
    const name = (await readFile(join(folder, 'CURRENT'), 'latin1')).trim();
    if (!names.includes(name)) return;
    manifest = await readFile(join(folder, name));
  } catch {
    // LevelDB will say what is the matter.
    return;
  }
  const problem = manifestProblem(manifest, names);
  if (problem !== undefined) throw new LogStoreError('CORRUPT', problem);
}

class LevelLogStore implements LogStore {
  readonly #level: Level;
  readonly #folder: string;
  /** Log files whose names are on stable storage. */
  #syncedNames = new Set<string>();
  /** Settles once the last batch has been written, or has failed. */
  #lastBatch: Promise<void> = Promise.resolve();

  constructor(level: Level, folder: string) {
    this.#level = level;
    this.#folder = folder;
  }

  async batch(puts: readonly LogPut[], deletes: readonly Buffer[], sync: boolean): Promise<void> {
    const operations = [
      ...puts.map(({ key, value }) => ({ type: 'put', key, value }) as const),
      ...deletes.map((key) => ({ type: 'del', key }) as const),
    ];
    // Threads write batches, as many at once as there are, so that a later one may be first.
    const written = this.#lastBatch.then(() => this.#level.batch(operations, { sync: false }));
    this.#lastBatch = written.catch(() => {});
    try {
      await written;
    } catch (error) {
      throw logStoreError(error);
    }
    if (sync) await this.sync();
  }

  /**
   * LevelDB syncs with a batch, which holds up the batches behind it, and then syncs its present
   * log file only. So that a slow disk holds nobody up, and what an older log file holds that is
   * not in a table yet is safe too, the log files are synced from here, and the folder when there
   * is a new one. One that vanishes meanwhile has become a table, which LevelDB has synced.
   */
  async sync(): Promise<void> {
    if (this.#level.status !== 'open') throw new LogStoreError('CLOSED', 'the store is closed');
    const names = (await this.#names()).filter((name) => name.endsWith('.log'));
    const hasNew = names.some((name) => !this.#syncedNames.has(name));
    for (const name of names) await this.#syncFile(name);
    if (hasNew) await this.#syncFile('.');
    this.#syncedNames = new Set(names);
  }

  async #syncFile(name: string): Promise<void> {
    let file: FileHandle | undefined;
    try {
      file = await open(join(this.#folder, name), 'r');
      await file.datasync();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw logStoreError(error);
    } finally {
      await file?.close();
    }
  }

  async *iterate({ from, to, reverse }: LogRange): AsyncGenerator<readonly LogPut[]> {
    if (this.#level.status !== 'open') throw new LogStoreError('CLOSED', 'the store is closed');
    const iterator = this.#level.iterator({
      ...(from === undefined ? {} : { gte: from }),
      ...(to === undefined ? {} : { lt: to }),
      reverse: reverse ?? false,
      highWaterMarkBytes: READ_AHEAD_BYTES,
      fillCache: false,
    });
    try {
      for (;;) {
        const pairs = await iterator.nextv(PAIRS_PER_STEP_MAX);
        if (pairs.length === 0) return;
        yield pairs.map(([key, value]) => ({ key, value }));
      }
    } catch (error) {
      throw logStoreError(error);
    } finally {
      await iterator.close();
    }
  }

  async bytes(): Promise<number> {
    let bytes = 0;
    for (const name of await this.#names()) {
      bytes += await stat(join(this.#folder, name)).then(
        (stats) => stats.size,
        () => 0,
      );
    }
    return bytes;
  }

  async close(): Promise<void> {
    await this.#lastBatch;
    try {
      await this.#level.close();
    } catch (error) {
      throw logStoreError(error);
    }
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.#folder);
    } catch (error) {
      throw logStoreError(error);
    }
  }
}

/** LevelDB tells in words what went wrong. */
function logStoreError(error: unknown): LogStoreError {
  if (error instanceof LogStoreError) return error;
  const { code, message, cause } = error as Error & { code?: string };
  const reason = cause instanceof Error ? cause : undefined;
  const reasonCode = (reason as { code?: string } | undefined)?.code;
  const text = reason === undefined ? message : `${message}: ${reason.message}`;
  return new LogStoreError(codeOf([code, reasonCode], text), text);
}

function codeOf(codes: readonly (string | undefined)[], text: string): LogStoreCode {
  if (codes.includes('LEVEL_LOCKED')) return 'LOCKED';
  if (/permission denied|read-only file system|not permitted/i.test(text)) return 'READ_ONLY';
  if (codes.includes('LEVEL_CORRUPTION') || DAMAGE.test(text)) return 'CORRUPT';
  if (codes.some((code) => code?.endsWith('_NOT_OPEN') === true) && !/IO error/.test(text)) {
    return 'CLOSED';
  }
  if (codes.includes('ENOSPC') || /no space left|quota/i.test(text)) return 'NO_SPACE';
  return 'IO';
}
