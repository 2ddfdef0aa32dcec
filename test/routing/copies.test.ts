/** What members hold of each other's keys is counted once: each answers for what it owns. */
import t from 'tap';
import { threeNodes } from './three-nodes.js';

t.test('copies at all members', async (t) => {
  const { nodes } = await threeNodes(1);
  // The positions themselves (h, p, z) are keys, too: they belong to whom they end.
  const keys = ['', 'a', 'g', 'h', 'h\0', 'k', 'p', 'pp', 'y', 'z', 'zz'];
  for (const { node } of nodes) {
    for (const key of keys) {
      const bytes = Buffer.from(key);
      const value = Buffer.from('v');
      node.store.databases[0]!.set(bytes, 0, bytes.length, value, 0, 1, 0);
    }
  }
  const client = await nodes[1]!.client();
  t.equal(await client.call('DBSIZE'), keys.length);
  t.strictSame(await client.call('KRANGE', '-', '+'), keys);
  t.strictSame(await client.call('KRANGE', '-', '+', 'REV'), [...keys].reverse());
  t.strictSame(await client.call('KRANGE', '[h', '(z'), ['h', 'h\0', 'k', 'p', 'pp', 'y']);
  t.strictSame(await client.call('KRANGE', '-', '+', 'LIMIT', '2', '5'), keys.slice(2, 7));
  t.equal(await client.call('KCOUNT', '(h', '[p'), 3);
  t.strictSame(await client.call('KEYS', '*'), keys);
  const [cursor, found] = (await client.call('SCAN', '0', 'COUNT', '100')) as [string, string[]];
  t.notSame([cursor, found], ['0', keys], 'one owner after the other');
  const all = [...found];
  for (let next = cursor; next !== '0'; ) {
    const [behind, more] = (await client.call('SCAN', next, 'COUNT', '100')) as [string, string[]];
    all.push(...more);
    next = behind;
  }
  t.strictSame(all, keys);
  for (const [index, key] of keys.entries()) {
    t.equal(await client.call('KNTH', index), key);
    t.equal(await client.call('KRANK', key), index);
    t.equal(await client.call('KREVRANK', key), keys.length - 1 - index);
    t.equal(await client.call('KNEXT', key), keys[index + 1] ?? null);
    t.equal(await client.call('KPREV', key), keys[index - 1] ?? null);
  }
  t.equal(await client.call('FLUSHALL'), 'OK');
  for (const { node } of nodes) t.equal(node.store.databases[0]!.size(), 0, 'copies go as well');
});
