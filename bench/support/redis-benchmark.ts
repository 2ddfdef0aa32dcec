/**
 * Runs redis-benchmark against a server and reads what it found; fills servers with data; and
 * looks at a process from outside: its resident memory and CPU time.
 */

import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { encodeCommand } from '../../test/support/resp-client.js';
import type { ServerProcess } from '../../test/support/server-process.js';

export interface LoadFigures {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Commands per second of the server's CPU time. */
  readonly perCpuSecond: number;
}

export interface LoadOptions {
  readonly count: number;
  readonly pipeline?: number;
  /** Default 1,000,000. */
  readonly keySpace?: number;
  /** Default 50. */
  readonly connections?: number;
  /** Default 64. */
  readonly valueBytes?: number;
  /** `get` or `set`, or a command of one's own with __rand_int__ in it. */
  readonly command: readonly string[];
}

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const KEY_SPACE = 1_000_000;
const VALUE_BYTES = 64;
const BATCH_COMMANDS = 1000;
const run = promisify(execFile);

export async function redisBenchmark(
  server: ServerProcess,
  options: LoadOptions,
): Promise<LoadFigures> {
  const [name] = options.command;
  const isBuiltIn = options.command.length === 1 && (name === 'get' || name === 'set');
  const args = [
    '-h',
    server.host,
    '-p',
    `${server.port}`,
    '-d',
    `${options.valueBytes ?? VALUE_BYTES}`,
  ];
  args.push(
    '-c',
    `${options.connections ?? 50}`,
    '-r',
    `${options.keySpace ?? KEY_SPACE}`,
    '-n',
    `${options.count}`,
  );
  args.push('-P', `${options.pipeline ?? 1}`);
  args.push(...(isBuiltIn ? ['-t', `${name}`] : options.command));
  const cpuBefore = cpuSeconds(server.pid);
  const { stdout } = await run('redis-benchmark', args, { maxBuffer: OUTPUT_BYTES_MAX });
  const cpu = cpuSeconds(server.pid) - cpuBefore;
  const perSecond = Number(/throughput summary: ([\d.]+) requests/.exec(stdout)?.[1]);
  if (!Number.isFinite(perSecond)) throw new Error(`redis-benchmark said: ${stdout.slice(-500)}`);
  return {
    perSecond,
    p99Ms: percentileMs(stdout, 99),
    p999Ms: percentileMs(stdout, 99.9),
    perCpuSecond: options.count / cpu,
  };
}

/** From lines like `99.902% <= 1.735 milliseconds (cumulative count 99906)`. */
function percentileMs(output: string, percentile: number): number {
  for (const match of output.matchAll(/([\d.]+)% <= ([\d.]+) milliseconds \(cumulative/g)) {
    if (Number(match[1]) >= percentile) return Number(match[2]);
  }
  return Number.NaN;
}

/** As redis-benchmark writes the names of its keys. */
export function keyName(index: number): string {
  return `key:${String(index).padStart(12, '0')}`;
}

/** Sends commands in pipelines, each answered by one line, and waits for all answers. */
export async function fill(
  server: ServerProcess,
  count: number,
  command: (index: number) => string[],
): Promise<void> {
  const client = await server.connect();
  for (let from = 0; from < count; from += BATCH_COMMANDS) {
    const parts: Buffer[] = [];
    for (let i = from; i < Math.min(from + BATCH_COMMANDS, count); i++) {
      parts.push(encodeCommand(command(i)));
    }
    client.sendRaw(Buffer.concat(parts));
    for (const _ of parts) {
      const reply = await client.read();
      if (reply.mark === '-') throw new Error(`${command(from)[0]}: ${reply.bytes}`);
    }
  }
  await client.close();
}

export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** User and system time of all threads. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold spaces; the 12th and 13th field after it are the times.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticksPerSecond = 100;
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** The node executable of a major version: this one, NODE20 or NODE24, or one that npx fetches. */
export function nodeOf(major: 20 | 24): string | null {
  if (process.version.startsWith(`v${major}.`)) return process.execPath;
  const given = process.env[`NODE${major}`];
  if (given !== undefined) return given;
  try {
    const args = ['--yes', '-p', `node@${major}`, 'node', '-p', 'process.execPath'];
    const stdio: ('ignore' | 'pipe')[] = ['ignore', 'pipe', 'ignore'];
    return execFileSync('npx', args, { encoding: 'utf8', stdio }).trim();
  } catch {
    return null;
  }
}
