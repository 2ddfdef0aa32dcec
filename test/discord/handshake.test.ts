/** PEER HELLO: who knows the secret gets in; nobody else, whatever he records and plays back. */

import { Buffer } from 'node:buffer';
import t from 'tap';
import { Dialer, type Identity, Listener } from '../../discord/peer/handshake.js';
import { PeerError } from '../../discord/peer/peer-error.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
const SECRET = Buffer.from('a long and boring cluster secret');
const RING = '11'.repeat(16);
const ALICE: Identity = { memberId: 'aa'.repeat(20), clusterId: RING, secret: SECRET };
const BOB: Identity = { memberId: 'bb'.repeat(20), clusterId: RING, secret: SECRET };
let nonceByte = 0;

function nonce(): Buffer {
  nonceByte = (nonceByte + 1) & 255;
  return Buffer.alloc(32, nonceByte);
}

/** What redis-parser makes of an answer. */
function replyOf(listener: Listener, words: readonly string[]): unknown {
  const answer = listener.receive(words);
  if ('refusal' in answer) return new Error(answer.refusal);
  return 'proof' in answer ? Buffer.from(answer.proof) : answer.fields.map((f) => Buffer.from(f));
}

function talk(
  from: Identity,
  to: Identity,
): { dialer: Dialer; listener: Listener; said: string[][] } {
  const dialer = new Dialer(from, { channel: 'data', nonce: nonce() });
  const listener = new Listener(to, nonce());
  const said = [dialer.hello()];
  said.push(dialer.prove(replyOf(listener, said[0]!)));
  const { memberId } = dialer.finish(replyOf(listener, said[1]!));
  if (memberId !== to.memberId) throw new Error('somebody else');
  return { dialer, listener, said };
}

function refusalOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof PeerError) return error.refusal ?? error.code;
    throw error;
  }
  return 'accepted';
}

t.test('two members of one ring', (t) => {
  const { listener, said } = talk(ALICE, BOB);
  t.strictSame(listener.peer, { memberId: ALICE.memberId, clusterId: RING, channel: 'data' });
  t.notMatch(said.flat().join(' '), SECRET.toString());
  t.notMatch(said.flat().join(' '), SECRET.toString('hex'));
  t.end();
});

t.test('one of them belongs to no ring yet', (t) => {
  const joiner = { ...ALICE, clusterId: undefined };
  t.equal(talk(joiner, BOB).listener.peer?.clusterId, undefined);
  t.equal(talk(BOB, joiner).listener.peer?.clusterId, RING);
  t.end();
});

const REFUSED: readonly [string, Partial<Identity>, Partial<Identity>][] = [
  ['PEERPROOF', {}, { secret: Buffer.from('another') }],
  ['PEERPROOF', { secret: Buffer.alloc(0) }, {}],
  ['PEERCLUSTER', {}, { clusterId: '22'.repeat(16) }],
  ['PEERJOINING', { clusterId: undefined }, { clusterId: undefined }],
  ['PEERSELF', {}, { memberId: ALICE.memberId }],
];

t.test('refused by name', (t) => {
  for (const [name, from, to] of REFUSED) {
    const got = refusalOf(() => talk({ ...ALICE, ...from }, { ...BOB, ...to }));
    t.equal(got, name);
  }
  t.equal(
    replyOf(new Listener({ ...BOB, clusterId: '22'.repeat(16) }, nonce()), dial().hello()) + '',
    `Error: PEERCLUSTER this member belongs to ring ${'22'.repeat(16)}, not to ${RING}`,
  );
  t.end();
});

function dial(options = {}): Dialer {
  return new Dialer(ALICE, { channel: 'control', nonce: nonce(), ...options });
}

t.test('another version, whoever of the two is newer', (t) => {
  const hello = dial().hello();
  hello[2] = '2';
  const listener = new Listener(BOB, nonce());
  t.match(listener.receive(hello), { refusal: /^PEERVERSION .* version 1 .*, not 2$/ });
  t.ok(listener.isRefused);
  const newer = ['2', RING, BOB.memberId, '00'.repeat(32)].map((text) => Buffer.from(text));
  t.equal(
    refusalOf(() => dial().prove(newer)),
    'PEERVERSION',
  );
  t.end();
});

t.test('another member than the one that was wanted', (t) => {
  const dialer = dial({ memberId: 'cc'.repeat(20) });
  const listener = new Listener(BOB, nonce());
  t.equal(
    refusalOf(() => dialer.prove(replyOf(listener, dialer.hello()))),
    'PEERID',
  );
  t.end();
});

t.test('a recorded conversation opens nothing', (t) => {
  const { said } = talk(ALICE, BOB);
  const listener = new Listener(BOB, nonce());
  listener.receive(said[0]!);
  t.match(listener.receive(said[1]!), { refusal: /^PEERPROOF/ });
  t.equal(listener.peer, undefined);
  // And an impostor who recorded what the listener said does not convince the dialer.
  const dialer = dial();
  const recorded = new Listener(BOB, nonce());
  const old = dial();
  const fields = replyOf(recorded, old.hello());
  const proof = replyOf(recorded, old.prove(fields));
  dialer.prove(fields);
  t.equal(
    refusalOf(() => dialer.finish(proof)),
    'PEERPROOF',
  );
  t.end();
});

