/** `dhash import`: a file that a real redis-server wrote, into another one and into a node. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { dumpTypeNamed } from '../../lib/types/dump-types.js';
import type { RespClient } from '../support/resp-client.js';
import { runProgram } from '../support/run-program.js';
import {
  dhashProgram,
  freePort,
  type ServerProcess,
  startDhash,
  startRedis,
} from '../support/server-process.js';

const folder = mkdtempSync(join(tmpdir(), 'dhash-import-'));
const source = await startRedis({ args: ['--dir', folder] });
const from = await source.connect();
const path = join(folder, 'dump.rdb');
t.teardown(async () => {
  await from.close();
  await source.stop();
  rmSync(folder, { recursive: true });
});
t.setTimeout(120_000);

interface Result {
  readonly keys: number;
  readonly byType: Readonly<Record<string, number>>;
  readonly alreadyThere: number;
  readonly expired: number;
  readonly refused: Readonly<Record<string, { readonly count: number; readonly reason: string }>>;
  readonly checksum: string;
}

async function importInto(
  { port }: { readonly port: number },
  file = path,
  ...flags: string[]
): Promise<{ readonly code: number | null; readonly output: string }> {
  const at = `127.0.0.1:${port}`;
  return runProgram(process.execPath, [dhashProgram(), 'import', file, '--at', at, ...flags]);
}

async function resultOf(
  server: ServerProcess,
  ...flags: string[]
): Promise<[number | null, Result]> {
  const { code, output } = await importInto(server, path, '--json', ...flags);
  return [code, JSON.parse(output) as Result];
}

/** Pipelined, so that big values are there soon. */
async function fill(client: RespClient, commands: (string | Buffer)[][]): Promise<void> {
  for (const command of commands) client.send(...command);
  for (const command of commands) {
    const { bytes, mark } = await client.read();
    if (mark === '-') throw new Error(`${String(command[0])}: ${String(bytes)}`);
  }
}

function batches(
  name: string,
  key: string,
  count: number,
  make: (i: number) => string[],
): string[][] {
  const commands: string[][] = [];
  for (let at = 0; at < count; at += 500) {
    const parts: string[] = [];
    for (let i = at; i < Math.min(count, at + 500); i += 1) parts.push(...make(i));
    commands.push([name, key, ...parts]);
  }
  return commands;
}

const BIG = 60_000;
const soon = `${Date.now() + 86_400_000}`;
const filler = 'some words that compress. ';

const SMALL: string[][] = [
  ['FUNCTION', 'LOAD', "#!lua name=lib\nredis.register_function('one', function() return 1 end)"],
  ['SET', 'string', 'hello'],
  ['SET', 'integer', '-12345'],
  ['SET', 'with time', 'x', 'PXAT', soon],
  ['SET', 'long', filler.repeat(20_000)],
  ['HSET', 'hash', 'a', '1', 'b', '2'],
  ['SADD', 'intset', '1', '2', '3'],
  ['SADD', 'set', 'a', 'b'],
  ['ZADD', 'zset', '1.5', 'a', '-inf', 'b'],
  ['RPUSH', 'list', 'a', '1', filler.repeat(1000)],
  ['XADD', 'stream', '1-1', 'a', 'b'],
  ['XADD', 'empty stream', 'MAXLEN', '0', '7-7', 'a', 'b'],
  ['PFADD', 'hll', 'a', 'b'],
  ['SELECT', '3'],
  ['SET', 'elsewhere', '1'],
  ['SELECT', '0'],
];

function bigValues(): string[][] {
  return [
    ...batches('HSET', 'big hash', BIG, (i) => [`field${i}`, `value ${i} ${i * i}`]),
    ...batches('SADD', 'big set', BIG, (i) => [`member ${i} ${i * i}`]),
    ...batches('ZADD', 'big zset', BIG, (i) => [`${i / 8}`, `member ${i} ${i * i}`]),
    ...batches('RPUSH', 'big list', BIG, (i) => [`element ${i} ${i * i} ${i * 7919}`]),
    ...Array.from({ length: BIG }, (_, i) => {
      return ['XADD', 'big stream', `${i + 1}-0`, 'f', `${i * 7919} ${i * i}`, 'g', `${i}`];
    }),
    ['XDEL', 'big stream', '1-0', '500-0'],
    ['XGROUP', 'CREATE', 'big stream', 'g', '0'],
    ['XREADGROUP', 'GROUP', 'g', 'alice', 'COUNT', '20', 'STREAMS', 'big stream', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'bob', 'COUNT', '10', 'STREAMS', 'big stream', '>'],
    ['XGROUP', 'CREATECONSUMER', 'big stream', 'g', 'carol'],
    ['SET', 'big string', `${filler}${'0123456789abcdef'.repeat(200_000)}`],
    ['PEXPIREAT', 'big hash', soon],
  ];
}
/** How many of them there are. */
const streams = 3;

await fill(from, SMALL);
await fill(from, bigValues());
await from.call('SAVE');

