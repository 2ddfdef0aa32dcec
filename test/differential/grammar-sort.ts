/**
 * The grammar of SORT. On the key `queue`, which is a list alone, the order of what is equal is that
 * of the list, and any options may meet; elsewhere nothing is stored whose order is by chance.
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

const queue: Make = lit('queue');

/** Numbers, names of keys and what makes names of keys. */
const element: Make = choice(
  pick('1', '2', '3', '10', '-1', '2', '1', '0'),
  pick('1', '2', 'a', 'b', 'c', 'num', 'A'),
  pick('', ' 1', '1 ', '+5', '0x10', 'inf', '-inf', 'nan', '1e400', '1\0x', '\0', '1.50'),
  value,
);
const number: Make = pick('1', '2', '3', '10', '-1', '2', '1', '0', '1.5', '1e3', '007', '-0');

/** Of keys that there are: `key:1`, `a`, hashes among them. */
const pattern: Make = pick(
  ...['key:*', 'key:*', '*', '*', 'key:*->f', '*->field:1', '*->7', '*->f'],
  ...['*->', '*->\0', 'nosuch*', 'k*y', '\0*', '*\0->f', '#', '', 'b'],
);
const unsorted: Make = pick('nosort', 'nosort', '', '#', 'key:1', 'nul\0*');

const limit: Make = seq(
  lit('LIMIT'),
  choice(pick('0', '0', '1', '2', '5', '-1', '100'), integer),
  choice(pick('0', '1', '2', '3', '100', '-1'), integer),
);
const direction: Make = opt(pick('ASC', 'DESC', 'desc'), 0.6);
const get: Make = rep(0, 3, seq(lit('GET'), choice(pattern, lit('#'))));
const by: Make = choice(seq(lit('BY'), pattern), seq(lit('BY'), unsorted), seq(lit('BY'), pattern));
const store: Make = seq(lit('STORE'), choice(key, queue));
const odd: Make = opt(pick('BY', 'GET', 'LIMIT', 'STORE', 'foo', 'ALPHA'), 0.03);

const anything: Make = seq(
  opt(by, 0.6),
  opt(limit, 0.4),
  get,
  direction,
  opt(lit('ALPHA'), 0.5),
  odd,
);

export const sortRows: readonly Row[] = [
  row('RPUSH', 40, queue, rep(1, 6, element)),
  row('LPUSH', 20, queue, rep(1, 6, number)),
  row('LTRIM', 3, queue, pick('0', '2'), pick('-1', '3', '12')),
  row('DEL', 6, queue),
  row('RPUSH', 6, queue, rep(40, 90, number)),
  row('SET', 20, pick('key:1', 'key:2', 'a', 'b', 'num'), choice(number, element)),
  row('HSET', 15, pick('a', 'b', 'key:1'), pick('f', 'field:1', '7'), choice(number, element)),
  row('SADD', 10, key, rep(1, 6, number)),
  row('ZADD', 10, key, rep(1, 4, seq(number, number))),
  row('RPUSH', 10, key, rep(1, 6, number)),
  row('SORT', 60, queue, anything),
  row('SORT', 20, queue, anything, store),
  row('SORT', 30, key, anything),
  row('SORT', 15, key, opt(limit, 0.3), direction, opt(lit('ALPHA')), opt(get, 0.3), store),
  row('SORT', 8, key, lit('BY'), pattern, opt(limit, 0.3), direction, store),
  row('SORT_RO', 15, choice(key, queue), anything),
  row('SORT_RO', 3, key, opt(store)),
];
