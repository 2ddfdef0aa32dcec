/** Entries whose symbols are equal: what cells cannot tell apart, digests must find. */
import t from 'tap';
import { FLAG_LED } from '../../radix/leaf.js';
import { symbolOf } from '../../radix/sync/cell-span.js';
import { FRAME_LIST, FRAME_SUMMARY, SYNC_MODES, type SyncMode } from '../../radix/sync/messages.js';
import { saltOf } from '../../radix/sync/ranges.js';
import { Tree } from '../../radix/tree.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { contentsOf, done, dropStore, newStore, putKeys, SPACES, type Store } from './stores.js';
import { runSync, WHOLE } from './wire.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const SALT = 12345;
const STAMP = 6;
const TRIES_MAX = 1_000_000;

/** Two keys whose entries have the same symbol: with flags 0 as putKeys writes them. */
function collidingKeys(flags = 0): [Buffer, Buffer] {
  const random = seededRandom(seed);
  const tree = new Tree(SPACES[0]!);
  const seen = new Map<number, Buffer>();
  for (let i = 0; i < TRIES_MAX; i++) {
    const key = random.bytes(8);
    tree.put(key, 0, 8, STAMP, 1, flags, 0, key, 0, 8);
    const symbol = symbolOf(tree.digestLow, saltOf(SALT, 0));
    tree.drop(key, 0, 8);
    const other = seen.get(symbol);
    if (other !== undefined) return [other, key];
    seen.set(symbol, key);
  }
  throw new Error('no two keys with the same symbol');
}

const [first, second] = collidingKeys();

for (const [name, mine, theirs] of [
  ['one of each side: they cancel', [first], [second]],
  ['two of the initiator: they never come apart', [first, second], []],
  ['two of the responder', [], [first, second]],
] as const) {
  t.test(name, (t) => {
    const random = seededRandom(seed + 1);
    const pair = [newStore(0), newStore(1)] as const;
    const both = Array.from({ length: 3000 }, () => random.bytes(8));
    for (const store of pair) putKeys(store, both, 5);
    putKeys(pair[0], mine, STAMP);
    putKeys(pair[1], theirs, STAMP);
    const run = runSync(pair, { range: WHOLE, salt: SALT });
    t.equal(run.initiator.outcome?.isEqual, true);
    t.equal(contentsOf(pair[0]), contentsOf(pair[1]));
    t.equal(pair[0][0]!.tree.allCount, 3002);
    t.comment(run.log.join(' '));
    for (const store of pair) dropStore(store);
    t.end();
  });
}

/** An entry here or there, or on both sides, whose symbol an entry of both sides has, too. */
interface Ambiguous {
  readonly pair: readonly [Store, Store];
  readonly shared: Buffer;
  readonly alone: Buffer;
}

function ambiguous(side: number, flags: number): Ambiguous {
  const random = seededRandom(seed + 2);
  const [shared, alone] = collidingKeys(flags);
  const pair = [newStore(0), newStore(1)] as const;
  const both = Array.from({ length: 3000 }, () => random.bytes(8));
  for (const store of pair) {
    putKeys(store, both, 5);
    putWith(store, shared, flags);
  }
  putWith(pair[side]!, alone, flags);
  // So that what is shared lies in a sub range that differs, whichever side has something there.
  for (const [end, store] of pair.entries()) {
    putWith(store, Buffer.concat([shared, Buffer.of(end)]), flags);
  }
  return { pair, shared, alone };
}

function putWith(store: Store, key: Buffer, flags: number): void {
  store[0]!.tree.put(key, 0, key.length, STAMP, 1, flags, 0, key, 0, key.length);
}

/** What must be there in the end, of both sides. */
function expected(mode: SyncMode, { pair }: Ambiguous): [string, string] {
  const merged = newStore(0);
  for (const store of pair) putAll(merged, store);
  const [initiator, responder, both] = [...pair, merged].map(contentsOf) as [
    string,
    string,
    string,
  ];
  dropStore(merged);
  if (mode === 'destructive') return [contentsOf(newStore(0)), both];
  if (mode === 'push') return [initiator, both];
  if (mode === 'pull') return [both, responder];
  return mode === 'two-way' ? [both, both] : [responder, responder];
}

function putAll(into: Store, { 0: database }: Store): void {
  const { tree } = database!;
  const cursor = tree.cursor({ all: true });
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    const key = tree.key(leaf);
    const [stamp, flags] = [tree.stamp(leaf), tree.flags(leaf) & FLAG_LED];
    into[0]!.tree.put(key, 0, key.length, stamp, 1, flags, 0, key, 0, key.length);
  }
}

for (const mode of SYNC_MODES) {
  for (const side of [0, 1]) {
    t.test(`${mode}: side ${side} has one more of a symbol that both have`, (t) => {
      const made = ambiguous(side, mode === 'follow-led' ? FLAG_LED : 0);
      const { pair, shared } = made;
      const wanted = expected(mode, made);
      let lacked = 0;
      const between = (): void => {
        if (pair[0][0]!.tree.find(shared, 0, shared.length) === 0) lacked++;
      };
      const run = runSync(pair, { range: WHOLE, mode, salt: SALT }, { between });
      const types = run.log.map((entry) => Number(entry.slice(1).split(':')[0]));
      t.same(pair.map(contentsOf), wanted, 'what both sides hold');
      t.notOk(types.includes(FRAME_LIST), 'nothing is listed');
      t.ok(types.filter((type) => type === FRAME_SUMMARY).length <= 2, 'one attempt does');
      if (mode !== 'destructive') t.equal(lacked, 0, 'what both have is never dropped');
      done(...pair);
      t.end();
    });
  }
}
