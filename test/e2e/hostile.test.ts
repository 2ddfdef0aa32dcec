/**
 * Clients that mean no good, against a dhash process: memory stays bounded, and others are served.
 */

import t from 'tap';
import { residentBytes } from '../../bench/support/redis-benchmark.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { encodeCommand, NoReply, RespClient } from '../support/resp-client.js';
import { type ServerProcess, startDhash } from '../support/server-process.js';

const mebibyte = 1024 * 1024;

/** Start-up noise of the heap and one client's output buffer, not what the client asked for. */
const growthBytesMax = 100 * mebibyte;

async function peakWhile(node: ServerProcess, work: () => Promise<void>): Promise<number> {
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, residentBytes(node.pid));
  }, 20);
  try {
    await work();
  } finally {
    clearInterval(watch);
  }
  return Math.max(peak, residentBytes(node.pid));
}

/** Writes as much as the server takes: until all is written, it hangs up, or it stops reading. */
function writeUntilStuck(client: RespClient, chunk: Buffer, chunkCount: number): Promise<number> {
  const { socket } = client;
  const stuckMs = 500;
  return new Promise((resolve) => {
    let written = 0;
    let timer = setTimeout(() => resolve(written), stuckMs);
    const next = (): void => {
      clearTimeout(timer);
      if (written === chunkCount || client.closed) {
        resolve(written);
        return;
      }
      timer = setTimeout(() => resolve(written), stuckMs);
      written++;
      socket.write(chunk, (error) => {
        if (error == null) next();
        else resolve(written);
      });
    };
    socket.once('close', () => resolve(written));
    next();
  });
}

async function isServing(node: ServerProcess): Promise<boolean> {
  const client = await node.connect();
  const reply = await client.callPlain('PING');
  await client.close();
  return reply === 'PONG';
}

t.test('a million commands whose replies nobody reads', async (t) => {
  const node = await startDhash();
  t.teardown(() => node.stop());
  const setter = await node.connect();
  await setter.call('SET', 'k', 'v'.repeat(1000));
  const before = residentBytes(node.pid);
  const client = await node.connect();
  client.socket.pause();
  const batch = Buffer.concat(Array.from({ length: 1000 }, () => encodeCommand(['GET', 'k'])));
  const peak = await peakWhile(node, async () => {
    const written = await writeUntilStuck(client, batch, 1000);
    t.comment(`took ${written} of 1000 batches`);
  });
  t.ok(peak - before < growthBytesMax, `grew by ${Math.round((peak - before) / mebibyte)} MiB`);
  t.ok(await isServing(node));
  await client.close();
  await setter.close();
});

t.test('floods before AUTH', async (t) => {
  const node = await startDhash({ args: ['--requirepass', 'secret'] });
  t.teardown(() => node.stop());
  const before = residentBytes(node.pid);
  const floods: readonly (readonly [string, string])[] = [
    ['a huge argument', '*2\r\n$3\r\nGET\r\n$500000000\r\n'],
    ['many arguments', '*1000000\r\n'],
    ['a long line', ''],
  ];
  for (const [name, head] of floods) {
    const client = await node.connect();
    client.sendRaw(head);
    const chunk = Buffer.alloc(64 * 1024, name === 'many arguments' ? '$1\r\na\r\n' : 'x');
    const peak = await peakWhile(node, async () => {
      await writeUntilStuck(client, chunk, 3000);
    });
    t.ok(peak - before < growthBytesMax, `${name}: grew by ${(peak - before) >> 20} MiB`);
    t.ok(client.closed || (await isHungUpOn(client)), `${name}: it hangs up`);
    await client.close();
  }
  const many: RespClient[] = [];
  for (let i = 0; i < 200; i++) {
    const client = await node.connect();
    client.sendRaw(`*10\r\n$16384\r\n${'x'.repeat(16_000)}`);
    many.push(client);
  }
  // What was sent before has been read when this is answered.
  const client = await node.connect();
  t.equal(await client.callPlain('AUTH', 'secret'), 'OK');
  const peak = residentBytes(node.pid);
  t.ok(peak - before < growthBytesMax, `200 halves: grew by ${(peak - before) >> 20} MiB`);
  for (const one of many) await one.close();
  await client.close();
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

t.test('bytes that are no protocol', async (t) => {
  const node = await startDhash();
  t.teardown(() => node.stop());
  const random = seededRandom(seedOfRun());
  t.comment(`seed ${random.seed}`);
  const good = encodeCommand(['SET', 'key', 'value']);
  for (let round = 0; round < 300; round++) {
    const client = await node.connect();
    const bytes = random.chance(0.5) ? random.bytes(random.between(1, 300)) : Buffer.from(good);
    if (bytes.length === good.length) bytes[random.below(bytes.length)] = random.below(256);
    client.sendRaw(bytes);
    client.socket.end();
    await client.waitClosed();
  }
  t.ok(await isServing(node), node.output());
});

t.test('values and offsets at the limits', async (t) => {
  const node = await startDhash();
  t.teardown(() => node.stop());
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
  t.ok(before < 400 * mebibyte, `memory is given back: ${before >> 20} MiB are left`);
  await client.close();
});
