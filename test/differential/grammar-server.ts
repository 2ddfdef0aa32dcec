/**
 * The grammar of commands about the connection and the server. Left out is what would end the
 * comparison itself (SHUTDOWN, DEBUG SEGFAULT, killing the other connection, MONITOR, long pauses):
 * test/e2e tries these one by one.
 */
import {
  choice,
  integer,
  key,
  lit,
  type Make,
  opt,
  pick,
  type Row,
  rep,
  row,
  seq,
  value,
} from './makers.js';

/** Names whose metadata both servers have. */
const commandName: Make = pick(
  ...['get', 'SET', 'mget', 'mset', 'bitop', 'bitfield', 'copy', 'rename', 'object', 'scan'],
  ...['client', 'client|list', 'config|get', 'OBJECT|ENCODING', 'expire', 'lcs', 'exec', 'restore'],
  ...['nosuch', 'get|foo', 'client|nosuch', '', '|', 'append', 'swapdb', 'auth', 'debug', 'msetnx'],
);

const commandWithKeys: Make = choice(
  seq(lit('GET'), key),
  seq(lit('MGET'), rep(0, 3, key)),
  seq(lit('MSET'), rep(0, 4, key)),
  seq(lit('BITOP', 'AND'), rep(0, 3, key)),
  seq(lit('COPY'), rep(1, 3, key)),
  seq(lit('OBJECT', 'ENCODING'), key),
  seq(lit('SET'), rep(1, 3, key)),
  seq(lit('PING')),
  seq(lit('nosuch'), key),
  seq(lit('MEMORY', 'USAGE'), key),
  seq(lit('RENAME'), rep(1, 3, key)),
  seq(lit('BITFIELD'), key, lit('GET', 'u8', '0')),
);

const clientName: Make = pick('name', 'with space', '', 'new\nline', 'ünï', 'x'.repeat(100));

export const connectionRows: readonly Row[] = [
  row('PING', 6, opt(value, 0.3)),
  row('ECHO', 6, value),
  row('HELLO', 3, opt(pick('2', '3', '3', '2', '4', '1', 'x', '', '-1')), opt(helloOption(), 0.4)),
  row('AUTH', 3, rep(1, 3, pick('default', 'x', ''))),
  row('RESET', 2),
  row('QUIT', 1, opt(lit('x'), 0.2)),
  row('CLIENT', 2, lit('ID')),
  row('CLIENT', 2, lit('GETNAME')),
  row('CLIENT', 4, lit('SETNAME'), clientName),
  row('CLIENT', 2, lit('INFO')),
  row('CLIENT', 2, lit('LIST'), rep(0, 2, clientListOption())),
  row('CLIENT', 2, lit('KILL'), clientKillArguments()),
  row('CLIENT', 2, lit('NO-EVICT'), pick('ON', 'OFF', 'off', 'foo')),
  row(
    'CLIENT',
    1,
    lit('PAUSE'),
    pick('1', '0', '-1', 'x', '99999999999999999999'),
    opt(pauseMode()),
  ),
  row('CLIENT', 1, lit('UNPAUSE')),
  row('CLIENT', 2, lit('UNBLOCK'), integer, opt(pick('TIMEOUT', 'ERROR', 'foo'))),
  row('CLIENT', 1, lit('REPLY'), pick('ON', 'foo', '')),
  row('CLIENT', 2, pick('GETREDIR', 'foo', '', 'list|x')),
  row('ACL', 3, pick('WHOAMI', 'whoami', 'USERS', 'LIST')),
  row('ACL', 2, lit('GETUSER'), pick('default', 'nosuch', '')),
  row('ACL', 2, lit('CAT'), opt(pick('string', 'nosuch', 'bitmap', 'keyspace', ''))),
  row(
    'ACL',
    2,
    lit('LOG'),
    opt(pick('1', '0', '-1', '2', 'x', 'RESET', 'reset', '9223372036854775808')),
  ),
  row('ACL', 1, pick('foo', '')),
];

function helloOption(): Make {
  return choice(
    lit('AUTH', 'default', 'x'),
    seq(lit('SETNAME'), clientName),
    lit('AUTH', 'default'),
    lit('foo'),
  );
}

function clientListOption(): Make {
  return choice(
    seq(lit('TYPE'), pick('normal', 'pubsub', 'replica', 'master', 'foo')),
    seq(lit('ID'), rep(0, 2, pick('999999999', '0', 'x', '-1'))),
    lit('foo'),
  );
}

function clientKillArguments(): Make {
  return choice(
    pick('127.0.0.1:1', 'foo', ''),
    seq(lit('ID'), pick('999999999', 'x', '-1', '0')),
    seq(lit('ADDR'), pick('127.0.0.1:1', 'foo')),
    seq(lit('LADDR'), pick('127.0.0.1:1', 'foo')),
    seq(lit('USER'), pick('nosuch', '')),
    seq(lit('TYPE'), pick('pubsub', 'foo')),
    seq(lit('ID', '999999999', 'SKIPME'), pick('yes', 'no', 'foo')),
    seq(lit('foo', 'bar')),
  );
}

function pauseMode(): Make {
  return pick('ALL', 'WRITE', 'foo');
}

