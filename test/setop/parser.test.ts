/** The parser of set expressions: what it reads, where it stops, and that nothing crashes it. */
import t from 'tap';
import type { Expression, Operation } from '../../lib/commands/setop/expression.js';
import { DEPTH_MAX, OPERANDS_MAX } from '../../lib/commands/setop/expression.js';
import { merges } from '../../lib/commands/setop/merges.js';
import { ExpressionError, parseExpression } from '../../lib/commands/setop/parser.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

function parse(text: string): Expression {
  // What stands around it must not be read.
  const bytes = Buffer.from(`)${text}))`, 'latin1');
  return parseExpression(bytes, 1, 1 + text.length);
}

/** Writes an expression again, with all keys quoted. */
function written({ root, keys }: Expression): string {
  const operation = ({ kind, merge, operands }: Operation): string => {
    const parts = operands.map(({ source, weight }) => {
      const text = typeof source === 'number' ? quoted(keys[source]!) : operation(source);
      return weight === 1 ? text : `${text}*${weight}`;
    });
    return `(${kind}:${merge.name} ${parts.join(' ')})`;
  };
  return operation(root);
}

function quoted(key: Buffer): string {
  return `"${[...key].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`;
}

const readings: readonly (readonly [text: string, same: string])[] = [
  ['(U a)', '(U:Append a)'],
  [' ( U  a\tb\r\n) ', '(U:Append a b)'],
  ['(u:floatsum a)', '(U:FloatSum a)'],
  ['(U a *2)', '(U:Append a*2)'],
  ['(U:FloatSum a*-1.5e3 b*+2)', '(U:FloatSum a*-1500 b*2)'],
  ['(U (I a b)(D c d)e)', '(U (I a b) (D c d) e)'],
  ['(U user:1 U I:x "U")', '(U "user:1" "U" "I:x" "U")'],
  [
    '(U "a\\n\\r\\t\\a\\b\\"\\\\\\x00\\xfF")',
    '(U "\\x61\\x0a\\x0d\\x09\\x07\\x08\\x22\\x5c\\x00\\xff")',
  ],
  ['(U a"b)', '(U "a\\"b")'],
  ['(U "")', '(U "")'],
];

t.test('readings', (t) => {
  for (const [text, same] of readings) t.equal(written(parse(text)), written(parse(same)), text);
  // The example of god's own test.
  const god = '(U (I ccc aa (D ffff*2 gg)*3) (I:ConCat c23 b_ff) (X dbla e&44))';
  const names = parse(god).keys.map(String);
  t.same(names, ['ccc', 'aa', 'ffff', 'gg', 'c23', 'b_ff', 'dbla', 'e&44']);
  t.end();
});

const faults: readonly (readonly [text: string, at: number, message: RegExp])[] = [
  ['', 0, /expected \(, not the end/],
  ['a', 0, /expected \(/],
  ['(', 1, /unknown operation ''/],
  ['()', 1, /unknown operation ''/],
  ['(Z a)', 1, /unknown operation 'Z', there are U, I, D and X/],
  ['(U)', 2, /an operation without operands/],
  ['(U ', 3, /the expression ends before its \)/],
  ['(U a', 4, /the expression ends before its \)/],
  ['(U a))', 5, /unexpected bytes behind the expression/],
  ['(U a) b', 6, /unexpected bytes behind the expression/],
  ['(U:Foo a)', 3, /unknown merge function 'Foo', there are Append, ConCat, .*, BigIntMax$/],
  ['(U: a)', 3, /unknown merge function ''/],
  ['(U(I a))', 2, /expected a blank behind the operation/],
  ['(U *2)', 3, /unexpected \*/],
  ['(U a(I b))', 4, /expected a blank, \* or \) behind the key/],
  ['(U "a"b)', 6, /expected a blank, \* or \) behind the key/],
  ['(U "a)', 3, /the quoted key has no end/],
  ['(U "\\q")', 4, /unknown escape/],
  ['(U "\\x1g")', 4, /unknown escape/],
  ['(U "\\', 4, /unknown escape/],
  ['(U:FloatSum a*)', 14, /a weight is a finite number/],
  ['(U:FloatSum a*x)', 14, /a weight is a finite number/],
  ['(U:FloatSum a*inf)', 14, /a weight is a finite number/],
  ['(U:FloatSum a*2*3)', 15, /expected a blank or \) behind the weight/],
  ['(U:FloatSum a*2(I b))', 15, /expected a blank or \) behind the weight/],
  ['(U:First a*2)', 11, /First takes no weights/],
  ['(U:IntegerSum a*1.5)', 16, /IntegerSum takes whole weights/],
  ['(U a*0)', 5, /Append repeats a value 1 to 1000 times/],
  ['(U:ConCat a*1001)', 12, /ConCat repeats a value 1 to 1000 times/],
  ['(D:FloatSum a*2 b*2)', 17, /the values of what D takes away do not count/],
];

