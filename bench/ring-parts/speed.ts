/**
 * Three nodes with two replicas each at level `one`, beside a Redis Cluster of three masters with one
 * replica each. Three redis-benchmarks at once, one at each node:
 *
 *   owner    each with a prefix that its node owns
 *   spread   each with keys of all nodes: two of three commands are forwarded
 *
 * Positions are such that all own the same, so nobody moves. Just before each measurement every node
 * is asked (DHASH OWNERS, DHASH EXPLAIN) whether the keys to come lie where the measurement says.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ServerProcess } from '../../test/support/server-process.js';
import { type BenchOptions, median, type Report } from '../support/harness.js';
import { fill } from '../support/redis-benchmark.js';
import { withRedisCluster } from '../support/redis-cluster.js';
import { addressOf, type BenchRing, withRing } from '../support/ring-processes.js';

const run = promisify(execFile);
/** Positions, and a prefix that each of them owns; the keys of `spread` are k: and a number below KEY_COUNT. */
const POSITIONS = ['k:000000033333', 'k:000000066666', 'k:000000099999'];
const PREFIXES = ['k:00000001', 'k:00000004', 'k:00000008'];
const KEY_COUNT = 100_000;
const OWN_KEY_COUNT = 30_000;
const VALUE = 'v'.repeat(64);
/**
 * Commands of each redis-benchmark: in a cluster it looks every 250 ms whether it is done, so runs of
 * a second or two would be off by a fifth.
 */
const COUNT = 200_000;
const COUNT_PIPELINED = 1_000_000;
const CLIENTS_EACH = 17;
const ROUNDS_DEFAULT = 3;
const OWNER_TARGET = 0.6;
const SPREAD_TARGET = 0.35;

type Verb = 'GET' | 'SET';
type Where = 'owner' | 'spread';

interface Load {
  readonly verb: Verb;
  readonly pipeline: number;
  /** Commands of each redis-benchmark. */
  readonly count: number;
}

export async function speed(report: Report, options: BenchOptions): Promise<void> {
  const quick = options.quick === true;
  const rounds = options.rounds ?? (quick ? 1 : ROUNDS_DEFAULT);
  const factor = quick ? 0.1 : 1;
  const args = ['--replicas', '2', '--write-level', 'one', '--read-level', 'one'];
  await withRing(args, async (ring) => {
    for (const position of POSITIONS) await ring.add(['--position', position]);
    await withRedisCluster(async (cluster) => {
      await fillRing(ring);
      await ring.quiet(3000);
      for (const pipeline of [1, 16]) {
        for (const verb of ['SET', 'GET'] as const) {
          const count = Math.ceil((pipeline === 1 ? COUNT : COUNT_PIPELINED) * factor);
          await compare(report, { ring, cluster }, { verb, pipeline, count }, rounds);
        }
      }
    });
    await hop(report, ring, Math.ceil(40_000 * factor), rounds);
  });
}

/** All keys that the loads write, owners in turn: so no node ever owns much more than another and moves. */
async function fillRing({ nodes }: BenchRing): Promise<void> {
  const [first] = nodes;
  const thirds = KEY_COUNT / PREFIXES.length;
  await fill(first!, KEY_COUNT, (n) => {
    const number = (n % PREFIXES.length) * Math.ceil(thirds) + Math.floor(n / PREFIXES.length);
    return ['SET', `k:${keyDigits(number)}`, VALUE];
  });
  await fill(first!, OWN_KEY_COUNT * PREFIXES.length, (n) => {
    const prefix = PREFIXES[n % PREFIXES.length]!;
    return ['SET', `${prefix}:${keyDigits(Math.floor(n / PREFIXES.length))}`, VALUE];
  });
}

/** As redis-benchmark writes __rand_int__. */
function keyDigits(number: number): string {
  return String(number).padStart(12, '0');
}

async function compare(
  report: Report,
  { cluster, ring }: { ring: BenchRing; cluster: readonly ServerProcess[] },
  load: Load,
  rounds: number,
): Promise<void> {
  const rates: Record<Where | 'cluster', number[]> = { owner: [], spread: [], cluster: [] };
  // The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    await checkOwners(ring);
    const owner = await ringRate(ring.nodes, load, 'owner');
    const spread = await ringRate(ring.nodes, load, 'spread');
    const theirs = await clusterRate(cluster[0]!, load);
    if (round === 0) continue;
    rates.owner.push(owner);
    rates.spread.push(spread);
    rates.cluster.push(theirs);
  }
  const title = `${load.verb}${load.pipeline === 1 ? '' : ` -P ${load.pipeline}`}`;
  for (const [where, target] of [
    ['owner', OWNER_TARGET],
    ['spread', SPREAD_TARGET],
  ] as const) {
    const figures = [median(rates[where]), median(rates.cluster)];
    report.compare(`${title}, ${where}`, 'op/s', 'redis cluster', figures, target);
  }
}

