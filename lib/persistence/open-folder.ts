/**
 * The folder of a node's data:
 *
 *   DIR/log/         the LogStore, which also keeps a second process away
 *   DIR/records.a    durable records, twice (durable-records.ts)
 *   DIR/records.b
 *   DIR/pad          what a crash would keep from the log (pad.ts)
 */

import {
  type LogPut,
  type LogStore,
  LogStoreError,
  type OpenLogFolder,
  type OpenLogStore,
} from '../../world/log-store.js';
import type { Disk } from '../../world/world.js';
import { type BlockHeader, blockKey, blockNumber, readBlock } from './block.js';
import { DurableRecords } from './durable-records.js';
import { lastBlockNumber } from './log-queue.js';
import { Pad, type PadBlock } from './pad.js';

export interface OpenedFolder {
  readonly logStore: LogStore;
  readonly records: DurableRecords;
  readonly pad: Pad;
  /** Opens the LogStore, which has failed and is closed, again, and the pad. */
  readonly open: OpenLogStore;
  /** What is lost, in words. */
  readonly damage: readonly string[];
}

/**
 * Rejects with a LogStoreError, a DurableRecordsError or the disk's error; then nothing is open.
 * `skipsDamage`: opens what can be had of a damaged folder, and says in `damage` what is missing.
 */
export async function openFolder(
  disk: Disk,
  folder: string,
  openLogFolder: OpenLogFolder,
  skipsDamage = false,
): Promise<OpenedFolder> {
  await disk.makeFolder(folder);
  const damage: string[] = [];
  const damaged = (error: unknown, of: string): void => {
    const { code, message } = error as { code?: string; message: string };
    if (!skipsDamage || (code !== 'CORRUPT' && code !== 'DAMAGED')) throw error;
    damage.push(`${of}: ${message}`);
  };
  // First, since it locks the folder.
  let logStore: LogStore;
  try {
    logStore = await openLogFolder(`${folder}/log`);
    if (skipsDamage) await readAll(logStore);
  } catch (error) {
    damaged(error, 'the store of the log');
    logStore = await openLogFolder(`${folder}/log`, 'salvage');
  }
  try {
    const last = await lastBlockNumber(logStore).catch((error: unknown) => {
      damaged(error, 'the end of the log');
      return 0;
    });
    let records: DurableRecords;
    try {
      records = await DurableRecords.open(disk, folder, { isNew: last === 0 });
    } catch (error) {
      damaged(error, 'the durable records');
      records = await DurableRecords.openAnew(disk, folder);
    }
    const pad = await openPad(disk, `${folder}/pad`, logStore, last).catch(
      async (error: unknown) => {
        await records.close();
        throw error;
      },
    );
    const open: OpenLogStore = () =>
      reopen(() => openLogFolder(`${folder}/log`, 'existing'), pad, records);
    return { logStore, records, pad, open, damage };
  } catch (error) {
    await logStore.close();
    throw error;
  }
}

/**
 * Opens a store again. While that is not possible nothing is kept open, so that a file system that
 * has failed can be unmounted, checked, and mounted again.
 */
async function reopen(open: OpenLogStore, pad: Pad, records: DurableRecords): Promise<LogStore> {
  let logStore: LogStore;
  try {
    logStore = await open();
  } catch (error) {
    // On a disk that is full there may be room in files that are there, and for no new ones.
    if (!(error instanceof LogStoreError) || error.code !== 'NO_SPACE') {
      await pad.release();
      await records.release();
    }
    throw error;
  }
  try {
    await pad.reopen();
    return logStore;
  } catch (error) {
    await logStore.close();
    throw error;
  }
}

/** Reads everything once; then closes the store if that is not possible. */
async function readAll(logStore: LogStore): Promise<void> {
  try {
    for await (const _ of logStore.iterate({})) continue;
  } catch (error) {
    await logStore.close();
    throw error;
  }
}

async function openPad(disk: Disk, path: string, logStore: LogStore, last: number): Promise<Pad> {
  const { pad, blocks } = await Pad.open(disk, path);
  try {
    await pad.reset(await takeOver(logStore, blocks, last));
    return pad;
  } catch (error) {
    await pad.close();
    throw error;
  }
}

/**
 * Puts what the pad has and the store has not into it: the blocks behind the store's last and, after
 * a crash of the machine, those in between that the store had not synced. Returns the number of
 * the last block then.
 */
async function takeOver(
  logStore: LogStore,
  blocks: readonly PadBlock[],
  lastStored: number,
): Promise<number> {
  let last = lastStored;
  const stored = await storedOf(logStore, blocks);
  if (stored === undefined) return last;
  const puts: LogPut[] = [];
  for (const { number, block } of blocks) {
    if (number > last + 1) break;
    if (!stored.has(number)) puts.push({ key: blockKey(number), value: block });
    last = Math.max(last, number);
  }
  if (puts.length > 0) await logStore.batch(puts, [], true);
  return last;
}

/**
 * Which of the pad's blocks the store has too. Undefined: it has another one under the same number,
 * for the pad is of a time that was given up, and of which a crash of the machine has left it.
 */
async function storedOf(
  logStore: LogStore,
  blocks: readonly PadBlock[],
): Promise<Set<number> | undefined> {
  const stored = new Set<number>();
  const [first, last] = [blocks[0], blocks.at(-1)];
  if (first === undefined || last === undefined) return stored;
  const padded = new Map(blocks.map(({ number, block }) => [number, block]));
  const header: BlockHeader = { number: 0, sealedMs: 0, closes: false };
  const range = { from: blockKey(first.number), to: blockKey(last.number + 1) };
  try {
    for await (const pairs of logStore.iterate(range)) {
      for (const { key, value } of pairs) {
        const block = padded.get(blockNumber(key));
        const problem = readBlock(value, header);
        if (block === undefined || (problem !== undefined && problem !== 'a newer version'))
          continue;
        if (!block.equals(value)) return undefined;
        stored.add(blockNumber(key));
      }
    }
  } catch (error) {
    // What cannot be read is taken from the pad.
    if (!(error instanceof LogStoreError) || error.code !== 'CORRUPT') throw error;
  }
  return stored;
}

/** Why a folder cannot be used, for people; undefined: the error is about something else. */
export function explainFolder(
  error: unknown,
  folder: string,
  skipsDamage = false,
): string | undefined {
  if (error instanceof LogStoreError && error.code === 'LOCKED') {
    return `${folder} is in use by another process: stop it, or give another --dir`;
  }
  const { code, message } = error as { code?: string; message?: string };
  switch (code) {
    case 'NEWER_VERSION':
      return `${folder} is not for this version of dhash: ${message}`;
    case 'DAMAGED':
    case 'CORRUPT':
      if (skipsDamage)
        return `nothing can be read of ${folder}: ${message}. Restore it from a copy`;
      return (
        `${folder} is damaged: ${message}. Restore it from a copy, or start without what is ` +
        'damaged: --load-damaged yes'
      );
    case 'READ_ONLY':
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `${folder} cannot be written: ${message}`;
    case 'ENOSPC':
    case 'NO_SPACE':
      return `there is no room on the disk of ${folder}: ${message}`;
    case 'EISDIR':
    case 'EIO':
      return `${folder} cannot be used: ${message}`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `${folder} is no folder`;
    default:
      return error instanceof LogStoreError ? `${folder} cannot be used: ${message}` : undefined;
  }
}
