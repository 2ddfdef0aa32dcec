/**
 * The cities example: loads 135,000 places under ordered keys and asks for ranges of them.
 *
 *   npm run example:cities -- --at 127.0.0.1:6379
 */

import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError } from 'commander';
import { Redis } from 'ioredis';
import { allCities, country } from './keys.js';
import { loadCities } from './load.js';
import { cities } from './places.js';
import {
  countBetween,
  countOf,
  firstAfter,
  nthOfCountry,
  type Place,
  placesOfCountry,
} from './questions.js';

const SHOWN_COUNT = 5;
const CONNECT_MS_MAX = 5000;

interface Flags {
  readonly at: string;
  readonly country: string;
  readonly after: string;
  readonly from: string;
  readonly to: string;
  readonly nth: number;
  readonly load: boolean;
}

function upperCase(given: string): string {
  if (!/^[a-z]{2}$/i.test(given)) throw new InvalidArgumentError('Give two letters, such as SE.');
  return given.toUpperCase();
}

function positive(given: string): number {
  if (!/^[1-9][0-9]*$/.test(given)) throw new InvalidArgumentError('Give a number from 1 on.');
  return Number(given);
}

function readFlags(): Flags {
  return new Command('cities')
    .description('Loads 135,000 places under ordered keys and asks for ranges of them.')
    .option('--at <host:port>', 'the node', '127.0.0.1:6379')
    .option('--country <code>', 'the country to ask about', upperCase, 'SE')
    .option('--after <name>', 'which place follows this name?', 'Stockholm')
    .option('--from <name>', 'how many places from this name ...', 'Malmö')
    .option('--to <name>', '... to this one?', 'Uppsala')
    .option('--nth <number>', 'which place is the n-th?', positive, 100)
    .option('--no-load', 'ask only: the places are there already')
    .parse()
    .opts<Flags>();
}

async function connect(at: string): Promise<Redis> {
  const colon = at.lastIndexOf(':');
  const redis = new Redis({
    host: at.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(at.slice(colon + 1)),
    password: process.env.DHASH_PASSWORD,
    lazyConnect: true,
    connectTimeout: CONNECT_MS_MAX,
    retryStrategy: () => null,
  });
  redis.on('error', () => {});
  await redis.connect();
  return redis;
}

async function load(redis: Redis): Promise<void> {
  const bar = new SingleBar({
    format: 'loading {bar} {percentage} %  {value} of {total} places  {duration_formatted}',
    hideCursor: true,
    clearOnComplete: true,
  });
  const startMs = performance.now();
  bar.start(cities.length, 0);
  try {
    await loadCities(redis, cities, (loadedCount) => bar.update(loadedCount));
  } finally {
    bar.stop();
  }
  const seconds = (performance.now() - startMs) / 1000;
  console.log(`Loaded ${cities.length.toLocaleString('en')} places in ${seconds.toFixed(1)} s.`);
}

function shown(place: Place | undefined): string {
  if (place === undefined) return 'none';
  const people = place.population.toLocaleString('en');
  return `${place.name} (${place.country}, ${people} people)  ${place.key}`;
}

/** Prints an answer with how long it took, the round trip included. */
async function answer(question: string, ask: () => Promise<string>): Promise<void> {
  const startMs = performance.now();
  const text = await ask();
  console.log(`\n${question}  [${(performance.now() - startMs).toFixed(2)} ms]\n  ${text}`);
}

async function askAll(redis: Redis, flags: Flags): Promise<void> {
  const { country: code, after, from, to, nth } = flags;
  await answer(`How many places are there in ${code}, and all in all?`, async () => {
    const here = await countOf(redis, country(code));
    return `${here.toLocaleString('en')} of ${(await countOf(redis, allCities)).toLocaleString('en')}`;
  });
  await answer(`The first ${SHOWN_COUNT} places of ${code} by name`, async () => {
    const places = await placesOfCountry(redis, code, 0, SHOWN_COUNT);
    return places.map(shown).join('\n  ') || 'none';
  });
  await answer(`The first place after ${after}`, async () =>
    shown(await firstAfter(redis, code, after)),
  );
  await answer(`How many places from ${from} to ${to}?`, async () =>
    (await countBetween(redis, code, from, to)).toLocaleString('en'),
  );
  await answer(`Place number ${nth} of ${code}`, async () =>
    shown(await nthOfCountry(redis, code, nth)),
  );
}

async function main(): Promise<void> {
  const flags = readFlags();
  let redis: Redis;
  try {
    redis = await connect(flags.at);
  } catch {
    console.error(`Cannot reach ${flags.at}. Start a node with: npm start`);
    process.exitCode = 2;
    return;
  }
  try {
    if (flags.load) await load(redis);
    await askAll(redis, flags);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  } finally {
    redis.disconnect();
  }
}

await main();
