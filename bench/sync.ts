/**
 * radix.Sync beside what it would cost at least, and what a descent through Merkle trees costs.
 *
 * Two trees of a million entries (keys of 16 bytes, values of 64) in one process, which differ in a
 * number of entries, half of them on each side. Each row is a session, or the median of several:
 *
 *   discoveryBytes   of both directions, without the entries and the closing verification
 *   roundTrips       waits of the initiator until both sides hold all entries; the most of all
 *                    sessions beside it
 *   cpuMs...         time spent in the session, of either side; the longest slice of work beside it
 *   boundBytes       to say which of so many entries differ: 2 log2 C(n, d / 2) bits
 *   god...           a descent from node to node, one message each: the digests of its children
 *   unneeded         entries sent that the other side had
 */

import type { SyncMode } from '../radix/sync/messages.js';
import { seededRandom } from '../test/support/random.js';
import { type BenchOptions, median } from './support/harness.js';
import { godCost, informationBytes } from './support/sync-bounds.js';
import { DISTRIBUTIONS, type Distribution, Pair } from './support/sync-pair.js';
import { type Measured, measureSession } from './support/sync-session.js';

const ROUNDS_DEFAULT = 5;
/** Bytes, round trips and milliseconds of CPU per side that so many differences may cost. */
const TARGETS: Record<number, readonly [number, number, number]> = {
  0: [64, 1, 0.05],
  1: [650, 2, 2],
  10: [900, 2, 4],
  100: [2500, 2, 60],
  1000: [18_000, 2, 100],
  10_000: [145_000, 3, 400],
};
/** Other keys than uniform ones may cost more. */
const OTHERS_FACTOR = 1.5;
const CLUSTERED_TARGET = [18_000, Infinity, Infinity] as const;
const EMPTY_TARGET = [1000, 2, Infinity] as const;
const DESTRUCTIVE_TARGET = [100, 2, Infinity] as const;

export interface SyncRow extends Measured {
  /** Of all sessions; what else a row says is the median. */
  readonly roundTripsMax: number;
  readonly distribution: string;
  readonly mode: SyncMode;
  readonly entries: number;
  readonly differences: number;
}

type Target = readonly [number, number, number];

class Table {
  readonly #options: BenchOptions;
  readonly #lines: string[][] = [
    [
      'distribution',
      'mode',
      'entries',
      'differences',
      'bytes',
      'round trips',
      'at most',
      'CPU ms local',
    ].concat(['remote', 'slice ms', 'bound', 'god bytes', 'messages', 'unneeded', 'at most', '']),
  ];

  constructor(options: BenchOptions) {
    this.#options = options;
  }

  add(row: SyncRow, pair: Pair, keys: readonly Buffer[], target: Target | null): void {
    const bound = informationBytes(row.entries, row.differences);
    const god = godCost(pair, keys);
    const isGood = target === null ? undefined : isWithin(row, target);
    if (this.#options.json) {
      const beside = {
        boundBytes: Math.ceil(bound),
        godBytes: god.bytes,
        godMessages: god.messages,
      };
      const [bytes, roundTrips, cpuMs] = target ?? [];
      const most = target === null ? {} : { target: { bytes, roundTrips, cpuMs }, isGood };
      const line = { bench: 'sync', node: process.version, ...row, ...beside, ...most };
      process.stdout.write(`${JSON.stringify(line)}\n`);
      return;
    }
    const { distribution, mode, entries, differences, discoveryBytes, roundTrips } = row;
    const { cpuMsLocal, cpuMsRemote, roundTripsMax, sliceMsMax, unneededEntries } = row;
    this.#lines.push([
      ...[distribution, mode, String(entries), String(differences)],
      ...[String(discoveryBytes), String(roundTrips), String(roundTripsMax)],
      ...[cpuMsLocal, cpuMsRemote, sliceMsMax].map((ms) => ms.toFixed(2)),
      ...[String(Math.ceil(bound)), String(god.bytes), String(god.messages)],
      unneededEntries.toFixed(1),
      target === null ? '' : `${target[0]} B, ${target[1]}, ${target[2]} ms`,
      isGood === undefined ? '' : isGood ? 'good' : 'NOT GOOD',
    ]);
  }

  finish(): void {
    if (this.#options.json) return;
    const widths = this.#lines[0]!.map((_, i) => {
      return Math.max(...this.#lines.map((line) => line[i]!.length));
    });
    process.stdout.write(`sync, Node ${process.version}\n`);
    for (const line of this.#lines) {
      const cells = line.map((cell, i) =>
        i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
      );
      process.stdout.write(`  ${cells.join('  ').trimEnd()}\n`);
    }
  }
}

