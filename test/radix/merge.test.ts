import t from 'tap';
import { HeadParts, TYPE_MIRRORED } from '../../radix/head.js';
import { KIND_BYTES, KIND_HEAD, KIND_TOMBSTONE } from '../../radix/leaf.js';
import { Merger } from '../../radix/merge.js';
import { Space } from '../../radix/space.js';
import { Tree } from '../../radix/tree.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import { compareEntries, type OracleEntry, OracleTree, oracleEntry } from './oracle.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const hashKey = Buffer.alloc(16, 5);
/** One for all trees here: each is emptied after use. */
const space = new Space({ hashKey });

/** One thing that a replica says about a key. */
interface Fact {
  kind: 'entry' | 'head' | 'element';
  key: Buffer;
  entry: OracleEntry;
  type: number;
  clearedAt: number;
  expiryStamp: number;
  expiryOrigin: number;
  subKey: Buffer;
}

function apply(merger: Merger, fact: Fact): boolean {
  const { key, entry, subKey, type } = fact;
  const { stamp, origin, value, expiryMs } = entry;
  const flags = entry.kind | (entry.led ? 4 : 0);
  const at = [stamp, origin, flags] as const;
  if (fact.kind === 'entry') {
    return merger.entry(key, 0, key.length, ...at, expiryMs, value, 0, value.length);
  }
  if (fact.kind === 'head') {
    const parts = new HeadParts();
    parts.type = type;
    parts.clearedAt = fact.clearedAt;
    parts.expiryStamp = fact.expiryStamp;
    parts.expiryOrigin = fact.expiryOrigin;
    parts.expiryMs = expiryMs;
    return merger.head(key, 0, key.length, ...at, parts);
  }
  const element = [subKey, 0, subKey.length] as const;
  return merger.element(key, 0, key.length, type, ...element, ...at, value, 0, value.length);
}

/** The definition at the top of merge.ts, over all facts of a key at once. */
function entryOf(key: Buffer, facts: Fact[]): OracleEntry | null {
  const rank = (fact: Fact): number => (fact.kind === 'element' ? KIND_HEAD : fact.entry.kind);
  const winner = facts.reduce<Fact | null>((best, fact) => {
    if (best === null) return fact;
    const a = fact.entry;
    const b = best.entry;
    const isHead = (one: Fact): number => (rank(one) === KIND_HEAD ? 1 : 0);
    let order = a.stamp - b.stamp || isHead(best) - isHead(fact) || a.origin - b.origin;
    order ||= rank(fact) - rank(best);
    if (order === 0) {
      order = rank(fact) === KIND_HEAD ? fact.type - best.type : compareEntries(a, b);
    }
    return order > 0 ? fact : best;
  }, null);
  if (winner === null) return null;
  if (winner.kind === 'entry') return { ...winner.entry, key };
  let clearedAt = 0;
  for (const fact of facts) {
    if (fact.kind === 'entry') clearedAt = Math.max(clearedAt, fact.entry.stamp);
    if (fact.kind === 'head') clearedAt = Math.max(clearedAt, fact.clearedAt);
  }
  const sub = {
    type: winner.type,
    clearedAt,
    expiryStamp: 0,
    expiryOrigin: 0,
    elements: new OracleTree(hashKey, key),
  };
  let expiryMs = 0;
  for (const fact of facts) {
    if (fact.kind === 'head' && fact.expiryStamp > clearedAt) {
      const order = fact.expiryStamp - sub.expiryStamp || fact.expiryOrigin - sub.expiryOrigin;
      if (order > 0 || (order === 0 && fact.entry.expiryMs > expiryMs)) {
        sub.expiryStamp = fact.expiryStamp;
        sub.expiryOrigin = fact.expiryOrigin;
        expiryMs = fact.entry.expiryMs;
      }
    }
    if (fact.kind === 'element' && fact.entry.stamp > clearedAt) {
      sub.elements.merge({ ...fact.entry, key: fact.subKey });
    }
  }
  const { stamp, origin, led } = winner.entry;
  return { ...oracleEntry(key, stamp, origin), kind: KIND_HEAD, led, expiryMs, sub };
}

/** Facts as replicas could make them: a command has one stamp and origin, and one effect a key. */
function randomFacts(random: SeededRandom, count: number): Fact[] {
  const keys = [Buffer.from('k'), Buffer.from('key')];
  const facts = [];
  const commands = new Set<string>();
  while (facts.length < count) {
    const stamp = 1 + random.below(30);
    const origin = random.below(3);
    if (commands.has(`${stamp} ${origin}`)) continue;
    commands.add(`${stamp} ${origin}`);
    const key = random.pick(keys);
    const led = random.chance(0.3);
    const kind = random.pick(['entry', 'head', 'element', 'element', 'element'] as const);
    const isTombstone = random.chance(0.4);
    const clearedAt = kind === 'head' && random.chance(0.5) ? random.below(stamp) : 0;
    const expiryStamp = kind === 'head' && random.chance(0.5) ? random.below(stamp + 1) : 0;
    const hasExpiry = expiryStamp > clearedAt;
    const plain = isTombstone ? KIND_TOMBSTONE : KIND_BYTES;
    const value = plain === KIND_BYTES && kind !== 'head' ? random.bytes(random.below(3)) : null;
    const expires = kind === 'head' ? hasExpiry : plain === KIND_BYTES && kind === 'entry';
    facts.push({
      kind,
      key,
      entry: {
        ...oracleEntry(key, stamp, origin),
        kind: kind === 'head' ? KIND_HEAD : plain,
        led,
        expiryMs: expires && random.chance(0.6) ? 2 ** 41 + random.below(100) : 0,
        value: value ?? Buffer.alloc(0),
      },
      type: random.pick([1, 2, 2 | TYPE_MIRRORED]),
      clearedAt,
      expiryStamp: hasExpiry ? expiryStamp : 0,
      expiryOrigin: hasExpiry ? origin : 0,
      subKey: random.pick([Buffer.from(''), Buffer.from('a'), Buffer.from('ab')]),
    });
  }
  return facts;
}

