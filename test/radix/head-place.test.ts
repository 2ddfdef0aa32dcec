/**
 * What a sub tree remembers of its head, against a fresh look, while everybody else writes: other
 * sub trees of the same keys, merges, whole keys that come and go, clears, snapshots, compaction.
 */
import t from 'tap';
import { Compactor } from '../../radix/compaction.js';
import { HeadParts, TYPE_MIRRORED } from '../../radix/head.js';
import { Merger } from '../../radix/merge.js';
import { Snapshot } from '../../radix/snapshot.js';
import { Space } from '../../radix/space.js';
import { NEW_HERE, NOT_HERE, SubTree } from '../../radix/subtree.js';
import { Tree } from '../../radix/tree.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const hashKey = Buffer.alloc(16, 4);
const KEYS = ['', 'a', 'ab', 'abc', 'b', 'x'.repeat(300)].map((text) => Buffer.from(text));
const TYPE = 1;
const STEPS = 3000;

type At = readonly [Buffer, number, number];

function at(key: Buffer): At {
  return [key, 0, key.length];
}

/** Elements expire before this. */
const EXPIRY_MS_MAX = 1000;

class Program {
  readonly space = new Space({ hashKey });
  readonly trees = [new Tree(this.space), new Tree(this.space)];
  /** Several for each tree, of which each thinks that it knows something. */
  readonly subs = this.trees.map((tree) => [0, 1, 2].map(() => new SubTree(tree)));
  readonly mergers = this.trees.map((tree) => new Merger(tree));
  readonly compactor = new Compactor(this.space, () => this.trees);
  readonly snapshots: Snapshot[] = [];
  readonly random: SeededRandom;
  /** Steps after which nodes above a head had not been told of a write. */
  putOffCount = 0;
  /** Elements put beside the first or last. */
  beyondCount = 0;
  /** Writes that went the short way. */
  hereCount = 0;
  #stamp = 1000;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  step(): string {
    const { random, space } = this;
    if (random.chance(0.02)) space.defersTotals = !space.defersTotals;
    if (random.chance(0.02)) space.settle();
    const db = random.below(2);
    const key = at(random.pick(KEYS));
    const sub = random.pick(this.subs[db]!);
    const action = random.below(100);
    if (action < 60) return this.#writeElement(db, sub, key, action);
    if (action < 75) return this.#writeHead(db, sub, key, action);
    if (action < 90) return this.#writeKey(db, key, action);
    return this.#moveThings(db, action);
  }

  /** A collection is opened, and then written to: once, or a few times. */
  #writeElement(db: number, sub: SubTree, key: At, action: number): string {
    const { random } = this;
    const opens = random.chance(0.5);
    if (opens) sub.open(...key);
    for (let left = random.below(3); left >= 0; left--) {
      const subKey = at(random.bytes(1 + random.below(2)));
      const stamp = ++this.#stamp;
      const value = random.bytes(random.below(100));
      const expiryMs = random.chance(0.3) ? 1 + random.below(EXPIRY_MS_MAX) : 0;
      const given = [stamp, 1, 0, value, 0, value.length] as const;
      if (action < 12) this.#putHere(sub, key, subKey, value);
      else if (action < 22) sub.put(...key, TYPE, ...subKey, ...given, expiryMs);
      else if (action < 25) sub.dropDue(...key, random.below(EXPIRY_MS_MAX), 1 + random.below(5));
      else if (action < 35) this.#add(sub, key, subKey, value);
      else if (action < 42) sub.drop(...key, ...subKey, stamp, 1);
      else if (action < 50) this.#dropFound(sub, key);
      else if (action < 55) sub.delete(...key, ...subKey, stamp, 1);
      else {
        const from = stamp - random.below(300);
        const entry = [...subKey, from, 2, 0, value, 0, value.length] as const;
        this.mergers[db]!.element(...key, TYPE | TYPE_MIRRORED, ...entry);
      }
    }
    return `element ${action} ${opens}`;
  }

  /** By the short way, if there is one, whether the element is there or not. */
  #putHere(sub: SubTree, key: At, subKey: At, value: Buffer): void {
    if (!sub.open(...key) || sub.isOfAnotherType(TYPE)) return;
    const wasThere = sub.elements.findVisible(...subKey) !== 0;
    if (this.random.chance(0.3)) sub.elements.seek(...subKey);
    const stamp = ++this.#stamp;
    const given = [value, 0, value.length] as const;
    const here = sub.putHere(...subKey, stamp, 1, ...given, false);
    if (here === NOT_HERE) sub.put(...key, TYPE, ...subKey, stamp, 1, 0, ...given);
    else if (wasThere === (here === NEW_HERE)) throw new Error('new or not');
    else this.hereCount++;
  }

  /** Elements come and go at the ends, as those of a list do. */
  #pushAndPop(sub: SubTree, key: At): void {
    const { random } = this;
    const { elements } = sub;
    for (let left = random.below(60); left > 0 && sub.open(...key); left--) {
      const isFirst = random.chance(0.5);
      if (random.chance(0.1)) elements.nth(random.below(4));
      if (random.chance(0.05)) elements.seek(...at(random.bytes(1)));
      const leaf = isFirst ? elements.firstEntry() : elements.lastEntry();
      if (leaf === 0 || elements.keyBytes(leaf) > 3) return;
      const stamp = ++this.#stamp;
      if (random.chance(0.4)) {
        if (elements.allCount < 2) return;
        elements.lead(leaf);
        const subKey = at(elements.key(leaf));
        if (sub.dropHere(leaf, stamp, 1)) this.hereCount++;
        else sub.drop(...key, ...subKey, stamp, 1);
        continue;
      }
      const next = Buffer.alloc(3, elements.key(leaf));
      const number = next.readUIntBE(0, 3) + (isFirst ? -1 : 1);
      if (number < 0 || number >= 2 ** 24) return;
      next.writeUIntBE(number, 0, 3);
      this.#addBeyond(sub, key, at(next), next, isFirst);
    }
  }

  /** An element is put that has just not been found, or beside the first or last of all. */
  #add(sub: SubTree, key: At, subKey: At, value: Buffer): void {
    if (!sub.open(...key)) return;
    if (this.random.chance(0.3)) this.#pushAndPop(sub, key);
    else if (this.random.chance(0.5)) this.#addBeyond(sub, key, subKey, value);
    else this.#addSought(sub, key, subKey, value);
  }

  #addBeyond(
    sub: SubTree,
    key: At,
    subKey: At,
    value: Buffer,
    isFirst = this.random.chance(0.5),
  ): void {
    const { elements } = sub;
    const leaf = isFirst ? elements.firstEntry() : elements.lastEntry();
    if (leaf === 0) return;
    const order = subKey[0].compare(elements.key(leaf));
    if (order === 0 || order < 0 !== isFirst) return;
    const isAbsent = elements.leadBeyond(leaf, ...subKey);
    if (this.random.chance(0.1)) elements.first();
    const stamp = ++this.#stamp;
    const given = [value, 0, value.length] as const;
    const here = sub.isOfAnotherType(TYPE)
      ? NOT_HERE
      : sub.putHere(...subKey, stamp, 1, ...given, isAbsent);
    if (here === NOT_HERE) sub.put(...key, TYPE, ...subKey, stamp, 1, 0, ...given, 0, isAbsent);
    else this.hereCount++;
    if (isAbsent) this.beyondCount++;
  }

  #addSought(sub: SubTree, key: At, subKey: At, value: Buffer): void {
    const element = sub.elements.seek(...subKey);
    if (this.random.chance(0.2)) sub.elements.first();
    if (element !== 0) return;
    const stamp = ++this.#stamp;
    sub.put(...key, TYPE, ...subKey, stamp, 1, 0, value, 0, value.length, 0, true);
  }

  /** An element is dropped that an index, or the order, has just led to. */
  #dropFound(sub: SubTree, key: At): void {
    if (!sub.open(...key) || sub.elements.liveCount === 0) return;
    const { elements } = sub;
    const { random } = this;
    const nth = (): number => elements.nth(random.below(elements.liveCount));
    const leaf = random.pick([nth, () => elements.first(), () => elements.last()])();
    const subKey = at(elements.key(leaf));
    if (random.chance(0.5)) elements.lead(leaf);
    else elements.seek(...subKey);
    const other = at(random.bytes(1));
    const wander = random.below(8);
    if (wander === 0) nth();
    else if (wander === 1) elements.first();
    else if (wander === 2) elements.last();
    else if (wander === 3) elements.rank(...other);
    else if (wander === 4) elements.floor(...other);
    sub.drop(...key, ...subKey, ++this.#stamp, 1);
  }

  #writeHead(db: number, sub: SubTree, key: At, action: number): string {
    const { random } = this;
    const stamp = ++this.#stamp;
    if (action < 65) sub.setExpiry(...key, stamp, 1, random.pick([0, 2 ** 41 + stamp]));
    else if (action < 70) sub.setMirrored(...key, random.chance(0.5), stamp, 1);
    else {
      const parts = new HeadParts();
      parts.reset(TYPE, random.chance(0.5) ? 0 : stamp - random.below(200));
      this.mergers[db]!.head(...key, stamp + 1, 1, 0, parts);
      this.#stamp++;
    }
    return `head ${action}`;
  }

  #writeKey(db: number, key: At, action: number): string {
    const tree = this.trees[db]!;
    const { random } = this;
    const stamp = ++this.#stamp;
    if (action < 80) tree.put(...key, stamp, 1, 0, 0, key[0], 0, key[2]);
    else if (action < 84) tree.drop(...key);
    else if (action < 86) tree.delete(...key, stamp, 1);
    else if (action < 88) {
      const other = at(random.bytes(random.below(3)));
      tree.put(...other, stamp, 1, 0, random.pick([0, 2 ** 41]), key[0], 0, key[2]);
    } else this.#adopt(db, key);
    return `key ${action}`;
  }

  /** What has been made in a tree at the side is linked in. */
  #adopt(db: number, key: At): void {
    const made = new SubTree(new Tree(this.space));
    for (let left = this.random.below(4); left >= 0; left--) {
      const subKey = at(this.random.bytes(1));
      made.put(...key, TYPE, ...subKey, ++this.#stamp, 1, 0, key[0], 0, 0);
    }
    this.trees[db]!.drop(...key);
    this.random.pick(this.subs[db]!).adopt(...key, made, 0, ++this.#stamp, 1, 0, 0);
  }

  #moveThings(db: number, action: number): string {
    if (action < 94) {
      for (let left = 4; left > 0 && this.compactor.step(20, 'forced'); left--);
      return 'compact';
    }
    if (action < 96) {
      this.snapshots.push(new Snapshot(this.trees[db]!));
    } else if (action < 97) {
      for (const snapshot of this.snapshots.splice(0)) snapshot.close();
      this.trees[db]!.clear();
      return 'clear';
    } else if (action < 98) {
      for (const snapshot of this.snapshots.splice(0)) snapshot.close();
    } else this.space.reclaimStep(50);
    for (const snapshot of this.snapshots) if (snapshot.next()) snapshot.nextElement();
    return `snapshots ${action}`;
  }

  /** Some look at the key that they think they know; the others go on without. */
  check(): void {
    const { random } = this;
    for (const [db, tree] of this.trees.entries()) {
      for (const sub of this.subs[db]!) {
        if (random.chance(0.6)) continue;
        const key = at(random.pick(KEYS));
        const isOpen = sub.open(...key);
        const fresh = new SubTree(tree);
        if (isOpen !== fresh.open(...key)) throw new Error('open');
        if (!isOpen) continue;
        if (sub.head !== fresh.head) throw new Error('head');
        sub.check();
        if (sub.elements.digestLow !== fresh.elements.digestLow) throw new Error('elements');
      }
    }
  }
}

