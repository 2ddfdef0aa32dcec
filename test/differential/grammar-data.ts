/**
 * The grammar of commands on data: strings, bits, expiry, keys, transactions. What each row makes
 * is mostly right; `program.ts` spoils some of it afterwards. Collections have a file of their own;
 * all types share the keys of values.ts, so that commands meet keys of the wrong type.
 */
import {
  absoluteTime,
  bit,
  choice,
  float,
  integer,
  key,
  lit,
  type Make,
  offset,
  opt,
  pattern,
  payload,
  pick,
  type Row,
  relativeTime,
  rep,
  row,
  seq,
  value,
} from './makers.js';

const expiry: Make = choice(
  seq(lit('EX'), relativeTime(1000)),
  seq(lit('PX'), relativeTime(1)),
  seq(lit('EXAT'), absoluteTime(1000)),
  seq(lit('PXAT'), absoluteTime(1)),
);

const setOptions: Make = rep(
  0,
  3,
  choice(pick('NX', 'XX', 'nx', 'xX'), lit('GET'), lit('KEEPTTL'), expiry),
);

const bitType: Make = pick(
  ...['u1', 'u8', 'i8', 'u16', 'i16', 'i32', 'u63', 'i64', 'u5', 'i13', 'U8', 'I8'],
  ...['u64', 'i65', 'u0', 'i0', 'x8', 'u', 'u08', 'u-1', ''],
);

const bitOffset: Make = choice(
  offset,
  pick('#0', '#1', '#2', '#7', '#', '#-1', '#x', '#9223372036854775807', '#536870911'),
);

const bitfieldGet: Make = seq(lit('GET'), bitType, bitOffset);

const bitfieldOperation: Make = choice(
  bitfieldGet,
  seq(lit('SET'), bitType, bitOffset, integer),
  seq(lit('INCRBY'), bitType, bitOffset, integer),
  seq(lit('OVERFLOW'), pick('WRAP', 'SAT', 'FAIL', 'wrap', 'sat', 'fail', 'foo')),
);

const bitUnit: Make = opt(pick('BIT', 'BYTE', 'bit', 'foo'), 0.4);

export const stringRows: readonly Row[] = [
  row('SET', 60, key, value, setOptions),
  row('SET', 60, key, value),
  row('GET', 40, key),
  row('GETDEL', 8, key),
  row('GETEX', 15, key, opt(choice(expiry, lit('PERSIST')), 0.8), opt(lit('PERSIST'), 0.1)),
  row('GETSET', 8, key, value),
  row('SETNX', 8, key, value),
  row('SETEX', 8, key, relativeTime(1000), value),
  row('PSETEX', 8, key, relativeTime(1), value),
  row('MSET', 10, rep(1, 4, seq(key, value))),
  row('MSETNX', 8, rep(1, 3, seq(key, value))),
  row('MGET', 10, rep(1, 5, key)),
  row('INCR', 20, key),
  row('DECR', 15, key),
  row('INCRBY', 20, key, integer),
  row('DECRBY', 15, key, integer),
  row('INCRBYFLOAT', 25, key, float),
  row('APPEND', 20, key, value),
  row('STRLEN', 12, key),
  row('SETRANGE', 20, key, offset, value),
  row('GETRANGE', 20, key, integer, integer),
  row('SUBSTR', 6, key, integer, integer),
  row('LCS', 20, key, key, rep(0, 4, lcsOption())),
];

function lcsOption(): Make {
  return choice(lit('LEN'), lit('IDX'), lit('WITHMATCHLEN'), seq(lit('MINMATCHLEN'), integer));
}

export const bitRows: readonly Row[] = [
  row('SETBIT', 25, key, offset, bit),
  row('GETBIT', 15, key, offset),
  row('BITCOUNT', 20, key, opt(seq(integer, integer, bitUnit), 0.7)),
  row('BITPOS', 25, key, bit, opt(seq(integer, opt(seq(integer, bitUnit))), 0.8)),
  row('BITOP', 20, pick('AND', 'OR', 'XOR', 'not', 'foo'), key, rep(1, 3, key)),
  row('BITOP', 6, lit('NOT'), key, key),
  row('BITFIELD', 30, key, rep(0, 4, bitfieldOperation)),
  row('BITFIELD_RO', 10, key, rep(0, 3, bitfieldGet)),
  row('BITFIELD_RO', 3, key, rep(0, 3, bitfieldOperation)),
];

