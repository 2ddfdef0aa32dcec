/**
 * The network of a simulation: who listens where, connections being made, and the open ones.
 *
 * A connection attempt is sent again, after 1, 2, 4, ... s, while one of the two paths is blocked
 * or the machine is down, until the caller's deadline (ETIMEDOUT). A machine that is up without a
 * listener refuses (ECONNREFUSED). A paused process accepts: its kernel does, and it hears of it
 * when it goes on. Names of hosts and their addresses both resolve; others are ENOTFOUND.
 */

import type { Address, Link, LinkHandler, Listener, Network } from '../world.js';
import { Conditions, type PathConditions } from './conditions.js';
import { networkError } from './errors.js';
import { type LinkNames, type ProbeAnswer, SimLink } from './link.js';
import type { Machine } from './machine.js';
import type { SimRandom } from './random.js';
import type { Owner, Scheduler } from './scheduler.js';
import { SimStream, type StreamOptions } from './stream.js';
import type { Trace } from './trace.js';

export interface SimNetworkOptions extends StreamOptions {
  /** First wait before a connection attempt is repeated; doubles each time. */
  readonly connectRetryMs: number;
}

export const NETWORK_DEFAULTS: SimNetworkOptions = {
  windowBytes: 256 * 1024,
  segmentBytesMax: 16 * 1024,
  splitChance: 0.1,
  resendMinMs: 200,
  resendMaxMs: 2000,
  cutAfterMs: 20_000,
  connectRetryMs: 1000,
};

const EPHEMERAL_PORT_MIN = 32_768;
const EPHEMERAL_PORT_MAX = 60_999;

type Accept = (link: Link) => LinkHandler;

interface SimListener {
  readonly machine: Machine;
  readonly owner: Owner;
  readonly accept: Accept;
  /** `host:port` as bound, or the path. */
  readonly host: string;
  readonly port: number;
  readonly path: string | undefined;
  isOpen: boolean;
}

interface Attempt {
  readonly machine: Machine;
  readonly owner: Owner;
  readonly address: Address;
  readonly target: Machine;
  readonly settle: (result: SimLink | Error) => void;
  isSettled: boolean;
}

export interface SimNetworkParts {
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly random: SimRandom;
  readonly machines: ReadonlyMap<string, Machine>;
}

interface Connection {
  readonly client: SimLink;
  readonly server: SimLink;
  readonly clientMachine: Machine;
  readonly serverMachine: Machine;
}

export class SimNetwork {
  readonly conditions = new Conditions();
  readonly #parts: SimNetworkParts;
  readonly #options: SimNetworkOptions;
  readonly #listeners = new Set<SimListener>();
  readonly #links = new Map<SimLink, Connection>();
  #nextPort = EPHEMERAL_PORT_MIN;

  constructor(parts: SimNetworkParts, options: Partial<SimNetworkOptions> = {}) {
    this.#parts = parts;
    this.#options = { ...NETWORK_DEFAULTS, ...options };
  }

  /** One way: nothing gets from `from` to `to` any more. */
  block(from: Machine, to: Machine): void {
    this.#change(from, to, { isBlocked: true });
  }

  unblock(from: Machine, to: Machine): void {
    this.#change(from, to, { isBlocked: false });
  }

  /** Every machine of one group loses every one of the other, both ways. */
  partition(group: readonly Machine[], others: readonly Machine[]): void {
    for (const one of group) {
      for (const other of others) {
        this.block(one, other);
        this.block(other, one);
      }
    }
  }

  heal(): void {
    this.#parts.trace.add('heal');
    this.conditions.setEverywhere({ isBlocked: false, isRefusing: false });
  }

  setConditions(change: Partial<PathConditions>, from?: Machine, to?: Machine): void {
    if (from === undefined || to === undefined) this.conditions.setEverywhere(change);
    else this.#change(from, to, change);
  }

