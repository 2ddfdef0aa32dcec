/** What a node tells of its ring: DHASH RING, STATUS, OWNERS, VERIFY, LEAVE, INFO, CLUSTER. */
import t from 'tap';
import type { BackupFacts } from '../../lib/backup/backup-file.js';
import { firstGap } from '../../lib/backup/coverage.js';
import type { Plain } from '../support/local.js';
import { RingScene, type SceneNode } from '../support/ring-scene.js';

const SEED = Number(process.env.SEED ?? 1);
const MINUTE_MS = 60_000;

type Fields = Map<string, Plain>;

/** A map of RESP2. */
function fieldsOf(reply: Plain): Fields {
  const list = reply as Plain[];
  const fields: Fields = new Map();
  for (let at = 0; at + 1 < list.length; at += 2) fields.set(list[at] as string, list[at + 1]!);
  return fields;
}

function membersOf(reply: Plain): Fields[] {
  return (fieldsOf(reply).get('members') as Plain[]).map(fieldsOf);
}

function positioned(position: string) {
  return (settings: { position: string }) => {
    settings.position = position;
  };
}

async function threeOf(scene: RingScene): Promise<SceneNode[]> {
  const first = await scene.add(positioned('f')).start();
  const second = await scene.join(first, positioned('m'));
  const third = await scene.join(first, positioned('t'));
  await scene.settled([first, second, third]);
  return [first, second, third];
}

void t.test(`RING, OWNERS and INFO, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const nodes = await threeOf(scene);
  const client = await nodes[1]!.client();
  const ring = fieldsOf(await client.call('DHASH', 'RING'));
  t.equal(ring.get('epoch'), 5);
  t.equal(ring.get('cluster-id'), nodes[0]!.links.view!.clusterId);
  t.equal(ring.get('change'), 'none');
  t.equal(ring.get('self'), nodes[1]!.id);
  const members = (ring.get('members') as Plain[]).map(fieldsOf);
  t.strictSame(
    members.map((member) => ['address', 'position', 'status', 'state'].map((f) => member.get(f))),
    [
      ['node-0:6379', 'f', 'up', 'normal'],
      ['node-1:6379', 'm', 'up', 'normal'],
      ['node-2:6379', 't', 'up', 'normal'],
    ],
  );
  const owners = (await client.call('DHASH', 'OWNERS', 'k')) as Plain[][];
  t.strictSame(
    owners.map(([address]) => address),
    ['node-1:6379', 'node-2:6379', 'node-0:6379'],
  );
  const info = await client.call('INFO', 'ring', 'timenet');
  t.match(info, /# Ring\r\nring_state:member\r\n/);
  t.match(info, /ring_members:3\r\nring_members_dead:0\r\nring_change:none/);
  t.match(info, /member1:id=[0-9a-f]{40},address=node-1:6379,origin=[12],status=alive/);
  t.match(info, /# Timenet\r\ntimenet_offset_ms:/);
});

void t.test(`STATUS tells what each member has, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const nodes = await threeOf(scene);
  for (const [at, key] of ['a', 'b', 'k', 'x'].entries()) {
    const { server, store } = nodes[at % 2]!.node;
    store.refresh();
    store.beginCommand();
    // Nobody else hears of it.
    server.replication!.effects.muted(() => {
      store.databases[0]!.set(Buffer.from(key), 0, 1, Buffer.from('v'), 0, 1, 0);
    });
  }
  const client = await nodes[0]!.client();
  const members = membersOf(await client.call('DHASH', 'STATUS'));
  // The first holds a and k, and owns what is behind t and up to f; the second b and x, up to m.
  t.strictSame(
    members.map((member) => member.get('held-entries')),
    [2, 2, 0],
  );
  t.strictSame(
    members.map((member) => member.get('owned-entries')),
    [1, 0, 0],
  );
  t.ok(members.every((member) => member.get('epoch') === 5));
  t.strictSame(
    members.map((member) => member.get('clock-offset-ms')),
    [0, 0, 0],
  );
  nodes[2]!.host.pause();
  const withSilent = membersOf(await client.call('DHASH', 'STATUS'));
  t.equal(withSilent[2]!.has('held-entries'), false, 'who does not answer is shown without');
  t.equal(withSilent[2]!.get('status'), 'up', 'and not called dead at once');
});

