/** Rings of real processes on this machine: joining, dying, strangers, `dhash ring` and its kin. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import t, { type Test } from 'tap';
import { ringStatusOf } from '../support/ring-status.js';
import { runProgram } from '../support/run-program.js';
import {
  dhashProgram,
  freePort,
  type ServerProcess,
  spawnDhash,
  startDhash,
} from '../support/server-process.js';
import { until } from '../support/until.js';

/** A dead member of three is suspected for up to 16 s, and may be the last to be pinged. */
const DETECTION_MAX_MS = 60_000;
const SECRET = 'a secret for tests';
/** How long a node leaves when it is told to stop, unless it is told otherwise. */
const LEAVE_TIMEOUT_MS = 30_000;

function addressOf({ host, port }: ServerProcess): string {
  return `${host}:${port}`;
}

async function startMember(t: Test, args: readonly string[]): Promise<ServerProcess> {
  const node = await startDhash({ args: ['--cluster-secret', SECRET, ...args] });
  t.teardown(() => kill(node));
  return node;
}

/** An orderly stop would hand over first. */
function kill(node: ServerProcess): Promise<unknown> {
  node.signal('SIGKILL');
  return node.exited;
}

async function dhash(...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return runProgram(process.execPath, [dhashProgram(), ...args]);
}

/** Until the node says that exactly these are the ring, all of them up. */
function formed(node: ServerProcess, all: readonly ServerProcess[]): Promise<void> {
  const wanted = all
    .map((one) => `${addressOf(one)} up`)
    .sort()
    .join();
  return until(`a ring of ${all.length}`, async () => {
    const status = await ringStatusOf(node);
    const found = status?.members.map((one) => `${one.address} ${one.status}`);
    return status?.change === 'none' && found?.sort().join() === wanted;
  });
}

void t.test('three processes are a ring; one dies, another joins', async (t) => {
  const first = await startMember(t, []);
  const join = ['--join', addressOf(first)];
  const [second, third] = await Promise.all([startMember(t, join), startMember(t, join)]);
  await formed(first, [first, second, third]);
  await formed(third, [first, second, third]);
  const shown = await dhash('status', '--at', addressOf(second));
  t.equal(shown.code, 0);
  t.match(shown.output, /^Ring [0-9a-f]{32}, epoch 5, 3 members, 3 replicas\n/);
  t.equal(shown.output.match(/^UN {2}127\.0\.0\.1:/gm)?.length, 3);
  const json = await dhash('status', '--json', '--at', addressOf(second));
  t.match(JSON.parse(json.output), { epoch: 5, change: 'none', members: { length: 3 } });

  third.signal('SIGKILL');
  await third.exited;
  await until(
    'the dead one is seen',
    async () =>
      (await ringStatusOf(first))?.members.some(({ status }) => status === 'down') === true,
    DETECTION_MAX_MS,
  );
  const withDead = await dhash('status', '--at', addressOf(first));
  t.equal(withDead.code, 1, 'not good');
  t.match(withDead.output, new RegExp(`^DN  ${addressOf(third)} .* -  `, 'm'));
  const fourth = await startMember(t, [
    '--join',
    `127.0.0.1:${await freePort()},${addressOf(second)}`,
  ]);
  await until('the fourth is in', async () => {
    const status = await ringStatusOf(fourth);
    return status?.change === 'none' && status.members.length === 4;
  });

  const left = await dhash('leave', '--at', addressOf(second), '--json');
  t.equal(left.code, 0, left.output);
  t.match(JSON.parse(left.output), { left: addressOf(second) });
  t.equal((await second.exited).code, 0);
});

void t.test('all of a ring stop at the same moment', async (t) => {
  const first = await startMember(t, []);
  const join = ['--join', addressOf(first)];
  const all = [first, ...(await Promise.all([startMember(t, join), startMember(t, join)]))];
  await formed(first, all);
  const startedMs = performance.now();
  for (const node of all) node.signal('SIGTERM');
  for (const node of all) t.equal((await node.exited).code, 0);
  const tookMs = performance.now() - startedMs;
  t.ok(tookMs < LEAVE_TIMEOUT_MS / 2, `${Math.round(tookMs)} ms`);
});

void t.test('dhash leave at both of a ring of two at the same moment', async (t) => {
  const first = await startMember(t, []);
  const second = await startMember(t, ['--join', addressOf(first)]);
  await formed(first, [first, second]);
  const leave = (node: ServerProcess) => dhash('leave', '--at', addressOf(node));
  const left = await Promise.all([leave(first), leave(second)]);
  t.strictSame(new Set(left.map(({ code }) => code)), new Set([0, 1]));
  t.match(left.find(({ code }) => code === 1)!.output, /this node is alone/);
});