t.test('faults, and where they are', (t) => {
  for (const [text, at, message] of faults) {
    const error = faultOf(text);
    t.match(error?.message, message, text);
    t.equal(error?.at, at, `${text}: ${error?.message}`);
  }
  t.end();
});

t.test('limits', (t) => {
  const nested = (depth: number): string => `${'(U '.repeat(depth)}a${')'.repeat(depth)}`;
  t.equal(parse(nested(DEPTH_MAX)).keys.length, 1);
  t.match(faultOf(nested(DEPTH_MAX + 1))?.message, /nested deeper than 32/);
  t.match(faultOf(nested(20_000))?.message, /nested deeper than 32/);
  t.equal(parse(`(U ${'a '.repeat(OPERANDS_MAX)})`).keys.length, OPERANDS_MAX);
  t.match(faultOf(`(U ${'a '.repeat(OPERANDS_MAX + 1)})`)?.message, /more than 1024 operands/);
  t.match(faultOf(`(U ${'a'.repeat(200_000)})`)?.message, /more than 131072 bytes/);
  t.end();
});

t.test('random expressions are read as they were written', (t) => {
  const random = seededRandom(seed);
  for (let i = 0; i < 2000; i += 1) {
    const text = randomExpression(random, 3);
    t.equal(written(parse(text)), text.replaceAll('*1 ', ' '), `seed ${seed}`);
  }
  t.end();
});

t.test('random bytes never crash it', (t) => {
  const random = seededRandom(seed + 1);
  const alphabet = [
    ...'()()  **"\\UIDX:abx0129.-',
    '\0',
    '\xff',
    '\n',
    'FloatSum',
    'First',
    '(U a)',
  ];
  let read = 0;
  for (let i = 0; i < 100_000; i += 1) {
    const length = random.below(30);
    const start = random.chance(0.7) ? '(U ' : '';
    const text = start + Array.from({ length }, () => random.pick(alphabet)).join('');
    if (faultOf(text) === undefined) read += 1;
  }
  for (let i = 0; i < 20_000; i += 1) faultOf(random.bytes(random.below(40)).toString('latin1'));
  // Cut and damaged.
  for (let i = 0; i < 20_000; i += 1) {
    const text = randomExpression(random, 3);
    const at = random.below(text.length);
    const damage = random.chance(0.5) ? '' : random.pick(alphabet);
    faultOf(text.slice(0, at) + damage + (random.chance(0.5) ? '' : text.slice(at + 1)));
  }
  t.ok(read > 100, `${read} of them were expressions`);
  t.end();
});

/** The error that a text gives, undefined: none. Any other error is a crash. */
function faultOf(text: string): ExpressionError | undefined {
  try {
    parse(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    if (!(error.at >= 0 && error.at <= text.length)) throw new Error(`at ${error.at} of ${text}`);
    return error;
  }
}

function randomExpression(random: SeededRandom, depth: number): string {
  const kind = random.pick(['U', 'I', 'D', 'X']);
  const merge = random.pick(merges);
  const operands = Array.from({ length: random.between(1, 4) }, (_, i) => {
    const isKey = depth === 0 || random.chance(0.6);
    const text = isKey
      ? quoted(random.bytes(random.below(6)))
      : randomExpression(random, depth - 1);
    const takesWeight = merge.weights !== 'none' && (kind !== 'D' || i === 0);
    return takesWeight && random.chance(0.3) ? `${text}*${random.between(2, 9)}` : text;
  });
  return `(${kind}:${merge.name} ${operands.join(' ')})`;
}
