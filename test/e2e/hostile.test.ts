/**
 * Clients that mean no good, against a dhash process: memory stays bounded, what is malformed gets
 * Redis's answer to the byte, and others are served.
 */

import t, { type Test } from 'tap';
import { Crc64 } from '../../rdb/crc64.js';
import { growthOf, residentBytes } from '../support/process-memory.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { exchange, writeUntilStuck } from '../support/raw-socket.js';
import { type Argument, encodeCommand, NoReply, type RespClient } from '../support/resp-client.js';
import { type ServerProcess, startDhash, startRedis } from '../support/server-process.js';
import { until } from '../support/until.js';

// A busy machine may be several times slower.
t.setTimeout(120_000);

const mebibyte = 1024 * 1024;
const keyCount = 20_000;

/** The heap of a process that has just started settles, whatever clients do; and a few buffers. */
const growthBytesMax = 100 * mebibyte;
/** What one client may have unread in the process: 1 MiB, the reply that exceeds it, and chunks. */
const unreadBytesMax = 2 * mebibyte;

async function startFor(t: Test, ...args: string[]): Promise<ServerProcess> {
  const node = await startDhash({ args });
  t.teardown(() => node.stop());
  return node;
}

function repeated(command: readonly Argument[], times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => encodeCommand(command)));
}

async function isServing(node: ServerProcess): Promise<boolean> {
  const client = await node.connect();
  const reply = await client.callPlain('PING');
  await client.close();
  return reply === 'PONG';
}

function inMebibytes(bytes: number): string {
  return `${Math.round(bytes / mebibyte)} MiB`;
}

async function fillKeys(client: RespClient, count: number): Promise<void> {
  for (let from = 0; from < count; from += 1000) {
    const pairs = Array.from({ length: 1000 }, (_, i) => [`key:${from + i}`, 'v'.repeat(50)]);
    await client.call('MSET', ...pairs.flat());
  }
}

const UNREAD: readonly (readonly [name: string, command: readonly string[]])[] = [
  ['short replies', ['PING']],
  ['values of 1 KB', ['GET', 'k']],
  ['values of 1 MB', ['GET', 'm']],
  ['errors', ['NOSUCH', 'x'.repeat(100)]],
  ['long lists', ['COMMAND', 'DOCS']],
  ['ranges of all there is', ['KRANGE', '-', '+', 'WITHVALUES']],
  ['all keys', ['KEYS', '*']],
];

t.test('a million commands whose replies nobody reads', async (t) => {
  const node = await startFor(t);
  const other = await node.connect();
  await other.call('MSET', 'k', 'v'.repeat(1000), 'm', Buffer.alloc(mebibyte));
  await fillKeys(other, keyCount);
  for (const [name, command] of UNREAD) {
    const client = await node.connect();
    client.socket.pause();
    const batch = repeated(command, 1000);
    const growth = await growthOf(node.pid, async () => {
      let isWriting = true;
      const written = writeUntilStuck(client, batch, 1000).finally(() => {
        isWriting = false;
      });
      let pongs = 0;
      for (; isWriting; pongs++) await other.call('PING');
      t.comment(`${name}: took ${await written} of 1000 batches; ${pongs} others were served`);
    });
    t.ok(growth < growthBytesMax, `${name}: grew by ${inMebibytes(growth)}`);
    await client.close();
  }
  await other.close();
});

t.test('what was not read waits: nothing is lost, nothing comes twice', async (t) => {
  const node = await startFor(t);
  const client = await node.connect();
  const count = 100_000;
  client.socket.pause();
  client.sendRaw(repeated(['APPEND', 'n', 'x'], count));
  client.send('GET', 'n');
  const other = await node.connect();
  // Its own count of commands says that the node has stopped executing for the other one.
  let last = -1;
  await until('the node waits for the reader', async () => {
    const length = Number(await other.callPlain('STRLEN', 'n'));
    const isWaiting = length === last && length > 0;
    last = length;
    return isWaiting;
  });
  client.socket.resume();
  for (let i = 1; i <= count; i++) {
    const reply = await client.read();
    if (reply.bytes?.toString() !== `${i}`) throw new Error(`reply ${i} is ${reply.bytes}`);
  }
  t.equal((await client.read()).bytes?.length, count);
  await Promise.all([client.close(), other.close()]);
});

