/**
 * npm run sim -- [--seed N] [--count N] [--of views|stores|nodes] [--verbose]
 *
 * Runs rings under random trouble, one seed after the other from N on (1000 of them unless told):
 *
 *   views    the machines that agree on views; invariants are checked after every event
 *   stores   stores and loops in a ring whose views are made by hand
 *   nodes    whole nodes: links, views, loops and stores, and clients that talk to them
 *
 * The last two look at every step whether each acknowledged write is on a majority of its replicas, and
 * in the end whether it is on exactly these; `nodes`, whether a client was told what cannot be.
 * With `--verbose`, what was done to each is printed.
 * The trace hash in the end is of all runs together: the same seeds give the same one, whatever the
 * machine and the version of Node.
 */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { runChaos } from '../test/discord/support/ring-chaos.js';
import { runLoopChaos } from '../test/loops/support/loop-chaos.js';
import { runRingChaos } from '../test/loops/support/ring-chaos.js';

const COUNT_DEFAULT = '1000';
const PROGRESS_EVERY_MS = 10_000;
const HELP = `npm run sim -- [options]

Runs rings under random trouble, one seed after the other, and says what was found.

  --of views|stores|nodes   the agreement on views alone (default); stores with their loops in a
                            ring made by hand; whole nodes
  --seed N                  the first seed; default: any
  --count N                 how many; default ${COUNT_DEFAULT}
  --verbose                 print what was done to each

Prints a hash of all that has happened: the same seeds give the same one. Exit code 1: something
was found, with the seed by which it is found again. Several can run at the same time, of other seeds.`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 0x7fff_ffff)) },
    count: { type: 'string', default: COUNT_DEFAULT },
    of: { type: 'string', default: 'views' },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(HELP);
  process.exit(0);
}

interface Result {
  readonly problems: readonly string[];
  readonly log: readonly string[];
  readonly events: number;
  readonly hash: string;
}

const KINDS: Record<string, (seed: number) => Result | Promise<Result>> = {
  views: runChaos,
  stores: runLoopChaos,
  nodes: runRingChaos,
};

const run = KINDS[values.of];
const seed = Number(values.seed);
const count = Number(values.count);
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(count)) {
  console.error('--seed and --count take integers');
  process.exit(2);
}

if (run === undefined) {
  console.error(`--of takes ${Object.keys(KINDS).join(', ')}`);
  process.exit(2);
}

let failed = 0;
let events = 0;
const hash = createHash('sha256');
let progressAt = performance.now() + PROGRESS_EVERY_MS;
for (let at = seed; at < seed + count; at += 1) {
  const result = await run(at);
  events += result.events;
  hash.update(result.hash);
  if (result.problems.length > 0) {
    failed += 1;
    for (const problem of result.problems) console.error(problem);
    console.error(`again: npm run sim -- --of ${values.of} --seed ${at} --count 1 --verbose`);
  }
  if (values.verbose) for (const line of result.log) console.log(line);
  if (performance.now() < progressAt) continue;
  progressAt += PROGRESS_EVERY_MS;
  console.log(`${at - seed + 1} seeds, ${events} events, ${failed} failed`);
}
console.log(`seeds ${seed} to ${seed + count - 1}: ${events} events`);
console.log(`trace ${hash.digest('hex').slice(0, 16)}`);
console.log(failed === 0 ? 'nothing found' : `${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
