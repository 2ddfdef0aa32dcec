/**
 * A ring of whole nodes in one process, in virtual time: the code of `dhash node` on a SimWorld.
 *
 *   const scene = new RingScene({ seed: 7 });
 *   const [a, b, c] = await scene.form(3);           // nodes that are one ring, settled
 *   const client = await a.client();
 *   t.equal(await client.call('SET', 'k', 'v'), 'OK');
 *   await scene.sim.runFor(1000);                     // virtual ms; nothing happens otherwise
 *   b.host.crash('process');                          // kill -9; `b.start()` is a new process
 *   b.host.pause(); b.host.resume();                  // SIGSTOP, SIGCONT
 *   scene.sim.partition([a.host], [b.host, c.host]); scene.sim.heal();
 *   scene.sim.setConditions({ lossChance: 0.1, delayMaxMs: 20 });
 *   const d = await scene.join(a);                    // one more, not awaited until it is in:
 *   t.ok(await scene.settled([a, b, c, d]));
 *
 * Every node listens at `NAME:6379` and announces that; `node.links` is its RingLinks. Positions
 * are random unless `settings.position` says otherwise: `scene.add((s) => { s.position = 'm'; })`.
 * With `fills: true` (the default) every leader reports all changed ranges as filled at once, as if
 * there were nothing to copy; give `fills: false` where something really fills them.
 * A client's replies are plain: bulks are latin1 text, errors `-ERR ...` texts.
 */
import { Settings } from '../../lib/config/settings.js';
import { DhashNode } from '../../lib/node.js';
import { MemoryLog } from '../../lib/persistence/memory-log-store.js';
import type { RingMember } from '../../lib/ring/ring-member.js';
import { type Log, quietLog } from '../../lib/server/log.js';
import type { ProcessInfo } from '../../lib/server/process-info.js';
import { type Reply, ReplyError, ReplyParser } from '../../resp/reply-parser.js';
import { loadLuaModule } from '../../world/real/lua-module.js';
import { type SimHost, SimWorld } from '../../world/sim/sim-world.js';
import type { Link, LinkHandler } from '../../world/world.js';
import { encode, type Plain } from './local.js';

export const PORT = 6379;
const SECRET = 'the secret of the scene';
/** Virtual time within which a ring settles, however many nodes it has. */
const SETTLE_MAX_MS = 300_000;
const REPLY_MAX_MS = 60_000;
const CONNECT_MAX_MS = 10_000;

export interface RingSceneOptions {
  readonly seed: number;
  /** Leaders report changed ranges as filled at once. Default true. */
  readonly fills?: boolean;
  /** False: each node runs what it is sent itself, whoever owns the keys. Default true. */
  readonly routes?: boolean;
  /** Changes the settings of all nodes. */
  readonly settings?: (settings: Settings) => void;
  readonly log?: (name: string) => Log;
}

export class RingScene {
  readonly sim: SimWorld;
  readonly options: RingSceneOptions;
  readonly nodes: SceneNode[] = [];
  #clientCount = 0;

  constructor(options: RingSceneOptions) {
    this.options = options;
    this.sim = new SimWorld({ seed: options.seed });
  }

  /** A node that is not started; its first process starts with `start`. */
  add(change: (settings: Settings) => void = () => {}): SceneNode {
    const node = new SceneNode(this, `node-${this.nodes.length}`, change);
    this.nodes.push(node);
    return node;
  }

  /** So many nodes, started at once, all but the first asking the first; settled. */
  async form(count: number, change?: (settings: Settings) => void): Promise<SceneNode[]> {
    const first = this.add(change);
    await first.start();
    const others: SceneNode[] = [];
    for (let n = 1; n < count; n += 1) others.push(await this.join(first, change));
    const all = [first, ...others];
    if (!(await this.settled(all))) {
      throw new Error(`seed ${this.sim.seed}: the ring of ${count} did not form`);
    }
    return all;
  }

  /** One more node, started, that asks `contact`. */
  async join(
    contact: SceneNode,
    change: (settings: Settings) => void = () => {},
  ): Promise<SceneNode> {
    const node = this.add((settings) => {
      settings.join = [contact.address];
      change(settings);
    });
    await node.start();
    return node;
  }

  /** Runs until exactly these are the ring, and all of them know; false: it takes too long. */
  settled(nodes: readonly SceneNode[], limitMs = SETTLE_MAX_MS): Promise<boolean> {
    const wanted = () =>
      nodes
        .map(({ links }) => links.selfId)
        .sort()
        .join();
    return this.sim.runUntil(() => {
      const views = nodes.map(({ links }) => links.view);
      const [view] = views;
      if (view === undefined || view.next !== undefined) return false;
      if (views.some((other) => other?.epoch !== view.epoch)) return false;
      return (
        view.members
          .map(({ id }) => id)
          .sort()
          .join() === wanted()
      );
    }, limitMs);
  }

  /** A machine for a client. */
  clientHost(): SimHost {
    this.#clientCount += 1;
    return this.sim.host(`client-${this.#clientCount}`);
  }
}

export class SceneNode {
  readonly host: SimHost;
  readonly address: string;
  /** Of the process that runs, or ran last. */
  node!: DhashNode;
  /** What the ring has refused this node with. */
  readonly refusals: string[] = [];
  /** Lines that were logged as warnings and errors. */
  readonly warnings: string[] = [];
  readonly #scene: RingScene;
  readonly #change: (settings: Settings) => void;
  readonly #logStore = new MemoryLog();

