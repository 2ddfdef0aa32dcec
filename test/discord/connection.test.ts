/** Connections between members, in simulated weather: pipelining, deadlines, limits, coming back. */

import { Buffer } from 'node:buffer';
import t, { type Test } from 'tap';
import { type ConnectionOptions, PeerConnection } from '../../discord/peer/connection.js';
import { memberGreeting } from '../../discord/peer/greeting.js';
import { type Identity, Listener, type PeerName } from '../../discord/peer/handshake.js';
import { Peer } from '../../discord/peer/peer.js';
import { PeerError } from '../../discord/peer/peer-error.js';
import type { PeerReply, PeerRequest } from '../../discord/peer/pipeline.js';
import { encodeRequest } from '../../resp/request-writer.js';
import { type SimHost, SimWorld } from '../../world/sim/sim-world.js';
import type { Link } from '../../world/world.js';
import { seedOfRun } from '../support/random.js';
import { PEER_PORT, PeerServer, replyTo } from './support/peer-server.js';

const seed = seedOfRun();
const SECRET = Buffer.from('a long and boring cluster secret');
const RING = '11'.repeat(16);
const ALICE: Identity = { memberId: 'aa'.repeat(20), clusterId: RING, secret: SECRET };
const BOB: Identity = { memberId: 'bb'.repeat(20), clusterId: RING, secret: SECRET };
const LIMITS = {
  waitingMax: 50,
  waitingBytesMax: 10_000,
  inFlightMax: 20,
  inFlightBytesMax: 10_000,
  stallMaxMs: 5000,
};
const TIMEOUT_MS = 60_000;

type DialOptions = Partial<ConnectionOptions> & { readonly memberId?: string };

interface Scene {
  readonly sim: SimWorld;
  readonly alice: SimHost;
  readonly bob: SimHost;
  readonly server: PeerServer;
  readonly connection: PeerConnection<PeerName>;
  readonly events: string[];
}

async function scene(
  options: DialOptions = {},
  who: { alice?: Partial<Identity>; bob?: Partial<Identity> } = {},
): Promise<Scene> {
  const sim = new SimWorld({ seed });
  const alice = sim.host('alice');
  const bob = sim.host('bob');
  const server = new PeerServer(bob, { ...BOB, ...who.bob });
  await sim.finish(Promise.all([server.listen(), sim.runFor(10)]));
  const events: string[] = [];
  const connection = dial(alice, events, options, { ...ALICE, ...who.alice });
  return { sim, alice, bob, server, connection, events };
}

function dial(
  host: SimHost,
  events: string[],
  options: DialOptions = {},
  identity = ALICE,
): PeerConnection<PeerName> {
  const address = { host: 'bob', port: PEER_PORT };
  const { memberId, ...others } = options;
  const greeting = memberGreeting(host, () => identity, { channel: 'control', memberId });
  const connection = new PeerConnection(
    { world: host, address, greeting },
    { limits: LIMITS, ...others },
    {
      opened: ({ memberId }) => events.push(`opened ${memberId.slice(0, 2)}`),
      lost: (error) => events.push(error.refusal ?? error.code),
      room: () => events.push('room'),
    },
  );
  connection.start();
  return connection;
}

type Outcome = string | undefined;

/** Sends ECHO `text`; what comes of it goes to `outcomes[at]`. */
function echo(
  connection: PeerConnection<PeerName>,
  text: string,
  outcomes: Outcome[],
  timeoutMs = TIMEOUT_MS,
): PeerRequest | PeerError {
  const at = outcomes.push(undefined) - 1;
  const taken = connection.request(['ECHO', text], timeoutMs, (error, reply) => {
    if (outcomes[at] !== undefined) throw new Error('told twice');
    outcomes[at] = error === null ? String(reply) : `${error.code} ${error.wasSent}`;
  });
  if (taken instanceof PeerError) outcomes[at] = taken.code;
  return taken;
}