const LAST_WORDS: readonly (readonly [name: string, bytes: string, reply: RegExp | undefined])[] = [
  ['QUIT', 'QUIT\r\n', /^OK$/],
  ['a protocol error', '*x\r\n', /^ERR Protocol error/],
  ['the end of its stream', '', undefined],
];

t.test('slow readers get everything before the connection is closed', async (t) => {
  const node = await startFor(t);
  const other = await node.connect();
  await other.call('SET', 'v', 'v'.repeat(100_000));
  const count = 150;
  for (const [name, bytes, expected] of LAST_WORDS) {
    t.equal(await other.callPlain('CONFIG', 'RESETSTAT'), 'OK');
    const client = await node.connect();
    client.socket.pause();
    client.sendRaw(Buffer.concat([repeated(['GET', 'v'], count), Buffer.from(bytes)]));
    if (expected === undefined) client.socket.end();
    let last = 0;
    await until('the node waits for the reader', async () => {
      const stats = String(await other.callPlain('INFO', 'commandstats'));
      const calls = Number(/cmdstat_get:calls=(\d+)/.exec(stats)?.[1] ?? 0);
      const isWaiting = calls === last && calls > 0;
      last = calls;
      return isWaiting;
    });
    client.socket.resume();
    let whole = 0;
    for (; whole < count; whole++) {
      if ((await client.read()).bytes?.length !== 100_000) break;
    }
    t.equal(whole, count, name);
    if (expected !== undefined) t.match((await client.read()).bytes?.toString(), expected, name);
    await client.waitClosed();
  }
  await other.close();
});

t.test('many clients that read nothing', async (t) => {
  const node = await startFor(t);
  const other = await node.connect();
  await other.call('SET', 'k', 'v'.repeat(1000));
  const clients = await Promise.all(Array.from({ length: 50 }, () => node.connect()));
  for (const client of clients) client.socket.pause();
  const batch = repeated(['GET', 'k'], 1000);
  const growth = await growthOf(node.pid, async () => {
    await Promise.all(clients.map((client) => writeUntilStuck(client, batch, 200)));
  });
  const bytesMax = growthBytesMax + clients.length * unreadBytesMax;
  t.ok(growth < bytesMax, `grew by ${inMebibytes(growth)}`);
  t.equal(await other.callPlain('STRLEN', 'k'), 1000);
  await Promise.all([...clients, other].map((client) => client.close()));
  t.ok(await isServing(node));
});

t.test('nothing is executed for a client that is gone', async (t) => {
  const node = await startFor(t);
  const other = await node.connect();
  await other.call('SET', 'm', Buffer.alloc(mebibyte));
  const client = await node.connect();
  client.socket.pause();
  await writeUntilStuck(client, repeated(['MGET', ...Array<string>(20).fill('m')], 100), 10);
  const calls = async (): Promise<string | undefined> => {
    const stats = String(await other.callPlain('INFO', 'commandstats'));
    return /cmdstat_mget:calls=(\d+)/.exec(stats)?.[1];
  };
  await client.close();
  await until('it is gone', async () => {
    const list = String(await other.callPlain('CLIENT', 'LIST'));
    return list.trim().split('\n').length === 1;
  });
  // The one at hand when it left, and not the thousands that had arrived.
  t.ok(Number((await calls()) ?? 0) < 5, `${await calls()} calls of MGET`);
  await other.close();
});

