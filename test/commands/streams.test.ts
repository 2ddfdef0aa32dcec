/** Streams. Replies are those of redis-server 7.0.15. */
import t from 'tap';
import { Group } from '../../lib/types/stream-group.js';
import { StreamId } from '../../lib/types/stream-id.js';
import { moveOn } from '../../lib/types/stream-lag.js';
import { entryRank, STREAM, StreamState } from '../../lib/types/streams.js';
import { LocalNode, localClient } from '../support/local.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { NOT_INTEGER, OK, type Step, SYNTAX, testRows } from './rows.js';

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const INVALID_ID = '-ERR Invalid stream ID specified as stream command argument';
const TOO_LOW = '-ERR The ID specified in XADD is equal or smaller than the target stream top item';
const ZERO = '-ERR The ID specified in XADD must be greater than 0-0';
const MAX = '18446744073709551615';

const one = ['1-1', ['a', '1']];
const two = ['2-1', ['b', '2']];
const three = ['3-1', ['c', '3', 'd', '']];
const threeEntries: readonly Step[] = [
  ['XADD s 1-1 a 1', '1-1'],
  ['XADD s 2-1 b 2', '2-1'],
  ['XADD s 3-1 c 3 d ""', '3-1'],
];

testRows('entries', [
  [
    'ids',
    ['XADD s 5 a 1', '5-0'],
    ['XADD s 5-* a 1', '5-1'],
    ['XADD s 4-* a 1', TOO_LOW],
    ['XADD s 5-1 a 1', TOO_LOW],
    ['XADD s 6-* a 1', '6-0'],
    ['XADD s 0-0 a 1', ZERO],
    ['XADD t 0-* a 1', '0-1'],
    ['XADD t 0 a 1', ZERO],
    ['XADD s 7-x a 1', INVALID_ID],
    ['XADD s - a 1', INVALID_ID],
    ['XADD s 7- a 1', INVALID_ID],
    ['XADD s "" a 1', INVALID_ID],
    ['XADD s 007-08 a 1', '7-8'],
    [`XADD s ${MAX}-${MAX} a 1`, `${MAX}-${MAX}`],
    [
      'XADD s * a 1',
      '-ERR The stream has exhausted the last possible ID, unable to add more items',
    ],
    ['XADD n NOMKSTREAM * a 1', null],
    ['XADD s 9-9 a', "-ERR wrong number of arguments for 'xadd' command"],
    ['XADD s 9-9 a 1 b', "-ERR wrong number of arguments for 'xadd' command"],
    ['EXISTS n', 0],
  ],
  [
    'ranges',
    ...threeEntries,
    ['XLEN s', 3],
    ['XLEN none', 0],
    ['XRANGE s - +', [one, two, three]],
    ['XREVRANGE s + -', [three, two, one]],
    ['XRANGE s 2 +', [two, three]],
    ['XRANGE s - 2', [one, two]],
    ['XRANGE s (1-1 (3-1', [two]],
    ['XREVRANGE s 2 (1-1', [two]],
    ['XRANGE s 3 2', []],
    ['XRANGE s - + COUNT 1', [one]],
    ['XREVRANGE s + - COUNT 2', [three, two]],
    ['XRANGE s - + COUNT 0', null],
    ['XRANGE s - + COUNT -1', null],
    ['XRANGE none - +', []],
    ['XRANGE s - + COUNT', SYNTAX],
    ['XRANGE s - + COUNT x', NOT_INTEGER],
    ['XRANGE s (- +', INVALID_ID],
    [`XRANGE s (${MAX}-${MAX} +`, '-ERR invalid start ID for the interval'],
    ['XRANGE s - (0-0', '-ERR invalid end ID for the interval'],
  ],
  [
    'XDEL and XSETID',
    ...threeEntries,
    ['XDEL s 2-1 2-1 7-7', 1],
    ['XDEL s 1-1 3-1', 2],
    ['EXISTS s', 1],
    ['TYPE s', 'stream'],
    ['OBJECT ENCODING s', 'stream'],
    ['XLEN s', 0],
    ['XADD s 3-1 a 1', TOO_LOW],
    ['XSETID s 2-2', OK],
    ['XADD s 2-2 a 1', TOO_LOW],
    ['XADD s 3-0 a 1', '3-0'],
    ['XSETID s 1-1', '-ERR The ID specified in XSETID is smaller than the target stream top item'],
    [
      'XSETID s 9-9 ENTRIESADDED 0',
      '-ERR The entries_added specified in XSETID is smaller than the target stream length',
    ],
    ['XSETID s 9-9 ENTRIESADDED 9 MAXDELETEDID 4-4', OK],
    ['XSETID none 1', '-ERR no such key'],
  ],
  [
    'trimming',
    ...threeEntries,
    ['XADD s MAXLEN 2 4-1 e 1', '4-1'],
    ['XLEN s', 2],
    ['XTRIM s MAXLEN = 1', 1],
    ['XTRIM s MINID 5', 1],
    ['XTRIM s MAXLEN 0', 0],
    ['EXISTS s', 1],
    ['XADD s MAXLEN 0 5-1 e 1', '5-1'],
    ['XLEN s', 0],
    ['XADD s 5-1 e 1', TOO_LOW],
    ['XTRIM s MAXLEN -1', '-ERR The MAXLEN argument must be >= 0.'],
    ['XTRIM s MAXLEN x', NOT_INTEGER],
    [
      'XTRIM s MAXLEN 1 LIMIT 1',
      '-ERR syntax error, LIMIT cannot be used without the special ~ option',
    ],
    [
      'XADD s LIMIT 1 6-1 a 1',
      '-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy',
    ],
    [
      'XTRIM s MAXLEN 1 MINID 1',
      '-ERR syntax error, MAXLEN and MINID options at the same time are not compatible',
    ],
    ['XTRIM none MAXLEN 1', 0],
  ],
  [
    'wrong types',
    ['SET x 1', OK],
    ['XADD x * a 1', WRONG_TYPE],
    ['XLEN x', WRONG_TYPE],
    ['XRANGE x - +', WRONG_TYPE],
    ['XDEL x 1-1', WRONG_TYPE],
    ['XTRIM x MAXLEN 0', WRONG_TYPE],
    ['XREAD STREAMS x 0', WRONG_TYPE],
    ['XGROUP CREATE x g 0', WRONG_TYPE],
    ['XINFO STREAM x', WRONG_TYPE],
    ['XPENDING x g', WRONG_TYPE],
    ['XACK x g 1', WRONG_TYPE],
    ['XCLAIM x g c 0 1', WRONG_TYPE],
    ['XAUTOCLAIM x g c 0 0', WRONG_TYPE],
    ['XSETID x 1', WRONG_TYPE],
    ['XADD s 1-1 a 1', '1-1'],
    ['GET s', WRONG_TYPE],
    ['HLEN s', WRONG_TYPE],
  ],
]);

