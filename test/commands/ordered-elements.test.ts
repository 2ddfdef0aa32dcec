/** The order of fields and members, and of fields by value. */
import t from 'tap';
import { type LocalClient, localClient, type Plain } from '../support/local.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import { NOT_INTEGER, OK, SYNTAX, testRows } from './rows.js';

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const BAD_INTERVAL = '-ERR min or max not valid string range item';
const NOT_MIRRORED = '-ERR the hash has no order by value, HMIRROR key ON gives it one';
const STEPS = 2000;

testRows('the order of fields', [
  [
    'HRANGE, HCOUNT',
    ['HSET h a 1 b 2 c 3 d 4', 4],
    ['HRANGE h - +', ['a', 'b', 'c', 'd']],
    ['HRANGE h [b (d', ['b', 'c']],
    ['HRANGE h (b + REV', ['d', 'c']],
    ['HRANGE h - + LIMIT 1 2', ['b', 'c']],
    ['HRANGE h - + REV LIMIT 1 2 WITHVALUES', ['c', '3', 'b', '2']],
    ['HRANGE h + -', []],
    ['HRANGE h - + LIMIT 9 1', []],
    ['HRANGE h - + LIMIT -1 1', []],
    ['HRANGE h - + LIMIT 0 -1', ['a', 'b', 'c', 'd']],
    ['HRANGE x - +', []],
    ['HRANGE h a +', BAD_INTERVAL],
    ['HRANGE h - + LIMIT 0', SYNTAX],
    ['HRANGE h - + LIMIT 0 x', NOT_INTEGER],
    ['HCOUNT h - +', 4],
    ['HCOUNT h (a [c', 2],
    ['HCOUNT h + -', 0],
    ['HCOUNT x - +', 0],
  ],
  [
    'HRANK, HREVRANK, HNTH, HNEXT, HPREV',
    ['HSET h a 1 b 2 d 4', 3],
    ['HRANK h b', 1],
    ['HRANK h c', null],
    ['HREVRANK h a', 2],
    ['HRANK x a', null],
    ['HNTH h 0', 'a'],
    ['HNTH h -1', 'd'],
    ['HNTH h 3', null],
    ['HNTH h -4', null],
    ['HNTH h 1 WITHVALUES', ['b', '2']],
    ['HNTH h 9 WITHVALUES', null],
    ['HNTH h x', NOT_INTEGER],
    ['HNTH h 1 FOO', SYNTAX],
    ['HNEXT h b', 'd'],
    ['HNEXT h c', 'd'],
    ['HNEXT h d', null],
    ['HPREV h b', 'a'],
    ['HPREV h a', null],
    ['HNEXT x a', null],
  ],
  [
    'wrong types',
    ['SADD s a', 1],
    ['HRANGE s - +', WRONG_TYPE],
    ['HCOUNT s - +', WRONG_TYPE],
    ['HRANK s a', WRONG_TYPE],
    ['HNTH s 0', WRONG_TYPE],
    ['HNEXT s a', WRONG_TYPE],
    ['HMIRROR s ON', WRONG_TYPE],
    ['HVRANGE s - +', WRONG_TYPE],
    ['HSET h a 1', 1],
    ['SRANGE h - +', WRONG_TYPE],
    ['SPREV h a', WRONG_TYPE],
  ],
]);

testRows('the order of members', [
  [
    'all commands',
    ['SADD s a b d', 3],
    ['SRANGE s - +', ['a', 'b', 'd']],
    ['SRANGE s (a + REV LIMIT 0 1', ['d']],
    ['SRANGE s - + WITHVALUES', SYNTAX],
    ['SCOUNT s [b +', 2],
    ['SRANK s d', 2],
    ['SREVRANK s d', 0],
    ['SRANK s c', null],
    ['SNTH s -2', 'b'],
    ['SNTH s 1 WITHVALUES', "-ERR wrong number of arguments for 'snth' command"],
    ['SNEXT s b', 'd'],
    ['SPREV s c', 'b'],
    ['SRANGE x - +', []],
    ['SNTH x 0', null],
  ],
]);

