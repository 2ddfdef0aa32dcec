/**
 * Steady load of ordinary clients: each sends a command, waits for its reply and pauses a little, so
 * that latencies are those of the servers and not of a queue here.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { NoReply, type RespClient } from '../../test/support/resp-client.js';
import type { ServerProcess } from '../../test/support/server-process.js';

export interface LoadOptions {
  readonly clients: number;
  readonly pauseMs: number;
  /** The n-th command of all. */
  readonly command: (n: number) => string[];
}

export class ClientLoad {
  readonly #options: LoadOptions;
  readonly #loops: Promise<void>[] = [];
  #latencies: number[] = [];
  #isStopped = false;
  #count = 0;
  /** Replies that were errors, and connections that broke: the text of each. */
  readonly errors: string[] = [];

  constructor(nodes: readonly ServerProcess[], options: LoadOptions) {
    this.#options = options;
    for (let n = 0; n < options.clients; n += 1) {
      this.#loops.push(this.#run(nodes[n % nodes.length]!));
    }
  }

  /** Latencies since the last call, ms, sorted. */
  take(): number[] {
    const taken = this.#latencies.sort((a, b) => a - b);
    this.#latencies = [];
    return taken;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }

  async #run(node: ServerProcess): Promise<void> {
    let client: RespClient | undefined;
    while (!this.#isStopped) {
      try {
        client ??= await node.connect();
        const sentMs = performance.now();
        const reply = await client.call(...this.#options.command(this.#count++));
        this.#latencies.push(performance.now() - sentMs);
        if (reply.mark === '-') this.errors.push(String(reply.bytes));
      } catch (error) {
        this.errors.push(error instanceof NoReply ? error.message : String(error));
        client = undefined;
      }
      await pause(this.#options.pauseMs);
    }
    await client?.close();
  }
}

export function percentile(sorted: readonly number[], percent: number): number {
  const at = Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100));
  return sorted[at] ?? Number.NaN;
}
