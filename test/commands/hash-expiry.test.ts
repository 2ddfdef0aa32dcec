/** Expiry of the fields of hashes. Replies are as documented for Redis 7.4, which is not at hand. */
import t from 'tap';
import { LocalNode } from '../support/local.js';
import { NOT_INTEGER, OK, type Step, testRows } from './rows.js';

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NO_FIELDS = '-ERR Mandatory argument FIELDS is missing or not at the right position';
const WRONG_COUNT = '-ERR The `numfields` parameter must match the number of arguments';
const NOT_POSITIVE = '-ERR Parameter `numFields` should be greater than 0';
const NOT_POSITIVE_TO_READ = '-ERR Number of fields must be a positive integer';
const NEGATIVE = '-ERR invalid expire time, must be >= 0';

function badTime(command: string): string {
  return `-ERR invalid expire time in '${command}' command`;
}

/** Three fields, of which the first goes after 100 ms. */
const ABC: readonly Step[] = [
  ['HSET h a 1 b 2 c 3', 3],
  ['HPEXPIRE h 100 FIELDS 1 a', [1]],
];
/** The first has gone, though nothing has looked for it yet. */
const GONE: readonly (Step | number)[] = [...ABC, 100];

testRows('HEXPIRE and its kin', [
  [
    'codes',
    ['HEXPIRE h 10 FIELDS 2 a b', [-2, -2]],
    ['HSET h a 1 b 2', 2],
    ['HEXPIRE h 10 FIELDS 3 a x b', [1, -2, 1]],
    ['HTTL h FIELDS 3 a x b', [10, -2, 10]],
    ['HPERSIST h FIELDS 3 a x b', [1, -2, 1]],
    ['HPERSIST h FIELDS 3 a x b', [-1, -2, -1]],
    ['HTTL h FIELDS 2 a x', [-1, -2]],
    ['HTTL x FIELDS 2 a x', [-2, -2]],
    ['HPERSIST x FIELDS 1 a', [-2]],
    ['HEXPIRE h 0 FIELDS 1 a', [2]],
    ['HEXPIREAT h 1 FIELDS 2 a b', [-2, 2]],
    ['EXISTS h', 0],
  ],
  [
    'conditions',
    ['HSET h a 1', 1],
    ['HEXPIRE h 10 XX FIELDS 1 a', [0]],
    ['HEXPIRE h 10 GT FIELDS 1 a', [0]],
    ['HEXPIRE h 20 LT FIELDS 1 a', [1]],
    ['HEXPIRE h 30 NX FIELDS 1 a', [0]],
    ['HEXPIRE h 30 lt FIELDS 1 a', [0]],
    ['HEXPIRE h 10 gt fields 1 a', [0]],
    ['HEXPIRE h 20 GT FIELDS 1 a', [0]],
    ['HEXPIRE h 30 GT FIELDS 1 a', [1]],
    ['HEXPIRE h 40 xx FIELDS 1 a', [1]],
    ['HTTL h FIELDS 1 a', [40]],
    ['HEXPIRE h 0 NX FIELDS 1 a', [0]],
    ['HPERSIST h FIELDS 1 a', [1]],
    ['HEXPIRE h 10 NX FIELDS 1 a', [1]],
  ],
  [
    'the same field twice',
    ['HSET h a 1', 1],
    ['HEXPIRE h 10 NX FIELDS 2 a a', [1, 0]],
    ['HEXPIRE h 0 FIELDS 2 a a', [2, -2]],
  ],
  [
    'units are rounded up',
    ['HSET h a 1', 1],
    ['HPEXPIRE h 1001 FIELDS 1 a', [1]],
    ['HTTL h FIELDS 1 a', [2]],
    ['HPTTL h FIELDS 1 a', [1001]],
    ['HPEXPIREAT h 4000000000001 FIELDS 1 a', [1]],
    ['HPEXPIRETIME h FIELDS 1 a', [4000000000001]],
    ['HEXPIRETIME h FIELDS 1 a', [4000000001]],
    ['HEXPIREAT h 4000000000 FIELDS 1 a', [1]],
    ['HPEXPIRETIME h FIELDS 2 a b', [4000000000000, -2]],
  ],
  [
    'bad input',
    ['HSET h a 1', 1],
    ['HEXPIRE h 10 FIELDS 1', "-ERR wrong number of arguments for 'hexpire' command"],
    ['HTTL h FIELDS 1', "-ERR wrong number of arguments for 'httl' command"],
    ['HEXPIRE h x FIELDS 1 a', NOT_INTEGER],
    ['HEXPIRE h -1 FIELDS 1 a', NEGATIVE],
    ['HEXPIRE h 10 FOO 1 a', NO_FIELDS],
    ['HEXPIRE h 10 NX XX FIELDS 1 a', NO_FIELDS],
    ['HEXPIRE h 10 NX FIELDS 1', WRONG_COUNT],
    ['HEXPIRE h 10 NX XX FIELDS', NO_FIELDS],
    ['HEXPIRE h 10 FIELDS 0 a', NOT_POSITIVE],
    ['HEXPIRE h 10 FIELDS -1 a', NOT_POSITIVE],
    ['HEXPIRE h 10 FIELDS x a', NOT_POSITIVE],
    ['HEXPIRE h 10 NX FOO FIELDS', NO_FIELDS],
    ['HEXPIRE h 10 FIELDS 2 a', WRONG_COUNT],
    ['HEXPIRE h 10 FIELDS 1 a b', WRONG_COUNT],
    ['HTTL h FOO 1 a', NO_FIELDS],
    ['HTTL h FIELDS 0 a', NOT_POSITIVE_TO_READ],
    ['HPERSIST h FIELDS x a', NOT_POSITIVE_TO_READ],
    ['HPERSIST h FIELDS 1 a b', WRONG_COUNT],
    ['HEXPIRE h 70368744177664 FIELDS 1 a', badTime('hexpire')],
    ['HPEXPIRE h 70368744177663 FIELDS 1 a', badTime('hpexpire')],
    ['HPEXPIREAT h 70368744177664 FIELDS 1 a', badTime('hpexpireat')],
    ['HEXPIREAT h 9223372036854775807 FIELDS 1 a', badTime('hexpireat')],
    ['HPEXPIREAT h 70368744177663 FIELDS 1 a', [1]],
    ['SET s 1', OK],
    ['HEXPIRE s x FIELDS 1 a', WRONG_TYPE],
    ['HTTL s FOO 1 a', WRONG_TYPE],
    ['HPERSIST s FIELDS 1 a', WRONG_TYPE],
  ],
  [
    'what keeps an expiry, and what does not',
    ['HSET h a 1 b 2 c 3', 3],
    ['HEXPIRE h 10 FIELDS 3 a b c', [1, 1, 1]],
    ['HSET h a 9', 0],
    ['HINCRBY h b 1', 3],
    ['HINCRBYFLOAT h c 0.5', '3.5'],
    ['HSETNX h c 1', 0],
    ['HTTL h FIELDS 3 a b c', [-1, 10, 10]],
    ['HDEL h b', 1],
    ['HSET h b 1', 1],
    ['HTTL h FIELDS 1 b', [-1]],
    ['HMSET h c 1', OK],
    ['HTTL h FIELDS 1 c', [-1]],
  ],
  [
    'the hash goes with its last field',
    ...GONE,
    ['HPEXPIRE h 1 FIELDS 2 b c', [1, 1]],
    1,
    ['EXISTS h', 0],
  ],
  [
    'the key has an expiry of its own',
    ...ABC,
    ['PEXPIRE h 50', 1],
    ['HPTTL h FIELDS 1 a', [100]],
    ['PERSIST h', 1],
    ['HPTTL h FIELDS 1 a', [100]],
    50,
    ['HGET h a', '1'],
  ],
  [
    'COPY, RENAME and MOVE take it along',
    ...ABC,
    ['COPY h g', 1],
    ['HPTTL g FIELDS 2 a b', [100, -1]],
    ['RENAME g k', OK],
    ['HPTTL k FIELDS 2 a b', [100, -1]],
    ['MOVE k 1', 1],
    ['SELECT 1', OK],
    ['HPTTL k FIELDS 2 a b', [100, -1]],
    100,
    ['HGETALL k', ['b', '2', 'c', '3']],
  ],
  [
    'what Redis would keep it in',
    ['HSET h a 1', 1],
    ['OBJECT ENCODING h', 'listpack'],
    ['HEXPIRE h 10 FIELDS 1 x', [-2]],
    ['OBJECT ENCODING h', 'listpackex'],
    ['COPY h g', 1],
    ['OBJECT ENCODING g', 'listpackex'],
    [['HSET', 'h', 'b', 'x'.repeat(65)], 1],
    ['OBJECT ENCODING h', 'hashtable'],
    ['HEXPIRE h 10 FIELDS 1 a', [1]],
    ['OBJECT ENCODING h', 'hashtable'],
  ],
  [
    'a field that is too long for it',
    [['HSET', 'h', 'x'.repeat(65_529), '1'], 1],
    [
      ['HEXPIRE', 'h', '10', 'FIELDS', '1', 'x'.repeat(65_529)],
      '-ERR a field longer than 65528 bytes cannot expire',
    ],
    [['HEXPIRE', 'h', '10', 'FIELDS', '1', 'x'.repeat(70_000)], [-2]],
  ],
]);

