/** SETOP: operations, merge functions, options, STORE, errors. */
import t from 'tap';
import { LocalNode, localClient, type Plain } from '../support/local.js';
import { type Row, SYNTAX, testRows } from './rows.js';

const A: Row[1] = ['HSET a x 1 y 2 z 3', 3];
const B: Row[1] = ['HSET b y 10 z 20 w 30', 3];
const C: Row[1] = ['HSET c z 100 v 200', 2];
const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';

/** An expression as one argument, and options. */
function setop(expression: string, options = ''): string[] {
  return ['SETOP', expression, ...(options === '' ? [] : options.split(' '))];
}

testRows('operations', [
  ['union', A, B, C, [setop('(U a b c)'), ['v', 'w', 'x', 'y', 'z']]],
  ['intersection', A, B, C, [setop('(I a b)'), ['y', 'z']], [setop('(I a b c)'), ['z']]],
  ['difference', A, B, C, [setop('(D a b)'), ['x']], [setop('(D b a c)'), ['w']]],
  ['exactly one', A, B, C, [setop('(X a b c)'), ['v', 'w', 'x']]],
  ['one operand', A, [setop('(U a)'), ['x', 'y', 'z']], [setop('(D a)'), ['x', 'y', 'z']]],
  ['the same twice', A, [setop('(I a a)'), ['x', 'y', 'z']], [setop('(X a a)'), []]],
  ['nested', A, B, C, [setop('(U (D a b) (I b c))'), ['x', 'z']]],
  ['names in any case', A, B, [setop('(u:FLOATSUM a b)', 'withvalues LIMIT 0 1'), ['w', '30']]],
  ['missing keys', A, [setop('(U a no)'), ['x', 'y', 'z']], [setop('(I a no)'), []]],
  ['nothing at all', [setop('(U no)'), []], [setop('(D no no)', 'WITHVALUES'), []]],
]);

testRows('values', [
  [
    'Append keeps all, in the order of operands',
    A,
    B,
    [setop('(U a b)', 'WITHVALUES'), ['w', ['30'], 'x', ['1'], 'y', ['2', '10'], 'z', ['3', '20']]],
    [setop('(I b a*2)', 'WITHVALUES'), ['y', ['10', '2', '2'], 'z', ['20', '3', '3']]],
  ],
  ['one value where there is one', A, B, [setop('(D a b)', 'WITHVALUES'), ['x', '1']]],
  [
    'god: weights and nesting',
    A,
    B,
    C,
    [setop('(U:FloatSum a*2 (I b c))', 'WITHVALUES'), ['x', '2', 'y', '4', 'z', '126']],
  ],
  [
    'a weight of an operation',
    A,
    B,
    [setop('(U:IntegerSum (I:First a b)*-3)', 'WITHVALUES'), [...['y', '-6', 'z', '-9']]],
  ],
  [
    'a set counts 1, a sorted set its scores',
    ['SADD s x y', 2],
    ['ZADD z 1.5 y -inf q', 2],
    [setop('(U s z)', 'WITHVALUES'), ['q', ['-inf'], 'x', ['1'], 'y', ['1', '1.5']]],
    [setop('(I:FloatSum s*4 z)', 'WITHVALUES'), ['y', '5.5']],
    [setop('(U:IntegerSum s s s)', 'WITHVALUES'), ['x', '3', 'y', '3']],
  ],
]);

/** What each merge makes of 48 and 5, of -7 and 2, both with the second weighed with 2. */
const merged: readonly (readonly [name: string, a: string, b: string, weighed: string])[] = [
  ['ConCat', '485', '-72', '4855'],
  ['IntegerSum', '53', '-5', '58'],
  ['IntegerSub', '43', '-9', '38'],
  ['IntegerMul', '240', '-14', '480'],
  ['IntegerDiv', '9', '-3', '4'],
  ['IntegerMin', '5', '-7', '10'],
  ['IntegerMax', '48', '2', '48'],
  ['FloatSum', '53', '-5', '58'],
  ['FloatSub', '43', '-9', '38'],
  ['FloatMul', '240', '-14', '480'],
  ['FloatDiv', '9.5999999999999996', '-3.5', '4.7999999999999998'],
  ['FloatMin', '5', '-7', '10'],
  ['FloatMax', '48', '2', '48'],
  ['BigIntAdd', '53', '-5', '58'],
  ['BigIntSub', '43', '-9', '38'],
  ['BigIntMul', '240', '-14', '480'],
  ['BigIntDiv', '9', '-4', '4'],
  ['BigIntMod', '3', '1', '8'],
  ['BigIntRem', '3', '-1', '8'],
  ['BigIntAnd', '0', '0', '0'],
  ['BigIntAndNot', '48', '-7', '48'],
  ['BigIntOr', '53', '-5', '58'],
  ['BigIntXor', '53', '-5', '58'],
  ['BigIntMin', '5', '-7', '10'],
  ['BigIntMax', '48', '2', '48'],
];

