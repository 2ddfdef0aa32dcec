/** The serialisation of strings: checksum, compression, a real server's dumps, damaged ones. */
import t from 'tap';
import { Crc64 } from '../../rdb/crc64.js';
import { writeLength } from '../../rdb/lengths.js';
import { LzfCompressor, LzfDecompressor } from '../../rdb/lzf.js';
import { RdbReader } from '../../rdb/reader.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import { dumpOf, loadOf, sealed } from './dumps.js';

/** What redis-server 7.0.15 answers. */
const DUMPS: readonly (readonly [name: string, value: string, hex: string])[] = [
  ['empty', '', '00000a005d9b5c400f7fa2da'],
  ['int8', '-128', '00c0800a009966326d2f0c5bd9'],
  ['int16', '12345', '00c139300a009d94ea2793fc08b9'],
  ['int32', '-2147483648', '00c2000000800a00c74f873e33558187'],
  [
    'int64',
    '9223372036854775807',
    '0013393232333337323033363835343737353830370a003a657e9481e85f22',
  ],
  ['not canonical', '007', '00033030370a007258e27b4c69bad9'],
  ['short', 'hello', '000568656c6c6f0a006372df766534200a'],
  ['20 bytes', 'a'.repeat(20), '001461616161616161616161616161616161616161610a0083b46b5e1b11acf1'],
  ['21 bytes', 'a'.repeat(21), '00c30615016161e00a000a00fd0cb36807413f68'],
  ['a period of three', 'abc'.repeat(9), '00c30b1b0361626361e00c020162630a0028b67f7fba109493'],
  [
    'nothing to gain',
    'abcdefghijklmnopqrstuvwxyz',
    '001a6162636465666768696a6b6c6d6e6f707172737475767778797a0a009e1b3f34abfc5f79',
  ],
  ['300 bytes', 'x'.repeat(300), '00c30c412c017878e0ff00e017000178780a00f033195a8b660d84'],
];

t.test('CRC-64', async (t) => {
  const text = Buffer.from('123456789This is a test of the emergency broadcast system.');
  const sum = Buffer.alloc(8);
  const crc = new Crc64();
  crc.update(text, 0, 9);
  crc.writeTo(sum, 0);
  t.equal(sum.readBigUInt64LE(), 0xe9c6d914c4b8d9can);
  // In pieces of any length the sum is the same.
  const random = seededRandom(seedOfRun());
  const bytes = random.bytes(1000);
  const whole = new Crc64();
  whole.update(bytes, 0, bytes.length);
  const pieces = new Crc64();
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + random.below(40));
    pieces.update(bytes, at, end);
    at = end;
  }
  t.same([pieces.low, pieces.high], [whole.low, whole.high], `seed ${random.seed}`);
});

t.test('dumps are those of a real server', async (t) => {
  for (const [name, value, hex] of DUMPS) {
    t.equal(dumpOf(Buffer.from(value)).toString('hex'), hex, `dump: ${name}`);
    const load = loadOf(Buffer.from(hex, 'hex'));
    t.equal(load.fault, undefined, name);
    t.same(load.elements, [value], `load: ${name}`);
  }
});

t.test('lengths', async (t) => {
  const buf = Buffer.alloc(16);
  for (const length of [0, 63, 64, 16_383, 16_384, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5]) {
    const end = writeLength(buf, 0, length);
    const reader = RdbReader.over(buf, 0, end, { stringBytesMax: 1 });
    t.equal(reader.length(), length);
    t.equal(reader.bigLength, BigInt(length));
    t.equal(reader.at, end);
    for (let cut = 0; cut < end; cut += 1) {
      const short = RdbReader.over(buf, 0, cut, { stringBytesMax: 1 });
      t.throws(() => short.length(), { code: 'corrupt' }, `${length} cut at ${cut}`);
      short.isLast = false;
      t.equal(short.length(), -1, `${length} with more to come at ${cut}`);
    }
  }
});

function shaped(random: SeededRandom, bytes: number): Buffer {
  const period = 1 + random.below(random.pick([1, 3, 20, 9000]));
  const noise = random.pick([0, 0.01, 0.2, 1]);
  const value = Buffer.alloc(bytes);
  for (let i = 0; i < bytes; i += 1) {
    const isNew = i < period || random.chance(noise);
    value[i] = isNew ? random.below(256) : value[i - period]!;
  }
  return value;
}