t.test('MONITOR: unread, and of values that are too long for a line', async (t) => {
  const node = await startFor(t);
  const [monitor, other] = [await node.connect(), await node.connect()];
  await monitor.call('MONITOR');
  monitor.socket.pause();
  const batch = Buffer.concat([
    repeated(['SET', 'a', Buffer.alloc(20_000)], 100),
    encodeCommand(['ECHO', 'end of batch']),
  ]);
  const growth = await growthOf(node.pid, async () => {
    for (let round = 0; round < 20; round++) {
      other.sendRaw(batch);
      for (let i = 0; i < 100; i++) await other.read();
      await other.read();
    }
  });
  t.ok(growth < growthBytesMax + 64 * mebibyte, `unread: grew by ${inMebibytes(growth)}`);
  monitor.socket.resume();
  await monitor.close();
  const second = await node.connect();
  await second.call('MONITOR');
  t.equal(await other.callPlain('CONFIG', 'SET', 'slowlog-log-slower-than', '0'), 'OK');
  // Each byte is shown as two, and V8 ends the process on too many replacements in a text.
  const long = Buffer.alloc(80 * mebibyte, '\n');
  t.equal(await other.callPlain('SET', 'long', long), 'OK');
  const line = (await second.read()).bytes?.toString() ?? '';
  t.match(line, /"SET" "long" "\\n\\n.*\(\d+ more bytes\)"$/);
  t.match(await other.callPlain('CONFIG', 'SET', long, '1'), /Unknown option/);
  t.ok(JSON.stringify(await other.callPlain('SLOWLOG', 'GET')).length < 10_000);
  await Promise.all([second.close(), other.close()]);
});

t.test('connections that come and go', async (t) => {
  const node = await startFor(t);
  const comeAndGo = async (count: number): Promise<void> => {
    let left = count;
    const visit = async (): Promise<void> => {
      while (left-- > 0) {
        const client = await node.connect();
        if (left % 3 === 0) client.send('GET', 'a');
        else await client.callPlain('PING');
        if (left % 5 === 0) client.socket.resetAndDestroy();
        await client.close();
      }
    };
    await Promise.all(Array.from({ length: 50 }, visit));
  };
  await comeAndGo(1000);
  const before = residentBytes(node.pid);
  await comeAndGo(5000);
  const growth = residentBytes(node.pid) - before;
  t.ok(growth < 50 * mebibyte, `5000 grew it by ${inMebibytes(growth)}`);
  const client = await node.connect();
  const isAlone = async (): Promise<boolean> => {
    return /connected_clients:1\r/.test(String(await client.callPlain('INFO', 'clients')));
  };
  await until('all are forgotten', isAlone);
  await client.close();
});