/** Settings that both know, and values that leave the comparison going. */
const settings: readonly (readonly [name: string, ...values: string[]])[] = [
  ['maxmemory', '0', '1gb', '2000000000', '-1', 'x', '1000mb', '3000000kb', '1.5gb'],
  ['maxmemory-policy', 'noeviction', 'allkeys-lru', 'volatile-ttl', 'allkeys-lfu', 'foo'],
  ['timeout', '0', '1000', '-1', 'x'],
  ['tcp-keepalive', '300', '0', '-1', 'x'],
  ['slowlog-log-slower-than', '10000', '-1', '1000000', 'x'],
  ['slowlog-max-len', '128', '10', '-1', 'x'],
  ['latency-monitor-threshold', '0', '100', '-1', 'x'],
  ['lfu-log-factor', '10', '1', '-1', 'x'],
  ['lfu-decay-time', '1', '0', '-1', 'x'],
  ['maxmemory-samples', '5', '10', '0', 'x'],
  ['proto-max-bulk-len', '536870912', '1048576', '1mb', '512mb', '0', 'x'],
  ['databases', '16', '4'],
  ['port', 'x'],
  ['nosuch', '1'],
];

const setting: Make = ({ random }) => {
  const [name, ...values] = random.pick(settings);
  return [Buffer.from(name), Buffer.from(random.pick(values))];
};

const settingPattern: Make = pick(
  ...['maxmemory', 'maxmemory*', 'slowlog-*', 'timeout', 'TIMEOUT', 'lfu*', 'nosuch', 'databases'],
  ...['proto-max-bulk-len', 'tcp-keepalive', 'maxmemory-[ps]*', 'latency-monitor-threshold', ''],
);

export const serverRows: readonly Row[] = [
  row('CONFIG', 5, lit('GET'), rep(1, 2, settingPattern)),
  row('CONFIG', 5, lit('SET'), rep(1, 2, setting)),
  row('CONFIG', 1, lit('RESETSTAT')),
  row('CONFIG', 1, pick('REWRITE', 'foo', '', 'HELP', 'GET', 'SET')),
  row('COMMAND', 3, lit('INFO'), rep(1, 3, commandName)),
  row('COMMAND', 2, lit('DOCS'), rep(1, 2, commandName)),
  row('COMMAND', 4, pick('GETKEYS', 'GETKEYSANDFLAGS'), commandWithKeys),
  row('COMMAND', 1, pick('COUNT', 'LIST', 'foo', 'HELP')),
  row(
    'COMMAND',
    2,
    lit('LIST', 'FILTERBY'),
    choice(
      seq(lit('PATTERN'), pick('bit*', 'get*', 'x*', '*set*')),
      seq(lit('ACLCAT'), pick('string', 'nosuch', 'bitmap')),
      seq(lit('MODULE'), pick('nosuch')),
      pick('foo', ''),
    ),
  ),
  row(
    'INFO',
    2,
    rep(0, 2, pick('server', 'keyspace', 'nosuch', 'all', 'everything', 'clients', 'stats')),
  ),
  row('MEMORY', 3, lit('USAGE'), key, opt(seq(pick('SAMPLES', 'foo'), integer))),
  row('MEMORY', 1, pick('DOCTOR', 'STATS', 'PURGE', 'HELP', 'foo')),
  row('SLOWLOG', 2, pick('LEN', 'RESET', 'HELP', 'foo')),
  row('SLOWLOG', 1, lit('GET'), opt(pick('0', '-1', '-2', 'x'))),
  row('LATENCY', 2, pick('LATEST', 'RESET', 'DOCTOR', 'HELP', 'foo')),
  row('LATENCY', 2, pick('HISTORY', 'GRAPH', 'RESET'), pick('command', 'nosuch')),
  row('LATENCY', 1, lit('HISTOGRAM'), rep(0, 2, pick('nosuch', 'get'))),
  row('DEBUG', 2, lit('SLEEP'), pick('0', '0.001', 'x', '')),
  row('DEBUG', 2, lit('OBJECT'), key),
  row('DEBUG', 1, lit('DIGEST')),
  row('DEBUG', 2, lit('DIGEST-VALUE'), rep(0, 2, key)),
  row(
    'DEBUG',
    2,
    lit('PROTOCOL'),
    pick(
      ...['string', 'integer', 'double', 'null', 'array', 'set', 'map', 'attrib', 'verbatim'],
      ...['true', 'false', 'bignum', 'push', 'foo'],
    ),
  ),
  row('DEBUG', 1, lit('ERROR'), pick('ERR x', 'x', 'WRONGTYPE some', '')),
  row('DEBUG', 1, lit('SET-ACTIVE-EXPIRE'), pick('1', '1', 'x')),
  row('DEBUG', 1, pick('foo', '')),
  row('LOLWUT', 1, opt(pick('VERSION', 'foo')), opt(pick('5', '6', '1', 'x'))),
  row('TIME', 2),
  row('ROLE', 1),
  row('LASTSAVE', 1),
  row('MODULE', 1, pick('LIST', 'HELP', 'foo')),
  row('SHUTDOWN', 1, pick('foo', 'ABORT', 'NOSAVE SAVE')),
  row('nosuch', 3, rep(0, 3, value)),
  row('', 1),
  row('GET\0', 1, key),
  row('get|x', 1, key),
  row('x'.repeat(200), 1, rep(0, 2, value)),
];
