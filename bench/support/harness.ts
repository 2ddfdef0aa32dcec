/**
 * What benchmarks share: interleaved runs, medians, and rows.
 *
 * A benchmark file exports `run(options)`. It measures each thing beside its peer, in turns (ours,
 * peer, ours, peer ...), because on a shared machine absolute figures drift by a third within
 * minutes while ratios of medians hold; and it hands rows to a `Report`, which prints a table, or
 * with `json` one object per line.
 */

export interface BenchOptions {
  /** One JSON object per row and line instead of a table. */
  json: boolean;
  /** Shorter and coarser: to see that it works. Default false. */
  quick?: boolean;
  /** How often each contestant runs; default: the benchmark's own choice. */
  rounds?: number;
  /** Of a benchmark that has parts: these alone. Default: all. */
  only?: readonly string[];
}

export interface Row {
  /** What was measured. */
  name: string;
  ours: number;
  unit: string;
  /** Name of what ours is compared with, and its figure. */
  peer?: string;
  theirs?: number;
  /** ours / theirs, or theirs / ours where less is better: above 1 is good. */
  ratio?: number;
  /** What the ratio, or without a peer the figure, must reach (`atMost`: must not exceed). */
  target?: number;
  atMost?: boolean;
  isGood?: boolean;
}

export interface Contestant {
  name: string;
  /** Runs once and returns a figure, for instance operations per second. */
  run(): number | Promise<number>;
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  if (sorted.length === 0) return Number.NaN;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Runs the contestants in turns, `rounds` times each, and returns their medians, in order. */
export async function interleave(
  contestants: readonly Contestant[],
  rounds: number,
): Promise<number[]> {
  const samples: number[][] = contestants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      samples[i]!.push(await contestant.run());
    }
  }
  return samples.map(median);
}

/** Operations per second of a function that does `count` of them. */
export function rate(count: number, work: () => void): number {
  const started = process.hrtime.bigint();
  work();
  return (count * 1e9) / Number(process.hrtime.bigint() - started);
}

export class Report {
  readonly #bench: string;
  readonly #options: BenchOptions;
  readonly #rows: Row[] = [];

  constructor(bench: string, options: BenchOptions) {
    this.#bench = bench;
    this.#options = options;
  }

  /** Whether every row so far reached its target. */
  get isGood(): boolean {
    return this.#rows.every((row) => row.isGood !== false);
  }

  add(row: Row): void {
    const figure = row.ratio ?? row.ours;
    if (row.target !== undefined) {
      row.isGood = row.atMost === true ? figure <= row.target : figure >= row.target;
    }
    this.#rows.push(row);
    if (this.#options.json) {
      const rounded = { ...row, ours: round(row.ours) };
      if (row.theirs !== undefined) rounded.theirs = round(row.theirs);
      if (row.ratio !== undefined) rounded.ratio = round(row.ratio);
      const line = { bench: this.#bench, node: process.version, ...rounded };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    } else if (process.stderr.isTTY) {
      process.stderr.write(`  ${row.name}\n`);
    }
  }

  /** Adds a row that compares medians of rates (more is better). */
  compare(name: string, unit: string, peer: string, figures: number[], target?: number): void {
    const [ours, theirs] = figures as [number, number];
    const row: Row = { name, ours, unit, peer, theirs, ratio: ours / theirs };
    if (target !== undefined) row.target = target;
    this.add(row);
  }

  /** Prints the table. */
  finish(): void {
    if (this.#options.json) return;
    const lines = [['', 'ours', 'unit', 'peer', 'theirs', 'ratio', 'target', '']];
    for (const row of this.#rows) {
      lines.push([
        row.name,
        shown(row.ours),
        row.unit,
        row.peer ?? '',
        row.theirs === undefined ? '' : shown(row.theirs),
        row.ratio === undefined ? '' : row.ratio.toFixed(2),
        row.target === undefined ? '' : `${row.atMost === true ? '<=' : '>='} ${row.target}`,
        row.isGood === undefined ? '' : row.isGood ? 'good' : 'NOT GOOD',
      ]);
    }
    const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
    const isText = [true, false, true, true, false, false, false, true];
    process.stdout.write(`${this.#bench}, Node ${process.version}\n`);
    for (const line of lines) {
      const cells = line.map((cell, i) =>
        isText[i] === true ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
      );
      process.stdout.write(`  ${cells.join('  ').trimEnd()}\n`);
    }
  }
}

export type Part = (report: Report, options: BenchOptions) => Promise<void>;

/** Runs a benchmark of several parts: those that are wanted, in order, into one table. */
export async function runParts(
  bench: string,
  parts: Readonly<Record<string, Part>>,
  options: BenchOptions,
): Promise<void> {
  const { only } = options;
  const unknown = only?.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined) {
    const names = Object.keys(parts).join(', ');
    throw new Error(`${bench} has no part '${unknown}', only ${names}`);
  }
  const report = new Report(bench, options);
  for (const [name, part] of Object.entries(parts)) {
    if (only === undefined || only.includes(name)) await part(report, options);
  }
  report.finish();
}

/** Four significant digits, which is more than a shared machine can tell. */
function round(figure: number): number {
  return Number(figure.toPrecision(4));
}

function shown(figure: number): string {
  if (figure >= 1000) return Math.round(figure).toLocaleString('en-US');
  return String(round(figure));
}
