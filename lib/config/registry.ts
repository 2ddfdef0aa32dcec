/**
 * Every setting that dhash knows, one row each: the source of CONFIG, the configuration file, the
 * environment, the flags of `dhash node` and their help.
 *
 * Invariant: a name (or alias) stands in one row. Redis's own settings have Redis's names, bounds
 * and texts (7.0's `CONFIG GET *`, and what 7.2 added); those whose feature is missing stand in
 * `registry-fixed.ts`.
 */

import {
  clampedInteger,
  eventClasses,
  fileMode,
  INT32_MAX,
  INT64_MAX,
  integer,
  levelCodec,
  limitedText,
  memory,
  oneOf,
  outputBufferLimits,
  path,
  percentiles,
  text,
  textList,
  titleTemplate,
  yesNo,
} from './codecs.js';
import { fixedRows, NO_DISK } from './registry-fixed.js';
import { derived, type Row, row } from './row.js';

const UINT32_MAX = 4_294_967_295;
/** What Redis holds a password, as any ACL word, to. */
const PASSWORD_BYTES_MAX = 512;

const count = integer(0, INT64_MAX);
const smallCount = integer(0, INT32_MAX);
const size = memory(0, INT64_MAX);
const noEffect = { effect: 'none' } as const;

const networkRows: readonly Row[] = [
  row('host', 'bind', textList, 'Addresses to listen on; "*" is all of IPv4, "::*" of IPv6', {
    alias: 'bind',
    change: 'start',
    help: 'main',
    words: true,
  }),
  row('port', 'port', integer(0, 65_535), 'TCP port; 0 = none', { change: 'start', help: 'main' }),
  row('unixsocket', 'unixsocket', path, 'Path of a unix socket to listen on', {
    change: 'start',
    help: 'main',
  }),
  row('unixsocketperm', 'unixsocketperm', fileMode, 'Octal file mode of the unix socket', {
    change: 'start',
  }),
  row('protected-mode', 'protectedMode', yesNo, 'Without a password, serve this machine only'),
  row('http-port', 'httpPort', integer(0, 65_535), 'Port of the HTTP API; 0 = off', {
    change: 'start',
    help: 'main',
    pending: 'the HTTP API is not built yet in this version',
  }),
  row('memcached-port', 'memcachedPort', integer(0, 65_535), 'Port for memcached; 0 = off', {
    change: 'start',
    help: 'main',
    pending: 'the memcached protocol is not built yet in this version',
  }),
];

const clientRows: readonly Row[] = [
  row('maxclients', 'maxclients', integer(1, UINT32_MAX), 'Clients connected at the same time', {
    help: 'main',
  }),
  row('timeout', 'timeout', smallCount, 'Seconds after which an idle client is closed; 0 = never'),
  row('tcp-keepalive', 'tcpKeepalive', smallCount, 'Seconds between TCP keep-alives; 0 = off'),
  row('requirepass', 'requirepass', limitedText(PASSWORD_BYTES_MAX), 'Password of the clients', {
    help: 'main',
  }),
  row('requirepass-file', 'requirepassFile', path, 'File with the password', {
    change: 'start',
    help: 'main',
  }),
  row('proto-max-bulk-len', 'protoMaxBulkLen', memory(1_048_576, INT64_MAX), 'Longest value'),
  row(
    'client-query-buffer-limit',
    'clientQueryBufferLimit',
    memory(1_048_576, INT64_MAX),
    'Longest command',
  ),
  row(
    'client-output-buffer-limit',
    'clientOutputBufferLimit',
    outputBufferLimits,
    'Replies that may wait for a slow reader, per class of clients',
    { words: true, wordsPerLine: 4 },
  ),
  row(
    'enable-debug-command',
    'enableDebugCommand',
    oneOf(['no', 'yes', 'local']),
    'Who may use DEBUG',
    { change: 'start' },
  ),
];

const keyspaceRows: readonly Row[] = [
  row('databases', 'databases', integer(16, 16), 'Logical databases: always 16', {
    change: 'start',
  }),
  row('maxmemory', 'maxmemory', memory(0), 'Memory for entries, such as 2gb; 0 = no limit', {
    help: 'main',
  }),
  row(
    'maxmemory-policy',
    'maxmemoryPolicy',
    oneOf([
      'volatile-lru',
      'volatile-lfu',
      'volatile-random',
      'volatile-ttl',
      'allkeys-lru',
      'allkeys-lfu',
      'allkeys-random',
      'noeviction',
    ]),
    'What is removed when maxmemory is reached',
  ),
  row(
    'maxmemory-samples',
    'maxmemorySamples',
    integer(1, INT32_MAX),
    'Keys compared by an eviction',
  ),
  row(
    'maxmemory-eviction-tenacity',
    'maxmemoryEvictionTenacity',
    integer(0, 100),
    'Effort of eviction',
    noEffect,
  ),
  row('lfu-log-factor', 'lfuLogFactor', smallCount, 'How slowly OBJECT FREQ grows'),
  row('lfu-decay-time', 'lfuDecayTime', smallCount, 'Minutes after which OBJECT FREQ falls'),
  row(
    'active-expire-effort',
    'activeExpireEffort',
    integer(1, 10),
    'Effort of removing expired keys',
    noEffect,
  ),
  row('notify-keyspace-events', 'notifyKeyspaceEvents', eventClasses, 'Events to publish'),
  row(
    'clock-skew-max-ms',
    'clockSkewMaxMs',
    integer(1, 3_600_000),
    'How far ahead of the own clock a stamp may be',
    { change: 'start' },
  ),
];

