/** A short run of the fuzzer; `npm run fuzz` runs it for as long as one likes. */
import t from 'tap';
import { seedOfRun } from '../support/random.js';
import { FuzzFailure, fuzzRound } from './fuzz.js';

t.test('five hundred rounds', async (t) => {
  const seed = seedOfRun();
  for (let round = 0; round < 500; round++) {
    try {
      fuzzRound((seed + round) >>> 0);
    } catch (error) {
      if (!(error instanceof FuzzFailure)) throw error;
      t.fail(`${error.message}\n${error.input.subarray(0, 2000).toString('hex')}`);
      return;
    }
  }
  t.pass(`seed ${seed}`);
});
