/** The ordered keyspace against a sorted list. */
import t from 'tap';
import { encode, localClient, type Plain } from '../support/local.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const KEYS = ['a', 'ab', 'abc', 'b', 'ba', 'c'];

async function filled() {
  const client = await localClient();
  for (const key of KEYS) client.send('SET', key, `value of ${key}`);
  return client;
}

function isAbove(key: string, bound: string): boolean {
  if (bound.length === 1 && !'[('.includes(bound)) return bound === '-';
  return bound.startsWith('[') ? key >= bound.slice(1) : key > bound.slice(1);
}

function isBelow(key: string, bound: string): boolean {
  if (bound.length === 1 && !'[('.includes(bound)) return bound === '+';
  return bound.startsWith('[') ? key <= bound.slice(1) : key < bound.slice(1);
}

t.test('replies', async (t) => {
  const rows: { name: string; send: string[]; reply: Plain }[] = [
    { name: 'all', send: ['KRANGE', '-', '+'], reply: KEYS },
    { name: 'included', send: ['KRANGE', '[ab', '[b'], reply: ['ab', 'abc', 'b'] },
    { name: 'excluded', send: ['KRANGE', '(ab', '(b'], reply: ['abc'] },
    { name: 'absent bounds', send: ['KRANGE', '[aa', '[az'], reply: ['ab', 'abc'] },
    { name: 'reversed', send: ['KRANGE', '[ab', '[b', 'REV'], reply: ['b', 'abc', 'ab'] },
    { name: 'wrong way round', send: ['KRANGE', '[b', '[a'], reply: [] },
    { name: 'from the highest', send: ['KRANGE', '+', '-'], reply: [] },
    { name: 'limit', send: ['KRANGE', '-', '+', 'LIMIT', '1', '2'], reply: ['ab', 'abc'] },
    { name: 'limit rev', send: ['KRANGE', '-', '+', 'REV', 'LIMIT', '1', '2'], reply: ['ba', 'b'] },
    {
      name: 'limit without end',
      send: ['KRANGE', '-', '+', 'LIMIT', '4', '-1'],
      reply: ['ba', 'c'],
    },
    { name: 'limit behind the end', send: ['KRANGE', '-', '+', 'LIMIT', '9', '1'], reply: [] },
    { name: 'limit of none', send: ['KRANGE', '-', '+', 'LIMIT', '0', '0'], reply: [] },
    {
      name: 'values',
      send: ['KRANGE', '[b', '+', 'WITHVALUES'],
      reply: ['b', 'value of b', 'ba', 'value of ba', 'c', 'value of c'],
    },
    {
      name: 'no interval',
      send: ['KRANGE', 'a', 'b'],
      reply: '-ERR min or max not valid string range item',
    },
    { name: 'no option', send: ['KRANGE', '-', '+', 'FOO'], reply: '-ERR syntax error' },
    { name: 'half a limit', send: ['KRANGE', '-', '+', 'LIMIT', '1'], reply: '-ERR syntax error' },
    {
      name: 'limit that is no number',
      send: ['KRANGE', '-', '+', 'LIMIT', 'x', '1'],
      reply: '-ERR value is not an integer or out of range',
    },
    { name: 'count', send: ['KCOUNT', '[ab', '(c'], reply: 4 },
    { name: 'count of all', send: ['KCOUNT', '-', '+'], reply: 6 },
    { name: 'count of none', send: ['KCOUNT', '(a', '(ab'], reply: 0 },
    { name: 'rank', send: ['KRANK', 'abc'], reply: 2 },
    { name: 'rank of an absent key', send: ['KRANK', 'aba'], reply: null },
    { name: 'rank from the end', send: ['KREVRANK', 'abc'], reply: 3 },
    { name: 'n-th', send: ['KNTH', '1'], reply: 'ab' },
    { name: 'n-th from the end', send: ['KNTH', '-1'], reply: 'c' },
    { name: 'n-th with value', send: ['KNTH', '0', 'WITHVALUES'], reply: ['a', 'value of a'] },
    { name: 'n-th behind the end', send: ['KNTH', '6'], reply: null },
    { name: 'n-th before the start', send: ['KNTH', '-7'], reply: null },
    {
      name: 'n-th that is no number',
      send: ['KNTH', 'x'],
      reply: '-ERR value is not an integer or out of range',
    },
    { name: 'next', send: ['KNEXT', 'ab'], reply: 'abc' },
    { name: 'next of an absent key', send: ['KNEXT', 'az'], reply: 'b' },
    { name: 'next of the last', send: ['KNEXT', 'c'], reply: null },
    { name: 'previous', send: ['KPREV', 'b'], reply: 'abc' },
    { name: 'previous of the first', send: ['KPREV', 'a'], reply: null },
  ];
  const client = await filled();
  for (const { name, send, reply } of rows) t.same(client.send(...send), reply, name);
});

