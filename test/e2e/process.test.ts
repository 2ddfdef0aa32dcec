/**
 * A dhash process as an operator meets it: the doors it listens on, passwords, how many clients,
 * idle ones, and how connections end.
 */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { RespClient } from '../support/resp-client.js';
import { freePort, startDhash } from '../support/server-process.js';

const folder = mkdtempSync(join(tmpdir(), 'dhash-e2e-'));
t.teardown(() => rmSync(folder, { recursive: true }));

t.test('SIGTERM: replies so far arrive, the process ends with 0', async (t) => {
  const node = await startDhash();
  const client = await node.connect();
  t.equal(await client.callPlain('SET', 'a', 'b'), 'OK');
  const exit = await node.stop();
  t.strictSame(exit, { code: 0, signal: null }, node.output());
  await client.waitClosed();
});

t.test('SHUTDOWN ends it too', async (t) => {
  const node = await startDhash();
  const client = await node.connect();
  client.send('SHUTDOWN', 'NOSAVE');
  t.strictSame(await node.exited, { code: 0, signal: null }, node.output());
  await client.waitClosed();
});

t.test('a unix socket, alone and gone afterwards', async (t) => {
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

t.test('IPv6 and IPv4 at once', async (t) => {
  const node = await startDhash({ args: ['--host', '127.0.0.1', '::1'] });
  t.teardown(() => node.stop());
  for (const host of ['127.0.0.1', '::1']) {
    const client = await RespClient.connect({ host, port: node.port });
    t.equal(await client.callPlain('PING'), 'PONG', host);
    const address = host === '::1' ? '[::1]:' : '127.0.0.1:';
    t.match(await client.callPlain('CLIENT', 'INFO'), `addr=${address}`);
    await client.close();
  }
});

t.test('two nodes on one port: the second says so', async (t) => {
  const port = await freePort();
  const node = await startDhash({ args: ['--port', `${port}`], readyAt: { port } });
  t.teardown(() => node.stop());
  await t.rejects(startDhash({ args: ['--port', `${port}`] }), /is taken/);
});

t.test('requirepass: AUTH, HELLO AUTH, and nothing without them', async (t) => {
  const node = await startDhash({ args: ['--requirepass', 'secret'] });
  t.teardown(() => node.stop());
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
  await client.close();
});

t.test('maxclients: one too many is told so and closed', async (t) => {
  const node = await startDhash({ args: ['--maxclients', '5'] });
  t.teardown(() => node.stop());
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
  await untilAccepted(node.port);
  for (const client of clients) await client.close();
});

/** The server sees a close a moment later than the client: tries until it lets somebody in. */
async function untilAccepted(port: number): Promise<void> {
  for (;;) {
    const client = await RespClient.connect({ port });
    const reply = await client.call('PING').catch(() => null);
    await client.close();
    if (reply?.mark === '+') return;
  }
}

t.test('timeout: an idle client is closed, a busy one is not', async (t) => {
  const node = await startDhash({ args: ['--timeout', '1'] });
  t.teardown(() => node.stop());
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

t.test('CLIENT KILL, PAUSE and REPLY between two connections', async (t) => {
  const node = await startDhash();
  t.teardown(() => node.stop());
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
