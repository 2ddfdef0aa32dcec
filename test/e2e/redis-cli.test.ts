/**
 * redis-cli and redis-benchmark, unchanged, against a dhash process, in all the modes in which
 * people look at a server.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { encodeCommand } from '../support/resp-client.js';
import { type Ended, type RunOptions, runProgram } from '../support/run-program.js';
import { startDhash } from '../support/server-process.js';

const keyCount = 1000;
const node = await startDhash();
t.teardown(() => node.stop());

function run(program: string, args: readonly string[], options?: RunOptions): Promise<Ended> {
  return runProgram(program, ['-h', node.host, '-p', `${node.port}`, ...args], options);
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
  t.equal(await cli('--no-raw', 'KCOUNT', '-', '+'), `(integer) ${keyCount + 1}`);
  t.equal(await cli('--no-raw', 'GET', 'absent'), '(nil)');
  t.equal(await cli('-r', '3', 'INCR', 'n'), '1\n2\n3');
  t.equal(await cli('DEL', 'n'), '1');
});

t.test('-e: an error is an exit code', async (t) => {
  const { code, output } = await run('redis-cli', ['-e', 'GET']);
  t.equal(code, 1);
  t.match(output, /wrong number of arguments for 'get' command/);
});

t.test('-3, --json, --csv', async (t) => {
  t.equal(await cli('-3', 'GET', 'absent'), '');
  t.match(await cli('-3', 'HELLO'), /proto\n?.*3/s);
  t.equal(await cli('-3', '--no-raw', 'GET', 'absent'), '(nil)');
  t.match(await cli('-3', '--no-raw', 'CONFIG', 'GET', 'maxmemory'), '1# "maxmemory" => "0"');
  t.same(JSON.parse(await cli('--json', 'CONFIG', 'GET', 'maxmemory')), { maxmemory: '0' });
  const range = ['KRANGE', '[key:1', '(key:100', 'WITHVALUES'];
  t.equal(await cli('--csv', ...range), '"key:1","v1","key:10","v10"');
  const pairs = [
    ['key:1', 'v1'],
    ['key:10', 'v10'],
  ];
  t.same(JSON.parse(await cli('--json', ...range)), pairs);
});

t.test('commands and the last argument on standard input', async (t) => {
  const input = 'MULTI\nSET m 1\nINCR m\nEXEC\nINFO keyspace\nDEL m\n';
  const { code, output } = await run('redis-cli', [], { input });
  t.equal(code, 0);
  t.match(output, /OK\nQUEUED\nQUEUED\nOK\n2\n# Keyspace\r?\ndb0:keys=/);
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  t.equal((await run('redis-cli', ['-n', '4', '-x', 'SET', 'x'], { input: bytes })).output, 'OK\n');
  const back = await cli('-n', '4', '--raw', 'GETRANGE', 'x', '32', '126');
  t.equal(back, bytes.subarray(32, 127).toString());
  t.equal(await cli('-n', '4', 'STRLEN', 'x'), '256');
  const tagged = ['-n', '4', '-X', 'HERE', 'SET', 'HERE', 'value'];
  t.equal((await run('redis-cli', tagged, { input: 'name' })).output, 'OK\n');
  t.equal(await cli('-n', '4', 'GET', 'name'), 'value');
});

t.test('--scan', async (t) => {
  const found = (await cli('--scan', '--pattern', 'key:9?')).split('\n');
  t.strictSame(
    found,
    Array.from({ length: 10 }, (_, i) => `key:9${i}`),
  );
  const all = (await cli('--scan')).split('\n');
  t.strictSame(all, [...all].sort(), 'in the order of the keys');
  t.equal(new Set(all).size, keyCount + 1, 'each once');
  t.equal((await cli('-3', '--scan')).split('\n').length, keyCount + 1);
});

t.test('--bigkeys, --memkeys', async (t) => {
  const output = await cli('--bigkeys');
  t.match(output, /Biggest string found .*"big".* has 50000 bytes/);
  t.match(output, `Sampled ${keyCount + 1} keys in the keyspace`);
  t.match(await cli('--memkeys'), /Biggest string found .*"big".* has \d+ bytes/);
});

t.test('--hotkeys asks for an LFU policy, and then finds what is hot', async (t) => {
  t.match((await run('redis-cli', ['--hotkeys'])).output, /LFU maxmemory policy/);
  t.equal(await cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu'), 'OK');
  const gets = Array.from({ length: 2000 }, () => encodeCommand(['GET', 'key:1']));
  await run('redis-cli', ['--pipe'], { input: Buffer.concat(gets) });
  t.match(await cli('--hotkeys'), /hot key found with counter: \d+\s+keyname: "?key:1"?/);
  t.equal(await cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction'), 'OK');
});

t.test('--stat', async (t) => {
  // Its output goes through a buffer of 4 KiB: at this interval that is full soon.
  const enough = (output: string): boolean => /\n\d+ +[\d.]+[KMG]/.test(output);
  const { output } = await run('redis-cli', ['--stat', '-i', '0.005'], { enough });
  t.match(output, /keys +mem +clients +blocked +requests +connections/);
  t.match(output, new RegExp(`\n${keyCount + 4} +[\\d.]+M +\\d+ +0 +\\d+ `), 'of all databases');
});

t.test('--latency', async (t) => {
  t.match(await cli('--latency', '-i', '0.2', '--raw'), /^\d+ \d+ [\d.]+ \d+/);
});

t.test('--eval, and scripts and functions from arguments and standard input', async (t) => {
  const file = join(mkdtempSync(join(tmpdir(), 'dhash-eval-')), 'script.lua');
  t.teardown(() => rmSync(dirname(file), { recursive: true }));
  writeFileSync(file, 'redis.call("set", KEYS[1], ARGV[1]) return {KEYS[1], ARGV[2], #ARGV}');
  t.equal(await cli('--eval', file, 'k', ',', 'v', 'w'), 'k\nw\n2');
  t.equal(await cli('GET', 'k'), 'v');
  t.equal(await cli('DEL', 'k'), '1');
  const sha1 = await cli('SCRIPT', 'LOAD', 'return ARGV[1]');
  t.equal(await cli('EVALSHA', sha1, '0', 'x'), 'x');
  const code = '#!lua name=l\nredis.register_function("f", function(k, a) return a[1] end)';
  const loaded = await run('redis-cli', ['-x', 'FUNCTION', 'LOAD'], { input: Buffer.from(code) });
  t.equal(loaded.output.trim(), 'l');
  t.equal(await cli('FCALL', 'f', '0', 'y'), 'y');
  t.equal(await cli('FUNCTION', 'FLUSH'), 'OK');
});

t.test('what is not there is refused, by tools too', async (t) => {
  const refused = [['--rdb', '/dev/null'], ['--replica']];
  for (const args of refused) {
    const { output } = await run('redis-cli', args);
    t.match(output, /ERR|rror|fail/i, `${args[0]}: ${output}`);
  }
  t.match(await cli('--cluster', 'check', `${node.host}:${node.port}`).catch(String), /ERR|rror/i);
  t.equal(await cli('PING'), 'PONG');
});

t.test('--pipe counts the errors of a mass insertion', async (t) => {
  const inline = 'SET pipe:1 a\r\nNOSUCH\r\nSET pipe:2 b\r\nINCR pipe:1\r\nDEL pipe:1 pipe:2\r\n';
  const { code, output } = await run('redis-cli', ['--pipe'], { input: inline });
  t.equal(code, 1);
  t.match(output, /errors: 2, replies: 5/);
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
  for (const more of [['-P', '1'], ['-P', '16'], ['-P', '16', '--threads', '2'], ['-3']]) {
    const { code, output } = await run('redis-benchmark', [...args, ...more]);
    t.equal(code, 0);
    t.notMatch(output, /error|WARNING/i, more.join(' '));
    const names = [...output.matchAll(/^"([A-Z_a-z 0-9()]+)",/gm)].map((match) => match[1]);
    const expected = ['PING_INLINE', 'PING_MBULK', 'SET', 'GET', 'INCR', 'MSET (10 keys)'];
    t.strictSame(names.slice(1), expected, more.join(' '));
  }
  const short = await run('redis-benchmark', ['-t', 'get', '-n', '300', '-k', '0', '-q']);
  t.match(short.output, /GET: [\d.]+ requests per second/, 'a connection for each request');
  const own = await run('redis-benchmark', [
    '-n',
    '2000',
    '-q',
    'KRANGE',
    '-',
    '+',
    'LIMIT',
    '0',
    '10',
  ]);
  t.match(own.output, /KRANGE - \+ LIMIT 0 10: [\d.]+ requests per second/);
});
