/** Servers that keep what they have in folders of one scratch folder. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServerProcess, startDhash, startRedis } from '../../test/support/server-process.js';
import type { BenchOptions } from '../support/harness.js';

const QUICK_DIVISOR = 20;

export interface Size {
  /** Of what is written or loaded. */
  readonly divisor: number;
  readonly rounds: number;
}

export function sizeOf(options: BenchOptions, rounds: number): Size {
  const isQuick = options.quick === true;
  return {
    divisor: isQuick ? QUICK_DIVISOR : 1,
    rounds: options.rounds ?? (isQuick ? 1 : rounds),
  };
}

/**
 * No log is written anew of its own accord, in neither server: whether that falls into a
 * measurement of seconds would be luck. What it costs has rows of its own.
 */
const NEVER_REWRITES = ['--auto-aof-rewrite-percentage', '0'];

export class Servers {
  readonly folder = mkdtempSync(join(tmpdir(), 'dhash-bench-'));
  readonly #started: ServerProcess[] = [];

  /** A node whose data is in the folder of that name. */
  async dhash(name: string, fsync: string, env: Record<string, string> = {}) {
    const dir = join(this.folder, name);
    const args = ['--dir', dir, '--fsync', fsync, ...NEVER_REWRITES];
    return this.#keep(await startDhash({ args, env }));
  }

  async redis(name: string, fsync: string) {
    const dir = join(this.folder, name);
    mkdirSync(dir, { recursive: true });
    const keeps = ['--appendonly', 'yes', '--appendfsync', fsync, '--dir', dir];
    return this.#keep(await startRedis({ args: [...keeps, ...NEVER_REWRITES] }));
  }

  /** Without a disk. */
  async memory(env: Record<string, string> = {}) {
    return this.#keep(await startDhash({ env }));
  }

  #keep(server: ServerProcess): ServerProcess {
    this.#started.push(server);
    return server;
  }

  /** Stops all of them, and removes what they have kept. */
  async end(): Promise<void> {
    for (const server of this.#started) await server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function withServers(work: (servers: Servers) => Promise<void>): Promise<void> {
  const servers = new Servers();
  try {
    await work(servers);
  } finally {
    await servers.end();
  }
}
