/**
 * Malformed requests sent to a real redis-server: what it replies, and whether it hangs up, must
 * be what the reader says. Every well-formed request here has exactly one reply.
 */
import { connect } from 'node:net';
import t from 'tap';
import { ReplyError, ReplyParser } from '../../resp/reply-parser.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { startRedis } from '../support/server-process.js';
import { drive, multibulk, mutate, randomCuts } from './model.js';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

const CASES: readonly { name: string; input: Buffer }[] = [
  { name: 'count not a number', input: latin1('*x\r\n') },
  { name: 'count empty', input: latin1('*\r\n') },
  { name: 'count with plus', input: latin1('*+1\r\n$4\r\nPING\r\n') },
  { name: 'count with leading zero', input: latin1('*01\r\n$4\r\nPING\r\n') },
  { name: 'count minus zero', input: latin1('*-0\r\n') },
  { name: 'count negative', input: latin1('*-5\r\n*1\r\n$4\r\nPING\r\n') },
  { name: 'count beyond 1 Mi', input: latin1('*1048577\r\n$4\r\nPING\r\n') },
  { name: 'count INT_MAX', input: latin1('*2147483647\r\n$4\r\nPING\r\n') },
  { name: 'count INT_MAX + 1', input: latin1('*2147483648\r\n') },
  { name: 'count beyond int64', input: latin1('*9223372036854775808\r\n') },
  { name: 'length not a number', input: latin1('*1\r\n$x\r\n') },
  { name: 'length empty', input: latin1('*1\r\n$\r\n') },
  { name: 'length negative', input: latin1('*1\r\n$-1\r\n') },
  { name: 'length with leading zero', input: latin1('*1\r\n$04\r\nPING\r\n') },
  { name: 'length with blank', input: latin1('*1\r\n$4 \r\nPING\r\n') },
  { name: 'length at the limit', input: latin1('*2\r\n$4\r\nECHO\r\n$536870912\r\nab') },
  { name: 'length beyond the limit', input: latin1('*2\r\n$4\r\nECHO\r\n$536870913\r\nab') },
  { name: 'text instead of a length', input: latin1('*2\r\n$4\r\nECHO\r\nhello\r\n') },
  { name: 'count instead of a length', input: latin1('*2\r\n*1\r\n$4\r\n') },
  { name: 'nothing instead of a length', input: latin1('*1\r\n\r\n') },
  { name: 'line feed instead of a length', input: latin1('*1\r\n\n4\r\n') },
  { name: 'byte above 127 instead of a length', input: latin1('*1\r\n\xe94\r\n') },
  { name: 'NUL instead of a length', input: latin1('*1\r\n\x004\r\n') },
  { name: 'NUL in a length', input: latin1('*1\r\n$4\0\r\nPING\r\n') },
  { name: 'no LF anywhere', input: latin1('*1\rx$4\ryPINGzz*1\r\n$4\r\nPING\r\n') },
  { name: 'blank lines', input: latin1('\r\n\n   \r\nPING\r\n') },
  { name: 'unbalanced double quotes', input: latin1('PING\r\nECHO "a\r\nPING\r\n') },
  { name: 'unbalanced single quotes', input: latin1("ECHO 'a\r\nPING\r\n") },
  { name: 'text behind a quote', input: latin1('ECHO "a"b\r\n') },
  { name: 'escapes', input: latin1('ECHO "\\x41\\x4\\n\\q\\"\\\\" \r\nECHO \'\\n\\\'\'\r\n') },
  { name: 'quotes inside an argument', input: latin1('ECHO a"b c"\r\n') },
  { name: 'empty quotes', input: latin1('ECHO \'\'\r\nECHO ""\n') },
  { name: 'blanks of C', input: latin1('\v\fECHO \v\fa\vb\r\n') },
  { name: 'NUL in an inline command', input: latin1('ECHO a\0b\r\nPING\r\n') },
  { name: 'inline of 70 KB', input: Buffer.alloc(100_000, 'a') },
  { name: 'count of 70 KB', input: Buffer.alloc(100_000, '*') },
  { name: 'length of 70 KB', input: Buffer.concat([latin1('*1\r\n'), Buffer.alloc(100_000, '$')]) },
  { name: 'an unfinished line of 60 KB', input: Buffer.alloc(60_000, 'a') },
  { name: 'garbage', input: latin1('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n') },
  { name: 'an HTTP request', input: latin1('GET / HTTP/1.1\r\nAccept: */*\r\n\r\n') },
];

