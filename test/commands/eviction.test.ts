import t from 'tap';
import { type LocalClient, localClient } from '../support/local.js';

const VALUE = 'x'.repeat(500);

/** Writes until the limit is reached; the number of keys that were accepted. */
function fill(client: LocalClient, keys: number, ...options: string[]): number {
  let accepted = 0;
  for (let i = 0; i < keys; i += 1) {
    if (client.send('SET', `k${String(i).padStart(5, '0')}`, VALUE, ...options) === 'OK') {
      accepted += 1;
    }
  }
  return accepted;
}

t.test('noeviction refuses writes and keeps what is there', async (t) => {
  const client = await localClient((settings) => {
    settings.maxmemory = 100_000;
  });
  const accepted = fill(client, 1000);
  t.ok(accepted > 100 && accepted < 300, `${accepted} accepted`);
  t.match(client.send('SET', 'more', '1'), /^-OOM command not allowed/);
  t.equal(client.send('GET', 'k00000'), VALUE);
  t.equal(client.send('DBSIZE'), accepted);
  t.equal(client.send('DEL', 'k00000', 'k00001'), 2);
  t.equal(client.send('SET', 'more', '1'), 'OK');
  t.equal(client.send('FLUSHALL'), 'OK');
  t.equal(client.send('SET', 'more', '1'), 'OK', 'what waits to be freed is freed first');
});

t.test('policies', async (t) => {
  for (const policy of ['allkeys-lru', 'allkeys-lfu', 'allkeys-random'] as const) {
    const client = await localClient((settings) => {
      settings.maxmemory = 100_000;
      settings.maxmemoryPolicy = policy;
    });
    t.equal(fill(client, 1000), 1000, policy);
    const left = client.send('DBSIZE') as number;
    t.ok(left > 100 && left < 300, `${policy}: ${left} left`);
  }
  for (const policy of [
    'volatile-lru',
    'volatile-lfu',
    'volatile-random',
    'volatile-ttl',
  ] as const) {
    const client = await localClient((settings) => {
      settings.maxmemory = 100_000;
      settings.maxmemoryPolicy = policy;
    });
    client.send('SET', 'stays', '1');
    t.equal(fill(client, 1000, 'EX', '1000'), 1000, policy);
    t.equal(client.send('GET', 'stays'), '1', policy);
  }
});

t.test('volatile-ttl evicts what expires first', async (t) => {
  const client = await localClient((settings) => {
    settings.maxmemoryPolicy = 'volatile-ttl';
  });
  client.send('SET', 'late', VALUE, 'EX', '2000');
  client.send('SET', 'soon', VALUE, 'EX', '1000');
  client.send('SET', 'never', VALUE);
  client.send('CONFIG', 'SET', 'maxmemory', '1500');
  client.send('PING');
  t.equal(client.send('EXISTS', 'soon'), 0);
  t.equal(client.send('EXISTS', 'late', 'never'), 2);
});

t.test('allkeys-lru evicts what was not used', async (t) => {
  const client = await localClient((settings) => {
    settings.maxmemory = 100_000;
    settings.maxmemoryPolicy = 'allkeys-lru';
    settings.maxmemorySamples = 64;
  });
  client.send('SET', 'used', '1');
  for (let i = 0; i < 1000; i += 1) {
    client.world.nowMs += 1000;
    client.send('SET', `k${i}`, VALUE);
    client.send('GET', 'used');
  }
  t.equal(client.send('GET', 'used'), '1');
});

t.test(
  'much that is in excess goes in slices: who needs memory waits, others do not',
  async (t) => {
    for (const policy of ['allkeys-lru', 'volatile-ttl', 'noeviction']) {
      const client = await localClient();
      fill(client, 20000, 'EX', '1000');
      const other = client.other();
      client.world.lookMs = 0.9;
      client.send('CONFIG', 'SET', 'maxmemory', '100000', 'maxmemory-policy', policy);
      // What FLUSHALL frees is taken back likewise.
      if (policy === 'noeviction') client.post('FLUSHALL');
      client.received();
      client.post('SET', 'new', VALUE);
      t.strictSame(client.received(), [], `${policy}: not yet`);
      other.post('GET', 'nothing');
      t.strictSame(other.received(), [null], `${policy}: who reads goes on`);
      let turns = 0;
      let replies = client.received();
      for (; replies.length === 0 && turns < 1000; turns += 1) {
        client.world.turn();
        replies = client.received();
      }
      t.strictSame(replies, ['OK'], policy);
      t.ok(turns > 0, `${policy}: after ${turns} turns`);
      t.ok((client.send('DBSIZE') as number) < 300, policy);
    }
  },
);

t.test('no room although all has been evicted that may be', async (t) => {
  const client = await localClient();
  fill(client, 1000);
  fill(client, 500, 'EX', '1000');
  client.send('CONFIG', 'SET', 'maxmemory', '100000', 'maxmemory-policy', 'volatile-lru');
  client.world.lookMs = 0.6;
  t.match(client.send('SET', 'new', VALUE), /^-OOM command not allowed/);
  t.equal(client.send('DBSIZE'), 500, 'those without expiry are left');
});
