/**
 * Streams that two nodes have seen the same writes of, in different orders, some of them twice: of
 * entries, states of several members, groups, consumers, what is pending; removals of these, and the
 * whole cleared. Both must show the same, which is what the latest writes say.
 */
import t from 'tap';
import { STREAM } from '../../lib/types/streams.js';
import { KIND_BYTES, KIND_TOMBSTONE } from '../../radix/leaf.js';
import { Merger } from '../../radix/merge.js';
import { type LocalClient, LocalNode } from '../support/local.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

const NOTHING = Buffer.alloc(0);
const KEY = Buffer.from('s');
const GROUP = 'g';
const CONSUMERS = ['alice', 'bob', ''];

/** A write of an element with its stamp and origin; without a sub key the whole is deleted. */
interface Write {
  readonly subKey: Buffer | undefined;
  /** Undefined: the element is removed. */
  readonly value: Buffer | undefined;
  readonly stamp: number;
  readonly origin: number;
}

function idBytes(id: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(id, 4);
  return bytes;
}

function doubles(...values: number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [i, value] of values.entries()) bytes.writeDoubleBE(value, i * 8);
  return bytes;
}

const ofGroup = Buffer.concat([Buffer.from([0, GROUP.length]), Buffer.from(GROUP)]);

/** Sub key and value of some element, written from the layout's description. */
function randomElement(random: SeededRandom, origin: number): [Buffer, Buffer] {
  const id = idBytes(random.between(1, 8));
  const kind = random.between(1, 5);
  if (kind === 1) {
    const value = Buffer.from([2, 1, 1, 0, 97, 0, 0, 0, 48 + random.below(10), 0, 0, 0]);
    return [Buffer.concat([Buffer.from([1]), id]), value];
  }
  if (kind === 2) {
    const deleted = idBytes(random.between(1, 8));
    return [Buffer.from([2, 0, origin]), Buffer.concat([id, deleted, doubles(random.below(9))])];
  }
  if (kind === 3) {
    const read = doubles(random.between(-1, 5));
    return [Buffer.from(`\x03${GROUP}`), Buffer.concat([id, read])];
  }
  const consumer = Buffer.from(random.pick(CONSUMERS));
  if (kind === 4) {
    return [Buffer.concat([Buffer.from([4]), ofGroup, consumer]), doubles(random.below(1000))];
  }
  const value = Buffer.concat([doubles(random.below(1000), random.between(1, 5)), consumer]);
  return [Buffer.concat([Buffer.from([5]), ofGroup, id]), value];
}

function randomWrites(random: SeededRandom): Write[] {
  const stamps = random.between(1, 80);
  const writes: Write[] = [];
  for (let stamp = 1; stamp <= stamps; stamp += 1) {
    // Two nodes may have given the same stamp.
    for (let origin = 1; origin <= (random.chance(0.2) ? 2 : 1); origin += 1) {
      const [subKey, value] = randomElement(random, origin);
      if (random.chance(0.02)) writes.push({ subKey: undefined, value: undefined, stamp, origin });
      else writes.push({ subKey, value: random.chance(0.25) ? undefined : value, stamp, origin });
    }
  }
  return writes;
}

function merge(merger: Merger, { subKey, value, stamp, origin }: Write): void {
  const at = [stamp, origin] as const;
  if (subKey === undefined) {
    merger.entry(KEY, 0, KEY.length, ...at, KIND_TOMBSTONE, 0, NOTHING, 0, 0);
    return;
  }
  const kind = value === undefined ? KIND_TOMBSTONE : KIND_BYTES;
  const bytes = value ?? NOTHING;
  const element = [STREAM, subKey, 0, subKey.length, ...at, kind, bytes, 0, bytes.length] as const;
  merger.element(KEY, 0, KEY.length, ...element);
}

/** Elements that the latest writes leave, by sub key in latin1. */
function latest(writes: readonly Write[]): Map<string, Buffer> {
  const wholes = writes.filter(({ subKey }) => subKey === undefined);
  const clearedAt = Math.max(0, ...wholes.map(({ stamp }) => stamp));
  const last = new Map<string, Write>();
  for (const write of writes) {
    if (write.subKey === undefined || write.stamp <= clearedAt) continue;
    const name = write.subKey.toString('latin1');
    const before = last.get(name);
    const order =
      before === undefined ? 1 : write.stamp - before.stamp || write.origin - before.origin;
    if (order > 0) last.set(name, write);
  }
  const left = [...last].filter(([, { value }]) => value !== undefined);
  return new Map(left.map(([name, { value }]) => [name, value!]));
}