/** So many that a HyperLogLog becomes dense, with its limit as in target.ts. */
const manyElements: Make = ({ random }) =>
  Array.from({ length: 150 }, () => Buffer.from(`${random.below(100_000)}`));

export const hyperLogLogRows: readonly Row[] = [
  row('PFADD', 40, key, rep(0, 4, value)),
  row('PFADD', 6, key, manyElements),
  row('PFCOUNT', 25, key),
  row('PFCOUNT', 12, rep(1, 4, key)),
  row('PFMERGE', 20, key, rep(0, 3, key)),
  row('PFDEBUG', 6, pick('GETREG', 'decode', 'ENCODING', 'TODENSE', 'foo'), key),
  row('GET', 10, key),
  row('DEL', 4, key),
];

const expireOption: Make = rep(0, 2, pick('NX', 'XX', 'GT', 'LT', 'gt', 'foo'));

export const expiryRows: readonly Row[] = [
  row('EXPIRE', 15, key, relativeTime(1000), opt(expireOption)),
  row('PEXPIRE', 15, key, relativeTime(1), opt(expireOption)),
  row('EXPIREAT', 20, key, absoluteTime(1000), opt(expireOption)),
  row('PEXPIREAT', 20, key, absoluteTime(1), opt(expireOption)),
  row('TTL', 12, key),
  row('PTTL', 12, key),
  row('EXPIRETIME', 12, key),
  row('PEXPIRETIME', 12, key),
  row('PERSIST', 12, key),
];

const database: Make = choice(pick('0', '1', '2', '15'), pick('16', '-1', 'x', '', '1.0'));
const scanOption: Make = choice(
  seq(lit('MATCH'), pattern),
  seq(lit('COUNT'), pick('1', '2', '10', '1000', '0', '-1', 'x', '9223372036854775807')),
  seq(lit('TYPE'), pick('string', 'STRING', 'list', 'hash', 'foo')),
);
const restoreOption: Make = choice(
  lit('REPLACE'),
  lit('ABSTTL'),
  seq(lit('IDLETIME'), pick('0', '100', '-1', 'x')),
  seq(lit('FREQ'), pick('0', '5', '255', '256', '-1', 'x')),
  lit('foo'),
);

export const keyRows: readonly Row[] = [
  row('DEL', 15, rep(1, 3, key)),
  row('UNLINK', 8, rep(1, 3, key)),
  row('EXISTS', 10, rep(1, 4, key)),
  row('TOUCH', 6, rep(1, 3, key)),
  row('TYPE', 8, key),
  row('RENAME', 12, key, key),
  row('RENAMENX', 10, key, key),
  row('COPY', 15, key, key, rep(0, 2, choice(lit('REPLACE'), seq(lit('DB'), database)))),
  row('DUMP', 10, key),
  row('RESTORE', 12, key, restoreTime(), payload, rep(0, 2, restoreOption)),
  row('RANDOMKEY', 4),
  row('KEYS', 8, pattern),
  row('SCAN', 6, scanCursor(), rep(0, 2, scanOption)),
  row('MOVE', 10, key, database),
  row('SWAPDB', 4, database, database),
  row('SELECT', 6, database),
  row('DBSIZE', 6),
  row('FLUSHDB', 1, opt(pick('ASYNC', 'SYNC', 'sync', 'foo'))),
  row('FLUSHALL', 1, opt(pick('ASYNC', 'SYNC', 'sync', 'foo'))),
  row('OBJECT', 15, pick('ENCODING', 'encoding', 'REFCOUNT'), key),
  row('OBJECT', 5, pick('FREQ', 'IDLETIME'), key),
  row('OBJECT', 2, pick('HELP', 'foo', 'ENCODING', '')),
];

/** Start, or nonsense: what a cursor in between gives depends on the server's hash seed. */
function scanCursor(): Make {
  return pick('0', '00', 'x', '', '1.5', '99999999999999999999999');
}

function restoreTime(): Make {
  return choice(lit('0'), lit('0'), absoluteTime(1));
}

export const transactionRows: readonly Row[] = [
  row('MULTI', 22),
  row('EXEC', 22),
  row('DISCARD', 3),
  row('WATCH', 12, rep(1, 2, key)),
  row('UNWATCH', 2),
];