t.test('nothing can be played back to who said it', (t) => {
  // The impostor knows no secret. He lets Bob greet him, and dials Bob at the same time.
  const bobDials = new Dialer(BOB, { channel: 'control', nonce: nonce() });
  const bobListens = new Listener(BOB, nonce());
  const hello = bobDials.hello();
  t.match(bobListens.receive(hello), { refusal: /^PEERSELF/ }, 'his own hello');
  // In Alice's name, with Bob's nonce: Bob proves as a dialer, which is no proof of a listener,
  // and names himself as the dialer, which Alice is not.
  const asAlice = [...hello.slice(0, 5), ALICE.memberId, hello[6]!];
  const second = new Listener(BOB, nonce());
  const fields = second.receive(asAlice);
  t.ok('fields' in fields);
  if (!('fields' in fields)) return t.end();
  const reflected = [fields.fields[0]!, RING, ALICE.memberId, fields.fields[3]!];
  const prove = bobDials.prove(reflected.map((text) => Buffer.from(text)));
  t.match(second.receive(prove), { refusal: /^PEERPROOF/ });
  t.equal(
    refusalOf(() => bobDials.finish(Buffer.from(prove[2]!))),
    'PEERPROOF',
    'his own proof',
  );
  const own = [fields.fields[0]!, RING, ALICE.memberId, hello[6]!].map((text) => Buffer.from(text));
  const again = new Dialer(BOB, { channel: 'control', nonce: Buffer.from(hello[6]!, 'hex') });
  t.equal(
    refusalOf(() => again.prove(own)),
    'PEERPROOF',
    'his own nonce',
  );
  t.end();
});

t.test('a proof is of one channel', (t) => {
  const dialer = dial();
  const listener = new Listener(BOB, nonce());
  const hello = dialer.hello();
  const prove = dialer.prove(replyOf(listener, [...hello.slice(0, 3), 'bulk', ...hello.slice(4)]));
  t.match(listener.receive(prove), { refusal: /^PEERPROOF/ });
  t.end();
});

t.test('out of order', (t) => {
  t.match(new Listener(BOB, nonce()).receive(['PEER', 'PROVE', '00'.repeat(32)]), {
    refusal: /^PEERORDER PROVE/,
  });
  const { listener } = talk(ALICE, BOB);
  t.match(listener.receive(dial().hello()), { refusal: /^PEERORDER HELLO/ }, 'twice');
  t.equal(listener.peer, undefined, 'a refusal ends it');
  const refused = new Listener(BOB, nonce());
  refused.receive(['PEER', 'HELLO', '9']);
  t.match(refused.receive(dial().hello()), { refusal: /^PEERORDER/ }, 'no second try');
  t.match(new Listener(BOB, nonce()).receive(['PEER']), { refusal: /^PEERSYNTAX/ });
  t.equal(
    refusalOf(() => dial().finish(Buffer.from('00'.repeat(32)))),
    'PEERPROOF',
  );
  t.end();
});

/** Changes a list of words somewhere. */
function damage(random: SeededRandom, words: readonly string[]): string[] {
  const changed = [...words];
  const at = random.below(changed.length);
  const kind = random.below(5);
  if (kind === 0) changed.splice(at, 1);
  else if (kind === 1) changed.splice(at, 0, random.bytes(random.below(70)).toString('latin1'));
  else if (kind === 2) changed[at] = changed[at]!.slice(0, random.below(changed[at]!.length + 1));
  else if (kind === 3) changed[at] = changed[at]! + random.pick(['0', '\n', '-', ' ']);
  else {
    const text = Buffer.from(changed[at]!, 'latin1');
    if (text.length > 0) text[random.below(text.length)]! ^= 1 << random.below(8);
    changed[at] = text.toString('latin1');
  }
  return changed;
}

t.test(`whatever is damaged, nobody gets in, SEED=${seed}`, (t) => {
  const random = seededRandom(seed);
  for (let round = 0; round < 3000; round += 1) {
    const dialer = dial();
    const listener = new Listener(BOB, random.bytes(32));
    const hello = dialer.hello();
    const sent = damage(random, hello);
    if (sent.slice(1).join(' ').toUpperCase() === hello.slice(1).join(' ').toUpperCase()) continue;
    const reply = replyOf(listener, sent);
    if (!listener.isRefused) refusalOf(() => listener.receive(dialer.prove(reply)));
    if (listener.peer !== undefined) t.fail(`in by ${JSON.stringify(sent)}`);
  }
  for (let round = 0; round < 3000; round += 1) {
    const dialer = dial();
    const listener = new Listener(BOB, random.bytes(32));
    const prove = dialer.prove(replyOf(listener, dialer.hello()));
    const sent = damage(random, prove);
    if (sent.slice(1).join(' ').toUpperCase() === prove.slice(1).join(' ').toUpperCase()) continue;
    listener.receive(sent);
    if (listener.peer !== undefined) t.fail(`in by ${JSON.stringify(sent)}`);
  }
  t.pass();
  t.end();
});