/** What the elements say, as commands tell it. */
function expected(elements: Map<string, Buffer>) {
  const names = [...elements.keys()];
  const of = (kind: number) =>
    names.filter((name) => name.charCodeAt(0) === kind).map((name) => Buffer.from(name, 'latin1'));
  const idOf = (bytes: Buffer, at: number) => bytes.readUInt32BE(at + 4);
  const valueOf = (subKey: Buffer) => elements.get(subKey.toString('latin1'))!;
  const entries = of(1).map((subKey) => idOf(subKey, 1));
  const states = of(2).map(valueOf);
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  const pending = of(5).map((subKey) => ({
    id: idOf(subKey, subKey.length - 16),
    consumer: valueOf(subKey).toString('latin1', 16),
  }));
  return {
    entries: entries.sort((a, b) => a - b).map((id) => `${id}-0`),
    lastId: `${Math.max(0, ...entries, ...states.map((state) => idOf(state, 0)))}-0`,
    deletedId: `${Math.max(0, ...states.map((state) => idOf(state, 16)))}-0`,
    added: entries.length + sum(states.map((state) => state.readDoubleBE(32))),
    hasGroup: elements.has(`\x03${GROUP}`),
    pending: pending.sort((a, b) => a.id - b.id),
  };
}

function check(t: Tap, client: LocalClient, wanted: ReturnType<typeof expected>): void {
  const told = client.send('XRANGE', 's', '-', '+') as [string, string[]][];
  t.same(
    told.map(([id]) => id),
    wanted.entries,
  );
  const info = client.send('XINFO', 'STREAM', 's') as unknown[];
  t.equal(info[info.indexOf('last-generated-id') + 1], wanted.lastId);
  t.equal(info[info.indexOf('max-deleted-entry-id') + 1], wanted.deletedId);
  t.equal(info[info.indexOf('entries-added') + 1], wanted.added);
  if (!wanted.hasGroup) return;
  const range = client.send('XPENDING', 's', GROUP, '-', '+', '100') as [string, string][];
  t.same(
    range.map(([id, consumer]) => [id, consumer]),
    wanted.pending.map(({ id, consumer }) => [`${id}-0`, consumer]),
  );
  for (const consumer of CONSUMERS) {
    client.send('XGROUP', 'CREATECONSUMER', 's', GROUP, consumer);
    const own = client.send('XPENDING', 's', GROUP, '-', '+', '100', consumer) as [string][];
    const ids = wanted.pending
      .filter((one) => one.consumer === consumer)
      .map(({ id }) => `${id}-0`);
    t.same(
      own.map(([id]) => id),
      ids,
      `of ${consumer}`,
    );
  }
}

type Tap = Pick<typeof t, 'same' | 'equal'>;

t.test('the order in which writes come does not matter', async (t) => {
  const nodes = [await new LocalNode().start(), await new LocalNode().start()];
  for (let round = 0; round < 250; round += 1) {
    const random = seededRandom(seed + round);
    const writes = randomWrites(random);
    const elements = latest(writes);
    const digests: string[] = [];
    for (const local of nodes) {
      const { tree } = local.node.store.databases[0]!;
      const merger = new Merger(tree);
      for (const write of random.shuffle([...writes])) {
        merge(merger, write);
        if (random.chance(0.1)) merge(merger, random.pick(writes));
      }
      if (merger.sub.open(KEY, 0, KEY.length)) merger.sub.check();
      tree.checkTree();
      digests.push(`${tree.allCount} ${tree.digestLow} ${tree.digestHigh}`);
      const client = local.client();
      t.equal(client.send('EXISTS', 's'), elements.size > 0 ? 1 : 0);
      if (elements.size > 0) check(t, client, expected(elements));
      if (!t.passing()) t.comment(`seed ${seed + round}`);
    }
    t.equal(digests[0], digests[1], 'tombstones too');
    for (const { node } of nodes) node.store.databases[0]!.tree.clear();
  }
});
