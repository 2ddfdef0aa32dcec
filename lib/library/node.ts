/**
 * Node: a node of a ring within another program.
 *
 *   stopped --start, join--> starting --> started --stop, leave--> stopping --> stopped
 *
 * The same as `dhash node`, without its process: what it logs goes where it is told, and a SHUTDOWN
 * by a client ends the node only. Several may run in one process.
 */
import { readTextFile } from '../../world/real/text-file.js';
import type { Address } from '../../world/world.js';
import type { RingInfo } from '../client/ring-view.js';
import { Events, type Unsubscribe } from '../events.js';
import type { LoopEvent } from '../loops/reports.js';
import type { DhashNode } from '../node.js';
import type { SaidEvent } from '../ring/peer-links.js';
import type { RingMember } from '../ring/ring-member.js';
import { type Log, quietLog } from '../server/log.js';
import { type NodeOptions, settingsOf } from './node-options.js';
import { createRealNode } from './real-node.js';

/** How long `start` and `join` ask to be taken in, ms. */
const JOIN_TIMEOUT_MS = 60_000;

export interface NodeEventMap {
  /** Another view of the ring; also once when the node enters it. */
  ring: RingInfo;
  /** What the loops did; `from` and `to` are ids of members. */
  sync: LoopEvent;
  fill: LoopEvent;
  clean: LoopEvent;
  migrate: LoopEvent;
  collect: LoopEvent;
  /** This node says something to another member. */
  comm: SaidEvent;
  /** It no longer serves. `why`: empty if this program has asked for it. */
  stopped: { readonly why: string };
}

export type NodeErrorCode =
  /** Not in this state: started twice, joined while in a ring with others, ... */
  | 'NODE_STATE'
  /** The ring does not take it; the message says why. */
  | 'NODE_REFUSED'
  /** Nobody that it was told to ask has taken it in. */
  | 'NODE_TIMEOUT';

export class NodeError extends Error {
  readonly code: NodeErrorCode;

  constructor(code: NodeErrorCode, message: string) {
    super(message);
    this.name = 'NodeError';
    this.code = code;
  }
}

export interface JoinOptions {
  /** In which the ring must have begun to take the node in; default 60,000 ms. */
  readonly timeoutMs?: number;
}

type State = 'stopped' | 'starting' | 'started' | 'stopping';

export class Node {
  readonly #options: NodeOptions;
  readonly #log: Log;
  readonly #events = new Events<NodeEventMap>();
  #state: State = 'stopped';
  #node: DhashNode | undefined;
  #stopping: Promise<void> | undefined;
  /** Ends a wait for the ring. */
  #giveUp: ((error: NodeError) => void) | undefined;

