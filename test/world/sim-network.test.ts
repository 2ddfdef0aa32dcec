/** The simulated network: what shows above streams is delay, stall and cut, never disorder. */

import t from 'tap';

import { type SimHost, SimWorld } from '../../world/sim/sim-world.js';
import type { Link, LinkHandler } from '../../world/world.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { Recorder } from './conformance.js';

const PORT = 7000;

interface Scene {
  readonly sim: SimWorld;
  readonly a: SimHost;
  readonly b: SimHost;
  /** `a` has connected to `b`. */
  readonly client: Recorder;
  readonly server: Recorder;
}

async function connected(seed = 1): Promise<Scene> {
  const sim = new SimWorld({ seed });
  const [a, b] = [sim.host('a'), sim.host('b')];
  const [client, server] = [new Recorder(), new Recorder()];
  await sim.finish(b.network.listen({ host: '0.0.0.0', port: PORT }, (link) => server.with(link)));
  await sim.finish(a.network.connect({ host: 'b', port: PORT }, 1000, (link) => client.with(link)));
  await sim.runFor(10);
  return { sim, a, b, client, server };
}

function send(link: Link, text: string): boolean {
  const bytes = Buffer.from(text);
  return link.write(bytes, 0, bytes.length);
}

function ignore(link: Link): LinkHandler {
  return new Recorder().with(link);
}

void t.test('hosts have names and addresses', async (t) => {
  const { sim, a, b, client, server } = await connected();
  t.equal(client.link.remote, `${b.address}:${PORT}`);
  t.equal(server.link.remoteHost, a.address);
  const unknown = a.network.connect({ host: 'nowhere', port: 1 }, 1000, ignore);
  await t.rejects(sim.finish(unknown), { code: 'ENOTFOUND' });
});

void t.test('in any weather a stream arrives whole and in order', async (t) => {
  const seed = seedOfRun();
  const random = seededRandom(seed);
  for (let round = 0; round < 10; round++) {
    const { sim, client, server } = await connected(seed + round);
    sim.setConditions({
      delayMaxMs: 50,
      lossChance: 0.2,
      duplicateChance: 0.2,
      spikeChance: 0.05,
    });
    const sent = random.bytes(1 + random.below(300_000));
    let from = 0;
    while (from < sent.length) {
      const to = Math.min(sent.length, from + 1 + random.below(20_000));
      client.link.write(sent, from, to);
      from = to;
      await sim.runFor(random.below(20));
    }
    client.link.end();
    const isDone = await sim.runUntil(() => server.endedCount === 1, 600_000);
    t.ok(isDone && Buffer.concat(server.chunks).equals(sent), `seed ${seed}, round ${round}`);
  }
});

void t.test('a partition stalls a connection, and healing in time saves it', async (t) => {
  const { sim, a, b, client, server } = await connected();
  sim.partition([a], [b]);
  send(client.link, 'through');
  await sim.runFor(10_000);
  t.equal(server.bytes, 0);
  sim.heal();
  await sim.runFor(5000);
  t.equal(server.text, 'through');
  t.equal(client.closedCount, 0);
});

void t.test('a partition that lasts cuts who waits for an answer', async (t) => {
  const { sim, a, b, client, server } = await connected();
  sim.partition([a], [b]);
  send(client.link, 'lost');
  await sim.runFor(30_000);
  t.match(client.error, { code: 'ETIMEDOUT' });
  t.equal(server.closedCount, 0, 'who says nothing hears nothing');
  sim.heal();
  send(server.link, 'anybody?');
  await sim.runFor(100);
  t.match(server.error, { code: 'ECONNRESET' }, 'the other side has forgotten');
});

void t.test('a one-way partition: data passes, its acknowledgement does not', async (t) => {
  const { sim, a, b, client, server } = await connected();
  sim.block(b, a);
  send(client.link, 'heard');
  send(server.link, 'unheard');
  await sim.runFor(1000);
  t.equal(server.text, 'heard');
  t.equal(client.bytes, 0);
  await sim.runFor(30_000);
  t.match(client.error, { code: 'ETIMEDOUT' });
  t.match(server.error, { code: 'ETIMEDOUT' });
});

