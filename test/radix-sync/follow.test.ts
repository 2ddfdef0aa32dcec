/** Follow: one side becomes what the other is, lower stamps and absences included. */
import t, { type Test } from 'tap';
import { FLAG_LED } from '../../radix/leaf.js';
import { Merger } from '../../radix/merge.js';
import type { SyncMode } from '../../radix/sync/messages.js';
import type { Tree } from '../../radix/tree.js';
import { KEY_SHAPES } from '../radix/shapes.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import {
  checkStore,
  contentsOf,
  done,
  newStore,
  randomPair,
  randomWrite,
  type Store,
} from './stores.js';
import { type Run, runSync, WHOLE, type WireOptions } from './wire.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

function follow(
  pair: readonly [Store, Store],
  mode: SyncMode,
  random: SeededRandom,
  wire: WireOptions = {},
): Run {
  return runSync(pair, { range: WHOLE, mode, salt: random.below(2 ** 32) }, wire);
}

function expectEqualOutcome(t: Test, name: string, { initiator, log, responder }: Run): void {
  for (const { error } of [initiator, responder]) {
    if (error !== null) t.fail(`${name}: ${error.stack}`, { log });
  }
  if (initiator.outcome?.isEqual !== true) t.fail(`${name}: not equal`, { log });
}

function somePair(random: SeededRandom, both = random.pick([0, 20, 300])): [Store, Store] {
  const shape = random.pick(Object.values(KEY_SHAPES));
  return randomPair(random, shape, both, [random.below(90), random.below(90)]);
}

t.test('afterwards the follower is what the other is, which has not changed', (t) => {
  for (let round = 0; round < 80; round++) {
    const random = seededRandom(seed + round);
    const pair = somePair(random);
    const before = contentsOf(pair[1]);
    expectEqualOutcome(t, `round ${round}`, follow(pair, 'follow', random, { random }));
    if (contentsOf(pair[1]) !== before) t.fail(`round ${round}: the other has changed`);
    if (contentsOf(pair[0]) !== before) t.fail(`round ${round}: not what the other is`);
    done(...pair);
  }
  t.pass('80 rounds');
  t.end();
});

t.test('an empty side is followed, too, and follows', (t) => {
  for (let round = 0; round < 10; round++) {
    const random = seededRandom(seed + round);
    const [store, rest] = somePair(random, 100);
    const pair = round % 2 === 0 ? ([store, newStore(1)] as const) : ([newStore(0), rest] as const);
    const before = contentsOf(pair[1]);
    expectEqualOutcome(t, `round ${round}`, follow(pair, 'follow', random));
    if (contentsOf(pair[0]) !== before) t.fail(`round ${round}: not what the other is`);
    done(...pair, round % 2 === 0 ? rest : store);
  }
  t.pass('10 rounds');
  t.end();
});

for (const mode of ['follow', 'follow-led'] as const) {
  t.test(`${mode}: a link that breaks after any frame: the next session goes on`, (t) => {
    for (let round = 0; round < 4; round++) {
      const make = (): [Store, Store] => somePair(seededRandom(seed + round), 100 * (round % 3));
      const random = seededRandom(seed);
      const whole = make();
      const { frames } = follow(whole, mode, random);
      const expected = contentsOf(whole[0]);
      done(...whole);
      for (let framesMax = 0; framesMax < frames; framesMax++) {
        const pair = make();
        follow(pair, mode, random, { framesMax });
        for (const store of pair) checkStore(store);
        expectEqualOutcome(t, `round ${round}`, follow(pair, mode, random));
        const isSame = contentsOf(pair[0]) === expected;
        if (mode === 'follow' && !isSame) t.fail(`round ${round}: after frame ${framesMax}`);
        done(...pair);
      }
    }
    t.pass('every frame');
    t.end();
  });

  t.test(`${mode}: writers on both sides, and then silence`, (t) => {
    for (let round = 0; round < 25; round++) {
      const random = seededRandom(seed + round);
      const shape = random.pick(Object.values(KEY_SHAPES));
      const pair = randomPair(random, shape, 200, [60, 60]);
      let stamp = 100_000;
      const between = (): void => {
        for (const [side, store] of pair.entries()) {
          if (random.chance(0.5)) randomWrite(random, shape, 2 * stamp++ + side)(store);
        }
      };
      const busy = follow(pair, mode, random, { random, between });
      for (const { error } of [busy.initiator, busy.responder]) {
        if (error !== null) t.fail(`round ${round}: ${error.stack}`);
      }
      expectEqualOutcome(t, `round ${round}`, follow(pair, mode, random));
      if (mode === 'follow' && contentsOf(pair[0]) !== contentsOf(pair[1])) {
        t.fail(`round ${round}: not what the other is`);
      }
      done(...pair);
    }
    t.pass('25 rounds');
    t.end();
  });
}

