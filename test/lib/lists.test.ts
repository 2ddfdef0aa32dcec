/**
 * Lists under element-wise merge: two members change their copies of a list apart, then take each
 * other's entries in any order, some of them twice. The copies become equal; what was put in and
 * not taken out is there; and each member's elements stand as it saw them.
 */
import t from 'tap';
import { Settings } from '../../lib/config/settings.js';
import type { Collection } from '../../lib/store/collection.js';
import { Store } from '../../lib/store/store.js';
import { insertAt, pushFirst, pushLast, setElement } from '../../lib/types/lists.js';
import { TYPE_LIST } from '../../lib/types/types.js';
import { Merger } from '../../radix/merge.js';
import { ManualWorld } from '../support/manual-world.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const KEY = Buffer.from('list');
const ROUNDS = 60;
const STEPS = 25;

interface Entry {
  readonly position: Buffer;
  readonly stamp: number;
  readonly origin: number;
  readonly flags: number;
  readonly value: Buffer;
}

/** One member's copy. */
class Copy {
  readonly store: Store;
  readonly removed = new Set<string>();
  readonly put = new Set<string>();

  constructor(world: ManualWorld, origin: number) {
    this.store = new Store({ world }, new Settings());
    Object.defineProperty(this.store, 'origin', { value: origin });
  }

  list(): Collection {
    this.store.beginCommand();
    const list = this.store.databases[0]!.collection();
    list.openToWrite(KEY, 0, KEY.length, TYPE_LIST);
    return list;
  }

  elements(): string[] {
    const { elements, size } = this.list();
    return Array.from({ length: size }, (_, i) => String(elements.value(elements.nth(i))));
  }

  /** Tombstones too. */
  entries(): Entry[] {
    const { elements } = this.list();
    const cursor = elements.cursor({ all: true });
    const entries: Entry[] = [];
    for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
      entries.push({
        position: elements.key(leaf),
        stamp: elements.stamp(leaf),
        origin: elements.origin(leaf),
        flags: elements.kind(leaf),
        value: elements.value(leaf),
      });
    }
    return entries;
  }

  take(entries: readonly Entry[]): void {
    const { tree } = this.store.databases[0]!;
    const merger = new Merger(tree);
    for (const { position, stamp, origin, flags, value } of entries) {
      this.store.clock.witness(stamp);
      const subKey = [position, 0, position.length] as const;
      const at = [stamp, origin, flags, value, 0, value.length] as const;
      merger.element(KEY, 0, KEY.length, TYPE_LIST, ...subKey, ...at);
    }
    tree.checkTree();
  }

  change(random: SeededRandom, text: string): void {
    const list = this.list();
    const value = Buffer.from(text);
    const kind = random.float();
    if (kind < 0.25 && list.size > 1) {
      this.#remove(list, random.below(list.size));
      return;
    }
    if (kind < 0.35) {
      const element = list.elements.nth(random.below(list.size));
      const old = String(list.elements.value(element));
      if (old === 'base') return;
      // The other may remove the element meanwhile: the later of the two writes counts.
      this.removed.add(old).add(text);
      setElement(list, element, value, 0, value.length);
    } else if (kind < 0.5) {
      pushFirst(list, value, 0, value.length);
    } else if (kind < 0.65) {
      pushLast(list, value, 0, value.length);
    } else {
      const middle = random.chance(0.5) ? list.size >> 1 : random.below(list.size + 1);
      insertAt(list, middle, value, 0, value.length);
    }
    this.put.add(text);
  }

  /** As a member of a ring does: with a tombstone. The first element stays, so that the key does. */
  #remove(list: Collection, index: number): void {
    const { elements, sub } = list;
    const element = elements.nth(index);
    const value = String(elements.value(element));
    if (value === 'base') return;
    const position = elements.key(element);
    const { store } = this;
    const at = [position, 0, position.length, store.stamp(), store.origin] as const;
    sub.delete(KEY, 0, KEY.length, ...at);
    this.removed.add(value);
  }
}

function shuffled<T>(random: SeededRandom, items: readonly T[]): T[] {
  const result = [...items, ...items.filter(() => random.chance(0.2))];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

const seed = seedOfRun();
t.test(`two members change a list apart and merge (seed ${seed})`, (t) => {
  const random = seededRandom(seed);
  const world = new ManualWorld();
  const copies = [new Copy(world, 1), new Copy(world, 300)] as const;
  const [one, two] = copies;
  pushLast(one.list(), Buffer.from('base'), 0, 4);
  two.take(one.entries());
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let step = 0; step < STEPS; step += 1) {
      for (const [i, copy] of copies.entries()) {
        if (random.chance(0.7)) copy.change(random, `${round}.${step}.${i}`);
      }
      if (random.chance(0.3)) world.advance(1);
    }
    const before = copies.map((copy) => copy.elements());
    const [ones, twos] = [one.entries(), two.entries()];
    one.take(shuffled(random, twos));
    two.take(shuffled(random, ones));
    const merged = one.elements();
    t.same(two.elements(), merged, `round ${round}: equal`);
    const { tree } = one.store.databases[0]!;
    t.equal(tree.allCount, two.store.databases[0]!.tree.allCount);
    const removed = new Set([...one.removed, ...two.removed]);
    const there = new Set(merged);
    t.equal(there.size, merged.length, 'none twice');
    for (const text of [...one.put, ...two.put]) {
      if (!removed.has(text) && !there.has(text)) t.fail(`${text} is lost`);
    }
    for (const seen of before) {
      const kept = new Set(seen.filter((text) => there.has(text)));
      t.same(
        merged.filter((text) => kept.has(text)),
        [...kept],
        'as they were seen',
      );
    }
  }
  t.end();
});
