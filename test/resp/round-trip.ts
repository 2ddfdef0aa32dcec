/**
 * Random replies: a plan of what to write, the writing of it, and what the parser must make of it.
 * `frozen` turns values into texts that can be compared whatever their types.
 */
import { formatDouble } from '../../resp/numbers.js';
import {
  type Reply,
  ReplyAttributed,
  ReplyBigNumber,
  ReplyDouble,
  ReplyError,
  ReplyMap,
  ReplyPush,
  ReplySet,
  ReplyVerbatim,
} from '../../resp/reply-parser.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { SeededRandom } from '../support/random.js';

/** A reply as text: every type looks different. */
export function frozen(reply: Reply): string {
  if (reply === null) return 'null';
  if (Buffer.isBuffer(reply)) return `bulk ${reply.toString('hex')}`;
  if (typeof reply === 'string') return `simple ${JSON.stringify(reply)}`;
  if (typeof reply === 'boolean') return `boolean ${reply}`;
  if (typeof reply === 'number' || typeof reply === 'bigint') return `integer ${reply}`;
  if (reply instanceof ReplyError) return `error ${JSON.stringify(reply.message)}`;
  if (reply instanceof ReplyDouble) {
    return `double ${Object.is(reply.value, -0) ? '-0' : reply.value}`;
  }
  if (reply instanceof ReplyBigNumber) return `big ${reply.value}`;
  if (reply instanceof ReplyVerbatim) {
    return `verbatim ${reply.format} ${reply.text.toString('hex')}`;
  }
  if (reply instanceof ReplyAttributed) {
    return `attributed (${frozen(reply.attributes)}) ${frozen(reply.value)}`;
  }
  if (reply instanceof ReplyMap) {
    return `map {${reply.pairs.map(([key, value]) => `${frozen(key)}: ${frozen(value)}`).join()}}`;
  }
  if (reply instanceof ReplySet) return `set {${reply.items.map(frozen).join()}}`;
  if (reply instanceof ReplyPush) return `push {${reply.items.map(frozen).join()}}`;
  return `[${reply.map(frozen).join()}]`;
}

/** One reply to write. */
export interface Plan {
  write(writer: ReplyWriter): void;
  /** The frozen reply. */
  expect: string;
}

type Maker = (random: SeededRandom, resp3: boolean, depth: number) => Plan;

const bulk = (bytes: Buffer): string => `bulk ${bytes.toString('hex')}`;

const TEXTS = ['', 'OK', 'hello', 'héllo', '日本語', 'a\r\nb', 'x'.repeat(50), '€'.repeat(3000)];

function randomBytes(random: SeededRandom): Buffer {
  if (random.chance(0.02)) return random.bytes(random.below(400_000));
  return random.bytes(random.below(random.chance(0.1) ? 10_000 : 100));
}

const SCALARS: readonly Maker[] = [
  () => ({ write: (w) => w.ok(), expect: 'simple "OK"' }),
  () => ({ write: (w) => w.pong(), expect: 'simple "PONG"' }),
  () => ({ write: (w) => w.queued(), expect: 'simple "QUEUED"' }),
  (random) => {
    const text = random.pick(['', 'OK', 'none', 'é', 'y'.repeat(40), 'z'.repeat(5000)]);
    return { write: (w) => w.simple(text), expect: `simple ${JSON.stringify(text)}` };
  },
  (random) => {
    const text = random.pick(['ERR no', 'ERR a\r\nb', 'WRONGTYPE é', `ERR ${'w'.repeat(100)}`]);
    const expect = `error ${JSON.stringify(text.replace(/[\r\n]/g, ' '))}`;
    return { write: (w) => w.error(text), expect };
  },
  (random) => {
    const n = Math.floor(2 ** (random.float() * 53)) * random.pick([1, -1]);
    return { write: (w) => w.integer(n), expect: `integer ${n}` };
  },
  (random) => {
    const n = random.between(-20, 10_010);
    return { write: (w) => w.integer(n), expect: `integer ${n}` };
  },
  (random) => {
    const n = random.bytes(8).readBigInt64LE();
    return { write: (w) => w.bigInteger(n), expect: `integer ${n}` };
  },
  (random) => {
    const bytes = randomBytes(random);
    const from = random.below(bytes.length + 1);
    const expect = bulk(bytes.subarray(from));
    return { write: (w) => w.bulk(bytes, from, bytes.length), expect };
  },
  (random) => {
    const bytes = randomBytes(random);
    const words = new Int32Array(Math.ceil(bytes.length / 4) + 3);
    Buffer.from(words.buffer).set(bytes, 8);
    return { write: (w) => w.bulkWords(words, 2, bytes.length), expect: bulk(bytes) };
  },
  (random) => {
    const text = random.pick(TEXTS);
    return { write: (w) => w.bulkString(text), expect: bulk(Buffer.from(text)) };
  },
  (random) => {
    const bytes = randomBytes(random);
    return { write: (w) => w.bulkLatin1(bytes.toString('latin1')), expect: bulk(bytes) };
  },
  (random) => {
    const bytes = randomBytes(random);
    const write = (w: ReplyWriter): void => {
      w.bulkHeader(bytes.length);
      w.raw(bytes, 0, bytes.length);
      w.crlf();
    };
    return { write, expect: bulk(bytes) };
  },
  () => ({ write: (w) => w.nil(), expect: 'null' }),
  () => ({ write: (w) => w.nilArray(), expect: 'null' }),
  () => ({ write: (w) => w.emptyArray(), expect: '[]' }),
  (random, resp3) => {
    const value = random.chance(0.5);
    const expect = resp3 ? `boolean ${value}` : `integer ${value ? 1 : 0}`;
    return { write: (w) => w.boolean(value), expect };
  },
  (random, resp3) => {
    const value = random.pick([0.1, 1, -2.5, 1e21, 1e-7, Infinity, -Infinity, random.float()]);
    const expect = resp3 ? `double ${value}` : bulk(Buffer.from(formatDouble(value)));
    return { write: (w) => w.double(value), expect };
  },
  (random, resp3) => {
    const text = random.pick([
      '0',
      '-12345678901234567890123',
      '3492890328409238509324850943850943',
    ]);
    const expect = resp3 ? `big ${text}` : bulk(Buffer.from(text));
    return { write: (w) => w.bigNumber(text), expect };
  },
  (random, resp3) => {
    const text = random.pick(TEXTS);
    const hex = Buffer.from(text).toString('hex');
    const expect = resp3 ? `verbatim txt ${hex}` : `bulk ${hex}`;
    return { write: (w) => w.verbatim('txt', text), expect };
  },
];

