import t, { type Test } from 'tap';
import { TYPE_FIXED8, TYPE_MIRRORED } from '../../radix/head.js';
import { Space } from '../../radix/space.js';
import { SubTree } from '../../radix/subtree.js';
import { Tree } from '../../radix/tree.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import { HEAD, LED, type OracleEntry, OracleTree, oracleEntry, TOMBSTONE } from './oracle.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const hashKey = Buffer.alloc(16, 5);

/** A database with sub trees beside its oracle; every operation is done to both. */
class Both {
  readonly space = new Space({ hashKey });
  readonly tree = new Tree(this.space);
  readonly sub = new SubTree(this.tree);
  readonly oracle = new OracleTree(hashKey);
  stamp = 1000;

  put(key: Buffer, type: number, subKey: Buffer, origin: number, flags: number, value: Buffer) {
    const stamp = ++this.stamp;
    const head = this.#oracleHead(key, type, stamp, origin, flags);
    const elements = head.sub!.elements;
    const wasThere = elements.findVisible(subKey) !== null;
    elements.put(subKey, stamp, origin, flags, 0, value);
    const isNew = this.sub.put(
      key,
      0,
      key.length,
      type,
      subKey,
      0,
      subKey.length,
      stamp,
      origin,
      flags,
      value,
      0,
      value.length,
    );
    return isNew === !wasThere;
  }

  delete(key: Buffer, subKey: Buffer, origin: number) {
    const stamp = ++this.stamp;
    const head = this.oracle.find(key);
    let expected = false;
    if (head?.kind === HEAD) {
      expected = head.sub!.elements.delete(subKey, stamp, origin);
      this.oracle.set({ ...head, stamp, origin, led: false });
    }
    const got = this.sub.delete(key, 0, key.length, subKey, 0, subKey.length, stamp, origin);
    return got === expected;
  }

  drop(key: Buffer, subKey: Buffer) {
    const expected = this.oracle.find(key)?.sub?.elements.drop(subKey) ?? false;
    return this.sub.drop(key, 0, key.length, subKey, 0, subKey.length) === expected;
  }

  dropAt(key: Buffer, subKey: Buffer, stamp: number, origin: number) {
    const elements = this.oracle.find(key)?.sub?.elements;
    const expected = elements?.dropAt(subKey, stamp, origin) ?? false;
    const at = [subKey, 0, subKey.length, stamp, origin] as const;
    return this.sub.dropAt(key, 0, key.length, ...at) === expected;
  }

  setExpiry(key: Buffer, origin: number, expiryMs: number) {
    const stamp = ++this.stamp;
    const head = this.oracle.find(key);
    const isHead = head?.kind === HEAD;
    if (isHead) {
      const sub = { ...head.sub!, expiryStamp: stamp, expiryOrigin: origin };
      this.oracle.set({ ...head, stamp, origin, led: false, expiryMs, sub });
    }
    return this.sub.setExpiry(key, 0, key.length, stamp, origin, expiryMs) === isHead;
  }

  setMirrored(key: Buffer, isMirrored: boolean, origin: number) {
    const stamp = ++this.stamp;
    const head = this.oracle.find(key);
    const isHead = head?.kind === HEAD;
    if (isHead) {
      const type = (head.sub!.type & ~TYPE_MIRRORED) | (isMirrored ? TYPE_MIRRORED : 0);
      this.oracle.set({ ...head, stamp, origin, led: false, sub: { ...head.sub!, type } });
    }
    return this.sub.setMirrored(key, 0, key.length, isMirrored, stamp, origin) === isHead;
  }

  putBytes(key: Buffer, value: Buffer) {
    const stamp = ++this.stamp;
    this.oracle.put(key, stamp, 1, 0, 0, value);
    this.tree.put(key, 0, key.length, stamp, 1, 0, 0, value, 0, value.length);
    return true;
  }

  deleteKey(key: Buffer) {
    const stamp = ++this.stamp;
    const expected = this.oracle.delete(key, stamp, 1);
    return this.tree.delete(key, 0, key.length, stamp, 1) === expected;
  }

  dropKey(key: Buffer) {
    return this.tree.drop(key, 0, key.length) === this.oracle.drop(key);
  }

  totalsAreEqual(): boolean {
    const expected = this.oracle.totals();
    const { tree } = this;
    return (
      tree.liveCount === expected.live &&
      tree.allCount === expected.all &&
      tree.digestLow === expected.digestLow &&
      tree.digestHigh === expected.digestHigh
    );
  }

