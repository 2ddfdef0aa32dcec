/**
 * Scripts on a real redis-server and here: the snippets, and random values through the libraries.
 * SEED repeats a run; SCRIPTS is the number of random ones.
 */
import t, { type Test } from 'tap';
import { seededRandom, seedOfRun } from '../support/random.js';
import { startDhash, startRedis } from '../support/server-process.js';
import { randomScript } from './random-values.js';
import { type RawClient, rawClient } from './raw-client.js';
import {
  acceptedSnippets,
  conversionSnippets,
  errorSnippets,
  languageSnippets,
} from './snippets.js';

const seed = seedOfRun();
const randomCount = Number(process.env['SCRIPTS'] ?? 4000);

interface Pair {
  readonly redis: RawClient;
  readonly dhash: RawClient;
}

async function pair(t: Test): Promise<Pair> {
  const [redis, dhash] = await Promise.all([startRedis(), startDhash()]);
  const clients = { redis: await rawClient(redis.port), dhash: await rawClient(dhash.port) };
  t.teardown(async () => {
    clients.redis.close();
    clients.dhash.close();
    await Promise.all([redis.stop(), dhash.stop()]);
  });
  return clients;
}

async function compare({ redis, dhash }: Pair, script: string): Promise<string | undefined> {
  const request = ['EVAL', script, '0'] as const;
  const [expected, actual] = await Promise.all([redis.send(...request), dhash.send(...request)]);
  if (expected === actual) return undefined;
  const shown = (reply: string) => JSON.stringify(reply.slice(0, 300));
  return `${script}\n  redis ${shown(expected)}\n  dhash ${shown(actual)}`;
}

t.setTimeout(120_000);

for (const protocol of ['2', '3']) {
  t.test(`the snippets in RESP${protocol}`, async (t) => {
    const servers = await pair(t);
    if (protocol === '3') {
      await servers.redis.send('HELLO', '3');
      await servers.dhash.send('HELLO', '3');
    }
    const all = [...conversionSnippets, ...errorSnippets, ...languageSnippets];
    for (const script of all) t.equal(await compare(servers, script), undefined, script);
    for (const [script, why] of acceptedSnippets) {
      t.not(await compare(servers, script), undefined, `${why}: ${script}`);
    }
  });
}

t.test(`random values through the libraries (seed ${seed})`, async (t) => {
  const servers = await pair(t);
  const random = seededRandom(seed);
  for (let i = 0; i < randomCount; i += 1) {
    const difference = await compare(servers, randomScript(random));
    if (difference !== undefined) t.fail(`seed ${seed}, script ${i}: ${difference}`);
  }
  t.ok(randomCount > 0);
});
