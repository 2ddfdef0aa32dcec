/**
 * No slice of a session does more than a bounded piece of work, however much there is to do. Work is
 * counted, not timed: what costs time goes through a few functions, and these are counted here.
 */
import t, { type Test } from 'tap';
import { Merger } from '../../radix/merge.js';
import { SubTree } from '../../radix/subtree.js';
import { LeafWalk } from '../../radix/sync/leaf-walk.js';
import type { SyncMode } from '../../radix/sync/messages.js';
import { Replica } from '../../radix/sync/replica.js';
import { Cells, Decoder } from '../../radix/sync/riblt.js';
import { SyncSession } from '../../radix/sync/session.js';
import { Tree } from '../../radix/tree.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import type { Store } from './stores.js';
import { contentsOf, done, newStore, putElements, putKeys } from './stores.js';
import { WHOLE } from './wire.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

/** About 0.1 us each, on a machine of 2020: a slice is 1.2 ms at most, of the 10 ms that it may take. */
const SLICE_UNITS_MAX = 12_000;
const ENTRIES = 30_000;
const TURNS_MAX = 1_000_000;

/** Since the slice began. */
let units = 0;

/** Counts what a method does: so many units for a call, told its arguments and result. */
function count<K extends string>(
  prototype: Record<K, (...args: never[]) => unknown>,
  name: K,
  unitsOf: (args: readonly unknown[], result: unknown) => number,
): void {
  const original = prototype[name] as (...args: unknown[]) => unknown;
  const counted = function (this: unknown, ...args: unknown[]): unknown {
    const result = original.apply(this, args);
    units += unitsOf(args, result);
    return result;
  };
  Object.assign(prototype, { [name]: counted });
}

count(LeafWalk.prototype, 'fill', (_args, leaves) => Number(leaves));
count(Cells.prototype, 'addAll', ([, begin, end]) => (Number(end) - Number(begin)) / 8);
count(Cells.prototype, 'subtract', () => 100);
count(Decoder.prototype, 'step', ([cells]) => Number(cells) / 4);
count(Replica.prototype, 'prefix', () => 10);
count(Replica.prototype, 'placeOf', () => 10);
count(Replica.prototype, 'placeNear', () => 10);
for (const name of ['entry', 'element', 'head'] as const) count(Merger.prototype, name, () => 10);
for (const name of ['drop', 'dropLeaf', 'putEntry'] as const) count(Tree.prototype, name, () => 10);
for (const name of ['drop', 'begin'] as const) count(SubTree.prototype, name, () => 10);
// Of its elements, which it looks through, and of those that it drops.
count(SubTree.prototype, 'purge', () => SLICE_UNITS_MAX + 1);

interface Work {
  readonly most: number;
  readonly slices: number;
  readonly total: number;
}

/** Lets two sides talk, and counts the work of each slice. */
function workOf(pair: readonly [Store, Store], mode: SyncMode): Work {
  const initiator = SyncSession.initiate(pair[0], { range: WHOLE, mode, salt: seed | 0 });
  const responder = SyncSession.respond(pair[1]);
  let [most, slices, total] = [0, 0, 0];
  for (let turn = 0, isBusy = true; isBusy; turn++) {
    if (turn > TURNS_MAX) throw new Error('the sessions go on for ever');
    isBusy = false;
    for (const [from, to] of [
      [initiator, responder],
      [responder, initiator],
    ] as const) {
      units = 0;
      if (from.work()) isBusy = true;
      most = Math.max(most, units);
      total += units;
      slices++;
      for (let frame = from.take(); frame !== null; frame = from.take()) {
        isBusy = true;
        units = 0;
        to.receive(frame);
        most = Math.max(most, units);
      }
    }
  }
  if (initiator.error !== null) throw initiator.error;
  if (responder.error !== null) throw responder.error;
  return { most, slices, total };
}

const random = seededRandom(seed);
const keysOf = (length: number): Buffer[] => Array.from({ length }, () => random.bytes(12));
const SET = Buffer.from('a set');

interface Scenario {
  readonly name: string;
  readonly mode?: SyncMode;
  readonly fill: (mine: Store, theirs: Store) => void;
}

function both(mine: Store, theirs: Store, length = ENTRIES): Buffer[] {
  const keys = keysOf(length);
  for (const store of [mine, theirs]) putKeys(store, keys, 5);
  return keys;
}

