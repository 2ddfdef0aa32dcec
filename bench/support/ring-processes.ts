/**
 * Rings of real processes on 127.0.0.1, for benchmarks: started one after the other, looked at by
 * DHASH STATUS and INFO, and killed by their own handles at the end (an orderly stop would hand over
 * everything first).
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Plain } from '../../test/support/reply.js';
import type { RespClient } from '../../test/support/resp-client.js';
import {
  type ServerProcess,
  type StartOptions,
  startDhash,
} from '../../test/support/server-process.js';
import { until } from '../../test/support/until.js';
import { cpuSeconds, residentBytes } from './redis-benchmark.js';

const SETTLE_MAX_MS = 120_000;

export interface MemberStatus {
  readonly id: string;
  readonly address: string;
  readonly position: string;
  readonly status: string;
  readonly ownedEntries: number;
  readonly heldEntries: number;
}

export interface RingStatus {
  readonly epoch: number;
  readonly change: string;
  readonly members: readonly MemberStatus[];
}

export class BenchRing {
  nodes: ServerProcess[] = [];
  readonly #clients = new Map<ServerProcess, RespClient>();
  readonly #args: readonly string[];

  /** `args` are for every node. */
  constructor(args: readonly string[]) {
    this.#args = [...args, '--log-level', 'warn'];
  }

  /** One more node; resolves once it is a member, and the ring has settled. */
  async add(args: readonly string[] = [], options: StartOptions = {}): Promise<ServerProcess> {
    const node = await this.start(args, options);
    await this.settled();
    return node;
  }

  /** One more node, which joins if it is not the first; not awaited until it is in. */
  async start(args: readonly string[] = [], options: StartOptions = {}): Promise<ServerProcess> {
    const [first] = this.nodes;
    const join = first === undefined ? [] : ['--join', addressOf(first)];
    const node = await startDhash({ ...options, args: [...this.#args, ...join, ...args] });
    this.nodes.push(node);
    return node;
  }

  /** Until all nodes are members, up, and nothing is changing. */
  async settled(limitMs = SETTLE_MAX_MS): Promise<void> {
    const wanted = this.nodes.map(addressOf).sort().join();
    await until(
      `a ring of ${this.nodes.length}`,
      async () => {
        for (const node of this.nodes) {
          const { change, members } = await this.status(node);
          if (change !== 'none' || members.some(({ status }) => status !== 'up')) return false;
          if (
            members
              .map(({ address }) => address)
              .sort()
              .join() !== wanted
          )
            return false;
        }
        return true;
      },
      limitMs,
    );
  }

  /** Until no member has moved for so long. */
  async quiet(quietMs: number, limitMs = SETTLE_MAX_MS): Promise<void> {
    let epoch = -1;
    let sinceMs = performance.now();
    const isQuiet = async (): Promise<boolean> => {
      const status = await this.status();
      if (status.epoch !== epoch || status.change !== 'none') {
        epoch = status.epoch;
        sinceMs = performance.now();
      }
      await pause(100);
      return performance.now() - sinceMs > quietMs;
    };
    await until('a ring at rest', isQuiet, limitMs);
  }

  /** As the node says; before it is a member there are none. */
  async status(node = this.nodes[0]!): Promise<RingStatus> {
    const reply = await (await this.client(node)).callPlain('DHASH', 'STATUS');
    if (!Array.isArray(reply)) return { epoch: 0, change: 'joining', members: [] };
    const fields = fieldsOf(reply);
    return {
      epoch: Number(fields.get('epoch')),
      change: String(fields.get('change')),
      members: (fields.get('members') as Plain[]).map((member) => memberOf(member as Plain[])),
    };
  }

  /** Address of the owner of a key, as the node says. */
  async ownerOf(key: string, node: ServerProcess): Promise<string> {
    const reply = await (await this.client(node)).callPlain('DHASH', 'OWNERS', key);
    return Array.isArray(reply) ? String((reply[0] as Plain[])[0]) : `nobody, but ${reply}`;
  }

  /** How far from the node a command would run. */
  async hopsOf(command: readonly string[], node: ServerProcess): Promise<number> {
    const reply = await (await this.client(node)).callPlain('DHASH', 'EXPLAIN', ...command);
    return Array.isArray(reply) ? Number(fieldsOf(reply).get('hops')) : Number.NaN;
  }

  /** A field of INFO. */
  async info(node: ServerProcess, section: string, name: string): Promise<string> {
    const text = String(await (await this.client(node)).callPlain('INFO', section));
    return new RegExp(`^${name}:(.*)\r$`, 'm').exec(text)?.[1] ?? '';
  }

  /** Sum over all nodes of what their loops have brought or taken: entries or bytes. */
  async moved(what: 'entries' | 'bytes', loops: readonly string[]): Promise<number> {
    let sum = 0;
    for (const node of this.nodes) {
      for (const loop of loops) {
        const line = await this.info(node, 'loops', `loop_${loop}`);
        sum += Number(new RegExp(`\\b${what}=(\\d+)`).exec(line)?.[1] ?? 0);
      }
    }
    return sum;
  }

  async client(node = this.nodes[0]!): Promise<RespClient> {
    const known = this.#clients.get(node);
    if (known !== undefined && !known.closed) return known;
    const made = await node.connect();
    this.#clients.set(node, made);
    return made;
  }

  get cpuSeconds(): number {
    return sum(this.nodes.map(({ pid }) => cpuSeconds(pid)));
  }

  get residentBytes(): number {
    return sum(this.nodes.map(({ pid }) => residentBytes(pid)));
  }

  async kill(node: ServerProcess): Promise<void> {
    this.nodes = this.nodes.filter((other) => other !== node);
    await this.#clients.get(node)?.close();
    this.#clients.delete(node);
    node.signal('SIGKILL');
    await node.exited;
  }

  async stop(): Promise<void> {
    for (const node of [...this.nodes]) await this.kill(node);
  }
}

export async function withRing<T>(
  args: readonly string[],
  work: (ring: BenchRing) => Promise<T>,
): Promise<T> {
  const ring = new BenchRing(args);
  try {
    return await work(ring);
  } finally {
    await ring.stop();
  }
}

export function addressOf({ host, port }: ServerProcess): string {
  return `${host}:${port}`;
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function memberOf(reply: Plain[]): MemberStatus {
  const fields = fieldsOf(reply);
  return {
    id: String(fields.get('id')),
    address: String(fields.get('address')),
    position: String(fields.get('position')),
    status: String(fields.get('status')),
    ownedEntries: Number(fields.get('owned-entries') ?? 0),
    heldEntries: Number(fields.get('held-entries') ?? 0),
  };
}

function fieldsOf(reply: readonly Plain[]): Map<string, Plain> {
  const fields = new Map<string, Plain>();
  for (let i = 0; i + 1 < reply.length; i += 2) fields.set(String(reply[i]), reply[i + 1]!);
  return fields;
}
