/** KRANGE and KEYS of the whole ring, of more than a member tells at once. */
import t from 'tap';
import { PORTION_KEYS } from '../../lib/routing/pages.js';
import type { SceneNode } from '../support/ring-scene.js';
import { threeNodes } from './three-nodes.js';

const KEYS = 2 * PORTION_KEYS + 100;
const LONG_BYTES = 9 * 1024 * 1024;
const LONG_VALUES = 8;

/** At all of them, as if they had been written and replicated. */
function put(nodes: readonly SceneNode[], text: string, value = text): void {
  const key = Buffer.from(text);
  const bytes = Buffer.from(value);
  for (const { node } of nodes) {
    node.store.beginCommand();
    node.store.databases[0]!.set(key, 0, key.length, bytes, 0, bytes.length, 0);
  }
}

void t.test('portions of many keys', async (t) => {
  const { nodes } = await threeNodes(7);
  const keys = Array.from({ length: KEYS }, (_, n) => `k${String(n).padStart(6, '0')}`);
  for (const key of keys) put(nodes, key);
  for (const key of ['a', 'q', 'zz']) put(nodes, key);
  const all = ['a', ...keys, 'q', 'zz'];
  const client = await nodes[0]!.client();
  t.strictSame(await client.call('KRANGE', '-', '+'), all);
  t.strictSame(await client.call('KRANGE', '-', '+', 'REV'), [...all].reverse());
  const pairs = await client.call('KRANGE', '-', '+', 'WITHVALUES');
  t.strictSame(
    pairs,
    all.flatMap((key) => [key, key]),
  );
  const [from, count] = [3, KEYS - 10];
  t.strictSame(
    await client.call('KRANGE', '-', '+', 'LIMIT', from, count),
    all.slice(from, from + count),
  );
  t.strictSame(await client.call('KRANGE', '-', '+', 'LIMIT', 3, 0), []);
  t.strictSame(await client.call('KEYS', '*'), all);
  t.strictSame(
    await client.call('KEYS', 'k*7'),
    keys.filter((key) => key.endsWith('7')),
  );
  await client.call('HELLO', '3');
  const nested = await client.call('KRANGE', '-', '+', 'WITHVALUES');
  t.strictSame(
    nested,
    all.map((key) => [key, key]),
  );
});

void t.test('portions of long values', async (t) => {
  const { nodes } = await threeNodes(8);
  const values = Array.from({ length: LONG_VALUES }, (_, n) => String(n).repeat(LONG_BYTES));
  for (const [n, value] of values.entries()) put([nodes[2]!], `y${n}`, value);
  const client = await nodes[0]!.client();
  const reply = (await client.call('KRANGE', '-', '+', 'WITHVALUES')) as string[];
  t.equal(reply.length, 2 * LONG_VALUES);
  t.ok(values.every((value, n) => reply[2 * n + 1] === value));
});
