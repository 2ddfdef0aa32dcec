/**
 * DhashNode: one node, put together from its parts. What it runs on comes in from outside: the
 * world, a log, and what the process tells of itself.
 */
import type { Address, World } from '../world/world.js';
import { commandRows } from './commands/table.js';
import { listenAddresses } from './config/addresses.js';
import type { Settings } from './config/settings.js';
import type { LogStore } from './persistence/log-store.js';
import { openFolder } from './persistence/open-folder.js';
import { Persistence } from './persistence/persistence.js';
import type { LuaModule } from './scripting/web-assembly.js';
import type { Log } from './server/log.js';
import type { ProcessInfo } from './server/process-info.js';
import { Server, type WantedAddress } from './server/server.js';
import { Store } from './store/store.js';

export interface NodeComponents {
  readonly world: World;
  readonly log: Log;
  readonly processInfo: ProcessInfo;
  /** Compiles the Lua machine (`world/real/lua-module.ts`), when the first script comes. */
  readonly luaModule: () => LuaModule;
  /** Opens the store of the log in a folder; needed if the node keeps anything (`dir`). */
  readonly openLogStore?: (folder: string) => Promise<LogStore>;
}

export class DhashNode {
  readonly store: Store;
  readonly server: Server;
  /** Where the node listens, once it has started: a port of 0 has become the chosen one. */
  addresses: readonly Address[] = [];
  readonly #settings: Settings;
  readonly #components: NodeComponents;

  /** `rows` are the commands that it has: all of them, unless a test adds some. */
  constructor(components: NodeComponents, settings: Settings, rows = commandRows) {
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
      await this.#listen();
      await persistence?.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.server.followDisk();
  }

  async #openFolder(folder: string): Promise<Persistence> {
    const { log, openLogStore, world } = this.#components;
    if (openLogStore === undefined) throw new Error('this node was made without a store for dir');
    const opened = await openFolder(world.disk, folder, openLogStore);
    const { server, store } = this;
    const settings = this.#settings;
    const persistence = new Persistence(
      { ...opened, world, store, log, settings },
      {
        failureChanged: () => server.followDisk(),
        roomAgain: () => server.resumeAfterDisk(),
        librariesFound: (codes) => server.scripts.loadKept(codes),
      },
      { skipsDamage: settings.loadDamaged },
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

  /** Stops to serve; replies that are under way still leave. */
  async stop(): Promise<void> {
    await this.server.stop();
    await this.server.persistence?.stop();
  }
}