testRows('merge functions', [
  ...merged.map(
    ([name, a, b, weighed]): Row => [
      name,
      ['HSET p x 48 y -7', 2],
      ['HSET q x 5 y 2', 2],
      [setop(`(U:${name} p q)`, 'WITHVALUES'), ['x', a, 'y', b]],
      [setop(`(I:${name} p q*2)`, 'WITHVALUES MAX [x'), ['x', weighed]],
    ],
  ),
  [
    'First and Last',
    A,
    B,
    [setop('(I:First a b)', 'WITHVALUES'), ['y', '2', 'z', '3']],
    [setop('(I:Last a b)', 'WITHVALUES'), ['y', '10', 'z', '20']],
  ],
  [
    'BigInt of many digits',
    ['HSET p x 123456789012345678901234567890', 1],
    [
      setop('(U:BigIntMul p p)', 'WITHVALUES'),
      ['x', '15241578753238836750495351562536198787501905199875019052100'],
    ],
  ],
  [
    "BigIntDiv and BigIntMod are Euclid's",
    ['HSET p a 7 b -7 c 7 d -7', 4],
    ['HSET q a 2 b 2 c -2 d -2', 4],
    [setop('(I:BigIntDiv p q)', 'WITHVALUES'), ['a', '3', 'b', '-4', 'c', '-3', 'd', '4']],
    [setop('(I:BigIntMod p q)', 'WITHVALUES'), ['a', '1', 'b', '1', 'c', '1', 'd', '1']],
  ],
]);

const INTEGER = 'value is not an integer or out of range';
testRows('values that a merge cannot take', [
  [
    'no integer',
    ['HSET h f 1.5', 1],
    [setop('(U:IntegerSum h)', 'WITHVALUES'), `-ERR IntegerSum of "f": ${INTEGER}`],
  ],
  [
    'no int64',
    ['HSET h f 9223372036854775807', 1],
    [setop('(U:IntegerSum h h)', 'WITHVALUES'), '-ERR IntegerSum of "f": result is out of range'],
  ],
  [
    'a score that is no integer',
    ['ZADD z 1.5 f', 1],
    [setop('(U:IntegerMul z)', 'WITHVALUES'), `-ERR IntegerMul of "f": ${INTEGER}`],
  ],
  [
    'an infinite score',
    ['ZADD z inf f', 1],
    [
      setop('(U:BigIntAdd z)', 'WITHVALUES'),
      '-ERR BigIntAdd of "f": value is not an integer of at most 1024 digits',
    ],
  ],
  [
    'no float',
    ['HSET h f abc', 1],
    [setop('(U:FloatMax h)', 'WITHVALUES'), '-ERR FloatMax of "f": value is not a valid float'],
  ],
  [
    'no number comes of it',
    ['ZADD z inf f', 1],
    [setop('(U:FloatSub z z)', 'WITHVALUES'), '-ERR FloatSub of "f": result is not a number'],
  ],
  [
    'the merge that fails is named',
    ['HSET h f abc', 1],
    [
      setop('(U:FloatMax (I:BigIntOr h h))', 'WITHVALUES'),
      '-ERR BigIntOr of "f": value is not an integer of at most 1024 digits',
    ],
  ],
  ...['IntegerDiv', 'FloatDiv', 'BigIntDiv', 'BigIntMod', 'BigIntRem'].map(
    (name): Row => [
      `${name} by 0`,
      ['HSET h f 1', 1],
      ['HSET n f 0', 1],
      [setop(`(U:${name} h n)`, 'WITHVALUES'), `-ERR ${name} of "f": division by zero`],
    ],
  ),
  ['nobody asked for the values', ['HSET h f abc', 1], [setop('(U:FloatMax h)'), ['f']]],
  [
    'only of what was asked for',
    ['HSET h f abc g 1', 2],
    [setop('(U:FloatMax h)', 'WITHVALUES MIN (f'), ['g', '1']],
    [setop('(U:FloatMax h)', 'WITHVALUES LIMIT 1 1'), ['g', '1']],
  ],
  [
    'nothing is stored',
    ['HSET h f 1 g abc', 2],
    ['SET d old', 'OK'],
    [setop('(U:FloatMax h)', 'STORE d'), '-ERR FloatMax of "g": value is not a valid float'],
    ['GET d', 'old'],
  ],
]);

