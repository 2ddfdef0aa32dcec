/** The grammar of commands on sorted sets. */
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
} from './makers.js';

/** Mostly a few, so that members meet on one score. */
const score: Make = choice(
  pick('0', '1', '2', '3', '-1', '1.5'),
  pick('1', '2', '0.1', '-inf', '+inf', '1e20', '3.3333333333333335'),
  pick('1', '2', '3', 'nan', '', 'x', '1e400'),
  float,
);

/** A key on which all members have one score, so that it is told what a range by member gives. */
const even: Make = pick('even');

const scoreBound: Make = choice(
  pick('-inf', '+inf', '0', '1', '2', '(1', '(2', '3'),
  pick('-inf', 'inf', '(-inf', '(+inf', '1.5', '(0.1'),
  pick('', '(', ' 1', '1 ', '(x', 'nan', '((1', '1e999', '0x2', '[1'),
  float,
);

const memberBound: Make = choice(
  pick('-', '+', '[a', '(a', '[f', '(g', '[h'),
  pick('-', '+', '[', '(', '[field:1', '(field:2', '[7'),
  pick('', 'a', '-x', '+x', '1', '[\0', '[\xff', '(\0\xff\xfe'),
);

const rank: Make = choice(pick('0', '1', '2', '5', '-1', '-2', '-5', '100', '-100'), integer);

const limit: Make = seq(
  lit('LIMIT'),
  pick('0', '0', '1', '2', '10', '-1', 'x', '9223372036854775807'),
  pick('1', '2', '5', '100', '0', '-1', '-2', 'x'),
);

const withScores: Make = opt(lit('WITHSCORES'), 0.4);
const odd: Make = opt(pick('REV', 'WITHSCORES', 'LIMIT', 'BYSCORE', 'BYLEX', 'foo'), 0.04);

const rangeOptions: Make = seq(opt(lit('REV'), 0.4), withScores, opt(limit, 0.1), odd);

const rangeByScore: Make = choice(
  seq(scoreBound, scoreBound, lit('BYSCORE'), opt(limit, 0.3), rangeOptions),
  seq(lit('-inf', '+inf', 'BYSCORE'), opt(limit, 0.4), rangeOptions),
  seq(lit('+inf', '-inf', 'BYSCORE', 'REV'), opt(limit, 0.4), withScores),
);

const rangeByMember: Make = choice(
  seq(memberBound, memberBound, lit('BYLEX'), opt(limit, 0.3), opt(lit('REV'), 0.3), odd),
  seq(lit('+', '-', 'BYLEX', 'REV'), opt(limit, 0.4)),
);

const zaddOptions: Make = choice(
  lit(),
  lit(),
  rep(0, 2, pick('NX', 'XX', 'GT', 'LT', 'CH')),
  rep(0, 3, pick('NX', 'XX', 'GT', 'LT', 'CH', 'INCR', 'ch', 'foo')),
);

const count: Make = pick('1', '2', '3', '5', '1000', '0', '-1', '-3', '-10', 'x', '', '1.5');

const cursor: Make = pick('0', '0', '0', '0', '00', 'x', '', '1.5', '99999999999999999999999');

const scanOption: Make = choice(
  seq(lit('MATCH'), pattern),
  seq(lit('COUNT'), pick('1', '2', '10', '1000', '0', '-1', 'x', '9223372036854775807')),
  seq(lit('TYPE'), pick('zset')),
);

const popCount: Make = pick('1', '2', '3', '1000', '0', '-1', 'x', '', '9223372036854775808');

const keys: Make = choice(
  seq(lit('1'), key),
  seq(lit('2'), key, key),
  seq(lit('3'), key, key, key),
  seq(pick('0', '-1', 'x', '', '1', '3', '9223372036854775807'), key, key),
);

const weight: Make = choice(pick('1', '2', '-1', '0.5', '0', 'inf', '-inf', 'x', ''), float);

