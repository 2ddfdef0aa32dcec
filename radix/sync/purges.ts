/** Waiting for what a database has to take out: what its clear hides, and what has expired. */
import type { SyncDatabase } from './database.js';
import type { Task } from './link.js';

const SLICE_ENTRIES = 512;

/** Until nothing is in the trees that their clears hide. */
export function* pendingPurges(databases: readonly SyncDatabase[]): Task<void> {
  for (const database of databases) while (database.purge(SLICE_ENTRIES)) yield 'slice';
}

/** Until nothing is in the trees that every merge refuses since it has expired. */
export function* expiredEntries(databases: readonly SyncDatabase[], untilMs: number): Task<void> {
  for (const database of databases) {
    while (database.dropExpired(untilMs, SLICE_ENTRIES)) yield 'slice';
  }
}
