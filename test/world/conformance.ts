/**
 * What every World must do, as a function that takes a factory: RealWorld and SimWorld pass the
 * same tests, so that what is proved in simulation is proved about the real thing.
 */

import { type Test } from 'tap';

import type { Address, Link, LinkHandler, Listener, World } from '../../world/world.js';

export interface WorldUnderTest {
  readonly world: World;
  /** Lets the world go on until the promise settles. */
  finish<T>(promise: Promise<T>): Promise<T>;
  /** A folder for files, present and empty. */
  readonly folder: string;
  close(): Promise<void>;
}

export type WorldFactory = () => Promise<WorldUnderTest>;

const CONNECT_TIMEOUT_MS = 5000;

/** Records what a link hears; copies data, as every handler must. */
export class Recorder implements LinkHandler {
  link!: Link;
  readonly chunks: Buffer[] = [];
  bytes = 0;
  drainedCount = 0;
  endedCount = 0;
  closedCount = 0;
  error: Error | undefined;
  readonly #wishes: { isGranted: () => boolean; resolve: () => void }[] = [];

  with(link: Link): this {
    this.link = link;
    return this;
  }

  data(buf: Buffer, bytes: number): void {
    this.chunks.push(Buffer.from(buf.subarray(0, bytes)));
    this.bytes += bytes;
    this.#look();
  }

  drained(): void {
    this.drainedCount += 1;
    this.#look();
  }

  ended(): void {
    this.endedCount += 1;
    this.#look();
  }

  closed(error?: Error): void {
    this.closedCount += 1;
    this.error = error;
    this.#look();
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  until(isGranted: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#wishes.push({ isGranted, resolve });
      this.#look();
    });
  }

  #look(): void {
    for (const wish of this.#wishes) if (wish.isGranted()) wish.resolve();
  }
}

export interface Pair {
  readonly listener: Listener;
  readonly client: Recorder;
  readonly server: Recorder;
}

export async function connectPair(test: WorldUnderTest, address: Address): Promise<Pair> {
  const server = new Recorder();
  const client = new Recorder();
  let accepted = (): void => undefined;
  const hasAccepted = new Promise<void>((resolve) => {
    accepted = resolve;
  });
  const listening = test.world.network.listen(address, (link) => {
    accepted();
    return server.with(link);
  });
  const listener = await test.finish(listening);
  const { network } = test.world;
  const handler = (link: Link): LinkHandler => client.with(link);
  const connecting = network.connect(listener.address, CONNECT_TIMEOUT_MS, handler);
  await test.finish(Promise.all([hasAccepted, connecting]));
  return { listener, client, server };
}

function send(link: Link, text: string): boolean {
  const bytes = Buffer.from(text);
  return link.write(bytes, 0, bytes.length);
}

async function finishPair(test: WorldUnderTest, pair: Pair): Promise<void> {
  pair.client.link.destroy();
  pair.server.link.destroy();
  const { client, server, listener } = pair;
  await test.finish(
    Promise.all([
      client.until(() => client.closedCount > 0),
      server.until(() => server.closedCount > 0),
      listener.close(),
    ]),
  );
}

export function worldConformance(t: Test, make: WorldFactory): void {
  const withWorld = (name: string, run: (t: Test, test: WorldUnderTest) => Promise<void>): void => {
    void t.test(name, async (t) => {
      const test = await make();
      try {
        await run(t, test);
      } finally {
        await test.close();
      }
    });
  };
  clockTests(withWorld);
  linkTests(withWorld);
  listenTests(withWorld);
  diskTests(withWorld);
}

type WithWorld = (name: string, run: (t: Test, test: WorldUnderTest) => Promise<void>) => void;

