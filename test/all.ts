/**
 * All suites of tests, each in a process of its own: what `npm test` has tap run. With SUITES in the
 * environment only those whose path holds it: `SUITES=radix/ npm test`.
 *
 * Left to itself tap would load every module of every suite through the hooks by which it measures
 * coverage, which takes more CPU than the tests themselves.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
/** One more than the smallest machine has cores: tests of real processes mostly wait. */
const JOBS = 3;
const TIMEOUT_MS = 300_000;

const wanted = process.env['SUITES'] ?? '';
const suites = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js') && name.includes(wanted))
  .sort();
if (suites.length === 0) t.fail(`no suite is called ${wanted}`);
t.jobs = JOBS;
t.setTimeout(0);
for (const suite of suites) {
  // In NODE_OPTIONS tap hands its hooks on.
  const command = ['-u', 'NODE_OPTIONS', process.execPath, '--enable-source-maps'];
  const options = { buffered: true, timeout: TIMEOUT_MS };
  void t.spawn('env', [...command, join(FOLDER, suite)], options, suite);
}
