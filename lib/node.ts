/**
 * DhashNode: one node, put together from its parts. What it runs on comes in from outside: the
 * world, a log, and what the process tells of itself.
 */

import type { OpenLogFolder } from '../world/log-store.js';
import type { Address, World } from '../world/world.js';
import { commandRows } from './commands/table.js';
import { listenAddresses } from './config/addresses.js';
import type { Settings } from './config/settings.js';
import { Loops } from './loops/loops.js';
import { openFolder } from './persistence/open-folder.js';
import { Persistence } from './persistence/persistence.js';
import { ACK_TIMEOUT_MS } from './replication/limits.js';
import { Replication } from './replication/replication.js';
import type { RingMember } from './ring/ring-member.js';
import { enterRing, prepareRing, type RingStartParts, returnWhenEmpty } from './ring/ring-start.js';
import { serveStatus } from './ring/ring-status.js';
import { Router } from './routing/router.js';
import type { LuaModule } from './scripting/web-assembly.js';
import type { Log } from './server/log.js';
import type { ProcessInfo } from './server/process-info.js';
import { Server, type WantedAddress } from './server/server.js';
import { Store } from './store/store.js';

/** How often the last member of a ring looks whether those before it have gone. */
const HAND_OVER_LOOK_MS = 100;
/** Who stops waits so long for replies that others owe to its clients, and looks so often, ms. */
const REPLIES_LEAVE_MS = ACK_TIMEOUT_MS + 1000;
const REPLIES_LOOK_MS = 10;

export interface NodeComponents {
  readonly world: World;
  readonly log: Log;
  readonly processInfo: ProcessInfo;
  /** Compiles the Lua machine (`world/real/lua-module.ts`), when the first script comes. */
  readonly luaModule: () => LuaModule;
  /** Opens the store of the log in a folder; needed if the node keeps anything (`dir`). */
  readonly openLogStore?: OpenLogFolder;
}

export interface NodeEvents {
  /** The ring that it was to join does not take it as it is: it should stop. */
  ringRefused(text: string): void;
}

export class DhashNode {
  readonly store: Store;
  readonly server: Server;
  /** Where the node listens, once it has started: a port of 0 has become the chosen one. */
  addresses: readonly Address[] = [];
  readonly #settings: Settings;
  readonly #components: NodeComponents;
  readonly #events: NodeEvents;
  #leaving: ((hasLeft: boolean) => void)[] = [];

  /** `rows` are the commands that it has: all of them, unless a test adds some. */
  constructor(
    components: NodeComponents,
    settings: Settings,
    rows = commandRows,
    events: NodeEvents = { ringRefused: () => {} },
  ) {
    this.#events = events;
    this.#settings = settings;
    this.#components = components;
    this.store = new Store(components, settings);
    this.server = new Server({ ...components, store: this.store }, settings, rows);
  }

  /**
   * Starts to serve, with what is on disk. Rejects with Node's error codes (EADDRINUSE, EACCES, ...),
   * or with what `explainFolder` (open-folder.ts) tells of, nothing left open.
   */
  async start(): Promise<void> {
    const { dir } = this.#settings;
    const persistence = dir === '' ? undefined : await this.#openFolder(dir);
    try {
      const ring = await this.#prepareRing();
      await this.#listen();
      await persistence?.start();
      await enterRing(this.#ringParts, ring, this.store);
      this.#startLoops(ring);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.server.followDisk();
  }

  get #ringParts(): RingStartParts {
    const { log, world } = this.#components;
    const { server } = this;
    return { world, log, server, records: server.persistence?.records };
  }

  async #prepareRing(): Promise<RingMember> {
    const { server, store } = this;
    const ring = await prepareRing(this.#ringParts, this.#settings, {
      refused: (text) => this.#events.ringRefused(text),
      removed: () => {
        if (ring.isLeaving) void this.#handOver();
        else returnWhenEmpty(this.#ringParts, ring, store);
      },
      stays: () => this.#endLeave(false),
    });
    server.ring = ring;
    server.router = new Router(server, ring);
    server.leaveRing = () => this.leave();
    serveStatus(ring, store);
    ring.listen({ view: () => server.followRing() });
    const { log, world } = this.#components;
    server.replication = new Replication(
      {
        world,
        store,
        links: ring,
        log,
        isLoading: () => server.persistence?.isLoading === true,
      },
      {
        membersMissing: (isSo) => server.followMembers(isSo),
        fellBehind: (memberId) => server.loops?.hurry(memberId),
      },
    );
    server.replication.start();
    server.followRing();
    return ring;
  }

