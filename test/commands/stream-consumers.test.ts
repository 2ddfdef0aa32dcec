/**
 * Consumers of streams, and who waits for a stream, as in Redis 7.2: the real server that other
 * tests ask is older. What is expected follows 7.2's documentation of XINFO and what its own tests
 * of groups say; `XREAD +` is 7.4's.
 */
import t from 'tap';
import { type LocalClient, LocalNode, type Plain } from '../support/local.js';
import { OK, type Step, sendLine, testRows } from './rows.js';

const NO_GROUP = "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option";
const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NO_PLUS =
  '-ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of' +
  ' this consumer by specifying a proper ID, or use the > ID to get new messages. The + ID would' +
  ' just return an empty result set.';

const one = ['1-1', ['a', '1']];
const two = ['2-1', ['a', '2']];
const withGroup: readonly Step[] = [
  ['XADD s 1-1 a 1', '1-1'],
  ['XADD s 2-1 a 2', '2-1'],
  ['XGROUP CREATE s g 0', OK],
];

/** A step that asks XINFO CONSUMERS of `s` and `g`. */
function consumers(
  ...of: readonly [string, pending: number, idle: number, inactive: number][]
): Step {
  const rows = of.map(
    ([name, pending, idle, inactive]) =>
      ['name', name, 'pending', pending, 'idle', idle, 'inactive', inactive] as Plain[],
  );
  return ['XINFO CONSUMERS s g', rows];
}

testRows('consumers', [
  [
    'made by hand: seen, never active',
    ...withGroup,
    ['XGROUP CREATECONSUMER s g a', 1],
    5,
    consumers(['a', 0, 5, -1]),
    ['XGROUP CREATECONSUMER s g a', 0],
    consumers(['a', 0, 5, -1]),
  ],
  [
    'XREADGROUP',
    ...withGroup,
    ['XREADGROUP GROUP g a STREAMS s >', [['s', [one, two]]]],
    10,
    ['XREADGROUP GROUP g a STREAMS s >', null],
    ['XREADGROUP GROUP g b STREAMS s >', null],
    5,
    consumers(['a', 2, 5, 15], ['b', 0, 5, -1]),
    ['XREADGROUP GROUP g a COUNT 1 STREAMS s 0', [['s', [one]]]],
    consumers(['a', 2, 0, 15], ['b', 0, 5, -1]),
  ],
  [
    'NOACK: seen only',
    ...withGroup,
    ['XREADGROUP GROUP g a NOACK STREAMS s >', [['s', [one, two]]]],
    consumers(['a', 0, 0, -1]),
  ],
  [
    'of several streams: made in each, also where there is nothing',
    ...withGroup,
    ['XGROUP CREATE t g $ MKSTREAM', OK],
    ['XREADGROUP GROUP g a STREAMS t s > >', [['s', [one, two]]]],
    ['XINFO CONSUMERS t g', [['name', 'a', 'pending', 0, 'idle', 0, 'inactive', -1]]],
    consumers(['a', 2, 0, 0]),
    ['XREADGROUP GROUP g b STREAMS s u > >', NO_GROUP.replace("key 's'", "key 'u'")],
    consumers(['a', 2, 0, 0]),
  ],
  [
    'XCLAIM',
    ...withGroup,
    ['XREADGROUP GROUP g a STREAMS s >', [['s', [one, two]]]],
    10,
    ['XCLAIM s g b 20 1-1', []],
    ['XCLAIM s g c 0 9-9', []],
    ['XCLAIM s g d 10 1-1 JUSTID', ['1-1']],
    ['XCLAIM s g e x 1-1', '-ERR Invalid min-idle-time argument for XCLAIM'],
    3,
    consumers(['a', 1, 13, 13], ['b', 0, 3, -1], ['c', 0, 3, -1], ['d', 1, 3, 3]),
  ],
  [
    'XAUTOCLAIM',
    ...withGroup,
    ['XREADGROUP GROUP g a STREAMS s >', [['s', [one, two]]]],
    10,
    ['XAUTOCLAIM s g b 20 0', ['0-0', [], []]],
    ['XAUTOCLAIM s g c 10 0 COUNT 1', ['2-1', [one], []]],
    ['XDEL s 2-1', 1],
    ['XAUTOCLAIM s g d 10 2', ['0-0', [], ['2-1']]],
    ['XAUTOCLAIM s g e 10 x', '-ERR Invalid stream ID specified as stream command argument'],
    3,
    consumers(['a', 0, 13, 13], ['b', 0, 3, -1], ['c', 1, 3, 3], ['d', 0, 3, -1]),
  ],
]);

