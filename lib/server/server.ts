/**
 * The server: listens, keeps the sessions, looks after time and memory, and holds what is counted.
 * Commands reach everything through it.
 */

import type { Args } from '../../resp/args.js';
import { ChunkPool } from '../../resp/chunk-pool.js';
import type { Address, Link, LinkHandler, Listener, Timer, World } from '../../world/world.js';
import type { Command, CommandRow } from '../commands/command.js';
import type { Settings } from '../config/settings.js';
import type { Loops } from '../loops/loops.js';
import type { Persistence } from '../persistence/persistence.js';
import { LEVEL_NAMES } from '../replication/levels.js';
import type { Replication } from '../replication/replication.js';
import type { RingMember } from '../ring/ring-member.js';
import type { Router } from '../routing/router.js';
import { Scripts } from '../scripting/scripts.js';
import type { LuaModule } from '../scripting/web-assembly.js';
import type { Store } from '../store/store.js';
import { AclLog } from './acl-log.js';
import { Alone } from './alone.js';
import { BackgroundWork } from './background.js';
import { Blocking } from './blocking.js';
import { CommitGate } from './commit-gate.js';
import { Connection } from './connection.js';
import { Dispatcher } from './dispatcher.js';
import { FlushQueue } from './flush-queue.js';
import {
  SERVER_DISK_FAILED,
  SERVER_ELEMENTS_DUE,
  SERVER_EXACT_TIMES,
  SERVER_JOINING,
  SERVER_KEYS_READY,
  SERVER_LOADING,
  SERVER_MEMBERS_MISSING,
  SERVER_MEMORY_LIMIT,
  SERVER_MONITORED,
  SERVER_PAUSED,
  SERVER_RING,
  SERVER_STOOD_STILL,
} from './gates.js';
import { LatencyMonitor } from './latency-monitor.js';
import type { Log } from './log.js';
import { LoopBudget } from './loop-budget.js';
import { monitorLine } from './monitor.js';
import { OpsSampler } from './ops-sampler.js';
import { isOverOutputLimit } from './output-limit.js';
import { type ClientActivity, Pace } from './pace.js';
import type { ProcessInfo } from './process-info.js';
import { isLoopback, PROTECTED_MODE_ERROR } from './protected-mode.js';
import { PubSub } from './pubsub.js';
import { ScanPlaces } from './scan-places.js';
import { GATE_PEERS_ONLY, type Session } from './session.js';
import { Slowlog } from './slowlog.js';
import { Standstill } from './standstill.js';
import { TaskQueue } from './tasks.js';
import { TrackingTable } from './tracking.js';

/** How often the server looks after expiry, idle clients and memory, ms. */
const CRON_MS = 100;
/** A client that is being closed has so long to read its last replies, ms. */
const CLOSING_MAX_MS = 10_000;
/** Kinds of errors counted by name; beyond that they are counted as one. */
const ERROR_KINDS_MAX = 128;
/** A command that takes less than this is found by timing its turn as a whole, us. */
const TURN_TIME_USEC = 1000;

/** What the system says of an address that the machine does not have. */
const ABSENT_ADDRESS_CODES = ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENOTFOUND'];

export interface WantedAddress {
  readonly address: Address;
  /** It is no error if the machine lacks it. */
  readonly isOptional: boolean;
}

export class Server {
  readonly store: Store;
  readonly settings: Settings;
  readonly log: Log;
  readonly processInfo: ProcessInfo;
  readonly dispatcher: Dispatcher;
  readonly tasks: TaskQueue;
  /** Tasks of members that transfer entries: they yield to clients. */
  readonly transfers: TaskQueue;
  /** Of all that nobody waits for. */
  readonly pace: Pace;
  readonly clients: ClientActivity = { servedMs: Number.NEGATIVE_INFINITY };
  readonly alone: Alone;
  readonly scripts: Scripts;
  readonly blocking: Blocking;
  readonly pubsub = new PubSub();
  readonly tracking = new TrackingTable(this);
  readonly sessions = new Map<number, Session>();
  /** Buffers of replies. */
  readonly pool = new ChunkPool();
  readonly flushes: FlushQueue;
  readonly budget: LoopBudget;
  readonly monitors = new Set<Session>();
  readonly slowlog = new Slowlog();
  readonly aclLog = new AclLog();
  readonly latency = new LatencyMonitor();
  readonly scanPlaces: ScanPlaces;
  readonly ops = new OpsSampler();
  /** Random hex, new with each start. */
  readonly runId: string;
  readonly startedMs: number;
  /** Limits of requests, shared by all connections and changed by CONFIG SET. */
  readonly limits;