function isWithin(row: SyncRow, [bytes, roundTrips, cpuMs]: Target): boolean {
  const isQuick = row.cpuMsLocal <= cpuMs && row.cpuMsRemote <= cpuMs;
  return row.discoveryBytes <= bytes && row.roundTrips <= roundTrips && isQuick;
}

export function run(options: BenchOptions): void {
  const quick = options.quick === true;
  const entries = quick ? 50_000 : 1_000_000;
  const rounds = options.rounds ?? (quick ? 1 : ROUNDS_DEFAULT);
  const table = new Table(options);
  for (const distribution of DISTRIBUTIONS) {
    const pair = new Pair(distribution, entries);
    for (const differences of Object.keys(TARGETS).map(Number)) {
      twoWay(table, pair, distribution, differences, rounds);
    }
    if (distribution.name === 'uniform') modes(table, pair, rounds);
  }
  table.finish();
}

function twoWay(
  table: Table,
  pair: Pair,
  distribution: Distribution,
  differences: number,
  rounds: number,
): void {
  const factor = distribution.name === 'uniform' ? 1 : OTHERS_FACTOR;
  const [bytes, roundTrips, cpuMs] = TARGETS[differences]!;
  const target = [bytes * factor, roundTrips, cpuMs * factor] as const;
  sessions(table, pair, distribution.name, 'two-way', differences, rounds, target);
}

function sessions(
  table: Table,
  pair: Pair,
  name: string,
  mode: SyncMode,
  differences: number,
  rounds: number,
  target: Target | null,
): void {
  const measured: Measured[] = [];
  let keys: Buffer[] = [];
  // Small sessions are over before the compiler has noticed them.
  const repeats = differences < 100 ? rounds * 40 : rounds;
  for (let round = 0; round < repeats + 1; round++) {
    keys = pair.differ(differences, name === 'clustered');
    const result = measureSession(pair, mode, round);
    if (round > 0) measured.push(result);
    if (round < repeats) pair.restore(keys);
  }
  const row = { distribution: name, mode, entries: pair.entries, differences, ...middle(measured) };
  table.add(row, pair, keys, target);
  pair.restore(keys);
}

function modes(table: Table, pair: Pair, rounds: number): void {
  sessions(table, pair, 'clustered', 'two-way', 1000, rounds, CLUSTERED_TARGET);
  for (const mode of ['push', 'pull', 'follow', 'follow-led'] as const) {
    sessions(table, pair, 'uniform', mode, 1000, rounds, null);
  }
  pair.settle();
  const identical = measureSession(pair, 'destructive', 1);
  const what = { distribution: 'uniform', entries: pair.entries, differences: 0 } as const;
  table.add({ ...what, mode: 'destructive', ...middle([identical]) }, pair, [], DESTRUCTIVE_TARGET);
  // The source is empty now.
  const filled = measureSession(pair, 'two-way', 2);
  const empty = {
    distribution: 'empty',
    entries: pair.entries,
    differences: pair.entries,
  } as const;
  table.add({ ...empty, mode: 'two-way', ...middle([filled]) }, pair, [], EMPTY_TARGET);
  const random = seededRandom(5);
  const keys = pair.differ(1000, false);
  const salt = random.below(1000);
  const some = measureSession(pair, 'destructive', salt);
  table.add(
    { ...what, differences: 1000, mode: 'destructive', ...middle([some]) },
    pair,
    keys,
    null,
  );
}

function middle(all: readonly Measured[]): Measured & Pick<SyncRow, 'roundTripsMax'> {
  const of = (key: keyof Measured): number => median(all.map((one) => one[key]));
  return {
    discoveryBytes: Math.round(of('discoveryBytes')),
    roundTrips: of('roundTrips'),
    roundTripsMax: Math.max(...all.map((one) => one.roundTrips)),
    cpuMsLocal: of('cpuMsLocal'),
    cpuMsRemote: of('cpuMsRemote'),
    sliceMsMax: Math.max(...all.map((one) => one.sliceMsMax)),
    unneededEntries: mean(all.map((one) => one.unneededEntries)),
  };
}

function mean(samples: readonly number[]): number {
  return samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
}
