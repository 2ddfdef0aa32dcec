/** Rings of whole nodes under random trouble: `npm run sim` runs more of them. */
import t from 'tap';
import { seedOfRun } from '../support/random.js';
import { runRingChaos } from './support/ring-chaos.js';

const SEEDS = 12;
const TIMEOUT_MS = 200_000;

t.setTimeout(TIMEOUT_MS);

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

t.test('whole rings under trouble', async (t) => {
  for (let at = seed; at < seed + SEEDS; at += 1) {
    const { log, problems } = await runRingChaos(at);
    t.same(problems, [], `seed ${at}`, { log });
  }
});

t.test('the same seed is the same run', async (t) => {
  const [one, other] = [await runRingChaos(seed), await runRingChaos(seed)];
  t.equal(one.hash, other.hash);
  t.equal(one.events, other.events);
});