/** Throws unless each node owns its prefix, whole, and a third of the keys of `spread`. */
async function checkOwners(ring: BenchRing): Promise<void> {
  for (const [at, node] of ring.nodes.entries()) {
    for (const number of [0, OWN_KEY_COUNT - 1]) {
      const key = `${PREFIXES[at]!}:${keyDigits(number)}`;
      const owner = await ring.ownerOf(key, node);
      if (owner !== addressOf(node))
        throw new Error(`${key} is ${owner}'s, not the ${at}th node's`);
    }
  }
  const { members } = await ring.status();
  const positions = members.map(({ position }) => position).sort();
  if (positions.join() !== POSITIONS.join()) throw new Error(`somebody moved: ${positions.join()}`);
}

/** Throws unless a GET of the second node's keys takes so many hops from here. */
async function checkHops(ring: BenchRing, node: ServerProcess, hops: 0 | 1): Promise<void> {
  for (const number of [0, OWN_KEY_COUNT - 1]) {
    const key = `${PREFIXES[1]}:${keyDigits(number)}`;
    const found = await ring.hopsOf(['GET', key], node);
    if (found !== hops) throw new Error(`GET ${key} takes ${found} hops, not ${hops}`);
  }
}

/** Commands per second of all three together: as fast as the slowest allows. */
async function ringRate(
  nodes: readonly ServerProcess[],
  load: Load,
  where: Where,
): Promise<number> {
  const rates = await Promise.all(
    nodes.map((node, at) => {
      const isOwner = where === 'owner';
      const key = `${isOwner ? PREFIXES[at]! : 'k'}:__rand_int__`;
      const space = isOwner ? OWN_KEY_COUNT : KEY_COUNT;
      return rateOf(node, commandArgs(load, key), [
        ...['-c', `${CLIENTS_EACH}`, '-r', `${space}`, '-n', `${load.count}`],
        ...['-P', `${load.pipeline}`],
      ]);
    }),
  );
  return nodes.length * Math.min(...rates.map(({ perSecond }) => perSecond));
}

async function clusterRate(node: ServerProcess, load: Load): Promise<number> {
  // In a cluster redis-benchmark puts a tag of the node in place of {tag}.
  const { perSecond } = await rateOf(node, commandArgs(load, 'k:{tag}:__rand_int__'), [
    ...['--cluster', '-c', `${3 * CLIENTS_EACH}`, '-r', `${KEY_COUNT}`],
    ...['-n', `${3 * load.count}`, '-P', `${load.pipeline}`],
  ]);
  return perSecond;
}

function commandArgs({ verb }: Load, key: string): string[] {
  return verb === 'SET' ? ['SET', key, VALUE] : ['GET', key];
}

async function rateOf(
  { host, port }: ServerProcess,
  command: readonly string[],
  args: readonly string[],
): Promise<{ perSecond: number }> {
  const where = ['-h', host, '-p', `${port}`];
  const { stdout } = await run('redis-benchmark', [...where, '--csv', ...args, ...command]);
  const perSecond = Number(/",?"([\d.]+)"/.exec(stdout.trim().split('\n').at(-1)!)?.[1]);
  if (!Number.isFinite(perSecond)) throw new Error(`redis-benchmark said: ${stdout}`);
  return { perSecond };
}

/** One client without a pipeline, at the owner and at another node. */
async function hop(report: Report, ring: BenchRing, count: number, rounds: number): Promise<void> {
  const [other, owner] = ring.nodes;
  const command = ['GET', `${PREFIXES[1]}:__rand_int__`];
  for (const [name, clients, pipeline] of [
    ['one client', 1, 1],
    ['50 clients', 50, 1],
    ['20 clients -P 16', 20, 16],
  ] as const) {
    const n = pipeline === 1 ? count : 10 * count;
    const args = ['-c', `${clients}`, '-P', `${pipeline}`, '-n', `${n}`, '-r', `${OWN_KEY_COUNT}`];
    const timesUs: [number[], number[]] = [[], []];
    const cpuUs: [number[], number[]] = [[], []];
    for (let round = 0; round <= rounds; round += 1) {
      for (const [at, node] of [other!, owner!].entries()) {
        await checkHops(ring, node, node === owner ? 0 : 1);
        const before = ring.cpuSeconds;
        const { perSecond } = await rateOf(node, command, args);
        if (round === 0) continue;
        timesUs[at]!.push(1e6 / perSecond);
        cpuUs[at]!.push(((ring.cpuSeconds - before) * 1e6) / n);
      }
    }
    const row = (what: string, unit: string, [hopped, direct]: [number[], number[]]): void => {
      const [ours, theirs] = [median(hopped), median(direct)];
      report.add({
        ...{ name: `GET by way of another node, ${name}: ${what}`, ours, unit },
        ...{ peer: 'at the owner', theirs, ratio: ours / theirs },
      });
    };
    row('time a command', 'us', timesUs);
    row('CPU of all nodes', 'us', cpuUs);
  }
}