  constructor(scene: RingScene, name: string, change: (settings: Settings) => void) {
    this.#scene = scene;
    this.#change = change;
    this.host = scene.sim.host(name);
    this.address = `${name}:${PORT}`;
  }

  get links(): RingMember {
    return this.node.server.ring!;
  }

  get id(): string {
    return this.links.selfId;
  }

  /** A process: the first, or a new one (the old one is killed). With `dir` it finds its folder. */
  async start(more: (settings: Settings) => void = () => {}): Promise<this> {
    const { sim, options } = this.#scene;
    if (this.node !== undefined) this.host.restart();
    this.#logStore.isOpen = false;
    const settings = new Settings();
    settings.bind = ['0.0.0.0'];
    settings.port = PORT;
    settings.announce = this.address;
    settings.clusterSecret = SECRET;
    settings.protectedMode = false;
    options.settings?.(settings);
    this.#change(settings);
    more(settings);
    this.node = new DhashNode(
      {
        world: this.host,
        log: this.#log(options.log?.(this.host.name) ?? quietLog),
        processInfo: processInfoOf(this.host),
        luaModule: loadLuaModule,
        openLogStore: () => this.#logStore.open(),
      },
      settings,
      undefined,
      { ringRefused: (text) => this.refusals.push(text) },
    );
    await sim.finish(this.node.start());
    if (options.routes === false) this.#runAllHere();
    if (options.fills !== false) this.#reportAllFilled();
    return this;
  }

  /** The machine loses power: of what is not synced nothing is left. `start` is a new process. */
  powerCut(): void {
    this.host.crash('power');
    this.#logStore.powerCut(() => false);
  }

  async client(from = this.#scene.clientHost()): Promise<SceneClient> {
    let client: SceneClient | undefined;
    const make = (link: Link): LinkHandler => {
      client = new SceneClient(this.#scene.sim, link);
      return client;
    };
    const address = { host: this.host.name, port: PORT };
    await this.#scene.sim.finish(from.network.connect(address, CONNECT_MAX_MS, make));
    return client!;
  }

  #runAllHere(): void {
    const { router } = this.node.server;
    router!.isLocal = () => true;
    router!.takes = () => false;
  }

  #reportAllFilled(): void {
    const ring = this.links;
    const report = (): void => {
      if (!ring.isReady) return;
      const led = ring.responsibility.changedRanges().flatMap(({ current, next }, index) => {
        const leader = [...current, ...next].find(({ id }) => ring.isAlive(id));
        return leader?.id === ring.selfId ? [index] : [];
      });
      if (led.length > 0) ring.reportFilled(led);
    };
    ring.listen({ view: report, liveness: report });
    report();
  }

  #log(log: Log): Log {
    return {
      ...log,
      warn: (details, message) => {
        this.warnings.push(message);
        log.warn(details, message);
      },
      error: (details, message) => {
        this.warnings.push(message);
        log.error(details, message);
      },
    };
  }
}

export class SceneClient implements LinkHandler {
  isClosed = false;
  readonly #sim: SimWorld;
  readonly #link: Link;
  readonly #parser = new ReplyParser();
  #replies: Plain[] = [];

  constructor(sim: SimWorld, link: Link) {
    this.#sim = sim;
    this.#link = link;
  }

  /** Sends a command and lets time pass until its reply is there. */
  async call(...parts: (string | number | Buffer)[]): Promise<Plain> {
    this.send(...parts);
    const isThere = () => this.#replies.length > 0 || this.isClosed;
    if (!(await this.#sim.runUntil(isThere, REPLY_MAX_MS))) return '(no reply)';
    return this.#replies.length > 0 ? this.#replies.shift()! : '(closed)';
  }

  /** Sends a command and lets no time pass; its reply is among those of `received`. */
  send(...parts: (string | number | Buffer)[]): void {
    this.#write(encode(parts));
  }

  /** Sends bytes that need not be a command. */
  sendRaw(text: string): void {
    this.#write(Buffer.from(text, 'latin1'));
  }

  /** Replies that have come and were not taken. */
  received(): Plain[] {
    const replies = this.#replies;
    this.#replies = [];
    return replies;
  }

  close(): void {
    this.#link.end();
  }

  /** Reads nothing, until `resume`. */
  pause(): void {
    this.#link.pause();
  }

  resume(): void {
    this.#link.resume();
  }

  #write(bytes: Buffer): void {
    this.#link.write(bytes, 0, bytes.length);
  }

  data(buf: Buffer, bytes: number): void {
    this.#parser.feed(buf.subarray(0, bytes));
    this.#replies.push(...this.#parser.all().map(plain));
  }

  drained(): void {}

  ended(): void {
    this.#link.end();
  }

  closed(): void {
    this.isClosed = true;
  }
}

export function plain(reply: Reply): Plain {
  if (Buffer.isBuffer(reply)) return reply.toString('latin1');
  if (reply instanceof ReplyError) return `-${reply.message}`;
  if (Array.isArray(reply)) return reply.map(plain);
  return reply;
}

function processInfoOf(host: SimHost): ProcessInfo {
  return {
    pid: 1,
    executable: '/usr/bin/dhash',
    configFile: '',
    os: 'Linux',
    nodeVersion: 'v20.0.0',
    archBits: 64,
    residentBytes: () => 1,
    heapBytes: () => 1,
    systemMemoryBytes: 1,
    cpuSeconds: () => ({ user: 0, system: 0 }),
    shutdown: () => host.crash('process'),
    config: undefined,
  };
}