void t.test(`thousands of requests in bad weather, in order, SEED=${seed}`, async (t) => {
  const { sim, connection, events } = await scene();
  sim.setConditions({ lossChance: 0.05, duplicateChance: 0.05, delayMaxMs: 20 });
  const outcomes: Outcome[] = [];
  const expected: string[] = [];
  const LIMIT_MS = 1_000_000;
  await sim.runUntil(() => connection.state === 'open', LIMIT_MS);
  while (expected.length < 2000) {
    for (let left = sim.random.below(30); left > 0; left -= 1) {
      const text = 'x'.repeat(sim.random.below(40)) + expected.length;
      const taken = echo(connection, text, outcomes);
      if (taken instanceof PeerError) outcomes.pop();
      else expected.push(text);
    }
    await sim.runFor(sim.random.below(50));
    t.ok(connection.inFlightCount <= LIMITS.inFlightMax);
    t.ok(connection.waitingCount <= LIMITS.waitingMax);
  }
  await sim.runUntil(() => outcomes.every((outcome) => outcome !== undefined), LIMIT_MS);
  t.strictSame(outcomes, expected);
  t.equal(events.filter((event) => event !== 'room').join(), 'opened bb');
});

const REFUSED: readonly [string, { alice?: Partial<Identity>; bob?: Partial<Identity> }][] = [
  ['PEERPROOF', { alice: { secret: Buffer.from('guess') } }],
  ['PEERCLUSTER', { bob: { clusterId: '22'.repeat(16) } }],
  ['PEERJOINING', { alice: { clusterId: undefined }, bob: { clusterId: undefined } }],
  ['PEERSELF', { bob: { memberId: ALICE.memberId } }],
];

for (const [name, who] of REFUSED) {
  void t.test(`refused: ${name}`, async (t) => {
    const { sim, server, connection, events } = await scene({ pauseMaxMs: 1000 }, who);
    const outcomes: Outcome[] = [];
    echo(connection, 'early', outcomes);
    await sim.runFor(10_000);
    t.ok(events.length >= 10 && events.length <= 25, 'tried again, not often');
    t.ok(
      events.every((event) => event === name),
      events.join(),
    );
    t.strictSame(outcomes, ['PEER_DOWN false']);
    t.strictSame(server.heard, []);
    t.strictSame(server.greeted, []);
  });
}

void t.test('another member than the one wanted', async (t) => {
  const { sim, events } = await scene({ memberId: 'cc'.repeat(20) });
  await sim.runFor(100);
  t.equal(events[0], 'PEERID');
});

void t.test('deadlines, and replies that come after them', async (t) => {
  const { sim, server, connection } = await scene();
  const outcomes: Outcome[] = [];
  await sim.runFor(100);
  server.isHolding = true;
  echo(connection, 'late', outcomes, 500);
  echo(connection, 'patient', outcomes);
  await sim.runFor(400);
  t.strictSame(outcomes, [undefined, undefined]);
  await sim.runFor(200);
  t.strictSame(outcomes, ['PEER_TIMEOUT true', undefined]);
  server.letGo();
  echo(connection, 'next', outcomes, 500);
  await sim.runFor(100);
  t.strictSame(outcomes, ['PEER_TIMEOUT true', 'patient', 'next']);
});

void t.test('a member that does not answer at all is given up', async (t) => {
  const { sim, server, connection, events } = await scene();
  const outcomes: Outcome[] = [];
  await sim.runFor(100);
  server.isHolding = true;
  echo(connection, 'a', outcomes);
  await sim.runFor(LIMITS.stallMaxMs + 100);
  t.strictSame(outcomes, ['PEER_LOST true']);
  await sim.runFor(1000);
  t.strictSame(events, ['opened bb', 'PEER_LOST', 'opened bb']);
});

void t.test('too many requests are refused, until there is room', async (t) => {
  const { sim, bob, connection, events, server } = await scene();
  const outcomes: Outcome[] = [];
  await sim.runFor(100);
  bob.pause();
  const total = LIMITS.waitingMax + 10;
  for (let n = 0; n < total; n += 1) echo(connection, `${n}`, outcomes);
  t.equal(outcomes.filter((outcome) => outcome === 'PEER_BUSY').length, 10);
  await sim.runFor(100);
  t.equal(connection.inFlightCount, LIMITS.inFlightMax);
  t.strictSame(events, ['opened bb']);
  bob.resume();
  await sim.runFor(100);
  t.strictSame(events, ['opened bb', 'room']);
  t.equal(server.heard.length, LIMITS.waitingMax);
  const big = 'x'.repeat(LIMITS.waitingBytesMax + 1);
  echo(connection, big, outcomes);
  echo(connection, big, outcomes);
  t.equal(outcomes.at(-1), 'PEER_BUSY', 'bytes count too');
  await sim.runFor(1000);
  t.equal(outcomes.at(-2), big, 'one alone may be of any size');
});

