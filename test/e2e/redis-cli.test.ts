/**
 * redis-cli and redis-benchmark, unchanged, against a dhash process, in all the modes in which
 * people look at a server.
 */

import { spawn } from 'node:child_process';
import t from 'tap';
import { encodeCommand } from '../support/resp-client.js';
import { startDhash } from '../support/server-process.js';

const keyCount = 1000;
const node = await startDhash();
t.teardown(() => node.stop());

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program to its end, or until its output satisfies `enough`. */
function run(
  program: string,
  args: readonly string[],
  options: { input?: Buffer | string; enough?: (output: string) => boolean } = {},
): Promise<Ended> {
  const child = spawn(program, ['-h', node.host, '-p', `${node.port}`, ...args]);
  let output = '';
  return new Promise((resolve, reject) => {
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
      if (options.enough?.(output) === true) child.kill('SIGINT');
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.stdin.end(options.input ?? '');
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

async function cli(...args: string[]): Promise<string> {
  const { code, output } = await run('redis-cli', args);
  if (code !== 0) throw new Error(`redis-cli ${args.join(' ')}: ${output}`);
  return output.trimEnd();
}

t.before(async () => {
  const commands: Buffer[] = [];
  for (let i = 0; i < keyCount; i++) commands.push(encodeCommand(['SET', `key:${i}`, `v${i}`]));
  commands.push(encodeCommand(['SET', 'big', 'b'.repeat(50_000)]));
  const { code, output } = await run('redis-cli', ['--pipe'], { input: Buffer.concat(commands) });
  t.equal(code, 0);
  t.match(output, `errors: 0, replies: ${keyCount + 1}`, '--pipe loads');
});

t.test('commands as arguments', async (t) => {
  t.equal(await cli('PING'), 'PONG');
  t.equal(await cli('GET', 'key:7'), 'v7');
  t.equal(await cli('-n', '3', 'SET', 'a', 'b'), 'OK');
  t.equal(await cli('-n', '3', 'DBSIZE'), '1');
  t.match(await cli('NOSUCH'), /ERR unknown command/);
  t.equal(await cli('KNTH', '0'), 'big');
});

t.test('-3 and --json', async (t) => {
  t.equal(await cli('-3', 'GET', 'absent'), '');
  t.match(await cli('-3', 'HELLO'), /proto\n?.*3/s);
  t.same(JSON.parse(await cli('--json', 'CONFIG', 'GET', 'maxmemory')), { maxmemory: '0' });
});

t.test('several commands on standard input', async (t) => {
  const input = 'MULTI\nSET m 1\nINCR m\nEXEC\nINFO keyspace\n';
  const { code, output } = await run('redis-cli', [], { input });
  t.equal(code, 0);
  t.match(output, /OK\nQUEUED\nQUEUED\nOK\n2\n# Keyspace\r?\ndb0:keys=/);
});

t.test('--scan --pattern', async (t) => {
  const found = (await cli('--scan', '--pattern', 'key:9?')).split('\n');
  t.strictSame(found, Array.from({ length: 10 }, (_, i) => `key:9${i}`));
});

t.test('--bigkeys', async (t) => {
  const output = await cli('--bigkeys');
  t.match(output, /Biggest string found .*"big".* has 50000 bytes/);
  t.match(output, /Sampled \d+ keys in the keyspace/);
});

t.test('--memkeys', async (t) => {
  t.match(await cli('--memkeys'), /Biggest string found .*"big".* has \d+ bytes/);
});

t.test('--stat', async (t) => {
  const enough = (output: string): boolean => /\n\d+ +[\d.]+M/.test(output);
  const { output } = await run('redis-cli', ['--stat', '-i', '0.1'], { enough });
  t.match(output, /keys +mem +clients +blocked +requests +connections/);
  t.match(output, /\n100\d +[\d.]+M +\d+ +0 +\d+ /);
});

t.test('--latency', async (t) => {
  const output = await cli('--latency', '-i', '0.2', '--raw');
  t.match(output, /^\d+ \d+ [\d.]+ \d+/);
});

t.test('MONITOR', async (t) => {
  const other = await node.connect();
  t.teardown(() => other.close());
  let asked = false;
  const enough = (output: string): boolean => {
    if (output.startsWith('OK') && !asked) {
      asked = true;
      other.send('SET', 'seen', 'a"b');
    }
    return output.includes('seen');
  };
  const { output } = await run('redis-cli', ['MONITOR'], { enough });
  t.match(output, /\n\d+\.\d{6} \[0 127\.0\.0\.1:\d+\] "SET" "seen" "a\\"b"\n/);
});

t.test('redis-benchmark', async (t) => {
  const tests = 'ping_inline,ping_mbulk,set,get,incr,mset';
  const args = ['-t', tests, '-n', '2000', '-c', '10', '-r', '1000', '--csv'];
  for (const pipeline of ['1', '16']) {
    const { code, output } = await run('redis-benchmark', [...args, '-P', pipeline]);
    t.equal(code, 0);
    t.notMatch(output, /error|WARNING/i);
    const names = [...output.matchAll(/^"([A-Z_a-z 0-9()]+)",/gm)].map((match) => match[1]);
    const expected = ['PING_INLINE', 'PING_MBULK', 'SET', 'GET', 'INCR', 'MSET (10 keys)'];
    t.strictSame(names.slice(1), expected, output);
  }
});