testRows('options', [
  [
    'bounds',
    A,
    B,
    [setop('(U a b)', 'MIN [x'), ['x', 'y', 'z']],
    [setop('(U a b)', 'MIN (x'), ['y', 'z']],
    [setop('(U a b)', 'MAX (x'), ['w']],
    [setop('(U a b)', 'MIN [x MAX [y'), ['x', 'y']],
    [setop('(U a b)', 'MAX + MIN -'), ['w', 'x', 'y', 'z']],
    [setop('(U a b)', 'MIN +'), []],
    [setop('(U a b)', 'MAX -'), []],
    [setop('(U a b)', 'MIN [y MAX [x'), []],
  ],
  [
    'REV',
    A,
    B,
    [setop('(U a b)', 'REV'), ['z', 'y', 'x', 'w']],
    [setop('(D a b)', 'REV'), ['x']],
    [setop('(U a b)', 'REV MIN [x MAX (z'), ['y', 'x']],
  ],
  [
    'LIMIT',
    A,
    B,
    [setop('(U a b)', 'LIMIT 1 2'), ['x', 'y']],
    [setop('(U a b)', 'LIMIT 1 -1'), ['x', 'y', 'z']],
    [setop('(U a b)', 'LIMIT 9 1'), []],
    [setop('(U a b)', 'LIMIT 0 0'), []],
    [setop('(U a b)', 'LIMIT -1 5'), []],
    [setop('(U a b)', 'REV LIMIT 0 1'), ['z']],
  ],
  [
    'errors',
    A,
    [setop('(U a)', 'LIMIT 1'), SYNTAX],
    [setop('(U a)', 'LIMIT x 1'), '-ERR value is not an integer or out of range'],
    [setop('(U a)', 'MIN'), SYNTAX],
    [setop('(U a)', 'MIN x'), '-ERR min or max not valid string range item'],
    [setop('(U a)', 'NONSENSE'), SYNTAX],
    [setop('(U a)', 'STORE'), SYNTAX],
    [setop('(U a)', 'STORE d AS'), SYNTAX],
    [setop('(U a)', 'STORE d AS LIST'), SYNTAX],
    [setop('(U a)', 'STORE d WITHVALUES'), SYNTAX],
    ['SETOP', "-ERR wrong number of arguments for 'setop' command"],
  ],
  [
    'wrong types',
    ['SET str 1', 'OK'],
    ['RPUSH list 1', 1],
    A,
    [setop('(U a str)'), WRONG_TYPE],
    [setop('(I no list)'), WRONG_TYPE],
    [setop('(U a str)', 'STORE d AS SET'), WRONG_TYPE],
    ['EXISTS d', 0],
  ],
  [
    'SETOP_RO',
    A,
    [
      ['SETOP_RO', '(U a)', 'REV'],
      ['z', 'y', 'x'],
    ],
    [['SETOP_RO', '(U a)', 'STORE', 'd', 'AS', 'SET'], SYNTAX],
  ],
]);