function contentsOf(tree: Tree): string {
  return `${tree.liveCount} ${tree.allCount} ${tree.digestLow} ${tree.digestHigh}`;
}

function oracleOf(facts: Fact[]): string {
  const oracle = new OracleTree(hashKey);
  const keys = new Set(facts.map((fact) => fact.key));
  for (const key of keys) {
    const entry = entryOf(
      key,
      facts.filter((fact) => fact.key === key),
    );
    if (entry !== null) oracle.set(entry);
  }
  const totals = oracle.totals();
  return `${totals.live} ${totals.all} ${totals.digestLow} ${totals.digestHigh}`;
}

/** Tells another tree all that a tree holds, as a sync would: entry by entry. */
function tellAll(from: Merger, to: Merger): void {
  const { tree, sub } = from;
  const cursor = tree.cursor({ all: true });
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    const key = tree.key(leaf);
    const stamp = tree.stamp(leaf);
    const origin = tree.origin(leaf);
    const flags = tree.flags(leaf) & 7;
    if (!sub.open(key, 0, key.length)) {
      const value = tree.value(leaf);
      const expiryMs = tree.expiryMs(leaf);
      to.entry(key, 0, key.length, stamp, origin, flags, expiryMs, value, 0, value.length);
      continue;
    }
    to.head(key, 0, key.length, stamp, origin, flags, sub.parts);
    const elements = sub.elements.cursor({ all: true });
    for (let element = elements.next(); element !== 0; element = elements.next()) {
      const subKey = sub.elements.key(element);
      const value = sub.elements.value(element);
      const at = [sub.elements.stamp(element), sub.elements.origin(element)] as const;
      to.element(
        key,
        0,
        key.length,
        sub.parts.type,
        subKey,
        0,
        subKey.length,
        ...at,
        sub.elements.flags(element) & 7,
        value,
        0,
        value.length,
      );
    }
  }
}

function checkAll(merger: Merger): void {
  const { sub, tree } = merger;
  tree.checkTree();
  const cursor = tree.cursor({ all: true });
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    const key = tree.key(leaf);
    if (sub.open(key, 0, key.length)) sub.check();
  }
}

function shown(fact: Fact): string {
  const { stamp, origin, led, kind, expiryMs } = fact.entry;
  const { clearedAt, expiryStamp, type } = fact;
  const parts = `type ${type} cleared ${clearedAt} expiry ${expiryMs} @${expiryStamp}`;
  return `${fact.kind} ${fact.key}/${fact.subKey} @${stamp}.${origin} ${kind} ${led} ${parts}`;
}

/** Leaves out facts as long as the tree still differs from the definition. */
function shrink(facts: Fact[]): Fact[] {
  for (const fact of facts) {
    const fewer = facts.filter((other) => other !== fact);
    const merger = new Merger(new Tree(space));
    for (const one of fewer) apply(merger, one);
    if (contentsOf(merger.tree) !== oracleOf(fewer)) return shrink(fewer);
  }
  return facts;
}

t.test('facts in any order, any number of times, make what the definition says', async (t) => {
  const random = seededRandom(seed);
  for (let round = 0; round < 1500; round++) {
    const facts = randomFacts(random, 1 + random.below(round % 10 === 0 ? 40 : 8));
    const expected = oracleOf(facts);
    for (let replica = 0; replica < 3; replica++) {
      const merger = new Merger(new Tree(space));
      const told = random.shuffle([...facts, ...facts.filter(() => random.chance(0.3))]);
      for (const [step, fact] of told.entries()) {
        const before = contentsOf(merger.tree);
        const isChanged = apply(merger, fact);
        const isSame = contentsOf(merger.tree) === before;
        if (isChanged === isSame) t.fail('says what it did', { seed, round, step, fact });
        if (apply(merger, fact)) t.fail('not idempotent', { seed, round, step, fact });
      }
      if (contentsOf(merger.tree) !== expected) {
        t.fail('differs from the definition', { seed, round, facts: shrink(told).map(shown) });
        return;
      }
      checkAll(merger);
      merger.tree.clear();
    }
  }
});

t.test('two trees that tell each other all they hold become equal', async (t) => {
  const random = seededRandom(seed + 1);
  for (let round = 0; round < 700; round++) {
    const facts = randomFacts(random, 2 + random.below(20));
    const a = new Merger(new Tree(space));
    const b = new Merger(new Tree(space));
    for (const fact of random.shuffle(facts)) apply(random.chance(0.5) ? a : b, fact);
    tellAll(a, b);
    tellAll(b, a);
    const expected = oracleOf(facts);
    if (contentsOf(a.tree) !== expected || contentsOf(b.tree) !== expected) {
      t.fail('not equal', { seed, round, facts: facts.map(shown) });
      return;
    }
    checkAll(a);
    checkAll(b);
    a.tree.clear();
    b.tree.clear();
  }
});

t.test('nothing is left behind', async (t) => {
  while (space.reclaimStep(1000));
  t.equal(space.memoryUsage().usedBytes, 0);
});
