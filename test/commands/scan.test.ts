/** SCAN and KEYS: no key that stays is missed or repeated, whatever is written meanwhile. */
import t from 'tap';
import { type LocalClient, localClient } from '../support/local.js';
import { seededRandom } from '../support/random.js';

function scanAll(client: LocalClient, between: () => void, ...options: string[]): string[] {
  const found: string[] = [];
  let cursor = '0';
  do {
    const reply = client.send('SCAN', cursor, ...options) as [string, string[]];
    found.push(...reply[1]);
    cursor = reply[0];
    between();
  } while (cursor !== '0');
  return found;
}

t.test('finds each key that stays exactly once, in order', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1e9);
  const random = seededRandom(seed);
  const client = await localClient();
  const stay: string[] = [];
  for (let i = 0; i < 500; i += 1) stay.push(`stay:${random.below(1e9)}`);
  for (const key of stay) client.send('SET', key, 'x');
  const disturb = () => {
    client.send('SET', `come:${random.below(100)}`, 'x');
    client.send('SET', `stay:${random.below(1e9)}z`, 'x');
    client.send('DEL', `come:${random.below(100)}`);
  };
  const found = scanAll(client, disturb, 'COUNT', '7');
  t.same(found, [...found].sort(), `in order, seed ${seed}`);
  t.equal(new Set(found).size, found.length, `nothing twice, seed ${seed}`);
  for (const key of stay) if (!found.includes(key)) t.fail(`missed ${key}, seed ${seed}`);
});

t.test('filters', async (t) => {
  const client = await localClient();
  for (const key of ['a', 'user:1', 'user:2', 'user:22', 'z']) client.send('SET', key, 'x');
  const none = () => {};
  t.same(scanAll(client, none, 'MATCH', 'user:*'), ['user:1', 'user:2', 'user:22']);
  t.same(scanAll(client, none, 'MATCH', 'user:*', 'COUNT', '1'), ['user:1', 'user:2', 'user:22']);
  t.same(scanAll(client, none, 'MATCH', '*2'), ['user:2', 'user:22']);
  t.same(scanAll(client, none, 'TYPE', 'string').length, 5);
  t.same(scanAll(client, none, 'TYPE', 'list'), []);
  t.same(client.send('KEYS', 'user:?'), ['user:1', 'user:2']);
  t.same(client.send('KEYS', '*'), ['a', 'user:1', 'user:2', 'user:22', 'z']);
});

t.test('bad input', async (t) => {
  const client = await localClient();
  t.equal(client.send('SCAN', 'x'), '-ERR invalid cursor');
  t.same(client.send('SCAN', '\0x'), client.send('SCAN', '0'));
  t.match(client.send('SCAN', '-1'), /^-ERR unknown cursor -1/);
  t.equal(client.send('SCAN', '0', 'COUNT', '0'), '-ERR syntax error');
  t.equal(client.send('SCAN', '0', 'COUNT', 'x'), '-ERR value is not an integer or out of range');
  t.equal(client.send('SCAN', '0', 'COUNT'), '-ERR syntax error');
  t.match(client.send('SCAN', '17'), /^-ERR unknown cursor 17/);
});

t.test('what has expired is not found', async (t) => {
  const client = await localClient();
  client.send('SET', 'a', 'x', 'PX', '10');
  client.send('SET', 'b', 'x');
  client.world.nowMs += 11;
  t.same(client.send('KEYS', '*'), ['b']);
  t.same(client.send('SCAN', '0'), ['0', ['b']]);
});

t.test('a cursor may be used again', async (t) => {
  const client = await localClient();
  for (let i = 0; i < 30; i += 1) client.send('SET', `k${i}`, 'x');
  const [cursor, first] = client.send('SCAN', '0') as [string, string[]];
  const once = client.send('SCAN', cursor) as [string, string[]];
  const twice = client.send('SCAN', cursor) as [string, string[]];
  t.same(once[1], twice[1]);
  t.equal(first.length, 10);
});
