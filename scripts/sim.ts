/**
 * npm run sim -- [--seed N] [--count N] [--verbose]
 *
 * Runs rings under random trouble, one seed after the other from N on (1000 of them unless told),
 * and checks the invariants after every event. With `--verbose`, what was done to each is printed.
 */
import { parseArgs } from 'node:util';
import { runChaos } from '../test/discord/support/ring-chaos.js';

const COUNT_DEFAULT = '1000';
const PROGRESS_EVERY_MS = 10_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 0x7fff_ffff)) },
    count: { type: 'string', default: COUNT_DEFAULT },
    verbose: { type: 'boolean', default: false },
  },
});

const seed = Number(values.seed);
const count = Number(values.count);
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(count)) {
  console.error('--seed and --count take integers');
  process.exit(2);
}

let failed = 0;
let views = 0;
let events = 0;
let progressAt = performance.now() + PROGRESS_EVERY_MS;
for (let at = seed; at < seed + count; at += 1) {
  const result = runChaos(at);
  views += result.views;
  events += result.events;
  if (result.problems.length > 0) {
    failed += 1;
    for (const problem of result.problems) console.error(problem);
    console.error(`again: npm run sim -- --seed ${at} --count 1 --verbose`);
  }
  if (values.verbose) for (const line of result.log) console.log(line);
  if (performance.now() < progressAt) continue;
  progressAt += PROGRESS_EVERY_MS;
  console.log(`${at - seed + 1} seeds, ${views} views, ${events} events, ${failed} failed`);
}
console.log(`seeds ${seed} to ${seed + count - 1}: ${views} views, ${events} events`);
console.log(failed === 0 ? 'nothing found' : `${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