const combineOption: Make = choice(
  seq(lit('WEIGHTS'), weight, weight),
  seq(lit('WEIGHTS'), rep(1, 3, pick('1', '2', '0.5', '0', '-3'))),
  seq(lit('AGGREGATE'), pick('SUM', 'MIN', 'MAX', 'min', 'x', '')),
  seq(pick('WITHSCORES', 'LIMIT', 'foo', 'WEIGHTS', 'AGGREGATE')),
);

const combineOptions: Make = choice(lit(), lit('WITHSCORES'), rep(0, 2, combineOption));

export const zsetRows: readonly Row[] = [
  row('ZADD', 90, key, zaddOptions, rep(1, 4, seq(score, subKey))),
  row('ZADD', 20, even, lit('7'), subKey, lit('7'), subKey),
  row('ZINCRBY', 20, key, score, subKey),
  row('ZREM', 20, choice(key, key, even), rep(1, 4, subKey)),
  row('ZCARD', 8, key),
  row('ZSCORE', 12, key, subKey),
  row('ZMSCORE', 8, key, rep(1, 4, subKey)),
  row('ZRANK', 12, key, subKey),
  row('ZREVRANK', 12, key, subKey),
  row('ZCOUNT', 12, key, scoreBound, scoreBound),
  row('ZLEXCOUNT', 8, even, memberBound, memberBound),
  row('ZRANGE', 20, key, rank, rank, rangeOptions),
  row('ZRANGE', 20, key, rangeByScore),
  row('ZRANGE', 12, even, rangeByMember),
  row('ZREVRANGE', 10, key, rank, rank, withScores, odd),
  row('ZRANGEBYSCORE', 14, key, scoreBound, scoreBound, withScores, opt(limit, 0.4), odd),
  row('ZREVRANGEBYSCORE', 14, key, scoreBound, scoreBound, withScores, opt(limit, 0.4), odd),
  row('ZRANGEBYLEX', 10, even, memberBound, memberBound, opt(limit, 0.4), odd),
  row('ZREVRANGEBYLEX', 10, even, memberBound, memberBound, opt(limit, 0.4), odd),
  row('ZRANGESTORE', 10, key, key, rank, rank, rangeOptions),
  row('ZRANGESTORE', 10, key, key, rangeByScore),
  row('ZRANGESTORE', 5, key, even, rangeByMember),
  row('ZREMRANGEBYRANK', 6, key, rank, rank),
  row('ZREMRANGEBYSCORE', 6, key, scoreBound, scoreBound),
  row('ZREMRANGEBYLEX', 4, even, memberBound, memberBound),
  row('ZPOPMIN', 8, key, opt(popCount), opt(lit('foo'), 0.05)),
  row('ZPOPMAX', 8, key, opt(popCount), opt(lit('foo'), 0.05)),
  row('ZMPOP', 14, keys, pick('MIN', 'MAX', 'min', 'x'), opt(seq(lit('COUNT'), popCount)), odd),
  row('BZPOPMIN', 2, rep(1, 3, key), soonOver),
  row('BZPOPMAX', 2, rep(1, 3, key), soonOver),
  row('BZMPOP', 2, soonOver, lit('2'), key, key, pick('MIN', 'MAX'), opt(lit('COUNT', '2'))),
  row('ZUNION', 14, keys, combineOptions),
  row('ZINTER', 14, keys, combineOptions),
  row('ZDIFF', 10, keys, opt(pick('WITHSCORES', 'LIMIT', 'WEIGHTS'), 0.5)),
  row('ZINTERCARD', 10, keys, opt(seq(lit('LIMIT'), pick('0', '1', '2', '9', '-1', 'x'))), odd),
  row('ZUNIONSTORE', 14, key, keys, rep(0, 2, combineOption)),
  row('ZINTERSTORE', 10, key, keys, rep(0, 2, combineOption)),
  row('ZDIFFSTORE', 10, key, keys, odd),
  row('ZRANDMEMBER', 10, key, opt(seq(count, opt(lit('WITHSCORES')))), opt(lit('foo'), 0.05)),
  row('ZSCAN', 10, key, cursor, rep(0, 2, scanOption)),
];
