/** The library's Node: its options, its states, and what it refuses. */
import t from 'tap';
import { Node, type NodeOptions } from '../../lib/index.js';
import { settingsOf } from '../../lib/library/node-options.js';
import { RespClient } from '../support/resp-client.js';
import { freePort } from '../support/server-process.js';

function noFile(path: string): never {
  throw new Error(`no file ${path}`);
}

const WRONG: readonly (readonly [name: string, options: object, message: string])[] = [
  ['misspelt', { prot: 1 }, "unknown setting 'prot'; did you mean 'port'?"],
  [
    'kebab',
    { 'evict-after-ms': 1 },
    "unknown setting 'evict-after-ms'; did you mean 'evictAfterMs'?",
  ],
  ['value', { port: 70_000 }, 'port: argument must be between 0 and 65535 inclusive'],
  ['type', { port: {} }, 'port: a string, number, boolean or array of strings is expected'],
  ['level', { readLevel: 'two' }, 'readLevel: '],
  ['not built', { httpPort: 80 }, 'httpPort: the HTTP API is not built yet in this version'],
  ['nothing to listen on', { port: 0 }, 'port 0 and no unixsocket: nothing to listen on'],
  ['a file', { requirepassFile: '/x' }, 'no file /x'],
];

void t.test('what is wrong with options is said', (t) => {
  for (const [name, options, message] of WRONG) {
    try {
      settingsOf(options as NodeOptions, noFile);
      t.fail(name);
    } catch (error) {
      t.match(error, { code: 'NODE_OPTIONS', problems: [] }, name);
      const { problems } = error as { problems: string[] };
      t.equal(problems.length, 1, name);
      t.ok(problems[0]?.startsWith(message), `${name}: ${problems[0]}`);
    }
  }
  t.throws(() => new Node({ prot: 1, port: -1 }), { message: /'prot'.*; port: / }, 'all at once');
  t.end();
});

void t.test('options become settings', (t) => {
  const settings = settingsOf(
    {
      host: ['127.0.0.1', '::1'],
      join: ['127.0.0.1:1', '127.0.0.1:2'],
      maxmemory: '2mb',
      loadDamaged: true,
      evictAfterMs: 5000,
      logLevel: undefined,
    },
    noFile,
  );
  t.strictSame(settings.bind, ['127.0.0.1', '::1']);
  t.strictSame(settings.join, ['127.0.0.1:1', '127.0.0.1:2']);
  t.equal(settings.maxmemory, 2 * 1024 * 1024);
  t.equal(settings.loadDamaged, true);
  t.equal(settings.evictAfterMs, 5000);
  t.equal(settings.loglevel, 'notice');
  t.end();
});

void t.test('states', async (t) => {
  const port = await freePort();
  const node = new Node({ port });
  t.teardown(() => node.stop());
  await node.stop();
  await t.rejects(node.leave(), { code: 'NODE_STATE', message: 'leave: the node is stopped' });
  t.equal(node.ring, undefined);
  const stops: string[] = [];
  node.on('stopped', ({ why }) => stops.push(why));
  await node.start();
  await t.rejects(node.start(), { code: 'NODE_STATE' });
  t.equal(node.ring?.members.length, 1);
  t.strictSame(node.addresses, [{ host: '127.0.0.1', port }]);

  const other = new Node({ port });
  await t.rejects(other.start(), { code: 'EADDRINUSE' });
  t.strictSame(other.addresses, []);

  const client = await RespClient.connect({ port });
  await client.callPlain('SET', 'key', 'value');
  const nobody = `127.0.0.1:${await freePort()}`;
  await t.rejects(node.join(nobody), { code: 'NODE_STATE', message: /only an empty node/ });
  await client.callPlain('DEL', 'key');
  await t.rejects(node.join(nobody, { timeoutMs: 50 }), {
    code: 'NODE_TIMEOUT',
    message: /not taken in by 127\.0\.0\.1:\d+ within 50 ms: .*ECONNREFUSED/,
  });
  t.strictSame(stops, ['', ''], 'it has stopped to join, and since nobody took it');
  await client.close();

  await node.start();
  const again = await RespClient.connect({ port });
  again.send('SHUTDOWN');
  await again.waitClosed();
  await node.stop();
  t.equal(stops.length, 3, 'SHUTDOWN ends the node, and not the process');
});

void t.test('who is refused hears why', async (t) => {
  const first = new Node({ port: await freePort(), clusterSecret: 'right', leaveTimeoutMs: 0 });
  t.teardown(() => first.stop());
  await first.start();
  const { port } = first.addresses[0] as { port: number };
  const second = new Node({ port: await freePort(), clusterSecret: 'wrong' });
  await t.rejects(second.join(`127.0.0.1:${port}`), { code: 'NODE_REFUSED', message: /PEERPROOF/ });
  t.strictSame(second.addresses, [], 'and is stopped');
  t.equal(first.ring?.members.length, 1);
});

void t.test('who has joined is a member, and leaves at once', async (t) => {
  const first = new Node({ port: await freePort(), leaveTimeoutMs: 0 });
  t.teardown(() => first.stop());
  await first.start();
  const { port } = first.addresses[0] as { port: number };
  const second = new Node({ port: await freePort() });
  await second.join(`127.0.0.1:${port}`);
  t.equal(second.ring?.members.length, 2);
  t.equal(second.ring?.change, 'none');
  await second.leave();
  t.equal(first.ring?.members.length, 1);
});
