import { strict as assert } from 'node:assert';
import t from 'tap';
import type { Cursor } from '../../radix/cursor.js';
import type { Leaf } from '../../radix/leaf.js';
import { Space } from '../../radix/space.js';
import { Tree } from '../../radix/tree.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import { KEY_SHAPES } from './shapes.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const hashKey = Buffer.alloc(16, 3);
const value = Buffer.from('value');

function put(tree: Tree, key: Buffer): void {
  tree.put(key, 0, key.length, 1, 0, 0, 0, value, 0, value.length);
}

/** A place between all possible keys: just before a key, or just behind it. */
interface Place {
  key: Buffer | null;
  behind: boolean;
}

/** The entry that the oracle's cursor at this place moves to. */
function step(keys: Buffer[], place: Place, forward: boolean): Buffer | null {
  const { key } = place;
  if (key === null) {
    if (place.behind === forward) return null;
    return (forward ? keys[0] : keys.at(-1)) ?? null;
  }
  const isAfter = (other: Buffer): boolean => {
    const order = Buffer.compare(other, key);
    return order > 0 || (order === 0 && !place.behind);
  };
  // A cursor on an entry stands behind it for `next` and before it for `prev`.
  if (forward) return keys.find(isAfter) ?? null;
  return keys.findLast((other) => Buffer.compare(other, key) < 0) ?? null;
}

/** A walk without writes from a random index: in runs to the end, or backwards to the start. */
function walkFrom(tree: Tree, cursor: Cursor, sorted: Buffer[], random: SeededRandom): void {
  let index = random.below(sorted.length + 1);
  const keys: Buffer[] = [];
  const add = (leaf: Leaf): number => keys.push(tree.key(leaf));
  let first = cursor.stepTo(index);
  if (first !== 0 && random.chance(0.5)) {
    // To the same place or the next one, by the key or by one that is not there.
    const isIncluded = random.chance(0.5);
    const isThere = random.chance(0.5);
    const key = isThere ? sorted[index]! : Buffer.concat([sorted[index]!, Buffer.alloc(1)]);
    index = sorted.findIndex((other) => {
      const order = Buffer.compare(other, key);
      return order > 0 || (order === 0 && isIncluded);
    });
    if (index === -1) index = sorted.length;
    first = cursor.stepFrom(key, 0, key.length, isIncluded);
  }
  assert.equal(first === 0, index === sorted.length);
  if (first === 0) return;
  add(first);
  if (random.chance(0.5)) {
    for (let leaf = cursor.stepBack(); leaf !== 0; leaf = cursor.stepBack()) add(leaf);
    assert.deepEqual(keys.reverse(), sorted.slice(0, index + 1));
    return;
  }
  const run = new Int32Array(1 + random.below(5));
  for (;;) {
    const most = 1 + random.below(8);
    const begin = random.below(run.length);
    const count = cursor.stepRun(run, most, begin);
    assert.ok(count <= Math.min(most, run.length - begin));
    if (count === 0) break;
    for (const leaf of run.subarray(begin, begin + count)) add(leaf);
  }
  assert.deepEqual(keys, sorted.slice(index));
}

for (const [name, shape] of Object.entries(KEY_SHAPES)) {
  t.test(`a cursor among writes: ${name}`, (t) => {
    const random = seededRandom(seed);
    const tree = new Tree(new Space({ hashKey }));
    const all = random.chance(0.5);
    const visible = new Map<string, { key: Buffer; visible: boolean }>();
    const cursor = tree.cursor({ all });
    let place: Place = { key: null, behind: false };
    for (let i = 0; i < 3000; i++) {
      const keys = [...visible.values()].filter((entry) => all || entry.visible);
      const sorted = keys.map(({ key }) => key).sort(Buffer.compare);
      const key = shape(random);
      const hex = key.toString('hex');
      const action = random.below(20);
      if (action === 0) {
        cursor.seek(Buffer.concat([Buffer.of(9), key]), 1, key.length + 1);
        place = { key, behind: false };
      } else if (action === 1) {
        const behind = random.chance(0.5);
        if (behind) cursor.seekLast();
        else cursor.seekFirst();
        place = { key: null, behind };
      } else if (action === 2 && !all) {
        walkFrom(tree, cursor, sorted, random);
        cursor.seekFirst();
        place = { key: null, behind: false };
      } else if (action < 7) {
        put(tree, key);
        visible.set(hex, { key, visible: true });
      } else if (action < 9) {
        tree.delete(key, 0, key.length, 1, 1);
        visible.set(hex, { key, visible: false });
      } else if (action < 11) {
        tree.drop(key, 0, key.length);
        visible.delete(hex);
      } else {
        const forward = random.chance(0.6);
        const leaf: Leaf = forward ? cursor.next() : cursor.prev();
        const wanted = step(sorted, place, forward);
        assert.equal(leaf === 0, wanted === null);
        if (wanted === null) {
          place = { key: null, behind: forward };
        } else {
          assert.ok(tree.key(leaf).equals(wanted));
          place = { key: wanted, behind: true };
        }
      }
    }
    t.pass('the cursor goes where it should');
    t.end();
  });
}
