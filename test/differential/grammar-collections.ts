/** The grammar of commands on collections: hashes, sets, lists. */
import {
  choice,
  float,
  integer,
  key,
  lit,
  type Make,
  opt,
  pattern,
  pick,
  type Row,
  rep,
  row,
  seq,
  soonOver,
  subKey,
  value,
} from './makers.js';

const scanOption: Make = choice(
  seq(lit('MATCH'), pattern),
  seq(lit('COUNT'), pick('1', '2', '10', '1000', '0', '-1', 'x', '9223372036854775807')),
  seq(lit('TYPE'), pick('hash', 'set')),
);

/** Not one that names a place: what it gives depends on the server. */
const cursor: Make = pick(
  ...['0', '0', '0', '0', '00', 'x', '', '1.5', '+', '+0', '-0'],
  '18446744073709551616',
);

/** So many that no more than the whole collection comes is 0 or far above its size. */
const count: Make = pick('1', '2', '3', '5', '1000', '0', '-1', '-3', '-10', 'x', '', '1.5');

export const hashRows: readonly Row[] = [
  row('HSET', 60, key, rep(1, 4, seq(subKey, value))),
  row('HMSET', 10, key, rep(1, 3, seq(subKey, value))),
  row('HSETNX', 12, key, subKey, value),
  row('HGET', 20, key, subKey),
  row('HMGET', 10, key, rep(1, 5, subKey)),
  row('HGETALL', 12, key),
  row('HKEYS', 8, key),
  row('HVALS', 8, key),
  row('HLEN', 10, key),
  row('HSTRLEN', 10, key, subKey),
  row('HEXISTS', 10, key, subKey),
  row('HDEL', 25, key, rep(1, 4, subKey)),
  row('HINCRBY', 25, key, subKey, integer),
  row('HINCRBYFLOAT', 25, key, subKey, float),
  row('HRANDFIELD', 12, key, opt(seq(count, opt(lit('WITHVALUES')))), opt(lit('foo'), 0.05)),
  row('HSCAN', 12, key, cursor, rep(0, 2, scanOption)),
];

const member = choice(subKey, subKey, pick('1', '2', '3', '-7', '40000', '9223372036854775807'));

/** Several that are likely to be sets of much the same members. */
const keys: Make = rep(1, 4, key);

const limit: Make = seq(lit('LIMIT'), pick('0', '1', '2', '100', '-1', 'x', '', '1.5'));

export const setRows: readonly Row[] = [
  row('SADD', 80, key, rep(1, 5, member)),
  row('SREM', 25, key, rep(1, 4, member)),
  row('SCARD', 10, key),
  row('SISMEMBER', 12, key, member),
  row('SMISMEMBER', 10, key, rep(1, 4, member)),
  row('SMEMBERS', 15, key),
  row('SMOVE', 20, key, key, member),
  // Of fewer than all nobody knows which are left.
  row('SPOP', 12, key, pick('0', '1000', '-1', 'x', '', '1.5', '9223372036854775808')),
  row('SRANDMEMBER', 12, key, opt(count)),
  row('SINTER', 15, keys),
  row('SUNION', 15, keys),
  row('SDIFF', 15, keys),
  row('SINTERCARD', 15, pick('1', '2', '2', '3', '0', '-1', 'x', ''), keys, opt(limit)),
  row('SINTERSTORE', 15, key, keys),
  row('SUNIONSTORE', 15, key, keys),
  row('SDIFFSTORE', 15, key, keys),
  row('SSCAN', 12, key, cursor, rep(0, 2, scanOption)),
];

const end: Make = pick('LEFT', 'RIGHT', 'left', 'Right');
const index: Make = pick('0', '0', '1', '2', '3', '-1', '-1', '-2', '-3', '7', '100', '-100');
const anyIndex: Make = choice(index, index, index, integer);
/** Few, so that elements are found by their value. */
const element: Make = choice(pick('x', 'y', 'z', '1', '2', ''), pick('x', 'y'), value);
const popCount: Make = choice(pick('0', '1', '2', '3', '100', '-1'), integer);
const positionOption: Make = choice(
  seq(lit('RANK'), choice(pick('1', '2', '-1', '-2', '0'), integer)),
  seq(lit('COUNT'), choice(pick('0', '1', '2', '-1'), integer)),
  seq(lit('MAXLEN'), choice(pick('0', '1', '3', '-1'), integer)),
);

export const listRows: readonly Row[] = [
  row('LPUSH', 30, key, rep(1, 5, element)),
  row('RPUSH', 40, key, rep(1, 5, element)),
  row('LPUSHX', 8, key, rep(1, 3, element)),
  row('RPUSHX', 8, key, rep(1, 3, element)),
  row('LPOP', 10, key, opt(popCount, 0.4)),
  row('RPOP', 10, key, opt(popCount, 0.4)),
  row('LMPOP', 8, choice(seq(lit('2'), key, key), seq(pick('1', '1', '0', '3'), key)), end),
  row('LMPOP', 6, lit('2'), key, key, end, lit('COUNT'), popCount),
  row('LLEN', 10, key),
  row('LINDEX', 15, key, anyIndex),
  row('LRANGE', 20, key, anyIndex, anyIndex),
  row('LSET', 15, key, anyIndex, element),
  row('LTRIM', 6, key, anyIndex, anyIndex),
  row('LINSERT', 25, key, pick('BEFORE', 'AFTER', 'after'), element, element),
  row('LREM', 12, key, choice(pick('0', '1', '-1', '2', '-2'), integer), element),
  row('LPOS', 15, key, element, rep(0, 3, positionOption)),
  row('LMOVE', 15, key, key, end, end),
  row('RPOPLPUSH', 10, key, key),
  row('BLPOP', 2, rep(1, 3, key), soonOver),
  row('BRPOP', 2, rep(1, 3, key), soonOver),
  row('BLMPOP', 2, soonOver, lit('2'), key, key, end, opt(seq(lit('COUNT'), popCount))),
  row('BLMOVE', 2, key, key, end, end, soonOver),
  row('BRPOPLPUSH', 2, key, key, soonOver),
];
