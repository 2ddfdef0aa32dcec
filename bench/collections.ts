/**
 * Hashes and sets against redis-server, as redis-benchmark sees them: HSET, SADD and SPOP, plain and
 * in pipelines of 16, on a million fields or members; and resident memory per element of big ones,
 * and per hash of a million small ones. dhash runs on Node 24 and on Node 20.
 */

import { compareMemory, compareSpeed, type MemoryTest, withContest } from './support/contest.js';
import { type BenchOptions, Report } from './support/harness.js';

interface Load {
  readonly name: string;
  readonly command: readonly string[];
}

const ELEMENT = 'element:__rand_int__';
/** As redis-benchmark's own tests; SPOP takes what SADD has put. */
const LOADS: readonly Load[] = [
  { name: 'HSET', command: ['HSET', 'myhash', ELEMENT, 'v'.repeat(64)] },
  { name: 'SADD', command: ['SADD', 'myset', ELEMENT] },
  { name: 'SPOP', command: ['SPOP', 'myset'] },
];
const COUNTS = { 1: 200_000, 16: 500_000 } as const;
/** What dhash must reach of Redis's rate. */
const TARGETS = { 1: { 20: 0.9, 24: 0.9 }, 16: { 20: 0.6, 24: 0.75 } } as const;
const CONTENTS: readonly Omit<MemoryTest, 'count'>[] = [
  {
    name: 'field of a hash',
    ratioMax: 1,
    command: (index) => ['HSET', 'hash', `element:${padded(index)}`, 'v'.repeat(64)],
  },
  {
    name: 'member of a set',
    ratioMax: 1,
    command: (index) => ['SADD', 'set', `element:${padded(index)}`],
  },
  { name: 'hash of five small fields', ratioMax: 1.5, command: smallHash },
];
const ROUNDS_DEFAULT = 5;
const QUICK_DIVISOR = 10;

function padded(index: number): string {
  return String(index).padStart(12, '0');
}

function smallHash(index: number): string[] {
  const fields = ['name', 'mail', 'city', 'year', 'size'];
  return ['HSET', `user:${padded(index)}`, ...fields.flatMap((field) => [field, `v${index}`])];
}

export async function run(options: BenchOptions): Promise<void> {
  const quick = options.quick === true;
  const rounds = options.rounds ?? (quick ? 1 : ROUNDS_DEFAULT);
  const report = new Report('collections', options);
  for (const content of CONTENTS) {
    const count = quick ? 100_000 : 1_000_000;
    const name = `${content.name}, ${count.toLocaleString('en-US')} of them`;
    await withContest((contest) => compareMemory(report, contest, { ...content, name, count }));
  }
  await withContest(async (contest) => {
    for (const pipeline of [1, 16] as const) {
      const count = quick ? COUNTS[pipeline] / QUICK_DIVISOR : COUNTS[pipeline];
      const tests = LOADS.map(({ name, command }) => ({
        name: pipeline === 1 ? name : `${name} -P ${pipeline}`,
        load: { command, pipeline, count },
        targets: TARGETS[pipeline],
      }));
      await compareSpeed(report, contest, tests, { rounds });
    }
  });
  report.finish();
}
