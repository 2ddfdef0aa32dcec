/** Elements that expire, against a map of what there is, among all that can happen to a sub tree. */
import t from 'tap';
import { Compactor } from '../../radix/compaction.js';
import { TYPE_MIRRORED } from '../../radix/head.js';
import { Space } from '../../radix/space.js';
import { SubTree } from '../../radix/subtree.js';
import { Tree } from '../../radix/tree.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const hashKey = Buffer.alloc(16, 3);
const STEPS = 20_000;
const KEYS = ['a', 'ab', 'm', 'k'.repeat(300)].map((key) => Buffer.from(key));
const FIELDS = 24;

/** Of each element of a key, when it expires; 0: never. */
type Model = Map<string, Map<string, number>>;

class Scene {
  readonly space = new Space({ hashKey });
  readonly tree = new Tree(this.space);
  readonly sub = new SubTree(this.tree);
  readonly compactor = new Compactor(this.space, () => [this.tree]);
  readonly model: Model = new Map();
  readonly random: SeededRandom;
  nowMs = 1000;
  stamp = 0;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  elementsOf(key: Buffer): Map<string, number> {
    const known = this.model.get(key.toString()) ?? new Map<string, number>();
    this.model.set(key.toString(), known);
    return known;
  }

  someExpiry(): number {
    return this.random.chance(0.3) ? 0 : this.nowMs + 1 + this.random.below(200);
  }

  /** Does one thing; says what. */
  step(): string {
    const { random, sub } = this;
    const key = random.pick(KEYS);
    const elements = this.elementsOf(key);
    const field = `f${random.below(FIELDS)}`;
    const subKey = Buffer.from(field);
    const at = [key, 0, key.length] as const;
    const element = [...at, subKey, 0, subKey.length] as const;
    const stamp = ++this.stamp;
    const kind = random.pick(['put', 'put', 'put', 'expire', 'expire', 'drop', 'due', 'rare']);
    if (kind === 'put') {
      const value = random.bytes(random.pick([0, 3, 40]));
      const expiryMs = this.someExpiry();
      const type = 4 | (key.length === 1 ? TYPE_MIRRORED : 0);
      const written = [stamp, 0, 0, value, 0, value.length, expiryMs] as const;
      sub.put(...at, type, subKey, 0, subKey.length, ...written);
      elements.set(field, expiryMs);
    } else if (kind === 'expire' && elements.has(field)) {
      const expiryMs = this.someExpiry();
      sub.setElementExpiry(...element, stamp, 0, expiryMs);
      elements.set(field, expiryMs);
    } else if (kind === 'drop' && elements.has(field)) {
      sub.drop(...element, stamp, 0);
      elements.delete(field);
    } else if (kind === 'due') {
      this.nowMs += random.below(60);
      this.dropDue(key, elements);
    } else if (kind === 'rare' && random.chance(0.3)) {
      return this.rare(key, elements);
    }
    return kind;
  }

  dropDue(key: Buffer, elements: Map<string, number>): void {
    const due = [...elements].filter(([, expiryMs]) => expiryMs !== 0 && expiryMs <= this.nowMs);
    const most = this.random.pick([1, 2, 100]);
    const isAll = due.length === elements.size;
    const done = this.sub.dropDue(key, 0, key.length, this.nowMs, most);
    t.equal(done, isAll ? due.length : Math.min(most, due.length));
    due.sort((a, b) => a[1] - b[1] || Buffer.from(a[0]).compare(Buffer.from(b[0])));
    for (const [field] of due.slice(0, done)) elements.delete(field);
    if (elements.size === 0 && done > 0) t.equal(this.tree.find(key, 0, key.length), 0);
  }

  rare(key: Buffer, elements: Map<string, number>): string {
    const { compactor, random, space, sub, tree } = this;
    const at = [key, 0, key.length] as const;
    const stamp = this.stamp;
    const kind = random.pick(['delete', 'clear', 'compact', 'expiry', 'string', 'reclaim']);
    if (kind === 'delete') tree.drop(...at);
    else if (kind === 'string') tree.put(...at, stamp, 0, 0, 0, key, 0, 1);
    else if (kind === 'clear') tree.clear();
    else if (kind === 'compact') while (compactor.step(50, 'forced'));
    else if (kind === 'reclaim') while (space.reclaimStep(100));
    else sub.setExpiry(...at, stamp, 0, random.pick([0, 2 ** 41]));
    if (kind === 'delete' || kind === 'string') elements.clear();
    if (kind === 'clear') this.model.clear();
    return kind;
  }

  check(): void {
    const { sub, tree } = this;
    tree.checkTree();
    let timed = 0;
    let firstMs = Infinity;
    const there: unknown[] = [];
    const model: unknown[] = [];
    for (const key of KEYS) {
      const elements = this.elementsOf(key);
      const isThere = sub.open(key, 0, key.length);
      if (!isThere) {
        if (elements.size !== 0) t.fail('a head is missing');
        continue;
      }
      sub.check();
      const found = new Map<string, number>();
      const cursor = sub.elements.cursor();
      for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
        found.set(sub.elements.key(leaf).toString(), sub.elements.expiryMs(leaf));
      }
      const times = [...elements.values()].filter((ms) => ms !== 0);
      if (times.length > 0) timed += 1;
      firstMs = Math.min(firstMs, ...times);
      const due = times.filter((ms) => ms <= this.nowMs).length;
      there.push([[...found], sub.expiries.dueCount(this.nowMs)]);
      model.push([[...elements].sort(byName), due]);
    }
    there.push(tree.heads.size, tree.heads.firstDueMs);
    model.push(timed, firstMs);
    t.same(there, model, 'elements of each key, heads that have such, and when the first is due');
  }
}

function byName(a: [string, number], b: [string, number]): number {
  return Buffer.from(a[0]).compare(Buffer.from(b[0]));
}

t.test('as a map says, whatever happens', (t) => {
  const scene = new Scene(seededRandom(seed));
  for (let i = 0; i < STEPS; i++) {
    const done = scene.step();
    if (i % 7 !== 0 && done !== 'compact') continue;
    try {
      scene.check();
    } catch (error) {
      t.fail(`step ${i}: ${done}`, { seed, error });
      break;
    }
  }
  scene.tree.clear();
  while (scene.space.reclaimStep(1000));
  t.equal(scene.space.memoryUsage().usedBytes, 0, 'nothing is left behind');
  t.end();
});

t.test('what has an expiry is another entry, wherever its head lies', (t) => {
  const space = new Space({ hashKey });
  const trees = [new Tree(space), new Tree(space)] as const;
  const [key, field] = [Buffer.from('k'), Buffer.from('f')];
  for (const [index, tree] of trees.entries()) {
    const at = [key, 0, 1, 4, field, 0, 1] as const;
    new SubTree(tree).put(...at, 1, 0, 0, field, 0, 1, index === 0 ? 0 : 5000);
    if (index === 0) continue;
    t.not(tree.digestLow, trees[0].digestLow);
    new SubTree(tree).put(...at, 1, 0, 0, field, 0, 1);
  }
  t.equal(trees[1].digestLow, trees[0].digestLow, 'and the same one without it');
  t.end();
});
