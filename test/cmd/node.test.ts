/** `dhash node` as a process: what it prints, where settings come from, how it ends. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { freePort, spawnDhash, startDhash } from '../support/server-process.js';

const folder = mkdtempSync(join(tmpdir(), 'dhash-test-'));
t.teardown(() => rmSync(folder, { recursive: true }));

function fileWith(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Runs a command that ends by itself. */
async function runToEnd(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; output: string }> {
  const process = spawnDhash(args, { env });
  const { code } = await process.exited;
  return { code, output: process.output() };
}

t.test('a node says where it serves and how to talk to it, and ends with 0', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const node = await startDhash();
    const client = await node.connect();
    t.equal(await client.callPlain('PING'), 'PONG');
    t.match(node.output(), `serves on 127.0.0.1:${node.port}`);
    t.match(node.output(), `redis-cli -p ${node.port} KRANGE`);
    const lines = node.output().split('\n');
    const json = lines.find((line) => line.includes('the node is serving')) ?? '{}';
    t.match(JSON.parse(json), {
      msg: 'the node is serving',
      addresses: [`127.0.0.1:${node.port}`],
    });
    node.signal(signal);
    t.strictSame(await node.exited, { code: 0, signal: null }, signal);
    await client.waitClosed();
  }
});

t.test('a port that is taken', async (t) => {
  const node = await startDhash();
  t.teardown(() => node.stop());
  const { code, output } = await runToEnd(['node', '--port', `${node.port}`]);
  t.equal(code, 1);
  t.match(output, `127.0.0.1:${node.port} is taken`);
  t.match(output, `dhash node --port ${node.port + 1}`);
  t.notMatch(output, /at .*\.js/, 'no stack');
});

t.test('an address that the machine does not have', async (t) => {
  const { code, output } = await runToEnd(['node', '--host', '192.0.2.1', '--port', '6399']);
  t.equal(code, 1);
  t.match(output, /192\.0\.2\.1.*no such address/);
});

const WRONG: readonly (readonly [args: readonly string[], expected: RegExp])[] = [
  [['node', '--maxmemry', '1'], /--maxmemry.*Did you mean --maxmemory\?/],
  [
    ['node', '--join', 'a:1'],
    /join: without --cluster-secret a ring forms on one machine only, and a:1/,
  ],
  [['node', '--join', 'a b'], /join: 'a' is no HOST:PORT|without --cluster-secret/],
  [['node', '--appendonly', 'yes'], /--appendonly: dhash keeps entries on disk with dir and fsync/],
  [['node', '--memcached-port', '1'], /--memcached-port: the memcached protocol is not built yet/],
  [['node', '--http-port', '7379'], /--http-port: the HTTP API is not built yet/],
  [['node', '--port', '65536'], /--port: argument must be between 0 and 65535 inclusive/],
  [['node', '--port', '0', '--http-port', '0'], /nothing to listen on/],
  [['node', '--config', '/no/such/file'], /cannot read the configuration file.*ENOENT/],
  [['node', '--requirepass-file', '/no/such/file'], /cannot read the file of requirepass/],
  [['node', '--fsync', 'sometimes'], /--fsync: argument\(s\) must be one of/],
  [['nod'], /unknown command 'nod'\n\(Did you mean node\?\)/],
  [[], /Usage: dhash/],
];

t.test('wrong usage ends with 2 and says what is wrong', async (t) => {
  const results = await Promise.all(WRONG.map(([args]) => runToEnd(args)));
  for (const [index, [args, expected]] of WRONG.entries()) {
    const { code, output } = results[index] ?? { code: null, output: '' };
    t.equal(code, 2, args.join(' '));
    t.match(output, expected, args.join(' '));
  }
});