testRows('XREAD', [
  [
    'unbalanced',
    [
      'XREAD STREAMS s t 0',
      "-ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.",
    ],
    [
      'XREADGROUP GROUP g a STREAMS s t 0',
      "-ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.",
    ],
  ],
  [
    '+ is the last entry',
    ['XREAD STREAMS s +', null],
    ...withGroup,
    ['XREAD STREAMS s +', [['s', [two]]]],
    ['XREAD COUNT 5 STREAMS s t + 0', [['s', [two]]]],
    ['XADD s 3-0 b 3', '3-0'],
    ['XREAD STREAMS s +', [['s', [['3-0', ['b', '3']]]]]],
    ['XDEL s 3-0', 1],
    ['XREAD STREAMS s +', [['s', [two]]]],
    ['XREADGROUP GROUP g a STREAMS s +', NO_PLUS],
    ['XTRIM s MAXLEN 0', 2],
    ['XREAD STREAMS s +', null],
  ],
]);

t.test('XINFO STREAM FULL, COPY and DUMP', async (t) => {
  const client = (await new LocalNode().start()).client();
  client.send('XGROUP', 'CREATE', 's', 'g', '0', 'MKSTREAM');
  const before = client.world.clock.wallMs();
  client.send('XREADGROUP', 'GROUP', 'g', 'a', 'STREAMS', 's', '>');
  client.send('XADD', 's', '1-1', 'a', '1');
  client.world.advance(7);
  client.send('XREADGROUP', 'GROUP', 'g', 'b', 'STREAMS', 's', '>');
  client.world.advance(7);
  client.send('XREADGROUP', 'GROUP', 'g', 'b', 'STREAMS', 's', '>');
  const payload = Buffer.from(client.text('DUMP', 's'), 'latin1');
  client.send('RESTORE', 'dumped', '0', payload);
  client.send('COPY', 's', 't');
  // A dump of Redis 7.0's version does not say when a consumer was active: RESTORE guesses.
  for (const [key, never, active] of [
    ['t', -1, before + 7],
    ['dumped', before, before + 14],
  ] as const) {
    const [a, b] = consumersOf(client, key);
    t.same(
      a,
      ['name', 'a', 'seen-time', before, 'active-time', never, 'pel-count', 0, 'pending', []],
      key,
    );
    t.same(b!.slice(0, 6), ['name', 'b', 'seen-time', before + 14, 'active-time', active], key);
  }
});

function consumersOf(client: LocalClient, key: string): Plain[][] {
  const full = client.send('XINFO', 'STREAM', key, 'FULL') as Plain[];
  const [group] = full[full.indexOf('groups') + 1] as Plain[][];
  return group![group!.indexOf('consumers') + 1] as Plain[][];
}

