/**
 * dhash-db: the public face of the package.
 *
 * Keys are ordered byte by byte; the encoders turn numbers into keys whose order is that of the
 * numbers, and `prefixWithHash` spreads readable keys evenly.
 */

export { loadLuaModule } from '../world/real/lua-module.js';
export { RealWorld } from '../world/real/real-world.js';
export type { World } from '../world/world.js';
export type { Reply } from './client/call.js';
export { ClientError } from './client/client-error.js';
export { connect } from './client/connect.js';
export type { ClientOptions } from './client/options.js';
export type { ClientEvents, RingClient } from './client/ring-client.js';
export type { RingInfo, RingMemberInfo } from './client/ring-view.js';
export { Settings } from './config/settings.js';
export * from './encoding.js';
export {
  type JoinOptions,
  Node,
  NodeError,
  type NodeErrorCode,
  type NodeEventMap,
} from './library/node.js';
export { type NodeOptions, NodeOptionsError, type SettingValue } from './library/node-options.js';
export type { LoopEvent, LoopName } from './loops/reports.js';
export { DhashNode, type NodeComponents } from './node.js';
export type { SaidEvent } from './ring/peer-links.js';
export { type Log, quietLog } from './server/log.js';
export type { ProcessInfo } from './server/process-info.js';