/** Requests that real servers get, by mistake or on purpose. */
const MALFORMED: readonly (readonly [name: string, bytes: string | Buffer])[] = [
  ['nothing', ''],
  ['an empty line', '\r\n'],
  ['inline', 'PING\r\nECHO "a b\\x41"\r\n'],
  ['inline, line feeds only', 'PING\nPING\n'],
  ['inline, unbalanced', 'PING\r\nECHO "a\r\nPING\r\n'],
  ['inline, quote in the middle', "ECHO 'a'b\r\nPING\r\n"],
  ['inline, too long', 'x'.repeat(70_000)],
  ['inline, NUL', 'PI\0NG\r\nPING\r\n'],
  ['no arguments', '*0\r\nPING\r\n'],
  ['fewer than none', '*-1\r\n*-9999\r\nPING\r\n'],
  ['too many arguments', '*2147483648\r\n'],
  ['far too many', '*99999999999999999999\r\n'],
  ['a count that is none', '*x\r\n'],
  ['a count with a space', '* 1\r\n$4\r\nPING\r\n'],
  ['a count with a plus', '*+1\r\n$4\r\nPING\r\n'],
  ['a count with a zero', '*01\r\n$4\r\nPING\r\n'],
  ['an empty count', '*\r\nPING\r\n'],
  ['an endless count', `*${'1'.repeat(70_000)}`],
  ['no dollar', '*1\r\n:4\r\nPING\r\n'],
  ['no dollar but a line end', '*1\r\n\r\nPING\r\n'],
  ['an inline command inside', '*2\r\nPING\r\n'],
  ['a nested array', '*1\r\n*1\r\n$4\r\nPING\r\n'],
  ['a negative length', '*1\r\n$-1\r\n'],
  ['a length beyond the limit', '*1\r\n$536870913\r\n'],
  ['a length beyond 64 bits', '*1\r\n$18446744073709551616\r\n'],
  ['a length that is none', '*1\r\n$4x\r\nPING\r\n'],
  ['an empty length', '*1\r\n$\r\nPING\r\n'],
  ['an endless length', `*1\r\n$${'1'.repeat(70_000)}`],
  ['a name of nothing', '*1\r\n$0\r\n\r\n*1\r\n$4\r\nPING\r\n'],
  ['other line ends', '*1\r\n$4\r\nPINGxy*1\r\n$4\r\nPING\r\n'],
  ['bare line feeds', '*1\n$4\nPING\n'],
  ['a length that is too short', '*1\r\n$3\r\nPING\r\nPING\r\n'],
  ['cut in the count', '*1'],
  ['cut in the length', '*1\r\n$4'],
  ['cut in the argument', '*1\r\n$4\r\nPI'],
  ['cut before its end', '*1\r\n$4\r\nPING'],
  ['good, then cut', '*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI'],
  ['good, then bad, then good', 'PING\r\n*1\r\n!\r\nPING\r\n'],
  ['replies', '+OK\r\n-ERR x\r\n:1\r\n'],
  ['HTTP GET', 'GET / HTTP/1.1\r\nX: y\r\n\r\n'],
  ['HTTP POST', 'POST / HTTP/1.1\r\nHost: x\r\n\r\nPING\r\n'],
  ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['TLS', Buffer.from('16030100f8010000f40303cb0a0d0a00', 'hex')],
  ['memcached', 'get a\r\nset a 0 0 1\r\nb\r\n'],
  ['0xff', Buffer.alloc(1000, 0xff)],
];

/** What must be the same in the answers of both: all of it, but which server closes how fast. */
async function compare(
  t: Test,
  ports: readonly number[],
  name: string,
  bytes: Buffer,
): Promise<boolean> {
  const [ours, theirs] = await Promise.all(ports.map((port) => exchange(port, bytes)));
  if (ours?.equals(theirs!) === true) return true;
  const shown = JSON.stringify(bytes.subarray(0, 300).toString('latin1'));
  t.equal(String(ours).slice(0, 500), String(theirs).slice(0, 500), `${name}: ${shown}`);
  return false;
}

t.test('malformed bytes get the answer of Redis', async (t) => {
  const [node, redis] = await Promise.all([startDhash(), startRedis()]);
  t.teardown(() => Promise.all([node.stop(), redis.stop()]));
  const ports = [node.port, redis.port];
  for (const [name, bytes] of MALFORMED) {
    if (await compare(t, ports, name, Buffer.from(bytes as Buffer))) t.pass(name);
  }
  const random = seededRandom(seedOfRun());
  const good = [['PING'], ['ECHO', 'world!'], ['SET', 'key', 'value'], ['GET', 'key']];
  for (let round = 0; round < 500; round++) {
    const commands = Array.from({ length: random.between(1, 5) }, () => random.pick(good));
    const bytes = Buffer.concat(commands.map((command) => encodeCommand(command)));
    for (let i = random.between(1, 3); i > 0; i--) {
      bytes[random.below(bytes.length)] = random.chance(0.5)
        ? random.below(256)
        : random.pick([13, 10, 36, 42, 45, 48, 57]);
    }
    const cut = bytes.subarray(0, random.chance(0.3) ? random.below(bytes.length) : bytes.length);
    if (!(await compare(t, ports, `seed ${random.seed}, round ${round}`, cut))) break;
  }
  t.pass(`500 random ones, seed ${random.seed}`);
  t.ok(await isServing(node), node.output());
});

