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
  /** Opens the LogStore again, once it is closed. */
  readonly open: OpenLogStore;
}

/** Rejects with a LogStoreError, a DurableRecordsError or the disk's error; then nothing is open. */
export async function openFolder(
  disk: Disk,
  folder: string,
  openLogStore: (folder: string) => Promise<LogStore>,
): Promise<OpenedFolder> {
  await disk.makeFolder(folder);
  const open: OpenLogStore = () => openLogStore(`${folder}/log`);
  // First, since it locks the folder.
  const logStore = await open();
  try {
    const records = await DurableRecords.open(disk, folder);
    const { pad, blocks } = await Pad.open(disk, `${folder}/pad`);
    await pad.reset(await takeOver(logStore, blocks));
    return { logStore, records, pad, open };
  } catch (error) {
    await logStore.close();
    throw error;
  }
}

/**
 * Puts what the pad has and the store has not into it: the blocks behind the store's last and, after
 * a crash of the machine, those in between that the store had not synced. Returns the number of
 * the last block then.
 */
async function takeOver(logStore: LogStore, blocks: readonly PadBlock[]): Promise<number> {
  let last = await lastBlockNumber(logStore);
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
export function explainFolder(error: unknown, folder: string): string | undefined {
  if (error instanceof LogStoreError && error.code === 'LOCKED') {
    return `${folder} is in use by another process: stop it, or give another --dir`;
  }
  const { code, message } = error as { code?: string; message?: string };
  switch (code) {
    case 'NEWER_VERSION':
      return `${folder} is not for this version of dhash: ${message}`;
    case 'DAMAGED':
    case 'CORRUPT':
      return (
        `${folder} is damaged: ${message}. Restore it from a copy, or start without what is ` +
        'damaged: --load-damaged yes'
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `${folder} cannot be written: ${message}`;
    case 'ENOSPC':
    case 'NO_SPACE':
      return `there is no room on the disk of ${folder}: ${message}`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `${folder} is no folder`;
    default:
      return error instanceof LogStoreError ? `${folder} cannot be used: ${message}` : undefined;
  }
}
