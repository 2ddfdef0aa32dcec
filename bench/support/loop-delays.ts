/** How late the event loop of a server was, as loop-probe.ts within it says. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ServerProcess } from '../../test/support/server-process.js';

export interface Delays {
  readonly turns: number;
  readonly overTen: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly busyMs: number;
}

/** The environment of a server that is watched. */
export const WATCHED = {
  NODE_OPTIONS: `--import ${new URL('./loop-probe.js', import.meta.url)}`,
};

/** What the loop was late since the last time. */
export async function takeDelays(server: ServerProcess): Promise<Delays> {
  const seen = printed(server).length;
  server.signal('SIGUSR2');
  while (printed(server).length === seen) await pause(1);
  return JSON.parse(printed(server).at(-1)!) as Delays;
}

function printed(server: ServerProcess): string[] {
  return [...server.output().matchAll(/^loop-probe (.*)$/gm)].map((match) => match[1]!);
}
