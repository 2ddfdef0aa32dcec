/**
 * Load: how much a member owns and holds, as it tells the others.
 *
 * Bytes are estimated: the mean of up to 64 entries, at equal distances, times their number. It is
 * the same each time until something is written, so that nothing moves to and fro for it.
 */

import type { PeerReply } from '../../discord/peer/pipeline.js';
import type { RingRange } from '../../discord/ring/position.js';
import { Replica } from '../../radix/sync/replica.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import { epochOf, type RingLinks } from '../ring/ring-links.js';
import type { Store } from '../store/store.js';
import { cutOf } from './cut.js';
import { entriesIn, syncDatabases } from './replica.js';

export interface Load {
  /** The epoch of the view by which the rest was counted. */
  readonly epoch: number;
  readonly ownedEntries: number;
  readonly ownedBytes: number;
  readonly heldEntries: number;
  readonly heldBytes: number;
  /** Held, and should not be; -1: not known yet. */
  readonly misplacedEntries: number;
  /** No stray below this stamp is here or will be taken; 0: unknown. */
  readonly floor: number;
  /** Where a newcomer should stand that is to have half of what this member owns; null: nowhere. */
  readonly middle: Buffer | null;
}

const SAMPLES = 64;
/** What an entry costs besides its key and value: about 48 bytes of leaf and nodes. */
const ENTRY_BYTES = 48;
const FIELDS = 8;

export interface LoadState {
  readonly misplacedEntries: number;
  readonly floor: number;
}

export function ownLoad(store: Store, ring: RingLinks, state: LoadState): Load {
  const heldEntries = store.databases.reduce((sum, { tree }) => sum + tree.allCount, 0);
  const all = { ...state, epoch: epochOf(ring), heldEntries };
  if (!ring.isReady || ring.selfIndex < 0) {
    return { ...all, ownedEntries: 0, ownedBytes: 0, heldBytes: 0, middle: null };
  }
  const range = ring.responsibility.current.rangeOf(ring.selfIndex);
  const ownedEntries = entriesIn(store, range);
  const entryBytes = meanBytes(store, range, ownedEntries);
  return {
    ...all,
    ownedEntries,
    ownedBytes: Math.round(ownedEntries * entryBytes),
    heldBytes: Math.round(heldEntries * entryBytes),
    middle: cutOf(store, range, Math.floor(ownedEntries / 2))?.position ?? null,
  };
}

export function writeLoad(reply: ReplyWriter, load: Load): void {
  reply.array(FIELDS);
  reply.integer(load.epoch);
  reply.integer(load.ownedEntries);
  reply.integer(load.ownedBytes);
  reply.integer(load.heldEntries);
  reply.integer(load.heldBytes);
  reply.integer(load.misplacedEntries);
  reply.integer(load.floor);
  if (load.middle === null) reply.nil();
  else reply.bulk(load.middle, 0, load.middle.length);
}

/** Undefined: that is no load. */
export function readLoad(reply: PeerReply): Load | undefined {
  if (!Array.isArray(reply) || reply.length !== FIELDS) return undefined;
  const numbers = reply.slice(0, FIELDS - 1);
  const middle = reply[FIELDS - 1]!;
  if (!numbers.every((each): each is number => Number.isSafeInteger(each))) return undefined;
  if (middle !== null && !Buffer.isBuffer(middle)) return undefined;
  return {
    epoch: numbers[0]!,
    ownedEntries: numbers[1]!,
    ownedBytes: numbers[2]!,
    heldEntries: numbers[3]!,
    heldBytes: numbers[4]!,
    misplacedEntries: numbers[5]!,
    floor: numbers[6]!,
    middle,
  };
}

function meanBytes(store: Store, range: RingRange, entries: number): number {
  if (entries === 0) return 0;
  const databases = syncDatabases(store);
  const replica = new Replica(databases, range);
  const items = replica.prefix(null).count;
  const count = Math.min(SAMPLES, items);
  let bytes = 0;
  for (let n = 0; n < count; n += 1) {
    const place = replica.placeOf(Math.floor((items * n) / count));
    if (place === null || place.key === null) continue;
    const { tree } = databases[place.db]!;
    const leaf = tree.find(place.key, 0, place.key.length);
    bytes += ENTRY_BYTES + tree.keyBytes(leaf);
    if (place.sub === null) bytes += tree.valueBytes(leaf);
    else bytes += place.sub.length;
  }
  return bytes / count;
}
