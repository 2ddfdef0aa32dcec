/**
 * Redis's settings that can have only one value here: tools read them, and files written for Redis
 * name them. Each is shown at what is true in this version and refuses everything else, with why.
 *
 * Invariant: nothing reads them; a setting whose feature gets built moves to `registry.ts`.
 */

import { fixed, type Row } from './row.js';

export const NO_DISK =
  'dhash keeps entries on disk with dir and fsync (appendfsync), not with this';
const NO_REPLICATION =
  'replication as in Redis does not exist here: members of a ring replicate to each other';
const NO_CLUSTER = 'Redis Cluster does not exist here: a ring of nodes needs no slots (--join)';
const NO_TLS = 'TLS is not built yet in this version';
const NO_SCRIPTS = 'scripts are not built yet in this version';
const NO_MESSAGES = 'publish and subscribe are not built yet in this version';
const NO_MODULES = 'there are no modules';
const NO_ACL_FILES = 'there is one user, default: give its password as requirepass';
const NO_DEFRAG = 'the tree reuses its memory by itself';
const NO_THREADS = 'one thread serves all clients';
const NO_DAEMON = 'dhash stays in the foreground: use a service manager, or & in a shell';
const NO_LOGFILE = 'the log goes to the standard output: redirect it';
const NO_SYSLOG = 'the log goes to the standard output: pipe it';
const NO_SYSTEM = 'dhash leaves this to the operating system';
const NO_CRASH_LOG = 'Node reports a crash by itself';
const NO_CLIENT_EVICTION = 'limit clients with client-output-buffer-limit';
const NO_SAVE_ON_EXIT = 'with dir, everything is on disk when a stop ends';

/** Name, value, and whether it is given at the start only or is protected. */
type FixedLine = readonly [name: string, value: string, change?: 'start' | 'protected'];

function group(pending: string, lines: readonly FixedLine[]): Row[] {
  return lines.map(([name, value, change]) =>
    fixed(name, value, pending, {
      change: change ?? 'runtime',
      words: value === '' || value.includes(' '),
    }),
  );
}

const diskRows = group(NO_DISK, [
  ['save', ''],
  ['appendfilename', 'appendonly.aof', 'start'],
  ['appenddirname', 'appendonlydir', 'start'],
  ['aof-load-truncated', 'yes'],
  ['aof-use-rdb-preamble', 'yes'],
  ['aof-timestamp-enabled', 'no'],
  ['aof-disable-auto-gc', 'no'],
  ['aof-rewrite-incremental-fsync', 'yes'],
  ['no-appendfsync-on-rewrite', 'no'],
  ['dbfilename', 'dump.rdb', 'protected'],
  ['rdbcompression', 'yes'],
  ['rdbchecksum', 'yes', 'start'],
  ['rdb-save-incremental-fsync', 'yes'],
  ['rdb-del-sync-files', 'no'],
  ['sanitize-dump-payload', 'no'],
]);

const replicationRows = group(NO_REPLICATION, [
  ['replicaof', '', 'start'],
  ['slaveof', '', 'start'],
  ['masteruser', ''],
  ['masterauth', ''],
  ['replica-announced', 'yes'],
  ['replica-ignore-disk-write-errors', 'no'],
  ['repl-diskless-load', 'disabled'],
  ['repl-diskless-sync', 'yes'],
  ['repl-diskless-sync-delay', '5'],
  ['repl-diskless-sync-max-replicas', '0'],
  ['repl-disable-tcp-nodelay', 'no'],
  ['repl-backlog-size', '1048576'],
  ['repl-backlog-ttl', '3600'],
  ['repl-timeout', '60'],
  ['propagation-error-behavior', 'ignore'],
  ...['replica', 'slave'].flatMap((role): FixedLine[] => [
    [`${role}-announce-ip`, ''],
    [`${role}-announce-port`, '0'],
    [`${role}-ignore-maxmemory`, 'yes'],
    [`${role}-priority`, '100'],
    [`${role}-read-only`, 'yes'],
    [`${role}-serve-stale-data`, 'yes'],
    [`repl-ping-${role}-period`, '10'],
    [`min-${role}s-to-write`, '0'],
    [`min-${role}s-max-lag`, '10'],
  ]),
]);

