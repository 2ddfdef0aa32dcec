import { strict as assert } from 'node:assert';
import t from 'tap';
import type { Leaf } from '../../radix/leaf.js';
import { Space } from '../../radix/space.js';
import { Tree } from '../../radix/tree.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import { isVisible, LED, type OracleEntry, OracleTree, oracleEntry, RAW } from './oracle.js';
import { anyKey, KEY_SHAPES, type KeyShape } from './shapes.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const hashKey = Buffer.from('0123456789abcdef');

class Program {
  readonly space = new Space({ hashKey });
  readonly tree = new Tree(this.space);
  readonly oracle = new OracleTree(hashKey);
  readonly random: SeededRandom;
  readonly shape: KeyShape;
  stamp = 2 ** 40;

  constructor(random: SeededRandom, shape: KeyShape) {
    this.random = random;
    this.shape = shape;
  }

  value(): Buffer {
    const { random } = this;
    const kind = random.below(20);
    if (kind === 0) return random.bytes(random.below(40_000));
    if (kind < 4) return random.bytes(random.below(3_000));
    return random.bytes(random.below(100));
  }

  expiry(): number {
    return this.random.chance(0.2) ? 1 + this.random.below(2 ** 43) : 0;
  }

  step(): void {
    const { oracle, random, tree } = this;
    const key = this.shape(random);
    // The key stands somewhere in a buffer, as it does in a request.
    const before = random.below(5);
    const buffer = Buffer.concat([random.bytes(before), key, random.bytes(random.below(5))]);
    const at = [buffer, before, before + key.length] as const;
    this.stamp += random.below(3) * (2 ** 31 + 5);
    const origin = random.below(2 ** 16);
    const stamped = [this.stamp, origin] as const;
    const flags = random.pick([0, LED, RAW, LED | RAW]);
    switch (random.below(8)) {
      case 0:
      case 1: {
        const value = this.value();
        const expiry = this.expiry();
        const leaf = tree.put(...at, ...stamped, flags, expiry, value, 0, value.length);
        oracle.put(key, ...stamped, flags, expiry, value);
        this.compare(leaf, oracle.find(key));
        break;
      }
      case 2: {
        const found = oracle.find(key);
        const offset = random.pick([random.below(200), found?.value.length ?? 0, 0]);
        const piece = this.value();
        const leaf = tree.patch(...at, ...stamped, flags, offset, piece, 0, piece.length);
        oracle.patch(key, ...stamped, flags, offset, piece);
        this.compare(leaf, oracle.find(key));
        break;
      }
      case 3: {
        const wasVisible = oracle.delete(key, ...stamped, flags);
        assert.equal(tree.delete(...at, ...stamped, flags & LED), wasVisible);
        break;
      }
      case 4:
        assert.equal(tree.drop(...at), oracle.drop(key));
        break;
      case 5: {
        const stamp = oracle.find(key)?.stamp ?? 1;
        const origin = (oracle.find(key)?.origin ?? 1) + random.below(2);
        assert.equal(tree.dropAt(...at, stamp, origin), oracle.dropAt(key, stamp, origin));
        break;
      }
      case 6: {
        const expiry = this.expiry();
        const leaf = tree.setExpiry(...at, ...stamped, expiry);
        assert.equal(leaf !== 0, oracle.setExpiry(key, ...stamped, expiry));
        if (leaf !== 0) this.compare(leaf, oracle.find(key));
        break;
      }
      default:
        this.merge(key, at, flags);
    }
  }

  merge(key: Buffer, at: readonly [Buffer, number, number], flags: number): void {
    const { oracle, random, tree } = this;
    const entry: OracleEntry = {
      ...oracleEntry(key, this.stamp - random.below(3) * 1000, random.below(3)),
      value: random.bytes(random.below(3)),
      led: (flags & LED) !== 0,
    };
    const { stamp, origin, value } = entry;
    const length = value.length;
    const written = tree.merge(...at, stamp, origin, flags & LED, 0, value, 0, length);
    const took = written !== 0;
    if (took) assert.equal(written, tree.find(...at));
    const old = oracle.find(key);
    // Of equal stamps a tombstone wins, which oracle.merge leaves open.
    const ties = old !== null && old.stamp === stamp && old.origin === origin;
    if (ties && old.kind !== entry.kind) assert.equal(took, old.kind < entry.kind);
    else assert.equal(took, oracle.merge(entry));
  }