const AGGREGATES: readonly Maker[] = [
  (random, resp3, depth) => {
    const items = plans(random, resp3, depth, 1);
    const write = (w: ReplyWriter): void => {
      w.array(items.length);
      for (const item of items) item.write(w);
    };
    return { write, expect: `[${items.map((item) => item.expect).join()}]` };
  },
  (random, resp3, depth) => {
    const items = plans(random, resp3, depth, 1);
    const write = (w: ReplyWriter): void => {
      const later = w.defer();
      for (const item of items) item.write(w);
      w.resolveArray(later, items.length);
    };
    return { write, expect: `[${items.map((item) => item.expect).join()}]` };
  },
  (random, resp3, depth) => {
    const items = plans(random, resp3, depth, 2);
    const deferred = random.chance(0.5);
    const write = (w: ReplyWriter): void => {
      const later = deferred ? w.defer() : 0;
      if (!deferred) w.map(items.length / 2);
      for (const item of items) item.write(w);
      if (deferred) w.resolveMap(later, items.length / 2);
    };
    return { write, expect: resp3 ? `map {${pairsOf(items)}}` : flat(items) };
  },
  (random, resp3, depth) => {
    const items = plans(random, resp3, depth, 1);
    const deferred = random.chance(0.5);
    const write = (w: ReplyWriter): void => {
      const later = deferred ? w.defer() : 0;
      if (!deferred) w.set(items.length);
      for (const item of items) item.write(w);
      if (deferred) w.resolveSet(later, items.length);
    };
    return { write, expect: resp3 ? `set {${items.map((i) => i.expect).join()}}` : flat(items) };
  },
  (random, resp3, depth) => {
    const items = plans(random, resp3, depth, 1);
    const write = (w: ReplyWriter): void => {
      w.push(items.length);
      for (const item of items) item.write(w);
    };
    return { write, expect: resp3 ? `push {${items.map((i) => i.expect).join()}}` : flat(items) };
  },
  (random, resp3, depth) => {
    const value = randomPlan(random, resp3, depth + 1);
    if (!resp3) return value;
    const items = plans(random, resp3, depth, 2);
    const write = (w: ReplyWriter): void => {
      w.attribute(items.length / 2);
      for (const item of items) item.write(w);
      value.write(w);
    };
    return { write, expect: `attributed (map {${pairsOf(items)}}) ${value.expect}` };
  },
  // What is written and taken back leaves no trace.
  (random, resp3, depth) => {
    const forgotten = randomPlan(random, resp3, depth + 1);
    const value = randomPlan(random, resp3, depth + 1);
    const write = (w: ReplyWriter): void => {
      const mark = w.mark();
      forgotten.write(w);
      w.rewind(mark);
      value.write(w);
    };
    return { write, expect: value.expect };
  },
];

const flat = (items: readonly Plan[]): string => `[${items.map((item) => item.expect).join()}]`;

function pairsOf(items: readonly Plan[]): string {
  const pairs: string[] = [];
  for (let i = 0; i < items.length; i += 2) {
    pairs.push(`${items[i]!.expect}: ${items[i + 1]!.expect}`);
  }
  return pairs.join();
}

function plans(random: SeededRandom, resp3: boolean, depth: number, multiple: number): Plan[] {
  const count = random.below(4) * multiple;
  return Array.from({ length: count }, () => randomPlan(random, resp3, depth + 1));
}

/** A random reply, nested a few levels at most. */
export function randomPlan(random: SeededRandom, resp3: boolean, depth = 0): Plan {
  const aggregate = depth < 4 && random.chance(0.3);
  return random.pick(aggregate ? AGGREGATES : SCALARS)(random, resp3, depth);
}
