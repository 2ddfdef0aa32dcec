/** LCS. Replies are those of redis-server 7.0.15; lengths also against a plain table. */
import t from 'tap';
import { LcsTable } from '../../lib/commands/strings/lcs-table.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { NOT_INTEGER, OK, SYNTAX, testRows } from './rows.js';

const SET: readonly [string, string] = ['MSET a ohmytext b mynewtext', OK];

testRows('LCS', [
  ['the string', SET, ['LCS a b', 'mytext']],
  ['LEN', SET, ['LCS a b LEN', 6], ['LCS a missing LEN', 0], ['LCS a missing', '']],
  [
    'IDX',
    SET,
    [
      'LCS a b IDX',
      [
        'matches',
        [
          [
            [4, 7],
            [5, 8],
          ],
          [
            [2, 3],
            [0, 1],
          ],
        ],
        'len',
        6,
      ],
    ],
    [
      'LCS a b IDX MINMATCHLEN 4',
      [
        'matches',
        [
          [
            [4, 7],
            [5, 8],
          ],
        ],
        'len',
        6,
      ],
    ],
    [
      'LCS a b IDX MINMATCHLEN -4 WITHMATCHLEN',
      [
        'matches',
        [
          [[4, 7], [5, 8], 4],
          [[2, 3], [0, 1], 2],
        ],
        'len',
        6,
      ],
    ],
    ['LCS a missing IDX', ['matches', [], 'len', 0]],
  ],
  [
    'bad input',
    SET,
    ['LCS a b IDX LEN', '-ERR If you want both the length and indexes, please just use IDX.'],
    ['LCS a b MINMATCHLEN', SYNTAX],
    ['LCS a b MINMATCHLEN x', NOT_INTEGER],
    ['LCS a b foo', SYNTAX],
  ],
  [
    'too much memory',
    [['SET', 'a', 'x'.repeat(12_000)], OK],
    [
      'LCS a a LEN',
      '-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len',
    ],
  ],
]);

function plainLength(a: Buffer, b: Buffer): number {
  let above = new Array<number>(b.length + 1).fill(0);
  for (const byte of a) {
    const row = [0];
    for (let j = 0; j < b.length; j += 1) {
      row.push(b[j] === byte ? above[j]! + 1 : Math.max(above[j + 1]!, row[j]!));
    }
    above = row;
  }
  return above[b.length]!;
}

function isSubsequence(part: Buffer, whole: Buffer): boolean {
  let at = 0;
  for (const byte of whole) if (at < part.length && part[at] === byte) at += 1;
  return at === part.length;
}

t.test('against a plain table, in pieces of any size', async (t) => {
  const random = seededRandom(seedOfRun());
  for (let round = 0; round < 300; round += 1) {
    const letters = random.pick([1, 2, 4, 26]);
    const text = () => Buffer.from(random.bytes(random.below(120)).map((byte) => byte % letters));
    const a = text();
    const b = text();
    const table = new LcsTable(a, b, true);
    const cells = 1 + random.below(500);
    while (!table.fill(cells));
    const common = table.common();
    const matched = table.matches().reduce((sum, match) => sum + match.bytes, 0);
    const good =
      table.length === plainLength(a, b) &&
      common.length === table.length &&
      matched === table.length &&
      isSubsequence(common, a) &&
      isSubsequence(common, b);
    if (!good) t.fail(`round ${round}, seed ${random.seed}`);
  }
});