function clockTests(withWorld: WithWorld): void {
  withWorld('clocks are in milliseconds and timers keep to them', async (t, test) => {
    const { clock, timers } = test.world;
    t.ok(Number.isInteger(clock.wallMs()));
    t.ok(clock.wallMs() > Date.UTC(2020, 0, 1));
    const startMs = clock.monotonicMs();
    for (const delayMs of [0, 1, 2.5, 20]) {
      const setMs = clock.monotonicMs();
      await test.finish(new Promise<void>((resolve) => void timers.after(delayMs, resolve)));
      t.ok(clock.monotonicMs() - setMs >= delayMs, `not before ${delayMs} ms`);
    }
    t.ok(clock.monotonicMs() - startMs < 5000);
  });

  withWorld('timers fire in the order of their delays, cancelled ones never', async (t, test) => {
    const { timers } = test.world;
    const fired: string[] = [];
    await test.finish(
      new Promise<void>((resolve) => {
        timers.after(60, resolve);
        timers.after(30, () => fired.push('30'));
        timers.after(5, () => fired.push('5'));
        const cancelled = timers.after(10, () => fired.push('cancelled'));
        cancelled.cancel();
        cancelled.cancel();
        timers.soon(() => fired.push('soon'));
        timers.soon(() => fired.push('cancelled soon')).cancel();
        timers.after(2 ** 33, () => fired.push('next year')).cancel();
        t.same(fired, [], 'nothing runs at once');
      }),
    );
    t.same(fired, ['soon', '5', '30']);
  });

  withWorld('a repeated timer repeats until cancelled, also from within', async (t, test) => {
    const { timers } = test.world;
    let count = 0;
    await test.finish(
      new Promise<void>((resolve) => {
        const timer = timers.every(2, () => {
          count += 1;
          if (count === 3) {
            timer.cancel();
            timers.after(20, resolve, true);
            timers.after(30, () => undefined);
          }
        });
      }),
    );
    t.equal(count, 3);
  });

  withWorld('random numbers are in their bounds', async (t, test) => {
    const { random } = test.world;
    let isEven = 0;
    for (let i = 0; i < 1000; i++) {
      const float = random.float();
      if (float < 0 || float >= 1) t.fail(`float ${float}`);
      for (const bound of [1, 3, 2 ** 32, 2 ** 53]) {
        const n = random.below(bound);
        if (!Number.isSafeInteger(n) || n < 0 || n >= bound) t.fail(`below ${bound}: ${n}`);
      }
      isEven += random.below(2);
    }
    t.ok(isEven > 300 && isEven < 700);
    const bytes = new Uint8Array(64);
    random.bytes(bytes);
    t.ok(new Set(bytes).size > 16);
  });
}

