/** RealWorld: the conformance suite, and what only a real system can show. */

import { spawn } from 'node:child_process';
import { lstat, mkdtemp, rm, writeFile } from 'node:fs/promises';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

import { RealWorld } from '../../world/real/real-world.js';
import type { Link, LinkHandler } from '../../world/world.js';
import { connectPair, Recorder, type WorldUnderTest, worldConformance } from './conformance.js';

const MIB = 1024 * 1024;
/** The smallest. */
const PAGE_BYTES = 4096;

async function makeReal(): Promise<WorldUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'dhash-world-'));
  return {
    world: new RealWorld(),
    finish: (promise) => promise,
    folder,
    close: () => rm(folder, { recursive: true }),
  };
}

worldConformance(t, makeReal);

void t.test('all links read into one buffer', async (t) => {
  const test = await makeReal();
  const seen = new Set<Buffer>();
  class Seeing extends Recorder {
    override data(buf: Buffer, bytes: number): void {
      seen.add(buf);
      super.data(buf, bytes);
    }
  }
  const recorders: Seeing[] = [];
  const make = (link: Link): LinkHandler => {
    const recorder = new Seeing().with(link);
    recorders.push(recorder);
    return recorder;
  };
  const listener = await test.world.network.listen({ host: '127.0.0.1', port: 0 }, make);
  for (let i = 0; i < 3; i++) await test.world.network.connect(listener.address, 1000, make);
  while (recorders.length < 6) await new Promise(setImmediate);
  for (const { link } of recorders) link.write(Buffer.from('x'), 0, 1);
  await Promise.all(recorders.map((recorder) => recorder.until(() => recorder.bytes === 1)));
  t.equal(seen.size, 1);
  for (const recorder of recorders) recorder.link.destroy();
  await Promise.all(recorders.map((recorder) => recorder.until(() => recorder.closedCount === 1)));
  await listener.close();
  await test.close();
});