void t.test(`STATUS shares out what the ring balances, SEED=${SEED}`, async (t) => {
  const nodes = await threeOf(new RingScene({ seed: SEED }));
  const client = await nodes[0]!.client();
  const elements = Array.from({ length: 97 }, (_, at) => `element ${at}`);
  t.equal(await client.call('SADD', 'a set', ...elements), elements.length);
  for (const key of ['b', 'h']) t.equal(await client.call('SET', key, 'v'), 'OK');
  const members = membersOf(await client.call('DHASH', 'STATUS'));
  const told = (name: string): number[] => {
    return members.map((member) => Number(member.get(name))).sort((a, b) => a - b);
  };
  t.strictSame(told('owned-entries'), [0, 1, 2]);
  t.strictSame(told('owned-records'), [0, 1, 99], 'elements count, and their set');
  t.strictSame(told('share'), [0, 0.01, 0.99]);
});

void t.test(`VERIFY tells keys and records apart, SEED=${SEED}`, async (t) => {
  const nodes = await threeOf(new RingScene({ seed: SEED }));
  const client = await nodes[0]!.client();
  await client.call('SADD', 'a set', 'x', 'y', 'z');
  for (const key of ['b', 'h']) t.equal(await client.call('SET', key, 'v'), 'OK');
  t.equal(await client.call('DEL', 'h'), 1);
  const found = fieldsOf(await client.call('DHASH', 'VERIFY'));
  t.strictSame(found.get('problems'), []);
  const ranges = (found.get('ranges') as Plain[]).map(fieldsOf);
  const told = (name: string): number[] =>
    ranges.map((range) => Number(range.get(name))).sort((a, b) => a - b);
  t.strictSame(told('keys'), [0, 0, 2]);
  t.strictSame(told('records'), [0, 1, 5], 'a tombstone; a set, its members, and a string');
});

void t.test(`LEAVE, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const [first, second] = await scene.form(2);
  const client = await second!.client();
  t.equal(await client.call('DHASH', 'LEAVE', 'NOW'), '-ERR syntax error');
  t.equal(await client.call('DHASH', 'LEAVE'), 'OK');
  t.ok(await scene.settled([first!], MINUTE_MS));
  t.equal(second!.host.isRunning, false, 'then it stops');
  const other = await first!.client();
  t.match(await other.call('DHASH', 'LEAVE'), /^-ERR this node is alone/);
});

void t.test(`LEAVE FORCE goes on without who is lost, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const [first, second] = await scene.form(2);
  const client = await first!.client();
  const force = () => client.call('DHASH', 'LEAVE', 'FORCE', second!.address);
  t.match(await client.call('DHASH', 'LEAVE', 'FORCE', 'x:1'), /^-ERR no member has the id or/);
  t.match(await force(), /^-ERR node-1:6379 is alive, not applied/);
  const before = first!.links.view!;
  const id = second!.id;
  second!.host.crash('power');
  await scene.sim.runUntil(() => !first!.links.isAlive(id), MINUTE_MS);
  t.equal(await force(), 'OK');
  await scene.sim.runFor(100);
  const after = first!.links.view!;
  t.equal(after.members.length, 1);
  t.not(after.clusterId, before.clusterId);
  t.equal(await client.call('SWAPDB', '0', '1'), 'OK', 'alone it may');
});