function linkTests(withWorld: WithWorld): void {
  withWorld('bytes go both ways, and names are told', async (t, test) => {
    const pair = await connectPair(test, { host: '127.0.0.1', port: 0 });
    const { client, server, listener } = pair;
    t.ok('port' in listener.address && listener.address.port > 0);
    t.match(client.link.remote, /^127\.0\.0\.1:\d+$/);
    t.equal(client.link.remote, server.link.local);
    t.equal(client.link.local, server.link.remote);
    t.equal(server.link.remoteHost, '127.0.0.1');
    t.equal(server.link.isUnix, false);
    send(client.link, 'hello');
    await test.finish(server.until(() => server.bytes === 5));
    t.equal(server.text, 'hello');
    send(server.link, 'wor');
    const part = Buffer.from('-ld!-');
    t.equal(server.link.write(part, 1, 4), true, 'a small write leaves at once');
    t.equal(server.link.write(part, 3, 3), true, 'so does nothing');
    await test.finish(client.until(() => client.bytes === 6));
    t.equal(client.text, 'world!');
    t.equal(client.link.queuedBytes, 0);
    await finishPair(test, pair);
    t.same([client.closedCount, server.closedCount], [1, 1]);
  });

  withWorld('a reader that pauses stops the writer, and nothing is lost', async (t, test) => {
    const pair = await connectPair(test, { host: '127.0.0.1', port: 0 });
    const { client, server } = pair;
    server.link.pause();
    const block = Buffer.alloc(1 << 20);
    let sent = 0;
    let isFree = true;
    while (isFree && sent < 64) {
      block.fill(sent);
      isFree = client.link.write(block, 0, block.length);
      sent += 1;
    }
    t.equal(isFree, false, 'at some point the buffer is kept');
    t.ok(client.link.queuedBytes > 0);
    t.equal(client.drainedCount, 0);
    server.link.resume();
    await test.finish(server.until(() => server.bytes === sent * block.length));
    await test.finish(client.until(() => client.drainedCount > 0));
    t.equal(client.link.queuedBytes, 0);
    const all = Buffer.concat(server.chunks);
    for (let i = 0; i < sent; i++) {
      const slice = all.subarray(i * block.length, (i + 1) * block.length);
      if (!slice.equals(Buffer.alloc(block.length, i))) t.fail(`block ${i} differs`);
    }
    await finishPair(test, pair);
  });

  withWorld('end sends what is queued; the peer hears ended, then both close', async (t, test) => {
    const pair = await connectPair(test, { host: '127.0.0.1', port: 0 });
    const { client, server } = pair;
    const block = Buffer.alloc(8 << 20, 'x');
    client.link.write(block, 0, block.length);
    client.link.end();
    t.equal(send(client.link, 'too late'), true, 'a write after the end is dropped');
    await test.finish(server.until(() => server.endedCount > 0));
    t.equal(server.bytes, block.length);
    t.equal(server.closedCount, 0, 'our side is open until we end it');
    server.link.end();
    await test.finish(server.until(() => server.closedCount > 0));
    await test.finish(client.until(() => client.closedCount > 0));
    t.equal(server.error, undefined);
    t.equal(client.error, undefined);
    t.equal(client.endedCount, 0, 'no news for who has ended');
    await finishPair(test, pair);
    t.same([client.closedCount, server.closedCount], [1, 1]);
  });

  withWorld('data that came before the end is told before the end', async (t, test) => {
    const pair = await connectPair(test, { host: '127.0.0.1', port: 0 });
    const { client, server } = pair;
    server.link.pause();
    send(client.link, 'last words');
    client.link.end();
    await test.finish(client.until(() => client.closedCount > 0));
    t.equal(server.endedCount, 0);
    server.link.resume();
    await test.finish(server.until(() => server.endedCount > 0));
    t.equal(server.text, 'last words');
    await finishPair(test, pair);
  });

  withWorld('destroy closes at once, and what comes later is not told', async (t, test) => {
    const pair = await connectPair(test, { host: '127.0.0.1', port: 0 });
    const { client, server } = pair;
    send(server.link, 'unheard');
    client.link.destroy();
    client.link.destroy();
    client.link.end();
    t.equal(send(client.link, 'x'), true);
    t.equal(client.closedCount, 0, 'closed is never called from within');
    await test.finish(client.until(() => client.closedCount > 0));
    await test.finish(server.until(() => server.endedCount + server.closedCount > 0));
    t.equal(client.bytes, 0);
    await finishPair(test, pair);
    t.same([client.closedCount, server.closedCount], [1, 1]);
  });

  withWorld('writing to a peer that is gone ends in closed', async (t, test) => {
    const pair = await connectPair(test, { host: '127.0.0.1', port: 0 });
    const { client, server } = pair;
    client.link.destroy();
    await test.finish(server.until(() => server.endedCount > 0));
    const { timers } = test.world;
    const writer = timers.every(1, () => send(server.link, 'anybody?'));
    await test.finish(server.until(() => server.closedCount > 0));
    writer.cancel();
    t.match((server.error as NodeJS.ErrnoException).code, /^(ECONNRESET|EPIPE)$/);
    await finishPair(test, pair);
  });

  withWorld('destroying and pausing from within data are safe', async (t, test) => {
    const pair = await connectPair(test, { host: '127.0.0.1', port: 0 });
    const { client, server } = pair;
    server.data = function (buf: Buffer, bytes: number): void {
      Recorder.prototype.data.call(this, buf, bytes);
      if (this.chunks.length === 1) this.link.pause();
      else this.link.destroy();
    };
    send(client.link, 'one');
    await test.finish(server.until(() => server.chunks.length === 1));
    send(client.link, 'two');
    await test.finish(new Promise<void>((done) => void test.world.timers.after(20, done)));
    t.equal(server.text, 'one');
    server.link.resume();
    await test.finish(server.until(() => server.closedCount > 0));
    t.equal(server.text, 'onetwo');
    await finishPair(test, pair);
  });
}

