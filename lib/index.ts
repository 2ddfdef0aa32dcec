/**
 * dhash-db: the public face of the package.
 *
 * Keys are ordered byte by byte; the encoders turn numbers into keys whose order is that of the
 * numbers, and `prefixWithHash` spreads readable keys evenly.
 */

export { loadLuaModule } from '../world/real/lua-module.js';
export { RealWorld } from '../world/real/real-world.js';
export type { World } from '../world/world.js';
export { Settings } from './config/settings.js';
export * from './encoding.js';
export { DhashNode, type NodeComponents } from './node.js';
export { type Log, quietLog } from './server/log.js';
export type { ProcessInfo } from './server/process-info.js';