testRows('fields by value', [
  [
    'all commands',
    ['HSET h a 30 b 10 c 20 d 10', 4],
    ['HVRANGE h - +', NOT_MIRRORED],
    ['HVCOUNT h - +', NOT_MIRRORED],
    ['HVRANK h a', NOT_MIRRORED],
    ['HVNTH h 0', NOT_MIRRORED],
    ['HMIRROR h ON', 1],
    ['HMIRROR h on', 0],
    ['HVRANGE h - +', ['b', 'd', 'c', 'a']],
    ['HVRANGE h - + REV', ['a', 'c', 'd', 'b']],
    ['HVRANGE h [10 (30 WITHVALUES', ['b', '10', 'd', '10', 'c', '20']],
    ['HVRANGE h (10 + LIMIT 1 5', ['a']],
    ['HVRANGE h - [10 REV', ['d', 'b']],
    ['HVRANGE h - (10', []],
    ['HVRANGE h [1 [2', ['b', 'd']],
    ['HVRANGE h x +', BAD_INTERVAL],
    ['HVCOUNT h [10 [10', 2],
    ['HVCOUNT h - +', 4],
    ['HVCOUNT h + -', 0],
    ['HVRANK h b', 0],
    ['HVRANK h d', 1],
    ['HVREVRANK h a', 0],
    ['HVRANK h x', null],
    ['HVNTH h 0', 'b'],
    ['HVNTH h -1 WITHVALUES', ['a', '30']],
    ['HVNTH h 4', null],
    ['HVNTH h 4 WITHVALUES', null],
    ['HVNTH h x', NOT_INTEGER],
    ['HVNTH h 1 FOO', SYNTAX],
  ],
  [
    'what is written goes into the order, and what is removed out of it',
    ['HSET h a 30', 1],
    ['HMIRROR h ON', 1],
    ['HSET h b 10 a 5', 1],
    ['HVRANGE h - +', ['b', 'a']],
    ['HINCRBY h b 50', 60],
    ['HVRANGE h - +', ['a', 'b']],
    ['HDEL h a', 1],
    ['HVRANGE h - +', ['b']],
    ['COPY h c', 1],
    ['HVNTH c 0 WITHVALUES', ['b', '60']],
    ['RENAME h g', OK],
    ['HVNTH g 0 WITHVALUES', ['b', '60']],
    ['HMIRROR g OFF', 1],
    ['HMIRROR g OFF', 0],
    ['HVNTH g 0', NOT_MIRRORED],
    ['HDEL c b', 1],
    ['HSET c a 1', 1],
    ['HVNTH c 0', NOT_MIRRORED],
  ],
  [
    'bad input',
    ['HMIRROR x ON', 0],
    ['HVRANGE x - +', []],
    ['HVCOUNT x - +', 0],
    ['HVRANK x a', null],
    ['HVNTH x 0', null],
    ['HSET h a 1', 1],
    ['HMIRROR h MAYBE', SYNTAX],
    ['HMIRROR h ON OFF', SYNTAX],
    ['HMIRROR h', 0],
    ['HMIRROR x', 0],
    ['HMIRROR h ON', 1],
    ['HMIRROR h', 1],
  ],
]);

t.test('values that a mirror cannot hold', async (t) => {
  const client = await localClient();
  const long = 'v'.repeat(65_534);
  const tooLong = /^-ERR field and value are too long for a mirrored hash/;
  client.send('HSET', 'h', 'a', long, 'b', '1');
  t.match(client.send('HMIRROR', 'h', 'ON'), tooLong);
  t.match(client.send('HVNTH', 'h', '0'), /no order by value/);
  client.send('HDEL', 'h', 'a');
  t.equal(client.send('HMIRROR', 'h', 'ON'), 1);
  t.match(client.send('HSET', 'h', 'c', '1', 'a', long), tooLong);
  t.match(client.send('HSETNX', 'h', 'a', long), tooLong);
  t.match(client.send('HMSET', 'h', 'a', '\0'.repeat(32_768)), tooLong, 'a NUL counts twice');
  t.equal(client.send('HLEN', 'h'), 1, 'nothing was written');
  t.equal(client.send('HSET', 'h', 'a', '\0'.repeat(32_766)), 1);
  t.equal(client.send('HSET', 'h', '', long), 1);
  t.same(client.send('HVRANGE', 'h', '-', '+'), ['a', 'b', '']);
  t.match(client.send('HVCOUNT', 'h', `[${long}v`, '+'), /^-ERR min or max is too long/);
  t.equal(client.send('HVCOUNT', 'h', `(${long.slice(1)}`, '+'), 1);
  const field = 'f'.repeat(65_533);
  t.match(client.send('HINCRBY', 'h', field, '10'), tooLong);
  t.match(client.send('HINCRBYFLOAT', 'h', field, '1.5'), tooLong);
  t.equal(client.send('HINCRBY', 'h', field, '1'), 1);
});

