/** INFO dhash: what Redis has no word for. */
import { msOf } from '../../../timenet/hlc.js';
import { DHASH_VERSION } from '../../version.js';
import type { Server } from '../server.js';
import type { InfoLine } from './section.js';

export function dhashLines(server: Server): InfoLine[] {
  const { processInfo, store, settings, tasks } = server;
  const { clock, space } = store;
  const usage = space.memoryUsage();
  let keys = 0;
  let entries = 0;
  let expiring = 0;
  for (const database of store.databases) {
    keys += database.size();
    entries += database.tree.allCount;
    expiring += database.expiringSize();
  }
  return [
    ['dhash_version', DHASH_VERSION],
    ['node_version', processInfo.nodeVersion],
    ['databases', store.databases.length],
    ['keys', keys],
    ['keys_expiring', expiring],
    ['entries', entries],
    ['elements_and_tombstones', entries - keys],
    ['last_stamp', clock.last],
    ['last_stamp_time_ms', clock.last === 0 ? 0 : msOf(clock.last)],
    ['clock_ahead_ms', clock.aheadMs],
    ['clock_skew_max_ms', settings.clockSkewMaxMs],
    ['stamps_refused', clock.refusedCount],
    ['collected_stamp', Math.max(store.collectedStamp, store.collectedRanges.highest)],
    ['space_used_bytes', usage.usedBytes],
    ['space_reserved_bytes', usage.reservedBytes],
    ['space_fragmented_bytes', usage.fragmentedBytes],
    ['space_node_bytes', usage.nodeBytes],
    ['space_leaf_bytes', usage.leafBytes],
    ['space_big_value_bytes', usage.bigValueBytes],
    ['space_expiry_bytes', usage.expiryBytes],
    ['reclaim_pending', space.reclaimPending ? 1 : 0],
    ['tasks', tasks.size],
    ['watched_keys', store.watches.watchedCount],
    ['monitors', server.monitors.size],
  ];
}
