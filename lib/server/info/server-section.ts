/** INFO server, clients, memory, cpu: the process. */
import { lruClock } from '../../store/access.js';
import { REDIS_VERSION } from '../../version.js';
import { memoryReport } from '../memory.js';
import type { Server } from '../server.js';
import { humanBytes, type InfoLine, percentage, ratio } from './section.js';

const DAY_SECONDS = 86_400;

export function serverLines(server: Server): InfoLine[] {
  const { processInfo, settings, store } = server;
  const uptimeSeconds = Math.max(0, Math.floor((store.nowMs - server.startedMs) / 1000));
  const lines: InfoLine[] = [
    ['redis_version', REDIS_VERSION],
    ['redis_git_sha1', '00000000'],
    ['redis_git_dirty', 0],
    ['redis_build_id', '0'],
    ['redis_mode', 'standalone'],
    ['os', processInfo.os],
    ['arch_bits', processInfo.archBits],
    ['monotonic_clock', 'POSIX clock_gettime'],
    ['multiplexing_api', 'libuv'],
    ['process_id', processInfo.pid],
    ['process_supervised', 'no'],
    ['run_id', server.runId],
    ['tcp_port', tcpPort(server)],
    ['server_time_usec', store.nowMs * 1000],
    ['uptime_in_seconds', uptimeSeconds],
    ['uptime_in_days', Math.floor(uptimeSeconds / DAY_SECONDS)],
    ['hz', settings.hz],
    ['configured_hz', settings.hz],
    ['lru_clock', lruClock(store.nowMs)],
    ['executable', processInfo.executable],
    ['config_file', processInfo.configFile],
    ['io_threads_active', 0],
  ];
  for (const [index, address] of server.addresses.entries()) {
    const where =
      'path' in address
        ? `name=unix,bind=${address.path}`
        : `name=tcp,bind=${address.host},port=${address.port}`;
    lines.push([`listener${index}`, where]);
  }
  return lines;
}

function tcpPort(server: Server): number {
  for (const address of server.addresses) if ('port' in address) return address.port;
  return server.settings.port;
}

export function clientLines(server: Server): InfoLine[] {
  let input = 0;
  let output = 0;
  for (const { carrier, reply } of server.sessions.values()) {
    input = Math.max(input, carrier.queryBytes);
    output = Math.max(output, reply.heldBytes);
  }
  return [
    ['connected_clients', server.sessions.size],
    ['cluster_connections', 0],
    ['maxclients', server.settings.maxclients],
    ['client_recent_max_input_buffer', input],
    ['client_recent_max_output_buffer', output],
    ['blocked_clients', server.heldBackCount + server.blocking.size],
    ['tracking_clients', server.tracking.clientCount],
    ['clients_in_timeout_table', server.blocking.timedCount],
    ['total_blocking_keys', server.store.waits.keyCount],
    ['total_blocking_keys_on_nokey', 0],
  ];
}

function scriptLines({ scripts }: Server): InfoLine[] {
  const { cache, libraries, memory } = scripts;
  const machineBytes = memory.scripts + memory.functions;
  const textBytes = cache.bytes + libraries.bytes;
  return [
    ['used_memory_lua', memory.scripts],
    ['used_memory_vm_eval', memory.scripts],
    ['used_memory_lua_human', humanBytes(memory.scripts)],
    ['used_memory_scripts_eval', cache.bytes],
    ['number_of_cached_scripts', cache.size],
    ['number_of_functions', libraries.functionCount],
    ['number_of_libraries', libraries.size],
    ['used_memory_vm_functions', memory.functions],
    ['used_memory_vm_total', machineBytes],
    ['used_memory_vm_total_human', humanBytes(machineBytes)],
    ['used_memory_functions', libraries.bytes],
    ['used_memory_scripts', textBytes],
    ['used_memory_scripts_human', humanBytes(textBytes)],
  ];
}

export function memoryLines(server: Server): InfoLine[] {
  const report = memoryReport(server);
  const { usedBytes, peakBytes, startupBytes, datasetBytes, residentBytes } = report;
  const activeBytes = report.reservedBytes + report.heapBytes;
  const { maxmemory, maxmemoryPolicy } = server.settings;
  return [
    ['used_memory', usedBytes],
    ['used_memory_human', humanBytes(usedBytes)],
    ['used_memory_rss', residentBytes],
    ['used_memory_rss_human', humanBytes(residentBytes)],
    ['used_memory_peak', peakBytes],
    ['used_memory_peak_human', humanBytes(peakBytes)],
    ['used_memory_peak_perc', percentage(usedBytes, peakBytes)],
    ['used_memory_overhead', report.heapBytes],
    ['used_memory_startup', startupBytes],
    ['used_memory_dataset', datasetBytes],
    [
      'used_memory_dataset_perc',
      percentage(datasetBytes, Math.max(datasetBytes, usedBytes - startupBytes)),
    ],
    ['allocator_allocated', usedBytes],
    ['allocator_active', activeBytes],
    ['allocator_resident', residentBytes],
    ['total_system_memory', server.processInfo.systemMemoryBytes],
    ['total_system_memory_human', humanBytes(server.processInfo.systemMemoryBytes)],
    ...scriptLines(server),
    ['maxmemory', maxmemory],
    ['maxmemory_human', humanBytes(maxmemory)],
    ['maxmemory_policy', maxmemoryPolicy],
    ['allocator_frag_ratio', ratio(activeBytes, usedBytes)],
    ['allocator_frag_bytes', activeBytes - usedBytes],
    ['allocator_rss_ratio', ratio(residentBytes, activeBytes)],
    ['allocator_rss_bytes', residentBytes - activeBytes],
    ['rss_overhead_ratio', '1.00'],
    ['rss_overhead_bytes', 0],
    ['mem_fragmentation_ratio', ratio(residentBytes, usedBytes)],
    ['mem_fragmentation_bytes', residentBytes - usedBytes],
    // maxmemory limits entries alone.
    ['mem_not_counted_for_evict', report.heapBytes],
    ['mem_replication_backlog', 0],
    ['mem_total_replication_buffers', 0],
    ['mem_clients_slaves', 0],
    ['mem_clients_normal', report.clientBytes],
    ['mem_cluster_links', 0],
    ['mem_aof_buffer', server.persistence?.pendingBytes ?? 0],
    ['mem_allocator', 'dhash-arena'],
    ['active_defrag_running', 0],
    ['lazyfree_pending_objects', server.store.space.reclaimPending ? 1 : 0],
    ['lazyfreed_objects', 0],
  ];
}

export function cpuLines(server: Server): InfoLine[] {
  const { user, system } = server.processInfo.cpuSeconds();
  return [
    ['used_cpu_sys', system.toFixed(6)],
    ['used_cpu_user', user.toFixed(6)],
    ['used_cpu_sys_children', '0.000000'],
    ['used_cpu_user_children', '0.000000'],
  ];
}
