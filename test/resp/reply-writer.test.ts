/**
 * The reply writer: what it writes byte for byte, round trips through the parser with chunks of
 * every size, going back, and what it holds when nobody reads.
 */
import t from 'tap';
import { ChunkPool } from '../../resp/chunk-pool.js';
import { ReplyParser } from '../../resp/reply-parser.js';
import { ReplyWriter } from '../../resp/reply-writer.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { frozen, randomPlan } from './round-trip.js';
import { TestSink } from './sink.js';

function written(protocol: 2 | 3, write: (writer: ReplyWriter) => void): string {
  const writer = new ReplyWriter(new ChunkPool());
  writer.protocol = protocol;
  write(writer);
  const sink = new TestSink();
  writer.flush(sink);
  return sink.bytes.toString('latin1');
}

t.test('byte for byte', async (t) => {
  const bytes = Buffer.from('value');
  const cases: readonly [string, (w: ReplyWriter) => void, string, string?][] = [
    ['ok', (w) => w.ok(), '+OK\r\n'],
    ['pong', (w) => w.pong(), '+PONG\r\n'],
    ['queued', (w) => w.queued(), '+QUEUED\r\n'],
    ['simple', (w) => w.simple('none'), '+none\r\n'],
    ['error', (w) => w.error('ERR a\r\nb'), '-ERR a  b\r\n'],
    ['integer', (w) => w.integer(-1), ':-1\r\n'],
    ['minus zero', (w) => w.integer(-0), ':0\r\n'],
    ['big integer', (w) => w.bigInteger(2n ** 63n - 1n), ':9223372036854775807\r\n'],
    ['bulk', (w) => w.bulk(bytes, 1, 4), '$3\r\nalu\r\n'],
    ['empty bulk', (w) => w.bulk(bytes, 1, 1), '$0\r\n\r\n'],
    ['bulk of a text', (w) => w.bulkString('é'), '$2\r\n\xc3\xa9\r\n'],
    ['bulk of a latin1 text', (w) => w.bulkLatin1('é'), '$1\r\n\xe9\r\n'],
    ['nil', (w) => w.nil(), '$-1\r\n', '_\r\n'],
    ['nil array', (w) => w.nilArray(), '*-1\r\n', '_\r\n'],
    ['empty array', (w) => w.emptyArray(), '*0\r\n'],
    ['array', (w) => w.array(12), '*12\r\n'],
    ['map', (w) => w.map(3), '*6\r\n', '%3\r\n'],
    ['set', (w) => w.set(3), '*3\r\n', '~3\r\n'],
    ['push', (w) => w.push(3), '*3\r\n', '>3\r\n'],
    ['true', (w) => w.boolean(true), ':1\r\n', '#t\r\n'],
    ['false', (w) => w.boolean(false), ':0\r\n', '#f\r\n'],
    ['whole double', (w) => w.double(1_234_567_890), '$10\r\n1234567890\r\n', ',1234567890\r\n'],
    ['double 0', (w) => w.double(0), '$1\r\n0\r\n', ',0\r\n'],
    ['double -0', (w) => w.double(-0), '$2\r\n-0\r\n', ',-0\r\n'],
    ['double', (w) => w.double(1.5), '$3\r\n1.5\r\n', ',1.5\r\n'],
    ['infinity', (w) => w.double(-Infinity), '$4\r\n-inf\r\n', ',-inf\r\n'],
    ['verbatim', (w) => w.verbatim('txt', 'é'), '$2\r\n\xc3\xa9\r\n', '=6\r\ntxt:\xc3\xa9\r\n'],
    ['big number', (w) => w.bigNumber('12'), '$2\r\n12\r\n', '(12\r\n'],
  ];
  for (const [name, write, resp2, resp3] of cases) {
    t.equal(written(2, write), resp2, `${name}, RESP2`);
    t.equal(written(3, write), resp3 ?? resp2, `${name}, RESP3`);
  }
  t.equal(
    written(3, (w) => w.attribute(1)),
    '|1\r\n',
  );
  t.throws(() => written(2, (w) => w.attribute(1)));
});

t.test('pairs of every length, in one go or as two bulks', async (t) => {
  const lengths = [0, 1, 2, 3, 4, 5, 9, 10, 11, 99, 100, 101, 3000];
  for (const firstBytes of lengths) {
    for (const secondBytes of lengths) {
      const second = (firstBytes + 3) & ~3;
      const bytes = Buffer.alloc(8 + second + secondBytes + 8, 'abcdefghijk');
      const words = new Int32Array(bytes.length >>> 2);
      Buffer.from(words.buffer).set(bytes.subarray(0, words.length * 4));
      const text = bytes.toString('latin1');
      t.equal(
        written(2, (w) => w.pairWords(words, 2, firstBytes, secondBytes)),
        `$${firstBytes}\r\n${text.slice(8, 8 + firstBytes)}\r\n` +
          `$${secondBytes}\r\n${text.slice(8 + second, 8 + second + secondBytes)}\r\n`,
        `${firstBytes} and ${secondBytes}`,
      );
    }
  }
});

