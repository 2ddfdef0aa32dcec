/**
 * npm run fuzz -- [--minutes N | --seconds N] [--seed N] [--rounds N]
 *
 * Fuzzes the codec from a seed on (random unless given), one seed after the other, and prints what
 * it did. On a failure it prints the seed that shows it again with `--rounds 1`, and the bytes.
 */
import { parseArgs } from 'node:util';
import { FuzzFailure, fuzzRound } from '../test/resp/fuzz.js';

const PROGRESS_EVERY_MS = 10_000;
const SECONDS_DEFAULT = 60;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    rounds: { type: 'string' },
  },
});

/** A flag's number; stops with exit code 2 if it is none. */
function numberOf(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  console.error(`--${name} takes a number, not '${text}'`);
  process.exit(2);
}

function main(): void {
  const minutes = numberOf('minutes', values.minutes, 0);
  const seconds = numberOf('seconds', values.seconds, minutes > 0 ? 0 : SECONDS_DEFAULT);
  const roundsMax = numberOf('rounds', values.rounds, Infinity);
  const seed = numberOf('seed', values.seed, Math.floor(Math.random() * 0x7fff_ffff)) >>> 0;
  const until = performance.now() + (minutes * 60 + seconds) * 1000;
  console.log(`seed ${seed}, ${minutes * 60 + seconds} s`);

  let bytes = 0;
  let round = 0;
  let heapMax = 0;
  let progressAt = performance.now() + PROGRESS_EVERY_MS;
  const report = (): void => {
    const mebibytes = (bytes / 2 ** 20).toFixed(0);
    const rss = (heapMax / 2 ** 20).toFixed(0);
    console.log(`${round} rounds, ${mebibytes} MiB of input, resident at most ${rss} MiB`);
  };
  while (performance.now() < until && round < roundsMax) {
    bytes += fuzzRound((seed + round) >>> 0).bytes;
    round++;
    if (performance.now() < progressAt) continue;
    progressAt += PROGRESS_EVERY_MS;
    heapMax = Math.max(heapMax, process.memoryUsage.rss());
    report();
  }
  heapMax = Math.max(heapMax, process.memoryUsage.rss());
  report();
  console.log('nothing found');
}

try {
  main();
} catch (error) {
  if (!(error instanceof FuzzFailure)) throw error;
  console.error(error.cause);
  console.error(`target: ${error.target}`);
  console.error(
    `seed:   ${error.seed}    (again: npm run fuzz -- --seed ${error.seed} --rounds 1)`,
  );
  console.error(`bytes:  ${error.input.toString('hex')}`);
  process.exitCode = 1;
}