const clusterRows = group(NO_CLUSTER, [
  ['cluster-enabled', 'no', 'start'],
  ['cluster-config-file', 'nodes.conf', 'start'],
  ['cluster-port', '0', 'start'],
  ['cluster-node-timeout', '15000'],
  ['cluster-announce-ip', ''],
  ['cluster-announce-hostname', ''],
  ['cluster-announce-port', '0'],
  ['cluster-announce-tls-port', '0'],
  ['cluster-announce-bus-port', '0'],
  ['cluster-allow-reads-when-down', 'no'],
  ['cluster-allow-pubsubshard-when-down', 'yes'],
  ['cluster-allow-replica-migration', 'yes'],
  ['cluster-link-sendbuf-limit', '0'],
  ['cluster-migration-barrier', '1'],
  ['cluster-preferred-endpoint-type', 'ip'],
  ['cluster-require-full-coverage', 'yes'],
  ...['replica', 'slave'].flatMap((role): FixedLine[] => [
    [`cluster-${role}-no-failover`, 'no'],
    [`cluster-${role}-validity-factor`, '10'],
  ]),
]);

const tlsRows = group(NO_TLS, [
  ['tls-port', '0'],
  ['tls-auth-clients', 'yes'],
  ['tls-ca-cert-dir', ''],
  ['tls-ca-cert-file', ''],
  ['tls-cert-file', ''],
  ['tls-ciphers', ''],
  ['tls-ciphersuites', ''],
  ['tls-client-cert-file', ''],
  ['tls-client-key-file', ''],
  ['tls-client-key-file-pass', ''],
  ['tls-cluster', 'no'],
  ['tls-dh-params-file', ''],
  ['tls-key-file', ''],
  ['tls-key-file-pass', ''],
  ['tls-prefer-server-ciphers', 'no'],
  ['tls-protocols', ''],
  ['tls-replication', 'no'],
  ['tls-session-cache-size', '20480'],
  ['tls-session-cache-timeout', '300'],
  ['tls-session-caching', 'yes'],
]);

const processRows = [
  ...group(NO_DAEMON, [
    ['daemonize', 'no', 'start'],
    ['supervised', 'no', 'start'],
    ['pidfile', '', 'start'],
  ]),
  ...group(NO_LOGFILE, [
    ['logfile', '', 'start'],
    ['always-show-logo', 'no', 'start'],
    ['ignore-warnings', ''],
  ]),
  ...group(NO_SYSLOG, [
    ['syslog-enabled', 'no', 'start'],
    ['syslog-ident', 'redis', 'start'],
    ['syslog-facility', 'local0', 'start'],
  ]),
  ...group(NO_SYSTEM, [
    ['aof_rewrite_cpulist', '', 'start'],
    ['bgsave_cpulist', '', 'start'],
    ['bio_cpulist', '', 'start'],
    ['server_cpulist', '', 'start'],
    ['disable-thp', 'yes', 'start'],
    ['oom-score-adj', 'no'],
    ['oom-score-adj-values', '0 200 800'],
    ['socket-mark-id', '0', 'start'],
    ['bind-source-addr', ''],
    ['tcp-backlog', '511', 'start'],
  ]),
  ...group(NO_CRASH_LOG, [
    ['crash-log-enabled', 'yes'],
    ['crash-memcheck-enabled', 'yes'],
  ]),
  ...group(NO_SAVE_ON_EXIT, [
    ['shutdown-on-sigint', 'default'],
    ['shutdown-on-sigterm', 'default'],
  ]),
  ...group(NO_THREADS, [
    ['io-threads', '1', 'start'],
    ['io-threads-do-reads', 'no', 'start'],
  ]),
];

const otherRows = [
  ...group(NO_ACL_FILES, [['aclfile', '', 'start']]),
  ...group(NO_MESSAGES, [['acl-pubsub-default', 'resetchannels']]),
  ...group(NO_MODULES, [
    ['enable-module-command', 'no', 'start'],
    ['enable-protected-configs', 'no', 'start'],
  ]),
  ...group(NO_CLIENT_EVICTION, [['maxmemory-clients', '0']]),
  ...group(NO_DEFRAG, [
    ['activedefrag', 'no'],
    ['active-defrag-cycle-max', '25'],
    ['active-defrag-cycle-min', '1'],
    ['active-defrag-ignore-bytes', '104857600'],
    ['active-defrag-max-scan-fields', '1000'],
    ['active-defrag-threshold-lower', '10'],
    ['active-defrag-threshold-upper', '100'],
  ]),
];

export const fixedRows: readonly Row[] = [
  ...diskRows,
  ...replicationRows,
  ...clusterRows,
  ...tlsRows,
  ...processRows,
  ...otherRows,
];

/** Directives of Redis that are no settings with a value, and why they are refused. */
export const refusedDirectives: ReadonlyMap<string, string> = new Map([
  ['include', 'put everything into one file, or give flags and DHASH_ variables on top of it'],
  ['rename-command', 'commands cannot be renamed'],
  ['user', NO_ACL_FILES],
  ['loadmodule', NO_MODULES],
  ['lua-replicate-commands', NO_SCRIPTS],
  ['sentinel', 'there is no Sentinel: a ring elects by itself'],
]);