t.test('what is compressed comes back', async (t) => {
  const random = seededRandom(seedOfRun());
  for (let round = 0; round < 400; round += 1) {
    const value = shaped(random, random.pick([21, 22, 40, 300, 5000, 70_000]) + random.below(20));
    const load = loadOf(dumpOf(value));
    if (load.fault !== undefined || load.elements[0] !== value.toString('latin1')) {
      t.fail(`round ${round}, seed ${random.seed}`);
    }
  }
});

t.test('steps of any size make the same bytes', async (t) => {
  const random = seededRandom(seedOfRun());
  const value = shaped(random, 200_000);
  const whole = dumpOf(value);
  const output = Buffer.alloc(value.length);
  const compressor = new LzfCompressor(value, output, value.length - 4);
  while (!compressor.step(1 + random.below(3000)));
  const bytes = compressor.outputBytes;
  if (bytes > 0) {
    t.ok(whole.includes(output.subarray(0, bytes)), `seed ${random.seed}`);
    const back = Buffer.alloc(value.length);
    const decompressor = new LzfDecompressor(output, 0, bytes, back);
    while (!decompressor.step(1 + random.below(3000)));
    t.ok(decompressor.ok && back.equals(value), `seed ${random.seed}`);
  }
});

t.test('damaged dumps are refused', async (t) => {
  const good = dumpOf(Buffer.from('abc'.repeat(40)));
  for (let cut = 0; cut < good.length; cut += 1) {
    t.equal(loadOf(good.subarray(0, cut)).fault, 'footer', `cut at ${cut}`);
  }
  for (let bit = 0; bit < good.length * 8; bit += 1) {
    const bad = Buffer.from(good);
    bad[bit >> 3]! ^= 1 << (bit & 7);
    t.equal(loadOf(bad).fault, 'footer', `bit ${bit}`);
  }
  t.equal(loadOf(sealed(Buffer.from([0, 1, 65]), 12)).fault, undefined, 'version 12');
  t.equal(loadOf(sealed(Buffer.from([0, 1, 65]), 13)).fault, 'footer', 'version 13');
});

const BODIES: readonly (readonly [name: string, hex: string, fault: string])[] = [
  ['nothing at all', '', 'corrupt'],
  ['no string', '00', 'corrupt'],
  ['no such type', '08', 'corrupt'],
  ['a module', '0701', 'unsupported'],
  ['more bytes than there are', '000561', 'corrupt'],
  ['a length cut short', '0041', 'corrupt'],
  ['a 64-bit length cut short', '0081000000', 'corrupt'],
  ['a length far beyond', '008100ffffffffffff', 'corrupt'],
  ['no such encoding', '00c4', 'corrupt'],
  ['an integer cut short', '00c10a', 'corrupt'],
  ['compressed: nothing', '00c30005', 'corrupt'],
  ['compressed: cut short', '00c305050461', 'corrupt'],
  ['compressed: a match before the start', '00c302032000', 'corrupt'],
  ['compressed: too little comes out', '00c302050061', 'corrupt'],
  ['compressed: too much comes out', '00c30301016161', 'corrupt'],
  ['compressed: a bomb that is none', '00c30280ffffffff0061', 'corrupt'],
  ['compressed: too long a string', '00c3808000000080ffffffff', 'corrupt'],
];

t.test('bodies that are wrong, with a right checksum', async (t) => {
  for (const [name, hex, fault] of BODIES) {
    t.equal(loadOf(sealed(Buffer.from(hex, 'hex'))).fault, fault, name);
  }
  const long = dumpOf(Buffer.alloc(5000));
  t.equal(loadOf(long, 4999).fault, 'tooLong');
  t.equal(loadOf(long, 5000).fault, undefined);
  t.equal(loadOf(dumpOf(Buffer.from('hello')), 4).fault, 'tooLong');
});

t.test('random bodies never do harm', async (t) => {
  const random = seededRandom(seedOfRun());
  for (let round = 0; round < 5000; round += 1) {
    const body = random.bytes(1 + random.below(40));
    body[0] = 0;
    if (random.chance(0.6)) body[1] = 0xc3;
    const load = loadOf(sealed(body), 1000);
    if (load.fault === undefined && load.elements[0]!.length > 1000) {
      t.fail(`round ${round}, seed ${random.seed}`);
    }
  }
});
