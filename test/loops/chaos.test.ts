/** Stores under random trouble: nothing is lost at any moment, and all is home after quiet. */
import t from 'tap';
import { seedOfRun } from '../support/random.js';
import { runLoopChaos } from './support/loop-chaos.js';

const SEEDS = 12;

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

t.test(`rings under trouble: seed ${seed}`, async (t) => {
  for (let at = seed; at < seed + SEEDS; at += 1) {
    const { log, problems } = await runLoopChaos(at);
    t.same(problems, [], `seed ${at}`, { log });
  }
});

t.test(`the same seed is the same run: seed ${seed}`, async (t) => {
  const [one, other] = [await runLoopChaos(seed), await runLoopChaos(seed)];
  t.equal(one.hash, other.hash);
  t.equal(one.events, other.events);
});