  #oracleHead(key: Buffer, type: number, stamp: number, origin: number, flags: number) {
    const old = this.oracle.find(key);
    const led = (flags & LED) !== 0;
    const clearedAt = old === null ? 0 : old.stamp;
    const head: OracleEntry =
      old?.kind === HEAD
        ? { ...old, stamp, origin, led }
        : {
            ...oracleEntry(key, stamp, origin),
            kind: HEAD,
            led,
            sub: {
              type,
              clearedAt,
              expiryStamp: 0,
              expiryOrigin: 0,
              elements: new OracleTree(hashKey, key),
            },
          };
    this.oracle.set(head);
    return head;
  }
}

/** Compares all that can be asked of a sub tree. */
function checkSub(t: Test, both: Both, key: Buffer, random: SeededRandom): void {
  const { sub, oracle } = both;
  const entry = oracle.find(key);
  const isOpen = sub.open(key, 0, key.length);
  if (isOpen !== (entry?.kind === HEAD)) t.fail('open');
  if (!isOpen || entry?.sub === undefined || entry.sub === null) return;
  sub.check();
  const elements = sub.elements;
  const expected = entry.sub.elements;
  const visible = expected.visible();
  const hex = (leaf: number): string => (leaf === 0 ? '-' : elements.key(leaf).toString('hex'));
  const hexOf = (found: OracleEntry | null): string => found?.key.toString('hex') ?? '-';
  const isThere = random.chance(0.5) && visible.length > 0;
  const probe = isThere ? random.pick(visible).key : random.bytes(2);
  const bounds = [probe, 0, probe.length] as const;
  t.equal(elements.liveCount, visible.length);
  t.equal(elements.allCount, expected.entries.length);
  t.equal(hex(elements.first()), hexOf(expected.first()));
  t.equal(hex(elements.last()), hexOf(expected.last()));
  t.equal(hex(elements.ceiling(...bounds)), hexOf(expected.ceiling(probe)));
  t.equal(hex(elements.floor(...bounds)), hexOf(expected.floor(probe)));
  t.equal(hex(elements.next(...bounds)), hexOf(expected.next(probe)));
  t.equal(hex(elements.prev(...bounds)), hexOf(expected.prev(probe)));
  t.equal(elements.rank(...bounds), expected.rank(probe));
  const index = random.below(visible.length + 1);
  t.equal(hex(elements.nth(index)), hexOf(expected.nth(index)));
  const other = random.bytes(1);
  t.equal(
    elements.rangeCount(probe, true, other, false),
    expected.rangeCount(probe, true, other, false),
  );
  t.same(elements.rangeDigest(probe, other), expected.rangeDigest(probe, other));
  const cursor = elements.cursor();
  for (const { key: subKey, value } of visible) {
    const leaf = cursor.next();
    t.ok(elements.key(leaf).equals(subKey) && elements.value(leaf).equals(value));
  }
  t.equal(cursor.next(), 0);
  if (sub.isMirrored) checkMirror(t, sub, visible, random);
}

function checkMirror(t: Test, sub: SubTree, visible: OracleEntry[], random: SeededRandom): void {
  const { mirror } = sub;
  const byValue = [...visible].sort(
    (a, b) => Buffer.compare(a.value, b.value) || Buffer.compare(a.key, b.key),
  );
  const cursor = mirror.tree.cursor();
  for (const { key } of byValue) {
    t.equal(mirror.subKey(cursor.next()).toString('hex'), key.toString('hex'));
  }
  t.equal(cursor.next(), 0);
  if (byValue.length === 0) return;
  const probe = random.pick(byValue);
  mirror.makeKey(probe.value, 0, probe.value.length, probe.key, 0, probe.key.length);
  const rank = mirror.tree.rank(mirror.key, 0, mirror.keyBytes);
  t.equal(rank, byValue.indexOf(probe), 'rank by value');
  mirror.makeLowKey(probe.value, 0, probe.value.length);
  const low = mirror.tree.rank(mirror.key, 0, mirror.keyBytes);
  const hasMore = mirror.makeHighKey(probe.value, 0, probe.value.length);
  const high = hasMore ? mirror.tree.rank(mirror.key, 0, mirror.keyBytes) : mirror.tree.liveCount;
  const equal = byValue.filter((entry) => entry.value.equals(probe.value)).length;
  t.equal(high - low, equal, 'count of one value');
}

