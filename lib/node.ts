/**
 * DhashNode: one node, put together from its parts. What it runs on comes in from outside: the
 * world, a log, and what the process tells of itself.
 */
import type { Address, World } from '../world/world.js';
import { commandRows } from './commands/table.js';
import { listenAddresses } from './config/addresses.js';
import type { Settings } from './config/settings.js';
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
}

export class DhashNode {
  readonly store: Store;
  readonly server: Server;
  /** Where the node listens, once it has started: a port of 0 has become the chosen one. */
  addresses: readonly Address[] = [];
  readonly #settings: Settings;

  /** `rows` are the commands that it has: all of them, unless a test adds some. */
  constructor(components: NodeComponents, settings: Settings, rows = commandRows) {
    this.#settings = settings;
    this.store = new Store(components, settings);
    this.server = new Server({ ...components, store: this.store }, settings, rows);
  }

  /** Starts to serve. Rejects with Node's error codes (EADDRINUSE, EACCES, ...), nothing left open. */
  async start(): Promise<void> {
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
  }
}