/** What one who waits is told; what others do goes on in `then`. */
const waits: readonly [name: string, command: string, then: readonly string[], told: Plain[]][] = [
  ['DEL', 'XREADGROUP GROUP g a BLOCK 0 STREAMS s >', ['DEL s'], [NO_GROUP]],
  ['another type', 'XREADGROUP GROUP g a BLOCK 0 STREAMS s >', ['SET s x'], [WRONG_TYPE]],
  ['RENAME', 'XREADGROUP GROUP g a BLOCK 0 STREAMS s >', ['RENAME s u'], [NO_GROUP]],
  ['FLUSHALL', 'XREADGROUP GROUP g a BLOCK 0 STREAMS s >', ['FLUSHALL'], [NO_GROUP]],
  ['DESTROY', 'XREADGROUP GROUP g a BLOCK 0 STREAMS s >', ['XGROUP DESTROY s g'], [NO_GROUP]],
  [
    'another stream',
    'XREADGROUP GROUP g a BLOCK 0 STREAMS s >',
    ['MULTI', 'DEL s', 'XADD s 9-9 a 9', 'EXEC'],
    [NO_GROUP],
  ],
  [
    'one of two streams',
    'XREADGROUP GROUP g a BLOCK 0 STREAMS s t > >',
    ['DEL t'],
    [NO_GROUP.replace("key 's'", "key 't'")],
  ],
  [
    'a group is told all that has come',
    'XREADGROUP GROUP g a BLOCK 0 STREAMS s t > >',
    ['MULTI', 'XADD t 1-1 a 1', 'XADD s 1-1 a 1', 'XADD s 2-1 a 2', 'EXEC'],
    [
      [
        ['s', [one, two]],
        ['t', [one]],
      ],
    ],
  ],
  [
    'what came and went is nothing',
    'XREADGROUP GROUP g a BLOCK 0 STREAMS s >',
    ['MULTI', 'XADD s 1-1 a 1', 'XDEL s 1-1', 'EXEC', 'XADD s 2-1 a 2'],
    [[['s', [two]]]],
  ],
  ['XREAD outlives DEL', 'XREAD BLOCK 0 STREAMS s $', ['DEL s', 'SET s x'], []],
  [
    'XREAD, one of whose keys is no stream any more',
    'XREAD BLOCK 0 STREAMS s t $ $',
    ['SET s x', 'XADD t 1-1 a 1'],
    [WRONG_TYPE],
  ],
  [
    'XREAD: `$` stays what it was',
    'XREAD BLOCK 0 STREAMS s t $ $',
    ['MULTI', 'XADD t 1-1 a 1', 'XADD s 1-1 a 1', 'XADD s 2-1 a 2', 'XDEL s 2-1', 'EXEC'],
    [
      [
        ['s', [one]],
        ['t', [one]],
      ],
    ],
  ],
  [
    'XREAD: what came and went is nothing',
    'XREAD BLOCK 0 STREAMS s $',
    ['MULTI', 'XADD s 1-1 a 1', 'XDEL s 1-1', 'EXEC'],
    [],
  ],
  [
    'XREAD +: the last of what has come',
    'XREAD BLOCK 0 STREAMS s +',
    ['MULTI', 'XADD s 1-1 a 1', 'XADD s 2-1 a 2', 'EXEC'],
    [[['s', [two]]]],
  ],
];

for (const [name, command, then, told] of waits) {
  t.test(`waiting: ${name}`, async (t) => {
    const local = await new LocalNode().start();
    const [waiting, other] = [local.client(), local.client()];
    for (const key of ['s', 't']) sendLine(other, `XGROUP CREATE ${key} g $ MKSTREAM`);
    waiting.post(...command.split(' '));
    local.world.turn();
    t.same(waiting.received(), []);
    for (const line of then) sendLine(other, line);
    local.world.turn();
    t.same(waiting.received(), told);
    t.equal(local.node.store.waits.size > 0, told.length === 0);
  });
}

t.test('who waits is seen when it begins, and active when it gets something', async (t) => {
  const local = await new LocalNode().start();
  const [waiting, other] = [local.client(), local.client()];
  sendLine(other, 'XGROUP CREATE s g $ MKSTREAM');
  waiting.post('XREADGROUP', 'GROUP', 'g', 'a', 'BLOCK', '0', 'STREAMS', 's', '>');
  local.world.advance(10);
  t.same(sendLine(other, 'XINFO CONSUMERS s g'), [
    ['name', 'a', 'pending', 0, 'idle', 10, 'inactive', -1],
  ]);
  sendLine(other, 'XADD s 1-1 a 1');
  t.same(waiting.received(), [[['s', [one]]]]);
  local.world.advance(4);
  t.same(sendLine(other, 'XINFO CONSUMERS s g'), [
    ['name', 'a', 'pending', 1, 'idle', 4, 'inactive', 4],
  ]);
});

t.test('more than 512 entries: delivered in slices, active at once', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  for (let i = 1; i <= 1200; i += 1) client.send('XADD', 's', `${i}-0`, 'a', '1');
  sendLine(client, 'XGROUP CREATE s g 0');
  sendLine(client, 'XREADGROUP GROUP g a STREAMS s >');
  t.same(sendLine(client, 'XINFO CONSUMERS s g'), [
    ['name', 'a', 'pending', 1200, 'idle', 0, 'inactive', 0],
  ]);
  local.world.advance(10);
  sendLine(client, 'XAUTOCLAIM s g b 0 0 COUNT 500');
  t.same(sendLine(client, 'XINFO CONSUMERS s g'), [
    ['name', 'a', 'pending', 700, 'idle', 10, 'inactive', 10],
    ['name', 'b', 'pending', 500, 'idle', 0, 'inactive', 0],
  ]);
});