function randomSubKey(random: SeededRandom): Buffer {
  const alphabet = [0, 1, 97, 98, 255];
  return Buffer.from(Array.from({ length: random.below(5) }, () => random.pick(alphabet)));
}

function randomValue(random: SeededRandom, type: number): Buffer {
  if ((type & TYPE_FIXED8) !== 0) {
    return Buffer.from([random.pick([0, 255]), 0, 0, 0, 0, 0, 0, 255]);
  }
  if (random.chance(0.05)) return Buffer.alloc(random.pick([1500, 20_000]), random.below(256));
  return randomSubKey(random);
}

t.test('random programs equal the oracle', async (t) => {
  for (const round of [0, 1, 2, 3]) {
    const random = seededRandom(seed + round);
    const both = new Both();
    const longKey = Buffer.alloc(round === 3 ? 300 : 20, 'x');
    const keys = ['', 'a', 'ab', 'b'].map((text) => Buffer.from(text)).concat(longKey);
    const typeOf = (key: Buffer): number =>
      key.length === 1 ? 2 | TYPE_MIRRORED | (key[0] === 98 ? TYPE_FIXED8 : 0) : 1;
    for (let step = 0; step < 1500; step++) {
      const key = random.pick(keys);
      const subKey = randomSubKey(random);
      const origin = random.below(5);
      const flags = random.chance(0.5) ? LED : 0;
      const type = typeOf(key);
      const action = random.below(100);
      let isSame: boolean;
      if (action < 60) {
        isSame = both.put(key, type, subKey, origin, flags, randomValue(random, type));
      } else if (action < 75) isSame = both.delete(key, subKey, origin);
      else if (action < 85) isSame = both.drop(key, subKey);
      else if (action < 88) {
        const found = both.oracle.find(key)?.sub?.elements.entries[0];
        isSame = both.dropAt(key, found?.key ?? subKey, found?.stamp ?? 5, found?.origin ?? 0);
      } else if (action < 93) {
        isSame = both.setExpiry(key, origin, random.pick([0, 2 ** 41 + step]));
      } else if (action < 96 && (type & TYPE_FIXED8) === 0) {
        isSame = both.setMirrored(key, random.chance(0.5), origin);
      } else if (action < 98) isSame = both.putBytes(key, subKey);
      else if (action < 99) isSame = both.deleteKey(key);
      else isSame = both.dropKey(key);
      if (!isSame) t.fail('answer', { seed, round, step, action });
      if (!both.totalsAreEqual()) {
        t.fail('totals', { seed, round, step, action });
        return;
      }
      if (step % 20 === 0) {
        both.tree.checkTree();
        checkSub(t, both, key, random);
        both.space.reclaimStep(10);
      }
    }
    for (const key of keys) both.tree.drop(key, 0, key.length);
    while (both.space.reclaimStep(1000));
    t.equal(both.space.memoryUsage().usedBytes, 0, 'all memory is back');
  }
});

t.test('a sub tree without visible elements does not exist for users', async (t) => {
  const both = new Both();
  const key = Buffer.from('key');
  const field = Buffer.from('field');
  both.put(key, 1, field, 1, 0, Buffer.from('value'));
  t.equal(both.tree.liveCount, 1);
  both.delete(key, field, 1);
  t.equal(both.tree.liveCount, 0);
  t.equal(both.tree.allCount, 2, 'the head and the tombstone');
  t.equal(both.tree.findVisible(key, 0, 3), 0);
  t.equal(both.tree.first(), 0);
  both.put(key, 1, field, 1, 0, Buffer.from('value'));
  t.equal(both.tree.rank(Buffer.from('z'), 0, 1), 1);
});

