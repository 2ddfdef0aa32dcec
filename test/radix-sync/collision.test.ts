/** Entries whose symbols are equal: what cells cannot tell apart, digests must find. */
import t from 'tap';
import { symbolOf } from '../../radix/sync/cell-span.js';
import { saltOf } from '../../radix/sync/ranges.js';
import { Tree } from '../../radix/tree.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { contentsOf, dropStore, newStore, putKeys, SPACES } from './stores.js';
import { runSync, WHOLE } from './wire.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const SALT = 12345;
const STAMP = 6;
const TRIES_MAX = 1_000_000;

/** Two keys whose entries, as putKeys writes them, have the same symbol. */
function collidingKeys(): [Buffer, Buffer] {
  const random = seededRandom(seed);
  const tree = new Tree(SPACES[0]!);
  const seen = new Map<number, Buffer>();
  for (let i = 0; i < TRIES_MAX; i++) {
    const key = random.bytes(8);
    tree.put(key, 0, 8, STAMP, 1, 0, 0, key, 0, 8);
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