  /** Throws a NodeOptionsError. `log`: default none. */
  constructor(options: NodeOptions = {}, { log = quietLog }: { readonly log?: Log } = {}) {
    this.#options = { ...options };
    this.#log = log;
    settingsOf(this.#options, readTextFile);
  }

  /** Where it listens; empty unless it runs. */
  get addresses(): readonly Address[] {
    return this.#node?.addresses ?? [];
  }

  /** The ring as this node knows it; undefined while it is in none. */
  get ring(): RingInfo | undefined {
    const ring = this.#node?.server.ring;
    return ring?.isReady === true ? infoOf(ring) : undefined;
  }

  on<Name extends keyof NodeEventMap>(
    name: Name,
    listener: (event: NodeEventMap[Name]) => void,
  ): Unsubscribe {
    const stop = this.#events.on(name, listener);
    if (name === 'comm') this.#hearSaid();
    return stop;
  }

  /**
   * Serves; with `join` among its options, resolves once it is in the ring. Rejects with a
   * NodeError, with RING_START (settings that make no member), Node's codes (EADDRINUSE, ...), or
   * those of the folder; nothing is left open then.
   */
  async start(options: JoinOptions = {}): Promise<void> {
    this.#demand('stopped', 'start');
    await this.#start(this.#options, options);
  }

  /**
   * Enters the ring that some members belong to, HOST:PORT each. A node that runs alone starts
   * anew for it: its clients are disconnected. Only an empty one that keeps nothing can. Rejects as
   * `start` does.
   */
  async join(members: string | readonly string[], options: JoinOptions = {}): Promise<void> {
    if (this.#state === 'started') await this.#leaveOwnRing();
    this.#demand('stopped', 'join');
    await this.#start({ ...this.#options, join: members }, options);
  }

  /** Hands over what it holds, leaves the ring, and stops. Alone: stops. Takes as long as it takes. */
  async leave(): Promise<void> {
    this.#demand('started', 'leave');
    const node = this.#node!;
    if (!(await node.leave())) await node.othersHandedOver();
    await this.#stop('', (node) => node.stop());
  }

  /**
   * Stops as SIGTERM stops a process: without `dir` it leaves first, for up to `leaveTimeoutMs`.
   * One that has stopped stays so.
   */
  async stop(): Promise<void> {
    await this.#stop('', (node) => node.shutdown());
  }

  // --- starting --------------------------------------------------------------------------------

  async #start(given: NodeOptions, { timeoutMs = JOIN_TIMEOUT_MS }: JoinOptions): Promise<void> {
    const settings = settingsOf(given, readTextFile);
    const parts = { log: this.#log, settings, configFile: '' };
    const node = createRealNode(parts, {
      ringRefused: (text) => this.#refused(text),
      shutdown: () => void this.stop(),
    });
    this.#state = 'starting';
    this.#node = node;
    // Before the start: whoever is refused at once is told so, too.
    const refused = new Promise<never>((_resolve, reject) => {
      this.#giveUp = reject;
    });
    refused.catch(() => {});
    try {
      await node.start();
      this.#attach(node);
      await Promise.race([refused, this.#entered(node, timeoutMs)]);
      this.#state = 'started';
    } catch (error) {
      this.#giveUp = undefined;
      await this.#stop('', () => node.stop());
      throw error;
    }
    this.#giveUp = undefined;
  }

  /** Resolves once the node is a member. */
  #entered(node: DhashNode, timeoutMs: number): Promise<void> {
    const ring = node.server.ring!;
    if (ring.isReady) return Promise.resolve();
    return new Promise((resolve) => {
      const late = (): void => {
        const why = ring.lastJoinError === '' ? 'nobody answers' : ring.lastJoinError;
        const asked = ring.options.contacts.join(', ');
        const text = `not taken in by ${asked} within ${timeoutMs} ms: ${why}`;
        this.#giveUp?.(new NodeError('NODE_TIMEOUT', text));
      };
      // The node listens meanwhile: that keeps the process alive.
      const timer = node.store.world.timers.after(timeoutMs, late, true);
      ring.listen({
        view: () => {
          if (!ring.isReady) return;
          timer.cancel();
          if (ring.selfIndex >= 0) resolve();
        },
      });
    });
  }

  #attach(node: DhashNode): void {
    const { loops, ring } = node.server;
    const tell = (): void => {
      if (node === this.#node && ring!.isReady) this.#events.emit('ring', infoOf(ring!));
    };
    tell();
    ring!.listen({ view: tell });
    loops!.reports.listen((event) => this.#events.emit(event.loop, event));
    this.#hearSaid();
  }

  #hearSaid(): void {
    if (!this.#events.has('comm')) return;
    this.#node?.server.ring?.hearSaid((event) => this.#events.emit('comm', event));
  }

  #refused(text: string): void {
    const error = new NodeError('NODE_REFUSED', `the ring refuses this node: ${text}`);
    if (this.#state === 'starting') this.#giveUp?.(error);
    else void this.#stop(error.message, (node) => node.stop());
  }

  // --- stopping --------------------------------------------------------------------------------

  async #leaveOwnRing(): Promise<void> {
    const node = this.#node!;
    if (node.server.ring?.isAlone !== true) {
      throw new NodeError('NODE_STATE', 'join: it is in a ring with others: leave() comes first');
    }
    const isEmpty = node.store.databases.every(({ tree }) => tree.allCount === 0);
    if (!isEmpty || node.server.persistence !== undefined) {
      const text = 'join: only an empty node without dir joins a ring; it has entries or a folder';
      throw new NodeError('NODE_STATE', text);
    }
    await this.#stop('', () => node.stop());
  }

  #stop(why: string, end: (node: DhashNode) => Promise<void>): Promise<void> {
    const node = this.#node;
    if (this.#stopping !== undefined || node === undefined) {
      return this.#stopping ?? Promise.resolve();
    }
    this.#giveUp?.(new NodeError('NODE_STATE', 'it was stopped before it was in the ring'));
    this.#state = 'stopping';
    this.#stopping = end(node).finally(() => {
      this.#stopping = undefined;
      this.#node = undefined;
      this.#state = 'stopped';
      this.#events.emit('stopped', { why });
    });
    return this.#stopping;
  }

  #demand(state: State, what: string): void {
    if (this.#state === state) return;
    throw new NodeError('NODE_STATE', `${what}: the node is ${this.#state}, not ${state}`);
  }
}

function infoOf(ring: RingMember): RingInfo {
  const { clusterId, epoch, members, next, replicas } = ring.responsibility.view;
  return {
    clusterId,
    epoch,
    replicas,
    change: next?.change.kind ?? 'none',
    members: members.map(({ id, address, position }) => ({ id, address, position })),
  };
}
