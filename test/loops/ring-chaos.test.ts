/** Rings of whole nodes under random trouble: `npm run sim` runs more of them. */
import t from 'tap';
import { seedOfRun } from '../support/random.js';
import { runRingChaos } from './support/ring-chaos.js';

const SEEDS = 6;
/** Each seed and all together, of which the suite's own limit is the last, on a slow machine. */
const SEED_TIMEOUT_MS = 120_000;
const TIMEOUT_MS = 280_000;

t.setTimeout(TIMEOUT_MS);

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

// A test by itself for each: one that takes too long has its seed in its name.
for (let at = seed; at < seed + SEEDS; at += 1) {
  t.test(`whole rings under trouble: seed ${at}`, { timeout: SEED_TIMEOUT_MS }, async (t) => {
    const { log, problems } = await runRingChaos(at);
    t.same(problems, [], `seed ${at}`, { log });
  });
}

t.test(`the same seed is the same run: seed ${seed}`, async (t) => {
  const [one, other] = [await runRingChaos(seed), await runRingChaos(seed)];
  t.equal(one.hash, other.hash);
  t.equal(one.events, other.events);
});