const ANONYMOUS: readonly { name: string; input: Buffer }[] = [
  { name: 'ten arguments', input: multibulk(...'abcdefghij') },
  { name: 'eleven arguments', input: multibulk(...'abcdefghijk') },
  { name: '16 KiB', input: multibulk('ECHO', 'a'.repeat(16_384)) },
  { name: '16 KiB and a byte', input: multibulk('ECHO', 'a'.repeat(16_385)) },
  { name: 'a count that is invalid and too large', input: latin1('*2147483648\r\n') },
  { name: 'a length that is invalid and too large', input: latin1('*1\r\n$536870913\r\n') },
];

/** Sends all and ends our side; what comes back before the server has closed too. */
function exchange(port: number, input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1');
    socket.on('data', (chunk) => chunks.push(chunk));
    // A server that hangs up while we still send resets the connection.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => resolve(Buffer.concat(chunks)));
    socket.end(input);
  });
}

/** Sends all and keeps our side open: resolves only once the server has hung up. */
function hangsUp(port: number, input: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => resolve());
    socket.on('end', () => {
      socket.destroy();
      resolve();
    });
    socket.resume();
    socket.write(input);
  });
}

/** The number of replies, and the protocol error among them. */
function summary(bytes: Buffer): { replies: number; error: string | undefined } {
  const parser = new ReplyParser();
  parser.feed(bytes);
  const replies = parser.all();
  const last = replies.at(-1);
  const failed = last instanceof ReplyError && last.message.startsWith('ERR Protocol error');
  return {
    replies: replies.length - (failed ? 1 : 0),
    error: failed ? last.message : undefined,
  };
}

t.test('named cases', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  for (const { name, input } of CASES) {
    const ours = drive(input, [], {});
    const theirs = summary(await exchange(server.port, input));
    t.same(theirs, { replies: ours.requests.length, error: ours.error }, name);
    if (ours.error !== undefined) await hangsUp(server.port, input);
  }
});

t.test('named cases before authentication', async (t) => {
  const server = await startRedis({ args: ['--requirepass', 'secret'] });
  t.teardown(() => server.stop());
  for (const { name, input } of ANONYMOUS) {
    const ours = drive(input, [], { authenticated: false });
    const theirs = summary(await exchange(server.port, input));
    t.same(theirs, { replies: ours.requests.length, error: ours.error }, name);
  }
});

t.test('random mutations', async (t) => {
  const seed = seedOfRun();
  const random = seededRandom(seed);
  const server = await startRedis();
  t.teardown(() => server.stop());
  const good = [
    multibulk('ECHO', 'hello'),
    multibulk('echo', ''),
    latin1('ECHO "a b" \'c\'\r\n'),
    latin1('ECHO x\n'),
    latin1('*0\r\n'),
  ];
  const round = async (index: number): Promise<void> => {
    const parts = Array.from({ length: random.between(1, 5) }, () => random.pick(good));
    const input = mutate(random, Buffer.concat(parts));
    // Redis finds a line that is too long or not by what it happens to have read.
    if (input.length > 60_000) return;
    const ours = drive(input, randomCuts(random, input.length), {});
    const theirs = summary(await exchange(server.port, input));
    const expected = { replies: ours.requests.length, error: ours.error };
    if (JSON.stringify(theirs) !== JSON.stringify(expected)) {
      t.strictSame(theirs, expected, `seed ${seed}, round ${index}: ${input.toString('hex')}`);
    }
  };
  for (let index = 0; index < 3000; index += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, i) => round(index + i)));
  }
  t.pass(`seed ${seed}`);
});
