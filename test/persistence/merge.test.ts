/**
 * Entries that come from elsewhere are kept as well: merges of bytes, tombstones, heads, elements
 * and clears in random order, with stamps and origins of others, and a crash every now and then.
 */
import t from 'tap';
import { ReplicatedDatabase } from '../../lib/store/replicated-database.js';
import { HeadParts, TYPE_MIRRORED } from '../../radix/head.js';
import { KIND_BYTES, KIND_TOMBSTONE } from '../../radix/leaf.js';
import { Merger } from '../../radix/merge.js';
import { Kept, stateOf } from '../support/kept-node.js';
import type { LocalNode } from '../support/local.js';
import { type SeededRandom, seededRandom } from '../support/random.js';

const SEED = Number(process.env['SEED'] ?? 0);
const PROGRAMS = 18;
const STEPS = 400;
const NOTHING = Buffer.alloc(0);
const TYPES = [1, 4, 4 | TYPE_MIRRORED];

/** One merge into database 0, of anything. */
function mergeSomething(node: LocalNode, random: SeededRandom, clock: number): void {
  const [database] = node.node.store.databases;
  const merger = new Merger(database!.tree);
  merger.clearedAt = database!.clearedAt;
  const key = Buffer.from(random.pick(['a', 'ab', 'abc', 'b', 'c', 'ca']));
  const stamp = clock + random.below(1000);
  const at = [key, 0, key.length] as const;
  const value = random.bytes(random.below(20));
  const expiryMs = random.chance(0.2) ? node.world.nowMs + 1_000_000 + random.below(1000) : 0;
  const origin = random.below(4);
  const kind = random.chance(0.5) ? KIND_BYTES : KIND_TOMBSTONE;
  const bytes = kind === KIND_BYTES ? value : NOTHING;
  const expiry = kind === KIND_BYTES ? expiryMs : 0;
  const type = random.pick(TYPES);
  switch (random.below(8)) {
    case 0:
      merger.entry(...at, stamp, origin, kind, expiry, bytes, 0, bytes.length);
      return;
    case 1: {
      const parts = new HeadParts();
      parts.reset(type, random.chance(0.3) ? stamp - 1 - random.below(200) : 0);
      if (expiryMs !== 0 && parts.clearedAt < stamp) {
        parts.expiryMs = expiryMs;
        parts.expiryStamp = stamp;
        parts.expiryOrigin = origin;
      }
      merger.head(...at, stamp, origin, 0, parts);
      return;
    }
    default: {
      const sub = Buffer.from(random.pick(['x', 'xy', 'y', 'z', 'zz']));
      const element = [type, sub, 0, sub.length, stamp, origin, kind] as const;
      merger.element(...at, ...element, bytes, 0, bytes.length, expiry);
    }
  }
}

async function run(seed: number): Promise<void> {
  const random = seededRandom(seed);
  let kept = new Kept();
  let node = await kept.start();
  let clock = 1_000_000;
  for (let step = 0; step < STEPS; step += 1) {
    mergeSomething(node, random, clock);
    clock += random.below(30);
    if (random.chance(0.02)) {
      const replicated = new ReplicatedDatabase(node.node.store.databases[0]!);
      replicated.setClearedAt(clock);
      while (replicated.purge(2)) if (random.chance(0.2)) node.world.turn();
    }
    if (random.chance(0.3)) node.world.turn();
    if (random.chance(0.02)) node.client().send('BGREWRITEAOF');
    if (!random.chance(0.05)) continue;
    node.world.turn();
    const before = stateOf(node);
    kept.nowMs = node.world.nowMs;
    kept = kept.clone();
    node = await kept.start();
    t.strictSame(stateOf(node), before, `seed ${seed}, step ${step}`);
  }
}

void t.test('merges and crashes', async (t) => {
  const first = SEED === 0 ? 1 : SEED;
  for (let seed = first; seed < first + (SEED === 0 ? PROGRAMS : 1); seed += 1) {
    try {
      await run(seed);
    } catch (error) {
      t.fail(`seed ${seed}: ${(error as Error).stack}`);
    }
  }
});
