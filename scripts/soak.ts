/**
 * `npm run soak -- [--minutes N] [--nodes N] [--seed N] [--memory]`: a ring of real processes under load
 * while one member after the other is killed, stands still, or is restarted, and sometimes all at
 * once. Whoever is next has its turn when `dhash verify` finds nothing. In the end everything that was
 * acknowledged must be there, and have been there at every moment.
 *
 * `--memory`: nothing is on disk, so that a member that is stopped leaves, and one that is killed comes
 * back empty.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type SeededRandom, seededRandom } from '../test/support/random.js';
import { RingLoad } from '../test/support/ring-load.js';
import { runProgram } from '../test/support/run-program.js';
import {
  dhashProgram,
  freePort,
  type ServerProcess,
  startDhash,
} from '../test/support/server-process.js';
import { until } from '../test/support/until.js';

const READY_MS = 120_000;
const HEALED_MS = 90_000;
/** Of each member's log, shown where something is wrong. */
const LOG_LINES = 12;
const EVICT_AFTER_MS = 2000;
const DOWN_MS_MAX = 8000;
const STILL_MS_MAX = 15_000;
const BETWEEN_MS = 2000;
const PROBLEMS_SHOWN = 100;

class SoakRing {
  readonly #ports: readonly number[];
  readonly #folder: string | undefined;
  readonly #members: ServerProcess[] = [];
  readonly #random: SeededRandom;

  /** Without a folder nothing is kept. */
  constructor(ports: readonly number[], folder: string | undefined, random: SeededRandom) {
    this.#ports = ports;
    this.#folder = folder;
    this.#random = random;
  }

  get members(): readonly ServerProcess[] {
    return this.#members;
  }

  async start(at: number): Promise<void> {
    const others = this.#ports.filter((_, other) => other !== at);
    const isFirst = this.#members.length === 0;
    const args = ['--evict-after-ms', `${EVICT_AFTER_MS}`];
    if (!isFirst) args.push('--join', others.map((port) => `127.0.0.1:${port}`).join(','));
    if (this.#folder !== undefined) args.push('--dir', join(this.#folder, `${at}`));
    const port = this.#ports[at]!;
    this.#members[at] = await startDhash({ args, port, readyMs: READY_MS });
  }

  /** Does something to somebody; what it was, in words. */
  async trouble(): Promise<string> {
    const { below, chance, pick } = this.#random;
    if (this.#folder !== undefined && chance(0.15)) return this.#stopAll();
    const at = below(this.#members.length);
    const member = this.#members[at]!;
    const what = pick(['SIGKILL', 'SIGSTOP', 'SIGTERM'] as const);
    member.signal(what);
    if (what === 'SIGSTOP') {
      await pause(below(STILL_MS_MAX));
      member.signal('SIGCONT');
    } else {
      await member.exited;
      await pause(below(DOWN_MS_MAX));
      await this.start(at);
    }
    return `${what} ${at}`;
  }

  async #stopAll(): Promise<string> {
    const what = this.#random.pick(['SIGKILL', 'SIGTERM'] as const);
    for (const member of this.#members) member.signal(what);
    await Promise.all(this.#members.map(({ exited }) => exited));
    await Promise.all(this.#members.map((_, at) => this.start(at)));
    return `${what} all`;
  }

  /** Until `dhash verify` finds nothing. */
  async healed(): Promise<void> {
    let last = '';
    const at = `127.0.0.1:${this.#ports[0]}`;
    const isHealed = async (): Promise<boolean> => {
      const asked = [dhashProgram(), 'verify', '--at', at];
      const { code, output } = await runProgram(process.execPath, asked);
      last = output;
      return code === 0 && output.includes(`of ${this.#ports.length} ranges`);
    };
    await until('the ring is in order', isHealed, HEALED_MS).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${last}`);
    });
  }

  async stop(): Promise<void> {
    for (const member of this.#members) member.signal('SIGKILL');
    await Promise.all(this.#members.map(({ exited }) => exited));
  }
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    nodes: { type: 'string', default: '5' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    memory: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const folder = values.memory ? undefined : await mkdtemp(join(tmpdir(), 'dhash-soak-'));
console.log(`seed ${seed}, ${folder ?? 'nothing on disk'}`);
const ports = await Promise.all(Array.from({ length: Number(values.nodes) }, () => freePort()));
const ring = new SoakRing(ports, folder, seededRandom(seed));
for (let at = 0; at < ports.length; at += 1) await ring.start(at);
await ring.healed();
const load = new RingLoad(ring.members);
load.start();
const problems: string[] = [];
const endMs = performance.now() + Number(values.minutes) * 60_000;
try {
  while (performance.now() < endMs) {
    await pause(BETWEEN_MS);
    const what = await ring.trouble();
    const sinceMs = performance.now();
    await ring.healed();
    const seconds = ((performance.now() - sinceMs) / 1000).toFixed(1);
    console.log(`${what}: in order ${seconds} s later; ${load.writes} writes so far`);
  }
  await load.stop();
  problems.push(...(await load.lost()), ...load.stale, ...load.unexpected);
} catch (error) {
  problems.push(String(error));
  for (const member of ring.members) {
    const lines = member.output().trimEnd().split('\n').slice(-LOG_LINES);
    problems.push(`${member.port}:`, ...lines);
  }
} finally {
  load.close();
  await ring.stop();
}
for (const problem of problems.slice(0, PROBLEMS_SHOWN)) console.error(problem);
if (problems.length > 0) {
  console.error(`seed ${seed}${folder === undefined ? '' : `; the folder stays: ${folder}`}`);
  process.exit(1);
}
console.log(`${load.writes} writes, ${load.errors.length} errors; nothing acknowledged was lost`);
if (folder !== undefined) await rm(folder, { recursive: true });
