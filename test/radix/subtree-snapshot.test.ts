/**
 * Snapshots of one sub tree, by sub key and by value, forward and backward: each must show what a
 * copy taken when it was opened shows, whatever is written, cleared or moved between its steps.
 */
import t from 'tap';
import { Compactor } from '../../radix/compaction.js';
import { TYPE_FIXED8, TYPE_MIRRORED } from '../../radix/head.js';
import { SnapshotLostError } from '../../radix/snapshot.js';
import { Space } from '../../radix/space.js';
import { SubTree } from '../../radix/subtree.js';
import { SubTreeSnapshot, type SubTreeSnapshotOptions } from '../../radix/subtree-snapshot.js';
import { Tree } from '../../radix/tree.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

const TYPE = 3 | TYPE_MIRRORED | TYPE_FIXED8;
const KEYS = [Buffer.from('k'), Buffer.from('other')];
const NOTHING = Buffer.alloc(0);

class Scene {
  readonly random: SeededRandom;
  readonly space = new Space({ hashKey: Buffer.alloc(16, 5) });
  readonly tree = new Tree(this.space);
  readonly sub = new SubTree(this.tree);
  readonly compactor = new Compactor(this.space, () => [this.tree]);
  readonly readings: Reading[] = [];
  stamp = 1;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  subKey(): Buffer {
    return Buffer.from(`m${this.random.below(this.random.chance(0.5) ? 8 : 300)}`);
  }

  value(): Buffer {
    const value = Buffer.alloc(8);
    value.writeUInt32BE(this.random.below(10), 4);
    return value;
  }

  put(key: Buffer): void {
    const { sub } = this;
    const [subKey, value] = [this.subKey(), this.value()];
    const at = [this.stamp++, 0, 0] as const;
    sub.put(key, 0, key.length, TYPE, subKey, 0, subKey.length, ...at, value, 0, value.length);
  }

  drop(key: Buffer): void {
    const subKey = this.subKey();
    this.sub.drop(key, 0, key.length, subKey, 0, subKey.length, this.stamp++, 0);
  }

  /** Changes something, mostly a little. */
  write(): void {
    const { random, tree } = this;
    const key = random.pick(KEYS);
    const kind = random.float();
    if (kind < 0.6) this.put(key);
    else if (kind < 0.9) this.drop(key);
    else if (kind < 0.92) tree.put(NOTHING, 0, 0, this.stamp++, 0, 0, 0, this.value(), 0, 8);
    else if (kind < 0.94) this.sub.setExpiry(key, 0, key.length, this.stamp++, 0, 1e12);
    else if (kind < 0.96) this.compactor.step(50, 'forced');
    else if (kind < 0.97) this.space.reclaimStep(50);
    else if (kind < 0.98) tree.drop(key, 0, key.length);
    else if (kind < 0.99) tree.put(key, 0, key.length, this.stamp++, 0, 0, 0, this.value(), 0, 8);
    else if (kind < 0.993) tree.clear();
    else this.#fill(key);
  }

  #fill(key: Buffer): void {
    for (let i = 0; i < 200; i += 1) this.put(key);
  }

  open(): void {
    const key = this.random.pick(KEYS);
    if (!this.sub.open(key, 0, key.length) || this.sub.elements.liveCount === 0) return;
    this.readings.push(new Reading(this, key));
  }
}

/** A snapshot being read, beside what it must show. */
class Reading {
  readonly snapshot: SubTreeSnapshot;
  readonly expected: string[] = [];
  readonly seen: string[] = [];
  readonly #keys: Buffer[] = [];
  readonly #backward: boolean;
  readonly #seeks: boolean;
  isDone = false;

  constructor({ random, sub, tree }: Scene, key: Buffer) {
    const byValue = random.chance(0.5);
    const backward = random.chance(0.5);
    this.#backward = backward;
    this.#seeks = random.chance(0.5);
    const options: SubTreeSnapshotOptions = { byValue, backward, seeks: this.#seeks };
    const base = byValue ? sub.mirror.tree : sub.elements;
    for (let i = 0; i < base.liveCount; i += 1) {
      this.expected.push(lineOf(base, base.nth(i)));
      this.#keys.push(base.key(base.nth(i)));
    }
    if (backward) this.expected.reverse();
    if (backward) this.#keys.reverse();
    const skipped = random.below(base.liveCount + 1);
    if (skipped > 0 && random.chance(0.7)) {
      const last = base.nth(backward ? base.liveCount - skipped : skipped - 1);
      options.after = base.key(last);
      this.expected.splice(0, skipped);
      this.#keys.splice(0, skipped);
    }
    this.snapshot = new SubTreeSnapshot(tree, key, options);
  }

  step(): void {
    if (this.snapshot.next()) this.seen.push(lineOf(this.snapshot.tree, this.snapshot.leaf));
    else this.isDone = true;
  }

  /** Goes to any place, also to one that was passed. */
  seek(random: SeededRandom): void {
    if (!this.#seeks || this.#keys.length === 0) return;
    const known = random.pick(this.#keys);
    const isIncluded = random.chance(0.5);
    const target = random.chance(0.5) ? known : Buffer.from([...known, 0]);
    this.snapshot.seek(target, target.length, isIncluded);
    const sign = this.#backward ? -1 : 1;
    const isPassed = (key: Buffer): boolean => {
      const order = sign * key.compare(target);
      return order < 0 || (order === 0 && !isIncluded);
    };
    const place = this.#keys.filter(isPassed).length;
    this.seen.splice(0, this.seen.length, ...this.expected.slice(0, place));
  }
}

function lineOf(tree: Tree, leaf: number): string {
  return `${tree.key(leaf).toString('hex')} ${tree.value(leaf).toString('hex')}`;
}

t.test('shows what was there when it was opened', async (t) => {
  for (let round = 0; round < 25; round += 1) {
    const scene = new Scene(seededRandom(seed + round));
    const { random, readings } = scene;
    for (let i = 0; i < 100; i += 1) scene.write();
    for (let i = 0; i < 600; i += 1) {
      scene.write();
      if (random.chance(0.1) && readings.length < 4) scene.open();
      const reading = readings.length === 0 ? undefined : random.pick(readings);
      if (random.chance(0.1)) reading?.seek(random);
      reading?.step();
      if (reading !== undefined && (reading.isDone || random.chance(0.01))) {
        const { expected, seen, isDone } = reading;
        const wanted = isDone ? expected : expected.slice(0, seen.length);
        if (seen.join() !== wanted.join()) t.same(seen, wanted, `seed ${seed + round}`);
        reading.snapshot.close();
        readings.splice(readings.indexOf(reading), 1);
      }
      for (const key of KEYS) if (scene.sub.open(key, 0, key.length)) scene.sub.check();
    }
    for (const { snapshot } of readings) snapshot.close();
    t.equal(scene.tree.observer, null, 'nobody observes any more');
    scene.tree.checkTree();
    scene.tree.clear();
    while (scene.space.reclaimStep(1000));
    t.equal(scene.space.usedBytes, 0, `all memory is back (seed ${seed + round})`);
  }
});

t.test('is lost when the mirror goes', async (t) => {
  const scene = new Scene(seededRandom(seed));
  const key = KEYS[0]!;
  for (let i = 0; i < 20; i += 1) scene.put(key);
  const snapshot = new SubTreeSnapshot(scene.tree, key, { byValue: true });
  t.ok(snapshot.next());
  scene.sub.setMirrored(key, 0, key.length, false, scene.stamp++, 0);
  t.throws(() => snapshot.next(), SnapshotLostError);
  snapshot.close();
  t.equal(scene.tree.observer, null);
});