t.test('what is remembered of a head is what is there', async (t) => {
  for (const round of [0, 1, 2, 3]) {
    const program = new Program(seededRandom(seed + round));
    for (let step = 0; step < STEPS; step++) {
      let what = '';
      try {
        what = program.step();
        if (program.space.unsettledTree !== null) program.putOffCount++;
        // A look settles what is put off: for a while nobody looks.
        if (step % 100 > 40) program.check();
        if (step % 20 === 0) for (const tree of program.trees) tree.checkTree();
      } catch (error) {
        t.fail(String(error), { seed, round, step, what });
        throw error;
      }
    }
    t.ok(program.putOffCount > STEPS / 20, `${program.putOffCount} times something was put off`);
    t.ok(program.hereCount > STEPS / 20, `${program.hereCount} times the short way`);
    t.ok(program.beyondCount > 10, `${program.beyondCount} elements put beyond all others`);
    for (const snapshot of program.snapshots) snapshot.close();
    for (const tree of program.trees) tree.clear();
    while (program.space.reclaimStep(1000));
    t.equal(program.space.memoryUsage().usedBytes, 0, 'all memory is back');
  }
});

t.test('the last write to a head is known, and nothing that others write after it', async (t) => {
  const space = new Space({ hashKey });
  const tree = new Tree(space);
  const [sub, other] = [new SubTree(tree), new SubTree(tree)];
  const key = at(Buffer.from('key'));
  const put = (by: SubTree, field: string, stamp: number): void => {
    const subKey = at(Buffer.from(field));
    by.put(...key, TYPE, ...subKey, stamp, 1, 0, key[0], 0, 3);
  };
  put(sub, 'one', 1);
  const { version } = sub.elements;
  sub.open(...key);
  t.equal(sub.elements.version, version, 'nothing is loaded again');
  put(other, 'two', 2);
  sub.open(...key);
  t.not(sub.elements.version, version, 'what another has written is');
  t.equal(sub.elements.liveCount, 2);
  put(sub, 'three', 3);
  tree.drop(...key);
  t.notOk(sub.open(...key), 'gone');
  put(other, 'four', 4);
  put(sub, 'five', 5);
  sub.open(...key);
  t.equal(sub.elements.liveCount, 2, 'of a new one');
  tree.checkTree();
  sub.check();
});