void t.test('connecting: refused, timed out, late', async (t) => {
  const { sim, a, b } = await connected();
  const connect = (port: number, timeoutMs: number): Promise<Link> =>
    a.network.connect({ host: 'b', port }, timeoutMs, ignore);
  await t.rejects(sim.finish(connect(1, 1000)), { code: 'ECONNREFUSED' });
  sim.setConditions({ isRefusing: true }, a, b);
  await t.rejects(sim.finish(connect(PORT, 1000)), { code: 'ECONNREFUSED' });
  sim.heal();
  sim.block(b, a);
  const startMs = sim.nowMs;
  await t.rejects(sim.finish(connect(PORT, 1500)), { code: 'ETIMEDOUT' });
  t.ok(sim.nowMs - startMs >= 1500 && sim.nowMs - startMs < 1600);
  const late = connect(PORT, 10_000);
  await sim.runFor(500);
  sim.unblock(b, a);
  const link = await sim.finish(late);
  t.equal(link.remote, `${b.address}:${PORT}`);
});

void t.test('cut resets both ends', async (t) => {
  const { sim, a, b, client, server } = await connected();
  sim.cut(a, b);
  await sim.runFor(1);
  t.match(client.error, { code: 'ECONNRESET' });
  t.match(server.error, { code: 'ECONNRESET' });
  t.equal(sim.network.openLinkCount, 0);
});

void t.test('a process that crashes: its kernel closes, and refuses from then on', async (t) => {
  const { sim, a, b, client } = await connected();
  b.crash('process');
  await sim.runFor(100);
  t.equal(client.endedCount, 1);
  send(client.link, 'x');
  await sim.runFor(100);
  t.match(client.error, { code: 'ECONNRESET' });
  const connecting = a.network.connect({ host: 'b', port: PORT }, 1000, ignore);
  await t.rejects(sim.finish(connecting), { code: 'ECONNREFUSED' });
});

void t.test('a power cut is silent, until the machine is back and knows nothing', async (t) => {
  const { sim, b, client, server } = await connected();
  b.crash('power');
  await sim.runFor(60_000);
  t.equal(client.closedCount, 0);
  send(client.link, 'x');
  await sim.runFor(5000);
  t.equal(client.closedCount, 0);
  b.restart();
  await sim.runFor(5000);
  t.match(client.error, { code: 'ECONNRESET' });
  t.equal(server.closedCount, 0, 'the dead hear nothing');
});

void t.test('keep-alive finds out by itself', async (t) => {
  const { sim, b, client } = await connected();
  client.link.setKeepAlive(1000);
  await sim.runFor(60_000);
  t.equal(client.closedCount, 0);
  b.crash('power');
  await sim.runFor(2500);
  t.equal(client.closedCount, 0);
  await sim.runFor(2500);
  t.match(client.error, { code: 'ETIMEDOUT' });
});

void t.test('a paused process is connected to, and reads when it goes on', async (t) => {
  const { sim, a, b, client, server } = await connected();
  b.pause();
  const late = new Recorder();
  const connecting = a.network.connect({ host: 'b', port: PORT }, 1000, (l) => late.with(l));
  await sim.finish(connecting);
  send(client.link, 'later');
  await sim.runFor(60_000);
  t.equal(client.closedCount + late.closedCount, 0, 'its kernel acknowledges');
  t.equal(server.bytes, 0);
  b.resume();
  await sim.runFor(10);
  t.equal(server.text, 'later');
});

void t.test('the shared buffer is of no use after the call', async (t) => {
  const { sim, client, server } = await connected();
  let kept: Buffer | undefined;
  server.data = (buf): void => {
    kept = buf;
  };
  send(client.link, 'hello');
  await sim.runFor(10);
  t.equal(kept?.toString('hex', 0, 5), 'dbdbdbdbdb');
});

void t.test('a buffer reused before drained corrupts what is sent', async (t) => {
  const { sim, client, server } = await connected();
  const buf = Buffer.alloc(1 << 20, 'a');
  t.equal(client.link.write(buf, 0, buf.length), false);
  buf.fill('b');
  await sim.runUntil(() => server.bytes === buf.length, 10_000);
  t.match(server.text, /^a+b+$/);
});
