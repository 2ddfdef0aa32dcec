/**
 * What `maxmemory` is compared with, and what INFO and MEMORY say of it, against a walk over every
 * record: after each step of random programs over all types, with elements that expire, clears,
 * renames, evictions, big values, compaction; with tombstones and without.
 */
import t from 'tap';
import { randomProgram } from '../differential/program.js';
import { encode, type LocalClient, LocalNode } from '../support/local.js';
import { walkedBytes, walkMemory } from '../support/memory-walk.js';
import { type SeededRandom, seededRandom } from '../support/random.js';

const SEED = Number(process.env['SEED'] ?? 0);
const PROGRAMS = 25;
const STEPS = 250;
/** Turns in which all that was freed is taken back. */
const RECLAIM_TURNS = 1000;
/** What would end the process, or never end, or lets no time pass for the others. */
const SKIPPED = new Set(['shutdown', 'monitor', 'debug', 'quit', 'client', 'config', 'subscribe']);
const POLICIES = [
  ...['noeviction', 'allkeys-lru', 'allkeys-lfu', 'allkeys-random'],
  ...['volatile-lru', 'volatile-lfu', 'volatile-random', 'volatile-ttl'],
];

type Words = (string | number | Buffer)[];

class Run {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly local: LocalNode;
  readonly #clients: LocalClient[];
  compared = 0;
  evicted = 0;

  static async begin(seed: number): Promise<Run> {
    return new Run(seed, await new LocalNode().start());
  }

  private constructor(seed: number, local: LocalNode) {
    this.seed = seed;
    this.random = seededRandom(seed);
    this.local = local;
    this.local.node.store.keepsTombstones = seed % 3 === 0;
    this.#clients = [local.client(), local.client()];
  }

