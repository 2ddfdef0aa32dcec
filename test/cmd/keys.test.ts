/** `dhash hash` and `dhash encode`, from arguments to output and exit code. */

import { Command, CommanderError } from 'commander';
import t from 'tap';

import { addEncodeCommand } from '../../cmd/encode.js';
import { ExitError } from '../../cmd/exit.js';
import { addHashCommand } from '../../cmd/hash.js';

interface Outcome {
  readonly out: string;
  readonly exitCode: number;
  readonly message: string;
}

function dhash(...args: string[]): Outcome {
  let out = '';
  const write = (text: string): void => {
    out += text;
  };
  const program = new Command('dhash').exitOverride();
  program.configureOutput({ writeOut: write, writeErr: () => undefined });
  addHashCommand(program);
  addEncodeCommand(program);
  try {
    program.parse(args, { from: 'user' });
    return { out, exitCode: 0, message: '' };
  } catch (error) {
    if (error instanceof CommanderError) {
      return { out, exitCode: error.exitCode === 0 ? 0 : 2, message: error.message };
    }
    if (error instanceof ExitError)
      return { out, exitCode: error.exitCode, message: error.message };
    throw error;
  }
}

const HELLO = 'cbd8a7b341bd9b025b1e906a48ae1d19';

void t.test('hash', (t) => {
  t.equal(dhash('hash', 'hello').out, `${HELLO}\n`);
  t.equal(dhash('hash', 'hello', '').out, `${HELLO}\n${'0'.repeat(32)}\n`);
  t.equal(dhash('hash', '--prefix', 'hello').out, `${HELLO}:hello\n`);
  t.match(dhash('hash', '--', '--json').out, /^[0-9a-f]{32}\n$/);
  t.match(dhash('hash', '-5').out, /^[0-9a-f]{32}\n$/, 'a negative number is a key');
  t.same(JSON.parse(dhash('hash', '--json', 'hello').out), [{ key: 'hello', hash: HELLO }]);
  t.same(JSON.parse(dhash('hash', '--json', '--prefix', 'hello').out), [
    { key: 'hello', hash: HELLO, prefixed: `${HELLO}:hello` },
  ]);
  t.equal(dhash('hash').exitCode, 2);
  t.equal(dhash('hash', '--nonsense', 'x').exitCode, 2);
  t.match(dhash('hash', '--help'), { exitCode: 0, out: /--prefix/ });
  t.end();
});

void t.test('encode', (t) => {
  t.equal(dhash('encode', '--int', '1').out, '8000000000000001\n');
  t.equal(dhash('encode', '--int', '-5', '0', '-6').out.split('\n')[2], '7ffffffffffffffa');
  t.equal(dhash('encode', '-5', '--int').out, '7ffffffffffffffb\n', 'options may come last');
  t.equal(dhash('encode', '--float', '-1.5e3', '-.5').out.split('\n').length, 3);
  t.equal(dhash('encode', '--float', '-inf', '1').out, '000fffffffffffff\nbff0000000000000\n');
  t.equal(dhash('encode', '--float', '1', '-Infinity').out.split('\n')[1], '000fffffffffffff');
  t.equal(dhash('encode', '--big', '-256').out, '7dfeff\n');
  t.equal(dhash('encode', '--big', '--', '-256').out, '7dfeff\n');
  t.equal(dhash('encode', '--big', '--quoted', '256').out, '"\\x82\\x01\\x00"\n');
  t.same(JSON.parse(dhash('encode', '--big', '--json', '-1', '2').out), [
    { value: '-1', hex: '7efe' },
    { value: '2', hex: '8102' },
  ]);
  t.end();
});

void t.test('decode', (t) => {
  for (const [kind, value] of [
    ['--int', '-9223372036854775808'],
    ['--float', '-1.5'],
    ['--float', '-inf'],
    ['--big', '-123456789012345678901234567890'],
  ] as const) {
    const hex = dhash('encode', kind, value).out.trim();
    t.equal(dhash('encode', '--decode', kind, hex).out, `${value}\n`);
    t.same(JSON.parse(dhash('encode', '--decode', '--json', kind, hex).out), [{ value, hex }]);
  }
  t.end();
});

void t.test('wrong usage is 2, a key that encodes nothing is 1', (t) => {
  const rows: [args: string[], exitCode: number, message: RegExp][] = [
    [['--int'], 2, /missing required argument/],
    [['5'], 2, /--int, --float or --big/],
    [['--int', '--big', '5'], 2, /cannot be used with/],
    [['--int', '1.5'], 2, /not an integer: 1\.5/],
    [['--int', '9223372036854775808'], 2, /64-bit/],
    [['--float', 'nan'], 2, /not a number/],
    [['--int', '--nonsense', '5'], 2, /unknown option '--nonsense'/],
    [['--int', '5', '-x'], 2, /unknown option '-x'/],
    [['--decode', '--int', 'xyz'], 2, /not hexadecimal/],
    [['--decode', '--int', '-5'], 2, /unknown option/],
    [['--decode', '--quoted', '--int', '80'], 2, /cannot be used with/],
    [['--decode', '--int', '80'], 1, /8 bytes/],
    [['--decode', '--big', '8100'], 1, /no big integer/],
  ];
  for (const [args, exitCode, message] of rows) {
    t.match(dhash('encode', ...args), { exitCode, message }, args.join(' '));
  }
  t.match(dhash('encode', '--help'), { exitCode: 0, out: /--quoted/ });
  t.end();
});
