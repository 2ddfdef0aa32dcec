import t from 'tap';
import { type LocalClient, localClient } from '../support/local.js';

function titles(client: LocalClient, ...sections: string[]): string[] {
  const text = client.text('INFO', ...sections);
  return [...text.matchAll(/^# (.*)\r$/gm)].map((match) => match[1]!);
}

function value(client: LocalClient, section: string, name: string): string | undefined {
  const text = client.text('INFO', section);
  return new RegExp(`^${name}:(.*)\r$`, 'm').exec(text)?.[1];
}

const DEFAULT = [
  'Server',
  'Clients',
  'Memory',
  'Persistence',
  'Stats',
  'Replication',
  'CPU',
  'Modules',
  'Errorstats',
  'Cluster',
  'Keyspace',
  'Ring',
  'Timenet',
  'dhash',
  'Loops',
];

t.test('sections', async (t) => {
  const client = await localClient();
  t.same(titles(client), DEFAULT);
  t.same(titles(client, 'default'), DEFAULT);
  t.equal(titles(client, 'all').length, 17);
  t.equal(titles(client, 'EVERYTHING').length, 17);
  t.same(titles(client, 'keyspace', 'CPU'), ['CPU', 'Keyspace'], "in Redis's order");
  t.same(titles(client, 'nope'), []);
  t.equal(client.send('INFO', 'cluster'), '# Cluster\r\ncluster_enabled:0\r\n');
  const two = client.text('INFO', 'cluster', 'modules');
  t.equal(two, '# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n');
});

t.test('what has happened is counted', async (t) => {
  const client = await localClient();
  client.send('SET', 'a', '1');
  client.send('SET', 'b', '1', 'EX', '1');
  client.send('GET', 'a');
  client.send('GET', 'nope');
  client.send('INCR', 'a', 'too many');
  client.send('SET', 'c', 'x');
  client.send('INCR', 'c');
  client.send('HELLO', '9');
  client.world.advance(2000);
  t.equal(value(client, 'keyspace', 'db0'), 'keys=2,expires=0,avg_ttl=0,subexpiry=0');
  t.equal(value(client, 'stats', 'expired_keys'), '1');
  t.equal(value(client, 'stats', 'keyspace_hits'), '1');
  t.equal(value(client, 'stats', 'keyspace_misses'), '1');
  t.equal(value(client, 'stats', 'total_error_replies'), '3');
  t.equal(value(client, 'errorstats', 'errorstat_ERR'), 'count=2');
  t.equal(value(client, 'errorstats', 'errorstat_NOPROTO'), 'count=1');
  const incr = value(client, 'commandstats', 'cmdstat_incr');
  t.match(incr, /^calls=1,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=1,failed_calls=1$/);
  t.match(value(client, 'latencystats', 'latency_percentiles_usec_get'), /^p50=.*,p99=.*,p99.9=/);
  t.ok(Number(value(client, 'stats', 'total_net_input_bytes')) > 100);
  t.ok(Number(value(client, 'stats', 'total_net_output_bytes')) > 100);
  t.equal(value(client, 'clients', 'connected_clients'), '1');
  t.equal(value(client, 'server', 'uptime_in_seconds'), '2');
  t.equal(value(client, 'server', 'tcp_port'), '6379');
  t.match(value(client, 'server', 'run_id'), /^[0-9a-f]{40}$/);
});

t.test('memory of entries is told exactly', async (t) => {
  const client = await localClient();
  t.equal(value(client, 'memory', 'used_memory_dataset'), '0');
  for (let i = 0; i < 100; i += 1) client.send('SET', `key:${i}`, 'x'.repeat(100));
  const used = Number(value(client, 'dhash', 'space_used_bytes'));
  t.ok(used > 12_000 && used < 25_000, `${used} bytes`);
  t.equal(Number(value(client, 'memory', 'used_memory_dataset')), used);
  t.equal(value(client, 'dhash', 'keys'), '100');
  t.equal(value(client, 'dhash', 'elements_and_tombstones'), '0');
  client.send('SADD', 'set', 'a', 'b');
  t.equal(value(client, 'dhash', 'elements_and_tombstones'), '2');
  client.send('FLUSHALL');
  client.world.advance(100);
  t.equal(value(client, 'dhash', 'space_used_bytes'), '0');
  t.equal(value(client, 'dhash', 'reclaim_pending'), '0');
});

t.test('rates', async (t) => {
  const client = await localClient();
  client.world.advance(100);
  for (let i = 0; i < 160; i += 1) client.send('PING');
  client.world.advance(1600);
  t.equal(value(client, 'stats', 'instantaneous_ops_per_sec'), '100');
});