t.test('RESP3 gives pairs', async (t) => {
  const client = await filled();
  client.send('HELLO', '3');
  t.same(client.send('KRANGE', '[c', '+', 'WITHVALUES'), [['c', 'value of c']]);
  const page = client.send('KRANGE', '[ba', '+', 'LIMIT', '0', '5', 'WITHVALUES');
  t.same(page, [
    ['ba', 'value of ba'],
    ['c', 'value of c'],
  ]);
});

t.test('pages of entries of every length and kind, through the ends of chunks', async (t) => {
  const client = await localClient();
  const random = seededRandom(seedOfRun());
  const entries: [string, string | null][] = [];
  for (let n = 0; n < 600; n += 1) {
    const bytes = random.pick([1, 30, 64, 97, 98, 99, 100, 120, 260]);
    const key = String(n)
      .padStart(4, '0')
      .padEnd(random.pick([4, 5, 6, 7, 95, 96, 97, 270]), 'k');
    const value = random.pick(['12345', 'v'.repeat(bytes), 'w'.repeat(1100)]);
    if (n % 9 === 0) client.send('HSET', key, 'field', value);
    else client.send('SET', key, value);
    if (n % 7 === 0) client.send('PEXPIRE', key, '100000');
    entries.push([key, n % 9 === 0 ? null : value]);
  }
  for (const protocol of ['2', '3']) {
    client.send('HELLO', protocol);
    const requests: Buffer[] = [];
    const expected: Plain[] = [];
    for (let page = 0; page < 60; page += 1) {
      const first = random.below(600);
      const count = random.between(1, 128);
      const from = `[${entries[first]![0]}`;
      requests.push(encode(['KRANGE', from, '+', 'LIMIT', '0', count, 'WITHVALUES']));
      const pairs = entries.slice(first, first + count);
      expected.push(protocol === '3' ? pairs : pairs.flat());
    }
    // At once, so that pages follow each other in a chunk.
    client.link.send(Buffer.concat(requests));
    t.strictSame(client.received(), expected, `RESP${protocol}`);
  }
});

t.test('KDELRANGE', async (t) => {
  const client = await filled();
  t.equal(client.send('KDELRANGE', '(a', '[b'), 3);
  t.same(client.send('KRANGE', '-', '+'), ['a', 'ba', 'c']);
  t.equal(client.send('KDELRANGE', '-', '+'), 3);
  t.equal(client.send('DBSIZE'), 0);
  t.equal(client.send('KDELRANGE', '+', '-'), 0);
});

t.test('what has expired is in no count', async (t) => {
  const client = await filled();
  client.send('PEXPIRE', 'ab', '10');
  client.world.advance(11);
  t.equal(client.send('KCOUNT', '-', '+'), 5);
  t.equal(client.send('KRANK', 'abc'), 1);
  t.equal(client.send('KNEXT', 'a'), 'abc');
});

t.test('random programs against a sorted list', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1e9);
  const random = seededRandom(seed);
  const client = await localClient();
  let model: string[] = [];
  const randomKey = () =>
    random
      .bytes(random.below(4))
      .toString('latin1')
      .replace(/[^\x00-\x03]/g, 'k');
  for (let step = 0; step < 3000; step += 1) {
    const key = randomKey();
    if (random.chance(0.6)) {
      client.send('SET', key, 'v');
      if (!model.includes(key)) model = [...model, key].sort();
    } else if (random.chance(0.1)) {
      const end = randomKey();
      const gone = model.filter((k) => k >= key && k < end);
      t.equal(client.send('KDELRANGE', `[${key}`, `(${end}`), gone.length, `seed ${seed}`);
      model = model.filter((k) => !gone.includes(k));
    } else {
      client.send('DEL', key);
      model = model.filter((k) => k !== key);
    }
    const low = randomKey();
    const high = randomKey();
    const found = model.filter((k) => k > low && k <= high);
    const problem =
      JSON.stringify(client.send('KRANGE', `(${low}`, `[${high}`)) !== JSON.stringify(found) ||
      client.send('KCOUNT', `(${low}`, `[${high}`) !== found.length ||
      client.send('KNEXT', low) !== (model.find((k) => k > low) ?? null) ||
      client.send('KPREV', low) !== (model.findLast((k) => k < low) ?? null);
    if (problem) t.fail(`seed ${seed}, step ${step}`);
    // A page: bounds of all kinds, and fewer keys than there are, or more.
    const min = random.pick(['-', '+', `(${low}`, `[${low}`]);
    const max = random.pick(['-', '+', `(${high}`, `[${high}`]);
    const count = 1 + random.below(200);
    const page = model.filter((k) => isAbove(k, min) && isBelow(k, max)).slice(0, count);
    t.same(
      client.send('KRANGE', min, max, 'LIMIT', '0', `${count}`),
      page,
      `seed ${seed}, step ${step}: ${min} ${max} ${count}`,
    );
  }
});