  compare(leaf: Leaf, entry: OracleEntry | null): void {
    const { tree } = this;
    if (entry === null) {
      assert.equal(leaf, 0, 'absent');
      return;
    }
    const { key, kind, stamp, origin, expiryMs, value } = entry;
    const got = {
      kind: tree.kind(leaf),
      stamp: tree.stamp(leaf),
      origin: tree.origin(leaf),
      led: (tree.flags(leaf) & LED) !== 0,
      raw: (tree.flags(leaf) & RAW) !== 0,
      expiryMs: tree.expiryMs(leaf),
      keyBytes: tree.keyBytes(leaf),
      valueBytes: tree.valueBytes(leaf),
    };
    const { led, raw } = entry;
    const wanted = { kind, stamp, origin, led, raw, expiryMs };
    assert.deepEqual(got, { ...wanted, keyBytes: key.length, valueBytes: value.length });
    assert.ok(tree.key(leaf).equals(key), 'the key');
    assert.ok(tree.value(leaf).equals(value), 'the value');
    assert.equal(Math.sign(tree.compareValue(leaf, value, 0, value.length)), 0);
    if (value.length === 0) return;
    const from = this.random.below(value.length);
    const to = this.random.between(from, value.length);
    const target = Buffer.alloc(to - from + 2, 1);
    assert.equal(tree.copyValue(leaf, target, 1, from, to), to - from + 1);
    assert.ok(target.subarray(1, -1).equals(value.subarray(from, to)), 'a part of the value');
    assert.equal(target[0]! + target[target.length - 1]!, 2, 'nothing around it');
    assert.equal(tree.valueByte(leaf, from), value[from]);
  }

  /** Looks at everything the tree says. */
  compareAll(): void {
    const { oracle, random, tree } = this;
    tree.checkTree();
    const totals = oracle.totals();
    assert.equal(tree.liveCount, totals.live);
    assert.equal(tree.allCount, totals.all);
    assert.equal(tree.digestLow, totals.digestLow);
    assert.equal(tree.digestHigh, totals.digestHigh);
    for (const entry of oracle.entries) {
      this.compare(tree.find(entry.key, 0, entry.key.length), entry);
    }
    this.compare(tree.first(), oracle.first());
    this.compare(tree.last(), oracle.last());
    for (let i = 0; i < 30; i++) {
      const key = this.shape(random);
      const at = [key, 0, key.length] as const;
      this.compare(tree.findVisible(...at), oracle.findVisible(key));
      this.compare(tree.ceiling(...at), oracle.ceiling(key));
      this.compare(tree.floor(...at), oracle.floor(key));
      this.compare(tree.next(...at), oracle.next(key));
      this.compare(tree.prev(...at), oracle.prev(key));
      assert.equal(tree.rank(...at), oracle.rank(key));
      const index = random.below(totals.live + 2) - 1;
      this.compare(tree.nth(index), oracle.nth(index));
      this.compareRange(random.chance(0.9) ? key : null);
    }
    this.compareCursor(true);
    this.compareCursor(false);
  }

  compareRange(low: Buffer | null): void {
    const { oracle, random, tree } = this;
    const high = random.chance(0.9) ? this.shape(random) : null;
    const bounds = [low, random.chance(0.5), high, random.chance(0.5)] as const;
    assert.equal(tree.rangeCount(...bounds), oracle.rangeCount(...bounds));
    if (low === null || high === null) return;
    assert.deepEqual(tree.rangeDigest(low, high), oracle.rangeDigest(low, high));
  }

  compareCursor(all: boolean): void {
    const { oracle, tree } = this;
    const wanted = oracle.entries.filter((entry) => all || isVisible(entry));
    const cursor = tree.cursor({ all });
    const forward: Buffer[] = [];
    for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) forward.push(tree.key(leaf));
    const backward: Buffer[] = [];
    for (let leaf = cursor.prev(); leaf !== 0; leaf = cursor.prev()) backward.push(tree.key(leaf));
    const keys = wanted.map(({ key }) => key);
    assert.ok(Buffer.concat(forward).equals(Buffer.concat(keys)), 'forward');
    assert.equal(forward.length, wanted.length);
    assert.ok(Buffer.concat(backward.reverse()).equals(Buffer.concat(forward)), 'backward');
    assert.equal(backward.length, forward.length);
  }

  /** Drops everything: all memory must come back. */
  empty(): void {
    for (const { key } of this.random.shuffle([...this.oracle.entries])) {
      assert.ok(this.tree.drop(key, 0, key.length));
    }
    assert.equal(this.tree.root, 0);
    assert.equal(this.space.usedBytes, 0);
    assert.equal(this.tree.expiries.size, 0);
  }
}

for (const [name, shape] of [...Object.entries(KEY_SHAPES), ['all shapes', anyKey] as const]) {
  t.test(`random program: ${name}`, (t) => {
    const program = new Program(seededRandom(seed), shape);
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 700; j++) program.step();
      program.compareAll();
    }
    program.empty();
    t.pass('the tree does what the oracle does');
    t.end();
  });
}
