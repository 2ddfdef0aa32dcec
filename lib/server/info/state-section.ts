/** INFO replication, cluster, keyspace: what a single node has to say. */
import type { Server } from '../server.js';
import type { InfoLine } from './section.js';

export function replicationLines(server: Server): InfoLine[] {
  return [
    ['role', 'master'],
    ['connected_slaves', 0],
    ['master_failover_state', 'no-failover'],
    ['master_replid', server.runId],
    ['master_replid2', '0'.repeat(40)],
    ['master_repl_offset', 0],
    ['second_repl_offset', -1],
    ['repl_backlog_active', 0],
    ['repl_backlog_size', 1_048_576],
    ['repl_backlog_first_byte_offset', 0],
    ['repl_backlog_histlen', 0],
  ];
}

export function clusterLines(): InfoLine[] {
  return [['cluster_enabled', 0]];
}

export function keyspaceLines(server: Server): InfoLine[] {
  const lines: InfoLine[] = [];
  for (const database of server.store.databases) {
    const keys = database.size();
    if (keys === 0) continue;
    lines.push([
      `db${database.index}`,
      `keys=${keys},expires=${database.expiringSize()},avg_ttl=0,` +
        `subexpiry=${database.expiringElementsSize()}`,
    ]);
  }
  return lines;
}