/** What a side that follows led entries should hold: key by key, of entries without sub trees. */
function followedLed(mine: Tree, theirs: Tree, into: Tree): void {
  const merger = new Merger(into);
  const copy = (tree: Tree, leaf: number): void => {
    const [key, value] = [tree.key(leaf), tree.value(leaf)];
    const what = [tree.stamp(leaf), tree.origin(leaf), tree.flags(leaf)] as const;
    merger.entry(key, 0, key.length, ...what, tree.expiryMs(leaf), value, 0, value.length);
  };
  const cursor = mine.cursor({ all: true });
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    if ((mine.flags(leaf) & FLAG_LED) === 0) copy(mine, leaf);
  }
  const other = theirs.cursor({ all: true });
  for (let leaf = other.next(); leaf !== 0; leaf = other.next()) copy(theirs, leaf);
}

function plainWrite(random: SeededRandom, stamp: number, store: Store, keys: number): void {
  const { tree } = store[0]!;
  const key = Buffer.from(`key ${random.below(keys)}`);
  const at = [key, 0, key.length, stamp, random.below(3), random.pick([0, FLAG_LED])] as const;
  const value = random.bytes(5);
  if (random.chance(0.2)) tree.delete(...at);
  else tree.put(...at, random.chance(0.2) ? 2 ** 41 : 0, value, 0, value.length);
}

t.test('follow-led: what was led is as there, what is free is merged', (t) => {
  for (let round = 0; round < 80; round++) {
    const random = seededRandom(seed + round);
    const pair = [newStore(0), newStore(1)] as const;
    const keys = random.pick([10, 100, 1000]);
    for (let stamp = 1; stamp < random.pick([2, 300]); stamp++) {
      const writeSeed = random.below(2 ** 32);
      for (const store of pair) plainWrite(seededRandom(writeSeed), stamp, store, keys);
    }
    for (const [side, store] of pair.entries()) {
      for (let i = random.below(100); i > 0; i--)
        plainWrite(random, 1000 + 2 * i + side, store, keys);
    }
    const expected = newStore(0);
    followedLed(pair[0][0]!.tree, pair[1][0]!.tree, expected[0]!.tree);
    const before = contentsOf(pair[1]);
    expectEqualOutcome(t, `round ${round}`, follow(pair, 'follow-led', random, { random }));
    if (contentsOf(pair[1]) !== before) t.fail(`round ${round}: the other has changed`);
    if (contentsOf(pair[0]) !== contentsOf(expected)) t.fail(`round ${round}: not as it should be`);
    done(...pair, expected);
  }
  t.pass('80 rounds');
  t.end();
});

/** What is known of a key: what clears it, and its elements, tombstones among them. */
interface KeyState {
  /** Of a head its `clearedAt`, of other entries their stamp. */
  readonly clearedAt: number;
  readonly isLed: boolean;
  readonly isHead: boolean;
  readonly elements: Map<string, Element>;
}

interface Element {
  readonly stamp: number;
  readonly origin: number;
  readonly isLed: boolean;
  readonly text: string;
}

function statesOf(store: Store): Map<string, KeyState> {
  const all = new Map<string, KeyState>();
  const { sub, tree } = store[0]!;
  const cursor = tree.cursor({ all: true });
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    const key = tree.key(leaf);
    const isLed = (tree.flags(leaf) & FLAG_LED) !== 0;
    const found = new Map<string, Element>();
    const stamp = tree.stamp(leaf);
    const isHead = sub.open(key, 0, key.length);
    const clearedAt = isHead ? sub.parts.clearedAt : stamp;
    all.set(key.toString(), { clearedAt, isLed, isHead, elements: found });
    if (!isHead) continue;
    const { elements } = sub;
    const inner = elements.cursor({ all: true });
    for (let at = inner.next(); at !== 0; at = inner.next()) {
      found.set(elements.key(at).toString(), {
        stamp: elements.stamp(at),
        origin: elements.origin(at),
        isLed: (elements.flags(at) & FLAG_LED) !== 0,
        text: `${elements.kind(at)} ${elements.value(at).toString('hex')}`,
      });
    }
  }
  return all;
}

/**
 * What a side that follows should hold of each element: led as there, free merged, less what is
 * cleared there, and what a free clear of its own covers.
 */