  connectionsReceived = 0;
  connectionsRejected = 0;
  // Minus zero: V8 keeps such a field as a double from the start. One that begins as a small integer
  // changes the shape of the server when it outgrows 2^31, and all that is compiled is thrown away.
  bytesIn = -0;
  bytesOut = -0;
  /** Chunks read from clients, and written to them. */
  reads = -0;
  writes = -0;
  /** The most memory that entries and heap took together, as sampled, bytes. */
  memoryPeakBytes = 0;
  /** Heap before there was any entry or client, bytes. */
  readonly startHeapBytes: number;
  totalErrors = 0;
  /** AUTH and HELLO with a wrong user or password. */
  deniedLogins = 0;
  activeExpire = true;
  pauseAll = false;
  pausedUntilMs = 0;
  readonly errorCounts = new Map<string, number>();
  /** LEVEL_... of sessions that ask for no other. */
  readonly readLevel: number;
  readonly writeLevel: number;
  readonly commits = new CommitGate(this);
  /** Follows memory to disk; undefined: nothing is kept. */
  persistence: Persistence | undefined;
  /** Finds out where commands run; undefined: the node knows of no ring. */
  router: Router | undefined;
  /** Sends changes to those who hold the same keys; undefined until the node starts. */
  replication: Replication | undefined;
  /** This node's part in the ring; undefined until the node starts. */
  ring: RingMember | undefined;
  /** Keep what the ring holds where it belongs; undefined until the node has loaded. */
  loops: Loops | undefined;
  /** Resolves once the ring has this node no more, or with false: it is the last. The node fills it. */
  leaveRing: () => Promise<boolean> = () => Promise.resolve(false);
  /** Connections that are not read from until the disk has caught up. */
  readonly #waitingForDisk = new Set<Session>();
  /** Whose turn it is; undefined while nobody's command runs. */
  current: Session | undefined;

  readonly #world: World;
  readonly #heldBack = new Set<Session>();
  readonly #expiring: BackgroundWork;
  /** Makes room below `maxmemory` while nobody waits for it. */
  readonly evicting: BackgroundWork;
  readonly #compacting: BackgroundWork;
  readonly #standstill = new Standstill();
  readonly #listeners: Listener[] = [];
  #cron: Timer | undefined;
  #nextId = 1;