  /** Resets every open connection between the two. */
  cut(one: Machine, other: Machine): void {
    this.#parts.trace.add(`cut ${one.name} ${other.name}`);
    for (const { client, server, clientMachine, serverMachine } of new Set(this.#links.values())) {
      const isBetween =
        (clientMachine === one && serverMachine === other) ||
        (clientMachine === other && serverMachine === one);
      if (!isBetween) continue;
      client.fail('ECONNRESET');
      server.fail('ECONNRESET');
    }
  }

  /** Open ends of connections, both sides counted. */
  get openLinkCount(): number {
    return this.#links.size;
  }

  processCrashed(machine: Machine): void {
    this.#dropListeners(machine);
    for (const link of this.#linksOf(machine)) link.processCrashed();
  }

  powerCut(machine: Machine): void {
    this.#dropListeners(machine);
    for (const link of this.#linksOf(machine)) link.powerCut();
  }

  /** What a process on `machine` sees. */
  facade(machine: Machine, owner: Owner): Network {
    return {
      listen: (address, accept) => this.#listen(machine, owner, address, accept),
      connect: (address, timeoutMs, handler) =>
        this.#connect(machine, owner, address, timeoutMs, handler),
    };
  }

  #change(from: Machine, to: Machine, change: Partial<PathConditions>): void {
    this.#parts.trace.add(`path ${from.name} ${to.name} ${JSON.stringify(change)}`);
    this.conditions.setPath(from, to, change);
  }

  #dropListeners(machine: Machine): void {
    for (const listener of this.#listeners) {
      if (listener.machine !== machine) continue;
      listener.isOpen = false;
      this.#listeners.delete(listener);
    }
  }

  #linksOf(machine: Machine): SimLink[] {
    const links: SimLink[] = [];
    for (const [link, connection] of this.#links) {
      const isHere =
        link === connection.client
          ? connection.clientMachine === machine
          : connection.serverMachine === machine;
      if (isHere) links.push(link);
    }
    return links;
  }

  // --- listening -------------------------------------------------------------------------------