function followedElements(
  mine: ReadonlyMap<string, KeyState>,
  theirs: ReadonlyMap<string, KeyState>,
): Map<string, Element> {
  const expected = new Map<string, Element>();
  for (const key of new Set([...mine.keys(), ...theirs.keys()])) {
    const own = mine.get(key);
    const other = theirs.get(key);
    const cleared = Math.max(other?.clearedAt ?? 0, clearOf(own, other));
    for (const member of new Set([...membersOf(own), ...membersOf(other)])) {
      const result = followed(own?.elements.get(member), other?.elements.get(member));
      if (result !== undefined && result.stamp > cleared) expected.set(`${key}/${member}`, result);
    }
  }
  return expected;
}

/** What of the own clear of a key stays in force. */
function clearOf(own: KeyState | undefined, other: KeyState | undefined): number {
  if (own === undefined || (own.isLed && (!own.isHead || other?.isLed !== false))) return 0;
  return own.clearedAt;
}

function membersOf(state: KeyState | undefined): Iterable<string> {
  return state?.elements.keys() ?? [];
}

function followed(own: Element | undefined, other: Element | undefined): Element | undefined {
  const kept = own === undefined || own.isLed ? undefined : own;
  if (kept === undefined || other === undefined) return kept ?? other;
  const order = kept.stamp - other.stamp || kept.origin - other.origin;
  return order >= 0 ? kept : other;
}

/** All elements of a store, by key and sub key. */
function elementsOf(store: Store): Map<string, Element> {
  const all = new Map<string, Element>();
  for (const [key, { elements }] of statesOf(store)) {
    for (const [member, element] of elements) all.set(`${key}/${member}`, element);
  }
  return all;
}

function elementWrite(random: SeededRandom, stamp: number, store: Store, members: number): void {
  const { sub, tree } = store[0]!;
  const key = Buffer.from(`set ${random.below(6)}`);
  const member = Buffer.from(`member ${random.below(members)}`);
  const at = [key, 0, key.length] as const;
  const element = [member, 0, member.length] as const;
  const what = [stamp, random.below(3), random.pick([0, FLAG_LED])] as const;
  const value = random.bytes(5);
  const isDeleted = random.chance(0.2);
  const isExpiry = random.chance(0.1);
  const isWhole = random.chance(0.05);
  if (isWhole) tree.delete(...at, ...what);
  else if (isExpiry) sub.setExpiry(...at, stamp, what[1], 2 ** 41 + random.below(100));
  else if (isDeleted) sub.delete(...at, ...element, ...what);
  else sub.put(...at, 1, ...element, ...what, value, 0, value.length);
}

/** Stamp and parts of the heads that the other side has led. */
function ledHeads(store: Store): Map<string, string> {
  const heads = new Map<string, string>();
  const { sub, tree } = store[0]!;
  const cursor = tree.cursor({ all: true });
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    const key = tree.key(leaf);
    if ((tree.flags(leaf) & FLAG_LED) === 0 || !sub.open(key, 0, key.length)) continue;
    const { clearedAt, expiryMs, expiryStamp, type } = sub.parts;
    heads.set(key.toString(), [type, clearedAt, expiryMs, expiryStamp].join());
  }
  return heads;
}

t.test('follow-led: elements of sub trees, and their heads', (t) => {
  let followedHeads = 0;
  for (let round = 0; round < 80; round++) {
    const random = seededRandom(seed + round);
    const pair = [newStore(0), newStore(1)] as const;
    const members = random.pick([3, 30, 300]);
    for (let stamp = 1; stamp < random.pick([2, 300]); stamp++) {
      const writeSeed = random.below(2 ** 32);
      for (const store of pair) elementWrite(seededRandom(writeSeed), stamp, store, members);
    }
    for (const [side, store] of pair.entries()) {
      for (let i = random.below(100); i > 0; i--) {
        elementWrite(random, 1000 + 2 * i + side, store, members);
      }
    }
    const expected = followedElements(statesOf(pair[0]), statesOf(pair[1]));
    const hadLed = ledHeads(pair[0]);
    const before = contentsOf(pair[1]);
    expectEqualOutcome(t, `round ${round}`, follow(pair, 'follow-led', random, { random }));
    if (contentsOf(pair[1]) !== before) t.fail(`round ${round}: the other has changed`);
    const actual = elementsOf(pair[0]);
    for (const path of new Set([...expected.keys(), ...actual.keys()])) {
      const [is, should] = [actual.get(path), expected.get(path)].map((one) => JSON.stringify(one));
      if (is !== should) t.fail(`round ${round}: ${path} is ${is}, should be ${should}`);
    }
    const after = ledHeads(pair[0]);
    for (const [key, parts] of ledHeads(pair[1])) {
      if (!hadLed.has(key)) continue;
      followedHeads++;
      if (after.get(key) !== parts) t.fail(`round ${round}: head ${key}, ${after.get(key)}`);
    }
    done(...pair);
  }
  t.ok(followedHeads > 20, `${followedHeads} heads`);
  t.end();
});