/** [field, value], by field or by value. */
type Entries = readonly (readonly [string, string])[];

function sortedBy(model: ReadonlyMap<string, string>, byValue: boolean): Entries {
  const order = (a: string, b: string): number => Buffer.from(a).compare(Buffer.from(b));
  return [...model].sort((a, b) => (byValue ? order(a[1], b[1]) : 0) || order(a[0], b[0]));
}

function within(text: string, low: string, high: string): boolean {
  const order = (bound: string): number => Buffer.from(text).compare(Buffer.from(bound.slice(1)));
  const above = low === '-' || (low !== '+' && order(low) >= (low[0] === '(' ? 1 : 0));
  return above && (high === '+' || (high !== '-' && order(high) <= (high[0] === '(' ? -1 : 0)));
}

function checkQuery(
  client: LocalClient,
  random: SeededRandom,
  model: ReadonlyMap<string, string>,
  text: () => string,
): [command: string, actual: Plain, expected: Plain] {
  const byValue = random.chance(0.6);
  const letter = byValue ? 'HV' : 'H';
  const sorted = sortedBy(model, byValue);
  const bound = (): string =>
    random.chance(0.2) ? random.pick(['-', '+']) : `${random.pick(['[', '('])}${text()}`;
  const [low, high] = [bound(), bound()];
  const at = random.below(sorted.length + 2) - 1;
  const index = at < 0 ? at + sorted.length : at;
  const found = sorted.filter((entry) => within(entry[byValue ? 1 : 0], low, high));
  const [offset, count] = [random.below(4), random.below(6) - 1];
  const reverse = random.chance(0.5);
  const part = (reverse ? [...found].reverse() : found).slice(offset);
  const limited = count < 0 ? part : part.slice(0, count);
  const field = random.chance(0.7) && sorted.length > 0 ? random.pick(sorted)[0] : text();
  const rank = sorted.findIndex(([name]) => name === field);
  const queries: (readonly [string[], Plain])[] = [
    [
      ['RANGE', 'h', low, high, ...(reverse ? ['REV'] : []), 'LIMIT', `${offset}`, `${count}`],
      limited.map(([name]) => name),
    ],
    [['RANGE', 'h', low, high, 'WITHVALUES'], found.flat()],
    [['COUNT', 'h', low, high], found.length],
    [['RANK', 'h', field], rank < 0 ? null : rank],
    [['REVRANK', 'h', field], rank < 0 ? null : sorted.length - 1 - rank],
    [['NTH', 'h', `${at}`], sorted[index]?.[0] ?? null],
  ];
  const [[name, ...args], expected] = random.pick(queries) as [[string, ...string[]], Plain];
  return [[letter + name, ...args].join(' '), client.send(letter + name!, ...args), expected];
}

const seed = seedOfRun();

t.test(`fields and values against a sorted list (seed ${seed})`, async (t) => {
  const client = await localClient();
  const random = seededRandom(seed);
  const text = (): string => {
    let made = random.pick(['', '', 'p'.repeat(30)]);
    for (let i = random.below(4); i > 0; i -= 1)
      made += random.pick(['a', 'b', '\0', '\x01', '\x7f']);
    return made;
  };
  const model = new Map<string, string>([['a', 'a']]);
  client.send('HSET', 'h', 'a', 'a');
  client.send('HMIRROR', 'h', 'ON');
  for (let step = 0; step < STEPS; step += 1) {
    const field = text();
    if (random.chance(0.25) && model.size > 1) {
      t.equal(client.send('HDEL', 'h', field), model.delete(field) ? 1 : 0);
    } else if (random.chance(0.5)) {
      const value = text();
      t.equal(client.send('HSET', 'h', field, value), model.has(field) ? 0 : 1);
      model.set(field, value);
    }
    const [command, actual, expected] = checkQuery(client, random, model, text);
    t.same(actual, expected, JSON.stringify(command));
  }
});