/** The prototype of handles that has a property of theirs. */
async function ownerOf(property: string): Promise<object> {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as net.AddressInfo;
  const socket = net.connect(port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  let owner = (socket as unknown as { _handle: object })._handle;
  while (!Object.hasOwn(owner, property)) owner = Object.getPrototypeOf(owner) as object;
  socket.destroy();
  probe.close();
  return owner;
}

void t.test('without the private handle, links work the same', async (t) => {
  // Takes away what is looked for; nothing else in this process uses sockets meanwhile.
  const owner = await ownerOf('useUserBuffer');
  const original = Object.getOwnPropertyDescriptor(owner, 'useUserBuffer')!;

  const test = await makeReal();
  const { world } = test;
  const recorder = new Recorder();
  const listener = await world.network.listen({ host: '127.0.0.1', port: 0 }, (link) => {
    recorder.with(link).link.pause();
    return recorder;
  });
  const { address } = listener;
  const peer = net.connect('port' in address ? address.port : 0, '127.0.0.1');
  let answer = '';
  peer.on('data', (chunk) => (answer += chunk.toString()));
  await new Promise((resolve) => peer.once('connect', resolve));
  Object.defineProperty(owner, 'useUserBuffer', { value: undefined, configurable: true });
  while (recorder.link === undefined) await new Promise(setImmediate);
  Object.defineProperty(owner, 'useUserBuffer', original);
  peer.write('hello');
  await new Promise<void>((resolve) => void world.timers.after(20, resolve));
  t.equal(recorder.bytes, 0, 'paused from the start');
  recorder.link.resume();
  await recorder.until(() => recorder.bytes === 5);
  t.equal(recorder.text, 'hello');
  for (const part of ['first ', 'second ', 'third']) {
    recorder.link.write(Buffer.from(part), 0, part.length);
  }
  while (answer.length < 18) await new Promise(setImmediate);
  t.equal(answer, 'first second third');
  peer.end();
  await recorder.until(() => recorder.endedCount === 1);
  recorder.link.end();
  await recorder.until(() => recorder.closedCount === 1);
  peer.destroy();
  await listener.close();
  await test.close();
});

void t.test('writes go past the streams of Node', async (t) => {
  const test = await makeReal();
  const recorder = new Recorder();
  const listener = await test.world.network.listen({ host: '127.0.0.1', port: 0 }, (link) =>
    recorder.with(link),
  );
  const { address } = listener;
  const peer = net.connect('port' in address ? address.port : 0, '127.0.0.1');
  let received = 0;
  peer.on('data', (chunk: Buffer) => (received += chunk.length));
  while (recorder.link === undefined) await new Promise(setImmediate);
  // The first one in a process shows how.
  recorder.link.write(Buffer.from('a'), 0, 1);
  const original = net.Socket.prototype.write;
  let streamed = 0;
  net.Socket.prototype.write = function (this: net.Socket, ...args: unknown[]): boolean {
    if (this.remotePort !== undefined) streamed++;
    return Reflect.apply(original, this, args) as boolean;
  } as typeof original;
  // More than the system takes at once, and more behind it.
  const big = Buffer.alloc(16 << 20, 'b');
  t.equal(recorder.link.write(big, 0, big.length), false);
  t.ok(recorder.link.queuedBytes > 0);
  t.equal(recorder.link.write(Buffer.from('c'), 0, 1), false);
  await recorder.until(() => recorder.drainedCount === 1);
  t.equal(recorder.link.queuedBytes, 0);
  net.Socket.prototype.write = original;
  t.equal(streamed, 0);
  while (received < big.length + 2) await new Promise(setImmediate);
  // What is under way when it ends still leaves.
  recorder.link.write(big, 0, big.length);
  recorder.link.end();
  await recorder.until(() => recorder.closedCount === 1);
  t.equal(recorder.drainedCount, 1, 'nothing more is told');
  while (received < 2 * big.length + 2) await new Promise(setImmediate);
  peer.destroy();
  await listener.close();
  await test.close();
});

/** Reads what it is sent as fast as it can, ends it behind so many bytes, and says how many it got. */
const READER = `
const [port, bytes] = process.argv.slice(1).map(Number);
let received = 0;
const socket = require('net').connect(port, '127.0.0.1');
socket.on('data', (chunk) => {
  received += chunk.length;
  if (received === bytes) socket.end();
});
socket.on('close', () => console.log(received));
`;

void t.test('a reader that makes room in the middle of a write', async (t) => {
  const test = await makeReal();
  const WRITES = 2000;
  const chunk = Buffer.alloc(1 << 20, 'x');
  const recorder = new Recorder();
  const listener = await test.world.network.listen({ host: '127.0.0.1', port: 0 }, (link) =>
    recorder.with(link),
  );
  const { address } = listener;
  const port = String('port' in address ? address.port : 0);
  const bytes = String(WRITES * chunk.length);
  const reader = spawn(process.execPath, ['-e', READER, port, bytes]);
  let told = '';
  reader.stdout.on('data', (text: Buffer) => (told += text.toString()));
  const ended = new Promise((resolve) => reader.once('close', resolve));
  while (recorder.link === undefined) await new Promise(setImmediate);
  const { link } = recorder;
  let refused = 0;
  for (let n = 0; n < WRITES; n++) {
    if (link.write(chunk, 0, chunk.length)) continue;
    refused++;
    await recorder.until(() => recorder.drainedCount === refused);
    t.equal(link.queuedBytes, 0);
  }
  await recorder.until(() => recorder.endedCount === 1);
  link.end();
  await ended;
  t.equal(told, `${bytes}\n`);
  await listener.close();
  await test.close();
});

void t.test('the mode of a unix socket, and one left over from a crash', async (t) => {
  const test = await makeReal();
  const path = join(test.folder, 'left-over');
  const script = `
    const die = () => process.kill(process.pid, 'SIGKILL');
    require('net').createServer().listen(process.argv[1], die);`;
  const child = spawn(process.execPath, ['-e', script, path]);
  await new Promise((resolve) => child.once('exit', resolve));
  t.ok((await lstat(path)).isSocket(), 'the dead process has left its socket');
  const { listener, client, server } = await connectPair(test, { path, mode: 0o640 });
  t.equal((await lstat(path)).mode & 0o777, 0o640);
  client.link.destroy();
  server.link.destroy();
  await listener.close();
  await t.rejects(lstat(path), { code: 'ENOENT' }, 'gone with the listener');
  const file = join(test.folder, 'file');
  await writeFile(file, 'precious');
  const listening = test.world.network.listen({ path: file }, (link) => new Recorder().with(link));
  await t.rejects(listening, { code: 'EADDRINUSE' }, 'a file that is no socket stays');
  await test.close();
});

void t.test('a connection attempt that nobody answers times out', async (t) => {
  const test = await makeReal();
  // A listener that never accepts: once its backlog is full, Linux drops further attempts.
  const script = `
    const server = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 });
    server.once('listening', () => {
      process.stdout.write(String(server.address().port));
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
    });`;
  const child = spawn(process.execPath, ['-e', script]);
  const port = Number(await new Promise((resolve) => child.stdout.once('data', resolve)));
  const links: Link[] = [];
  let error: unknown;
  for (let attempt = 0; attempt < 10 && error === undefined; attempt++) {
    try {
      const make = (link: Link): LinkHandler => new Recorder().with(link);
      links.push(await test.world.network.connect({ host: '127.0.0.1', port }, 100, make));
    } catch (caught) {
      error = caught;
    }
  }
  t.match(error, { code: 'ETIMEDOUT' });
  for (const link of links) link.destroy();
  child.kill('SIGKILL');
  await test.close();
});

void t.test(
  'memory that is prefaulted, once and again, becomes resident without being touched',
  async (t) => {
    if (process.platform !== 'linux') return;
    const { memory } = new RealWorld();
    const bytes = new Uint8Array(new SharedArrayBuffer(64 * MIB));
    for (const half of [0, 1]) {
      const before = process.memoryUsage.rss();
      // Of any size of page.
      const from = half * 32 * MIB;
      for (let at = from; at < from + 32 * MIB; at += MIB) memory.prefault(bytes, at);
      const isResident = () => process.memoryUsage.rss() - before >= 32 * PAGE_BYTES;
      while (!isResident()) await new Promise((resolve) => setImmediate(resolve));
      t.pass(`after ${half === 0 ? 'the first' : 'more'}`);
    }
    t.ok(
      bytes.every((byte) => byte === 0),
      'as it was',
    );
  },
);

void t.test(
  'where too many pages are waited for, and what is no memory, nothing breaks',
  async (t) => {
    const { memory } = new RealWorld();
    const bytes = new Uint8Array(MIB);
    for (let at = 0; at < 1000; at += 1) memory.prefault(bytes, at);
    memory.prefault(bytes, MIB + 1);
    await new Promise((resolve) => setImmediate(resolve));
    t.ok(bytes.every((byte) => byte === 0));
  },
);
