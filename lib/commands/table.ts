/** All commands of a node: one row each (STYLE: a command is one row in a table). */

import { bitfieldCommands } from './bits/bitfield.js';
import { bitCommands } from './bits/bits.js';
import type { CommandRow } from './command.js';
import { aclCommands } from './connection/acl.js';
import { clientCommands } from './connection/client.js';
import { connectionCommands } from './connection/connection.js';
import { httpGuardCommands } from './connection/http-guard.js';
import { peerCommands } from './connection/peer.js';
import { transactionCommands } from './connection/transactions.js';
import { waitCommands } from './connection/wait.js';
import { geoCommands } from './geo/geo.js';
import { geoSearchCommands } from './geo/geo-search.js';
import { hashMirrorCommands } from './hashes/hash-mirror.js';
import { hashNumberCommands } from './hashes/hash-numbers.js';
import { hashRandomCommands } from './hashes/hash-random.js';
import { hashValueCommands } from './hashes/hash-values.js';
import { hashCommands } from './hashes/hashes.js';
import { hyperLogLogCommands } from './hyperloglog/hyperloglog.js';
import { pfDebugCommands } from './hyperloglog/pf-debug.js';
import { dumpCommands } from './keys/dump.js';
import { expiryCommands } from './keys/expiry.js';
import { keyCommands } from './keys/keys.js';
import { objectCommands } from './keys/object.js';
import { scanCommands } from './keys/scan.js';
import { listBlockingCommands } from './lists/list-blocking.js';
import { listMoveCommands } from './lists/list-move.js';
import { listSearchCommands } from './lists/list-search.js';
import { listTrimCommands } from './lists/list-trim.js';
import { listCommands } from './lists/lists.js';
import { listPushPopCommands } from './lists/push-pop.js';
import { orderedCommands } from './ordered/ordered.js';
import { orderedElementCommands } from './ordered/ordered-elements.js';
import { publishCommands } from './pubsub/publish.js';
import { subscribeCommands } from './pubsub/subscribe.js';
import { evalCommands } from './scripting/eval.js';
import { fcallCommands } from './scripting/fcall.js';
import { functionCommands } from './scripting/function.js';
import { scriptCommands } from './scripting/script.js';
import { clusterCommands } from './server/cluster.js';
import { commandCommands } from './server/command-command.js';
import { configCommands } from './server/config.js';
import { debugCommands } from './server/debug.js';
import { dhashCommands } from './server/dhash.js';
import { diskCommands } from './server/disk.js';
import { infoCommands } from './server/info.js';
import { latencyCommands } from './server/latency.js';
import { lolwutCommands } from './server/lolwut.js';
import { memoryCommands } from './server/memory.js';
import { miscCommands } from './server/misc.js';
import { monitorCommands } from './server/monitor.js';
import { refusedCommands } from './server/refused-commands.js';
import { slowlogCommands } from './server/slowlog.js';
import { setopCommands } from './setop/setop.js';
import { setOperationCommands } from './sets/set-operations.js';
import { setRandomCommands } from './sets/set-random.js';
import { setCommands } from './sets/sets.js';
import { sortCommands } from './sort/sort.js';
import { streamCommands } from './streams/streams.js';
import { xaddCommands } from './streams/xadd.js';
import { xautoclaimCommands } from './streams/xautoclaim.js';
import { xclaimCommands } from './streams/xclaim.js';
import { xgroupCommands } from './streams/xgroup.js';
import { xinfoCommands } from './streams/xinfo.js';
import { xpendingCommands } from './streams/xpending.js';
import { xreadCommands } from './streams/xread.js';
import { lcsCommands } from './strings/lcs.js';
import { stringNumberCommands } from './strings/string-numbers.js';
import { stringPartCommands } from './strings/string-parts.js';
import { stringCommands } from './strings/strings.js';
import { combineCommands } from './zsets/combine.js';
import { zaddCommands } from './zsets/zadd.js';
import { zrangestoreCommands } from './zsets/zrangestore.js';
import { zsetBlockingCommands } from './zsets/zset-blocking.js';
import { zsetPopCommands } from './zsets/zset-pops.js';
import { zsetRangeCommands } from './zsets/zset-ranges.js';
import { zsetRemovalCommands } from './zsets/zset-removal.js';
import { zsetCommands } from './zsets/zsets.js';

export const commandRows: readonly CommandRow[] = [
  ...aclCommands,
  ...bitfieldCommands,
  ...bitCommands,
  ...clientCommands,
  ...clusterCommands,
  ...combineCommands,
  ...commandCommands,
  ...configCommands,
  ...connectionCommands,
  ...debugCommands,
  ...dhashCommands,
  ...dumpCommands,
  ...evalCommands,
  ...expiryCommands,
  ...geoCommands,
  ...geoSearchCommands,
  ...fcallCommands,
  ...functionCommands,
  ...hashCommands,
  ...hashMirrorCommands,
  ...hashNumberCommands,
  ...hashRandomCommands,
  ...hashValueCommands,
  ...httpGuardCommands,
  ...hyperLogLogCommands,
  ...infoCommands,
  ...keyCommands,
  ...latencyCommands,
  ...lcsCommands,
  ...sortCommands,
  ...listCommands,
  ...listBlockingCommands,
  ...listMoveCommands,
  ...listPushPopCommands,
  ...listSearchCommands,
  ...listTrimCommands,
  ...lolwutCommands,
  ...memoryCommands,
  ...diskCommands,
  ...miscCommands,
  ...monitorCommands,
  ...objectCommands,
  ...orderedCommands,
  ...peerCommands,
  ...publishCommands,
  ...pfDebugCommands,
  ...refusedCommands,
  ...scanCommands,
  ...scriptCommands,
  ...orderedElementCommands,
  ...setCommands,
  ...setopCommands,
  ...setOperationCommands,
  ...setRandomCommands,
  ...slowlogCommands,
  ...subscribeCommands,
  ...streamCommands,
  ...stringNumberCommands,
  ...stringPartCommands,
  ...stringCommands,
  ...transactionCommands,
  ...waitCommands,
  ...xaddCommands,
  ...xautoclaimCommands,
  ...xclaimCommands,
  ...xgroupCommands,
  ...xinfoCommands,
  ...xpendingCommands,
  ...xreadCommands,
  ...zaddCommands,
  ...zrangestoreCommands,
  ...zsetBlockingCommands,
  ...zsetCommands,
  ...zsetPopCommands,
  ...zsetRangeCommands,
  ...zsetRemovalCommands,
];