void t.test('who does not fit is refused, and harms nothing', async (t) => {
  const first = await startMember(t, []);
  const join = ['--join', addressOf(first)];
  const refused = async (args: readonly string[], reason: RegExp): Promise<void> => {
    const stranger = spawnDhash(['node', '--port', String(await freePort()), ...join, ...args]);
    t.teardown(() => kill(stranger));
    t.equal((await stranger.exited).code, 1, stranger.output());
    t.match(stranger.output(), reason);
  };
  await refused(['--cluster-secret', 'another'], /PEERPROOF the cluster secret is another one/);
  await refused([], /PEERPROOF/);
  await refused(
    ['--cluster-secret', SECRET, '--replicas', '5'],
    /the ring keeps 3 replicas, not 5/,
  );

  const client = await first.connect();
  t.teardown(() => client.close());
  const nonce = '00'.repeat(32);
  const id = '11'.repeat(20);
  for (const [words, reason] of [
    [['PEER', 'HELLO', '9', 'control', '-', id, nonce], 'PEERVERSION'],
    [['PEER', 'HELLO', '1', 'control', 'ab'.repeat(16), id, nonce], 'PEERCLUSTER'],
    [['PEER', 'HELLO', '\xff\x00', 'x'], 'PEERVERSION'],
    [['PEER', 'NONSENSE'], 'PEERSYNTAX'],
  ] as const) {
    const stranger = await first.connect();
    t.match(String(await stranger.callPlain(...words)), reason);
    await stranger.waitClosed();
  }
  const noisy = await first.connect();
  noisy.send('PEER', 'HELLO', '1', 'data', '-', id, nonce);
  noisy.sendRaw('*1\r\n$not a length\r\n');
  await noisy.waitClosed();
  t.equal(await client.callPlain('PING'), 'PONG', 'and it serves on');
  t.equal((await ringStatusOf(first))?.members.length, 1);
});

void t.test('settings that make no ring are refused before it starts', async (t) => {
  for (const [args, reason] of [
    [['--join', 'far.example:6379'], /without --cluster-secret a ring forms on one machine only/],
    [['--join', 'x:y:z'], /'x:y:z' is no HOST:PORT/],
    [['--join', 'far.example', '--cluster-secret', 's'], /--announce HOST:PORT/],
    [['--join', '127.0.0.1:1', '--requirepass', 'p'], /a password forms a ring only with/],
  ] as const) {
    const { code, output } = await dhash('node', '--port', String(await freePort()), ...args);
    t.equal(code, 2, output);
    t.match(output, reason);
  }
});

void t.test('dhash ring runs all nodes, and ends all of them', async (t) => {
  const port = await freeRun(3);
  const ended = await runProgram(
    process.execPath,
    [dhashProgram(), 'ring', '--nodes', '3', '--port', String(port)],
    { enough: (output) => output.includes('Ctrl-C stops all of them.') },
  );
  t.equal(ended.code, 0, ended.output);
  t.match(ended.output, /3 members, 3 replicas/);
  for (const at of [port, port + 1, port + 2]) {
    const { code } = await dhash('status', '--at', `127.0.0.1:${at}`);
    t.equal(code, 2, 'nobody is left');
  }
});

void t.test('npm start: who ends npm ends the ring', async (t) => {
  const port = await freeRun(1);
  const args = ['start', '--ignore-scripts', '--', '--nodes', '1', '--port', String(port)];
  const npm = spawn('npm', args, { cwd: dirname(dirname(dhashProgram())) });
  t.teardown(() => npm.kill('SIGKILL'));
  const isThere = async (): Promise<boolean> => {
    return (await dhash('status', '--at', `127.0.0.1:${port}`)).code !== 2;
  };
  await until('it is there', isThere, 60_000);
  npm.kill('SIGTERM');
  await until('nobody is left', async () => !(await isThere()));
});

void t.test('dhash ring --dir, with a password from a file, comes back as it was', async (t) => {
  const port = await freeRun(3);
  const dir = t.testdir({ password: 'open sesame\n' });
  process.env.DHASH_PASSWORD = 'open sesame';
  t.teardown(() => delete process.env.DHASH_PASSWORD);
  const args = ['--port', String(port), '--dir', `${dir}/ring`];
  const run = () =>
    runProgram(
      process.execPath,
      [dhashProgram(), 'ring', ...args, '--requirepass-file', `${dir}/password`],
      { enough: (output) => output.includes('Ctrl-C stops all of them.') },
    );
  const rings: (string | undefined)[] = [];
  for (let time = 0; time < 2; time += 1) {
    const { code, output } = await run();
    t.equal(code, 0, output);
    rings.push(/Ring ([0-9a-f]{32})/.exec(output)?.[1]);
  }
  t.ok(rings[0]);
  t.equal(rings[0], rings[1], 'the same ring');
});

void t.test('a ring at IPv6 addresses', async (t) => {
  const ports = [await freePort(), await freePort()];
  const addresses = ports.map((port) => `[::1]:${port}`);
  const common = ['node', '--host', '::1', '--http-port', '0', '--cluster-secret', SECRET];
  const nodes = ports.map((port, at) => {
    const join = at === 0 ? [] : ['--join', addresses[0]!];
    return spawnDhash([...common, '--port', String(port), ...join]);
  });
  for (const node of nodes) t.teardown(() => kill(node));
  await until('both are in the ring', async () => {
    const { output } = await dhash('status', '--at', addresses[1]!);
    return addresses.every((address) => output.includes(`UN  ${address}`));
  });
});

void t.test('dhash status --watch goes on until it is stopped', async (t) => {
  const node = await startMember(t, []);
  const { output } = await runProgram(
    process.execPath,
    [dhashProgram(), 'status', '--watch', '--at', addressOf(node)],
    { enough: (seen) => (seen.match(/^Ring /gm) ?? []).length >= 3 },
  );
  t.equal(
    (output.match(new RegExp(`UN  ${addressOf(node)}`, 'g')) ?? []).length >= 3,
    true,
    output,
  );
});

/** The first of so many ports in a row that were free a moment ago. */
async function freeRun(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    if (first + count > 65_535) continue;
    const isFree = (port: number): Promise<boolean> =>
      new Promise((resolve) => {
        const server = createServer();
        server.once('error', () => resolve(false));
        server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
      });
    let isRunFree = true;
    for (let at = 1; at < count; at += 1) isRunFree &&= await isFree(first + at);
    if (isRunFree) return first;
  }
}
