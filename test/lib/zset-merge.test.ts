/**
 * Sorted sets that two nodes have seen the same writes of, in different orders, some of them twice:
 * scores, removals, and the whole cleared. Both must show the same, which is what the latest writes
 * say, in the order of scores and through every command that goes by it.
 */
import t from 'tap';
import { SCORE_BYTES, SORTED_SET, writeScore } from '../../lib/types/zsets.js';
import { KIND_BYTES, KIND_TOMBSTONE } from '../../radix/leaf.js';
import { Merger } from '../../radix/merge.js';
import { type LocalClient, LocalNode } from '../support/local.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

const NOTHING = Buffer.alloc(0);
const KEY = Buffer.from('z');
const SCORES = [0, 1, 1, 2, -1, 0.1, -1e300, 1e300, Infinity, -Infinity];

/** A write with its stamp and origin; without a member the whole is deleted. */
interface Write {
  readonly member: string | undefined;
  /** NaN: the member is removed. */
  readonly score: number;
  readonly stamp: number;
  readonly origin: number;
}

function randomWrites(random: SeededRandom): Write[] {
  const stamps = random.between(1, 60);
  const writes: Write[] = [];
  for (let stamp = 1; stamp <= stamps; stamp += 1) {
    // Two nodes may have given the same stamp.
    for (let origin = 1; origin <= (random.chance(0.2) ? 2 : 1); origin += 1) {
      const member = random.chance(0.03) ? undefined : `m${random.below(9)}`;
      const score = random.chance(0.25) ? Number.NaN : random.pick(SCORES);
      writes.push({ member, score, stamp, origin });
    }
  }
  return writes;
}

function merge(merger: Merger, { member, score, stamp, origin }: Write): void {
  const at = [stamp, origin] as const;
  if (member === undefined) {
    merger.entry(KEY, 0, KEY.length, ...at, KIND_TOMBSTONE, 0, NOTHING, 0, 0);
    return;
  }
  const name = Buffer.from(member);
  const element = [SORTED_SET, name, 0, name.length, ...at] as const;
  if (Number.isNaN(score)) {
    merger.element(KEY, 0, KEY.length, ...element, KIND_TOMBSTONE, NOTHING, 0, 0);
    return;
  }
  const value = Buffer.alloc(SCORE_BYTES);
  writeScore(score, value, 0);
  merger.element(KEY, 0, KEY.length, ...element, KIND_BYTES, value, 0, SCORE_BYTES);
}

/** What the latest writes say: members with scores, in their order. */
function expected(writes: readonly Write[]): [string, number][] {
  const wholes = writes.filter(({ member }) => member === undefined);
  const clearedAt = Math.max(0, ...wholes.map(({ stamp }) => stamp));
  const latest = new Map<string, Write>();
  for (const write of writes) {
    const { member, stamp, origin } = write;
    if (member === undefined || stamp <= clearedAt) continue;
    const before = latest.get(member);
    const order = before === undefined ? 1 : stamp - before.stamp || origin - before.origin;
    if (order > 0) latest.set(member, write);
  }
  const scored = [...latest.values()].filter(({ score }) => !Number.isNaN(score));
  const pairs = scored.map(({ member, score }): [string, number] => [member!, score]);
  return pairs.sort(([a, x], [b, y]) => (x === y ? (a < b ? -1 : 1) : x - y));
}

function shown(client: LocalClient): [string, number][] {
  const flat = client.send('ZRANGE', 'z', '0', '-1', 'WITHSCORES') as string[];
  const pairs: [string, number][] = [];
  for (let i = 0; i < flat.length; i += 2) {
    pairs.push([flat[i]!, Number(flat[i + 1]!.replace('inf', 'Infinity'))]);
  }
  return pairs;
}

t.test('the order in which writes come does not matter', async (t) => {
  const nodes = [await new LocalNode().start(), await new LocalNode().start()];
  for (let round = 0; round < 300; round += 1) {
    const random = seededRandom(seed + round);
    const writes = randomWrites(random);
    const wanted = expected(writes);
    for (const local of nodes) {
      const { tree } = local.node.store.databases[0]!;
      const merger = new Merger(tree);
      for (const write of random.shuffle([...writes])) {
        merge(merger, write);
        if (random.chance(0.1)) merge(merger, random.pick(writes));
      }
      if (merger.sub.open(KEY, 0, KEY.length)) merger.sub.check();
      tree.checkTree();
      const client = local.client();
      t.same(shown(client), wanted, `seed ${seed + round}`);
      t.equal(client.send('ZCARD', 'z'), wanted.length);
      for (const [rank, [member]] of wanted.entries()) {
        if (client.send('ZRANK', 'z', member) !== rank) t.fail(`ZRANK, seed ${seed + round}`);
      }
    }
    const [one, two] = nodes.map(({ node }) => node.store.databases[0]!.tree);
    t.equal(one!.allCount, two!.allCount, 'tombstones too');
    for (const { node } of nodes) node.store.databases[0]!.tree.clear();
  }
});
