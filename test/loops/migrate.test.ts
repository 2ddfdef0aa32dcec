/** Migration: whatever the keys, no member owns much more than the others in the end, and then all is still. */
import t, { type Test } from 'tap';
import { entriesIn } from '../../lib/loops/replica.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import { Content, put } from './support/content.js';
import { type FakeNode, FakeRing, replicasFor } from './support/fake-ring.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
t.setTimeout(180_000);

const KEYS = 3000;
/** As long as the issue allows for it. */
const LIMIT_MS = 120_000;
const SETTLE_MS = 40_000;
const STILL_MS = 30_000;
const SHARE_MAX = 1.5;
const LOAD_MS = 8000;
const LOAD_TICK_MS = 40;

type KeyMaker = (n: number, random: SeededRandom) => string;

const SHAPES: Record<string, KeyMaker> = {
  sequential: (n) => `key:${String(n).padStart(8, '0')}`,
  skewed: (_, random) => `u:${Math.floor(10_000 * random.float() ** 4)}:${random.below(1000)}`,
  tagged: (n) => `{user${String(n % 300).padStart(4, '0')}}:${n}`,
};

function positions(random: SeededRandom, count: number): Buffer[] {
  return Array.from({ length: count }, () => random.bytes(8));
}

function ownedOf(ring: FakeRing, node: FakeNode): number {
  const { current } = node.responsibility;
  const at = ring.view.members.findIndex(({ id }) => id === node.selfId);
  return entriesIn(node.store, current.rangeOf(at));
}

function largestShare(ring: FakeRing): number {
  const owned = ring.up.map((node) => ownedOf(ring, node));
  return (Math.max(...owned) * owned.length) / owned.reduce((sum, each) => sum + each, 0);
}

function fill(ring: FakeRing, keys: readonly string[]): Content {
  const content = new Content(ring);
  for (const text of keys) {
    const write = content.write(Buffer.from(text));
    for (const { id } of replicasFor(ring.view, write.key)) put(ring.nodes.get(id)!.store, write);
    content.remember(write);
  }
  return content;
}

async function balances(t: Test, members: number, make: KeyMaker): Promise<void> {
  const random = seededRandom(seed + members);
  const ring = new FakeRing(seed + members, 3, { migrateEntriesMin: 16 });
  ring.begin(positions(random, members));
  const keys = Array.from({ length: KEYS }, (_, n) => make(n, random));
  const content = fill(ring, keys);
  const isBalanced = (): boolean => ring.isSettled && largestShare(ring) <= SHARE_MAX;
  const isReached = await ring.sim.runUntil(isBalanced, LIMIT_MS);
  t.ok(isReached, `balanced after ${Math.round(ring.sim.nowMs)} ms, ${ring.changes} views`);
  // What is left of the moves that make it better still.
  await ring.sim.runFor(SETTLE_MS);
  const { changes } = ring;
  await ring.sim.runFor(STILL_MS);
  t.equal(ring.changes, changes, 'then nobody moves any more');
  t.ok(
    largestShare(ring) <= SHARE_MAX,
    `largest share ${largestShare(ring).toFixed(2)} of the mean`,
  );
  t.same(content.problems().slice(0, 5), [], 'every key is on its replicas alone');
  checkTags(t, ring, keys);
  for (const node of ring.up) node.loops.stop();
}

/** Keys of one tag have one owner. */
function checkTags(t: Test, ring: FakeRing, keys: readonly string[]): void {
  const owners = new Map<string, Set<string>>();
  for (const key of keys) {
    const tag = /^.*?\{[^}]+\}/.exec(key)?.[0];
    if (tag === undefined) continue;
    const known = owners.get(tag) ?? new Set();
    owners.set(tag, known.add(replicasFor(ring.view, Buffer.from(key))[0]!.id));
  }
  t.same(
    [...owners].filter(([, ids]) => ids.size > 1),
    [],
    'tags are whole',
  );
}

