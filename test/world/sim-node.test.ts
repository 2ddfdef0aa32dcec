/**
 * A node inside the simulation: the same code as in `dhash node`, with clients in bad weather.
 * Every client counts on its own keys, pipelined, and must see every number once and in order.
 */

import t, { type Test } from 'tap';
import { Settings } from '../../lib/config/settings.js';
import { DhashNode } from '../../lib/node.js';
import { quietLog } from '../../lib/server/log.js';
import type { ProcessInfo } from '../../lib/server/process-info.js';
import { type Reply, ReplyParser } from '../../resp/reply-parser.js';
import { loadLuaModule } from '../../world/real/lua-module.js';
import { type SimHost, SimWorld } from '../../world/sim/sim-world.js';
import type { Link, LinkHandler } from '../../world/world.js';

const PORT = 6379;
const CLIENTS_COUNT = 5;
const INCREMENTS_COUNT = 300;

const processInfo: ProcessInfo = {
  pid: 1,
  executable: '/usr/bin/dhash',
  configFile: '',
  os: 'Linux',
  nodeVersion: 'v20.0.0',
  archBits: 64,
  residentBytes: () => 1,
  heapBytes: () => 1,
  systemMemoryBytes: 1,
  cpuSeconds: () => ({ user: 0, system: 0 }),
  shutdown: () => undefined,
  config: undefined,
};

async function startNode(sim: SimWorld, world: SimHost): Promise<DhashNode> {
  const settings = new Settings();
  settings.bind = ['0.0.0.0'];
  settings.port = PORT;
  settings.protectedMode = false;
  const node = new DhashNode(
    { world, log: quietLog, processInfo, luaModule: loadLuaModule },
    settings,
  );
  await sim.finish(node.start());
  return node;
}

class Client implements LinkHandler {
  readonly replies: Reply[] = [];
  readonly #parser = new ReplyParser();
  readonly #link: Link;
  error: Error | undefined;
  isClosed = false;

  constructor(link: Link) {
    this.#link = link;
  }

  send(...parts: string[]): void {
    const bulks = parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
    const bytes = Buffer.from(`*${parts.length}\r\n${bulks.join('')}`);
    this.#link.write(bytes, 0, bytes.length);
  }

  data(buf: Buffer, bytes: number): void {
    this.#parser.feed(buf.subarray(0, bytes));
    this.replies.push(...this.#parser.all());
  }

  drained(): void {}

  ended(): void {
    this.#link.end();
  }

  closed(error?: Error): void {
    this.error = error;
    this.isClosed = true;
  }
}

async function connect(sim: SimWorld, from: SimHost): Promise<Client> {
  let client: Client | undefined;
  const make = (link: Link): LinkHandler => {
    client = new Client(link);
    return client;
  };
  await sim.finish(from.network.connect({ host: 'server', port: PORT }, 60_000, make));
  return client!;
}

/** Runs clients against a node; returns the hash of what happened. */
async function counting(t: Test, seed: number): Promise<string> {
  const sim = new SimWorld({ seed, network: { splitChance: 0.5, segmentBytesMax: 600 } });
  const server = sim.host('server');
  await startNode(sim, server);
  sim.setConditions({ lossChance: 0.05, duplicateChance: 0.05, delayMaxMs: 20 });
  const clients: Client[] = [];
  for (let i = 0; i < CLIENTS_COUNT; i++) clients.push(await connect(sim, sim.host(`client-${i}`)));
  for (const [i, client] of clients.entries()) {
    for (let n = 0; n < INCREMENTS_COUNT; n++) {
      client.send('INCR', `counter:${i}`);
      if (sim.random.chance(0.1)) await sim.runFor(sim.random.below(10));
    }
  }
  const isDone = (): boolean => clients.every(({ replies }) => replies.length === INCREMENTS_COUNT);
  t.ok(await sim.runUntil(isDone, 600_000), `seed ${seed}: all is answered`);
  const expected = Array.from({ length: INCREMENTS_COUNT }, (_, n) => n + 1);
  for (const { replies } of clients) {
    t.same(replies.map(Number), expected, `seed ${seed}: in order, each once`);
  }
  return sim.traceHash();
}

for (const seed of [1, 2, 3]) {
  void t.test(`counting in bad weather, seed ${seed}`, async (t) => {
    const hash = await counting(t, seed);
    t.equal(await counting(t, seed), hash, 'the same again');
  });
}

void t.test('expiry follows the host clock', async (t) => {
  const sim = new SimWorld({ seed: 1 });
  const server = sim.host('server');
  await startNode(sim, server);
  const client = await connect(sim, sim.host('client'));
  client.send('SET', 'k', 'v', 'PX', '5000');
  await sim.runFor(4000);
  client.send('EXISTS', 'k');
  await sim.runFor(1100);
  client.send('EXISTS', 'k');
  await sim.runFor(100);
  t.same(client.replies.slice(1).map(Number), [1, 0]);
});

void t.test('a node whose process crashes is heard of, and starts again empty', async (t) => {
  const sim = new SimWorld({ seed: 1 });
  const server = sim.host('server');
  await startNode(sim, server);
  const client = await connect(sim, sim.host('client'));
  client.send('SET', 'k', 'v');
  await sim.runFor(100);
  server.crash('process');
  await sim.runFor(100);
  t.equal(client.isClosed, true);
  server.restart();
  await startNode(sim, server);
  const again = await connect(sim, sim.host('client'));
  again.send('DBSIZE');
  await sim.runFor(100);
  t.same(again.replies.map(Number), [0]);
});
