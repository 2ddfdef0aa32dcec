/** Rings under random trouble, a few hundred seeds; `npm run sim` runs thousands. */

import t from 'tap';
import { seedOfRun } from '../support/random.js';
import { runChaos } from './support/ring-chaos.js';

const SEEDS = 60;
const seed = seedOfRun();

t.test(`one view of each epoch, Zave's invariant, and one ring in the end, SEED=${seed}`, (t) => {
  let views = 0;
  for (let at = seed; at < seed + SEEDS; at += 1) {
    const result = runChaos(at);
    views += result.views;
    if (result.problems.length > 0) t.fail(`${result.problems[0]}\n${result.log.join('\n')}`);
  }
  t.ok(views > 20 * SEEDS, `${views} views`);
  t.end();
});

t.test('the same seed, the same run', (t) => {
  t.equal(runChaos(seed).hash, runChaos(seed).hash);
  t.not(runChaos(seed).hash, runChaos(seed + 1).hash);
  t.end();
});
