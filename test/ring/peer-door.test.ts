/** The door for members: what a connection may ask before and after it has proved the secret. */
import t from 'tap';
import { type Channel, Dialer } from '../../discord/peer/handshake.js';
import { RingScene, type SceneClient, type SceneNode } from '../support/ring-scene.js';

const SEED = Number(process.env.SEED ?? 1);
const MEMBER_ID = 'ab'.repeat(20);

/** Greets as a member that belongs to no ring yet. */
async function greet(client: SceneClient, node: SceneNode, channel: Channel): Promise<void> {
  const secret = Buffer.from(node.links.options.secret);
  const identity = { memberId: MEMBER_ID, clusterId: undefined, secret };
  const dialer = new Dialer(identity, { channel, nonce: Buffer.alloc(32, 7) });
  const fields = (await client.call(...dialer.hello())) as string[];
  const proof = await client.call(...dialer.prove(fields.map((field) => Buffer.from(field))));
  dialer.finish(Buffer.from(proof as string));
}

void t.test(`who has proved the secret asks what members ask, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const [node] = await scene.form(1);
  let asked = '';
  node!.links.serve({
    name: 'ASK',
    channel: 'data',
    handler: (session, args, reply) => {
      asked = `${session.peer?.memberId} ${args.string(1)}`;
      reply.bulkString('answer');
    },
  });
  const client = await node!.client();
  await greet(client, node!, 'data');
  t.equal(await client.call('ask', 'what'), 'answer', 'in any case');
  t.equal(asked, `${MEMBER_ID} what`);
  t.equal(await client.call('GET', 'k'), "-PEERVERB members do not ask 'GET'");
  t.match(await client.call('TIME'), /^-PEERVERB TIME belongs on a connection of the control/);
  t.match(await client.call('PEER', 'HELLO'), /^-PEERVERB/);
  const control = await node!.client();
  await greet(control, node!, 'control');
  t.match(await control.call('ASK', 'x'), /^-PEERVERB ASK belongs on a connection of the data/);
  const [agreedMs, wallMs] = (await control.call('TIME')) as string[];
  t.ok(Math.abs(Number(agreedMs) - Number(wallMs)) < 2);
  for (const words of [
    ['SWIM', 'NONSENSE'],
    ['SWIM', 'PING', '1', '2', 'x'],
    ['VOTE', 'a:1', 'VIEW', '\xff\x00'],
    ['VOTE'],
  ]) {
    t.match(await control.call(...words), /^-RINGBAD.*, not applied$/, words.join(' '));
  }
  t.equal(node!.links.view!.members.length, 1);
});

void t.test(`in protected mode members are welcome, and nobody else, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({
    seed: SEED,
    settings: (settings) => {
      settings.protectedMode = true;
    },
  });
  const [first] = await scene.form(3);
  const client = await first!.client();
  t.match(await client.call('PING'), /^-DENIED/);
  t.equal(await client.call('PING'), '(closed)');
});

void t.test(`without a secret, or with a password alone, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const open = await scene
    .add((settings) => {
      settings.clusterSecret = '';
    })
    .start();
  const stranger = await open.client();
  t.match(await stranger.call('PEER', 'HELLO'), /^-PEERSECRET this member has no cluster secret/);
  const closed = await scene
    .add((settings) => {
      settings.clusterSecret = '';
      settings.requirepass = 'p';
    })
    .start();
  const other = await closed.client();
  t.match(await other.call('PEER', 'HELLO'), /^-PEERSECRET this member has a password and no/);
  const local = await scene
    .add((settings) => {
      settings.announce = '127.0.0.1:6379';
    })
    .start();
  const far = await local.client();
  t.match(await far.call('PEER', 'HELLO'), /^-PEERADDRESS this member says it is at 127\.0\.0\.1/);
});

void t.test(`a password does not keep members out, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({
    seed: SEED,
    settings: (settings) => {
      settings.requirepass = 'p';
    },
  });
  const [first] = await scene.form(2);
  const client = await first!.client();
  t.match(await client.call('DHASH', 'RING'), /^-NOAUTH/);
});
