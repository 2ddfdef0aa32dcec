/** SimWorld passes what RealWorld passes, whatever the seed and the weather. */

import t from 'tap';

import { SimWorld, type SimWorldOptions } from '../../world/sim/sim-world.js';
import { type WorldUnderTest, worldConformance } from './conformance.js';

async function makeSim(options: SimWorldOptions): Promise<WorldUnderTest> {
  const sim = new SimWorld(options);
  const world = sim.host('a');
  await sim.finish(world.disk.makeFolder('/work'));
  return {
    world,
    finish: (promise) => sim.finish(promise),
    folder: '/work',
    close: () => Promise.resolve(),
  };
}

for (const seed of [1, 2, 3]) {
  void t.test(`conformance, seed ${seed}`, (t) => {
    worldConformance(t, () => makeSim({ seed, network: { windowBytes: 4096, splitChance: 0.5 } }));
    t.end();
  });
}
