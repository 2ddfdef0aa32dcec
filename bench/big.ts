/**
 * Collections of five million elements: loading each, ranges of it, DEL, and until its memory is
 * back; how fast, and how late the server's event loop was meanwhile, which must not be 10 ms.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { RespClient } from '../test/support/resp-client.js';
import { type ServerProcess, startDhash } from '../test/support/server-process.js';
import { type BenchOptions, Report } from './support/harness.js';
import { takeDelays, WATCHED } from './support/loop-delays.js';
import { fill, nodeOf } from './support/redis-benchmark.js';

interface Content {
  readonly key: string;
  readonly add: string;
  /** What one element is in the command. */
  readonly element: (index: number) => string[];
  /** A command that answers so many elements from this one on. */
  readonly range: (first: number, count: number) => string[];
}

const COUNT = 5_000_000;
const QUICK_COUNT = 200_000;
const COMMAND_ELEMENTS = 500;
const RANGES = 50;
const RANGE_ELEMENTS = 20_000;
const DELAY_MAX_MS = 10;
const WAIT_MS = 20;
/** Of fields: more than it takes to tell all of them. */
const LIFE_MS = 20_000;
/** Coprime to the counts, so that elements and scores do not come in order. */
const STEP = 7_919;

const member = (index: number): string => `element:${String(index).padStart(12, '0')}`;
const low = (first: number): string => `[${member(first)}`;

const CONTENTS: readonly Content[] = [
  {
    key: 'hash',
    add: 'HSET',
    element: (index) => [member(index), `value:${index}`],
    range: (first, count) => ['HRANGE', 'hash', low(first), '+', 'LIMIT', '0', `${count}`],
  },
  {
    key: 'set',
    add: 'SADD',
    element: (index) => [member(index)],
    range: (first, count) => ['SRANGE', 'set', low(first), '+', 'LIMIT', '0', `${count}`],
  },
  {
    key: 'sorted set',
    add: 'ZADD',
    element: (index) => [String(index), member(index)],
    range: (first, count) => ['ZRANGE', 'sorted set', `${first}`, `${first + count - 1}`],
  },
];

class Watched {
  readonly server: ServerProcess;
  readonly client: RespClient;
  readonly #report: Report;
  readonly #version: string;

  constructor(server: ServerProcess, client: RespClient, report: Report, version: string) {
    this.server = server;
    this.client = client;
    this.#report = report;
    this.#version = version;
  }

  /** Does some work; `count`: of what is done, for its rate. */
  async phase(name: string, count: number, unit: string, work: () => Promise<void>): Promise<void> {
    await takeDelays(this.server);
    const startedMs = performance.now();
    await work();
    const seconds = (performance.now() - startedMs) / 1000;
    const delays = await takeDelays(this.server);
    const title = `${name}, Node ${this.#version}`;
    this.#report.add({ name: title, ours: count / seconds, unit: `${unit}/s` });
    this.#report.add({ name: `${title}: p99 of delay`, ours: delays.p99Ms, unit: 'ms' });
    this.#report.add({
      name: `${title}: longest delay of ${delays.turns} (${delays.overTen} over 10 ms)`,
      ours: delays.maxMs,
      unit: 'ms',
    });
    this.#report.add({
      name: `${title}: longest time at work between two timers`,
      ours: delays.busyMs,
      unit: 'ms',
      target: DELAY_MAX_MS,
      atMost: true,
    });
  }

  /** A field of INFO, as a number. */
  async figure(section: string, field: string): Promise<number> {
    const info = await this.client.callPlain('INFO', section);
    return Number(new RegExp(`\\b${field}:(\\d+)`).exec(String(info))?.[1]);
  }

  /** Until all memory that was freed is back. */
  async reclaimed(): Promise<void> {
    while ((await this.figure('dhash', 'reclaim_pending')) !== 0) await pause(WAIT_MS);
  }
}

async function measure(watched: Watched, content: Content, count: number): Promise<void> {
  const { add, element, key, range } = content;
  const { client, server } = watched;
  const load = async (): Promise<void> => {
    await fill(server, count / COMMAND_ELEMENTS, (command) => {
      const parts = [add, key];
      for (let i = command * COMMAND_ELEMENTS; i < (command + 1) * COMMAND_ELEMENTS; i++) {
        parts.push(...element((i * STEP) % count));
      }
      return parts;
    });
  };
  await watched.phase(`load of a ${key}`, count, 'element', load);
  const told = RANGES * RANGE_ELEMENTS;
  await watched.phase(`ranges of a ${key}`, told, 'element', async () => {
    for (let i = 0; i < RANGES; i++) {
      const first = (i * STEP * STEP) % (count - RANGE_ELEMENTS);
      await client.call(...range(first, RANGE_ELEMENTS));
    }
  });
  await watched.phase(`DEL of a ${key} until its memory is back`, count, 'element', async () => {
    await client.call('DEL', key);
    await watched.reclaimed();
  });
}

/** Half of the fields of a hash expire at one moment, and a moment later all others. */
async function measureExpiry(watched: Watched, count: number): Promise<void> {
  const { server } = watched;
  const commands = count / COMMAND_ELEMENTS;
  const fieldsOf = (command: number): string[] =>
    Array.from({ length: COMMAND_ELEMENTS }, (_, i) => member(command * COMMAND_ELEMENTS + i));
  await fill(server, commands, (command) => {
    return ['HSET', 'hash', ...fieldsOf(command).flatMap((field) => [field, 'x'])];
  });
  const dueMs = Date.now() + LIFE_MS;
  await watched.phase('HPEXPIREAT', count, 'field', () =>
    fill(server, commands, (command) => {
      const time = `${dueMs + (command % 2 === 0 ? 0 : LIFE_MS)}`;
      return ['HPEXPIREAT', 'hash', time, 'FIELDS', `${COMMAND_ELEMENTS}`, ...fieldsOf(command)];
    }),
  );
  for (const half of [1, 2]) {
    await pause(dueMs + (half - 1) * LIFE_MS - Date.now() - WAIT_MS);
    const before = (count / 2) * half;
    await watched.phase(
      `expiry of half of ${count} fields, ${half}`,
      count / 2,
      'field',
      async () => {
        while ((await watched.figure('stats', 'expired_subkeys')) < before) await pause(WAIT_MS);
        await watched.reclaimed();
      },
    );
  }
}

export async function run(options: BenchOptions): Promise<void> {
  const report = new Report('big', options);
  const count = options.quick === true ? QUICK_COUNT : COUNT;
  for (const major of [24, 20] as const) {
    const node = nodeOf(major);
    if (node === null) continue;
    const server = await startDhash({ node, env: WATCHED });
    try {
      const client = await server.connect();
      const watched = new Watched(server, client, report, String(major));
      for (const content of CONTENTS) await measure(watched, content, count);
      await measureExpiry(watched, count / 5);
    } finally {
      await server.stop();
    }
  }
  report.finish();
}