testRows('STORE', [
  [
    'a hash',
    A,
    B,
    [setop('(U:FloatSum a b)', 'STORE d'), 4],
    ['HGETALL d', ['w', '30', 'x', '1', 'y', '12', 'z', '23']],
  ],
  ['a set', A, B, [setop('(U a b)', 'STORE d AS SET'), 4], ['SMEMBERS d', ['w', 'x', 'y', 'z']]],
  [
    'a sorted set',
    A,
    B,
    [setop('(U:Last a b)', 'STORE d as zset'), 4],
    ['ZRANGE d 0 -1 WITHSCORES', ['x', '1', 'y', '10', 'z', '20', 'w', '30']],
  ],
  [
    'a sorted set of what is no score',
    ['HSET h f abc', 1],
    [setop('(U h)', 'STORE d AS ZSET'), '-ERR STORE AS ZSET of "f": value is not a valid float'],
  ],
  [
    'part of it',
    A,
    B,
    [setop('(U:First a b)', 'STORE d LIMIT 1 2 REV MIN [x'), 2],
    ['HGETALL d', ['x', '1', 'y', '2']],
  ],
  [
    'over one of its operands',
    A,
    B,
    [setop('(I:IntegerSum a b)', 'STORE a'), 2],
    ['HGETALL a', ['y', '12', 'z', '23']],
  ],
  [
    'over another type',
    A,
    ['SET d 1 EX 100', 'OK'],
    [setop('(U a)', 'STORE d'), 3],
    ['TYPE d', 'hash'],
    ['TTL d', -1],
  ],
  [
    'nothing removes the target',
    A,
    ['SET d 1', 'OK'],
    [setop('(I:First a no)', 'STORE d'), 0],
    ['EXISTS d', 0],
  ],
  [
    'several values',
    A,
    B,
    [
      setop('(U a b)', 'STORE d'),
      '-ERR Append gives an element several values: to STORE them ' +
        'name another merge function, or AS SET',
    ],
    [setop('(D a b)', 'STORE d'), 1],
    [
      setop('(U a*2)', 'STORE d LIMIT 0 0'),
      '-ERR Append gives an element several values: to ' +
        'STORE them name another merge function, or AS SET',
    ],
  ],
  [
    'encodings',
    ['HSET h 1 1 2 2', 2],
    ['ZADD z 1 1', 1],
    [setop('(U:First h z)', 'STORE d'), 2],
    ['OBJECT ENCODING d', 'listpack'],
    [setop('(U:First h z)', 'STORE d AS SET'), 2],
    ['OBJECT ENCODING d', 'intset'],
    [setop('(U:First h z)', 'STORE d AS ZSET'), 2],
    ['OBJECT ENCODING d', 'listpack'],
  ],
]);

t.test('in RESP3 element and value are a pair', async (t) => {
  const client = await localClient();
  client.send('HELLO', '3');
  client.send('HSET', 'a', 'x', '1', 'y', '2');
  t.same(client.send('SETOP', '(U a)', 'WITHVALUES'), [
    ['x', '1'],
    ['y', '2'],
  ]);
  t.same(client.send('SETOP', '(U a a)', 'WITHVALUES'), [
    ['x', ['1', '1']],
    ['y', ['2', '2']],
  ]);
  t.same(client.send('SETOP', '(U a a)'), ['x', 'y']);
});