function listenTests(withWorld: WithWorld): void {
  withWorld('ports in use, foreign addresses, nobody there', async (t, test) => {
    const { network } = test.world;
    const accept = (link: Link): LinkHandler => new Recorder().with(link);
    const listener = await test.finish(network.listen({ host: '127.0.0.1', port: 0 }, accept));
    const { address } = listener;
    await t.rejects(test.finish(network.listen(address, accept)), { code: 'EADDRINUSE' });
    const foreign = { host: '192.0.2.1', port: 7000 };
    await t.rejects(test.finish(network.listen(foreign, accept)), { code: 'EADDRNOTAVAIL' });
    await test.finish(listener.close());
    await test.finish(listener.close());
    const connecting = network.connect(address, CONNECT_TIMEOUT_MS, accept);
    await t.rejects(test.finish(connecting), { code: 'ECONNREFUSED' });
    const again = await test.finish(network.listen(address, accept));
    t.same(again.address, address, 'the port is free again');
    await test.finish(again.close());
  });

  withWorld('closing a listener leaves its links alone', async (t, test) => {
    const pair = await connectPair(test, { host: '127.0.0.1', port: 0 });
    const { client, server, listener } = pair;
    await test.finish(listener.close());
    send(client.link, 'still here');
    await test.finish(server.until(() => server.bytes === 10));
    t.equal(server.text, 'still here');
    await finishPair(test, pair);
  });

  withWorld('IPv6', async (t, test) => {
    const pair = await connectPair(test, { host: '::1', port: 0 });
    const { client, server } = pair;
    t.match(server.link.remote, /^\[::1\]:\d+$/);
    t.equal(server.link.remoteHost, '::1');
    send(client.link, 'six');
    await test.finish(server.until(() => server.bytes === 3));
    await finishPair(test, pair);
  });

  withWorld('unix sockets', async (t, test) => {
    const path = `${test.folder}/socket`;
    const pair = await connectPair(test, { path, mode: 0o600 });
    const { client, server, listener } = pair;
    t.same(listener.address, { path });
    t.equal(server.link.remote, `${path}:0`);
    t.equal(server.link.remoteHost, '');
    t.equal(server.link.isUnix, true);
    send(client.link, 'local');
    await test.finish(server.until(() => server.bytes === 5));
    t.equal(server.text, 'local');
    const accept = (link: Link): LinkHandler => new Recorder().with(link);
    const second = test.world.network.listen({ path }, accept);
    await t.rejects(test.finish(second), { code: 'EADDRINUSE' });
    await finishPair(test, pair);
    const nobody = test.world.network.connect({ path }, CONNECT_TIMEOUT_MS, accept);
    await t.rejects(test.finish(nobody), { code: /ENOENT|ECONNREFUSED/ });
  });
}

