/** The words of agreeing on views, and the record of votes: there and back, missing, damaged. */

import t from 'tap';
import { RingError } from '../../discord/ring-error.js';
import {
  decodeViewMessage,
  encodeViewMessage,
  type ViewMessage,
} from '../../discord/views/messages.js';
import { Votes } from '../../discord/views/votes.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import { hexId, randomView } from './support/views.js';

const seed = seedOfRun();

function messagesOf(random: SeededRandom): ViewMessage[] {
  const view = randomView(random);
  const { clusterId } = view;
  const ballot = { round: 1 + random.below(100), id: hexId(random) };
  const vote = { clusterId, epoch: view.epoch, ballot };
  const id = hexId(random);
  const request = { id, address: 'a:1', position: undefined, replicas: undefined, settings: [] };
  const position = random.bytes(random.below(20));
  return [
    { kind: 'prepare', ...vote },
    { kind: 'accepted', ...vote },
    { kind: 'promise', ...vote, accepted: undefined },
    { kind: 'promise', ...vote, accepted: { ballot, view } },
    { kind: 'reject', ...vote, promised: { round: 7, id } },
    { kind: 'accept', ...vote, view },
    { kind: 'view', view },
    { kind: 'fetch', clusterId: undefined, epoch: 0 },
    { kind: 'fetch', clusterId, epoch: 3 },
    { kind: 'forced', clusterId, view },
    { kind: 'filled', clusterId, epoch: 3, ranges: [0, 5, 2] },
    { kind: 'filled', clusterId, epoch: 3, ranges: [] },
    { kind: 'join', request },
    { kind: 'join', request: { ...request, position, replicas: 3, settings: [['a', '']] } },
    { kind: 'refused', text: 'another member has this position' },
  ];
}

function wordsOf(message: ViewMessage): Buffer[] {
  return encodeViewMessage(message).map((word) => Buffer.from(word as string));
}

t.test(`there and back, SEED=${seed}`, (t) => {
  const random = seededRandom(seed);
  for (let round = 0; round < 50; round += 1) {
    for (const message of messagesOf(random)) {
      t.strictSame(decodeViewMessage(wordsOf(message)), message, message.kind);
    }
  }
  t.end();
});

t.test(`words that are missing, too many or damaged, SEED=${seed}`, (t) => {
  const random = seededRandom(seed + 1);
  const tryWords = (words: Buffer[]): void => {
    try {
      const again = wordsOf(decodeViewMessage(words));
      if (!Buffer.concat(again).equals(Buffer.concat(words))) t.fail(words.join(' '));
    } catch (error) {
      if (!(error instanceof RingError)) throw error;
    }
  };
  for (let round = 0; round < 100; round += 1) {
    for (const message of messagesOf(random)) {
      const words = wordsOf(message);
      tryWords(words.slice(0, random.below(words.length)));
      tryWords([...words, Buffer.from('x')]);
      const at = random.below(words.length);
      if (words[at]!.length === 0) continue;
      words[at]![random.below(words[at]!.length)]! ^= 1 << random.below(8);
      tryWords(words);
    }
  }
  t.throws(() => decodeViewMessage([]), { code: 'RING_BAD_MESSAGE' });
  t.throws(() => decodeViewMessage([Buffer.from('HELLO')]), { code: 'RING_BAD_MESSAGE' });
  t.end();
});

t.test(`the record of votes comes back whole, or not at all, SEED=${seed}`, (t) => {
  const random = seededRandom(seed + 2);
  for (let round = 0; round < 100; round += 1) {
    const votes = new Votes();
    if (random.chance(0.9)) votes.learn(randomView(random));
    const ballot = { round: 1 + random.below(9), id: hexId(random) };
    const isPromise = random.chance(0.5);
    if (isPromise) votes.promise(ballot);
    else if (random.chance(0.5)) votes.accept(ballot, randomView(random));
    votes.roundUsed = random.below(9);
    if (random.chance(0.2)) votes.forcedFrom = hexId(random, 16);
    const record = votes.encode();
    const back = Votes.decode(record);
    t.strictSame({ ...back }, { ...votes });
    t.ok(back.encode().equals(record));
    for (let end = 0; end < record.length; end += 1 + random.below(9)) {
      t.throws(() => Votes.decode(record.subarray(0, end)), { code: 'RING_BAD_VIEW' });
    }
  }
  t.end();
});
