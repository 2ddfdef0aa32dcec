/** The grammar of commands on collections: hashes, lists. */
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
  subKey,
  value,
} from './makers.js';

const scanOption: Make = choice(
  seq(lit('MATCH'), pattern),
  seq(lit('COUNT'), pick('1', '2', '10', '1000', '0', '-1', 'x', '9223372036854775807')),
  seq(lit('TYPE'), pick('hash')),
);

/** Not one that names a place: what it gives depends on the server. */
const cursor: Make = pick('0', '0', '0', '0', '00', 'x', '', '1.5', '99999999999999999999999');

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
];