t.test('random replies through chunks of every size, and back', async (t) => {
  const seed = seedOfRun();
  const random = seededRandom(seed);
  for (let round = 0; round < 1500; round++) {
    const chunkBytes = random.pick([32, 33, 64, 100, 1000, 65_536]);
    const pool = new ChunkPool({ chunkBytes, freeMax: 4 });
    const writer = new ReplyWriter(pool, { inFlightBytesMax: random.pick([1, 1000, 1 << 20]) });
    writer.protocol = random.pick([2, 3]);
    const sink = new TestSink(random);
    const expected: string[] = [];
    for (let replies = random.between(1, 12); replies > 0; replies--) {
      const plan = randomPlan(random, writer.protocol === 3);
      plan.write(writer);
      expected.push(plan.expect);
      if (random.chance(0.3)) writer.flush(sink);
      if (random.chance(0.2)) sink.drain(writer);
    }
    for (let turns = 0; writer.pendingBytes > 0 && turns < 1_000_000; turns++) {
      writer.flush(sink);
      sink.drain(writer);
    }
    writer.flush(sink);
    t.equal(writer.heldBytes, 0, `holds nothing at the end, seed ${seed}`);
    const parser = new ReplyParser();
    parser.feed(sink.bytes);
    const found = parser.all().map(frozen);
    if (parser.bufferedBytes > 0 || found.join('\n') !== expected.join('\n')) {
      t.same(found, expected, `seed ${seed}, round ${round}`);
      return;
    }
  }
  t.pass(`seed ${seed}`);
});

t.test('writing directly', async (t) => {
  const writer = new ReplyWriter(new ChunkPool({ chunkBytes: 64 }));
  const sink = new TestSink();
  writer.array(2);
  writer.bulkHeader(100);
  writer.room(100);
  writer.buf.fill(0x61, writer.at, writer.at + 100);
  writer.at += 100;
  writer.crlf();
  writer.room(8);
  writer.view.setInt32(writer.at, 0x0a0d313a, true);
  writer.at += 4;
  writer.flush(sink);
  t.equal(sink.bytes.toString(), `*2\r\n$100\r\n${'a'.repeat(100)}\r\n:1\r\n`);
});

t.test('a client that reads nothing', async (t) => {
  const pool = new ChunkPool();
  const writer = new ReplyWriter(pool);
  const sink = new TestSink();
  sink.open = false;
  const value = Buffer.alloc(100, 7);
  for (let turn = 0; turn < 20_000; turn++) {
    writer.bulk(value, 0, 100);
    writer.flush(sink);
  }
  t.equal(writer.pendingBytes, 20_000 * 108);
  t.ok(writer.heldBytes < 20_000 * 110 + 3 * 65_536, 'costs what was written, not more');
  t.ok(sink.heldBuffers <= 18, `the link holds ${sink.heldBuffers} buffers`);
  sink.open = true;
  while (writer.pendingBytes > 0) {
    sink.drain(writer);
    writer.flush(sink);
  }
  t.equal(sink.bytes.length, 20_000 * 108);
  t.equal(writer.heldBytes, 0);
  t.ok(pool.freeBytes <= 256 * 65_536);

  writer.bulk(Buffer.alloc(1_000_000), 0, 1_000_000);
  t.ok(writer.heldBytes < 1_000_000 + 2 * 65_536, 'a big value gets a buffer of its size');
  writer.release();
  t.equal(writer.pendingBytes, 0);
  t.equal(writer.heldBytes, 0);
});

t.test('chunks are used again', async (t) => {
  const pool = new ChunkPool();
  const writer = new ReplyWriter(pool);
  const sink = new TestSink();
  writer.ok();
  const first = writer.buf;
  writer.flush(sink);
  t.equal(writer.buf.length, 0, 'an idle connection holds none');
  writer.ok();
  t.equal(writer.buf, first);
  const mark = writer.mark();
  writer.rewind(0 + mark);
  writer.flush(sink);
  t.throws(() => writer.rewind(0), 'a mark does not survive a flush');
});

t.test('nothing was written', async (t) => {
  const pool = new ChunkPool();
  const writer = new ReplyWriter(pool);
  const sink = new TestSink();
  writer.flush(sink);
  const mark = writer.mark();
  writer.ok();
  writer.rewind(mark);
  writer.flush(sink);
  t.equal(sink.writes, 0);
  t.equal(writer.heldBytes, 0);
});
