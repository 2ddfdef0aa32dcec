/** The client against nodes that refuse, break off, stay silent, or are somebody else. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import RedisParser from 'redis-parser';
import t, { type Test } from 'tap';
import { type ClientOptions, connect, Node, type RingClient } from '../../lib/index.js';
import { freePort } from '../support/server-process.js';
import { until } from '../support/until.js';

const SELF = 'ab'.repeat(20);
const STRANGER = 'cd'.repeat(20);

/** A node as far as a client sees it: what it says to a command is told by the test. */
interface Fake {
  readonly address: string;
  readonly heard: string[];
  /** The reply to a command, in the protocol; undefined: none. */
  answer: (words: readonly string[], socket: Socket) => string | undefined;
  /** Who it says it is. */
  id: string;
  /** Its members, id and address; itself by default. */
  members: readonly (readonly [id: string, address: string])[];
}

async function fakeNode(t: Test): Promise<Fake> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const parser = new RedisParser({
      returnReply: (words) => {
        const reply = replyOf(words as string[], socket);
        if (reply !== undefined) socket.write(reply);
      },
      returnError: () => {},
      returnFatalError: () => socket.destroy(),
    });
    socket.on('data', (bytes: Buffer) => parser.execute(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fake: Fake = {
    address,
    heard: [],
    answer: () => '+OK\r\n',
    id: SELF,
    members: [[SELF, address]],
  };
  const replyOf = (words: string[], socket: Socket): string | undefined => {
    const line = words.join(' ');
    if (line === 'PING' || line.startsWith('SELECT')) return '+OK\r\n';
    if (line === 'CLUSTER MYID') return bulk(fake.id);
    if (line === 'DHASH RING') return ringOf(fake.members);
    fake.heard.push(line);
    return fake.answer(words, socket);
  };
  return fake;
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

function list(...parts: readonly string[]): string {
  return `*${parts.length}\r\n${parts.join('')}`;
}

function ringOf(members: Fake['members']): string {
  const each = members.map(([id, address], at) =>
    list(...['id', id, 'address', address, 'position', `p${at}`, 'state', 'normal'].map(bulk)),
  );
  return list(
    bulk('epoch'),
    ':1\r\n',
    bulk('cluster-id'),
    bulk('ring'),
    bulk('members'),
    list(...each),
  );
}

async function clientOf(t: Test, node: Fake, options: ClientOptions = {}): Promise<RingClient> {
  const client = await connect(node.address, options);
  t.teardown(() => client.close());
  return client;
}

void t.test('what was not applied is tried again', async (t) => {
  const node = await fakeNode(t);
  const client = await clientOf(t, node);
  const refusals = ['-TRYAGAIN x\r\n', '-CLUSTERDOWN x\r\n', '-LOADING x\r\n'];
  node.answer = () => refusals.shift() ?? ':7\r\n';
  t.equal(await client.call('INCR', 'key'), 7);
  t.strictSame(node.heard, Array(4).fill('INCR key'));
});

void t.test('what goes on being refused is told in the end', async (t) => {
  const node = await fakeNode(t);
  const client = await clientOf(t, node, { timeoutMs: 1000 });
  node.answer = () => '-TRYAGAIN later\r\n';
  await t.rejects(client.call('INCR', 'key'), {
    code: 'TRYAGAIN',
    message: 'TRYAGAIN later',
    isInDoubt: false,
  });
});

void t.test('a connection that breaks: reads are sent again, writes are in doubt', async (t) => {
  const node = await fakeNode(t);
  const client = await clientOf(t, node);
  const breakOff = (_words: readonly string[], socket: Socket): undefined => {
    node.answer = () => '+fine\r\n';
    socket.destroy();
  };
  node.answer = breakOff;
  t.equal(await client.call('GET', 'key'), 'fine');
  t.strictSame(node.heard, ['GET key', 'GET key']);
  node.answer = breakOff;
  await t.rejects(client.call('SET', 'key', 1), { code: 'DISCONNECTED', isInDoubt: true });
  t.equal(await client.call('SET', 'key', 2), 'fine', 'it comes back by itself');
  t.strictSame(node.heard.slice(2), ['SET key 1', 'SET key 2']);
});

void t.test('no reply in time, and none at all', async (t) => {
  const node = await fakeNode(t);
  const client = await clientOf(t, node, { timeoutMs: 50 });
  node.answer = () => undefined;
  await t.rejects(client.call('SET', 'key', 1), { code: 'TIMEOUT', isInDoubt: true });
  const waits = client.call('SET', 'key', 1);
  client.close();
  await t.rejects(waits, { code: 'CLOSED' });
  await t.rejects(client.call('GET', 'key'), { code: 'CLOSED', isInDoubt: false });
});

void t.test('errors and replies are plain', async (t) => {
  const node = await fakeNode(t);
  const client = await clientOf(t, node);
  node.answer = () => list(bulk('a'), ':1\r\n', '$-1\r\n', '-NOSCRIPT x\r\n');
  t.match(await client.call('EVAL', 'x', 0), ['a', 1, null, { code: 'NOSCRIPT' }]);
  t.match(await client.callBytes('EVAL', 'x', 0), [Buffer.from('a'), 1, null]);
  node.answer = () => '-INDOUBT applied here\r\n';
  await t.rejects(client.call('SET', 'key', 1), { code: 'INDOUBT', isInDoubt: true });
  const heardCount = node.heard.length;
  for (const words of [
    ['multi'],
    ['BLPOP', 'l', 0],
    ['AT', 'one', 'wait', 1, 0],
    ['CLIENT', 'reply', 'off'],
  ]) {
    await t.rejects(client.call(...words), { code: 'UNSUPPORTED' }, words.join(' '));
  }
  await t.rejects(client.call('XREAD', 'BLOCK', 0, 'STREAMS', 's', '$'), { code: 'UNSUPPORTED' });
  await t.rejects(client.call({} as string), { code: 'ARGUMENT' });
  t.equal(node.heard.length, heardCount, 'none of these was sent');
  node.answer = () => '+OK\r\n';
  t.equal(await client.call('XREAD', 'STREAMS', 'block', '$'), 'OK', 'a key of this name');
});

void t.test('whoever is somebody else at an address of a member gets nothing', async (t) => {
  const node = await fakeNode(t);
  const other = await fakeNode(t);
  other.id = STRANGER;
  node.members = [
    [SELF, node.address],
    ['ef'.repeat(20), other.address],
  ];
  const client = await connect(node.address);
  t.teardown(() => client.close());
  const losses: string[] = [];
  client.on('lost', ({ address, error }) => losses.push(`${address} ${error.message}`));
  t.equal(client.ownerOf('p1'), other.address);
  await until('it was looked at', () => losses.length > 0);
  t.match(losses[0], `${other.address} member ${STRANGER} answers where ${'ef'.repeat(20)} should`);
  t.equal(await client.call('SET', 'p1', 1), 'OK');
  t.strictSame([node.heard, other.heard], [['SET p1 1'], []], 'the other node was asked instead');
});

void t.test('who cannot connect hears why', async (t) => {
  const port = await freePort();
  await t.rejects(connect(`127.0.0.1:${port}`, { connectTimeoutMs: 50 }), {
    code: 'UNREACHABLE',
    message: /ECONNREFUSED/,
  });
  const node = new Node({ port, requirepass: 'right' });
  t.teardown(() => node.stop());
  await node.start();
  const at = `127.0.0.1:${port}`;
  await t.rejects(connect(at), { code: 'NOAUTH' });
  await t.rejects(connect(at, { password: 'wrong' }), { code: 'WRONGPASS' });
  const client = await connect(at, { password: 'right', db: 3 });
  t.equal(await client.call('SET', 'key', 'value'), 'OK');
  t.match(await client.call('INFO', 'keyspace'), /db3:keys=1/);
  client.close();
  for (const [name, options] of [
    ['unknown', { pasword: 'x' }],
    ['negative', { db: -1 }],
    ['no time', { timeoutMs: 0 }],
    ['no text', { password: 1 }],
  ] as const) {
    await t.rejects(connect(at, options as ClientOptions), { code: 'ARGUMENT' }, name);
  }
  for (const address of ['', '127.0.0.1:99999', []]) {
    await t.rejects(connect(address), { code: 'ARGUMENT' }, `'${String(address)}'`);
  }
  for (const [address, told] of [
    [{ nodes: [at] }, "'HOST:PORT', or several in an array, is expected, not an object (nodes)"],
    [undefined, "'HOST:PORT', or several in an array, is expected, not undefined"],
    [6379, "'HOST:PORT', or several in an array, is expected, not 6379"],
    [[at, null], "'HOST:PORT', or several in an array, is expected, not null"],
  ] as const) {
    await t.rejects(connect(address as unknown as string), { code: 'ARGUMENT', message: told });
  }
  for (const options of [null, 'password', 3]) {
    const message = /^options: an object is expected/;
    await t.rejects(connect(at, options as ClientOptions), { code: 'ARGUMENT', message });
  }
});
