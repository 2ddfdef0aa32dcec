/** The grammar of commands on streams. Ids are few and given, since times differ between servers. */
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
  subKey,
  value,
} from './makers.js';

/** Keys that are mostly streams. */
const stream: Make = choice(pick('s', 's', 't', 's2'), pick('s', 't'), key);

const small: Make = ({ random }) => [
  Buffer.from(`${random.between(1, 12)}-${random.between(0, 4)}`),
];
/** Rising ones are taken, others refused. */
const rising: Make = ({ random }) => [Buffer.from(`${random.between(1, 400)}-${random.below(4)}`)];
const edges: Make = pick(
  ...['0-0', '0-1', '0', '18446744073709551615-18446744073709551615', '18446744073709551615-0'],
  ...['1-18446744073709551615', '5-*', '0-*', '7', '007-01', '-', '+', '1-', '-1', '1-2-3', ''],
  ...['18446744073709551616-0', '1--1', 'x', '1-x', '$', '>', '99999999999999999999', '3-4 '],
);
const id: Make = choice(small, small, small, rising, rising, edges);
const bound: Make = choice(
  pick('-', '+', '-', '+'),
  id,
  small,
  ({ random }) => [Buffer.from(`${random.between(1, 12)}`)],
  ({ random }) => [Buffer.from(`(${random.between(1, 12)}-${random.below(4)}`)],
  pick('(', '(-', '(+', '(0-0', '(18446744073709551615-18446744073709551615', '(5', '((1'),
);

const fields: Make = rep(1, 3, seq(subKey, value));
const count: Make = pick('1', '1', '2', '3', '10', '0', '-1', 'x', '9223372036854775807');

/** With `~` only what is whole groups for both: all or nothing. */
const trim: Make = choice(
  seq(lit('MAXLEN'), opt(lit('='), 0.2), pick('0', '1', '2', '3', '5', '10', '-1', 'x')),
  seq(lit('MAXLEN', '~'), pick('0', '1000000', '1000000'), opt(seq(lit('LIMIT'), pick('0')), 0.3)),
  seq(lit('MINID'), opt(lit('='), 0.2), id),
  seq(lit('MINID', '~'), pick('0', '1-0', '18446744073709551615-0')),
);
const oddTrim: Make = pick('MAXLEN', 'MINID', 'LIMIT', 'NOMKSTREAM', '~', '=', 'foo');

const group: Make = pick('g', 'g', 'g', 'g2', 'h', '', 'no');
const consumer: Make = pick('alice', 'bob', 'bob', 'carol', '');
const read: Make = pick('0', '1', '5', '-1', '-2', '100');
const idle: Make = pick('0', '0', '0', '-1', 'x', '100000000');

const claimOption: Make = choice(
  lit('JUSTID'),
  lit('FORCE'),
  seq(lit('IDLE'), pick('0', '1000000', 'x', '-5')),
  seq(lit('TIME'), pick('0', '1000', '-1', 'x')),
  seq(lit('RETRYCOUNT'), pick('0', '3', '-1', 'x', '4294967296')),
  seq(lit('LASTID'), id),
  pick('foo', 'IDLE', 'LASTID'),
);

const newOrOld: Make = choice(lit('>'), lit('>'), lit('>'), lit('0'), id);
const readOptions: Make = seq(
  opt(seq(lit('COUNT'), count)),
  opt(seq(lit('BLOCK'), pick('1', '2', '-1', 'x')), 0.15),
);

export const streamRows: readonly Row[] = [
  row('XADD', 90, stream, rising, fields),
  row('XADD', 25, stream, small, fields),
  row('XADD', 25, stream, opt(lit('NOMKSTREAM'), 0.3), opt(trim, 0.7), id, fields),
  row('XADD', 6, stream, rep(0, 3, choice(trim, oddTrim)), id, rep(1, 3, subKey)),
  row('XTRIM', 12, stream, trim, opt(oddTrim, 0.1)),
  row('XLEN', 12, stream),
  row('XRANGE', 30, stream, bound, bound, opt(seq(lit('COUNT'), count), 0.4)),
  row('XRANGE', 15, stream, lit('-', '+')),
  row('XREVRANGE', 25, stream, bound, bound, opt(seq(lit('COUNT'), count), 0.4)),
  row('XDEL', 25, stream, rep(1, 4, id)),
  row('XSETID', 8, stream, id, opt(seq(lit('ENTRIESADDED'), read), 0.4)),
  row('XSETID', 6, stream, rising, opt(seq(lit('ENTRIESADDED'), read)), lit('MAXDELETEDID'), id),
  row('XREAD', 20, readOptions, lit('STREAMS'), stream, choice(id, lit('$'))),
  row('XREAD', 12, readOptions, lit('STREAMS'), stream, stream, id, choice(id, lit('$'))),
  row('XREAD', 4, lit('STREAMS'), stream, stream, id),
  row(
    'XGROUP',
    30,
    lit('CREATE'),
    stream,
    group,
    choice(id, lit('$'), lit('0')),
    rep(0, 2, choice(lit('MKSTREAM'), seq(lit('ENTRIESREAD'), read))),
  ),
  row(
    'XGROUP',
    10,
    lit('SETID'),
    stream,
    group,
    choice(id, lit('$'), lit('0')),
    opt(seq(lit('ENTRIESREAD'), read), 0.4),
  ),
  row('XGROUP', 5, lit('DESTROY'), stream, group),
  row('XGROUP', 8, lit('CREATECONSUMER'), stream, group, consumer),
  row('XGROUP', 6, lit('DELCONSUMER'), stream, group, consumer),
  row('XGROUP', 3, pick('HELP', 'foo', 'CREATE', 'SETID'), rep(0, 3, stream)),
  row(
    'XREADGROUP',
    70,
    lit('GROUP'),
    group,
    consumer,
    readOptions,
    opt(lit('NOACK'), 0.15),
    lit('STREAMS'),
    stream,
    newOrOld,
  ),
  row(
    'XREADGROUP',
    12,
    lit('GROUP'),
    group,
    consumer,
    opt(seq(lit('COUNT'), count)),
    lit('STREAMS'),
    stream,
    stream,
    newOrOld,
    newOrOld,
  ),
  row('XACK', 30, stream, group, rep(1, 4, id)),
  row('XPENDING', 20, stream, group),
  row('XPENDING', 30, stream, group, bound, bound, count, opt(consumer, 0.4)),
  row('XPENDING', 8, stream, group, lit('IDLE'), idle, bound, bound, count, opt(consumer, 0.4)),
  row('XPENDING', 3, stream, group, rep(0, 7, integer)),
  row('XCLAIM', 35, stream, group, consumer, idle, rep(1, 3, id), rep(0, 2, claimOption)),
  row(
    'XAUTOCLAIM',
    25,
    stream,
    group,
    consumer,
    idle,
    choice(lit('0'), lit('-'), bound),
    opt(seq(lit('COUNT'), pick('1', '2', '5', '0', '-1', 'x', '1000')), 0.4),
    opt(lit('JUSTID'), 0.3),
  ),
  row('XINFO', 25, lit('STREAM'), stream),
  row('XINFO', 20, lit('STREAM'), stream, lit('FULL'), opt(seq(lit('COUNT'), count), 0.4)),
  row('XINFO', 15, lit('GROUPS'), stream),
  row('XINFO', 12, lit('CONSUMERS'), stream, group),
  row('XINFO', 4, pick('HELP', 'STREAM', 'foo', 'GROUPS'), rep(0, 3, stream)),
];