void t.test(`a ring has no databases to swap, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const [first] = await scene.form(2);
  const client = await first!.client();
  t.match(await client.call('SWAPDB', '0', '1'), /^-ERR SWAPDB is not supported in a ring/);
});

void t.test(
  `CLUSTER describes the node that is asked as one of all slots, SEED=${SEED}`,
  async (t) => {
    const scene = new RingScene({ seed: SEED });
    const [, second] = await scene.form(2);
    const client = await second!.client();
    const host = second!.host.address;
    t.equal(await client.call('CLUSTER', 'MYID'), second!.id);
    t.match(await client.call('CLUSTER', 'INFO'), /cluster_enabled:0\r\ncluster_state:ok\r\n/);
    t.strictSame(await client.call('CLUSTER', 'SLOTS'), [
      [0, 16_383, [host, 6379, second!.id, []]],
    ]);
    t.match(await client.call('CLUSTER', 'NODES'), `${second!.id} ${host}:6379@6379 myself,master`);
    t.match(await client.call('CLUSTER', 'SHARDS'), [['slots', [0, 16_383], 'nodes']]);
    // As redis-server has them: from the documentation of CLUSTER KEYSLOT.
    t.equal(await client.call('CLUSTER', 'KEYSLOT', 'somekey'), 11_058);
    t.equal(await client.call('CLUSTER', 'KEYSLOT', 'foo{hash_tag}'), 2515);
    t.equal(await client.call('CLUSTER', 'KEYSLOT', 'bar{hash_tag}'), 2515);
    t.equal(await client.call('CLUSTER', 'KEYSLOT', '123456789'), 12_739, 'the check of CRC-16');
    t.match(await client.call('CLUSTER', 'MEET', 'h', '1'), /^-ERR a ring has no slots to manage/);
  },
);

void t.test(`what is no member is refused and harms nothing, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const [first, second] = await scene.form(2);
  const cluster = first!.links.view!.clusterId;
  const id = 'ab'.repeat(20);
  const nonce = 'cd'.repeat(32);
  const cases: readonly (readonly [words: readonly string[], answer: RegExp])[] = [
    [['HELLO', '2', 'control', cluster, id, nonce], /^-PEERVERSION/],
    [['HELLO', '1', 'control', 'ef'.repeat(16), id, nonce], /^-PEERCLUSTER/],
    [['HELLO', '1', 'control', cluster, first!.id, nonce], /^-PEERSELF/],
    [['HELLO', '1', 'side', cluster, id, nonce], /^-PEERSYNTAX/],
    [['PROVE', '00'], /^-PEERORDER/],
    [['GARBAGE', '\0\xff'], /^-PEERSYNTAX/],
  ];
  for (const [words, answer] of cases) {
    const stranger = await first!.client();
    t.match(await stranger.call('PEER', ...words), answer, words.join(' '));
    t.equal(await stranger.call('PING'), '(closed)', 'and the connection ends');
  }
  const guesser = await first!.client();
  t.equal(
    ((await guesser.call('PEER', 'HELLO', '1', 'control', cluster, id, nonce)) as Plain[]).length,
    4,
  );
  t.match(await guesser.call('PEER', 'PROVE', '0'.repeat(64)), /^-PEERPROOF/);
  t.equal(await guesser.call('SWIM', 'PING'), '(closed)');
  const client = await first!.client();
  t.match(await client.call('VOTE', 'x'), /^-ERR unknown command/, 'clients are no members');
  await scene.sim.runFor(20_000);
  t.ok(await scene.settled([first!, second!], 1000));
});

void t.test('a backup says which keys it is of; all of them together leave out none', async (t) => {
  const scene = new RingScene({ seed: SEED, settings: (settings) => void (settings.replicas = 2) });
  const nodes = await threeOf(scene);
  const ranges: { after: Buffer; upTo: Buffer }[][] = [];
  for (const node of nodes) {
    const client = await node.client();
    const facts = JSON.parse((await client.call('DHASH', 'BACKUP')) as string) as BackupFacts;
    ranges.push(
      facts.ranges.map(({ after, upTo }) => ({
        after: Buffer.from(after, 'base64'),
        upTo: Buffer.from(upTo, 'base64'),
      })),
    );
  }
  t.strictSame(
    ranges.map((each) => each.map(({ after, upTo }) => `${after}-${upTo}`)),
    [
      ['t-f', 'm-t'],
      ['t-f', 'f-m'],
      ['f-m', 'm-t'],
    ],
  );
  t.equal(firstGap(ranges.flat()), null);
  for (const each of ranges) t.not(firstGap(each), null);
});