testRows('groups', [
  [
    'reading',
    ...threeEntries,
    ['XGROUP CREATE s g 0', OK],
    ['XGROUP CREATE s g 0', '-BUSYGROUP Consumer Group name already exists'],
    ['XREADGROUP GROUP g a COUNT 1 STREAMS s >', [['s', [one]]]],
    ['XREADGROUP GROUP g b COUNT 1 STREAMS s >', [['s', [two]]]],
    ['XREADGROUP GROUP g b NOACK STREAMS s >', [['s', [three]]]],
    ['XREADGROUP GROUP g b STREAMS s >', null],
    ['XREADGROUP GROUP g b STREAMS s 0', [['s', [two]]]],
    ['XREADGROUP GROUP g b STREAMS s 2-1', [['s', []]]],
    [
      'XPENDING s g',
      [
        2,
        '1-1',
        '2-1',
        [
          ['a', '1'],
          ['b', '1'],
        ],
      ],
    ],
    ['XDEL s 2-1', 1],
    ['XREADGROUP GROUP g b STREAMS s 0', [['s', [['2-1', null]]]]],
    ['XACK s g 2-1 3-1 2-1', 1],
    ['XPENDING s g', [1, '1-1', '1-1', [['a', '1']]]],
    ['XGROUP DELCONSUMER s g a', 1],
    ['XPENDING s g', [0, null, null, null]],
    ['XGROUP DESTROY s g', 1],
    ['XGROUP DESTROY s g', 0],
    [
      'XREADGROUP GROUP g b STREAMS s >',
      "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option",
    ],
  ],
  [
    'claiming',
    ...threeEntries,
    ['XGROUP CREATE s g 0', OK],
    ['XREADGROUP GROUP g a STREAMS s >', [['s', [one, two, three]]]],
    100,
    [
      'XPENDING s g - + 2',
      [
        ['1-1', 'a', 100, 1],
        ['2-1', 'a', 100, 1],
      ],
    ],
    ['XPENDING s g IDLE 101 - + 2', []],
    ['XCLAIM s g b 200 1-1', []],
    ['XCLAIM s g b 50 1-1 9-9', [one]],
    ['XCLAIM s g b 0 2-1 JUSTID RETRYCOUNT 7 IDLE 30', ['2-1']],
    [
      'XPENDING s g - + 9 b',
      [
        ['1-1', 'b', 0, 2],
        ['2-1', 'b', 30, 7],
      ],
    ],
    ['XDEL s 2-1', 1],
    ['XAUTOCLAIM s g c 0 0 COUNT 2', ['3-1', [one], ['2-1']]],
    ['XAUTOCLAIM s g c 0 3-1', ['0-0', [three], []]],
    [
      'XPENDING s g - + 9',
      [
        ['1-1', 'c', 0, 3],
        ['3-1', 'c', 0, 2],
      ],
    ],
    ['XCLAIM s g c 0 1-1 FOO', "-ERR Unrecognized XCLAIM option 'FOO'"],
    ['XAUTOCLAIM s g c 0 0 COUNT 0', '-ERR COUNT must be > 0'],
  ],
  [
    'names of 32,000 bytes at most',
    ['XADD s 1 a 1', '1-0'],
    [
      ['XGROUP', 'CREATE', 's', 'g'.repeat(32_001), '0'],
      '-ERR group or consumer name is too long: at most 32000 bytes, not applied',
    ],
    [['XGROUP', 'CREATE', 's', 'g'.repeat(32_000), '0'], OK],
    [['XGROUP', 'CREATECONSUMER', 's', 'g'.repeat(32_000), 'c'.repeat(32_000)], 1],
    [
      ['XGROUP', 'CREATECONSUMER', 's', 'g'.repeat(32_000), 'c'.repeat(32_001)],
      '-ERR group or consumer name is too long: at most 32000 bytes, not applied',
    ],
    [
      ['XREADGROUP', 'GROUP', 'g'.repeat(32_000), 'c'.repeat(32_000), 'STREAMS', 's', '>'],
      [['s', [['1-0', ['a', '1']]]]],
    ],
    [['XACK', 's', 'g'.repeat(32_000), '1'], 1],
    [['XACK', 's', 'g'.repeat(70_000), '1'], 0],
  ],
]);

