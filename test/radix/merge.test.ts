import t from 'tap';
import { HeadParts, TYPE_MIRRORED, TYPE_NUMBER_MASK } from '../../radix/head.js';
import { KIND_BYTES, KIND_HEAD, KIND_TOMBSTONE } from '../../radix/leaf.js';
import { Merger } from '../../radix/merge.js';
import { Space } from '../../radix/space.js';
import { TreeDatabase } from '../../radix/sync/database.js';
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
  const given = [value, 0, value.length, expiryMs] as const;
  return merger.element(key, 0, key.length, type, ...element, ...at, ...given);
}

/** The definition at the top of merge.ts, over all facts of a key at once. */
function entryOf(key: Buffer, facts: Fact[], databaseClearedAt = 0): OracleEntry | null {
  const rank = (fact: Fact): number => (fact.kind === 'element' ? KIND_HEAD : fact.entry.kind);
  const winner = facts.reduce<Fact | null>((best, fact) => {
    if (best === null) return fact;
    const a = fact.entry;
    const b = best.entry;
    const isHead = (one: Fact): number => (rank(one) === KIND_HEAD ? 1 : 0);
    let order = a.stamp - b.stamp || isHead(best) - isHead(fact);
    if (isHead(fact) + isHead(best) === 2) order ||= numberOf(fact) - numberOf(best);
    order ||= a.origin - b.origin;
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
    if (fact.kind === 'entry' || numberOf(fact) === numberOf(winner)) continue;
    const less = numberOf(fact) < numberOf(winner) ? 1 : 0;
    clearedAt = Math.max(clearedAt, fact.entry.stamp - less);
  }
  if (clearedAt <= databaseClearedAt) clearedAt = 0;
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
    if (
      fact.kind === 'element' &&
      fact.entry.stamp > clearedAt &&
      numberOf(fact) === numberOf(winner)
    ) {
      sub.elements.merge({ ...fact.entry, key: fact.subKey });
    }
  }
  const { stamp, origin, led } = winner.entry;
  return { ...oracleEntry(key, stamp, origin), kind: KIND_HEAD, led, expiryMs, sub };
}

