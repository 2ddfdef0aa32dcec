/**
 * The short form of the differential test: some twenty thousand random commands on a real
 * redis-server and on dhash. They are the same in every run, so that a change is judged by what it
 * changes; SEED takes others, and `npm run differential`, the long form, others each time.
 */

import { readFileSync } from 'node:fs';
import t from 'tap';
import { seedOfRun } from '../support/random.js';
import { startDhash, startRedis } from '../support/server-process.js';
import { compatibilityPage, pagePath } from './compatibility.js';
import { runDifferential, SERVER_ARGS, showFinding } from './differential.js';

const commandCount = 20_000;
const seed = seedOfRun(1);

/** It takes some twenty seconds, and a busy machine three times as long. */
t.setTimeout(120_000);

t.test(`dhash answers as Redis does (seed ${seed})`, async (t) => {
  t.setTimeout(100_000);
  const [redis, dhash] = await Promise.all([
    startRedis({ args: SERVER_ARGS }),
    startDhash({ args: ['--enable-debug-command', 'yes', ...SERVER_ARGS] }),
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

t.test('docs/compatibility.md is up to date', (t) => {
  t.equal(readFileSync(pagePath, 'utf8'), compatibilityPage());
  t.end();
});
