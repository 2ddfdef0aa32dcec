/** A node on the real world: what `dhash node` and the library's `Node` have in common. */
import { nativeCrc32 } from '../../world/real/crc32.js';
import { openLevelLogStore } from '../../world/real/level-log-store.js';
import { loadLuaModule } from '../../world/real/lua-module.js';
import { createProcessInfo } from '../../world/real/process-info.js';
import { RealWorld } from '../../world/real/real-world.js';
import type { Settings } from '../config/settings.js';
import { DhashNode, type NodeEvents } from '../node.js';
import { useCrc32 } from '../persistence/crc32.js';
import type { Log } from '../server/log.js';

export interface RealNodeParts {
  readonly log: Log;
  readonly settings: Settings;
  /** Empty: none. */
  readonly configFile: string;
}

export interface RealNodeEvents extends NodeEvents {
  /** A client asks the node to stop: SHUTDOWN, or DHASH LEAVE once it has left. */
  shutdown(): void;
}

export function createRealNode(parts: RealNodeParts, events: RealNodeEvents): DhashNode {
  const { configFile, log, settings } = parts;
  useCrc32(nativeCrc32);
  const world = new RealWorld();
  const processInfo = createProcessInfo(world.disk, configFile, () => events.shutdown());
  const components = {
    world,
    log,
    processInfo,
    luaModule: loadLuaModule,
    openLogStore: openLevelLogStore,
  };
  return new DhashNode(components, settings, undefined, events);
}