t.test('help and version end with 0', async (t) => {
  const version = await runToEnd(['--version']);
  t.strictSame(version, { code: 0, output: `${version.output.trim()}\n` });
  t.match(version.output, /^[0-9]+\.[0-9]+\.[0-9]+\n$/);
  const all = await runToEnd(['--help']);
  const names = [...all.output.matchAll(/^ {2}([a-z]+) .*\S/gm)].map(([, name]) => name!);
  t.strictSame(names.slice(0, 3), ['node', 'ring', 'status']);
  for (const command of names.filter((name) => name !== 'help')) {
    const { code, output } = await runToEnd([command, '--help']);
    t.equal(code, 0, command);
    t.match(output, `Usage: dhash ${command} `, command);
    t.match(output, /Examples:/, command);
  }
  t.match(await runToEnd(['statsu']), { code: 2, output: /Did you mean status\?/ });
  const { code, output } = await runToEnd(['node', '--settings', '--json']);
  t.equal(code, 0);
  const rows = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string });
  t.ok(rows.some((row) => row.name === 'maxmemory-policy'));
});

t.test('settings come from the file, variables and flags', async (t) => {
  const config = fileWith('dhash.conf', '# mine\nmaxclients 11\ntimeout 22\nhz 33\n');
  const password = fileWith('password', 'correct horse\n');
  const node = await startDhash({
    args: ['--config', config, '--hz', '44', '--requirepass-file', password],
    env: { DHASH_TIMEOUT: '55', DHASH_HZ: '66' },
  });
  t.teardown(() => node.stop());
  const client = await node.connect();
  t.match(await client.callPlain('GET', 'a'), /NOAUTH/);
  t.equal(await client.callPlain('AUTH', 'correct horse'), 'OK');
  for (const [name, value] of [
    ['maxclients', '11'],
    ['timeout', '55'],
    ['hz', '44'],
  ] as const) {
    t.strictSame(await client.callPlain('CONFIG', 'GET', name), [name, value]);
  }
  t.equal(await client.callPlain('CONFIG', 'SET', 'timeout', '77'), 'OK');
  t.equal(await client.callPlain('CONFIG', 'REWRITE'), 'OK');
  const text = readFileSync(config, 'utf8');
  t.match(text, '# mine\nmaxclients 11\ntimeout 77\nhz 44\n');
  await client.close();
});

t.test('a variable that no setting has', async (t) => {
  const { code, output } = await runToEnd(['node'], { DHASH_MAXCLIENT: '1' });
  t.equal(code, 2);
  t.match(output, 'did you mean DHASH_MAXCLIENTS?');
});

t.test('a unix socket alone', async (t) => {
  const path = join(folder, 'dhash.sock');
  const args = ['--port', '0', '--unixsocket', path, '--unixsocketperm', '700'];
  const node = await startDhash({ args, readyAt: { path } });
  t.match(node.output(), `redis-cli -s ${path}`);
  const second = await runToEnd(['node', '--port', '0', '--unixsocket', path]);
  t.equal(second.code, 1);
  t.match(second.output, 'in use by another process');
  node.signal('SIGTERM');
  t.strictSame(await node.exited, { code: 0, signal: null });
});

t.test('SHUTDOWN ends the process with 0', async (t) => {
  const node = await startDhash();
  const client = await node.connect();
  client.send('SHUTDOWN', 'NOSAVE');
  await client.waitClosed();
  t.strictSame(await node.exited, { code: 0, signal: null });
});

t.test('a client that reads nothing does not hold up the stop', async (t) => {
  const node = await startDhash();
  const client = await node.connect();
  await client.callPlain('SET', 'big', Buffer.alloc(16 << 20));
  client.socket.pause();
  for (let index = 0; index < 8; index++) client.send('GET', 'big');
  const other = await node.connect();
  await other.callPlain('PING');
  node.signal('SIGTERM');
  t.strictSame(await node.exited, { code: 0, signal: null });
  await client.close();
});

t.test('IPv6 and several addresses', async (t) => {
  const port = await freePort('::1').catch(() => 0);
  if (port === 0) return t.pass('this machine has no IPv6');
  const node = await startDhash({ args: ['--host', '127.0.0.1', '::1'] });
  t.match(node.output(), `127.0.0.1:${node.port}, [::1]:${node.port}`);
  await node.stop();
});