t.test('`~` trims whole groups of stream-node-max-entries', async (t) => {
  const client = await localClient();
  for (let i = 1; i <= 250; i += 1) client.send('XADD', 's', `${i}-0`, 'a', '1');
  t.equal(client.send('XTRIM', 's', 'MAXLEN', '~', '149'), 100);
  t.equal(client.send('XTRIM', 's', 'MAXLEN', '~', '149'), 0);
  t.equal(client.send('XTRIM', 's', 'MINID', '~', '250-0'), 100);
  t.equal(client.send('XTRIM', 's', 'MINID', '~', '251-0', 'LIMIT', '49'), 0);
  t.equal(client.send('XTRIM', 's', 'MINID', '~', '251-0'), 50);
  for (let i = 251; i <= 600; i += 1) client.send('XADD', 's', `${i}-0`, 'a', '1');
  t.equal(client.send('XTRIM', 's', 'MAXLEN', '~', '10', 'LIMIT', '210'), 150);
});

t.test('ids of the time: one after the other, and never back', async (t) => {
  const client = await localClient();
  const now = client.world.clock.wallMs();
  t.equal(client.send('XADD', 's', '*', 'a', '1'), `${now}-0`);
  t.equal(client.send('XADD', 's', '*', 'a', '1'), `${now}-1`);
  client.world.advance(5);
  t.equal(client.send('XADD', 's', '*', 'a', '1'), `${now + 5}-0`);
  client.send('XADD', 's', `${now + 1000}-7`, 'a', '1');
  t.equal(client.send('XADD', 's', '*', 'a', '1'), `${now + 1000}-8`);
});