void t.test('what is cancelled is not sent, or nobody hears of it', async (t) => {
  const { sim, server, connection } = await scene();
  const outcomes: Outcome[] = [];
  const early = echo(connection, 'early', outcomes) as PeerRequest;
  early.cancel();
  await sim.runFor(100);
  t.strictSame(server.heard, []);
  const sent = echo(connection, 'sent', outcomes) as PeerRequest;
  echo(connection, 'after', outcomes);
  await sim.runFor(0.01);
  sent.cancel();
  t.equal(sent.wasSent, true);
  await sim.runFor(100);
  t.strictSame(outcomes, [undefined, undefined, 'after']);
  t.strictSame(server.heard, ['sent', 'after']);
});

void t.test('a member that crashes is lost, and found again', async (t) => {
  const { sim, bob, server, connection, events } = await scene();
  const outcomes: Outcome[] = [];
  await sim.runFor(100);
  server.isHolding = true;
  echo(connection, 'a', outcomes);
  await sim.runFor(10);
  bob.crash('process');
  await sim.runFor(10);
  t.strictSame(outcomes, ['PEER_LOST true']);
  t.ok(echo(connection, 'b', outcomes) instanceof PeerError);
  t.equal(outcomes[1], 'PEER_DOWN');
  await sim.runFor(60_000);
  const attempts = events.filter((event) => event === 'PEER_DOWN').length;
  t.ok(attempts >= 60 && attempts <= 130, `${attempts} attempts in a minute`);
  const again = new PeerServer(bob.restart(), BOB);
  await sim.finish(Promise.all([again.listen(), sim.runFor(6000)]));
  t.equal(connection.state, 'open');
  echo(connection, 'c', outcomes);
  await sim.runFor(100);
  t.equal(outcomes[2], 'c');
  connection.close();
  t.ok(echo(connection, 'd', outcomes) instanceof PeerError);
  await sim.runFor(60_000);
  t.equal(again.connectionCount, 1, 'closed for good');
});

void t.test('whoever was heard of is tried at once, and once', async (t) => {
  const { sim, bob, connection, events } = await scene({ pauseMinMs: 10_000, pauseMaxMs: 10_000 });
  await sim.runFor(100);
  connection.retry();
  t.equal(connection.state, 'open', 'nothing to do');
  bob.crash('process');
  await sim.runFor(100);
  t.equal(connection.state, 'waiting');
  connection.retry();
  t.equal(connection.state, 'connecting');
  await sim.runFor(100);
  t.strictSame(events, ['opened bb', 'PEER_LOST', 'PEER_DOWN'], 'in vain: it pauses again');
  const again = new PeerServer(bob.restart(), BOB);
  const listening = again.listen();
  await sim.runFor(100);
  await listening;
  t.equal(connection.state, 'waiting');
  connection.retry();
  connection.retry();
  await sim.runFor(100);
  t.equal(connection.state, 'open');
  await sim.runFor(60_000);
  t.equal(again.connectionCount, 1, 'the pause that it did not make is over too');
  connection.close();
  connection.retry();
  await sim.runFor(1000);
  t.equal(again.connectionCount, 1, 'closed is closed');
});

/** A listener that says the given bytes, and closes. */
async function impostor(sim: SimWorld, host: SimHost, act: (link: Link, heard: Buffer) => void) {
  const accept = (link: Link) => {
    let heard = Buffer.alloc(0);
    return {
      data: (buf: Buffer, bytes: number) => {
        heard = Buffer.concat([heard, buf.subarray(0, bytes)]);
        act(link, heard);
      },
      drained: () => {},
      ended: () => link.end(),
      closed: () => {},
    };
  };
  const listening = host.network.listen({ host: '0.0.0.0', port: PEER_PORT }, accept);
  await sim.finish(Promise.all([listening, sim.runFor(10)]));
}

function say(link: Link, text: string | Buffer): void {
  const bytes = Buffer.from(text as string);
  link.write(bytes, 0, bytes.length);
}

