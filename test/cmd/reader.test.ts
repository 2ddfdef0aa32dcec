/** Commands whose reader goes away: they end as programs do that SIGPIPE ends, and servers go on. */
import { type ChildProcess, spawn } from 'node:child_process';
import t from 'tap';
import { RespClient } from '../support/resp-client.js';
import { dhashProgram, freePort, startDhash } from '../support/server-process.js';
import { until } from '../support/until.js';

const EXIT_BY_SIGPIPE = 141;

/** Starts a command of which nobody reads what it says on the streams that are named. */
function unread(args: readonly string[], ...streams: ('stdout' | 'stderr')[]): ChildProcess {
  const child = spawn(process.execPath, [dhashProgram(), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const name of streams) child[name]!.destroy();
  return child;
}

/** Its exit code, and what it said where there is a reader. */
function ended(child: ChildProcess): Promise<{ code: number | null; said: string }> {
  let said = '';
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve({ code, said }));
  });
}

t.test('commands that say something end, quietly', async (t) => {
  const node = await startDhash();
  t.teardown(() => node.stop());
  const at = ['--at', `127.0.0.1:${node.port}`];
  for (const args of [
    ['--help'],
    ['--version'],
    ['node', '--help'],
    ['node', '--settings'],
    ['help', 'ring'],
    ['hash', 'a'],
    ['encode', '--int', '1'],
    ['explain', ...at, 'GET', 'a'],
    ['bench', ...at, '--seconds', '0.2', '-t', 'get'],
  ]) {
    const { code, said } = await ended(unread(args, 'stdout'));
    t.equal(code, EXIT_BY_SIGPIPE, `${args.join(' ')}: ${said}`);
    t.equal(said, '', args.join(' '));
  }
  const { code } = await ended(unread(['no-such-command'], 'stderr'));
  t.equal(code, EXIT_BY_SIGPIPE, 'what is said of a mistake');
});

t.test('what would go on for ever ends', async (t) => {
  const port = await freePort();
  const ring = unread(['ring', '--nodes', '1', '--port', `${port}`, '--http-port', '0'], 'stdout');
  t.teardown(() => ring.kill('SIGTERM'));
  await until('it serves', () => isServing(port));
  const watch = unread(['status', '--watch', '--at', `127.0.0.1:${port}`], 'stdout');
  t.match(await ended(watch), { code: EXIT_BY_SIGPIPE, said: '' });
});

t.test('who serves goes on', async (t) => {
  for (const command of ['node', 'ring']) {
    const port = await freePort();
    const more = command === 'ring' ? ['--nodes', '1'] : [];
    const args = [command, ...more, '--port', `${port}`, '--http-port', '0'];
    const child = unread([...args, '--log-level', 'debug'], 'stdout', 'stderr');
    const end = ended(child);
    await until(`${command} serves`, () => isServing(port));
    const client = await RespClient.connect({ host: '127.0.0.1', port });
    t.equal(await client.callPlain('CONFIG', 'SET', 'log-level', 'debug'), 'OK');
    t.equal(await client.callPlain('SET', 'a', '1'), 'OK');
    await client.close();
    t.ok(await isServing(port), command);
    child.kill('SIGTERM');
    t.equal((await end).code, 0, command);
  }
});

async function isServing(port: number): Promise<boolean> {
  const client = await RespClient.connect({ host: '127.0.0.1', port }).catch(() => undefined);
  if (client === undefined) return false;
  const reply = await client.callPlain('PING').catch(() => undefined);
  await client.close();
  return reply === 'PONG';
}