t.test('deleting a big sub tree is one small write; its memory comes back in slices', async (t) => {
  const both = new Both();
  const key = Buffer.from('key');
  const value = Buffer.from('value');
  for (let i = 0; i < 5000; i++) {
    const field = Buffer.from(`field ${i}`);
    both.sub.put(key, 0, 3, 1, field, 0, field.length, 2000 + i, 1, 0, value, 0, 5);
  }
  t.equal(both.tree.allCount, 5001);
  const before = both.space.memoryUsage().usedBytes;
  both.tree.delete(key, 0, 3, 9000, 1);
  t.equal(both.tree.allCount, 1);
  t.equal(both.tree.liveCount, 0);
  t.ok(both.space.memoryUsage().usedBytes > before / 2, 'not yet');
  t.equal(both.space.reclaimStep(100), true);
  while (both.space.reclaimStep(100));
  t.ok(both.space.memoryUsage().usedBytes < 200);
  const field = Buffer.from('late');
  const late = both.sub.put(key, 0, 3, 1, field, 0, 4, 8999, 1, 0, value, 0, 5);
  t.equal(late, false, 'an element below the tombstone is refused');
  t.equal(both.tree.liveCount, 0);
  both.sub.put(key, 0, 3, 1, field, 0, 4, 9001, 1, 0, value, 0, 5);
  both.sub.open(key, 0, 3);
  t.equal(both.sub.parts.clearedAt, 9000, 'the new head remembers');
  t.equal(both.sub.elements.liveCount, 1);
});

t.test('a value too long for a mirror is refused before anything changes', async (t) => {
  const both = new Both();
  const key = Buffer.from('key');
  const type = 2 | TYPE_MIRRORED;
  both.put(key, type, Buffer.from('f'), 1, 0, Buffer.from('v'));
  const before = both.tree.digestLow;
  const long = Buffer.alloc(70_000, 1);
  t.throws(
    () => both.sub.put(key, 0, 3, type, key, 0, 3, ++both.stamp, 1, 0, long, 0, long.length),
    { code: 'MIRROR_KEY_TOO_LONG' },
  );
  t.equal(both.tree.digestLow, before);
  both.tree.checkTree();
  both.sub.open(key, 0, 3);
  both.sub.check();
  t.equal(both.tree.find(Buffer.from('other'), 0, 5), 0);
  t.ok(TOMBSTONE > HEAD);
});

t.test('when memory ends nothing has changed', async (t) => {
  const space = new Space({ hashKey, arenaBytesMax: 16 * 2 ** 20 });
  const tree = new Tree(space);
  const sub = new SubTree(tree);
  const random = seededRandom(seed + 9);
  const value = Buffer.alloc(200, 'v');
  const put = (): void => {
    const key = random.bytes(1);
    const field = random.bytes(1 + random.below(30));
    const type = 2 | TYPE_MIRRORED;
    const bytes = random.below(200);
    sub.put(key, 0, 1, type, field, 0, field.length, ++stamp, 1, 0, value, 0, bytes);
  };
  let stamp = 1;
  let failedCount = 0;
  for (let i = 0; i < 200_000 && failedCount < 50; i++) {
    const before = `${tree.allCount} ${tree.digestLow}`;
    try {
      put();
    } catch (error) {
      if ((error as { code?: string }).code !== 'OUT_OF_MEMORY') throw error;
      failedCount++;
      if (`${tree.allCount} ${tree.digestLow}` !== before) t.fail('changed', { seed, i });
    }
  }
  t.equal(failedCount, 50, 'memory ended');
  tree.checkTree();
  for (let byte = 0; byte < 256; byte++) {
    if (!sub.open(Buffer.of(byte), 0, 1)) continue;
    sub.check();
    tree.drop(Buffer.of(byte), 0, 1);
  }
  while (space.reclaimStep(1000));
  t.equal(space.memoryUsage().usedBytes, 0);
  put();
  t.equal(tree.liveCount, 1, 'and goes on when there is some again');
});

t.test('whether there may be tombstones, in a database of one key and of two', (t) => {
  const both = new Both();
  const { tree } = both;
  const [one, two] = [Buffer.from('one'), Buffer.from('two')];
  const [first, second] = [Buffer.from('a'), Buffer.from('b')];
  both.put(one, 1, first, 1, 0, Buffer.from('x'));
  t.notOk(tree.mayHoldTombstones, 'one element, which is no tombstone');
  both.put(one, 1, second, 1, 0, Buffer.from('x'));
  t.notOk(tree.mayHoldTombstones, 'two of them');
  both.delete(one, second, 1);
  t.ok(tree.mayHoldTombstones, "an element's");
  both.putBytes(two, Buffer.from('x'));
  t.ok(
    tree.mayHoldTombstones,
    'it is still known of below a node that has been made above its head',
  );
  both.dropKey(one);
  both.put(one, 1, first, 1, 0, Buffer.from('x'));
  both.dropKey(two);
  both.drop(one, first);
  t.ok(tree.mayHoldTombstones, 'a head without elements');
  t.end();
});
