/** `dhash backup`, `dhash restore` and `dhash export`, between real processes. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { RespClient } from '../support/resp-client.js';
import { runProgram } from '../support/run-program.js';
import {
  dhashProgram,
  freePort,
  type ServerProcess,
  startDhash,
  startRedis,
} from '../support/server-process.js';

t.setTimeout(120_000);
const folder = mkdtempSync(join(tmpdir(), 'dhash-backup-'));
const source = await startDhash({ args: ['--enable-debug-command', 'yes'] });
const from = await source.connect();
const path = join(folder, 'one.dhb');
t.teardown(async () => {
  await from.close();
  await source.stop();
  rmSync(folder, { recursive: true });
});

async function run(
  server: { readonly port: number },
  command: string,
  ...args: string[]
): Promise<{ readonly code: number | null; readonly output: string }> {
  const at = `127.0.0.1:${server.port}`;
  return runProgram(process.execPath, [dhashProgram(), command, ...args, '--at', at]);
}

async function text(client: RespClient, ...command: (string | Buffer)[]): Promise<string> {
  return String(await client.callPlain(...command));
}

/** The digest of all data, on a server of its own that is stopped. */
async function digestOf(server: ServerProcess): Promise<string> {
  const client = await server.connect();
  const digest = await text(client, 'DEBUG', 'DIGEST');
  await client.close();
  return digest;
}

const library = '#!lua name=lib\nredis.register_function("one", function() return 1 end)';
await text(from, 'FUNCTION', 'LOAD', library);
for (let i = 0; i < 500; i += 1) {
  await from.call('SELECT', String(i % 3));
  await from.call('SET', `string:${i}`, `value ${i}`.repeat(i % 30));
  await from.call('HSET', `hash:${i % 40}`, `field:${i}`, String(i), 'other', 'x'.repeat(i));
  await from.call('SADD', `set:${i % 20}`, String(i), `member:${i}`);
  await from.call('ZADD', `zset:${i % 20}`, String(i / 3), `member:${i}`);
  await from.call('RPUSH', `list:${i % 20}`, String(i), 'x'.repeat(i % 200));
}
await from.call('SET', 'big', Buffer.alloc(3_000_000, 'abc'));
await from.call('PEXPIREAT', 'string:0', '4102444800000');
await from.call('PFADD', 'hll', 'a', 'b');
await from.call('SETBIT', 'bits', '100', '1');
const digest = await digestOf(source);

t.test('a backup', async (t) => {
  const made = await run(source, 'backup', path, '--json');
  t.equal(made.code, 0, made.output);
  const facts = JSON.parse(made.output) as { fileBytes: number; bytes: number };
  t.equal(facts.fileBytes, readFileSync(path).length);
  t.ok(facts.fileBytes < facts.bytes / 2, 'is compressed');
  t.notOk(existsSync(`${path}.part`));
  const again = await run(source, 'backup', path);
  t.equal(again.code, 2);
  t.match(again.output, /is there already: give another name, or --force/);
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const onto = await run(source, 'backup', pipe, '--force');
  t.equal(onto.code, 2);
  t.match(onto.output, /is no file that can be replaced/);
  t.ok(statSync(pipe).isFIFO());
  t.equal((await run(source, 'backup', path, '--force')).code, 0);
});

t.test('a backup, restored, is the same data', async (t) => {
  const target = await startDhash({ args: ['--enable-debug-command', 'yes'] });
  t.teardown(() => target.stop());
  const restored = await run(target, 'restore', path);
  t.equal(restored.code, 0, restored.output);
  t.match(restored.output, /restored [0-9,]+ entries of 1 file/);
  t.equal(await digestOf(target), digest);
  const client = await target.connect();
  t.equal(await text(client, 'FCALL', 'one', '0'), '1');
  await client.close();
  const again = await run(target, 'restore', path);
  t.equal(again.code, 1);
  t.match(again.output, /the node holds \d+ entries: a backup is restored into an empty one/);
});

t.test('a damaged file is refused before anything is sent', async (t) => {
  const target = await startDhash();
  t.teardown(() => target.stop());
  const whole = readFileSync(path);
  const spoiled = join(folder, 'spoiled.dhb');
  const spoil = async (bytes: Buffer): Promise<string> => {
    writeFileSync(spoiled, bytes);
    const { code, output } = await run(target, 'restore', spoiled);
    t.equal(code, 1);
    return output;
  };
  t.match(await spoil(whole.subarray(0, -1)), /cut short: it was not written to its end/);
  t.match(await spoil(whole.subarray(0, 1000)), /cut short/);
  t.match(await spoil(Buffer.from('REDIS0010')), /this is no backup/);
  t.match(await spoil(Buffer.concat([whole, Buffer.from('x')])), /behind the end/);
  for (const at of [20, 5000, whole.length - 5]) {
    const flipped = Buffer.from(whole);
    flipped[at]! ^= 4;
    t.match(await spoil(flipped), /the file is damaged: a wrong checksum|cut short/);
  }
  const newer = Buffer.from(whole);
  newer[8] = 2;
  t.match(await spoil(newer), /version 2 of the format: known is 1/);
  const client = await target.connect();
  t.equal(await text(client, 'DBSIZE'), '0');
  await client.close();
  t.equal((await run(target, 'restore', join(folder, 'nothing'))).code, 2);
});

t.test('an unreachable node is told', async (t) => {
  const nobody = { port: await freePort() };
  for (const [command, file] of [
    ['backup', join(folder, 'x')],
    ['restore', path],
    ['export', join(folder, 'x')],
  ] as const) {
    const { code, output } = await run(nobody, command, file);
    t.equal(code, 2);
    t.match(output, /cannot reach 127\.0\.0\.1:\d+: nothing listens there/);
  }
  t.notOk(existsSync(join(folder, 'x')));
});

t.test('an export is loaded by redis-server', async (t) => {
  const rdb = join(folder, 'dump.rdb');
  const made = await run(source, 'export', rdb, '--json');
  t.equal(made.code, 0, made.output);
  const size = (JSON.parse(made.output) as { keys: number }).keys;
  const redis = await startRedis({ args: ['--dir', folder, '--dbfilename', 'dump.rdb'] });
  t.teardown(() => redis.stop());
  t.equal(await digestOf(redis), digest, 'Redis finds the same data');
  const client = await redis.connect();
  let keys = 0;
  for (const db of ['0', '1', '2']) {
    await client.call('SELECT', db);
    keys += Number(await text(client, 'DBSIZE'));
  }
  t.equal(keys, size);
  t.equal(await text(client, 'FCALL', 'one', '0'), '1');
  await client.close();
});
