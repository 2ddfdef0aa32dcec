/** Clients of a ring under trouble, and what they may rely on once it is over. */
import { SimRandom } from '../../../world/sim/random.js';
import type { RingScene, SceneClient, SceneNode } from '../../support/ring-scene.js';
import type { Level } from './client-calls.js';
import { KeyHistory } from './key-history.js';
import { RingClient } from './ring-client.js';

const CLIENTS = 2;
const KEYS_PER_CLIENT = 3;
/** Virtual time in which a member answers, ms. */
const ANSWERS_MAX_MS = 30_000;

export class RingClients {
  readonly #scene: RingScene;
  readonly #clients: RingClient[] = [];
  readonly #histories: KeyHistory[] = [];

  /** They begin at once; they may connect to any node of `up`. */
  constructor(scene: RingScene, up: () => readonly SceneNode[]) {
    this.#scene = scene;
    const { sim } = scene;
    const random = new SimRandom(sim.seed, 'keys of clients');
    for (let n = 0; n < CLIENTS; n += 1) {
      const host = scene.clientHost();
      const nowMs = (): number => host.clock.monotonicMs();
      const own = Array.from({ length: KEYS_PER_CLIENT }, (_, at) => {
        const name = `c${n}k${at}`;
        // Anybody may own it.
        return new KeyHistory(
          name,
          Buffer.concat([Buffer.from([random.below(256)]), Buffer.from(name)]),
          nowMs,
        );
      });
      this.#histories.push(...own);
      const parts = { seed: sim.seed, host, own, all: this.#histories };
      const trace = (text: string): void => sim.trace(text);
      this.#clients.push(new RingClient({ ...parts, nodes: up, trace }));
    }
  }

  /** While they rest they send nothing new. */
  rest(isResting: boolean): void {
    for (const client of this.#clients) client.isResting = isResting;
  }

  /** Nobody waits for a reply. */
  get isIdle(): boolean {
    return this.#clients.every((client) => client.isIdle);
  }

  takeProblems(): string[] {
    return this.#clients.flatMap(({ problems }) => problems.splice(0));
  }

  /** After quiet: each node shows the same at each level, and what was acknowledged. */
  async readBack(nodes: readonly SceneNode[], levels: readonly Level[]): Promise<string[]> {
    const problems: string[] = [];
    const shown = this.#histories.map(() => new Set<unknown>());
    for (const node of nodes) {
      const client = await node.client();
      for (const level of levels) {
        const values = await this.#readAll(client, level);
        for (const [at, history] of this.#histories.entries()) {
          const value = at < values.length ? values[at] : '(no reply)';
          shown[at]!.add(value);
          const problem = history.read(value, history.safeNumber);
          if (problem !== undefined) problems.push(`${node.address} at '${level}': ${problem}`);
        }
      }
      client.close();
    }
    for (const [at, values] of shown.entries()) {
      const { name } = this.#histories[at]!;
      if (values.size > 1) problems.push(`${name} is ${[...values].join(' here, and there ')}`);
    }
    return problems;
  }

  async #readAll(client: SceneClient, level: string): Promise<unknown[]> {
    const replies: unknown[] = [];
    for (const { key } of this.#histories) client.send('AT', level, 'GET', key);
    const isWhole = (): boolean => {
      replies.push(...client.received());
      return replies.length === this.#histories.length;
    };
    await this.#scene.sim.runUntil(isWhole, ANSWERS_MAX_MS);
    return replies;
  }
}