/** After the first of three fields has gone, whoever asks first. */
const hidden: readonly Step[] = [
  ['HGET h a', null],
  ['HMGET h a b', [null, '2']],
  ['HLEN h', 2],
  ['HEXISTS h a', 0],
  ['HSTRLEN h a', 0],
  ['HGETALL h', ['b', '2', 'c', '3']],
  ['HKEYS h', ['b', 'c']],
  ['HVALS h', ['2', '3']],
  ['HSCAN h 0', ['0', ['b', '2', 'c', '3']]],
  ['HRANDFIELD h -1', ['b']],
  ['HRANGE h - +', ['b', 'c']],
  ['HRANK h b', 0],
  ['HREVRANK h c', 0],
  ['HRANK h a', null],
  ['HNTH h 0', 'b'],
  ['HCOUNT h - +', 2],
  ['HPREV h b', null],
  ['HNEXT h Z', 'b'],
  ['HVRANGE h - +', ['b', 'c']],
  ['HVRANK h b', 0],
  ['HVCOUNT h - +', 2],
  ['HVNTH h 0', 'b'],
  ['HTTL h FIELDS 1 a', [-2]],
  ['HPERSIST h FIELDS 1 a', [-2]],
  ['HEXPIRE h 1 FIELDS 1 a', [-2]],
  ['HDEL h a', 0],
  ['HSETNX h a 9', 1],
  ['HSET h a 9', 1],
  ['HINCRBY h a 1', 1],
  ['HINCRBYFLOAT h a 1', '1'],
];

