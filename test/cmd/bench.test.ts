/** `dhash bench`: its histogram and commands by themselves, and the whole against a node. */

import t from 'tap';
import { parseAddress, printAddress } from '../../cmd/address.js';
import { LatencyHistogram } from '../../cmd/bench/histogram.js';
import { chooseWorkloads, writeCopy } from '../../cmd/bench/workloads.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { freePort, spawnDhash, startDhash, startRedis } from '../support/server-process.js';

t.test('percentiles are within a hundredth of a sorted list', (t) => {
  const seed = seedOfRun();
  const random = seededRandom(seed);
  const shapes: readonly (readonly [name: string, draw: () => number])[] = [
    ['even', () => random.below(5000)],
    ['long tail', () => Math.floor(10 / (random.float() + 1e-6))],
    ['one value', () => 777],
    ['small', () => random.below(3)],
  ];
  for (const [name, draw] of shapes) {
    const histogram = new LatencyHistogram();
    const values = Array.from({ length: 20_000 }, draw);
    for (const value of values) histogram.record(value);
    values.sort((a, b) => a - b);
    for (const percent of [0.1, 50, 90, 99, 99.9, 100]) {
      const exact = values[Math.ceil((values.length * percent) / 100) - 1] ?? 0;
      const got = histogram.percentileUsec(percent);
      const isNear = got >= exact && got <= exact * 1.01 + 1;
      t.ok(isNear, `${name} p${percent}: ${got} for ${exact}, seed ${seed}`);
    }
    t.equal(histogram.maxUsec, values.at(-1), name);
    t.equal(histogram.count, values.length, name);
  }
  const empty = new LatencyHistogram();
  t.equal(empty.percentileUsec(99), 0);
  t.equal(empty.meanUsec(), 0);
  empty.record(1e12);
  t.equal(empty.percentileUsec(50), 1e12, 'beyond the last bucket');
  t.end();
});

t.test('commands get random numbers of equal length', (t) => {
  const [set] = chooseWorkloads('set', [], 3);
  if (set === undefined) throw new Error('no set');
  const target = Buffer.alloc(set.bytes.length);
  t.equal(
    writeCopy(set, target, 0, () => 123_456, 1e6),
    target.length,
  );
  t.equal(target.toString(), '*3\r\n$3\r\nSET\r\n$16\r\nkey:000000123456\r\n$3\r\nxxx\r\n');
  const [own] = chooseWorkloads(undefined, ['LPUSH', 'l:__rand_int__', 'a__rand_int__b'], 1);
  t.equal(own?.numbersAt.length, 2);
  t.throws(() => chooseWorkloads('sett', [], 1), /unknown test 'sett'; there are ping, set/);
  t.throws(() => chooseWorkloads('set', ['GET', 'a'], 1), /not both/);
  t.end();
});

t.test('addresses', (t) => {
  t.strictSame(parseAddress('10.0.0.1:70'), { host: '10.0.0.1', port: 70 });
  t.strictSame(parseAddress('[::1]:70'), { host: '::1', port: 70 });
  t.strictSame(parseAddress(':70'), { host: '127.0.0.1', port: 70 });
  t.strictSame(parseAddress('70'), { host: '127.0.0.1', port: 70 });
  t.strictSame(parseAddress('/tmp/x.sock'), { path: '/tmp/x.sock' });
  for (const wrong of ['', 'host', 'a:b', 'a:0', 'a:65536', '::1:5']) {
    t.throws(() => parseAddress(wrong), /is no address/, wrong);
  }
  t.equal(printAddress({ host: '::1', port: 7 }), '[::1]:7');
  t.equal(printAddress({ path: '/x' }), '/x');
  t.end();
});

async function bench(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const process = spawnDhash(['bench', '--warm-up', '0', ...args], { env });
  const { code } = await process.exited;
  const output = process.output();
  const rows = output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { test: string; requests: number; errors: number });
  return { code, output, rows };
}

for (const [name, start] of [
  ['dhash', startDhash],
  ['redis', startRedis],
] as const) {
  t.test(`all requests reach ${name}, once each`, async (t) => {
    const server = await start();
    t.teardown(() => server.stop());
    const at = ['--at', `127.0.0.1:${server.port}`];
    const all = ['-n', '3000', '-c', '7', '-P', '5', '-r', '1000', '-d', '10'];
    const { code, rows } = await bench([...at, ...all, '--json', '-t', 'set,get,mset,ping']);
    t.equal(code, 0);
    t.strictSame(
      rows.map((row) => [row.test, row.requests, row.errors]),
      ['set', 'get', 'mset', 'ping'].map((test) => [test, 3000, 0]),
    );
    const client = await server.connect();
    await client.callPlain('DEL', 'n');
    const own = await bench([...at, '-n', '1234', '-c', '3', '-P', '100', '--', 'INCR', 'n']);
    t.equal(own.code, 0);
    t.match(own.output, /INCR n +1,234 /);
    t.equal(await client.callPlain('GET', 'n'), '1234');
    await client.close();
  });
}

t.test('error replies, time limits, passwords', async (t) => {
  const server = await startDhash();
  t.teardown(() => server.stop());
  const at = ['--at', `127.0.0.1:${server.port}`];
  const client = await server.connect();
  const wrong = await bench([...at, '-n', '10', '--json', '--', 'NO-SUCH-COMMAND']);
  t.equal(wrong.code, 1, 'error replies are not good');
  t.match(wrong.rows[0], { requests: 10, errors: 10 });
  t.match(wrong.output, /10 errors, the first: ERR unknown command/);
  const timed = await bench([...at, '--seconds', '0.2', '--json', '-t', 'ping', '-c', '2']);
  t.ok((timed.rows[0]?.requests ?? 0) > 10, 'by time');
  await client.callPlain('CONFIG', 'SET', 'requirepass', 'secret');
  const locked = await bench([...at, '-n', '10']);
  t.equal(locked.code, 2);
  t.match(locked.output, 'DHASH_PASSWORD');
  const open = await bench([...at, '-n', '10', '-t', 'ping'], { DHASH_PASSWORD: 'secret' });
  t.equal(open.code, 0);
  await client.close();
});

t.test('nobody there, or wrong usage', async (t) => {
  const { code, output } = await bench(['--at', `127.0.0.1:${await freePort()}`]);
  t.equal(code, 2);
  t.match(output, /cannot reach 127\.0\.0\.1:[0-9]+: nothing listens there/);
  const wrong = [['-c', '0'], ['-t', 'sett'], ['--at', 'nowhere'], ['-n', 'x'], ['--bogus']];
  const results = await Promise.all(wrong.map((args) => bench(args)));
  for (const [index, result] of results.entries()) {
    t.equal(result.code, 2, `${wrong[index]?.join(' ')}`);
  }
});
