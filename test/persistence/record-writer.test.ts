/** Records are as record.ts draws them, whichever way the writer takes: read byte by byte here. */
import t from 'tap';
import { BLOCK_HEADER_BYTES } from '../../lib/persistence/block.js';
import { KIND_ENTRY } from '../../lib/persistence/record.js';
import { RecordWriter } from '../../lib/persistence/record-writer.js';
import { FLAG_EXPIRY, FLAG_LED, FLAG_RAW, FLAG_TEXT } from '../../radix/leaf.js';
import { Space } from '../../radix/space.js';
import { Tree } from '../../radix/tree.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const SEED = seedOfRun();
const SLOT = 5;
/** Around words, varints of one byte, SLIM leaves and WIDE ones. */
const KEY_BYTES = [0, 1, 3, 4, 5, 16, 126, 127, 128, 129, 255, 256, 1000];
const VALUE_BYTES = [...KEY_BYTES, 1023, 1024, 20_000];
/** Of a leaf: what the facts carry of them is theirs to say. */
const FLAGS_SHIFT = 21;

interface Wanted {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly stamp: number;
  readonly origin: number;
  readonly flags: number;
  readonly expiryMs: number;
}

class Reader {
  at = BLOCK_HEADER_BYTES;
  readonly buf: Buffer;

  constructor(buf: Buffer) {
    this.buf = buf;
  }

  varint(): number {
    for (let value = 0, unit = 1; ; unit *= 128) {
      const byte = this.buf[this.at++]!;
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
  }

  bytes(count: number): Buffer {
    this.at += count;
    return this.buf.subarray(this.at - count, this.at);
  }

  entry(): Wanted & { kind: number } {
    const kind = this.buf[this.at++]!;
    const origin = this.buf.readUInt16LE(this.at);
    const low = this.buf.readUInt32LE(this.at + 2);
    const high = this.buf.readUInt32LE(this.at + 6);
    this.at += 10;
    const flags = high >>> FLAGS_SHIFT;
    const stamp = (high % 2 ** FLAGS_SHIFT) * 2 ** 32 + low;
    let expiryMs = 0;
    if ((flags & FLAG_EXPIRY) !== 0) {
      expiryMs = this.buf.readDoubleLE(this.at);
      this.at += 8;
    }
    const keyBytes = this.varint();
    const valueBytes = this.varint();
    const key = this.bytes(keyBytes);
    return { kind, key, value: this.bytes(valueBytes), stamp, origin, flags, expiryMs };
  }
}

void t.test('entries of all lengths, one after the other', async (t) => {
  const random = seededRandom(SEED);
  const tree = new Tree(new Space({ hashKey: Buffer.alloc(16, 7) }));
  const writer = new RecordWriter();
  const wanted: Wanted[] = [];
  const mayHave = FLAG_LED | FLAG_RAW | FLAG_TEXT;
  for (let i = 0; i < 3000; i += 1) {
    const key = random.bytes(random.pick(KEY_BYTES));
    const value = random.bytes(random.pick(VALUE_BYTES));
    const stamp = 2 ** 52 + random.below(2 ** 32) * random.below(2 ** 20);
    const origin = random.below(2 ** 16);
    const flags = random.below(2 ** 9) & mayHave;
    const expiryMs = random.chance(0.3) ? 1 + random.below(2 ** 43) : 0;
    const leaf = tree.put(
      key,
      0,
      key.length,
      stamp,
      origin,
      flags,
      expiryMs,
      value,
      0,
      value.length,
    );
    writer.entry(SLOT, tree, leaf);
    wanted.push({ key, value, stamp, origin, flags, expiryMs });
  }
  writer.close();
  let count = 0;
  for (const { buf, end } of writer.filled) {
    const reader = new Reader(buf.subarray(0, end));
    while (reader.at < end) {
      const found = reader.entry();
      const { flags, ...rest } = wanted[count]!;
      const { kind, flags: foundFlags, ...foundRest } = found;
      t.equal(kind, KIND_ENTRY | (SLOT << 4), `seed ${SEED}, record ${count}`);
      t.equal(foundFlags & mayHave, flags, `seed ${SEED}, record ${count}`);
      t.strictSame(foundRest, rest, `seed ${SEED}, record ${count}`);
      count += 1;
    }
    t.equal(reader.at, end, 'records are whole');
  }
  t.equal(count, wanted.length);
});