t.test('a field that has expired is hidden, whether or not it has been removed', async (t) => {
  for (const isActive of [false, true]) {
    const local = await new LocalNode().start();
    local.node.server.activeExpire = isActive;
    const client = local.client();
    for (const [command, expected] of hidden) {
      const line = String(command);
      client.send('FLUSHALL');
      client.send('HSET', 'h', 'a', '1', 'b', '2', 'c', '3');
      if (line.startsWith('HV')) client.send('HMIRROR', 'h', 'ON');
      client.send('HPEXPIRE', 'h', '100', 'FIELDS', '1', 'a');
      if (line.startsWith('HRANDFIELD')) client.send('HDEL', 'h', 'c');
      client.world.advance(isActive ? 300 : 100);
      t.same(client.send(...line.split(' ')), expected, line);
    }
    t.equal(local.node.store.expiredElements, hidden.length);
  }
});

/** After all fields have expired. */
const emptied: readonly Step[] = [
  ['EXISTS h', 0],
  ['TYPE h', 'none'],
  ['TTL h', -2],
  ['KEYS *', []],
  ['SCAN 0', ['0', []]],
  ['DBSIZE', 0],
  ['RANDOMKEY', null],
  ['KCOUNT - +', 0],
  ['KNTH 0', null],
  ['HLEN h', 0],
  ['DUMP h', null],
  ['COPY h g', 0],
  ['RENAME h g', '-ERR no such key'],
  ['DEL h', 0],
  ['SADD h a', 1],
  ['SETNX h 1', 1],
  ['OBJECT ENCODING h', null],
];

