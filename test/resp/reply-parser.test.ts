/** The reply parser: every type, cut at every place, and what is no reply. */
import t from 'tap';
import { ReplyParser, type ReplyParserOptions } from '../../resp/reply-parser.js';
import { frozen } from './round-trip.js';

const REFUSED = { code: 'ERR_REPLY_PROTOCOL' };
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

function parsed(text: string, options?: ReplyParserOptions): string[] {
  const parser = new ReplyParser(options);
  parser.feed(latin1(text));
  return parser.all().map(frozen);
}

const REPLIES: readonly [string, string][] = [
  ['+OK\r\n', 'simple "OK"'],
  ['+\r\n', 'simple ""'],
  ['-ERR no\r\n', 'error "ERR no"'],
  [':0\r\n', 'integer 0'],
  [':-42\r\n', 'integer -42'],
  [':9007199254740993\r\n', 'integer 9007199254740993'],
  ['$0\r\n\r\n', 'bulk '],
  ['$4\r\na\r\nb\r\n', 'bulk 610d0a62'],
  ['$-1\r\n', 'null'],
  ['*-1\r\n', 'null'],
  ['_\r\n', 'null'],
  ['*0\r\n', '[]'],
  ['*2\r\n:1\r\n*1\r\n$1\r\na\r\n', '[integer 1,[bulk 61]]'],
  ['#t\r\n', 'boolean true'],
  ['#f\r\n', 'boolean false'],
  [',1\r\n', 'double 1'],
  [',-0\r\n', 'double -0'],
  [',1.5e-7\r\n', 'double 1.5e-7'],
  [',inf\r\n', 'double Infinity'],
  [',-inf\r\n', 'double -Infinity'],
  [',nan\r\n', 'double NaN'],
  [
    '(3492890328409238509324850943850943825024385\r\n',
    'big 3492890328409238509324850943850943825024385',
  ],
  ['!5\r\nERR x\r\n', 'error "ERR x"'],
  ['=5\r\ntxt:a\r\n', 'verbatim txt 61'],
  ['%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n', 'map {simple "a": integer 1,simple "b": integer 2}'],
  ['%0\r\n', 'map {}'],
  ['~2\r\n:1\r\n:1\r\n', 'set {integer 1,integer 1}'],
  ['>1\r\n+message\r\n', 'push {simple "message"}'],
  ['|1\r\n+ttl\r\n:5\r\n:7\r\n', 'attributed (map {simple "ttl": integer 5}) integer 7'],
  [
    '*2\r\n|0\r\n:1\r\n|1\r\n+a\r\n*0\r\n:2\r\n',
    '[attributed (map {}) integer 1,attributed (map {simple "a": []}) integer 2]',
  ],
];

t.test('every type, whole and cut at every place', async (t) => {
  for (const [text, expected] of REPLIES) {
    t.same(parsed(text), [expected], JSON.stringify(text));
    for (let cut = 0; cut < text.length; cut++) {
      const parser = new ReplyParser();
      parser.feed(latin1(text.slice(0, cut)));
      const early = parser.next();
      parser.feed(latin1(text.slice(cut)));
      const reply = parser.next();
      if (early !== undefined || reply === undefined || frozen(reply) !== expected) {
        t.fail(`${JSON.stringify(text)} cut at ${cut}`);
      }
    }
  }
  const all = REPLIES.map(([text]) => text).join('');
  const expected = REPLIES.map(([, frozenReply]) => frozenReply);
  t.same(parsed(all), expected, 'all behind each other');
  const parser = new ReplyParser();
  const found: string[] = [];
  for (const byte of latin1(all)) {
    parser.feed(Buffer.of(byte));
    for (const reply of parser.all()) found.push(frozen(reply));
  }
  t.same(found, expected, 'byte by byte');
});

t.test('what is no reply', async (t) => {
  const cases = [
    'hello\r\n',
    '\r\n',
    '+a\n',
    '+a\rb\r\n',
    ':\r\n',
    ':1.5\r\n',
    ':+1\r\n',
    ':01\r\n',
    ':9223372036854775808\r\n',
    '$-2\r\n',
    '$x\r\n',
    '$01\r\n',
    '$1\r\nabc',
    '*-2\r\n',
    '%-1\r\n',
    '~-1\r\n',
    '>-1\r\n',
    '!-1\r\n',
    '=-1\r\n',
    '=3\r\ntxt\r\n',
    '=5\r\ntxt,a\r\n',
    '#x\r\n',
    '#\r\n',
    '_x\r\n',
    ',\r\n',
    ',1.\r\n',
    ',Infinity\r\n',
    '(1.5\r\n',
    '(\r\n',
    '$?\r\n',
    '*?\r\n',
    '.\r\n',
    '$536870913\r\n',
    '*2147483648\r\n',
  ];
  for (const text of cases) {
    const parser = new ReplyParser();
    parser.feed(latin1(text));
    t.throws(() => parser.next(), REFUSED, JSON.stringify(text));
    t.throws(() => parser.next(), REFUSED, 'and stays so');
  }
});

t.test('limits', async (t) => {
  t.same(parsed(`${'*1\r\n'.repeat(64)}:1\r\n`).length, 1);
  t.throws(() => parsed('*1\r\n'.repeat(65)), REFUSED);
  t.throws(() => parsed('|0\r\n'.repeat(65)), REFUSED);
  t.throws(() => parsed('$11\r\n', { bulkBytesMax: 10 }), REFUSED);
  t.throws(() => parsed('*11\r\n', { elementsMax: 10 }), REFUSED);
  t.throws(() => parsed('+'.padEnd(12, 'a'), { lineBytesMax: 10 }), REFUSED);
  t.same(parsed('*2000000000\r\n'), [], 'a promise costs nothing');
});

t.test('a bulk in many pieces', async (t) => {
  const parser = new ReplyParser();
  parser.feed(latin1('$1000000\r\n'));
  for (let i = 0; i < 1000; i++) {
    t.equal(parser.next(), undefined);
    parser.feed(Buffer.alloc(1000, i & 255));
  }
  parser.feed(latin1('\r\n'));
  const reply = parser.next() as Buffer;
  t.equal(reply.length, 1_000_000);
  t.equal(reply[999_999], 999 & 255);
});
