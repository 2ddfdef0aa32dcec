/**
 * The long form of the differential test:
 *
 *   npm run differential -- --commands 500000 --seed 1 [--findings 20] [--node PATH]
 *                           [--dhash PORT] [--self]
 *
 * --dhash PORT takes a server that runs already; --self compares Redis with itself, which must find
 * nothing. Exit code 0: no difference; 1: differences; 2: wrong usage, or no server.
 */
import { parseArgs } from 'node:util';
import { seedOfRun } from '../support/random.js';
import { type ServerProcess, startDhash, startRedis } from '../support/server-process.js';
import {
  type DifferentialResult,
  runDifferential,
  SERVER_ARGS,
  showFinding,
} from './differential.js';

const dhashArgs = ['--enable-debug-command', 'yes', ...SERVER_ARGS];

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      commands: { type: 'string', default: '100000' },
      seed: { type: 'string' },
      findings: { type: 'string', default: '10' },
      steps: { type: 'string', default: '100' },
      node: { type: 'string' },
      dhash: { type: 'string' },
      self: { type: 'boolean', default: false },
    },
  });
  const seed = values.seed === undefined ? seedOfRun() : Number(values.seed);
  const redis = await startRedis({ args: SERVER_ARGS });
  const other = values.dhash === undefined ? await startOther(values.self, values.node) : null;
  const port = other?.port ?? Number(values.dhash);
  process.stdout.write(`seed ${seed}\n`);
  try {
    const result = await runDifferential({
      expected: { name: 'redis', host: '127.0.0.1', port: redis.port },
      actual: { name: other?.name ?? 'dhash', host: '127.0.0.1', port },
      seed,
      commandCount: Number(values.commands),
      findingsMax: Number(values.findings),
      programSteps: Number(values.steps),
      onProgress: progress(Number(values.commands)),
      onFinding: (finding) => process.stdout.write(`\n${showFinding(finding)}\n`),
    });
    report(result);
    return result.findings.length + result.missing.size === 0 ? 0 : 1;
  } catch (error) {
    process.stdout.write(`${String(error)}\n${other?.output() ?? ''}\n`);
    return 2;
  } finally {
    await redis.stop();
    await other?.stop();
  }
}

function startOther(self: boolean, node: string | undefined): Promise<ServerProcess> {
  if (self) return startRedis({ args: SERVER_ARGS });
  return startDhash({ args: dhashArgs, ...(node === undefined ? {} : { node }) });
}

function progress(total: number): (done: number, findings: number) => void {
  let shownTenths = 0;
  return (done, findings) => {
    const tenths = Math.floor((10 * done) / total);
    if (tenths === shownTenths) return;
    shownTenths = tenths;
    process.stdout.write(`${done} commands, ${findings} differences\n`);
  };
}

function report(result: DifferentialResult): void {
  process.stdout.write(`${result.commands} commands: ${result.findings.length} differences\n`);
  if (result.missing.size > 0) {
    process.stdout.write(`not there yet: ${[...result.missing].sort().join(', ')}\n`);
  }
  for (const [id, count] of [...result.known].sort(([a], [b]) => (a < b ? -1 : 1))) {
    process.stdout.write(`  known difference ${id}: met ${count} times\n`);
  }
}

process.exitCode = await main();