  /**
   * The ring has this member no more: once nothing is left that only it might hold, and what others
   * had it run is answered, it has left.
   */
  async #handOver(): Promise<void> {
    const { loops, replication, router } = this.server;
    await loops?.clean.whenNothingIsLeft();
    await this.#until(() => router?.parkedCount === 0 && replication?.heldCount === 0);
    this.#endLeave(true);
  }

  #endLeave(hasLeft: boolean): void {
    for (const tell of this.#leaving.splice(0)) tell(hasLeft);
  }

  /** Not before all is loaded: what is missing yet would be brought from elsewhere. */
  #startLoops(ring: RingMember): void {
    const { log, world } = this.#components;
    const { pace, replication } = this.server;
    const { effects } = replication!;
    const muted = <T>(work: () => T): T => effects.muted(work);
    const { persistence } = this.server;
    const settle =
      persistence &&
      ((): Promise<boolean> => new Promise((resolve) => persistence.settle(resolve)));
    const unsentMs = (): number => this.server.replication!.lagMs;
    const { alone, tasks } = this.server;
    const oldestReadMs = (): number => {
      return Math.min(tasks.oldestMs, replication!.reads.oldestMs, alone.sinceMs);
    };
    const loop = { pace, settle, unsentMs, oldestReadMs };
    const parts = { world, log, ring, store: this.store, muted, ...loop };
    const loops = new Loops(parts);
    ring.choosePosition = (view) => loops.choosePosition(view);
    this.server.loops = loops;
    loops.start();
  }

  /**
   * Hands over what it holds; resolves once the ring has this member no more. False: it is the last
   * member, from the start or because the others were told to leave, too, and stays one.
   */
  leave(): Promise<boolean> {
    const { ring } = this.server;
    if (ring === undefined || ring.isAlone) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#leaving.push(resolve);
      ring.leave();
    });
  }

  /** Resolves once those that have left this node's ring have handed over to it what they had. */
  othersHandedOver(): Promise<void> {
    return this.#until(() => this.server.ring?.hasLeavers !== true);
  }

  #until(isSo: () => boolean, lookMs = HAND_OVER_LOOK_MS): Promise<void> {
    const { timers } = this.#components.world;
    return new Promise((resolve) => {
      const look = (): void => {
        if (isSo()) return resolve();
        timers.after(lookMs, look);
      };
      look();
    });
  }

  async #openFolder(folder: string): Promise<Persistence> {
    const { log, openLogStore, world } = this.#components;
    if (openLogStore === undefined) throw new Error('this node was made without a store for dir');
    const settings = this.#settings;
    const skipsDamage = settings.loadDamaged;
    const opened = await openFolder(world.disk, folder, openLogStore, skipsDamage);
    const { server, store } = this;
    const isInMiddle = (): boolean => server.alone.runsCommand;
    const persistence = new Persistence(
      { ...opened, world, store, log, settings, pace: server.pace, isInMiddle },
      {
        failureChanged: () => server.followDisk(),
        roomAgain: () => server.resumeAfterDisk(),
        librariesFound: (codes) => server.scripts.loadKept(codes),
      },
      { skipsDamage, damage: opened.damage },
    );
    persistence.journal.libraries = () => server.scripts.codes();
    server.persistence = persistence;
    server.followDisk();
    return persistence;
  }

  async #listen(): Promise<void> {
    const { bind, port, unixsocket, unixsocketperm } = this.#settings;
    const wanted: WantedAddress[] = [];
    if (port !== 0) {
      for (const { host, isOptional } of listenAddresses(bind)) {
        wanted.push({ address: { host, port }, isOptional });
      }
    }
    if (unixsocket !== '') {
      const mode = unixsocketperm === 0 ? {} : { mode: unixsocketperm };
      wanted.push({ address: { path: unixsocket, ...mode }, isOptional: false });
    }
    this.addresses = await this.server.listen(wanted);
  }

  /**
   * Ends the node as its ring wants it: who keeps nothing hands over what it has first, if that
   * takes no longer than `leave-timeout-ms`; who keeps it stays a member, and comes back.
   * `serveNoMore` is called before clients are turned away.
   */
  async shutdown(serveNoMore: () => void = () => {}): Promise<void> {
    const { dir, leaveTimeoutMs } = this.#settings;
    if (dir === '' && this.server.ring?.isInView === true && leaveTimeoutMs > 0) {
      if (!(await this.#leaveWithin(leaveTimeoutMs))) {
        const message = 'stopping without having left the ring: it took longer than it may';
        this.#components.log.warn({ leaveTimeoutMs }, message);
      }
    }
    serveNoMore();
    await this.stop();
  }

  /** False: the time was over first. */
  #leaveWithin(limitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#components.world.timers.after(limitMs, () => resolve(false));
      const leave = async (): Promise<void> => {
        if (!(await this.leave())) await this.othersHandedOver();
        timer.cancel();
        resolve(true);
      };
      void leave();
    });
  }

  /**
   * Stops to serve. Replies that are under way still leave: what runs at other members, or waits for
   * replicas, is answered first, for as long as others may take until they are in doubt.
   */
  async stop(): Promise<void> {
    const { loops, persistence, replication, ring, router } = this.server;
    await this.server.turnAway();
    if (router !== undefined) await this.#repliesLeave(router);
    router?.stop();
    loops?.stop();
    replication?.stop();
    ring?.stop();
    await this.server.stop();
    await persistence?.stop();
    this.server.giveUpReplies();
  }

  #repliesLeave(router: Router): Promise<void> {
    const { clock } = this.#components.world;
    router.letInNoMore();
    const untilMs = clock.monotonicMs() + REPLIES_LEAVE_MS;
    const isSo = (): boolean =>
      clock.monotonicMs() >= untilMs || (!this.server.owesReplies && !router.owesAnswers);
    return this.#until(isSo, REPLIES_LOOK_MS);
  }
}