function differing(mine: Store, theirs: Store): void {
  both(mine, theirs);
  putKeys(mine, keysOf(1000), 6);
  putKeys(theirs, keysOf(1000), 6);
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'some differ', fill: differing },
  { name: 'some are dropped', mode: 'destructive', fill: differing },
  { name: 'some are followed', mode: 'follow', fill: differing },
  {
    name: 'nothing is common',
    fill: (mine, theirs) => {
      putKeys(mine, keysOf(ENTRIES), 5);
      putKeys(theirs, keysOf(ENTRIES), 5);
    },
  },
  {
    name: 'one place differs',
    fill: (mine, theirs) => {
      both(mine, theirs);
      const keys = Array.from({ length: 3000 }, (_, i) => Buffer.from(`place ${i}`));
      putKeys(mine, keys.slice(1500), 6);
      putKeys(theirs, keys.slice(0, 1500), 6);
    },
  },
  ...(['two-way', 'destructive', 'follow'] as const).map((mode) => ({
    name: `few here, many there: ${mode}`,
    mode,
    fill: (mine: Store, theirs: Store) => {
      putKeys(mine, both(mine, theirs, 200).slice(100), 6);
      putKeys(theirs, keysOf(ENTRIES), 5);
    },
  })),
  ...(['two-way', 'push', 'follow'] as const).map((mode) => ({
    name: `many here, few there: ${mode}`,
    mode,
    fill: (mine: Store, theirs: Store) => {
      putKeys(theirs, both(mine, theirs, 200).slice(100), 6);
      putKeys(mine, keysOf(ENTRIES), 5);
    },
  })),
  { name: 'one side is filled', fill: (mine) => putKeys(mine, keysOf(ENTRIES), 5) },
  {
    name: 'all is dropped, for it is equal',
    mode: 'destructive',
    fill: (mine, theirs) => both(mine, theirs),
  },
  {
    name: 'all is dropped, for the leader has nothing',
    mode: 'follow',
    fill: (mine) => putKeys(mine, keysOf(ENTRIES), 5),
  },
  {
    name: 'a clear comes',
    fill: (mine, theirs) => {
      both(mine, theirs);
      theirs[0]!.clear(6);
      putKeys(theirs, keysOf(10), 7);
    },
  },
  {
    name: 'a sub tree differs',
    fill: (mine, theirs) => {
      const members = keysOf(ENTRIES);
      for (const store of [mine, theirs]) putElements(store, SET, members, 5);
      putElements(mine, SET, keysOf(500), 6);
      putElements(theirs, SET, keysOf(500), 7);
    },
  },
  { name: 'a sub tree comes', fill: (mine) => putElements(mine, SET, keysOf(ENTRIES), 5) },
  {
    name: 'many sub trees differ',
    fill: (mine, theirs) => {
      for (const key of keysOf(8000)) {
        for (const store of [mine, theirs]) putElements(store, key, keysOf(1), 5);
      }
    },
  },
  {
    name: 'a sub tree is deleted',
    fill: (mine, theirs) => {
      const members = keysOf(ENTRIES);
      for (const store of [mine, theirs]) putElements(store, SET, members, 5);
      theirs[0]!.tree.delete(SET, 0, SET.length, 9, 1, 0);
    },
  },
  ...(['two-way', 'follow'] as const).map((mode) => ({
    name: `a sub tree is deleted, but for what is newer: ${mode}`,
    mode,
    fill: (mine: Store, theirs: Store) => {
      const members = keysOf(ENTRIES);
      for (const store of [mine, theirs]) putElements(store, SET, members, 5);
      theirs[0]!.tree.delete(SET, 0, SET.length, 9, 1, 0);
      putElements(theirs, SET, keysOf(2000), 10);
      putElements(mine, SET, keysOf(2000), 10);
    },
  })),
];

t.test('no slice does more than its share of the work', (t: Test) => {
  for (const { name, mode = 'two-way', fill } of SCENARIOS) {
    const pair = [newStore(0), newStore(1)] as const;
    fill(...pair);
    const { most, slices, total } = workOf(pair, mode);
    t.comment(`${name}: ${Math.round(most)} at most, ${Math.round(total)} in ${slices} slices`);
    t.ok(most <= SLICE_UNITS_MAX, `${name}: ${most}`);
    t.ok(total > 100, `${name}: it is counted`);
    if (mode === 'two-way') t.equal(contentsOf(pair[0]), contentsOf(pair[1]), name);
    done(...pair);
  }
  t.end();
});
