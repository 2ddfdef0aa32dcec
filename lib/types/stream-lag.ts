/**
 * How far a group has come, in entries: a counter of what it has read, which is only known while no
 * entry was deleted ahead of it. Source: Redis t_stream.c (`streamReplyWithCGLag`,
 * `streamEstimateDistanceFromFirstEverEntry`, `streamRangeHasTombstones`).
 */
import type { Collection } from '../store/collection.js';
import { ENTRIES_READ_UNKNOWN, type Group } from './stream-group.js';
import { StreamId } from './stream-id.js';
import { entryRank, loadEntryId, type StreamState } from './streams.js';

const id = new StreamId();

/** How many entries were added up to this id, it included; ENTRIES_READ_UNKNOWN if that cannot be told. */
export function addedUpTo(state: StreamState, id: StreamId): number {
  const { entriesAdded, firstId, lastId, length, maxDeletedId } = state;
  if (entriesAdded === 0) return 0;
  const order = id.compare(lastId);
  if (order === 0 || (length === 0 && order < 0)) return entriesAdded;
  if (order > 0) return ENTRIES_READ_UNKNOWN;
  if (maxDeletedId.isZero || maxDeletedId.compare(firstId) < 0) {
    const fromFirst = id.compare(firstId);
    if (fromFirst < 0) return entriesAdded - length;
    if (fromFirst === 0) return entriesAdded - length + 1;
  }
  return ENTRIES_READ_UNKNOWN;
}

/** Whether an entry was deleted behind the first. */
function isFragmented({ firstId, length, maxDeletedId }: StreamState): boolean {
  return length > 0 && !maxDeletedId.isZero && firstId.compare(maxDeletedId) <= 0;
}

/** Entries that the group has still to read; undefined if that cannot be told. */
export function lagOf(state: StreamState, group: Group): number | undefined {
  const { entriesAdded, maxDeletedId } = state;
  if (entriesAdded === 0) return 0;
  const isAhead = isFragmented(state) && group.lastId.compare(maxDeletedId) <= 0;
  const isKnown = group.entriesRead !== ENTRIES_READ_UNKNOWN && !isAhead;
  const read = isKnown ? group.entriesRead : addedUpTo(state, group.lastId);
  return read === ENTRIES_READ_UNKNOWN ? undefined : entriesAdded - read;
}

/**
 * Moves a group on over `count` entries, at least one, from this index on: counts what it has read,
 * as if that was done entry by entry, and sets its last id.
 */
export function moveOn(
  stream: Collection,
  state: StreamState,
  group: Group,
  index: number,
  count: number,
): void {
  const { elements } = stream;
  // Behind them nothing was deleted.
  let below = 0;
  if (isFragmented(state)) {
    id.copy(state.maxDeletedId);
    const end = id.increment() ? entryRank(stream, id) : state.length;
    below = Math.min(count, Math.max(0, end - index));
  }
  let read = group.entriesRead;
  if (below > 0) {
    loadEntryId(elements, elements.nth(index + below - 1), id);
    read = addedUpTo(state, id);
  }
  let left = count - below;
  if (left > 0 && read === ENTRIES_READ_UNKNOWN) {
    loadEntryId(elements, elements.nth(index + below), id);
    read = addedUpTo(state, id);
    left -= 1;
  }
  loadEntryId(elements, elements.nth(index + count - 1), group.lastId);
  if (left > 0) {
    read = read === ENTRIES_READ_UNKNOWN ? addedUpTo(state, group.lastId) : read + left;
  }
  group.entriesRead = read;
}