  constructor(
    components: {
      world: World;
      store: Store;
      log: Log;
      processInfo: ProcessInfo;
      luaModule: () => LuaModule;
    },
    settings: Settings,
    rows: readonly CommandRow[],
  ) {
    this.#world = components.world;
    this.store = components.store;
    this.log = components.log;
    this.processInfo = components.processInfo;
    this.settings = settings;
    this.readLevel = LEVEL_NAMES.indexOf(settings.readLevel);
    this.writeLevel = LEVEL_NAMES.indexOf(settings.writeLevel);
    this.limits = {
      bulkBytesMax: settings.protoMaxBulkLen,
      argumentsMax: 0x7fff_ffff,
      inlineBytesMax: 64 * 1024,
      queryBufferBytesMax: settings.clientQueryBufferLimit,
    };
    this.dispatcher = new Dispatcher(this, this.#world, rows);
    this.flushes = new FlushQueue(this.#world);
    this.budget = new LoopBudget(this.#world);
    this.alone = new Alone(this, this.#world);
    this.scripts = new Scripts({ ...components, server: this });
    const fail = (session: Session, error: unknown): void => this.failed(session, error);
    const mayRun = (): boolean => !this.alone.isOn && this.persistence?.isFull !== true;
    this.tasks = new TaskQueue(this.#world, fail, mayRun);
    this.pace = new Pace(this.#world, this.clients);
    this.transfers = new TaskQueue(this.#world, fail, mayRun, this.pace);
    this.blocking = new Blocking(this);
    this.store.events.publish = (channel, buf, from, to) => {
      this.pubsub.publish(channel, buf, from, to);
    };
    this.store.waits.onReady = () => {
      this.dispatcher.gate |= SERVER_KEYS_READY;
    };
    this.scanPlaces = new ScanPlaces(this.#world.random);
    const id = Buffer.alloc(20);
    this.#world.random.bytes(id);
    this.runId = id.toString('hex');
    this.#expiring = new BackgroundWork(this.#world, (deadlineMs) => {
      // No key goes in the middle of a command; the next tick starts this again.
      if (this.alone.isOn || this.isLoading) return true;
      this.store.refresh();
      const isDone = this.store.expireDue(deadlineMs);
      this.dispatcher.serveReady();
      return isDone;
    });
    this.flushes.beforeFlush = () => {
      this.persistence?.turnEnds();
      this.replication?.turnEnds();
    };
    const reclaiming = new BackgroundWork(this.#world, (ms) => this.store.reclaim(ms));
    this.store.space.onReclaimable(() => reclaiming.start());
    this.evicting = new BackgroundWork(
      this.#world,
      (deadlineMs) => this.store.eviction.step(deadlineMs) !== 'more',
    );
    this.#compacting = new BackgroundWork(
      this.#world,
      (deadlineMs) => this.store.compact(deadlineMs, this.pace.areClientsBusy),
      new Pace(this.#world, this.clients),
    );
    this.startedMs = this.#world.clock.wallMs();
    this.startHeapBytes = this.processInfo.heapBytes();
    this.#follow();
  }

  /** While members are missing, writes that need many replicas are checked before they run. */
  followMembers(areMissing: boolean): void {
    this.dispatcher.gate &= ~SERVER_MEMBERS_MISSING;
    if (areMissing) this.dispatcher.gate |= SERVER_MEMBERS_MISSING;
  }

  /** False: this node joins a ring and is no member yet. */
  followRing(): void {
    this.dispatcher.gate &= ~SERVER_JOINING;
    if (this.ring?.isReady === false) this.dispatcher.gate |= SERVER_JOINING;
  }

  get isLoading(): boolean {
    return this.persistence?.isLoading === true;
  }

  /** The state of the disk has changed: what is refused because of it changes too. */
  followDisk(): void {
    const { dispatcher, persistence } = this;
    dispatcher.gate &= ~(SERVER_LOADING | SERVER_DISK_FAILED);
    if (this.isLoading) dispatcher.gate |= SERVER_LOADING;
    if (persistence?.refusesWrites === true) dispatcher.gate |= SERVER_DISK_FAILED;
  }

  /** What a write is refused with while the disk takes none. */
  diskError(): string {
    const reason = this.persistence?.failure?.message ?? 'unknown';
    return `MISCONF Errors writing to the AOF file: ${reason}`;
  }

  /** The session goes on once the disk has caught up. */
  awaitDisk(session: Session): void {
    this.#waitingForDisk.add(session);
  }

  /** The disk has caught up. */
  resumeAfterDisk(): void {
    const waiting = [...this.#waitingForDisk];
    this.#waitingForDisk.clear();
    for (const session of waiting) session.carrier.resume();
    this.wakeTasks();
  }

  /** Listens on all addresses or rejects with Node's error codes; then none is left open. */
  async listen(wanted: readonly WantedAddress[]): Promise<readonly Address[]> {
    const accept = (link: Link) => this.#accept(link);
    for (const { address, isOptional } of wanted) {
      try {
        this.#listeners.push(await this.#world.network.listen(address, accept));
      } catch (error) {
        const { code } = error as { code?: string };
        if (isOptional && code !== undefined && ABSENT_ADDRESS_CODES.includes(code)) {
          this.log.warn({ address, code }, 'no such address on this machine, not listening on it');
          continue;
        }
        await this.stop();
        throw error;
      }
    }
    this.#cron ??= this.#world.timers.every(CRON_MS, () => this.#tick(), true);
    return this.addresses;
  }

  /** Where the server listens: a port of 0 has become the chosen one. */
  get addresses(): readonly Address[] {
    return this.#listeners.map((listener) => listener.address);
  }

  /** Stops accepting, and executes nothing more of clients: they are closed once they have their replies. */
  async turnAway(): Promise<void> {
    await this.#stopListening();
    for (const session of [...this.sessions.values()]) {
      if (session.peer === undefined) session.carrier.closeSoon();
    }
  }

  /** Whether clients, or members whose clients' commands run here, have replies to come. */
  get owesReplies(): boolean {
    for (const { carrier, peer } of this.sessions.values()) {
      if ((peer === undefined || peer.channel === 'data') && carrier.isAwaiting) return true;
    }
    return false;
  }

  /** Stops accepting, closes all connections once their replies have left. */
  async stop(): Promise<void> {
    this.#cron?.cancel();
    this.#cron = undefined;
    await this.#stopListening();
    for (const session of [...this.sessions.values()]) session.carrier.closeSoon();
  }

  async #stopListening(): Promise<void> {
    const listeners = this.#listeners.splice(0);
    await Promise.all(listeners.map((listener) => listener.close()));
  }

  /** What waits for others waits in vain from now on. */
  giveUpReplies(): void {
    for (const { carrier } of [...this.sessions.values()]) {
      if (carrier.isAwaiting) carrier.destroy();
    }
  }

  /** Those that stood still may go on. */
  wakeTasks(): void {
    this.tasks.wake();
    this.transfers.wake();
  }

  /** A turn of the event loop begins to execute commands. Returns its start, monotonic ms. */
  beginTurn(): number {
    this.store.refresh();
    const { dispatcher } = this;
    if (this.store.hasDueElements()) dispatcher.gate |= SERVER_ELEMENTS_DUE;
    else dispatcher.gate &= ~SERVER_ELEMENTS_DUE;
    const startMs = this.#world.clock.monotonicMs();
    this.budget.begin(startMs);
    this.store.space.defersTotals = true;
    this.#lookForStandstill(startMs);
    return startMs;
  }

  /** `isForClients`: not what members say to each other about the ring. Returns the time, monotonic ms. */
  endTurn(startMs: number, isForClients: boolean): number {
    const { space } = this.store;
    space.defersTotals = false;
    space.settle();
    this.dispatcher.serveReady();
    const endMs = this.#world.clock.monotonicMs();
    if (isForClients) this.clients.servedMs = endMs;
    this.dispatcher.times.settle((endMs - startMs) * 1000);
    return endMs;
  }

  /** The connection of a session is gone. */
  forget(session: Session): void {
    session.isGone = true;
    this.sessions.delete(session.id);
    this.#heldBack.delete(session);
    this.#waitingForDisk.delete(session);
    this.router?.forget(session);
    this.alone.forget(session);
    this.tasks.cancel(session);
    this.transfers.cancel(session);
    this.blocking.forget(session);
    this.pubsub.forget(session);
    this.tracking.disable(session);
    session.restoring?.close();
    session.discard();
    this.stopMonitoring(session);
  }

  /** A command failed in a way that it should not: the client hears of it, the log keeps it. */
  failed(session: Session, error: unknown): void {
    const code = (error as { code?: unknown }).code;
    if (code === 'OUT_OF_MEMORY') {
      session.reply.error('OOM the memory for keys is full, not applied');
      return;
    }
    const command = session.lastCommand?.fullName ?? '';
    this.log.error({ err: error, command, client: session.carrier.remote }, 'command failed');
    session.reply.error(
      `ERR internal error in '${command}', the write is in doubt; see the log of the node`,
    );
  }

  countError(text: string): void {
    this.totalErrors += 1;
    const end = text.indexOf(' ');
    const kind = end === -1 ? text : text.slice(0, end);
    const known = this.errorCounts.get(kind);
    if (known === undefined && this.errorCounts.size >= ERROR_KINDS_MAX) return;
    this.errorCounts.set(kind, (known ?? 0) + 1);
  }

  /** Keeps a command that took longer than SLOWLOG asks for. */
  slow(session: Session, command: Command, args: Args, usec: number): void {
    const limit = this.settings.slowlogLogSlowerThan;
    if (limit >= 0 && usec >= limit) this.slowlog.add(session, command, args, usec, this);
    const latencyMs = this.settings.latencyMonitorThreshold;
    if (latencyMs > 0 && usec >= latencyMs * 1000) {
      const event =
        command.stats.usec / Math.max(1, command.stats.calls) < 1000 ? 'fast-command' : 'command';
      this.latency.add(event, usec / 1000, this.store.nowMs);
    }
  }

  /** Holds clients back, all commands or those that write, until the time has come. */
  pause(untilMs: number, all: boolean): void {
    this.pauseAll = all || this.pauseAll;
    this.pausedUntilMs = Math.max(untilMs, this.pausedUntilMs);
    this.dispatcher.gate |= SERVER_PAUSED;
  }

  unpause(): void {
    this.pauseAll = false;
    this.pausedUntilMs = 0;
    this.dispatcher.gate &= ~SERVER_PAUSED;
    this.letGoOn();
  }

  /** Sessions that were held back look anew whether they may run. */
  letGoOn(): void {
    const waiting = [...this.#heldBack];
    this.#heldBack.clear();
    for (const session of waiting) {
      session.suspended = false;
      session.carrier.resume();
    }
  }

  /** Clients that wait for the end of a pause, for another owner, or for a command that is alone. */
  get heldBackCount(): number {
    return this.#heldBack.size + this.alone.heldBackCount;
  }

  /** The session waits for `letGoOn` with a command. */
  holdBack(session: Session, args: Args): void {
    session.postponed = args.clone();
    session.suspended = true;
    this.#heldBack.add(session);
  }

  startMonitoring(session: Session): void {
    this.monitors.add(session);
    this.dispatcher.gate |= SERVER_MONITORED;
  }

  stopMonitoring(session: Session): void {
    this.monitors.delete(session);
    if (this.monitors.size === 0) this.dispatcher.gate &= ~SERVER_MONITORED;
  }

  feedMonitors(session: Session, args: Args): void {
    const line = monitorLine(session, args, this.#world.clock.wallMs());
    for (const monitor of this.monitors) {
      monitor.reply.simple(line);
      // Its own turn sends what it has; a reply at hand may still be taken back.
      if (monitor !== session) monitor.carrier.flush();
    }
  }

  /** Cuts a client off that leaves more unread than it may. */
  checkOutput(session: Session): void {
    if (session.closing || !isOverOutputLimit(this, session)) return;
    const pending = session.reply.pendingBytes + session.queuedPushBytes;
    const client = session.carrier.remote;
    this.log.warn({ client, pending }, 'client cut off: it does not read its replies');
    session.carrier.destroy();
  }

  #accept(link: Link): LinkHandler {
    this.connectionsReceived += 1;
    const refusal = this.#refusal(link);
    const mayBePeer = refusal === PROTECTED_MODE_ERROR && this.settings.clusterSecret !== '';
    if (refusal !== undefined && !mayBePeer) {
      this.connectionsRejected += 1;
      const text = Buffer.from(`-${refusal}\r\n`, 'latin1');
      link.write(text, 0, text.length);
      link.end();
      return { data() {}, drained() {}, ended() {}, closed() {} };
    }
    const id = this.#nextId;
    this.#nextId += 1;
    if (this.settings.tcpKeepalive > 0) link.setKeepAlive(this.settings.tcpKeepalive * 1000);
    const connection = new Connection(this, link, this.pool, id);
    connection.session.setGate(GATE_PEERS_ONLY, mayBePeer);
    this.sessions.set(id, connection.session);
    return connection;
  }

  #refusal(link: Link): string | undefined {
    if (this.sessions.size >= this.settings.maxclients) return 'ERR max number of clients reached';
    const open = !this.settings.protectedMode || this.settings.requirepass !== '';
    if (open || link.isUnix || isLoopback(link.remoteHost)) return undefined;
    return PROTECTED_MODE_ERROR;
  }

  /** Settings that are kept in another form for speed. */
  #follow(): void {
    const apply = () => {
      this.limits.bulkBytesMax = this.settings.protoMaxBulkLen;
      this.limits.queryBufferBytesMax = this.settings.clientQueryBufferLimit;
      const slower = this.settings.slowlogLogSlowerThan;
      const exact = slower >= 0 && slower < TURN_TIME_USEC;
      if (exact || this.settings.latencyMonitorThreshold > 0) {
        this.dispatcher.gate |= SERVER_EXACT_TIMES;
      } else {
        this.dispatcher.gate &= ~SERVER_EXACT_TIMES;
      }
    };
    const limitMemory = () => {
      if (this.settings.maxmemory > 0) this.dispatcher.gate |= SERVER_MEMORY_LIMIT;
      else this.dispatcher.gate &= ~SERVER_MEMORY_LIMIT;
    };
    const notify = () => this.store.events.configure(this.settings.notifyKeyspaceEvents);
    this.settings.onChange('notify-keyspace-events', notify);
    notify();
    this.settings.onChange('stop-writes-on-bgsave-error', () => this.followDisk());
    this.settings.onChange('maxmemory', limitMemory);
    limitMemory();
    for (const name of [
      'proto-max-bulk-len',
      'client-query-buffer-limit',
      'slowlog-log-slower-than',
      'latency-monitor-threshold',
    ]) {
      this.settings.onChange(name, apply);
    }
    apply();
  }

  #tick(): void {
    this.store.refresh();
    const nowMs = this.store.nowMs;
    const monotonicMs = this.#world.clock.monotonicMs();
    if (this.activeExpire && !this.isLoading && this.store.hasDue()) this.#expiring.start();
    this.#compacting.start();
    if (this.pausedUntilMs !== 0 && nowMs >= this.pausedUntilMs) this.unpause();
    this.sampleMemory();
    this.tracking.limit();
    this.ops.sample(monotonicMs, this.totalCommands(), this.bytesIn, this.bytesOut);
    this.#closeIdle(nowMs);
    this.#lookForStandstill(monotonicMs);
  }

  #lookForStandstill(monotonicMs: number): void {
    const { dispatcher } = this;
    const isFromBefore = this.#standstill.look(monotonicMs);
    if (isFromBefore && (dispatcher.gate & SERVER_RING) !== 0) {
      dispatcher.gate |= SERVER_STOOD_STILL;
    } else {
      dispatcher.gate &= ~SERVER_STOOD_STILL;
    }
  }

  /** Bytes of entries and heap; keeps their peak. */
  sampleMemory(): number {
    const bytes = this.store.space.usedBytes + this.processInfo.heapBytes();
    if (bytes > this.memoryPeakBytes) this.memoryPeakBytes = bytes;
    return bytes;
  }

  totalCommands(): number {
    let sum = 0;
    for (const command of this.dispatcher.commands.values()) {
      sum += command.stats.calls;
      for (const child of command.children?.values() ?? []) sum += child.stats.calls;
    }
    return sum;
  }

  #closeIdle(nowMs: number): void {
    const timeoutMs = this.settings.timeout * 1000;
    for (const session of this.sessions.values()) {
      const idleMs = nowMs - session.lastActiveMs;
      if (session.reply.pendingBytes > 0) this.checkOutput(session);
      if (session.closing) {
        if (idleMs > CLOSING_MAX_MS) session.carrier.destroy();
      } else if (timeoutMs !== 0 && idleMs > timeoutMs && session.peer === undefined) {
        const isListening = this.monitors.has(session) || session.isSubscribed;
        if (!session.suspended && !isListening) session.carrier.destroy();
      }
    }
  }
}
