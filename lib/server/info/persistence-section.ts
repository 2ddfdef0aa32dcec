/** INFO persistence: Redis's names for what is alike, and `disk_...` for the rest. */
import type { Server } from '../server.js';
import type { InfoLine } from './section.js';

/** Of what has been acknowledged, once the next write under the setting has been. */
const MACHINE_CRASH_LOSES = {
  always: 'nothing acknowledged',
  everysec: 'about the last second',
  no: 'what the system had not written yet',
} as const;

export function persistenceLines(server: Server): InfoLine[] {
  const disk = server.persistence;
  const isFailed = disk?.failure !== undefined;
  return [
    ['loading', disk?.isLoading === true ? 1 : 0],
    ...loadingLines(server),
    ['async_loading', 0],
    ['current_cow_peak', 0],
    ['current_cow_size', 0],
    ['current_cow_size_age', 0],
    ['current_fork_perc', '0.00'],
    ['current_save_keys_processed', 0],
    ['current_save_keys_total', 0],
    ...saveLines(server),
    ['rdb_last_cow_size', 0],
    ['rdb_last_load_keys_expired', 0],
    ['rdb_last_load_keys_loaded', disk?.loadedKeys ?? 0],
    ['aof_enabled', disk === undefined ? 0 : 1],
    ['aof_rewrite_in_progress', disk?.sweep === undefined ? 0 : 1],
    ['aof_rewrite_scheduled', disk?.isSweepScheduled === true ? 1 : 0],
    ['aof_last_rewrite_time_sec', Math.round(disk?.lastSweepSeconds ?? -1)],
    ['aof_current_rewrite_time_sec', sweepSeconds(server)],
    ['aof_last_bgrewrite_status', 'ok'],
    ['aof_rewrites', disk?.sweeps ?? 0],
    ['aof_rewrites_consecutive_failures', 0],
    ['aof_last_write_status', isFailed ? 'err' : 'ok'],
    ['aof_last_cow_size', 0],
    ['module_fork_in_progress', 0],
    ['module_fork_last_cow_size', 0],
    ...diskLines(server),
  ];
}

function saveLines({ persistence, startedMs, store }: Server): InfoLine[] {
  const saves = persistence?.saves;
  const sinceMs = saves?.backgroundStartedMs;
  const seconds = sinceMs === undefined ? -1 : (store.world.clock.wallMs() - sinceMs) / 1000;
  return [
    ['rdb_changes_since_last_save', saves?.unsavedChanges ?? store.dirty],
    ['rdb_bgsave_in_progress', sinceMs === undefined ? 0 : 1],
    ['rdb_last_save_time', Math.floor((saves?.lastSaveMs ?? startedMs) / 1000)],
    ['rdb_last_bgsave_status', saves?.isLastGood === false ? 'err' : 'ok'],
    ['rdb_last_bgsave_time_sec', Math.round(saves?.lastSeconds ?? -1)],
    ['rdb_current_bgsave_time_sec', Math.round(seconds)],
    ['rdb_saves', saves?.count ?? 0],
  ];
}

function loadingLines({ persistence, store }: Server): InfoLine[] {
  if (persistence?.isLoading !== true) return [];
  const { bytes, totalBytes, startedMs } = persistence.loader;
  const seconds = Math.max(0, (store.world.clock.wallMs() - startedMs) / 1000);
  const left = Math.max(0, totalBytes - bytes);
  return [
    ['loading_start_time', Math.floor(startedMs / 1000)],
    ['loading_total_bytes', totalBytes],
    ['loading_rdb_used_mem', 0],
    ['loading_loaded_bytes', bytes],
    ['loading_loaded_perc', ((bytes * 100) / Math.max(1, totalBytes)).toFixed(2)],
    ['loading_eta_seconds', Math.round(bytes === 0 ? 1 : (left / bytes) * seconds)],
  ];
}

function sweepSeconds({ persistence, store }: Server): number {
  const sweep = persistence?.sweep;
  if (sweep === undefined) return -1;
  return Math.round((store.world.clock.wallMs() - sweep.startedMs) / 1000);
}

function diskLines({ persistence, settings }: Server): InfoLine[] {
  if (persistence === undefined || persistence.isLoading) return [];
  const { queue, failure, loader } = persistence;
  return [
    ['aof_current_size', persistence.logBytes],
    ['aof_base_size', persistence.baseBytes],
    ['aof_pending_rewrite', 0],
    ['aof_buffer_length', persistence.pendingBytes],
    ['aof_pending_bio_fsync', queue.writtenNumber - queue.syncedNumber],
    ['aof_delayed_fsync', 0],
    ['disk_fsync', settings.fsync],
    ['disk_process_crash_loses', 'nothing acknowledged'],
    ['disk_machine_crash_loses', MACHINE_CRASH_LOSES[settings.fsync]],
    ['disk_blocks_written', queue.writtenNumber],
    ['disk_blocks_synced', queue.syncedNumber],
    ['disk_written_bytes', queue.writtenBytes],
    ['disk_batches', queue.batches],
    ['disk_syncs', queue.syncs],
    ['disk_pad_syncs', persistence.padSyncs],
    ['disk_held_clients', persistence.heldCount],
    ['disk_load_records', loader.replayer.records],
    ['disk_load_seconds', persistence.loadSeconds.toFixed(3)],
    ['disk_load_cut_blocks', loader.cutBlocks],
    ['disk_load_damage', loader.damage.length],
    ['disk_last_error', failure === undefined ? '' : failure.message.replace(/[\r\n]/g, ' ')],
  ];
}
