/**
 * The differential test's own test: Redis against itself shows no difference, and a proxy with
 * one flaw is found out and its program made short.
 */
import t from 'tap';
import { seedOfRun } from '../support/random.js';
import { startRedis } from '../support/server-process.js';
import { flaws, startBrokenProxy } from './broken-proxy.js';
import { runDifferential, showFinding } from './differential.js';
import type { TargetOptions } from './target.js';

t.setTimeout(120_000);

/** Few steps are left of the hundred; two connections may each need some of their own. */
const shortSteps = 8;

const seed = seedOfRun(1);
const [one, two] = await Promise.all([startRedis(), startRedis()]);
t.teardown(() => Promise.all([one.stop(), two.stop()]));
const expected: TargetOptions = { name: 'one', host: '127.0.0.1', port: one.port };

t.test(`redis equals redis (seed ${seed})`, async (t) => {
  t.setTimeout(60_000);
  const actual = { ...expected, name: 'two', port: two.port };
  const commandCount = 4000;
  const result = await runDifferential({
    expected,
    actual,
    seed,
    commandCount,
    acceptKnown: false,
  });
  t.equal(result.findings.map(showFinding).join('\n'), '');
  t.ok(result.commands >= commandCount);
});

for (const flaw of flaws) {
  t.test(`${flaw.name} that differs is found (seed ${seed})`, async (t) => {
    t.setTimeout(60_000);
    const proxy = await startBrokenProxy(flaw, two.port);
    const address = proxy.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const replyMsMax = 500;
    const actual = { name: 'broken', host: '127.0.0.1', port, replyMsMax };
    const result = await runDifferential({ expected, actual, seed, commandCount: 20_000 });
    proxy.close();
    t.equal(result.findings.length, 1);
    const [finding] = result.findings;
    t.ok(finding !== undefined && finding.program.steps.length <= shortSteps, 'is made short');
    if (finding !== undefined) t.comment(showFinding(finding));
  });
}