const GARBAGE: readonly [string, string, string][] = [
  ['no RESP', 'SSH-2.0-OpenSSH_9.2\r\n', 'PEER_PROTOCOL'],
  ['another reply', '+OK\r\n', 'PEER_PROTOCOL'],
  ['fields missing', '*2\r\n$1\r\n1\r\n$1\r\n-\r\n', 'PEER_PROTOCOL'],
  ['a number', ':1\r\n', 'PEER_PROTOCOL'],
  ['nothing', '$-1\r\n', 'PEER_PROTOCOL'],
  ['an endless reply', `$100000000\r\n${'x'.repeat(2000)}`, 'PEER_PROTOCOL'],
  ['an array of anything', '*99999999999\r\n', 'PEER_PROTOCOL'],
  ['a Redis', "-ERR unknown command 'PEER'\r\n", '-ERR'.slice(1)],
  ['silence', '', 'PEER_LOST'],
];

for (const [name, bytes, expected] of GARBAGE) {
  void t.test(`an impostor: ${name}`, async (t) => {
    const sim = new SimWorld({ seed });
    await impostor(sim, sim.host('bob'), (link) => say(link, bytes));
    const events: string[] = [];
    const connection = dial(sim.host('alice'), events);
    await sim.runFor(3000);
    t.equal(events[0], expected);
    t.not(connection.state, 'open');
  });
}

/** Talks as Bob does, but ends the connection once it has said `bytesMax` bytes. */
async function cutAt(bytesMax: number): Promise<{ events: string[]; bytes: number }> {
  const sim = new SimWorld({ seed });
  const listener = new Listener(BOB, Buffer.alloc(32, 7));
  let bytes = 0;
  let steps = 0;
  const answer = (link: Link, words: string[]): void => {
    const reply = replyTo(listener.receive(words));
    const part = reply.slice(0, Math.max(0, bytesMax - bytes));
    bytes += reply.length;
    say(link, part);
    if (part.length < reply.length) link.end();
  };
  await impostor(sim, sim.host('bob'), (link, heard) => {
    const requests = heard.toString().split('*').slice(1);
    for (const request of requests.slice(steps)) {
      const words = request.split('\r\n').filter((_, at) => at > 0 && at % 2 === 0);
      const isWhole = encodeRequest(words).length === request.length + 1;
      if (!isWhole) return;
      steps += 1;
      answer(link, words);
    }
  });
  const events: string[] = [];
  dial(sim.host('alice'), events, { pauseMinMs: 10_000, pauseMaxMs: 10_000 });
  await sim.runFor(1000);
  return { events, bytes };
}

void t.test('the greeting cut at every byte', async (t) => {
  const whole = await cutAt(Infinity);
  t.strictSame(whole.events, ['opened bb']);
  for (let bytes = 0; bytes < whole.bytes; bytes += 1) {
    const { events } = await cutAt(bytes);
    t.strictSame(events, ['PEER_LOST'], `${bytes} bytes`);
  }
});

void t.test('a reply that nobody asked for', async (t) => {
  const { sim, connection, events } = await scene();
  await sim.runFor(100);
  const answers: unknown[] = [];
  connection.request(['TWICE', 'x'], TIMEOUT_MS, (_, reply) => answers.push(String(reply)));
  await sim.runFor(100);
  t.strictSame(answers, ['x']);
  t.match(events, ['opened bb', 'PEER_PROTOCOL']);
});

void t.test('three channels', async (t: Test) => {
  const sim = new SimWorld({ seed });
  const bob = sim.host('bob');
  const server = new PeerServer(bob, BOB);
  await sim.finish(Promise.all([server.listen(), sim.runFor(10)]));
  const address = { host: 'bob', port: PEER_PORT };
  const events: string[] = [];
  const components = { world: sim.host('alice'), address, identity: () => ALICE };
  const peer = new Peer(
    components,
    { memberId: BOB.memberId },
    {
      opened: (channel) => events.push(channel),
      lost: (channel, error) => events.push(`${channel} ${error.code}`),
      room: () => {},
    },
  );
  await sim.runFor(100);
  t.strictSame(events, ['control'], 'the others when they are needed');
  const replies: PeerReply[] = [];
  for (const channel of ['data', 'bulk', 'control'] as const) {
    peer.request(channel, ['ECHO', channel], TIMEOUT_MS, (_, reply) => replies.push(reply));
  }
  await sim.runFor(100);
  t.strictSame(replies.map(String).sort(), ['bulk', 'control', 'data']);
  t.strictSame(server.greeted.map((listener) => listener.peer!.channel).sort(), [
    'bulk',
    'control',
    'data',
  ]);
  t.ok(peer.isOpen('bulk'));
  peer.close();
  await sim.runFor(10_000);
  t.equal(server.connectionCount, 3);
});
