import t from 'tap';
import { localClient } from '../support/local.js';

t.test('USAGE', async (t) => {
  const client = await localClient();
  client.send('SET', 'short', 'x');
  client.send('SET', 'long', 'x'.repeat(10_000));
  const short = client.send('MEMORY', 'USAGE', 'short') as number;
  const long = client.send('MEMORY', 'USAGE', 'long', 'SAMPLES', '0') as number;
  t.ok(short > 10 && short < 100, `${short}`);
  t.ok(long > 10_000 && long < 13_000, `${long}`);
  t.equal(client.send('MEMORY', 'USAGE', 'nope'), null);
  t.equal(client.send('MEMORY', 'USAGE', 'x'.repeat(70_000)), null);
  t.equal(client.send('MEMORY', 'USAGE', 'short', 'SAMPLES', '-1'), '-ERR syntax error');
  t.equal(client.send('MEMORY', 'USAGE', 'short', 'SAMPLES'), '-ERR syntax error');
  t.equal(client.send('MEMORY', 'USAGE', 'short', 'x', '1'), '-ERR syntax error');
  t.match(client.send('MEMORY', 'USAGE', 'short', 'SAMPLES', 'x'), /not an integer/);
});

t.test('STATS', async (t) => {
  const client = await localClient();
  client.send('SET', 'k', 'v');
  const stats = client.send('MEMORY', 'STATS') as unknown[];
  const at = (name: string) => stats[stats.indexOf(name) + 1];
  t.equal(at('keys.count'), 1);
  t.equal(at('keys.bytes-per-key'), at('dataset.bytes'));
  t.match(at('db.0'), ['overhead.hashtable.main', 0]);
  t.type(at('peak.percentage'), 'string');
});

t.test('the rest', async (t) => {
  const client = await localClient();
  t.match(client.send('MEMORY', 'DOCTOR'), /^Hi Sam, this node is empty/);
  t.match(client.send('MEMORY', 'MALLOC-STATS'), /Begin dhash arena statistics/);
  for (let i = 0; i < 500; i += 1) client.send('SET', `k${i}`, 'v');
  client.send('FLUSHDB');
  t.equal(client.send('MEMORY', 'PURGE'), 'OK');
  t.match(client.send('INFO', 'dhash'), /space_used_bytes:0\r\n/);
});
