/** INFO stats, commandstats, errorstats, latencystats: what has been counted. */
import type { Command } from '../../commands/command.js';
import type { Server } from '../server.js';
import type { InfoLine } from './section.js';

export function statsLines(server: Server): InfoLine[] {
  const { ops, pubsub, store, tracking } = server;
  return [
    ['total_connections_received', server.connectionsReceived],
    ['total_commands_processed', server.totalCommands()],
    ['instantaneous_ops_per_sec', ops.commandsPerSecond],
    ['total_net_input_bytes', server.bytesIn],
    ['total_net_output_bytes', server.bytesOut],
    ['total_net_repl_input_bytes', 0],
    ['total_net_repl_output_bytes', 0],
    ['instantaneous_input_kbps', ops.inputKbps.toFixed(2)],
    ['instantaneous_output_kbps', ops.outputKbps.toFixed(2)],
    ['instantaneous_input_repl_kbps', '0.00'],
    ['instantaneous_output_repl_kbps', '0.00'],
    ['rejected_connections', server.connectionsRejected],
    ['sync_full', 0],
    ['sync_partial_ok', 0],
    ['sync_partial_err', 0],
    ['expired_subkeys', store.expiredElements],
    ['expired_keys', store.expiredKeys],
    ['expired_stale_perc', '0.00'],
    ['expired_time_cap_reached_count', 0],
    ['expire_cycle_cpu_milliseconds', 0],
    ['evicted_keys', store.eviction.evictedKeys],
    ['evicted_clients', 0],
    ['total_eviction_exceeded_time', 0],
    ['current_eviction_exceeded_time', 0],
    ['keyspace_hits', store.keyspaceHits],
    ['keyspace_misses', store.keyspaceMisses],
    ['pubsub_channels', pubsub.count('channel')],
    ['pubsub_patterns', pubsub.count('pattern')],
    ['pubsubshard_channels', pubsub.count('shard')],
    ['latest_fork_usec', 0],
    ['total_forks', 0],
    ['migrate_cached_sockets', 0],
    ['slave_expires_tracked_keys', 0],
    ['active_defrag_hits', 0],
    ['active_defrag_misses', 0],
    ['active_defrag_key_hits', 0],
    ['active_defrag_key_misses', 0],
    ['total_active_defrag_time', 0],
    ['current_active_defrag_time', 0],
    ['tracking_total_keys', tracking.keyCount],
    ['tracking_total_items', tracking.itemCount],
    ['tracking_total_prefixes', tracking.prefixCount],
    ['unexpected_error_replies', 0],
    ['total_error_replies', server.totalErrors],
    ['dump_payload_sanitizations', 0],
    ['total_reads_processed', server.reads],
    ['total_writes_processed', server.writes],
    ['io_threaded_reads_processed', 0],
    ['io_threaded_writes_processed', 0],
    ['reply_buffer_shrinks', 0],
    ['reply_buffer_expands', 0],
    ['acl_access_denied_auth', server.deniedLogins],
    ['acl_access_denied_cmd', 0],
    ['acl_access_denied_key', 0],
    ['acl_access_denied_channel', 0],
  ];
}

export function commandLines(server: Server): InfoLine[] {
  const lines: InfoLine[] = [];
  for (const { fullName, stats } of allCommands(server)) {
    const { calls, rejectedCalls, failedCalls } = stats;
    if (calls === 0 && rejectedCalls === 0 && failedCalls === 0) continue;
    const usec = Math.round(stats.usec);
    const each = calls === 0 ? 0 : stats.usec / calls;
    lines.push([
      `cmdstat_${fullName}`,
      `calls=${calls},usec=${usec},usec_per_call=${each.toFixed(2)},` +
        `rejected_calls=${rejectedCalls},failed_calls=${failedCalls}`,
    ]);
  }
  return lines;
}

export function errorLines(server: Server): InfoLine[] {
  const kinds = [...server.errorCounts].sort(([a], [b]) => (a < b ? -1 : 1));
  return kinds.map(([kind, count]) => [`errorstat_${kind}`, `count=${count}`]);
}

export function latencyLines(server: Server): InfoLine[] {
  const { latencyTracking, latencyTrackingInfoPercentiles: percentiles } = server.settings;
  const lines: InfoLine[] = [];
  if (!latencyTracking) return lines;
  for (const { fullName, stats } of allCommands(server)) {
    if (stats.recordedCalls === 0) continue;
    const parts = percentiles.map((each) => `p${each}=${stats.percentileUsec(each).toFixed(3)}`);
    lines.push([`latency_percentiles_usec_${fullName}`, parts.join(',')]);
  }
  return lines;
}

/** Commands and subcommands. */
export function* allCommands(server: Server): Iterable<Command> {
  for (const command of server.dispatcher.commands.values()) {
    yield command;
    yield* command.children?.values() ?? [];
  }
}
