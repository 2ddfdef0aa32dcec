/** How the results of the load generator are shown: a table, rows of JSON, a progress line. */

import type { LoadProgress, LoadResult } from './run.js';

const COLUMNS = [
  ['test', 24],
  ['requests', 10],
  ['seconds', 8],
  ['op/s', 10],
  ['p50 ms', 8],
  ['p90 ms', 8],
  ['p99 ms', 8],
  ['p99.9 ms', 9],
  ['max ms', 9],
  ['errors', 7],
] as const;

function inMs(usec: number): string {
  return (usec / 1000).toFixed(3);
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, index) => {
      const width = COLUMNS[index]?.[1] ?? 0;
      return index === 0 ? cell.padEnd(width) : cell.padStart(width);
    })
    .join(' ');
}

export function tableHead(): string {
  return line(COLUMNS.map(([title]) => title));
}

export function tableRow(name: string, result: LoadResult): string {
  const { latency } = result;
  return line([
    name,
    grouped(result.requests),
    result.seconds.toFixed(2),
    grouped(result.requests / result.seconds),
    ...[50, 90, 99, 99.9].map((percent) => inMs(latency.percentileUsec(percent))),
    inMs(latency.maxUsec),
    grouped(result.errors),
  ]);
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}

export function jsonRow(name: string, result: LoadResult, settings: object): string {
  const { latency } = result;
  const percentileMs = (percent: number): number => rounded(latency.percentileUsec(percent) / 1000);
  return JSON.stringify({
    test: name,
    ...settings,
    requests: result.requests,
    seconds: rounded(result.seconds),
    opsPerSecond: Math.round(result.requests / result.seconds),
    latencyMs: {
      mean: rounded(latency.meanUsec() / 1000),
      p50: percentileMs(50),
      p90: percentileMs(90),
      p99: percentileMs(99),
      p999: percentileMs(99.9),
      max: rounded(latency.maxUsec / 1000),
    },
    errors: result.errors,
    ...(result.firstError === undefined ? {} : { firstError: result.firstError }),
  });
}

export function progressLine(name: string, state: LoadProgress): string {
  if (state.isWarmUp) return `${name}: warming up`;
  const percent = Math.floor(state.fraction * 100);
  const p50 = inMs(state.latency.percentileUsec(50));
  const p99 = inMs(state.latency.percentileUsec(99));
  return `${name}: ${percent} %  ${grouped(state.opsPerSecond)} op/s  p50 ${p50} ms  p99 ${p99} ms`;
}
