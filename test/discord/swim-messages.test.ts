/** The words of failure detection: there and back, missing, too many, damaged. */

import t from 'tap';
import { decodeSwim, encodeSwim, type SwimMessage } from '../../discord/membership/messages.js';
import { RingError } from '../../discord/ring-error.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
const A = 'aa'.repeat(20);
const B = 'bb'.repeat(20);
const UPDATES = [
  { status: 'alive', id: A, incarnation: 0 },
  { status: 'suspect', id: B, incarnation: 7, by: A },
  { status: 'dead', id: B, incarnation: 2 ** 53 - 1 },
] as const;

const MESSAGES: readonly [string, SwimMessage][] = [
  [`PING 1 2 3`, { kind: 'ping', seq: 1, epoch: 2, hash: 3, updates: [] }],
  [`ACK 1 2 3,alive 0 ${A}`, { kind: 'ack', seq: 1, epoch: 2, hash: 3, updates: [UPDATES[0]] }],
  [`PROBE 9 ${B},suspect 7 ${B} ${A}`, { kind: 'probe', seq: 9, target: B, updates: [UPDATES[1]] }],
  [`NACK 9,dead 9007199254740991 ${B}`, { kind: 'nack', seq: 9, updates: [UPDATES[2]] }],
  [`STATE ASK 4`, { kind: 'state', isAsking: true, epoch: 4, updates: [] }],
  [
    `STATE ANSWER 4,alive 0 ${A}`,
    { kind: 'state', isAsking: false, epoch: 4, updates: [UPDATES[0]] },
  ],
];

t.test('there and back', (t) => {
  for (const [text, message] of MESSAGES) {
    const [head = '', ...updates] = text.split(',');
    const words = [...head.split(' '), ...updates];
    t.strictSame(encodeSwim(message), words);
    t.strictSame(decodeSwim(words), message);
  }
  t.end();
});

const WRONG: readonly [string, string[]][] = [
  ['nothing', []],
  ['unknown', ['PONG', '1']],
  ['words missing', ['PING', '1', '2']],
  ['no number', ['PING', '1', '2', 'x']],
  ['an empty number', ['PING', '1', '2', '']],
  ['a leading zero', ['PING', '01', '2', '3']],
  ['beyond integers', ['PING', '9007199254740992', '2', '3']],
  ['negative', ['NACK', '-1']],
  ['no id', ['PROBE', '1', 'x']],
  ['upper case', ['PROBE', '1', 'AA'.repeat(20)]],
  ['unknown status', ['NACK', '1', `ill 0 ${A}`]],
  ['a suspicion of nobody', ['NACK', '1', `suspect 0 ${A}`]],
  ['a death with an author', ['NACK', '1', `dead 0 ${A} ${B}`]],
  ['more words', ['NACK', '1', `suspect 0 ${A} ${B} ${B}`]],
  ['neither asks nor answers', ['STATE', 'TELL', '1']],
  ['too many updates', ['NACK', '1', ...Array.from({ length: 1025 }, () => `dead 0 ${A}`)]],
];

t.test('refused', (t) => {
  for (const [name, words] of WRONG) {
    t.throws(() => decodeSwim(words), { code: 'RING_BAD_MESSAGE' }, name);
  }
  t.end();
});

t.test(`damaged anywhere, it is refused or means something, SEED=${seed}`, (t) => {
  const random = seededRandom(seed);
  for (let round = 0; round < 5000; round += 1) {
    const words = encodeSwim(random.pick(MESSAGES)[1]);
    const at = random.below(words.length);
    const bytes = Buffer.from(words[at]!);
    bytes[random.below(bytes.length)]! ^= 1 << random.below(7);
    words[at] = bytes.toString('latin1');
    try {
      const message = decodeSwim(words);
      if (encodeSwim(message).join() !== words.join()) t.fail(words.join());
    } catch (error) {
      if (!(error instanceof RingError)) throw error;
    }
  }
  t.pass();
  t.end();
});