  run(): void {
    const program = randomProgram(seededRandom(this.seed), this.seed, STEPS);
    for (const [index, step] of program.steps.entries()) {
      const name = step.args[0]?.toString('latin1').toLowerCase() ?? '';
      if (step.kind !== 'command' || SKIPPED.has(name)) continue;
      this.post(step.connection, [...step.args]);
      for (const words of this.#besides(step.args)) this.post(step.connection, words);
      this.turns();
      if (this.random.chance(0.05)) this.local.world.advance(this.random.below(2000));
      if (this.random.chance(0.02)) this.#evict();
      if (this.random.chance(0.02)) this.local.node.store.compact(Number.POSITIVE_INFINITY);
      this.compare(`step ${index}, ${name}`);
    }
  }

  post(connection: number, words: Words): void {
    if (this.#clients[connection]!.link.closed) this.#clients[connection] = this.local.client();
    this.#clients[connection]!.link.send(encode(words));
  }

  turns(): void {
    for (let turns = 0; turns < 5; turns += 1) {
      for (const client of this.#clients) client.received();
      this.local.world.turn();
    }
  }

  /** Commands that the programs do not have, or seldom, about a step's key. */
  #besides(args: readonly Buffer[]): Words[] {
    const { random } = this;
    const [name, key, field] = args;
    if (key === undefined || !random.chance(0.15)) return [];
    if (name?.toString() === 'HSET' && field !== undefined) {
      return [['HPEXPIRE', key, random.below(3000), 'FIELDS', 1, field]];
    }
    return [
      random.pick<Words>([
        ['SETRANGE', key, random.below(60_000), random.bytes(random.below(60_000))],
        ['APPEND', key, random.bytes(random.below(30_000))],
        ['SET', key, random.bytes(random.below(20_000)), 'PX', 1 + random.below(4000)],
        ['HSET', key, ...Array.from({ length: 300 * 2 }, () => random.bytes(random.below(9)))],
        ['PEXPIRE', key, 1 + random.below(4000)],
        ['PERSIST', key],
        ['RENAME', key, `to${random.below(5)}`],
        ['COPY', key, `to${random.below(5)}`, 'REPLACE'],
        ['MOVE', key, random.below(4)],
        ['SWAPDB', random.below(4), random.below(4)],
        ['UNLINK', key],
        ['FLUSHDB'],
        ['FLUSHALL', 'ASYNC'],
      ]),
    ];
  }

  /** Lets the node evict, and looks whether it did what it should. */
  #evict(): void {
    const { settings } = this.local;
    const { store } = this.local.node;
    const before = store.eviction.evictedKeys;
    const limit = Math.floor(store.space.usedBytes * this.random.float()) + 1;
    const policy = this.random.pick(POLICIES);
    const refused = settings.set([
      ['maxmemory-policy', policy],
      ['maxmemory', `${limit}`],
    ]);
    if (refused !== undefined) throw new Error(refused);
    this.post(0, ['SET', 'evicting', this.random.bytes(this.random.below(300))]);
    this.turns();
    this.post(0, ['PING']);
    const isBelow = store.eviction.makeRoom();
    const { usedBytes } = store.space;
    if (isBelow !== usedBytes <= limit) throw new Error(`${usedBytes} used of ${limit}`);
    this.evicted += store.eviction.evictedKeys - before;
    settings.set([['maxmemory', '0']]);
  }

  /** Half of the time before all that was freed is taken back. */
  compare(where: string): void {
    const { store } = this.local.node;
    if (store.databases.some(({ tree }) => tree.observer !== null)) return;
    const walked = walkMemory(store);
    const bytes = walkedBytes(walked);
    const usedBefore = store.space.usedBytes;
    if (this.random.chance(0.5)) {
      if (usedBefore < bytes) throw new Error(`${where}: ${usedBefore} used, ${bytes} walked`);
      if (store.space.reclaimPending) return;
    }
    for (let turns = 0; store.space.reclaimPending; turns += 1) {
      if (turns > RECLAIM_TURNS) throw new Error(`${where}: the memory does not come back`);
      this.local.world.turn();
    }
    const { bigValueBytes, expiryBytes, leafBytes, nodeBytes } = store.space.memoryUsage();
    const counted = { nodeBytes, leafBytes, bigValueBytes, expiryBytes };
    const said = `${where}: counted ${JSON.stringify(counted)}, walked ${JSON.stringify(walked)}`;
    if (JSON.stringify(counted) !== JSON.stringify(walked)) throw new Error(said);
    if (store.space.usedBytes !== bytes) throw new Error(`${said}, used ${store.space.usedBytes}`);
    this.compared += 1;
  }
}

void t.test('random programs', async (t) => {
  const first = SEED === 0 ? 1 : SEED;
  let compared = 0;
  let evicted = 0;
  for (let seed = first; seed < first + (SEED === 0 ? PROGRAMS : 1); seed += 1) {
    const run = await Run.begin(seed);
    try {
      run.run();
    } catch (error) {
      t.fail(`seed ${seed}: ${(error as Error).stack}`);
    }
    compared += run.compared;
    evicted += run.evicted;
  }
  t.comment(`${compared} comparisons, ${evicted} keys evicted`);
  if (SEED === 0) t.ok(compared > 3000 && evicted > 100, 'enough was seen');
});

void t.test('INFO and MEMORY say the same', async (t) => {
  const run = await Run.begin(1);
  run.run();
  const client = run.local.client();
  for (const words of [
    ['SET', 'big', 'b'.repeat(50_000)],
    ['SET', 'due', 'd', 'EX', '100'],
    ['HSET', 'h', 'a', '1', 'b', '2'],
    ['HEXPIRE', 'h', '100', 'FIELDS', '1', 'a'],
    ['ZADD', 'z', '1', 'a', '2', 'b'],
  ]) {
    client.send(...words);
  }
  run.compare('at the end');
  const walked = walkMemory(run.local.node.store);
  const bytes = walkedBytes(walked);
  const info = infoOf(client.text('INFO', 'everything'));
  t.equal(info.get('used_memory_dataset'), `${bytes}`);
  const total = Number(info.get('used_memory'));
  t.equal(total - Number(info.get('mem_not_counted_for_evict')), bytes, 'what maxmemory limits');
  t.equal(info.get('space_used_bytes'), `${bytes}`);
  t.equal(info.get('space_node_bytes'), `${walked.nodeBytes}`);
  t.equal(info.get('space_leaf_bytes'), `${walked.leafBytes}`);
  t.equal(info.get('space_big_value_bytes'), `${walked.bigValueBytes}`);
  t.equal(info.get('space_expiry_bytes'), `${walked.expiryBytes}`);
  const stats = client.send('MEMORY', 'STATS');
  if (!Array.isArray(stats)) throw new Error('no list');
  t.equal(stats[stats.indexOf('dataset.bytes') + 1], bytes);
  const malloc = client.text('MEMORY', 'MALLOC-STATS');
  const shown = (name: string) => Number(new RegExp(`${name} +(\\d+)`).exec(malloc)?.[1]);
  t.equal(shown('in use'), bytes);
  const parts = ['nodes', 'leaves', 'big values', 'expiries'].map(shown);
  t.strictSame(parts, [
    walked.nodeBytes,
    walked.leafBytes,
    walked.bigValueBytes,
    walked.expiryBytes,
  ]);
});

void t.test('what background work frees comes back without a command or a tick', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  for (let i = 0; i < 100; i += 1) client.send('SADD', 's', `${i}`);
  client.send('PEXPIRE', 's', '50');
  local.world.nowMs += 60;
  // The next look at what is due.
  while (local.node.store.databases[0]!.tree.allCount > 0) local.world.advance(1);
  for (let turns = 0; turns < 10; turns += 1) local.world.turn();
  t.equal(local.node.store.space.usedBytes, 0);
});

function infoOf(text: string): Map<string, string> {
  const pairs = text.split('\r\n').map((line) => line.split(':') as [string, string]);
  return new Map(pairs);
}