const observationRows: readonly Row[] = [
  row(
    'slowlog-log-slower-than',
    'slowlogLogSlowerThan',
    integer(-1, INT64_MAX),
    'Microseconds above which SLOWLOG keeps a command; -1 = off',
  ),
  row('slowlog-max-len', 'slowlogMaxLen', count, 'Commands that SLOWLOG keeps'),
  row(
    'latency-monitor-threshold',
    'latencyMonitorThreshold',
    count,
    'Milliseconds above which LATENCY keeps an event; 0 = off',
  ),
  row('latency-tracking', 'latencyTracking', yesNo, 'Keep a latency histogram per command'),
  row(
    'latency-tracking-info-percentiles',
    'latencyTrackingInfoPercentiles',
    percentiles,
    'Percentiles in INFO latencystats',
    { words: true },
  ),
  row(
    'log-level',
    'loglevel',
    oneOf(['debug', 'verbose', 'notice', 'warning', 'nothing'], {
      info: 'notice',
      warn: 'warning',
      silent: 'nothing',
    }),
    'What is logged',
    { alias: 'loglevel', help: 'main' },
  ),
  row('acllog-max-len', 'acllogMaxLen', count, 'Refusals that ACL LOG keeps'),
];

const backgroundRows: readonly Row[] = [
  row('hz', 'hz', clampedInteger(1, 500), 'Background turns per second', noEffect),
  row('dynamic-hz', 'dynamicHz', yesNo, 'Adapt hz to the clients', noEffect),
  row('activerehashing', 'activerehashing', yesNo, 'A tree has nothing to rehash', noEffect),
  row('lazyfree-lazy-eviction', 'lazyfreeLazyEviction', yesNo, 'Free in slices', noEffect),
  row('lazyfree-lazy-expire', 'lazyfreeLazyExpire', yesNo, 'Free in slices', noEffect),
  row('lazyfree-lazy-server-del', 'lazyfreeLazyServerDel', yesNo, 'Free in slices', noEffect),
  row('lazyfree-lazy-user-del', 'lazyfreeLazyUserDel', yesNo, 'Free in slices', noEffect),
  row('lazyfree-lazy-user-flush', 'lazyfreeLazyUserFlush', yesNo, 'Free in slices', noEffect),
  row('replica-lazy-flush', 'replicaLazyFlush', yesNo, 'Free in slices', {
    alias: 'slave-lazy-flush',
    ...noEffect,
  }),
  row('jemalloc-bg-thread', 'jemallocBgThread', yesNo, 'There is no jemalloc here', noEffect),
  row('set-proc-title', 'setProcTitle', yesNo, 'Show the address in ps and top', {
    change: 'start',
  }),
  row('proc-title-template', 'procTitleTemplate', titleTemplate, 'What ps and top show'),
  row('shutdown-timeout', 'shutdownTimeout', smallCount, 'Seconds to wait for replicas', noEffect),
];