t.test('keys of any bytes', async (t) => {
  const client = await localClient();
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  client.send('SADD', all, 'x');
  client.send('SADD', '', 'y');
  client.send('SADD', 'a"b', 'z');
  const escaped = [...all].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  t.same(client.send('SETOP', `(U "${escaped}")`), ['x']);
  const raw = all.toString('latin1').replace(/["\\]/g, '\\$&');
  t.same(client.send('SETOP', `(U "${raw}")`), ['x']);
  t.same(client.send('SETOP', '(U "" a"b "a\\"b"*1)'), ['y', 'z']);
});

t.test('long values', async (t) => {
  const client = await localClient();
  const long = 'x'.repeat(9 * 1024 * 1024);
  const longest = 'y'.repeat(20 * 1024 * 1024);
  client.send('HSET', 'a', 'f', long);
  client.send('HSET', 'b', 'f', longest);
  t.same(client.send('SETOP', '(U b)', 'WITHVALUES'), ['f', longest]);
  t.same(client.send('SETOP', '(U:ConCat b)', 'WITHVALUES'), ['f', longest]);
  t.equal(client.send('SETOP', '(U:First b)', 'STORE', 'd'), 1);
  t.same(client.send('SETOP', '(I:First a b)', 'WITHVALUES'), ['f', long]);
  t.same(client.send('SETOP', '(U:Last a b)', 'WITHVALUES'), ['f', longest]);
  const fails = (expression: string): Plain => client.send('SETOP', expression, 'WITHVALUES');
  t.equal(fails('(U a b)'), '-ERR Append of "f": values are too long');
  t.equal(fails('(U a*2)'), '-ERR Append of "f": values are too long');
  t.equal(fails('(U:Last (U a*1000))'), '-ERR Append of "f": values are too long');
  t.equal(fails('(U:ConCat a*2)'), '-ERR ConCat of "f": result is too long');
  client.send('HSET', 'c', 'f', '');
  t.equal(fails('(U (U c*1000)*66)'), '-ERR Append of "f": too many values');
});

t.test('in scripts', async (t) => {
  const client = await localClient();
  client.send('HSET', 'a', 'x', '1');
  const script = "return redis.call(KEYS[1], '(U a a)', 'WITHVALUES')";
  t.same(client.send('EVAL', script, '1', 'SETOP'), ['x', ['1', '1']]);
  t.same(client.send('EVAL_RO', script, '1', 'SETOP_RO'), ['x', ['1', '1']]);
  t.match(client.send('EVAL_RO', script, '1', 'SETOP'), /^-ERR Write commands are not allowed/);
  const stores = "return redis.call('SETOP', '(U a)', 'STORE', 'd')";
  t.equal(client.send('EVAL', stores, '0'), 1);
  t.equal(client.send('HGET', 'd', 'x'), '1');
});

t.test('COMMAND GETKEYS finds the keys in the expression', async (t) => {
  const client = await localClient();
  const getKeys = (...rest: string[]) => client.send('COMMAND', 'GETKEYS', ...rest);
  t.same(getKeys('SETOP', '(U a*2 (I "b c" d) a)'), ['a', 'b c', 'd', 'a']);
  t.same(getKeys('SETOP', '(U:First a)', 'REV', 'STORE', 'store'), ['a', 'store']);
  t.match(getKeys('SETOP', '(U'), /^-ERR Invalid arguments specified for command/);
  t.same(client.send('COMMAND', 'GETKEYSANDFLAGS', 'SETOP', '(U:First a)', 'STORE', 'd'), [
    ['a', ['RO', 'access']],
    ['d', ['OW', 'update']],
  ]);
});

t.test('watchers and listeners hear of STORE', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  const listener = local.client();
  client.send('CONFIG', 'SET', 'notify-keyspace-events', 'KEA');
  client.send('HSET', 'a', 'x', '1');
  client.send('WATCH', 'd');
  client.send('SETOP', '(U a)', 'STORE', 'd');
  client.send('MULTI');
  client.send('PING');
  t.equal(client.send('EXEC'), null, 'the target was watched');
  client.send('WATCH', 'a');
  client.send('SETOP', '(U a)', 'STORE', 'd');
  client.send('MULTI');
  client.send('SETOP', '(U a)', 'WITHVALUES');
  client.send('SETOP', '(U a)', 'STORE', 'e');
  t.same(client.send('EXEC'), [['x', '1'], 1], 'an operand was not changed');

  listener.send('PSUBSCRIBE', '__keyevent@0__:*');
  const heard = (...command: string[]): string[] => {
    client.send(...command);
    const messages = listener.received() as [string, string, string, string][];
    return messages.map(([, , channel, key]) => `${channel.split(':')[1]} ${key}`);
  };
  t.same(heard('SETOP', '(U a)', 'STORE', 'd', 'AS', 'ZSET'), ['setopstore d']);
  t.same(heard('SETOP', '(U no)', 'STORE', 'd'), ['del d']);
  t.same(heard('SETOP', '(U no)', 'STORE', 'd'), []);
  t.same(heard('SETOP', '(U no)'), []);
});

t.test('DBSIZE, dirty and memory are as if it had been written by other commands', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  client.send('HSET', 'a', 'x', '1', 'y', '2');
  const { store } = local.node;
  const { dirty } = store;
  client.send('SETOP', '(U a)');
  t.equal(store.dirty, dirty, 'reading changes nothing');
  client.send('SETOP', '(U a)', 'STORE', 'd');
  t.equal(store.dirty, dirty + 1);
  t.equal(client.send('DBSIZE'), 2);
  for (const database of store.databases) database.tree.checkTree();
  client.send('FLUSHALL');
  for (let turn = 0; turn < 100; turn += 1) local.world.advance(1);
  t.equal(store.space.usedBytes, 0);
});

t.test('a client that tracks hears of what SETOP_RO has read', async (t) => {
  const local = await new LocalNode().start();
  const reader = local.client();
  reader.send('HELLO', '3');
  reader.send('CLIENT', 'TRACKING', 'ON');
  reader.send('SETOP_RO', '(U "a b" c)');
  local.client().send('SADD', 'a b', 'x');
  const [push] = reader.received() as unknown as [{ items: [Buffer, Buffer[]] }];
  t.same(push.items, [Buffer.from('invalidate'), [Buffer.from('a b')]]);
});
