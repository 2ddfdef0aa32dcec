/** Keyspace events: what each command tells, in Redis's order. */
import t from 'tap';
import { LocalNode } from '../support/local.js';

/** A line of commands apart by `;`, and the events that it tells: `class event@database key`. */
// biome-ignore format: a table
const rows: readonly (readonly [line: string, events: readonly string[]])[] = [
  ['SET k 1', ['new k', 'set k']],
  ['SET k 1;SET k 2', ['new k', 'set k', 'set k']],
  ['SET k 1 EX 10', ['new k', 'set k', 'expire k']],
  ['SET k 1 EX 10;SET k 2 KEEPTTL', ['new k', 'set k', 'expire k', 'set k']],
  ['SET k 1 XX', []],
  ['SET k 1 GET', ['keymiss k', 'new k', 'set k']],
  ['SETNX k 1;SETNX k 1', ['new k', 'set k']],
  ['SETEX k 10 1', ['new k', 'set k', 'expire k']],
  ['PSETEX k 10 1', ['new k', 'set k', 'expire k']],
  ['GETSET k 1', ['keymiss k', 'new k', 'set k']],
  ['SET k 1;GETDEL k', ['new k', 'set k', 'del k']],
  ['GETDEL k', ['keymiss k']],
  ['SET k 1;GETEX k EX 10;GETEX k PERSIST;GETEX k PERSIST', ['new k', 'set k', 'expire k', 'persist k']],
  ['SET k 1;GETEX k PXAT 1', ['new k', 'set k', 'del k']],
  ['MSET a 1 b 2', ['new a', 'set a', 'new b', 'set b']],
  ['MSETNX a 1 b 2', ['new a', 'set a', 'new b', 'set b']],
  ['APPEND k a;APPEND k b', ['new k', 'append k', 'append k']],
  ['SETRANGE k 1 a;SETRANGE k 0 a;SETRANGE k 0 ""', ['new k', 'setrange k', 'setrange k']],
  ['INCR k;DECR k;INCRBY k 2;DECRBY k 2', ['new k', 'incrby k', 'incrby k', 'incrby k', 'incrby k']],
  ['INCRBYFLOAT k 1.5', ['new k', 'incrbyfloat k']],
  ['SETBIT k 7 1;SETBIT k 7 1;SETBIT k 100 0', ['new k', 'setbit k', 'setbit k']],
  ['BITFIELD k SET u8 0 1 SET u8 8 2;BITFIELD k GET u8 0', ['new k', 'setbit k']],
  ['BITFIELD k SET u8 0 1;BITFIELD k SET u8 0 1', ['new k', 'setbit k']],
  ['SET a 1;BITOP NOT k a;BITOP AND k x y', ['new a', 'set a', 'new k', 'set k', 'keymiss x', 'keymiss y', 'del k']],
  ['SET k 1;EXPIRE k 10;PERSIST k;PERSIST k', ['new k', 'set k', 'expire k', 'persist k']],
  ['SET k 1;EXPIRE k -1', ['new k', 'set k', 'del k']],
  ['EXPIRE k 10', []],
  ['SET a 1;SET b 1;DEL a b c', ['new a', 'set a', 'new b', 'set b', 'del a', 'del b']],
  ['SET a 1;UNLINK a', ['new a', 'set a', 'del a']],
  ['SET a 1;RENAME a b', ['new a', 'set a', 'new b', 'rename_from a', 'rename_to b']],
  ['SET a 1;SET b 1;RENAME a b', ['new a', 'set a', 'new b', 'set b', 'new b', 'rename_from a', 'rename_to b']],
  ['SET a 1;RENAMENX a b', ['new a', 'set a', 'new b', 'rename_from a', 'rename_to b']],
  ['SET a 1;RENAME a a', ['new a', 'set a']],
  ['SET a 1;COPY a b;COPY a b REPLACE', ['new a', 'set a', 'new b', 'copy_to b', 'new b', 'copy_to b']],
  ['SET a 1;COPY a b DB 1', ['new a', 'set a', 'new b@1', 'copy_to b@1']],
  ['COPY a b', ['keymiss a']],
  ['SET a 1;MOVE a 1', ['new a', 'set a', 'new a@1', 'move_from a', 'move_to a@1']],
  ['GET k;EXISTS k;TYPE k;TTL k;STRLEN k;TOUCH k;MGET k', Array(7).fill('keymiss k')],
  ['OBJECT ENCODING k', []],
  ['SET k 1 PX 10;WAIT 50;GET k', ['new k', 'set k', 'expire k', 'expired k', 'keymiss k']],
  ['SET k 1 PX 10;WAIT 50;SET k 2', ['new k', 'set k', 'expire k', 'expired k', 'new k', 'set k']],
  ['SET k 1 PX 10;WAIT 500', ['new k', 'set k', 'expire k', 'expired k']],
  ['SET a 1;FLUSHALL;SWAPDB 0 1', ['new a', 'set a']],
  ['SET a 1;KDELRANGE - +', ['new a', 'set a', 'del a']],
  ['MULTI;SET a 1;DEL a;EXEC', ['new a', 'set a', 'del a']],
];

