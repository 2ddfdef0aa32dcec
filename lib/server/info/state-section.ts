/** INFO replication, cluster, keyspace: what a single node has to say. */
import type { ReplicaStream } from '../../replication/replica-stream.js';
import type { Replication } from '../../replication/replication.js';
import { parseMemberAddress } from '../../ring/member-address.js';
import type { Server } from '../server.js';
import type { InfoLine } from './section.js';

/** As Redis tells of a master and its replicas, and then what only a ring has to say. */
export function replicationLines(server: Server): InfoLine[] {
  const { replication } = server;
  const streams = replication === undefined ? [] : [...replication.streams];
  const alive = streams.filter((stream) => stream.isAlive);
  return [
    ['role', 'master'],
    ['connected_slaves', alive.length],
    ...alive.map((stream, n) => slaveLine(stream, n)),
    ['master_failover_state', 'no-failover'],
    ['master_replid', server.runId],
    ['master_replid2', '0'.repeat(40)],
    ['master_repl_offset', replication === undefined ? 0 : replication.turn - 1],
    ['second_repl_offset', -1],
    ['repl_backlog_active', 0],
    ['repl_backlog_size', 1_048_576],
    ['repl_backlog_first_byte_offset', 0],
    ['repl_backlog_histlen', 0],
    ...(replication?.isOn === true ? ringLines(replication, streams) : []),
  ];
}

function slaveLine(stream: ReplicaStream, n: number): InfoLine {
  const { host: ip, port } = parseMemberAddress(stream.address)!;
  const lag = Math.floor(stream.lagMs / 1000);
  const offset = stream.acknowledgedBatches;
  return [`slave${n}`, `ip=${ip},port=${port},state=online,offset=${offset},lag=${lag}`];
}

function ringLines(replication: Replication, streams: readonly ReplicaStream[]): InfoLine[] {
  const { intake, reads } = replication;
  return [
    ...streams.map((stream, n): InfoLine => [`replica${n}`, replicaText(stream)]),
    ['replication_waiting_clients', replication.heldCount],
    ['replication_received_batches', intake.batches],
    ['replication_fetched_keys', reads.fetched],
    ['replication_newer_keys', reads.newer],
    ['replication_repaired_keys', reads.repaired],
  ];
}

function replicaText(stream: ReplicaStream): string {
  const { acknowledgedBatches, address, droppedBatches, inFlightCount, queuedBytes } = stream;
  const { supersededBatches } = stream;
  const numbers = {
    in_flight: inFlightCount,
    waiting: stream.waitingCount,
    queued_bytes: queuedBytes,
    acknowledged: acknowledgedBatches,
    dropped: droppedBatches,
    superseded: supersededBatches,
    lag_ms: Math.round(stream.lagMs),
  };
  const parts = Object.entries(numbers).map(([name, value]) => `${name}=${value}`);
  const state = stream.isAlive ? 'alive' : 'dead';
  return [`member=${stream.memberId}`, `address=${address}`, `state=${state}`, ...parts].join();
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
