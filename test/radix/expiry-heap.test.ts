import t from 'tap';
import { ExpiryHeap, NO_SLOT } from '../../radix/expiry-heap.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

/** A heap whose leaves are numbers that remember slot and expiry in maps. */
function heapWithOracle() {
  const slots = new Map<number, number>();
  const expiries = new Map<number, number>();
  const heap = new ExpiryHeap({
    setHeapSlot: (leaf, slot) => slots.set(leaf, slot),
    addHeapBytes: () => {},
  });
  return {
    heap,
    slots,
    expiries,
    add(leaf: number, expiryMs: number) {
      expiries.set(leaf, expiryMs);
      heap.add(leaf, expiryMs);
    },
    remove(leaf: number) {
      heap.remove(slots.get(leaf)!);
      slots.delete(leaf);
      expiries.delete(leaf);
    },
    check() {
      heap.check(
        (leaf) => slots.get(leaf)!,
        (leaf) => expiries.get(leaf)!,
      );
    },
  };
}

t.test('an empty heap', async (t) => {
  const { heap } = heapWithOracle();
  t.equal(heap.firstDueMs, Infinity);
  t.equal(heap.popDue(Infinity), 0);
  t.equal(heap.size, 0);
  heap.remove(NO_SLOT);
  heap.move(NO_SLOT, 5);
  t.throws(() => heap.remove(0));
});

t.test('a random program equals sorting', async (t) => {
  const random = seededRandom(seed);
  const { heap, slots, expiries, add, remove, check } = heapWithOracle();
  let leafCount = 0;
  for (let step = 0; step < 20_000; step++) {
    const some = expiries.size > 0 ? random.pick([...expiries.keys()].slice(0, 50)) : 0;
    const action = random.below(10);
    if (action < 5 || some === 0) {
      add(++leafCount, random.below(1000) + 2 ** 41);
    } else if (action < 6) {
      remove(some);
    } else if (action < 7) {
      const moved = ++leafCount;
      heap.move(slots.get(some)!, moved);
      slots.set(moved, slots.get(some)!);
      expiries.set(moved, expiries.get(some)!);
      slots.delete(some);
      expiries.delete(some);
    } else if (action < 8) {
      expiries.set(some, random.below(1000) + 2 ** 41);
      heap.change(slots.get(some)!, some, expiries.get(some)!);
    } else {
      const first = Math.min(...expiries.values());
      if (heap.firstDueMs !== first) t.fail('first', { seed, step });
      if (heap.popDue(first - 1) !== 0) t.fail('popped before its time', { seed, step });
      const leaf = heap.popDue(first);
      if (expiries.get(leaf) !== first) t.fail('popped another', { seed, step });
      if (slots.get(leaf) !== NO_SLOT) t.fail('keeps a slot', { seed, step });
      expiries.delete(leaf);
      slots.delete(leaf);
    }
    if (step % 100 === 0) check();
  }
  t.equal(heap.size, expiries.size);
  const popped: number[] = [];
  for (;;) {
    const leaf = heap.popDue(Infinity);
    if (leaf === 0) break;
    popped.push(expiries.get(leaf)!);
  }
  t.same(
    popped,
    [...expiries.values()].sort((a, b) => a - b),
  );
});

t.test('chunks come and go without copies', async (t) => {
  const { heap, add, check } = heapWithOracle();
  for (let leaf = 1; leaf <= 50_000; leaf++) add(leaf, (leaf * 7919) % 50_021);
  check();
  t.equal(heap.usedBytes, 50_000 * 12);
  t.ok(heap.reservedBytes >= heap.usedBytes);
  let before = -1;
  while (heap.size > 0) {
    const due = heap.firstDueMs;
    if (due < before) t.fail('out of order');
    before = due;
    heap.popDue(due);
  }
  t.ok(heap.reservedBytes <= 8192 * 12 * 2, 'at most a spare chunk is kept');
  add(1, 5);
  heap.clear();
  t.equal(heap.reservedBytes, 0);
});