  #listen(machine: Machine, owner: Owner, address: Address, accept: Accept): Promise<Listener> {
    return new Promise((resolve, reject) => {
      const { scheduler, trace } = this.#parts;
      scheduler.after(
        0,
        () => {
          const listener = this.#bind(machine, owner, address, accept);
          if (listener instanceof Error) return reject(listener);
          trace.add(`${machine.name} listens ${listener.path ?? printable(listener)}`);
          resolve({
            address: addressOf(listener),
            close: () => {
              listener.isOpen = false;
              this.#listeners.delete(listener);
              return Promise.resolve();
            },
          });
        },
        owner,
      );
    });
  }

  #bind(machine: Machine, owner: Owner, address: Address, accept: Accept): SimListener | Error {
    const base = { machine, owner, accept, isOpen: true };
    if ('path' in address) {
      const listener: SimListener = { ...base, host: '', port: 0, path: address.path };
      if (this.#findListener(machine, address) !== undefined) {
        return networkError('EADDRINUSE', 'listen', address.path);
      }
      this.#listeners.add(listener);
      return listener;
    }
    const host = ownHost(machine, address.host);
    if (host === undefined) {
      return networkError('EADDRNOTAVAIL', 'listen', printable(address));
    }
    const port = address.port === 0 ? this.#ephemeralPort() : address.port;
    for (const other of this.#listeners) {
      if (other.machine !== machine || other.path !== undefined || other.port !== port) continue;
      if (coversHost(other.host, host) || coversHost(host, other.host)) {
        return networkError('EADDRINUSE', 'listen', printable({ host, port }));
      }
    }
    const listener: SimListener = { ...base, host, port, path: undefined };
    this.#listeners.add(listener);
    return listener;
  }

  #findListener(machine: Machine, address: Address): SimListener | undefined {
    for (const listener of this.#listeners) {
      if (listener.machine !== machine) continue;
      if ('path' in address) {
        if (listener.path === address.path) return listener;
        continue;
      }
      if (listener.path !== undefined || listener.port !== address.port) continue;
      if (coversHost(listener.host, ownHost(machine, address.host) ?? '')) return listener;
    }
    return undefined;
  }

  #ephemeralPort(): number {
    const port = this.#nextPort;
    this.#nextPort = port === EPHEMERAL_PORT_MAX ? EPHEMERAL_PORT_MIN : port + 1;
    return port;
  }

  // --- connecting ------------------------------------------------------------------------------

  #connect(
    machine: Machine,
    owner: Owner,
    address: Address,
    timeoutMs: number,
    handler: Accept,
  ): Promise<Link> {
    const { scheduler, trace } = this.#parts;
    const where = 'path' in address ? address.path : printable(address);
    return new Promise((resolve, reject) => {
      const target = this.#resolve(machine, address);
      if (target === undefined) {
        const error = networkError('ENOTFOUND', 'getaddrinfo', where);
        scheduler.after(0, () => reject(error), owner);
        return;
      }
      const settle = (result: SimLink | Error): void => {
        if (attempt.isSettled) {
          if (result instanceof SimLink) result.destroy();
          return;
        }
        attempt.isSettled = true;
        deadline.run = undefined;
        if (result instanceof SimLink && !result.isKnown) {
          reject(networkError('ECONNRESET', 'connect', where));
        } else if (result instanceof SimLink) {
          trace.add(`${machine.name} connected ${where}`);
          result.attach(handler(result));
          resolve(result);
        } else {
          trace.add(`${machine.name} not connected: ${result.message}`);
          reject(result);
        }
      };
      const attempt: Attempt = { machine, owner, address, target, settle, isSettled: false };
      const deadline = scheduler.after(
        timeoutMs,
        () => settle(networkError('ETIMEDOUT', 'connect', where)),
        owner,
      );
      this.#try(attempt, this.#options.connectRetryMs);
    });
  }

  #resolve(machine: Machine, address: Address): Machine | undefined {
    if ('path' in address || isLoopback(address.host)) return machine;
    for (const candidate of this.#parts.machines.values()) {
      if (candidate.name === address.host || candidate.ip === address.host) return candidate;
    }
    return undefined;
  }

  #try(attempt: Attempt, retryAfterMs: number): void {
    const { scheduler, random } = this.#parts;
    const { machine, target } = attempt;
    const retry = (): void => {
      const again = (): void => {
        if (!attempt.isSettled) this.#try(attempt, 2 * retryAfterMs);
      };
      scheduler.after(retryAfterMs, again, attempt.owner);
    };
    if (random.chance(this.conditions.of(machine, target).lossChance)) return retry();
    scheduler.after(this.conditions.delayMs(machine, target, random), () => {
      if (!this.#reach(attempt)) retry();
    });
  }

  /** The attempt arrives at the target. False: no answer gets back. */
  #reach(attempt: Attempt): boolean {
    const { scheduler, random } = this.#parts;
    const { machine, target, owner } = attempt;
    const there = this.conditions.of(machine, target);
    const isOpen = target.isUp && !there.isBlocked;
    if (!isOpen || this.conditions.of(target, machine).isBlocked) return false;
    const answer = (result: SimLink | Error): void => {
      const delayMs = this.conditions.delayMs(target, machine, random);
      scheduler.after(delayMs, () => attempt.settle(result), owner);
    };
    const listener = this.#findListener(target, attempt.address);
    if (listener === undefined || there.isRefusing) {
      const { address } = attempt;
      const isNoFile = 'path' in address;
      const where = isNoFile ? address.path : printable(address);
      answer(networkError(isNoFile ? 'ENOENT' : 'ECONNREFUSED', 'connect', where));
    } else answer(this.#establish(attempt, listener));
    return true;
  }

  #establish(attempt: Attempt, listener: SimListener): SimLink {
    const { scheduler, trace } = this.#parts;
    const { machine, target, address } = attempt;
    const names = linkNames(machine, target, address, this.#ephemeralPort());
    const client = this.#makeLink(machine, attempt.owner, target, names.client, () => server);
    const server = this.#makeLink(target, listener.owner, machine, names.server, () => client);
    client.outgoing = this.#makeStream(machine, target, client, server);
    server.outgoing = this.#makeStream(target, machine, server, client);
    client.incoming = server.outgoing;
    server.incoming = client.outgoing;
    const connection: Connection = {
      client,
      server,
      clientMachine: machine,
      serverMachine: target,
    };
    this.#links.set(client, connection);
    this.#links.set(server, connection);
    const accept = (): void => {
      if (!server.isKnown) return;
      if (!listener.isOpen) return server.destroy();
      trace.add(`${target.name} accepts ${server.remote}`);
      server.attach(listener.accept(server));
    };
    scheduler.after(0, accept, listener.owner);
    return client;
  }

  #makeLink(
    machine: Machine,
    owner: Owner,
    peer: Machine,
    names: LinkNames,
    other: () => SimLink,
  ): SimLink {
    const { scheduler, trace, random } = this.#parts;
    const boot = peer.boot;
    const sendReset = (): void => {
      scheduler.after(this.conditions.delayMs(machine, peer, random), () => {
        const isThere = peer.isUp && peer.boot === boot;
        if (isThere && !this.conditions.of(machine, peer).isBlocked) other().fail('ECONNRESET');
      });
    };
    const onGone = (link: SimLink): void => {
      this.#links.delete(link);
    };
    const probe = (): ProbeAnswer => {
      const isCut =
        this.conditions.of(machine, peer).isBlocked || this.conditions.of(peer, machine).isBlocked;
      if (isCut || !peer.isUp) return 'silence';
      return other().isKnown && peer.boot === boot ? 'alive' : 'unknown';
    };
    return new SimLink({ scheduler, trace, machine, owner, sendReset, probe, onGone }, names);
  }

  #makeStream(from: Machine, to: Machine, sender: SimLink, receiver: SimLink): SimStream {
    const { scheduler, random } = this.#parts;
    const parts = { scheduler, random, conditions: this.conditions, from, to };
    const { trace } = this.#parts;
    return new SimStream(parts, this.#options, {
      onDrained: () => sender.drained(),
      onCut: () => {
        trace.add(`${from.name} gives up ${sender.remote}`);
        sender.outgoing.stop();
        sender.fail('ETIMEDOUT');
      },
      onInbox: () => receiver.schedulePump(),
      isKnown: () => receiver.isKnown,
      onUnknown: () => {
        const back = this.conditions.delayMs(to, from, random);
        scheduler.after(back, () => sender.fail('ECONNRESET'));
        sender.outgoing.stop();
      },
    });
  }
}