t.test('big entries, and what is kept with COPY, RENAME, DUMP and expiry', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  const big = 'x'.repeat(300_000);
  client.send('XADD', 's', '1-1', 'a', big, big, '', '', 'y'.repeat(20_000));
  client.send('XADD', 's', '2-1', 'b', '2');
  client.send('XGROUP', 'CREATE', 's', 'g', '0');
  client.send('XREADGROUP', 'GROUP', 'g', 'bob', 'COUNT', '1', 'STREAMS', 's', '>');
  client.send('XDEL', 's', '2-1');
  const full = client.send('XINFO', 'STREAM', 's', 'FULL');
  t.same(client.send('XRANGE', 's', '-', '+'), [
    ['1-1', ['a', big, big, '', '', 'y'.repeat(20_000)]],
  ]);
  const payload = Buffer.from(client.text('DUMP', 's'), 'latin1');
  t.equal(client.send('RESTORE', 'copy of s', '0', payload), OK);
  t.equal(client.send('COPY', 's', 't'), 1);
  t.equal(client.send('RENAME', 's', 'u'), OK);
  for (const key of ['copy of s', 't', 'u']) {
    t.same(client.send('XINFO', 'STREAM', key, 'FULL'), full, key);
    t.equal(client.send('XGROUP', 'DELCONSUMER', key, 'g', 'bob'), 1);
  }
  client.send('PEXPIRE', 'u', '10');
  client.world.advance(11);
  t.equal(client.send('XLEN', 'u'), 0);
  const { tree } = local.node.store.databases[0]!;
  tree.checkTree();
});

t.test('what a group has read is counted as if entry by entry', async (t) => {
  const seed = seedOfRun();
  const random = seededRandom(seed);
  const local = await new LocalNode().start();
  const client = local.client();
  const database = local.node.store.databases[0]!;
  const state = new StreamState();
  const [all, each] = [new Group(), new Group()];
  const key = Buffer.from('s');
  for (let round = 0; round < 400; round += 1) {
    client.send('DEL', 's');
    const entries = random.between(1, 12);
    for (let i = 1; i <= entries; i += 1) client.send('XADD', 's', `${i}-0`, 'a', '1');
    for (let i = random.below(4); i > 0; i -= 1) {
      client.send('XDEL', 's', `${random.between(1, entries)}-0`);
    }
    if (random.chance(0.2)) client.send('XTRIM', 's', 'MAXLEN', `${random.below(entries)}`);
    if (random.chance(0.2)) {
      const deleted = `${random.between(1, entries)}-0`;
      client.send('XSETID', 's', `${entries}-0`, 'ENTRIESADDED', '20', 'MAXDELETEDID', deleted);
    }
    const read = random.pick(['-1', '-1', '0', '3']);
    client.send('XGROUP', 'CREATE', 's', 'g', `${random.below(entries)}-0`, 'ENTRIESREAD', read);
    const stream = database.collection();
    stream.openQuietly(key, 0, 1, STREAM);
    state.load(stream);
    all.open(stream, Buffer.from('g'), 0, 1);
    each.open(stream, Buffer.from('g'), 0, 1);
    const next = new StreamId();
    next.copy(all.lastId);
    next.increment();
    const index = entryRank(stream, next);
    const count = random.between(0, state.length - index);
    if (count <= 0) continue;
    moveOn(stream, state, all, index, count);
    for (let i = 0; i < count; i += 1) moveOn(stream, state, each, index + i, 1);
    if (all.entriesRead !== each.entriesRead) t.fail(`round ${round}, seed ${seed}`);
  }
  t.pass('all alike');
});