function diskTests(withWorld: WithWorld): void {
  withWorld('files are written, read, cut and listed', async (t, test) => {
    const { disk } = test.world;
    const path = `${test.folder}/file`;
    await t.rejects(test.finish(disk.open(path, 'read')), { code: 'ENOENT' });
    await t.rejects(test.finish(disk.open(path, 'write')), { code: 'ENOENT' });
    t.equal(await test.finish(disk.exists(path)), false);
    const file = await test.finish(disk.open(path, 'create'));
    await test.finish(file.write(Buffer.from('hello world'), 0));
    await test.finish(file.write(Buffer.from('HELLO'), 0));
    await test.finish(file.write(Buffer.from('!'), 13));
    await test.finish(file.sync());
    file.writeNow(Buffer.from('w'), 6);
    file.syncNow();
    t.equal(await test.finish(file.sizeBytes()), 14);
    const target = Buffer.alloc(20, '.');
    t.equal(await test.finish(file.read(target, 6)), 8);
    t.equal(target.toString(), 'world\0\0!............');
    t.equal(await test.finish(file.read(target, 14)), 0, 'nothing at the end');
    await test.finish(file.truncate(5));
    await test.finish(file.truncate(7));
    await test.finish(file.close());
    t.equal((await test.finish(disk.readFile(path))).toString(), 'HELLO\0\0');
    await t.rejects(test.finish(file.sizeBytes()), { code: 'EBADF' });
    const again = await test.finish(disk.open(path, 'create'));
    t.equal(await test.finish(again.sizeBytes()), 7, 'create keeps what is there');
    await test.finish(again.close());
    const reading = await test.finish(disk.open(path, 'read'));
    await t.rejects(test.finish(reading.write(Buffer.from('x'), 0)), { code: 'EBADF' });
    await test.finish(reading.close());
  });

  withWorld('files are replaced, renamed, removed', async (t, test) => {
    const { disk } = test.world;
    const { folder } = test;
    await test.finish(disk.replaceFile(`${folder}/b`, Buffer.from('one')));
    await test.finish(disk.replaceFile(`${folder}/b`, Buffer.from('two')));
    await test.finish(disk.replaceFile(`${folder}/a`, Buffer.from('three')));
    t.same(await test.finish(disk.list(folder)), ['a', 'b'], 'sorted, nothing left over');
    await test.finish(disk.rename(`${folder}/a`, `${folder}/b`));
    t.equal((await test.finish(disk.readFile(`${folder}/b`))).toString(), 'three');
    t.same(await test.finish(disk.list(folder)), ['b']);
    const lost = disk.rename(`${folder}/a`, `${folder}/c`);
    await t.rejects(test.finish(lost), { code: 'ENOENT' });
    await test.finish(disk.remove(`${folder}/b`));
    await t.rejects(test.finish(disk.remove(`${folder}/b`)), { code: 'ENOENT' });
    await t.rejects(test.finish(disk.readFile(`${folder}/b`)), { code: 'ENOENT' });
    const nowhere = disk.replaceFile(`${folder}/x/y`, Buffer.from('z'));
    await t.rejects(test.finish(nowhere), { code: 'ENOENT' });
  });

  withWorld('folders', async (t, test) => {
    const { disk } = test.world;
    const { folder } = test;
    await test.finish(disk.makeFolder(`${folder}/a/b`));
    await test.finish(disk.makeFolder(`${folder}/a/b`));
    t.same(await test.finish(disk.list(`${folder}/a`)), ['b']);
    await test.finish(disk.replaceFile(`${folder}/a/file`, Buffer.from('x')));
    await t.rejects(test.finish(disk.remove(`${folder}/a`)), { code: 'ENOTEMPTY' });
    await t.rejects(test.finish(disk.makeFolder(`${folder}/a/file`)), { code: 'EEXIST' });
    await t.rejects(test.finish(disk.list(`${folder}/a/file`)), { code: 'ENOTDIR' });
    await t.rejects(test.finish(disk.list(`${folder}/none`)), { code: 'ENOENT' });
    await test.finish(disk.remove(`${folder}/a/b`));
    t.equal(await test.finish(disk.exists(`${folder}/a/b`)), false);
    t.equal(await test.finish(disk.exists(`${folder}/a`)), true);
    t.equal(await test.finish(disk.exists(`${folder}/a/file/x`)), false);
  });
}
