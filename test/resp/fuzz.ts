/**
 * Mutation fuzzing of the codec: no exception, no memory beyond the bounds, always progress, and
 * the same result as the oracle. `scripts/fuzz.ts` runs it for as long as asked; a short run is
 * part of the tests.
 */
import { Args } from '../../resp/args.js';
import { ChunkPool } from '../../resp/chunk-pool.js';
import { ReplyParser, ReplyProtocolError } from '../../resp/reply-parser.js';
import { ReplyWriter } from '../../resp/reply-writer.js';
import { RequestReader, requestLimitsDefault } from '../../resp/request-reader.js';
import { type SeededRandom, seededRandom } from '../support/random.js';
import { drive, modelRequests, mutate, randomCuts, randomStream } from './model.js';
import { frozen, randomPlan } from './round-trip.js';
import { TestSink } from './sink.js';

/** What went wrong, with all that is needed to see it again. */
export class FuzzFailure extends Error {
  readonly target: string;
  readonly seed: number;
  readonly input: Buffer;

  constructor(target: string, seed: number, input: Buffer, cause: unknown) {
    super(`${target} with seed ${seed}: ${String(cause)}`, { cause });
    this.target = target;
    this.seed = seed;
    this.input = input;
  }
}

/** Memory that a reader may hold for the bytes it was fed. */
const heldMax = (fedBytes: number): number => 4096 + fedBytes * 16;

function insist(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** Mutated requests: the reader says what the model says, in bounded memory. */
function fuzzReader(random: SeededRandom): { input: Buffer; check: () => void } {
  const input = mutate(random, mutate(random, randomStream(random, 8)));
  const authenticated = random.chance(0.6);
  const small = { ...requestLimitsDefault, bulkBytesMax: 1000, argumentsMax: 100 };
  const limits = random.pick([requestLimitsDefault, small]);
  const cuts = randomCuts(random, input.length);
  const check = (): void => {
    const after = (reader: RequestReader): void => {
      insist(reader.bufferedBytes <= heldMax(input.length), `holds ${reader.bufferedBytes} bytes`);
    };
    const reader = new RequestReader(limits);
    const options = { limits, authenticated, random, reader, after };
    const outcome = JSON.stringify(drive(input, cuts, options));
    const expected = JSON.stringify(modelRequests(input, { limits, authenticated }));
    insist(outcome === expected, 'differs from the model');
    insist(reader.workBytes <= 4096 + input.length * 10, `worked on ${reader.workBytes} bytes`);
  };
  return { input, check };
}

/** Bytes of no kind at all: every reading of an argument gives a value, never an exception. */
function fuzzArguments(random: SeededRandom): { input: Buffer; check: () => void } {
  const digits = Buffer.from('0123456789+-.eExXpPinfaINFATY \0');
  const raw = random.bytes(random.below(60));
  const input = random.chance(0.2) ? raw : raw.map((byte) => digits[byte % digits.length]!);
  const check = (): void => {
    const args = Args.of(Buffer.from(input));
    const exact = args.bigInt64(0);
    insist(Object.is(Number(exact ?? NaN), args.int64(0)), 'int64 and bigInt64 differ');
    const float = args.float(0);
    insist(exact === undefined || Object.is(float, Number(exact)), 'float and int64 differ');
    const text = args.string(0);
    if (/^[+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text))) {
      insist(Number.isNaN(float) || Object.is(float, Number(text)), 'float and Number differ');
    }
    insist(args.bytes(0).equals(args.clone().bytes(0)), 'a clone differs');
  };
  return { input: Buffer.from(input), check };
}

/** Writer to parser: what was meant arrives, whatever the chunks and the link. */
function fuzzRoundTrip(random: SeededRandom): { input: Buffer; check: () => void } {
  const chunkBytes = random.pick([32, 40, 64, 500, 65_536]);
  const writer = new ReplyWriter(new ChunkPool({ chunkBytes }), {
    inFlightBytesMax: random.pick([1, 100, 1 << 20]),
  });
  writer.protocol = random.pick([2, 3]);
  const sink = new TestSink(random);
  const expected: string[] = [];
  for (let left = random.between(1, 20); left > 0; left--) {
    const plan = randomPlan(random, writer.protocol === 3);
    plan.write(writer);
    expected.push(plan.expect);
    if (random.chance(0.3)) writer.flush(sink);
    if (random.chance(0.2)) sink.drain(writer);
  }
  for (let turn = 0; writer.pendingBytes > 0 && turn < 1_000_000; turn++) {
    writer.flush(sink);
    sink.drain(writer);
  }
  writer.flush(sink);
  const input = sink.bytes;
  const cuts = randomCuts(random, input.length);
  const check = (): void => {
    insist(writer.pendingBytes === 0 && writer.heldBytes === 0, 'the writer is not empty');
    insist(parseCut(input, cuts).join('\n') === expected.join('\n'), 'differs from what was meant');
  };
  return { input, check };
}

/** Mutated replies: values or the parser's own error, the same however they are cut. */
function fuzzParser(random: SeededRandom): { input: Buffer; check: () => void } {
  const written = fuzzRoundTrip(random).input;
  const input = mutate(random, mutate(random, written.subarray(0, 20_000)));
  const cuts = randomCuts(random, input.length);
  const check = (): void => {
    const whole = parseCut(input, []);
    insist(parseCut(input, cuts).join('\n') === whole.join('\n'), 'cuts change the result');
  };
  return { input, check };
}

function parseCut(input: Buffer, cuts: readonly number[]): string[] {
  const parser = new ReplyParser({ bulkBytesMax: 1_000_000 });
  const found: string[] = [];
  let from = 0;
  try {
    for (const to of [...cuts, input.length]) {
      parser.feed(input.subarray(from, to));
      from = to;
      for (let reply = parser.next(); reply !== undefined; reply = parser.next()) {
        found.push(frozen(reply));
      }
    }
  } catch (error) {
    if (!(error instanceof ReplyProtocolError)) throw error;
    found.push('refused');
  }
  return found;
}

const TARGETS = [
  { name: 'reader', make: fuzzReader },
  { name: 'arguments', make: fuzzArguments },
  { name: 'round trip', make: fuzzRoundTrip },
  { name: 'parser', make: fuzzParser },
];

export interface FuzzProgress {
  readonly rounds: number;
  readonly bytes: number;
}

/** One round of every target; round `n` of a seed is always the same. Throws FuzzFailure. */
export function fuzzRound(seed: number): FuzzProgress {
  let bytes = 0;
  for (const { name, make } of TARGETS) {
    let input: Buffer = Buffer.alloc(0);
    try {
      const made = make(seededRandom(seed));
      input = made.input;
      made.check();
    } catch (error) {
      throw new FuzzFailure(name, seed, input, error);
    }
    bytes += input.length;
  }
  return { rounds: TARGETS.length, bytes };
}