t.test('a hash whose fields have all expired is not there', async (t) => {
  const local = await new LocalNode().start();
  local.node.server.activeExpire = false;
  const client = local.client();
  for (const [command, expected] of emptied) {
    const line = String(command);
    client.send('FLUSHALL');
    client.send('HSET', 'h', 'a', '1', 'b', '2');
    client.send('HPEXPIRE', 'h', '10', 'FIELDS', '1', 'a');
    client.send('HPEXPIRE', 'h', '20', 'FIELDS', '1', 'b');
    client.world.advance(20);
    t.same(client.send(...line.split(' ')), expected, line);
  }
});

/** Commands apart by `;`, and what they tell. */
const events: readonly (readonly [line: string, events: readonly string[]])[] = [
  ['HEXPIRE h 1 FIELDS 1 a', ['hexpire h']],
  ['HEXPIRE h 1 FIELDS 1 x;HEXPIRE h 1 XX FIELDS 1 a', []],
  ['HEXPIRE h 0 FIELDS 1 a', ['hdel h']],
  ['HEXPIRE h 0 FIELDS 2 a b', ['hdel h', 'del h']],
  ['HPERSIST h FIELDS 1 a', []],
  ['HEXPIRE h 1 FIELDS 1 a;HPERSIST h FIELDS 1 a', ['hexpire h', 'hpersist h']],
  ['HPEXPIRE h 9 FIELDS 1 a;WAIT 9;HGET h b', ['hexpire h', 'hexpired h']],
  ['HPEXPIRE h 9 FIELDS 1 a;WAIT 300', ['hexpire h', 'hexpired h']],
  ['HPEXPIRE h 9 FIELDS 2 a b;WAIT 9;TYPE h', ['hexpire h', 'hexpired h', 'del h', 'keymiss h']],
  ['HPEXPIRE h 9 FIELDS 2 a b;WAIT 300', ['hexpire h', 'hexpired h', 'del h']],
];

t.test('events', async (t) => {
  const local = await new LocalNode((settings) => {
    settings.notifyKeyspaceEvents = 'AKEm';
  }).start();
  const client = local.client();
  const told: string[] = [];
  local.node.store.events.publish = (channel, buf, from, to) => {
    const event = /^__keyevent@0__:(.*)$/s.exec(channel)?.[1];
    if (event !== undefined) told.push(`${event} ${buf.toString('latin1', from, to)}`);
  };
  for (const [line, expected] of events) {
    client.send('FLUSHALL');
    client.send('HSET', 'h', 'a', '1', 'b', '2');
    told.length = 0;
    for (const command of line.split(';')) {
      const words = command.split(' ');
      if (words[0] === 'WAIT') client.world.advance(Number(words[1]));
      else client.send(...words);
    }
    t.same(told, expected, line);
  }
});

t.test('INFO counts them', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  client.send('HSET', 'h', 'a', '1', 'b', '2');
  client.send('HSET', 'g', 'a', '1');
  client.send('HPEXPIRE', 'h', '100', 'FIELDS', '1', 'a');
  t.match(client.send('INFO', 'keyspace'), /db0:keys=2,expires=0,avg_ttl=0,subexpiry=1\r\n/);
  client.world.advance(300);
  t.match(client.send('INFO', 'keyspace'), /db0:keys=2,expires=0,avg_ttl=0,subexpiry=0\r\n/);
  t.match(client.send('INFO', 'stats'), /expired_subkeys:1\r\nexpired_keys:0\r\n/);
  client.send('CONFIG', 'RESETSTAT');
  t.match(client.send('INFO', 'stats'), /expired_subkeys:0\r\n/);
});

t.test('WATCH sees a field go', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  client.send('HSET', 'h', 'a', '1', 'b', '2');
  client.send('HPEXPIRE', 'h', '100', 'FIELDS', '1', 'a');
  client.send('WATCH', 'h');
  client.world.advance(100);
  client.send('MULTI');
  client.send('HLEN', 'h');
  t.equal(client.send('EXEC'), null);
});