t.test('everything comes to another Redis', async (t) => {
  const target = await startRedis();
  const to = await target.connect();
  t.teardown(async () => {
    await to.close();
    await target.stop();
  });
  const [code, result] = await resultOf(target);
  t.equal(code, 0);
  t.match(result, { refused: {}, alreadyThere: 0, expired: 0, checksum: 'verified' });
  t.same(await to.callPlain('DEBUG', 'DIGEST'), await from.callPlain('DEBUG', 'DIGEST'));
  for (const key of ['stream', 'empty stream', 'big stream']) {
    const [ours, theirs] = [to, from].map((client) => client.callPlain('XINFO', 'STREAM', key));
    const plain = [await ours, await theirs].map((info) => JSON.stringify(steady(info)));
    t.equal(plain[0], plain[1], key);
  }
  const pending = ['XPENDING', 'big stream', 'g'];
  t.same(await to.callPlain(...pending), await from.callPlain(...pending));
  t.equal(await to.callPlain('PEXPIRETIME', 'big hash'), Number(soon));
  t.equal(await to.callPlain('FCALL', 'one', '0'), 1);

  const [again, kept] = await resultOf(target);
  t.equal(again, 1, 'keys that are there stay');
  t.equal(kept.alreadyThere, result.keys);
  const [replaced, { keys }] = await resultOf(target, '--replace');
  t.equal(replaced, 0);
  t.equal(keys, result.keys);
  t.same(await to.callPlain('DEBUG', 'DIGEST'), await from.callPlain('DEBUG', 'DIGEST'));
});

/** What XINFO STREAM tells of a stream and not of how it lies in memory. */
function steady(info: unknown): unknown[] {
  const items = info as unknown[];
  return items.filter((_, i) => !String(items[i - (i % 2)]).startsWith('radix-tree'));
}

t.test('into a node: types that RESTORE lacks are refused by name', async (t) => {
  const node = await startDhash({ args: ['--enable-debug-command', 'yes'] });
  const to = await node.connect();
  t.teardown(async () => {
    await to.close();
    await node.stop();
  });
  const [code, result] = await resultOf(node);
  // What RESTORE takes, not what there are commands for.
  for (const name of ['hash', 'list', 'set', 'zset', 'stream'] as const) {
    const isTaken = dumpTypeNamed(name) !== undefined;
    const there = name === 'set' || name === 'stream' ? 3 : 2;
    t.equal(result.byType[name], isTaken ? there : undefined, `${name} taken`);
    t.equal(result.refused[name]?.count, isTaken ? undefined : streams, `${name} refused`);
  }
  t.equal(result.byType['string'], 7);
  t.equal(code, Object.keys(result.refused).length > 0 ? 1 : 0);
  for (const key of ['stream', 'empty stream', 'big stream']) {
    const [ours, theirs] = [to, from].map((client) => {
      return client.callPlain('XINFO', 'STREAM', key, 'FULL', 'COUNT', '40');
    });
    // No command can say when a consumer was seen; and before 7.2 it was not asked when it was active.
    const plain = [await ours, await theirs].map((info) => {
      return JSON.stringify(steady(info)).replace(/"(seen|active)-time",-?\d+,/g, '');
    });
    t.equal(plain[0], plain[1], key);
    const digest = ['DEBUG', 'DIGEST-VALUE', key];
    t.same(await to.callPlain(...digest), await from.callPlain(...digest), key);
  }
  for (const key of ['string', 'long', 'hash', 'big hash', 'big string', 'hll', 'with time']) {
    const digest = ['DEBUG', 'DIGEST-VALUE', key];
    t.same(await to.callPlain(...digest), await from.callPlain(...digest), key);
    const time = ['PEXPIRETIME', key];
    t.equal(await to.callPlain(...time), await from.callPlain(...time), key);
  }
  for (const key of ['list', 'set', 'zset']) {
    for (const name of [key, `big ${key}`]) {
      const digest = ['DEBUG', 'DIGEST-VALUE', name];
      t.same(await to.callPlain(...digest), await from.callPlain(...digest), name);
    }
  }
  await to.call('SELECT', '3');
  t.equal(await to.callPlain('GET', 'elsewhere'), '1');
});

t.test('wrong files and wrong usage', async (t) => {
  const node = await startDhash();
  const to = await node.connect();
  t.teardown(async () => {
    await to.close();
    await node.stop();
  });
  const good = readFileSync(path);
  const flipped = Buffer.from(good);
  flipped[good.length >> 1]! ^= 1;
  const future = Buffer.from(good);
  future.write('0099', 5);
  const wrong: readonly (readonly [name: string, file: Buffer, code: number, says: RegExp])[] = [
    ['a bit', flipped, 1, /checksum is wrong/],
    ['a cut', good.subarray(0, -1000), 1, /checksum is wrong/],
    ['a version', future, 1, /RDB version 99/],
    ['another file', Buffer.from('# Compatibility'), 1, /no RDB file/],
    ['nothing', Buffer.alloc(0), 1, /no RDB file/],
    ['a header', good.subarray(0, 9), 1, /cut short/],
  ];
  for (const [name, bytes, code, says] of wrong) {
    const file = join(folder, 'wrong.rdb');
    writeFileSync(file, bytes);
    const ended = await importInto(node, file);
    t.equal(ended.code, code, name);
    t.match(ended.output, says, name);
  }
  // Without a checksum its structure is still looked at.
  const unsealed = Buffer.concat([good.subarray(0, good.length >> 1), Buffer.alloc(8)]);
  writeFileSync(join(folder, 'wrong.rdb'), unsealed);
  const ended = await importInto(node, join(folder, 'wrong.rdb'));
  t.equal(ended.code, 1, 'cut, and no checksum');
  t.equal((await to.callPlain('PING')) as string, 'PONG');
  t.equal((await importInto(node, join(folder, 'nosuch'))).code, 2, 'no file');
  t.equal((await importInto({ port: await freePort() })).code, 2, 'no server');
});
