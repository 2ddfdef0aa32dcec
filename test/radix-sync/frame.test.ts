import t from 'tap';
import { ByteReader, ByteWriter } from '../../radix/sync/bytes.js';
import { encodeFrame, FrameReader, PAYLOAD_BYTES_MAX } from '../../radix/sync/frame.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

const NUMBERS = [0, 1, 127, 128, 16383, 16384, 2 ** 28 - 1, 2 ** 28, 2 ** 35, 2 ** 53 - 1];

t.test('numbers come back', (t) => {
  const random = seededRandom(seed);
  const numbers = [...NUMBERS];
  for (let i = 0; i < 200; i++) numbers.push(Math.floor(2 ** (random.float() * 53)));
  for (const number of numbers) {
    const writer = new ByteWriter();
    writer.varint(number);
    writer.signed(Math.floor(number / 2));
    writer.signed(-Math.floor(number / 2));
    const reader = new ByteReader(writer.view());
    t.equal(reader.varint(), number);
    t.equal(reader.signed(), Math.floor(number / 2));
    t.equal(reader.signed() + 0, 0 - Math.floor(number / 2));
    reader.end();
  }
  t.end();
});

t.test('fixed widths and blobs come back', (t) => {
  const writer = new ByteWriter();
  writer.u8(0xfe);
  writer.u16(0xfedc);
  writer.u24(0xfedcba);
  writer.u32(-2);
  writer.blob(Buffer.alloc(300, 7));
  const reader = new ByteReader(writer.view());
  t.equal(reader.u8(), 0xfe);
  t.equal(reader.u16(), 0xfedc);
  t.equal(reader.u24(), 0xfedcba);
  t.equal(reader.i32(), -2);
  t.strictSame(reader.blob(300), Buffer.alloc(300, 7));
  reader.end();
  t.end();
});

const BAD_NUMBERS = [
  ['empty', []],
  ['cut', [0x80]],
  ['not the shortest', [0x80, 0x00]],
  ['above 2^53', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
  ['nine bytes', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
] as const;

t.test('what is no number is refused', (t) => {
  for (const [name, bytes] of BAD_NUMBERS) {
    const reader = new ByteReader(Buffer.from(bytes));
    t.throws(() => reader.varint(), { code: 'SYNC_BAD_FRAME' }, name);
  }
  t.throws(() => new ByteReader(Buffer.of(5)).varint(4), { code: 'SYNC_BAD_FRAME' });
  t.throws(() => new ByteReader(Buffer.of(2, 1)).blob(9), { code: 'SYNC_BAD_FRAME' });
  t.throws(() => new ByteReader(Buffer.of(0)).end(), { code: 'SYNC_BAD_FRAME' });
  t.end();
});

t.test('frames come back whole, byte by byte, and cut at every offset', (t) => {
  const random = seededRandom(seed);
  const sizes = [0, 1, 127, 128, 300];
  const frames = sizes.map((bytes, type) => ({ type, payload: random.bytes(bytes) }));
  const wire = Buffer.concat(frames.map((frame) => encodeFrame(frame.type, frame.payload)));
  const drain = (reader: FrameReader): { type: number; payload: Buffer }[] => {
    const got = [];
    for (let frame = reader.next(); frame !== null; frame = reader.next()) {
      got.push({ type: frame.type, payload: Buffer.from(frame.payload) });
    }
    return got;
  };
  const single = new FrameReader(wire.length);
  const got = [];
  for (const byte of wire) {
    single.push(Buffer.of(byte));
    got.push(...drain(single));
  }
  t.strictSame(got, frames, 'byte by byte');
  for (let cut = 0; cut <= wire.length; cut++) {
    const reader = new FrameReader(wire.length);
    reader.push(wire.subarray(0, cut));
    const before = drain(reader);
    reader.push(wire.subarray(cut));
    const all = [...before, ...drain(reader)];
    if (
      all.length !== frames.length ||
      !all.every((f, i) => f.payload.equals(frames[i]!.payload))
    ) {
      t.fail(`cut at ${cut}`);
    }
    if (reader.heldBytes !== 0) t.fail(`held after ${cut}`);
  }
  t.end();
});

t.test('a payload has a limit, and what is held too', (t) => {
  const largest = new FrameReader(2 ** 17);
  largest.push(encodeFrame(9, Buffer.alloc(PAYLOAD_BYTES_MAX)));
  t.equal(largest.next()?.payload.length, PAYLOAD_BYTES_MAX);
  const tooLarge = new FrameReader(2 ** 17);
  tooLarge.push(encodeFrame(9, Buffer.alloc(PAYLOAD_BYTES_MAX + 1)));
  t.throws(() => tooLarge.next(), { code: 'SYNC_BAD_FRAME' });
  for (const length of [
    [0x80, 0x00],
    [0xff, 0xff, 0xff, 0x01],
  ]) {
    const reader = new FrameReader(100);
    reader.push(Buffer.from([1, ...length]));
    t.throws(() => reader.next(), { code: 'SYNC_BAD_FRAME' });
  }
  const full = new FrameReader(10);
  full.push(Buffer.alloc(10));
  t.throws(() => full.push(Buffer.alloc(1)), { code: 'SYNC_LIMIT' });
  t.end();
});