t.test('malformed bytes before AUTH', async (t) => {
  const args = ['--requirepass', 'secret'];
  const [node, redis] = await Promise.all([startDhash({ args }), startRedis({ args })]);
  t.teardown(() => Promise.all([node.stop(), redis.stop()]));
  const ports = [node.port, redis.port];
  const rows: typeof MALFORMED = [
    ...MALFORMED,
    ['ten arguments', repeated(Array<string>(10).fill('x'), 1)],
    ['eleven arguments', '*11\r\n'],
    ['an argument of 16 KiB', repeated(['PING', 'x'.repeat(16_384)], 1)],
    ['a longer argument', '*2\r\n$4\r\nPING\r\n$16385\r\n'],
    ['another command', repeated(['GET', 'a'], 3)],
    ['AUTH without more', repeated(['AUTH'], 1)],
    ['a wrong password', Buffer.concat([repeated(['AUTH', 'wrong'], 2), repeated(['PING'], 1)])],
    ['the right one', Buffer.concat([repeated(['AUTH', 'secret'], 1), repeated(['PING'], 1)])],
  ];
  for (const [name, bytes] of rows) {
    if (await compare(t, ports, name, Buffer.from(bytes as Buffer))) t.pass(name);
  }
});

async function isHungUpOn(client: RespClient): Promise<boolean> {
  for (;;) {
    try {
      await client.read(2000);
    } catch (error) {
      return error instanceof NoReply && error.reason === 'closed';
    }
  }
}

t.test('floods before AUTH', async (t) => {
  const node = await startFor(t, '--requirepass', 'secret');
  const floods: readonly (readonly [name: string, head: string, body: string])[] = [
    ['a huge argument', '*2\r\n$3\r\nGET\r\n$500000000\r\n', 'x'],
    ['many arguments', '*1000000\r\n', '$1\r\na\r\n'],
    ['a long line', '', 'x'],
    ['a long count', '*', '1'],
  ];
  for (const [name, head, body] of floods) {
    const client = await node.connect();
    client.sendRaw(head);
    const growth = await growthOf(node.pid, async () => {
      await writeUntilStuck(client, Buffer.alloc(64 * 1024, body), 3000);
    });
    t.ok(growth < growthBytesMax, `${name}: grew by ${inMebibytes(growth)}`);
    t.ok(client.closed || (await isHungUpOn(client)), `${name}: it hangs up`);
    await client.close();
  }
  const unread = await node.connect();
  unread.socket.pause();
  const growth = await growthOf(node.pid, async () => {
    await writeUntilStuck(unread, repeated(['GET', 'a'], 1000), 1000);
  });
  t.ok(growth < growthBytesMax, `a million commands: grew by ${inMebibytes(growth)}`);
  await unread.close();
});

t.test('a thousand clients with half a request each, before AUTH', async (t) => {
  const node = await startFor(t, '--requirepass', 'secret');
  const clientCount = 1000;
  const requestBytes = 16_000;
  const clients: RespClient[] = [];
  const growth = await growthOf(node.pid, async () => {
    for (let i = 0; i < clientCount; i++) {
      const client = await node.connect();
      client.sendRaw(`*10\r\n$16384\r\n${'x'.repeat(requestBytes)}`);
      clients.push(client);
    }
    // What was sent before has been read when this is answered.
    const client = await node.connect();
    t.equal(await client.callPlain('AUTH', 'secret'), 'OK');
    clients.push(client);
  });
  const bytesMax = growthBytesMax + clientCount * 2 * requestBytes;
  t.ok(growth < bytesMax, `grew by ${inMebibytes(growth)}`);
  await Promise.all(clients.map((client) => client.close()));
});

t.test('what is promised and does not come takes no memory', async (t) => {
  const node = await startFor(t);
  const heads = [
    '*2\r\n$3\r\nGET\r\n$536870912\r\n',
    '*2147483647\r\n$4\r\nMSET\r\n',
    '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$536870912\r\nxyz',
  ];
  const clients: RespClient[] = [];
  const growth = await growthOf(node.pid, async () => {
    for (let i = 0; i < 300; i++) {
      const client = await node.connect();
      client.sendRaw(heads[i % heads.length]!);
      clients.push(client);
    }
    t.ok(await isServing(node));
  });
  t.ok(growth < growthBytesMax, `grew by ${inMebibytes(growth)}`);
  await Promise.all(clients.map((client) => client.close()));
});