function numberOf({ type }: Fact): number {
  return type & TYPE_NUMBER_MASK;
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
    const expires = kind === 'head' ? hasExpiry : plain === KIND_BYTES;
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

function oracleOf(facts: Fact[], clearedAt = 0): string {
  const oracle = new OracleTree(hashKey);
  const keys = new Set(facts.map((fact) => fact.key));
  for (const key of keys) {
    const entry = entryOf(
      key,
      facts.filter((fact) => fact.key === key),
      clearedAt,
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
        sub.elements.expiryMs(element),
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

/** What a clear of the database leaves of a fact; null: nothing. */
function afterClear(fact: Fact, stamp: number): Fact | null {
  if (fact.entry.stamp <= stamp) return null;
  const clearedAt = fact.clearedAt <= stamp ? 0 : fact.clearedAt;
  if (fact.kind !== 'head' || fact.expiryStamp > stamp) return { ...fact, clearedAt };
  const entry = { ...fact.entry, expiryMs: 0 };
  return { ...fact, entry, clearedAt, expiryStamp: 0, expiryOrigin: 0 };
}

t.test('a clear of the database that comes at any moment covers what is at or below it', (t) => {
  const random = seededRandom(seed + 2);
  for (let round = 0; round < 1500; round++) {
    const facts = randomFacts(random, 1 + random.below(round % 10 === 0 ? 40 : 8));
    const stamp = random.below(32);
    const database = new TreeDatabase(new Tree(space));
    const merger = new Merger(database.tree);
    const told = random.shuffle([...facts, ...facts.filter(() => random.chance(0.3))]);
    const moment = random.below(told.length + 1);
    for (const [step, fact] of told.entries()) {
      if (step === moment) database.setClearedAt(stamp);
      if (step >= moment && random.chance(0.5)) database.purge(1);
      merger.clearedAt = database.clearedAt;
      apply(merger, fact);
    }
    if (moment === told.length) database.setClearedAt(stamp);
    while (database.purge(2));
    const left = facts.map((fact) => afterClear(fact, stamp)).filter((fact) => fact !== null);
    if (contentsOf(database.tree) !== oracleOf(left, stamp)) {
      const shownFacts = told.map(shown);
      t.fail('differs from the definition', { seed, round, stamp, moment, facts: shownFacts });
      return t.end();
    }
    checkAll(merger);
    database.tree.clear();
  }
  t.pass('1500 rounds');
  t.end();
});

const EXPIRED_MS = 1000;
const KEY = Buffer.from('k');
const [SUB_KEY, VALUE] = [Buffer.from('s'), Buffer.from('v')];

function putEntry(merger: Merger, stamp: number, expiryMs = 0): boolean {
  return merger.entry(KEY, 0, 1, stamp, 1, KIND_BYTES, expiryMs, VALUE, 0, 1);
}

function putElement(merger: Merger, stamp: number, expiryMs = 0, headExpiryMs = 0): boolean {
  const element = [SUB_KEY, 0, 1, stamp, 1, KIND_BYTES, VALUE, 0, 1] as const;
  return merger.element(KEY, 0, 1, 1, ...element, expiryMs, headExpiryMs);
}

function putHead(merger: Merger, stamp: number, expiryMs: number): boolean {
  const parts = new HeadParts();
  parts.type = 1;
  parts.expiryStamp = stamp;
  parts.expiryOrigin = 1;
  parts.expiryMs = expiryMs;
  return merger.head(KEY, 0, 1, stamp, 1, KIND_HEAD, parts);
}

interface ExpiredRow {
  name: string;
  before: (merger: Merger) => unknown;
  come: (merger: Merger) => boolean;
  isChanged: boolean;
  /** Of the tree, afterwards. */
  allCount: number;
}

const [E, L] = [EXPIRED_MS, EXPIRED_MS + 1];
const EXPIRED_ROWS: ExpiredRow[] = [
  {
    name: 'an entry that expires later is taken',
    before: () => {},
    come: (merger) => putEntry(merger, 5, L),
    isChanged: true,
    allCount: 1,
  },
  {
    name: 'one that has expired is refused',
    before: () => {},
    come: (merger) => putEntry(merger, 5, E),
    isChanged: false,
    allCount: 0,
  },
  {
    name: 'and takes away what it beats',
    before: (merger) => putEntry(merger, 4),
    come: (merger) => putEntry(merger, 5, E),
    isChanged: true,
    allCount: 0,
  },
  {
    name: 'but not what is newer',
    before: (merger) => putEntry(merger, 6),
    come: (merger) => putEntry(merger, 5, E),
    isChanged: false,
    allCount: 1,
  },
  {
    name: 'a head that has expired is refused',
    before: () => {},
    come: (merger) => putHead(merger, 5, E),
    isChanged: false,
    allCount: 0,
  },
  {
    name: 'a head takes an older entry away',
    before: (merger) => putEntry(merger, 4),
    come: (merger) => putHead(merger, 5, E),
    isChanged: true,
    allCount: 0,
  },
  {
    name: 'an element of a head that has expired is refused',
    before: () => {},
    come: (merger) => putElement(merger, 5, 0, E),
    isChanged: false,
    allCount: 0,
  },
  {
    name: 'an element that has expired is refused',
    before: (merger) => putElement(merger, 6),
    come: (merger) => putElement(merger, 5, E),
    isChanged: false,
    allCount: 2,
  },
  {
    name: 'and takes away the element that it beats',
    before: (merger) => putElement(merger, 4),
    come: (merger) => putElement(merger, 5, E),
    isChanged: true,
    allCount: 1,
  },
];

t.test('what had expired is refused by merges', (t) => {
  for (const { name, before, come, isChanged, allCount } of EXPIRED_ROWS) {
    const merger = new Merger(new Tree(space));
    merger.expiredUntilMs = EXPIRED_MS;
    before(merger);
    t.equal(come(merger), isChanged, name);
    t.equal(come(merger), false, `${name}: once`);
    t.equal(merger.tree.allCount, allCount, name);
    checkAll(merger);
    merger.tree.clear();
  }
  t.end();
});

t.test('nothing is left behind', async (t) => {
  while (space.reclaimStep(1000));
  t.equal(space.memoryUsage().usedBytes, 0);
});
