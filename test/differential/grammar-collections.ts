/** The grammar of commands on collections: hashes. */
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
