/**
 * The arguments that random programs are made of. Small pools, so that commands meet on the same
 * keys; and in every pool the values at which parsers break: the bounds of int64 and of doubles,
 * numbers with signs, zeros, spaces and exponents that Redis refuses, empty and binary strings,
 * lengths round the limits of Redis's encodings.
 */
import type { SeededRandom } from '../support/random.js';

export const keys: readonly Buffer[] = [
  ...['a', 'b', 'c', 'key:1', 'key:2', 'num', 'bits', '{tag}x', 'with space', 'A', ''],
  'a\r\nb',
  'k'.repeat(300),
].map((text) => Buffer.from(text));

const binaryKeys = [Buffer.from([0, 255, 254]), Buffer.from([0xc3, 0x28]), Buffer.from('nul\0l')];

const int64Edges = [
  '9223372036854775807',
  '9223372036854775806',
  '9223372036854775808',
  '-9223372036854775808',
  '-9223372036854775807',
  '-9223372036854775809',
  '18446744073709551615',
  '18446744073709551616',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '-9007199254740993',
  '4611686018427387904',
  '4294967295',
  '4294967296',
  '2147483647',
  '2147483648',
  '-2147483648',
  '-2147483649',
  '9999',
  '10000',
  '99999999999999999999999999',
];

const notIntegers = [
  '',
  ' ',
  '00',
  '01',
  '-0',
  '-01',
  '+1',
  ' 1',
  '1 ',
  '1.0',
  '1e3',
  '0x10',
  'abc',
  'inf',
  'nan',
  '-',
  '1\0',
  '1_0',
  '١',
];

const floats = [
  '3.0e3',
  '1e308',
  '1e309',
  '1e400',
  '-1e308',
  'inf',
  '+inf',
  '-inf',
  'Infinity',
  'nan',
  '-nan',
  '0x1p3',
  '0x1.8p1',
  '.5',
  '5.',
  '.',
  '1e-5',
  '5e-324',
  '1e-400',
  '0.1',
  '0.2',
  '-0',
  '-0.0',
  ' 1',
  '1 ',
  '+1.5',
  '3.14',
  '1234567890.123456789',
  '1e17',
  '1e18',
  '12345678901234567890',
  '1e21',
  '1e',
  'e1',
  '1.5abc',
  '100000000000000000000.5',
  '0.00000000000000001',
  '1e4931',
];

export const lengthsAtEdges = [0, 1, 19, 20, 21, 43, 44, 45, 63, 64, 100, 255, 256, 1000, 20_000];

export function randomKey(random: SeededRandom): Buffer {
  return random.chance(0.04) ? random.pick(binaryKeys) : random.pick(keys);
}

/** A field or a member: few, so that commands meet on them, with some beyond Redis's encodings. */
export function randomSubKey(random: SeededRandom): Buffer {
  const kind = random.float();
  if (kind < 0.7) return Buffer.from(random.pick(['f', 'g', 'h', 'field:1', 'field:2', '7', '']));
  if (kind < 0.8) return Buffer.from(`${random.below(40)}`);
  if (kind < 0.9) return randomValue(random);
  return random.pick([Buffer.from([0, 255, 254]), Buffer.from([0]), Buffer.alloc(64, 'k')]);
}

/** An integer that is mostly small and valid. */
export function randomInteger(random: SeededRandom): Buffer {
  const kind = random.float();
  if (kind < 0.6) return Buffer.from(`${random.between(-12, 12)}`);
  if (kind < 0.75) return Buffer.from(`${random.between(-100_000, 100_000)}`);
  return Buffer.from(random.pick(kind < 0.9 ? int64Edges : notIntegers));
}

export function randomFloat(random: SeededRandom): Buffer {
  const kind = random.float();
  if (kind < 0.4) return Buffer.from(`${random.between(-1000, 1000) / 8}`);
  if (kind < 0.5) return randomInteger(random);
  return Buffer.from(random.pick(floats));
}

/** An offset or length that is mostly small, sometimes large, sometimes beyond every limit. */
export function randomOffset(random: SeededRandom): Buffer {
  const kind = random.float();
  if (kind < 0.75) return Buffer.from(`${random.below(40)}`);
  if (kind < 0.85) return Buffer.from(`${random.below(3000)}`);
  if (kind < 0.86) return Buffer.from(`${random.below(600_000)}`);
  const beyond = ['-1', '536870912', '4294967296', '9223372036854775807', '99999999999'];
  return Buffer.from(random.pick(kind < 0.95 ? beyond : notIntegers));
}

/** What is stored. */
export function randomValue(random: SeededRandom): Buffer {
  const kind = random.float();
  if (kind < 0.3) return randomInteger(random);
  if (kind < 0.4) return randomFloat(random);
  if (kind < 0.6) return Buffer.from(random.pick(['', 'foo', 'foobar', 'hello world', 'ab', 'A']));
  if (kind < 0.75) return random.bytes(random.below(50));
  const length = random.pick(lengthsAtEdges);
  if (kind < 0.85) return Buffer.alloc(length, random.pick(['a', 'ab', 'abcdefghij', '\0']));
  return random.bytes(length);
}

export function randomPattern(random: SeededRandom): Buffer {
  const patterns = [
    '*',
    'a*',
    '*:?',
    'key:[12]',
    'key:[^1]',
    '[a-c]',
    '[c-a]',
    '??',
    '',
    'a\\*',
    '\\a',
    '*a*b*',
    '[',
    '[a',
    '[^',
    '[]',
    '\\',
    '{tag}*',
    'k*k',
    '*\n*',
    'key:[0-9]',
    'nosuch*',
  ];
  return Buffer.from(random.pick(patterns));
}

/** Something that a command did not expect at this place. */
export function randomNonsense(random: SeededRandom): Buffer {
  const kind = random.float();
  if (kind < 0.3) return randomInteger(random);
  if (kind < 0.5) return randomFloat(random);
  if (kind < 0.6) return random.bytes(random.below(12));
  const words = [
    'NX',
    'XX',
    'GET',
    'EX',
    'PX',
    'KEEPTTL',
    'foo',
    'LIMIT',
    'AND',
    'BIT',
    'LEN',
    'DB',
  ];
  return kind < 0.9 ? Buffer.from(random.pick(words)) : randomKey(random);
}
