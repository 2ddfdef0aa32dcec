/**
 * A dhash process as an operator meets it: the doors it listens on, who is let in, passwords,
 * settings from all sources, how many clients, idle ones, and how connections and the process end.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { LocalNode } from '../support/local.js';
import {
  enter,
  hasNetNamespaces,
  outsideHost,
  outsideHost6,
  writeIsolated,
} from '../support/net-namespace.js';
import { encodeCommand, RespClient } from '../support/resp-client.js';
import { runProgram } from '../support/run-program.js';
import { type ServerProcess, spawnDhash, startDhash } from '../support/server-process.js';
import { until } from '../support/until.js';

// It starts some thirty processes; a busy machine may be several times slower.
t.setTimeout(300_000);

const folder = mkdtempSync(join(tmpdir(), 'dhash-e2e-'));
t.teardown(() => rmSync(folder, { recursive: true }));

async function startFor(t: Test, ...args: string[]): Promise<ServerProcess> {
  const node = await startDhash({ args });
  t.teardown(() => node.stop());
  return node;
}

async function configOf(client: RespClient, name: string): Promise<unknown> {
  const pair = await client.callPlain('CONFIG', 'GET', name);
  return Array.isArray(pair) ? pair[1] : pair;
}

t.test('SIGTERM and SIGINT: replies so far arrive, the process ends with 0', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const node = await startDhash();
    const client = await node.connect();
    t.equal(await client.callPlain('SET', 'a', 'b'), 'OK');
    const idle = await node.connect();
    node.signal(signal);
    t.strictSame(await node.exited, { code: 0, signal: null }, `${signal} ${node.output()}`);
    await Promise.all([client.waitClosed(), idle.waitClosed()]);
  }
});

t.test('SIGTERM under load ends it as well', async (t) => {
  const node = await startDhash();
  const batch = Buffer.concat(Array.from({ length: 1000 }, () => encodeCommand(['INCR', 'n'])));
  const clients = await Promise.all(Array.from({ length: 10 }, () => node.connect()));
  for (const client of clients) {
    const more = (): void => {
      client.socket.write(batch, (error) => {
        if (!error && !client.closed) more();
      });
    };
    more();
  }
  const watcher = await node.connect();
  await until('they are at work', async () => Number(await watcher.callPlain('GET', 'n')) > 10_000);
  t.strictSame(await node.stop(), { code: 0, signal: null }, node.output());
  for (const client of [...clients, watcher]) await client.close();
});

t.test('a second signal does not wait for anybody', async (t) => {
  const node = await startDhash();
  const client = await node.connect();
  await client.callPlain('SET', 'big', Buffer.alloc(16 << 20));
  client.socket.pause();
  client.send('GET', 'big');
  const other = await node.connect();
  await other.callPlain('PING');
  node.signal('SIGTERM');
  await until('it has heard', () => node.output().includes('stopping'));
  node.signal('SIGTERM');
  t.strictSame(await node.exited, { code: 130, signal: null }, node.output());
  await Promise.all([client.close(), other.close()]);
});

t.test('SHUTDOWN ends it too', async (t) => {
  const node = await startDhash();
  const client = await node.connect();
  client.send('SHUTDOWN', 'NOSAVE');
  t.strictSame(await node.exited, { code: 0, signal: null }, node.output());
  await client.waitClosed();
});

t.test('two nodes on one port: the second says so and ends with 1', async (t) => {
  const node = await startFor(t);
  const second = spawnDhash(['node', '--port', `${node.port}`]);
  t.strictSame(await second.exited, { code: 1, signal: null });
  t.match(second.output(), `127.0.0.1:${node.port} is taken`);
  t.match(second.output(), `dhash node --port ${node.port + 1}`, 'and what to do');
  t.notMatch(second.output(), /\n +at /, 'no stack');
  const client = await node.connect();
  t.equal(await client.callPlain('PING'), 'PONG', 'the first is still served');
  await client.close();
});

t.test('a unix socket goes with its node', async (t) => {
  const path = join(folder, 'dhash.sock');
  const node = await startDhash({ args: ['--unixsocket', path] });
  const client = await RespClient.connect({ path });
  t.equal(await client.callPlain('PING'), 'PONG');
  const info = (await client.callPlain('CLIENT', 'INFO')) as string;
  t.match(info, `${path}:0`);
  t.match(info, /flags=U/);
  await client.close();
  await node.stop();
  t.notOk(existsSync(path), 'the socket file is removed');
});

t.test('a unix socket left by a crash is replaced, another file is not', async (t) => {
  const path = join(folder, 'stale.sock');
  const options = { args: ['--port', '0', '--unixsocket', path], readyAt: { path } };
  const crashed = await startDhash(options);
  crashed.signal('SIGKILL');
  await crashed.exited;
  t.ok(existsSync(path), 'the crash has left it');
  const node = await startDhash(options);
  const client = await RespClient.connect({ path });
  t.equal(await client.callPlain('PING'), 'PONG');
  await client.close();
  const second = spawnDhash(['node', '--port', '0', '--unixsocket', path]);
  t.equal((await second.exited).code, 1);
  t.match(second.output(), `${path} is in use by another process`);
  await node.stop();
  const plain = join(folder, 'plain.txt');
  writeFileSync(plain, 'mine');
  const refused = spawnDhash(['node', '--port', '0', '--unixsocket', plain]);
  t.equal((await refused.exited).code, 1);
  t.match(refused.output(), `dhash: ${plain} is in use`);
  t.equal(readFileSync(plain, 'utf8'), 'mine');
});

t.test('IPv6 and IPv4 at once', async (t) => {
  const node = await startFor(t, '--host', '127.0.0.1', '::1');
  for (const host of ['127.0.0.1', '::1']) {
    const client = await RespClient.connect({ host, port: node.port });
    t.equal(await client.callPlain('PING'), 'PONG', host);
    const address = host === '::1' ? '[::1]:' : '127.0.0.1:';
    t.match(await client.callPlain('CLIENT', 'INFO'), `addr=${address}`);
    await client.close();
  }
});

t.test('requirepass: AUTH, HELLO AUTH, and nothing without them', async (t) => {
  const file = join(folder, 'password');
  writeFileSync(file, 'secret\n');
  for (const args of [
    ['--requirepass', 'secret'],
    ['--requirepass-file', file],
  ]) {
    const node = await startFor(t, ...args);
    const client = await node.connect();
    t.match(await client.callPlain('GET', 'a'), /NOAUTH Authentication required/);
    t.match(await client.callPlain('NOSUCH'), /NOAUTH|unknown command/);
    t.match(await client.callPlain('HELLO', '3'), /NOAUTH/);
    t.match(await client.callPlain('AUTH', 'wrong'), /WRONGPASS/);
    t.match(await client.callPlain('GET', 'a'), /NOAUTH/);
    t.equal(await client.callPlain('AUTH', 'secret'), 'OK');
    t.equal(await client.callPlain('GET', 'a'), null);
    t.equal(await client.callPlain('RESET'), 'RESET');
    t.match(await client.callPlain('GET', 'a'), /NOAUTH/);
    t.type(await client.callPlain('HELLO', '3', 'AUTH', 'default', 'secret'), Array);
    t.equal(await client.callPlain('ACL', 'WHOAMI'), 'default');
    t.notMatch(node.output(), /secret/, 'it is in no log');
    t.notMatch(readFileSync(`/proc/${node.pid}/cmdline`, 'utf8'), /secret\b/, 'nor in ps');
    await client.close();
  }
});

const BAD_PASSWORD_FILES: readonly (readonly [name: string, text: string, why: RegExp])[] = [
  ['empty', '', /is empty/],
  ['blank line first', '\nsecret\n', /is empty/],
];

t.test('a password file without a password is no open door', async (t) => {
  for (const [name, text, why] of BAD_PASSWORD_FILES) {
    const file = join(folder, 'bad-password');
    writeFileSync(file, text);
    const refused = spawnDhash(['node', '--requirepass-file', file]);
    t.equal((await refused.exited).code, 2, name);
    t.match(refused.output(), why, name);
  }
});

t.test('protected mode: other machines are told why not', async (t) => {
  const denied = /^DENIED .* protected mode/;
  const hosts = [
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['10.1.2.3', false],
    ['128.0.0.1', false],
    ['::ffff:10.1.2.3', false],
    ['fe80::1', false],
    ['2001:db8::1', false],
  ] as const;
  const local = await new LocalNode().start();
  for (const [host, isServed] of hosts) {
    const reply = local.client(host).send('PING');
    if (isServed) t.equal(reply, 'PONG', host);
    else t.match(reply, /^-DENIED /, host);
  }
  if (!hasNetNamespaces) return t.comment('no network namespaces here');

  const path = join(folder, 'inside.sock');
  const isolated = writeIsolated(folder, process.execPath);
  const args = ['--host', '*', '::*', '--unixsocket', path];
  const node = await startDhash({ node: isolated, args, readyAt: { path } });
  t.teardown(() => node.stop());
  const [program, prefix] = enter(node.pid);
  const ask = async (host: string, ...command: string[]): Promise<string> => {
    const cli = ['redis-cli', '-h', host, '-p', `${node.port}`, ...command];
    return (await runProgram(program, [...prefix, ...cli])).output;
  };
  t.match(await ask(outsideHost, 'PING'), /DENIED|Server closed/);
  t.match(await ask('127.0.0.1', 'PING'), 'PONG');
  t.match(await ask('::1', 'PING'), 'PONG');
  const client = await RespClient.connect({ path });
  t.equal(await client.callPlain('CONFIG', 'SET', 'requirepass', 'secret'), 'OK');
  t.match(await ask(outsideHost, 'PING'), 'NOAUTH');
  t.match(await ask(outsideHost, '-a', 'secret', '--no-auth-warning', 'PING'), 'PONG');
  t.match(await ask(outsideHost6, '-a', 'secret', '--no-auth-warning', 'PING'), 'PONG');
  t.equal(await client.callPlain('CONFIG', 'SET', 'requirepass', ''), 'OK');
  t.equal(await client.callPlain('CONFIG', 'SET', 'protected-mode', 'no'), 'OK');
  t.match(await ask(outsideHost, 'PING'), 'PONG');
  t.equal(await client.callPlain('CONFIG', 'SET', 'protected-mode', 'yes'), 'OK');
  // A raw connection sees the whole reason before it is closed.
  const nc = `exec 3<>/dev/tcp/${outsideHost}/${node.port}; cat <&3`;
  t.match((await runProgram(program, [...prefix, 'bash', '-c', nc])).output.slice(1), denied);
  await client.close();
});

t.test('maxclients: one too many is told so and closed', async (t) => {
  const node = await startFor(t, '--maxclients', '5');
  const clients: RespClient[] = [];
  for (let i = 0; i < 5; i++) {
    const client = await node.connect();
    t.equal(await client.callPlain('PING'), 'PONG');
    clients.push(client);
  }
  const extra = await node.connect();
  const refusal = await extra.read();
  t.equal(refusal.bytes?.toString(), 'ERR max number of clients reached');
  await extra.waitClosed();
  await clients.pop()?.close();
  const isLetIn = async (): Promise<boolean> => {
    const client = await node.connect();
    const reply = await client.call('PING').catch(() => null);
    await client.close();
    return reply?.mark === '+';
  };
  await until('the place is free again', isLetIn);
  t.equal(await clients[0]?.callPlain('CONFIG', 'SET', 'maxclients', '4'), 'OK');
  await until('those who were there count', async () => !(await isLetIn()));
  t.match(await clients[0]?.callPlain('INFO', 'stats'), /rejected_connections:[1-9]/);
  for (const client of clients) await client.close();
});

t.test('fewer file descriptors than clients: it waits for better times', async (t) => {
  const limited = join(folder, 'limited');
  writeFileSync(limited, `#!/bin/sh\nulimit -n 400\nexec "${process.execPath}" "$@"\n`, {
    mode: 0o700,
  });
  const node = await startDhash({ node: limited });
  t.teardown(() => node.stop());
  const first = await node.connect();
  t.equal(await first.callPlain('PING'), 'PONG');
  const many = await Promise.all(Array.from({ length: 600 }, () => node.connect()));
  t.equal(await first.callPlain('PING'), 'PONG', 'those that are in are served');
  for (const client of many) await client.close();
  const last = await node.connect();
  await until('the next is let in', async () => (await last.callPlain('PING')) === 'PONG');
  await Promise.all([first.close(), last.close()]);
});

t.test('timeout: an idle client is closed, a busy one is not', async (t) => {
  const node = await startFor(t, '--timeout', '1');
  const idle = await node.connect();
  const busy = await node.connect();
  t.equal(await idle.callPlain('PING'), 'PONG');
  let isClosed = false;
  void idle.waitClosed().then(() => {
    isClosed = true;
  });
  let pings = 0;
  for (; !isClosed; pings++) await busy.callPlain('PING');
  t.ok(pings > 0 && !busy.closed);
  await busy.close();
});

t.test('settings: the file, then variables, then flags', async (t) => {
  const config = join(folder, 'dhash.conf');
  writeFileSync(config, '# mine\nmaxclients 11\nTIMEOUT 22\nhz 33\nslowlog-max-len 5\n');
  const node = await startDhash({
    args: ['--hz', '44'],
    env: { DHASH_CONFIG: config, DHASH_TIMEOUT: '55', DHASH_HZ: '66' },
  });
  t.teardown(() => node.stop());
  const client = await node.connect();
  const expected = { maxclients: '11', timeout: '55', hz: '44', 'slowlog-max-len': '5' };
  for (const [name, value] of Object.entries(expected)) {
    t.equal(await configOf(client, name), value, name);
  }
  await client.close();
});

t.test('CONFIG REWRITE: the file is what the next node starts with', async (t) => {
  const config = join(folder, 'rewritten.conf');
  writeFileSync(config, '# a comment\nmaxclients 11\n\nhz 33\n');
  const start = (): Promise<ServerProcess> => startDhash({ args: ['--config', config] });
  const changes = {
    hz: '50',
    'maxmemory-policy': 'allkeys-lru',
    'slowlog-max-len': '7',
    requirepass: 'two words "quoted"',
  };
  const first = await start();
  const client = await first.connect();
  const pairs = Object.entries(changes).flat();
  t.equal(await client.callPlain('CONFIG', 'SET', ...pairs), 'OK');
  t.equal(await client.callPlain('CONFIG', 'REWRITE'), 'OK');
  const text = readFileSync(config, 'utf8');
  t.match(text, /^# a comment\nmaxclients 11\n\nhz 50\n/, 'comments and order are kept');
  t.equal(await client.callPlain('CONFIG', 'REWRITE'), 'OK');
  t.equal(readFileSync(config, 'utf8'), text, 'a second time changes nothing');
  await Promise.all([client.close(), first.stop()]);
  const second = await start();
  const again = await second.connect();
  t.equal(await again.callPlain('AUTH', changes.requirepass), 'OK');
  for (const [name, value] of Object.entries(changes)) {
    t.equal(await configOf(again, name), value, name);
  }
  t.equal(await configOf(again, 'maxclients'), '11');
  await again.close();
  await second.stop();
});

t.test('CONFIG REWRITE with a password from a file, and without a file', async (t) => {
  const config = join(folder, 'with-file.conf');
  const password = join(folder, 'the-password');
  writeFileSync(password, 'secret\n');
  writeFileSync(config, `requirepass-file ${password}\n`);
  for (const round of ['first', 'second']) {
    const node = await startDhash({ args: ['--config', config] });
    const client = await node.connect();
    t.equal(await client.callPlain('AUTH', 'secret'), 'OK', round);
    t.equal(await client.callPlain('CONFIG', 'REWRITE'), 'OK', round);
    await Promise.all([client.close(), node.stop()]);
  }
  const node = await startFor(t);
  const client = await node.connect();
  t.match(await client.callPlain('CONFIG', 'REWRITE'), /running without a config file/);
  await client.close();
});

const WRONG: readonly (readonly [args: readonly string[], expected: RegExp])[] = [
  [['--maxmemry', '1'], /unknown option '--maxmemry'.*Did you mean --maxmemory\?/],
  [['--prot', '1'], /Did you mean --port\?/],
  [['--port', 'http'], /--port/],
  [['--maxmemory', '12parsecs'], /--maxmemory/],
  [['--replicas', '17'], /--replicas: argument must be between 0 and 16/],
];

t.test('wrong usage ends with 2 and says what is wrong', async (t) => {
  const config = join(folder, 'wrong.conf');
  writeFileSync(config, 'maxclients many\nnosuch 1\nport 7000 # a comment\n');
  const rows: typeof WRONG = [
    ...WRONG,
    [['--config', config], /:1: maxclients: .*\n.*:2: .*nosuch.*\n.*:3: port: .*comment/],
  ];
  const runs = rows.map(([args]) => spawnDhash(['node', ...args]));
  for (const [index, [args, expected]] of rows.entries()) {
    t.equal((await runs[index]?.exited)?.code, 2, args.join(' '));
    t.match(runs[index]?.output(), expected, args.join(' '));
  }
});

t.test('CLIENT KILL, PAUSE and REPLY between two connections', async (t) => {
  const node = await startFor(t);
  const [one, two] = [await node.connect(), await node.connect()];
  const id = await two.callPlain('CLIENT', 'ID');
  t.equal(await one.callPlain('CLIENT', 'PAUSE', '100000', 'WRITE'), 'OK');
  two.send('SET', 'a', '1');
  t.equal(await one.callPlain('GET', 'a'), null, 'the write waits');
  t.equal(await one.callPlain('CLIENT', 'UNPAUSE'), 'OK');
  t.equal((await two.read()).bytes?.toString(), 'OK');
  t.equal(await one.callPlain('CLIENT', 'KILL', 'ID', String(id)), 1);
  await two.waitClosed();
  t.notMatch(await one.callPlain('CLIENT', 'LIST'), `id=${id} `);
  one.send('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no');
  await one.waitClosed();
});