for (const [name, make] of Object.entries(SHAPES)) {
  t.test(`${name} keys`, async (t) => {
    for (const members of name === 'sequential' ? [3, 5, 10] : [5]) {
      await t.test(`${members} members`, (t) => balances(t, members, make));
    }
  });
}

/** Writes `count` keys at a steady rate, as a bulk load does. */
async function load(
  ring: FakeRing,
  content: Content,
  keyOf: (n: number) => string,
  count: number,
): Promise<void> {
  const perTick = Math.ceil((count * LOAD_TICK_MS) / LOAD_MS);
  for (let n = 0; n < count; n += 1) {
    if (n % perTick === 0) await ring.sim.runFor(LOAD_TICK_MS);
    content.writeQuorum(content.write(Buffer.from(keyOf(n))));
  }
}

for (const members of [3, 9]) {
  t.test(`${members} members that are loaded evenly and fast stay where they are`, async (t) => {
    const random = seededRandom(seed + members);
    const ring = new FakeRing(seed + members, 1, { migrateEntriesMin: 16 });
    ring.begin(Array.from({ length: members }, (_, at) => Buffer.from(`k:${at}:~`)));
    const keyOf = (n: number): string => `k:${n % members}:${random.below(1e9)}`;
    await load(ring, new Content(ring), keyOf, 8000);
    t.equal(ring.changes, 0, 'nobody has moved');
    for (const each of ring.up) each.loops.stop();
  });
}

t.test('who is loaded alone gives from it meanwhile, and in the end all is still', async (t) => {
  const random = seededRandom(seed);
  const ring = new FakeRing(seed, 3, { migrateEntriesMin: 16 });
  ring.begin(positions(random, 4));
  const content = new Content(ring);
  await load(ring, content, (n) => SHAPES['sequential']!(n, random), KEYS);
  t.ok(ring.changes > 0, `${ring.changes} views while it was loaded`);
  await ring.sim.runFor(SETTLE_MS);
  const { changes } = ring;
  await ring.sim.runFor(STILL_MS);
  t.equal(ring.changes, changes, 'then nobody moves any more');
  const share = largestShare(ring);
  t.ok(share <= SHARE_MAX, `largest share ${share.toFixed(2)} of the mean`);
  t.same(content.problems().slice(0, 5), [], 'every key is on its replicas alone');
  for (const each of ring.up) each.loops.stop();
});

t.test('a newcomer takes half of the heaviest range', async (t) => {
  const random = seededRandom(seed);
  const ring = new FakeRing(seed, 3, { migrates: false });
  ring.begin(positions(random, 4));
  fill(
    ring,
    Array.from({ length: KEYS }, (_, n) => SHAPES['sequential']!(n, random)),
  );
  await ring.sim.runFor(5000);
  const node = ring.join();
  t.ok(await ring.sim.runUntil(() => ring.isSettled && node.selfIndex >= 0, LIMIT_MS));
  t.ok(Math.abs(ownedOf(ring, node) - KEYS / 2) < KEYS / 20, `${ownedOf(ring, node)} entries`);
  for (const each of ring.up) each.loops.stop();
});

t.test('keys that come and go faster than members move are not followed for long', async (t) => {
  const random = seededRandom(seed);
  const ring = new FakeRing(seed, 1, { migrateEntriesMin: 16 });
  ring.begin(positions(random, 3));
  const content = new Content(ring);
  let changes = 0;
  for (let wave = 0; wave < 20; wave += 1) {
    if (wave === 10) changes = ring.changes;
    for (const isDelete of [false, true]) {
      for (let n = 0; n < 600; n += 1) {
        if (n % 60 === 0) await ring.sim.runFor(500);
        content.writeQuorum(content.write(Buffer.from(`${wave % 3}:${n}`), isDelete));
      }
    }
  }
  t.ok(changes > 0, `${changes / 2} moves within the first 100 s`);
  t.ok(ring.changes - changes < changes / 2, `${(ring.changes - changes) / 2} in the second`);
  for (const each of ring.up) each.loops.stop();
});
