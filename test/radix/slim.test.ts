/**
 * Elements change their layout as their values and expiries do, and say the same in each: against a
 * Map of what was written, and against a tree whose leaves all have access bits.
 */
import t from 'tap';
import { Space } from '../../radix/space.js';
import { SubTree } from '../../radix/subtree.js';
import { Tree } from '../../radix/tree.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const hashKey = Buffer.alloc(16, 3);
const KEY = Buffer.from('key');
const at = [KEY, 0, KEY.length] as const;
const HASH = 4;
/** Around where layouts end. */
const KEY_LENGTHS = [0, 1, 3, 4, 5, 254, 255, 256, 257];
const VALUE_LENGTHS = [0, 1, 3, 4, 5, 254, 255, 256, 257, 1022, 1023, 1024];

interface Written {
  readonly value: Buffer;
  readonly stamp: number;
  readonly origin: number;
  readonly expiryMs: number;
}

function seen(tree: Tree, subKey: Buffer): Written | undefined {
  const leaf = tree.findVisible(subKey, 0, subKey.length);
  if (leaf === 0) return undefined;
  const value = tree.value(leaf);
  const expiryMs = tree.expiryMs(leaf);
  return { value, stamp: tree.stamp(leaf), origin: tree.origin(leaf), expiryMs };
}

t.test('an element says the same whatever its layout is', (t) => {
  const random = seededRandom(seed);
  const sub = new SubTree(new Tree(new Space({ hashKey })));
  const subKeys = KEY_LENGTHS.flatMap((bytes) => [
    Buffer.alloc(bytes, 97),
    Buffer.alloc(bytes, 98),
  ]);
  const written = new Map<string, Written | undefined>();
  for (let step = 1; step <= 6000; step++) {
    const subKey = random.pick(subKeys);
    const name = subKey.toString('latin1');
    const element = [subKey, 0, subKey.length] as const;
    const origin = random.below(2 ** 16);
    const old = written.get(name);
    const stamp = random.below(2) * 2 ** 40 + step + (old === undefined ? 0 : 2 ** 41);
    const value = random.bytes(random.pick(VALUE_LENGTHS));
    const expiryMs = random.chance(0.3) ? 2 ** 41 + random.below(1000) : 0;
    const action = random.below(10);
    if (action < 3 && sub.open(...at)) {
      // The short way, or by the other if that is not for it.
      sub.elements.seek(...element);
      if (sub.putHere(...element, step + 2 ** 42, origin, value, 0, value.length, false) < 0)
        continue;
      written.set(name, { value, stamp: step + 2 ** 42, origin, expiryMs: 0 });
    } else if (action < 6) {
      sub.put(...at, HASH, ...element, stamp, origin, 0, value, 0, value.length, expiryMs);
      written.set(name, { value, stamp, origin, expiryMs });
    } else if (action < 8 && old !== undefined) {
      sub.setElementExpiry(...at, ...element, stamp, origin, expiryMs);
      written.set(name, { ...old, stamp, origin, expiryMs });
    } else if (action === 8) {
      sub.delete(...at, ...element, stamp, origin);
      written.delete(name);
    } else if (action === 9) {
      sub.drop(...at, ...element);
      written.delete(name);
    }
    if (!sub.open(...at)) continue;
    for (const each of step % 50 === 0 ? subKeys : [subKey]) {
      const wanted = written.get(each.toString('latin1'));
      const found = seen(sub.elements, each);
      if (!sameAs(found, wanted)) {
        t.same(found, wanted, `seed ${seed} step ${step}`);
        return t.end();
      }
    }
    if (step % 100 === 0) sub.check();
  }
  sub.check();
  t.end();
});

function sameAs(found: Written | undefined, wanted: Written | undefined): boolean {
  if (found === undefined || wanted === undefined) return found === wanted;
  if (!found.value.equals(wanted.value) || found.expiryMs !== wanted.expiryMs) return false;
  return found.stamp === wanted.stamp && found.origin === wanted.origin;
}

t.test('patching a value across all layouts', (t) => {
  const random = seededRandom(seed);
  const space = new Space({ hashKey });
  const slim = new Tree(space, { expiries: false });
  const full = new Tree(space);
  for (let stamp = 1; stamp <= 2000; stamp++) {
    const key = Buffer.alloc(random.pick([1, 255, 256]), 97);
    const piece = random.bytes(random.below(20));
    const offset = random.chance(0.05) ? 0 : random.pick([0, 200, 240, 250, 1010, 1020, 16_380]);
    for (const tree of [slim, full]) {
      if (stamp % 40 === 0) tree.put(key, 0, key.length, stamp, 7, 0, 0, piece, 0, piece.length);
      else tree.patch(key, 0, key.length, stamp, 7, 0, offset, piece, 0, piece.length);
    }
    const [one, other] = [slim, full].map((tree) => seen(tree, key));
    if (!sameAs(one, other)) t.same(one, other, `seed ${seed} stamp ${stamp}`);
  }
  slim.checkTree();
  full.checkTree();
  t.same([slim.digestLow, slim.digestHigh], [full.digestLow, full.digestHigh], 'the digests');
  t.end();
});

t.test('how an element lies is not told, and costs no word that only keys need', (t) => {
  const space = new Space({ hashKey });
  const slim = new Tree(space, { expiries: false });
  const before = space.usedBytes;
  const member = Buffer.from('element:000000000000');
  slim.put(member, 0, member.length, 1, 1, 0, 0, member, 0, 0);
  t.equal(space.usedBytes - before, 32);
  t.equal(slim.flags(slim.first()), 0);
  t.end();
});
