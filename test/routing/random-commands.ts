/**
 * Random commands on data whose replies do not depend on chance, on the instant, or on which node
 * keeps a cursor: so that a ring and a lone node must say the same.
 */
import { hashRows, listRows, setRows } from '../differential/grammar-collections.js';
import {
  bitRows,
  expiryRows,
  hyperLogLogRows,
  keyRows,
  stringRows,
} from '../differential/grammar-data.js';
import { geoRows } from '../differential/grammar-geo.js';
import { sortRows } from '../differential/grammar-sort.js';
import { streamRows } from '../differential/grammar-streams.js';
import { zsetRows } from '../differential/grammar-zsets.js';
import { integer, key, lit, opt, pick, type Row, row, seq } from '../differential/makers.js';
import { randomKey } from '../differential/values.js';
import type { SeededRandom } from '../support/random.js';

const CHANCE = /^(SPOP|SRANDMEMBER|HRANDFIELD|ZRANDMEMBER|RANDOMKEY|OBJECT|MEMORY|DEBUG)$/i;
const CURSORS = /SCAN$/i;
const CLOCK = /^(P?TTL|P?EXPIRETIME|XADD|XINFO|XPENDING|XCLAIM|XAUTOCLAIM|XREADGROUP|LOLWUT)$/i;
const BLOCKS = /^(BL|BR|BZ|XREAD)/i;
const OTHERS =
  /^(SWAPDB|SELECT|MIGRATE|MULTI|EXEC|DISCARD|WATCH|UNWATCH|WAIT|PFDEBUG|PFSELFTEST)$/i;

const bound = seq(({ random }) => {
  if (random.chance(0.2)) return [Buffer.from(random.pick(['-', '+', 'x', '']))];
  return [Buffer.concat([Buffer.from(random.pick(['[', '('])), randomKey(random)])];
});

const orderedRows: readonly Row[] = [
  row(
    'KRANGE',
    60,
    bound,
    bound,
    opt(lit('REV')),
    opt(seq(lit('LIMIT'), pick('0', '1', '2', '5', '-1', 'x'), pick('0', '1', '3', '-1', '9'))),
    opt(lit('WITHVALUES')),
  ),
  row('KRANGE', 20, lit('-', '+'), opt(lit('REV')), opt(lit('WITHVALUES'))),
  row('KCOUNT', 30, bound, bound),
  row('KRANK', 20, key),
  row('KREVRANK', 20, key),
  row('KNTH', 30, pick('0', '1', '2', '5', '9', '-1', '-3', '99', 'x'), opt(lit('WITHVALUES'))),
  row('KNEXT', 20, key),
  row('KPREV', 20, key),
  row('KDELRANGE', 3, bound, bound),
  row('DBSIZE', 20),
  row('KEYS', 10, pick('*', 'k*', '?', 'key:*', '{*', '')),
  row('FLUSHDB', 1),
  row('DEL', 10, key, key, key),
  row('EXISTS', 10, key, key, key, key),
  row('EVAL', 10, lit("return redis.call('GET', KEYS[1])", '1'), key),
  row('EVAL', 10, lit("return {redis.call('SET', KEYS[1], ARGV[1]), KEYS[1]}", '1'), key, integer),
  row('ECHO', 2, key),
  row('SET', 30, key, integer),
];

const rows = [
  ...[stringRows, bitRows, hyperLogLogRows, expiryRows, keyRows, hashRows, listRows, setRows],
  ...[zsetRows, geoRows, sortRows, streamRows, orderedRows, orderedRows, orderedRows],
]
  .flat()
  .filter(({ name }) => ![CHANCE, CURSORS, CLOCK, BLOCKS, OTHERS].some((some) => some.test(name)));

export function randomCommand(random: SeededRandom): Buffer[] {
  let total = 0;
  for (const { weight } of rows) total += weight;
  let point = random.float() * total;
  for (const { make, name, weight } of rows) {
    point -= weight;
    if (point < 0) return [Buffer.from(name), ...make({ random })].map(withoutGiants);
  }
  return [Buffer.from('PING')];
}

/** Offsets that are allowed and make values of megabytes. */
function withoutGiants(word: Buffer): Buffer {
  const [, hash = ''] = /^(#?)\d{5,10}$/.exec(word.toString('latin1')) ?? [];
  return /^#?\d{5,10}$/.test(word.toString('latin1')) ? Buffer.from(`${hash}9999`) : word;
}