t.test('what each command tells', async (t) => {
  const local = await new LocalNode((settings) => {
    settings.notifyKeyspaceEvents = 'AKEmn';
  }).start();
  const client = local.client();
  const told: string[] = [];
  local.node.store.events.publish = (channel, buf, from, to) => {
    const [, database, event] = /^__keyevent@(\d+)__:(.*)$/s.exec(channel) ?? [];
    if (event === undefined) return;
    const where = database === '0' ? '' : `@${database}`;
    told.push(`${event} ${buf.toString('latin1', from, to)}${where}`);
  };
  for (const [line, events] of rows) {
    client.send('FLUSHALL');
    told.length = 0;
    for (const command of line.split(';')) {
      const words = command.split(' ').map((word) => (word === '""' ? '' : word));
      if (words[0] === 'WAIT') client.world.advance(Number(words[1]));
      else client.send(...words);
    }
    t.same(told, events, line);
  }
});

t.test('RESTORE', async (t) => {
  const local = await new LocalNode((settings) => {
    settings.notifyKeyspaceEvents = 'AKEn';
  }).start();
  const client = local.client();
  client.send('SET', 'a', '1');
  const payload = Buffer.from(client.text('DUMP', 'a'), 'latin1');
  const told: string[] = [];
  local.node.store.events.publish = (channel, buf, from, to) => {
    told.push(`${channel} ${buf.toString('latin1', from, to)}`);
  };
  client.send('RESTORE', 'b', '0', payload);
  const restored = [
    '__keyspace@0__:b new',
    '__keyevent@0__:new b',
    '__keyspace@0__:b restore',
    '__keyevent@0__:restore b',
  ];
  t.same(told.splice(0), restored);
  client.send('RESTORE', 'b', '0', payload, 'REPLACE');
  t.same(told.splice(0), restored);
  client.send('RESTORE', 'b', '1', payload, 'REPLACE', 'ABSTTL');
  t.same(told, ['__keyspace@0__:b del', '__keyevent@0__:del b']);
});

t.test('only the classes that are asked for, on the channels that are asked for', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  const told: string[] = [];
  local.node.store.events.publish = (channel) => told.push(channel);
  const settings: readonly (readonly [given: string, shown: string, told: readonly string[]])[] = [
    ['', '', []],
    ['A', 'A', []],
    ['K', 'K', []],
    ['K$', '$K', ['__keyspace@0__:k']],
    ['E$', '$E', ['__keyevent@0__:set']],
    ['Eg', 'gE', ['__keyevent@0__:del']],
    [
      'g$lshzxetdKE',
      'AKE',
      ['__keyspace@0__:k', '__keyevent@0__:set', '__keyspace@0__:k', '__keyevent@0__:del'],
    ],
    ['nE', 'nE', ['__keyevent@0__:new']],
  ];
  for (const [given, shown, channels] of settings) {
    told.length = 0;
    t.equal(client.send('CONFIG', 'SET', 'notify-keyspace-events', given), 'OK');
    client.send('SET', 'k', '1');
    client.send('DEL', 'k');
    t.same(told, channels, given);
    t.same(client.send('CONFIG', 'GET', 'notify-keyspace-events'), [
      'notify-keyspace-events',
      shown,
    ]);
  }
  t.match(client.send('CONFIG', 'SET', 'notify-keyspace-events', 'KEy'), /Invalid event class/);
});

t.test('evicted', async (t) => {
  const local = await new LocalNode((settings) => {
    settings.notifyKeyspaceEvents = 'Ee';
    settings.maxmemoryPolicy = 'allkeys-random';
  }).start();
  const client = local.client();
  const told: string[] = [];
  local.node.store.events.publish = (channel, buf, from, to) => {
    told.push(`${channel} ${buf.toString('latin1', from, to)}`);
  };
  client.send('SET', 'only', 'x'.repeat(10_000));
  client.send('CONFIG', 'SET', 'maxmemory', '1000');
  client.send('GET', 'only');
  t.same(told, ['__keyevent@0__:evicted only']);
});
