/**
 * An owner that has not heard of what another wrote for it, by a clock that is ahead: what it writes
 * below that does not last, and must not be acknowledged.
 */
import t from 'tap';
import { RingScene, type SceneNode } from '../support/ring-scene.js';

/** Within `clock-skew-max-ms`. */
const AHEAD_MS = 300;

interface Case {
  readonly name: string;
  /** By the other member, whose clock is ahead. */
  readonly others: string;
  /** By the owner, afterwards. */
  readonly own: string;
  readonly isLost: boolean;
}

/** Everybody has this. */
const BEFORE = ['SET k old', 'HSET h f old', 'HSET h e old'];

const LONG = 'v'.repeat(200_000);

const CASES: readonly Case[] = [
  { name: 'bytes over bytes', others: 'SET k other', own: 'SET k own', isLost: true },
  { name: 'bytes over a tombstone', others: 'DEL k', own: 'SET k own', isLost: true },
  { name: 'a tombstone over bytes', others: 'SET k other', own: 'DEL k', isLost: true },
  { name: 'a long value over bytes', others: 'SET k other', own: `SET k ${LONG}`, isLost: true },
  { name: 'bytes over a list', others: 'RPUSH x other', own: 'SET x own', isLost: true },
  { name: 'a list over bytes', others: 'SET x other', own: 'RPUSH x own', isLost: true },
  { name: 'a set over a hash', others: 'HSET x f other', own: 'SADD x own', isLost: true },
  { name: 'a hash over a set', others: 'SADD x other', own: 'HSET x f own', isLost: true },
  { name: 'a field over a field', others: 'HSET h f other', own: 'HSET h f own', isLost: true },
  { name: 'a field no more', others: 'HDEL h f', own: 'HSET h f own', isLost: true },
  { name: 'a field beside a field', others: 'HSET h g other', own: 'HSET h f own', isLost: false },
  { name: 'a hash that was deleted', others: 'DEL h', own: 'HSET h f own', isLost: true },
  { name: 'a time over a time', others: 'EXPIRE h 100', own: 'EXPIRE h 200', isLost: true },
  { name: 'a field beside a time', others: 'EXPIRE h 100', own: 'HSET h g own', isLost: false },
  { name: 'another key', others: 'SET k other', own: 'SET other own', isLost: false },
];

async function formed(seed: number): Promise<{ scene: RingScene; nodes: SceneNode[] }> {
  const scene = new RingScene({ routes: false, seed });
  return { scene, nodes: await scene.form(3) };
}

/** Runs a command at a member, and nobody else hears of it. */
async function unheard(node: SceneNode, command: string): Promise<void> {
  const client = await node.client();
  await client.call('CONSISTENCY', 'WRITE', 'one');
  const { effects } = node.node.server.replication!;
  effects.isMuted = true;
  await client.call(...command.split(' '));
  effects.isMuted = false;
}

for (const [seed, { isLost, name, others, own }] of CASES.entries()) {
  void t.test(name, async (t) => {
    const { nodes } = await formed(seed + 1);
    const [a, b] = nodes as [SceneNode, SceneNode];
    const client = await a.client();
    for (const command of BEFORE) await client.call('AT', 'all', ...command.split(' '));
    b.host.clockControl.jumpWall(AHEAD_MS);
    await unheard(b, others);
    const reply = await client.call('AT', 'all', ...own.split(' '));
    if (isLost) t.match(reply, /^-INDOUBT applied here, acknowledged by [12] of 3 replicas/u);
    else t.notMatch(JSON.stringify(reply), /^"-/u);
  });
}

void t.test('the next write is above all that the other has written', async (t) => {
  const { nodes, scene } = await formed(100);
  const [a, b, c] = nodes as [SceneNode, SceneNode, SceneNode];
  const client = await a.client();
  b.host.clockControl.jumpWall(AHEAD_MS);
  for (const key of ['k', 'm', 'n']) await unheard(b, `SET ${key} other`);
  t.match(await client.call('AT', 'all', 'SET', 'k', 'own'), /INDOUBT/u);
  for (const key of ['k', 'm', 'n']) {
    t.equal(await client.call('AT', 'all', 'SET', key, 'again'), 'OK');
  }
  await scene.sim.runFor(10_000);
  for (const node of [a, b, c]) {
    const reader = await node.client();
    for (const key of ['k', 'm', 'n']) t.equal(await reader.call('GET', key), 'again');
  }
  t.equal(a.warnings.filter((text) => text.includes('newer')).length, 1, 'the log tells of it');
});

void t.test('a majority that has nothing newer is enough', async (t) => {
  const { nodes } = await formed(101);
  const [a, b] = nodes as [SceneNode, SceneNode];
  const client = await a.client();
  b.host.clockControl.jumpWall(AHEAD_MS);
  await unheard(b, 'SET k other');
  t.equal(await client.call('AT', 'quorum', 'SET', 'k', 'own'), 'OK');
});