function addressOf({ host, port, path }: SimListener): Address {
  return path === undefined ? { host, port } : { path };
}

/** The form under which a machine listens on one of its own addresses, if it is one. */
function ownHost(machine: Machine, host: string): string | undefined {
  if (host === 'localhost' || host === '127.0.0.1') return '127.0.0.1';
  if (host === '::1' || host === '::' || host === '0.0.0.0') return host;
  return host === machine.name || host === machine.ip ? machine.ip : undefined;
}

function coversHost(listening: string, host: string): boolean {
  if (listening === host) return true;
  return listening === '::' ? host.includes(':') : listening === '0.0.0.0' && !host.includes(':');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '127.0.0.1' || host === '::1';
}

function linkNames(
  client: Machine,
  server: Machine,
  address: Address,
  clientPort: number,
): { client: LinkNames; server: LinkNames } {
  if ('path' in address) {
    const both = {
      remote: `${address.path}:0`,
      local: `${address.path}:0`,
      remoteHost: '',
      isUnix: true,
    };
    return { client: both, server: both };
  }
  const isLocal = isLoopback(address.host);
  const loopback = address.host === '::1' ? '::1' : '127.0.0.1';
  const clientHost = isLocal ? loopback : client.ip;
  const serverHost = isLocal ? loopback : server.ip;
  const clientName = printable({ host: clientHost, port: clientPort });
  const serverName = printable({ host: serverHost, port: address.port });
  return {
    client: { remote: serverName, local: clientName, remoteHost: serverHost, isUnix: false },
    server: { remote: clientName, local: serverName, remoteHost: clientHost, isUnix: false },
  };
}

function printable(address: { readonly host: string; readonly port: number }): string {
  const { host, port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
