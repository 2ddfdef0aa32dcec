/** The bytes of views: there and back, cut at every offset, changed at every offset. */

import t from 'tap';
import { checkedView, firstView, type View } from '../../discord/ring/view.js';
import { decodeView, encodeView, isSameView } from '../../discord/ring/view-codec.js';
import { RingError } from '../../discord/ring-error.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { randomView } from './support/views.js';

const seed = seedOfRun();
const BAD_VIEW = { code: 'RING_BAD_VIEW' };

const ONE = firstView({
  clusterId: '00112233445566778899aabbccddeeff',
  replicas: 3,
  settings: [['lease-ms', '2000']],
  member: { id: '01'.repeat(20), address: '127.0.0.1:6379', position: Buffer.from('m') },
});

t.test('a ring of one, byte by byte', (t) => {
  const expected = [
    '01', // layout
    '00112233445566778899aabbccddeeff', // cluster id
    '01', // epoch
    '03', // replicas
    '01', // next origin
    `01 08 ${Buffer.from('lease-ms').toString('hex')} 04 ${Buffer.from('2000').toString('hex')}`,
    `01 ${'01'.repeat(20)} 0000 0e ${Buffer.from('127.0.0.1:6379').toString('hex')} 01 6d`,
    '00', // no change
  ];
  t.equal(encodeView(ONE).toString('hex'), expected.join('').replaceAll(' ', ''));
  t.end();
});

t.test(`views come back, and equal views are equal bytes, SEED=${seed}`, (t) => {
  const random = seededRandom(seed);
  for (let round = 0; round < 500; round += 1) {
    const view = randomView(random);
    const bytes = encodeView(view);
    const back = decodeView(bytes);
    t.strictSame(back, view);
    t.ok(isSameView(back, view));
    t.ok(encodeView(back).equals(bytes));
  }
  t.end();
});

t.test(`cut anywhere, or with bytes behind, it is none, SEED=${seed}`, (t) => {
  const bytes = encodeView(randomView(seededRandom(seed)));
  for (let end = 0; end < bytes.length; end += 1) {
    t.throws(() => decodeView(bytes.subarray(0, end)), BAD_VIEW, `${end} bytes`);
  }
  t.throws(() => decodeView(Buffer.concat([bytes, Buffer.from([0])])), BAD_VIEW);
  t.end();
});

t.test(`what is damaged is refused, or is another view, SEED=${seed}`, (t) => {
  const random = seededRandom(seed + 3);
  for (let round = 0; round < 50; round += 1) {
    const bytes = encodeView(randomView(random));
    for (let at = 0; at < bytes.length; at += 1) {
      const bad = Buffer.from(bytes);
      bad[at] = bad[at]! ^ (1 << random.below(8));
      try {
        if (!encodeView(decodeView(bad)).equals(bad)) t.fail(`byte ${at}: two encodings`);
      } catch (error) {
        if (!(error instanceof RingError)) throw error;
      }
    }
  }
  t.end();
});

const member = ONE.members[0]!;
const other = { ...member, id: '02'.repeat(20), origin: 1, position: Buffer.from('n') };
const WRONG: readonly [string, Partial<View>][] = [
  ['no member', { members: [] }],
  ['no epoch', { epoch: 0 }],
  ['epoch beyond integers', { epoch: 2 ** 53 }],
  ['no replicas', { replicas: 0 }],
  ['too many replicas', { replicas: 17 }],
  ['cluster id', { clusterId: 'x' }],
  ['origin never given', { originNext: 2, members: [{ ...member, origin: 2 }] }],
  [
    'one position twice',
    { originNext: 2, members: [member, { ...other, position: member.position }] },
  ],
  ['positions out of order', { originNext: 2, members: [other, member] }],
  ['one id twice', { originNext: 2, members: [member, { ...other, id: member.id }] }],
  ['one origin twice', { originNext: 2, members: [member, { ...other, origin: 0 }] }],
  ['a long position', { members: [{ ...member, position: Buffer.alloc(65_537) }] }],
  ['a long address', { members: [{ ...member, address: 'a'.repeat(256) }] }],
  ['no address', { members: [{ ...member, address: '' }] }],
  [
    'settings out of order',
    {
      settings: [
        ['b', ''],
        ['a', ''],
      ],
    },
  ],
  [
    'a setting twice',
    {
      settings: [
        ['a', ''],
        ['a', ''],
      ],
    },
  ],
  ['origins beyond 16 bits', { originNext: 65_537 }],
];

t.test('what a view must not be', (t) => {
  for (const [name, wrong] of WRONG) {
    t.throws(() => checkedView({ ...ONE, ...wrong }), BAD_VIEW, name);
  }
  const longest = checkedView({ ...ONE, members: [{ ...member, position: Buffer.alloc(65_536) }] });
  t.ok(isSameView(decodeView(encodeView(longest)), longest), 'the longest position');
  t.end();
});