t.test('dumps that lie', async (t) => {
  const node = await startFor(t);
  const client = await node.connect();
  const sealed = (...body: number[]): Buffer => {
    const dump = Buffer.from([...body, 10, 0, ...Array<number>(8).fill(0)]);
    const crc = new Crc64();
    crc.update(dump, 0, dump.length - 8);
    crc.writeTo(dump, dump.length - 8);
    return dump;
  };
  const random = seededRandom(seedOfRun());
  const growth = await growthOf(node.pid, async () => {
    const lies = [
      sealed(0, 0x80, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3),
      sealed(0, 0x81, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
      sealed(0, 0xc3, 4, 0x80, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4),
      sealed(0, 0xc3, 0x80, 0xff, 0xff, 0xff, 0xff, 4, 1, 2, 3, 4),
      sealed(0, 0xc3, 3, 9, 0xff, 0xff, 0xff),
      sealed(0),
      sealed(),
    ];
    for (let i = 0; i < 500; i++) lies.push(sealed(0, ...random.bytes(random.below(30))));
    for (const lie of lies.slice(0, 7)) {
      t.match(await client.callPlain('RESTORE', 'a', 0, lie, 'REPLACE'), /Bad data format/);
    }
    for (const lie of lies) client.send('RESTORE', 'a', 0, lie, 'REPLACE');
    for (const _ of lies) await client.read();
  });
  t.ok(growth < growthBytesMax, `seed ${random.seed}: grew by ${inMebibytes(growth)}`);
  t.ok(await isServing(node), node.output());
  await client.close();
});

t.test('slow senders, byte by byte, all at once', async (t) => {
  const node = await startFor(t);
  const clients = await Promise.all(Array.from({ length: 40 }, () => node.connect()));
  const programs = clients.map((_, i) =>
    Buffer.concat([
      encodeCommand(['SET', `slow:${i}`, `${i}`]),
      Buffer.from(`INCR slow:${i}\r\n`),
      encodeCommand(['MGET', `slow:${i}`, 'absent']),
    ]),
  );
  const longest = Math.max(...programs.map((program) => program.length));
  for (let at = 0; at < longest; at++) {
    for (const [i, client] of clients.entries()) {
      client.sendRaw(programs[i]!.subarray(at, at + 1));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const [i, client] of clients.entries()) {
    const replies = [await client.read(), await client.read(), await client.read()];
    t.strictSame(
      replies.map((reply) => reply.bytes?.toString() ?? reply.items?.[0]?.bytes?.toString()),
      ['OK', `${i + 1}`, `${i + 1}`],
    );
    await client.close();
  }
});

t.test('half-closed connections get all their replies', async (t) => {
  const node = await startFor(t);
  const setup = await node.connect();
  const big = 'b'.repeat(5 * mebibyte);
  await setup.call('SET', 'big', big);
  await fillKeys(setup, keyCount);
  const range = ['KRANGE', '[key:', '(key;', 'WITHVALUES'];
  const commands = [
    ['GET', 'big'],
    range,
    ['KDELRANGE', '[key:', '(key;'],
    ['PING'],
    ['GET', 'big'],
  ];
  const bytes = Buffer.concat(commands.map((command) => encodeCommand(command)));
  const [plain, again] = await Promise.all([bytes, bytes].map((all) => exchange(node.port, all)));
  for (const answer of [plain, again]) {
    const text = String(answer);
    t.equal(text.split(big).length, 3, 'both big values');
    t.match(text.slice(-big.length - 40), `+PONG\r\n$${big.length}\r\n`);
  }
  const deleted = [plain, again].map((answer) =>
    Number(/\r\n:(\d+)\r\n\+PONG/.exec(String(answer))?.[1]),
  );
  t.equal(deleted[0]! + deleted[1]!, keyCount, 'each key is deleted once');
  // Half-closed while it is held back.
  t.equal((await setup.call('CLIENT', 'PAUSE', '100000', 'WRITE')).mark, '+');
  const held = exchange(node.port, encodeCommand(['SET', 'held', '1']));
  await until('it is held back', async () => {
    return / flags=b /.test(String(await setup.callPlain('CLIENT', 'LIST')));
  });
  t.equal((await setup.call('CLIENT', 'UNPAUSE')).mark, '+');
  t.equal(String(await held), '+OK\r\n');
  await setup.close();
});

t.test('clients that leave in the middle of long commands', async (t) => {
  const node = await startFor(t);
  const setup = await node.connect();
  await fillKeys(setup, keyCount);
  const programs = [
    [['KRANGE', '-', '+', 'WITHVALUES']],
    [['KEYS', '*:1*9']],
    [['KDELRANGE', '[key:5', '(key:6']],
    [['MULTI'], ...Array.from({ length: 1000 }, () => ['SET', 'in-multi', 'x'])],
    [
      ['WATCH', 'a', 'b'],
      ['CLIENT', 'REPLY', 'OFF'],
      ['GET', 'a'],
    ],
    [['MONITOR']],
    [['DEBUG', 'SLEEP', '0']],
    [
      ['FLUSHDB', 'ASYNC'],
      ['KRANGE', '-', '+'],
    ],
  ];
  const infoOf = async (field: string): Promise<number> => {
    const info = String(await setup.callPlain('INFO'));
    return Number(new RegExp(`\\n${field}:(\\d+)`).exec(info)?.[1]);
  };
  const before = await infoOf('total_connections_received');
  const roundCount = 80;
  for (let round = 0; round < roundCount; round++) {
    const client = await node.connect();
    for (const command of programs[round % programs.length]!) client.send(...command);
    // The bytes have left this process before it goes.
    await new Promise((resolve) => client.socket.write('', resolve));
    if (round % 2 === 0) client.socket.resetAndDestroy();
    await client.close();
  }
  // Node accepts them one by one, and later than the system does.
  await until('all were let in and are gone', async () => {
    const received = await infoOf('total_connections_received');
    return received === before + roundCount && (await infoOf('connected_clients')) === 1;
  });
  await setup.call('FLUSHDB');
  await fillKeys(setup, keyCount);
  t.equal(await setup.callPlain('EXISTS', 'in-multi'), 0);
  const scanned = await setup.callPlain('KCOUNT', '-', '+');
  t.equal(scanned, keyCount);
  const keys = (await setup.callPlain('KRANGE', '-', '+')) as unknown[];
  t.equal(keys.length, keyCount);
  t.notMatch(node.output(), /"level":50/, 'no errors in the log');
  await setup.close();
});

t.test('values and offsets at the limits', async (t) => {
  const node = await startFor(t);
  const client = await node.connect();
  t.equal(await client.callPlain('SETRANGE', 'r', 536870911, 'x'), 536870912);
  t.match(await client.callPlain('APPEND', 'r', 'y'), /string exceeds maximum allowed size/);
  t.equal(await client.callPlain('GETRANGE', 'r', -2, -1), '\0x');
  t.equal(await client.callPlain('SETBIT', 'b', 4294967295, 1), 0);
  t.match(await client.callPlain('SETBIT', 'b', 4294967296, 1), /bit offset is not an integer/);
  t.equal(await client.callPlain('BITCOUNT', 'b'), 1);
  t.equal(await client.callPlain('STRLEN', 'b'), 536870912);
  t.equal(await client.callPlain('BITPOS', 'b', 1), 4294967295);
  t.equal(await client.callPlain('DEL', 'r', 'b'), 2);
  const before = residentBytes(node.pid);
  t.ok(before < 400 * mebibyte, `memory is given back: ${inMebibytes(before)} are left`);
  await client.close();
});