t.test('nodes above a head hear of several writes at once, and before anybody looks', async (t) => {
  const space = new Space({ hashKey });
  const [tree, other] = [new Tree(space), new Tree(space)];
  const key = at(Buffer.from('key'));
  const put = (by: SubTree, name: At, field: string, stamp: number): void => {
    by.put(...name, TYPE, ...at(Buffer.from(field)), stamp, 1, 0, key[0], 0, 3);
  };
  const fill = (target: Tree): void => {
    const [sub, twin] = [new SubTree(target), new SubTree(target)];
    put(sub, at(Buffer.from('key 2')), 'one', 1);
    put(sub, key, 'one', 2);
    put(sub, key, 'two', 3);
    put(twin, key, 'three', 4);
    put(sub, key, 'four', 5);
    sub.drop(...key, ...at(Buffer.from('two')), 6, 1);
  };
  space.defersTotals = true;
  fill(tree);
  t.equal(space.unsettledTree, tree, 'put off');
  t.equal(tree.liveCount, 2, 'what users see is not');
  put(new SubTree(other), key, 'one', 1);
  put(new SubTree(other), key, 'two', 2);
  t.equal(tree.unsettled, null, 'another tree puts off: this one has settled');
  t.equal(space.unsettledTree, other);
  space.settle();
  t.equal(space.unsettledTree, null);
  space.defersTotals = false;
  const eager = new Tree(space);
  fill(eager);
  t.equal(eager.unsettled, null);
  t.equal(tree.digestLow, eager.digestLow);
  t.equal(tree.digestHigh, eager.digestHigh);
  t.equal(tree.allCount, eager.allCount);
  for (const each of [tree, other, eager]) each.checkTree();
});

