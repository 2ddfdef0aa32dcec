/**
 * The codec alone: requests parsed, commands found by name, replies written, with no socket and no
 * store; a pipeline of 16 at a time, as `redis-benchmark -P 16 -d 64 -r 1000000` sends it. The
 * peer does the same with redis-parser, a Map of names, and strings joined into one reply.
 */

import RedisParser from 'redis-parser';
import { Args } from '../resp/args.js';
import { ChunkPool } from '../resp/chunk-pool.js';
import { NameTable } from '../resp/names.js';
import { ReplyWriter } from '../resp/reply-writer.js';
import { REQUEST, RequestReader, requestLimitsDefault } from '../resp/request-reader.js';
import { seededRandom } from '../test/support/random.js';
import { type BenchOptions, interleave, Report } from './support/harness.js';

const VALUE_BYTES = 64;
const PIPELINE = 16;
const BATCHES = 2000;
/** Parsing and replying may take this long; sockets and the store need the rest. */
const COMMAND_NS_MAX = 300;

const NAMES = ['GET', 'SET', 'DEL', 'INCR', 'MGET', 'MSET', 'PING', 'EXPIRE', 'KRANGE', 'EXISTS'];
const value = Buffer.alloc(VALUE_BYTES, 'v');
const words = new Int32Array(value.buffer.slice(0, VALUE_BYTES));
const sink = { write: (): boolean => true };

type Work = 'parse' | 'reply' | 'both';

function request(random: { below(n: number): number }, name: string): string {
  const key = `key:${String(random.below(1_000_000)).padStart(12, '0')}`;
  const head = `$${name.length}\r\n${name}\r\n$${key.length}\r\n${key}\r\n`;
  if (name === 'GET') return `*2\r\n${head}`;
  return `*3\r\n${head}$${VALUE_BYTES}\r\n${value.toString()}\r\n`;
}

function batches(name: string): Buffer[] {
  const random = seededRandom(7);
  const batch = (): string =>
    Array.from({ length: PIPELINE }, () => request(random, name)).join('');
  return Array.from({ length: BATCHES }, () => Buffer.from(batch()));
}

/** Nanoseconds per command. */
function timed(work: () => void): number {
  const started = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - started) / (BATCHES * PIPELINE);
}

function ours(input: readonly Buffer[], work: Work): () => number {
  const reader = new RequestReader(requestLimitsDefault);
  reader.authenticated = true;
  const args = new Args();
  const writer = new ReplyWriter(new ChunkPool());
  const table = new NameTable<(writer: ReplyWriter) => void>();
  for (const name of NAMES) table.add(name, (out) => out.ok());
  table.add('GET', (out) => out.bulkWords(words, 0, VALUE_BYTES));
  const get = table.get('GET')!;
  const set = table.get('SET')!;
  const isGet = input[0]!.includes('GET');

  const run = (): void => {
    for (const batch of input) {
      if (work === 'reply') {
        for (let i = 0; i < PIPELINE; i++) (isGet ? get : set)(writer);
      } else {
        reader.feed(batch, 0, batch.length);
        while (reader.next(args) === REQUEST) {
          const found = table.find(args.buf, args.starts[0]!, args.ends[0]!)!;
          if (work === 'both') found(writer);
        }
        reader.keep();
      }
      writer.flush(sink);
    }
  };
  return () => timed(run);
}

function fail(error: Error): never {
  throw error;
}

function theirs(input: readonly Buffer[], work: Work): () => number {
  const text = value.toString('latin1');
  const table = new Map<string, () => string>();
  for (const name of NAMES) table.set(name, () => '+OK\r\n');
  table.set('GET', () => `$${text.length}\r\n${text}\r\n`);
  const one = table.get(input[0]!.includes('GET') ? 'GET' : 'SET')!;
  const target = Buffer.alloc(64 * 1024);
  let replies = '';
  const parser = new RedisParser({
    returnBuffers: true,
    returnReply: (reply: unknown) => {
      const found = table.get((reply as Buffer[])[0]!.toString('latin1').toUpperCase())!;
      if (work === 'both') replies += found();
    },
    returnError: fail,
    returnFatalError: fail,
  });
  const run = (): void => {
    for (const batch of input) {
      replies = '';
      if (work === 'reply') for (let i = 0; i < PIPELINE; i++) replies += one();
      else parser.execute(batch);
      target.write(replies, 'latin1');
    }
  };
  return () => timed(run);
}

export async function run(options: BenchOptions): Promise<void> {
  const rounds = options.rounds ?? (options.quick === true ? 3 : 15);
  const report = new Report('resp', options);
  const all: Work[] = ['parse', 'reply', 'both'];
  for (const name of ['GET', 'SET']) {
    const input = batches(name);
    for (const work of all) {
      const contestants = [
        { name: 'ours', run: ours(input, work) },
        { name: 'redis-parser', run: theirs(input, work) },
      ];
      for (const contestant of contestants) for (let i = 0; i < 3; i++) contestant.run();
      const [our, their] = (await interleave(contestants, rounds)) as [number, number];
      const row = { ours: our, unit: 'ns', peer: 'redis-parser, strings', theirs: their };
      report.add({ name: `${name}, ${work}`, ...row, ratio: their / our });
      if (work !== 'both') continue;
      const limit = { ours: our, unit: 'ns', target: COMMAND_NS_MAX, atMost: true };
      report.add({ name: `${name}, ns per command on one core`, ...limit });
    }
  }
  report.finish();
}
