/** A Redis Cluster of three masters with one replica each, on 127.0.0.1. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ServerProcess, startRedis } from '../../test/support/server-process.js';
import { until } from '../../test/support/until.js';

const MASTERS = 3;
const FORM_MAX_MS = 60_000;
/** The bus listens so much above the port. */
const BUS_OFFSET = 10_000;
const run = promisify(execFile);

export async function withRedisCluster<T>(
  work: (nodes: readonly ServerProcess[]) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'dhash-bench-'));
  const nodes: ServerProcess[] = [];
  try {
    while (nodes.length < 2 * MASTERS) {
      const conf = join(folder, `nodes-${nodes.length}.conf`);
      const args = ['--cluster-enabled', 'yes', '--cluster-config-file', conf, '--dir', folder];
      const node = await startRedis({ args });
      // Otherwise there is no port for its bus.
      if (node.port + BUS_OFFSET > 65_535) await node.stop();
      else nodes.push(node);
    }
    const addresses = nodes.map(({ host, port }) => `${host}:${port}`);
    const how = ['--cluster-replicas', '1', '--cluster-yes'];
    await run('redis-cli', ['--cluster', 'create', ...addresses, ...how]);
    await until('the cluster', () => isFormed(nodes), FORM_MAX_MS);
    return await work(nodes);
  } finally {
    for (const node of nodes) await node.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function isFormed(nodes: readonly ServerProcess[]): Promise<boolean> {
  for (const node of nodes) {
    const client = await node.connect();
    const info = String(await client.callPlain('CLUSTER', 'INFO'));
    await client.close();
    if (!info.includes('cluster_state:ok')) return false;
  }
  return true;
}