t.test('compaction between two writes to a sub tree', async (t) => {
  const random = seededRandom(seed);
  const space = new Space({ hashKey });
  const tree = new Tree(space);
  const value = Buffer.alloc(200, 'v');
  const writer = new SubTree(tree);
  let stamp = 1;
  const put = (sub: SubTree, key: Buffer): void => {
    const subKey = at(random.bytes(2));
    sub.put(...at(key), TYPE, ...subKey, ++stamp, 1, 0, value, 0, random.pick([1, 50, 200]));
  };
  const all = Array.from({ length: 12_000 }, () => random.bytes(5));
  for (const key of all) for (let left = 4; left > 0; left--) put(writer, key);
  // Holes everywhere.
  const keys = all.filter(() => random.chance(0.25));
  const kept = new Set(keys);
  for (const key of all) if (!kept.has(key)) tree.drop(...at(key));
  while (space.reclaimStep(1000));
  // Each is turned to a key before the pass, and finds out during it.
  const holders = keys.slice(0, 500).map((key) => ({ key, sub: new SubTree(tree) }));
  for (const { key, sub } of holders) put(sub, key);
  const compactor = new Compactor(space, () => [tree]);
  let steps = 0;
  for (; compactor.step(20, steps === 0 ? 'forced' : 'idle'); steps++) {
    for (let left = 4; left > 0; left--) {
      const { key, sub } = random.pick(holders);
      if (!sub.open(...at(key))) t.fail('it is there');
      sub.check();
    }
    const { key, sub } = random.pick(holders);
    if (random.chance(0.05)) put(sub, key);
  }
  t.ok(steps > 100, `${steps} steps`);
  t.ok(compactor.movedCount > 300, `${compactor.movedCount} records moved`);
  tree.checkTree();
});

t.test('parts that could not be written are not believed', async (t) => {
  const tree = new Tree(new Space({ hashKey }));
  const merger = new Merger(tree);
  const key = at(Buffer.from('key'));
  const long = Buffer.alloc(70_000, 'v');
  const put = (field: string, stamp: number, value: Buffer): boolean => {
    const entry = [stamp, 1, 0, value, 0, value.length] as const;
    return merger.element(...key, TYPE, ...at(Buffer.from(field)), ...entry);
  };
  put('long', 100, long);
  const parts = new HeadParts();
  parts.reset(TYPE | TYPE_MIRRORED, 50);
  t.throws(() => merger.head(...key, 200, 1, 0, parts), { code: 'MIRROR_KEY_TOO_LONG' });
  t.ok(put('early', 40, key[0]), 'the head has not been cleared');
  merger.sub.open(...key);
  merger.sub.check();
  tree.checkTree();
});
