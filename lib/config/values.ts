/**
 * The current value of every setting, as plain fields that hot paths read without a call.
 *
 * Invariant: each field is written by exactly one row of the registry (`registry.ts`), which has
 * checked the value; whoever reads a field need not check it again. A field's initialiser is the
 * setting's default. Names are the redis.conf names in camelCase; bytes, ms and seconds are as in
 * Redis unless the name ends in a unit.
 *
 * Why fields and not a map by name: `settings.maxclients` costs one load, is typed, and a
 * misspelt name does not compile.
 */

/** Limits on what waits to be read by one class of clients; 0 = no limit. */
export interface OutputBufferLimit {
  readonly hardBytes: number;
  readonly softBytes: number;
  /** The soft limit closes the connection once it has been exceeded for so long. */
  readonly softSeconds: number;
}

export interface OutputBufferLimits {
  readonly normal: OutputBufferLimit;
  readonly replica: OutputBufferLimit;
  readonly pubsub: OutputBufferLimit;
}

export type LogLevel = 'debug' | 'verbose' | 'notice' | 'warning' | 'nothing';
export type DebugAccess = 'no' | 'yes' | 'local';
export type FsyncPolicy = 'everysec' | 'always' | 'no';
export type ConsistencyLevel = 'one' | 'two' | 'quorum' | 'all';
export type EvictionPolicy =
  | 'volatile-lru'
  | 'volatile-lfu'
  | 'volatile-random'
  | 'volatile-ttl'
  | 'allkeys-lru'
  | 'allkeys-lfu'
  | 'allkeys-random'
  | 'noeviction';

export class SettingValues {
  // Listening. `listenAddresses` (addresses.ts) turns `bind` into what the network understands.
  bind: readonly string[] = ['127.0.0.1'];
  /** 0 = no TCP listener. */
  port = 6379;
  /** Empty = no unix socket. */
  unixsocket = '';
  /** File mode of the socket; 0 = as the process's umask says. */
  unixsocketperm = 0;
  protectedMode = true;
  /** 0 = off, which is all that this version has. */
  httpPort = 0;
  /** 0 = off, which is all that this version has. */
  memcachedPort = 0;

  // Clients
  maxclients = 10_000;
  /** Seconds without a command after which a client is closed; 0 = never. */
  timeout = 0;
  /** Seconds; 0 = off. */
  tcpKeepalive = 300;
  /** Empty = no password. */
  requirepass = '';
  /** File whose first line is the password; whoever starts the node reads it. */
  requirepassFile = '';
  protoMaxBulkLen = 512 * 1024 * 1024;
  clientQueryBufferLimit = 1024 * 1024 * 1024;
  clientOutputBufferLimit: OutputBufferLimits = {
    normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
    replica: { hardBytes: 268_435_456, softBytes: 67_108_864, softSeconds: 60 },
    pubsub: { hardBytes: 33_554_432, softBytes: 8_388_608, softSeconds: 60 },
  };
  enableDebugCommand: DebugAccess = 'no';

  // Keyspace
  databases = 16;
  /** Bytes; 0 = no limit. */
  maxmemory = 0;
  maxmemoryPolicy: EvictionPolicy = 'noeviction';
  maxmemorySamples = 5;
  maxmemoryEvictionTenacity = 10;
  lfuLogFactor = 10;
  /** Minutes. */
  lfuDecayTime = 1;
  activeExpireEffort = 1;
  /** Event classes; empty = none. */
  notifyKeyspaceEvents = '';

  // Looking at the node
  /** Microseconds; below 0 = off, 0 = every command. */
  slowlogLogSlowerThan = 10_000;
  slowlogMaxLen = 128;
  /** Milliseconds; 0 = off. */
  latencyMonitorThreshold = 0;
  latencyTracking = true;
  latencyTrackingInfoPercentiles: readonly number[] = [50, 99, 99.9];
  loglevel: LogLevel = 'notice';
  acllogMaxLen = 128;

  // Work in the background
  hz = 10;
  dynamicHz = true;
  activerehashing = true;
  lazyfreeLazyEviction = false;
  lazyfreeLazyExpire = false;
  lazyfreeLazyServerDel = false;
  lazyfreeLazyUserDel = false;
  lazyfreeLazyUserFlush = false;
  replicaLazyFlush = false;
  jemallocBgThread = true;
  /** Seconds that a shutdown may wait. */
  shutdownTimeout = 10;
  setProcTitle = true;
  procTitleTemplate = '{title} {listen-addr} {server-mode}';

  // How values are described
  hashMaxListpackEntries = 512;
  hashMaxListpackValue = 64;
  listMaxListpackSize = -2;
  listCompressDepth = 0;
  setMaxIntsetEntries = 512;
  setMaxListpackEntries = 128;
  setMaxListpackValue = 64;
  zsetMaxListpackEntries = 128;
  zsetMaxListpackValue = 64;
  streamNodeMaxBytes = 4096;
  streamNodeMaxEntries = 100;
  hllSparseMaxBytes = 3000;

  // Scripts and client-side caching
  /** Milliseconds. */
  busyReplyThreshold = 5000;
  trackingTableMaxKeys = 1_000_000;

  // Time
  /** A stamp further ahead of this node's clock than this is refused. */
  clockSkewMaxMs = 500;

  // Disk
  /** Empty = nothing is kept. */
  dir = '';
  fsync: FsyncPolicy = 'everysec';
  /** Refuse writes while the disk takes none. */
  stopWritesOnBgsaveError = true;
  /** Load what is left of a damaged log. */
  loadDamaged = false;
  /** The log is written anew when it has grown by this much, per cent; 0 = never by itself. */
  autoAofRewritePercentage = 100;
  /** Bytes; a shorter log is not written anew by itself. */
  autoAofRewriteMinSize = 67_108_864;

  // Ring
  /** Empty = the first address that it listens on. */
  announce = '';
  join: readonly string[] = [];
  /** 0 = 3 in a new ring, otherwise as the ring has it. */
  replicas = 0;
  position = '';
  readLevel: ConsistencyLevel = 'quorum';
  writeLevel: ConsistencyLevel = 'quorum';
  clusterSecret = '';
  /** File whose first line is the secret; whoever starts the node reads it. */
  clusterSecretFile = '';
  evictAfterMs = 60_000;
  leaveTimeoutMs = 30_000;
}
