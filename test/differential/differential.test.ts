/**
 * The short form of the differential test: some twenty thousand random commands on a real
 * redis-server and on dhash. SEED repeats a run; `npm run differential` is the long form.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { seedOfRun } from '../support/random.js';
import { projectRoot, startDhash, startRedis } from '../support/server-process.js';
import { differences } from './differences.js';
import { runDifferential, showFinding } from './differential.js';

const commandCount = 20_000;
const seed = seedOfRun();

t.test(`dhash answers as Redis does (seed ${seed})`, async (t) => {
  const [redis, dhash] = await Promise.all([
    startRedis(),
    startDhash({ args: ['--enable-debug-command', 'yes'] }),
  ]);
  t.teardown(() => Promise.all([redis.stop(), dhash.stop()]));
  const result = await runDifferential({
    expected: { name: 'redis', host: redis.host, port: redis.port },
    actual: { name: 'dhash', host: dhash.host, port: dhash.port },
    seed,
    commandCount,
    findingsMax: 5,
  });
  t.equal(result.findings.map(showFinding).join('\n'), '');
  t.strictSame([...result.missing], []);
  if (result.findings.length === 0) t.ok(result.commands >= commandCount);
});

t.test('docs/compatibility.md names every known difference', (t) => {
  const page = readFileSync(join(projectRoot(), 'docs/compatibility.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  const named = rows.map((line) => line.split('`')[1]);
  t.strictSame(named.sort(), differences.map((difference) => difference.id).sort());
  for (const { id, what, why } of differences) {
    t.ok(rows.includes(`| \`${id}\` | ${what} | ${why} |`), `the row of ${id} says the same`);
  }
  t.end();
});
