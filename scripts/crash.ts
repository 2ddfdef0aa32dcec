/**
 * `npm run crash -- --kills 1000 [--seed N] [--dir DIR]`: kills a real node again and again while
 * clients write, and looks after each start whether anything acknowledged is lost.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { crashAgainAndAgain } from '../test/support/crash.js';
import { seededRandom } from '../test/support/random.js';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    dir: { type: 'string' },
  },
});
const seed = Number(values.seed);
const folder = values.dir ?? (await mkdtemp(join(tmpdir(), 'dhash-crash-')));
console.log(`seed ${seed}, ${folder}`);
const problems = await crashAgainAndAgain({
  folder,
  kills: Number(values.kills),
  random: seededRandom(seed),
  told: (line) => console.log(line),
});
for (const problem of problems) console.error(problem);
if (problems.length === 0) {
  console.log('nothing acknowledged was lost');
  if (values.dir === undefined) await rm(folder, { recursive: true });
} else {
  console.error(`seed ${seed}; the folder is left as it was: ${folder}`);
  process.exitCode = 1;
}
