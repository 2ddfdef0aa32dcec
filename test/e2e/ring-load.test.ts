/** Rings of real processes under load: who joins, leaves, dies, stands still or is restarted loses nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { RingLoad } from '../support/ring-load.js';
import { ringStatusOf } from '../support/ring-status.js';
import { runProgram } from '../support/run-program.js';
import {
  dhashProgram,
  freePort,
  type ServerProcess,
  startDhash,
} from '../support/server-process.js';
import { until } from '../support/until.js';

t.setTimeout(240_000);

const SECRET = 'a secret for tests';
const EVICT_AFTER_MS = 5000;
const STOPPED_MS = 4000;
const READY_MS = 60_000;
/** What may pass until a member is found dead, and its ranges have others. */
const TROUBLE_MAX_MS = 60_000;

async function startMember(
  t: Test,
  args: readonly string[],
  port?: number,
): Promise<ServerProcess> {
  const fixed = ['--cluster-secret', SECRET, '--evict-after-ms', String(EVICT_AFTER_MS)];
  const where = port === undefined ? {} : { port };
  const node = await startDhash({ args: [...fixed, ...args], readyMs: READY_MS, ...where });
  t.teardown(() => {
    node.signal('SIGKILL');
    return node.exited;
  });
  return node;
}

function addressOf({ host, port }: ServerProcess): string {
  return `${host}:${port}`;
}

async function dhash(...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return runProgram(process.execPath, [dhashProgram(), ...args]);
}

async function settledWith(node: ServerProcess, count: number): Promise<void> {
  await until(
    `a settled ring of ${count}`,
    async () => {
      const status = await ringStatusOf(node);
      return status?.change === 'none' && status.members.length === count;
    },
    TROUBLE_MAX_MS,
  );
}

async function isInOrder(t: Test, node: ServerProcess): Promise<void> {
  let last = '';
  await until(
    'dhash verify finds nothing',
    async () => {
      const { code, output } = await dhash('verify', '--at', addressOf(node));
      last = output;
      return code === 0;
    },
    TROUBLE_MAX_MS,
  ).catch((error: unknown) => t.fail(`${String(error)}: ${last}`));
}

function loadOn(t: Test, nodes: readonly ServerProcess[]): RingLoad {
  const load = new RingLoad(nodes);
  t.teardown(() => load.close());
  load.start();
  return load;
}

async function nothingIsLost(t: Test, load: RingLoad): Promise<void> {
  await load.stop();
  t.comment(`${load.writes} writes, ${load.errors.length} errors`);
  t.strictSame(await load.lost(), [], 'everything acknowledged is there');
  t.strictSame(load.stale, [], 'and was at every moment');
  t.strictSame(load.unexpected, [], 'errors say what happened');
}

void t.test('five nodes: one joins, one leaves, one is killed, one stands still', async (t) => {
  const first = await startMember(t, []);
  const rest: ServerProcess[] = [];
  for (let n = 1; n < 5; n += 1) rest.push(await startMember(t, ['--join', addressOf(first)]));
  const [second, third, fourth, fifth] = rest as [
    ServerProcess,
    ServerProcess,
    ServerProcess,
    ServerProcess,
  ];
  await settledWith(first, 5);
  const load = loadOn(t, [first, second]);
  await load.quiet();

  const before = load.errors.length;
  await startMember(t, ['--join', addressOf(first)]);
  await settledWith(first, 6);
  t.equal((await dhash('leave', '--at', addressOf(third))).code, 0);
  await settledWith(first, 5);
  await load.quiet();
  t.strictSame(load.errors.slice(before), [], 'joining and leaving cost nobody an error');

  fourth.signal('SIGKILL');
  await load.quiet(TROUBLE_MAX_MS);
  await settledWith(first, 4);

  fifth.signal('SIGSTOP');
  await pause(STOPPED_MS);
  fifth.signal('SIGCONT');
  await load.quiet(TROUBLE_MAX_MS);
  await settledWith(first, 4);
  await nothingIsLost(t, load);
  await isInOrder(t, first);
});

void t.test('a rolling restart, and all at once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'dhash-rolling-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const ports = [await freePort(), await freePort(), await freePort()];
  const start = (at: number): Promise<ServerProcess> => {
    const joins = at === 0 ? [] : ['--join', `127.0.0.1:${ports[0]}`];
    return startMember(t, ['--dir', join(folder, String(at)), ...joins], ports[at]);
  };
  const nodes = [await start(0), await start(1), await start(2)];
  await settledWith(nodes[0]!, 3);
  const load = loadOn(t, nodes);
  await load.quiet();
  for (const at of [0, 1, 2]) {
    nodes[at]!.signal('SIGTERM');
    t.equal((await nodes[at]!.exited).code, 0);
    nodes[at] = await start(at);
    await load.quiet(TROUBLE_MAX_MS);
  }
  for (const node of nodes) node.signal('SIGKILL');
  await Promise.all(nodes.map(({ exited }) => exited));
  for (const [at, node] of (await Promise.all([0, 1, 2].map(start))).entries()) nodes[at] = node;
  await load.quiet(TROUBLE_MAX_MS);
  await settledWith(nodes[0]!, 3);
  await nothingIsLost(t, load);
  await isInOrder(t, nodes[0]!);
});