/** Some describe types that come later; tools and test suites set them at all times. */
const encodingRows: readonly Row[] = [
  row('hash-max-listpack-entries', 'hashMaxListpackEntries', count, 'For OBJECT ENCODING', {
    alias: 'hash-max-ziplist-entries',
  }),
  row('hash-max-listpack-value', 'hashMaxListpackValue', size, 'For OBJECT ENCODING', {
    alias: 'hash-max-ziplist-value',
  }),
  row(
    'list-max-listpack-size',
    'listMaxListpackSize',
    integer(-2_147_483_648, INT32_MAX),
    'For OBJECT ENCODING',
    { alias: 'list-max-ziplist-size' },
  ),
  row('list-compress-depth', 'listCompressDepth', smallCount, 'Lists lie uncompressed', noEffect),
  row('set-max-intset-entries', 'setMaxIntsetEntries', count, 'For OBJECT ENCODING', noEffect),
  row('set-max-listpack-entries', 'setMaxListpackEntries', count, 'For OBJECT ENCODING', noEffect),
  row('set-max-listpack-value', 'setMaxListpackValue', size, 'For OBJECT ENCODING', noEffect),
  row('zset-max-listpack-entries', 'zsetMaxListpackEntries', count, 'For OBJECT ENCODING', {
    alias: 'zset-max-ziplist-entries',
    ...noEffect,
  }),
  row('zset-max-listpack-value', 'zsetMaxListpackValue', size, 'For OBJECT ENCODING', {
    alias: 'zset-max-ziplist-value',
    ...noEffect,
  }),
  row('stream-node-max-bytes', 'streamNodeMaxBytes', size, 'Streams have no nodes', noEffect),
  row('stream-node-max-entries', 'streamNodeMaxEntries', count, 'Entries that `~` trims together'),
  row('hll-sparse-max-bytes', 'hllSparseMaxBytes', size, 'A sparse HyperLogLog, at most'),
  row('busy-reply-threshold', 'busyReplyThreshold', count, 'Milliseconds for a script', {
    alias: 'lua-time-limit',
  }),
  row(
    'tracking-table-max-keys',
    'trackingTableMaxKeys',
    count,
    'Keys that CLIENT TRACKING remembers',
  ),
];

const level = levelCodec();
const ringOptions = { change: 'start', help: 'main' } as const;

const ringRows: readonly Row[] = [
  row('announce', 'announce', text, 'Address that other members should use', ringOptions),
  row('join', 'join', textList, 'Members of the ring to join, HOST:PORT', {
    ...ringOptions,
    words: true,
  }),
  row(
    'replicas',
    'replicas',
    integer(0, 16),
    'Members that hold each key; 0 = 3, or as the ring has it',
    ringOptions,
  ),
  row('position', 'position', text, 'Place on the ring: text, or 0x and hex', ringOptions),
  row('read-level', 'readLevel', level, 'Replicas that answer a read', ringOptions),
  row('write-level', 'writeLevel', level, 'Replicas that hold an acknowledged write', ringOptions),
  row('cluster-secret', 'clusterSecret', text, 'What members prove to each other', {
    ...ringOptions,
    secret: true,
  }),
  row('cluster-secret-file', 'clusterSecretFile', path, 'File with the secret', ringOptions),
  row(
    'evict-after-ms',
    'evictAfterMs',
    integer(1000, INT32_MAX),
    'Milliseconds after which a dead member is removed',
    ringOptions,
  ),
  row(
    'leave-timeout-ms',
    'leaveTimeoutMs',
    integer(0, INT32_MAX),
    'Milliseconds that a stop waits for the ring to take over, without dir; 0 = none',
    ringOptions,
  ),
];

const diskRows: readonly Row[] = [
  row('dir', 'dir', path, 'Folder to keep the entries in; empty = nothing is kept', {
    change: 'protected',
    help: 'main',
  }),
  row(
    'fsync',
    'fsync',
    oneOf(['everysec', 'always', 'no']),
    'When writes are synced: before they are acknowledged, every second, or by the system',
    { alias: 'appendfsync', help: 'main' },
  ),
  row(
    'stop-writes-on-bgsave-error',
    'stopWritesOnBgsaveError',
    yesNo,
    'Refuse writes while the disk takes none',
  ),
  derived(
    'appendonly',
    ({ dir }) => (dir === '' ? 'no' : 'yes'),
    `${NO_DISK}: it is yes where dir has been given before, and no without`,
    'Whether there is a dir',
  ),
  row('load-damaged', 'loadDamaged', yesNo, 'Start without what of the folder is damaged', {
    change: 'start',
  }),
  row(
    'auto-aof-rewrite-percentage',
    'autoAofRewritePercentage',
    smallCount,
    'Growth, in per cent, after which the log is written anew; 0 = only on BGREWRITEAOF',
  ),
  row(
    'auto-aof-rewrite-min-size',
    'autoAofRewriteMinSize',
    size,
    'A log shorter than this is not written anew by itself',
  ),
];

/** All rows, by name. */
export const registry: readonly Row[] = [
  ...networkRows,
  ...clientRows,
  ...keyspaceRows,
  ...observationRows,
  ...backgroundRows,
  ...encodingRows,
  ...ringRows,
  ...diskRows,
  ...fixedRows,
];

const rowsByName = new Map<string, Row>();
for (const each of registry) {
  for (const name of [each.name, each.alias]) if (name !== undefined) rowsByName.set(name, each);
}

/** Every name, aliases included, in alphabetical order. */
export const settingNames: readonly string[] = [...rowsByName.keys()].sort();

/** The row of a name in any case. */
export function findRow(name: string): Row | undefined {
  return rowsByName.get(name.toLowerCase());
}
