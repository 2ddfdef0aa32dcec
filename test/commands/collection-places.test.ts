/**
 * A collection that was written to is known to the node; what becomes of its key before the next
 * write to it must be seen by that write.
 */
import t from 'tap';
import { LocalNode } from '../support/local.js';

const VERSE = ['b', '2'];
const BOTH = ['a', '1', 'b', '2'];

/** What is done between HSET h a 1 and HSET h b 2, and what h is then. */
const rows: readonly (readonly [string, (string | number)[][], string[]])[] = [
  ['nothing', [], BOTH],
  ['it is read', [['HGET', 'h', 'a']], BOTH],
  ['another is written', [['HSET', 'g', 'a', '1']], BOTH],
  ['a key before it is made', [['SET', 'a', 'x']], BOTH],
  ['keys about it are made', [['MSET', 'h1', 'x', '', 'x', 'i', 'x', 'hh', 'x']], BOTH],
  [
    'keys about it go',
    [
      ['MSET', 'h1', 'x', 'h2', 'x'],
      ['DEL', 'h1', 'h2'],
    ],
    BOTH,
  ],
  ['it is deleted', [['DEL', 'h']], VERSE],
  ['its only field is deleted', [['HDEL', 'h', 'a']], VERSE],
  ['a field that it has not is deleted', [['HDEL', 'h', 'b']], BOTH],
  [
    'it is overwritten and deleted',
    [
      ['SET', 'h', 'x'],
      ['GETDEL', 'h'],
    ],
    VERSE,
  ],
  [
    'another type is there and goes',
    [
      ['DEL', 'h'],
      ['SADD', 'h', 'a'],
      ['SPOP', 'h'],
    ],
    VERSE,
  ],
  ['it expires at once', [['EXPIRE', 'h', '-1']], VERSE],
  ['it gets an expiry', [['PEXPIRE', 'h', '100']], BOTH],
  [
    'its time comes',
    [
      ['PEXPIRE', 'h', '100'],
      ['+', 101],
    ],
    VERSE,
  ],
  [
    'its time has been taken away',
    [
      ['PEXPIRE', 'h', 9],
      ['PERSIST', 'h'],
      ['+', 101],
    ],
    BOTH,
  ],
  ['the database is flushed', [['FLUSHDB']], VERSE],
  ['all is flushed', [['FLUSHALL', 'SYNC']], VERSE],
  ['databases are swapped', [['SWAPDB', '0', '1']], VERSE],
  [
    'they are swapped back',
    [
      ['SWAPDB', '0', '1'],
      ['SWAPDB', '0', '1'],
    ],
    BOTH,
  ],
  ['it is moved', [['MOVE', 'h', '1']], VERSE],
  ['it is renamed', [['RENAME', 'h', 'g']], VERSE],
  [
    'it is renamed and comes back',
    [
      ['RENAME', 'h', 'g'],
      ['RENAME', 'g', 'h'],
    ],
    BOTH,
  ],
  [
    'another takes its place',
    [
      ['HSET', 'g', 'c', '3'],
      ['RENAME', 'g', 'h'],
    ],
    ['b', '2', 'c', '3'],
  ],
  [
    'it is copied',
    [
      ['COPY', 'h', 'g'],
      ['HSET', 'g', 'c', '3'],
    ],
    BOTH,
  ],
  [
    'another is copied over it',
    [
      ['HSET', 'g', 'c', '3'],
      ['COPY', 'g', 'h', 'REPLACE'],
    ],
    ['b', '2', 'c', '3'],
  ],
  [
    'in a transaction',
    [['MULTI'], ['DEL', 'h'], ['HSET', 'h', 'c', '3'], ['EXEC']],
    ['b', '2', 'c', '3'],
  ],
  [
    'in a script',
    [['EVAL', "redis.call('DEL', 'h') redis.call('SET', 'h', 1) redis.call('DEL', 'h')", '0']],
    VERSE,
  ],
  [
    'fields of it in a script',
    [['EVAL', "redis.call('HSET', 'h', 'c', 3) redis.call('HDEL', 'h', 'a')", '0']],
    ['b', '2', 'c', '3'],
  ],
  ['a mirror is made', [['HMIRROR', 'h', 'ON']], BOTH],
];

t.test('a hash, written to again', async (t) => {
  for (const [name, between, expected] of rows) {
    const local = await new LocalNode().start();
    const client = local.client();
    client.send('HSET', 'h', 'x', '0');
    client.send('HSET', 'h', 'a', '1');
    client.send('HDEL', 'h', 'x');
    for (const [command, ...args] of between) {
      if (command === '+') local.world.advance(Number(args[0]));
      else client.send(String(command), ...args.map(String));
    }
    client.send('HSET', 'h', 'b', '2');
    t.same(client.send('HGETALL', 'h'), expected, name);
    t.equal(client.send('HLEN', 'h'), expected.length / 2, name);
    for (const database of local.node.store.databases) {
      database.tree.checkTree();
      const collection = database.collection();
      if (collection.sub.open(Buffer.from('h'), 0, 1)) collection.sub.check();
    }
  }
});

t.test('ends of lists and members of sets in one pipeline', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  const replies = [
    ['RPUSH', 'l', 'a', 'b', 'c', 'd'],
    ['LPOP', 'l'],
    ['LINDEX', 'l', '2'],
    ['RPOP', 'l'],
    ['LRANGE', 'l', '0', '-1'],
    ['LREM', 'l', '0', 'b'],
    ['LPOP', 'l'],
    ['LPOP', 'l'],
    ['EXISTS', 'l'],
    ['SADD', 's', 'a', 'a', 'b'],
    ['SREM', 's', 'c'],
    ['SADD', 's', 'c', 'c'],
    ['SREM', 's', 'a', 'b', 'a'],
    ['SPOP', 's'],
    ['SADD', 's', 'c'],
    ['SMEMBERS', 's'],
  ].map(([command, ...args]) => client.send(command!, ...args));
  const list = [4, 'a', 'd', 'd', ['b', 'c'], 1, 'c', null, 0];
  t.same(replies, [...list, 2, 0, 1, 2, 'c', 1, ['c']]);
  local.node.store.databases[0]!.tree.checkTree();
});
