/**
 * What must be measured in a process of its own: resident memory, pauses, and memory that stays
 * flat. `bench/tree.ts` starts it with the name of a task and a count, and reads one line of JSON.
 */

import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { inlineMore } from '../../cmd/inlining.js';
import { Compactor } from '../../radix/compaction.js';
import { Space } from '../../radix/space.js';
import { Tree } from '../../radix/tree.js';
import { seededRandom } from '../../test/support/random.js';
import { RealMemory } from '../../world/real/memory.js';
import { cpuUsage } from './cpu-usage.js';

const KEY_BYTES = 16;
const VALUE_BYTES = 64;
/** About a millisecond of work: what a server does in one turn of the loop. */
const TURN_INSERTS = 500;
/** What a server takes in between two looks for something to compact, about 0.1 s. */
const TICK_INSERTS = 50_000;
const COMPACT_STEP_ENTRIES = 128;

const hashKey = Buffer.alloc(16, 7);
const key = Buffer.alloc(KEY_BYTES);
const value = Buffer.alloc(VALUE_BYTES, 'v');
const random = seededRandom(42);
/** As in a node. */
const systemMemory = new RealMemory();

function emptyTree(): Tree {
  return new Tree(new Space({ hashKey, memory: systemMemory }));
}

/** The next random key, from bytes that no array keeps. */
function nextKey(): void {
  for (let i = 0; i < KEY_BYTES; i += 4) key.writeUInt32LE(random.below(2 ** 32), i);
}

function insert(tree: Tree, count: number): void {
  for (let i = 0; i < count; i++) {
    nextKey();
    tree.put(key, 0, KEY_BYTES, 1_000_000 + i, 1, 0, 0, value, 0, VALUE_BYTES);
  }
}

/** Lets the code be compiled before memory or time is measured. */
function warmUp(): Tree {
  const tree = emptyTree();
  insert(tree, 20_000);
  return tree;
}

/** Inserts, and moves records together every now and then, as a store does. */
function insertAndCompact(tree: Tree, count: number): void {
  const compactor = new Compactor(tree.space, () => [tree]);
  for (let done = 0; done < count; done += TICK_INSERTS) {
    insert(tree, Math.min(TICK_INSERTS, count - done));
    while (compactor.step(COMPACT_STEP_ENTRIES));
  }
}

/** Resident bytes per entry of a tree, or with 'map' of a Map of strings to Buffers. */
async function memory(count: number, what: string): Promise<object> {
  // Stays: memory given back before would be taken again for what is measured.
  const warm = warmUp();
  global.gc?.();
  const before = process.memoryUsage.rss();
  const tree = emptyTree();
  const map = new Map<string, Buffer>();
  if (what === 'map') {
    for (let i = 0; i < count; i++) {
      nextKey();
      map.set(key.toString('latin1'), Buffer.from(value));
    }
  } else {
    insertAndCompact(tree, count);
  }
  global.gc?.();
  const bytes = process.memoryUsage.rss() - before;
  const used = tree.space.memoryUsage();
  return {
    bytesPerEntry: bytes / count,
    usedPerEntry: used.usedBytes / count,
    held: tree.liveCount + map.size + warm.liveCount,
  };
}

/** The longest collection and the longest turn of the loop while loading. */
async function pauses(count: number): Promise<object> {
  warmUp();
  await new Promise((done) => setTimeout(done, 100));
  let gcMs = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) gcMs = Math.max(gcMs, entry.duration);
  });
  observer.observe({ entryTypes: ['gc'] });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const tree = emptyTree();
  let turnMs = 0;
  let turnCpuMs = 0;
  let slowTurnCount = 0;
  delay.enable();
  for (let done = 0; done < count; done += TURN_INSERTS) {
    const cpu = cpuUsage();
    const started = process.hrtime.bigint();
    insert(tree, TURN_INSERTS);
    const ms = Number(process.hrtime.bigint() - started) / 1e6;
    const { user, system } = cpuUsage(cpu);
    turnCpuMs = Math.max(turnCpuMs, (user + system) / 1000);
    if (ms > 10) slowTurnCount++;
    turnMs = Math.max(turnMs, ms);
    await new Promise((next) => setImmediate(next));
  }
  delay.disable();
  await new Promise((done) => setTimeout(done, 50));
  observer.disconnect();
  return { gcMs, turnMs, turnCpuMs, slowTurnCount, loopP9999Ms: delay.percentile(99.99) / 1e6 };
}

/** Growth of resident memory over SET and DEL (with its tombstone dropped) of distinct keys. */
async function churn(count: number): Promise<object> {
  warmUp();
  const tree = emptyTree();
  insert(tree, 100_000);
  const sizes: number[] = [];
  const usedBefore = tree.space.memoryUsage().usedBytes;
  for (let i = 0; i < count; i++) {
    nextKey();
    tree.put(key, 0, KEY_BYTES, 2_000_000 + 2 * i, 1, 0, 0, value, 0, VALUE_BYTES);
    tree.delete(key, 0, KEY_BYTES, 2_000_001 + 2 * i, 1);
    tree.drop(key, 0, KEY_BYTES);
    if (i % Math.ceil(count / 20) === 0) sizes.push(process.memoryUsage.rss());
  }
  sizes.push(process.memoryUsage.rss());
  const grownBytes = sizes.at(-1)! - sizes[Math.ceil(sizes.length / 4)]!;
  return { grownBytes, usedGrownBytes: tree.space.memoryUsage().usedBytes - usedBefore };
}

inlineMore();
const [task, count, detail] = process.argv.slice(2);
const tasks: Record<string, (count: number, detail: string) => Promise<object>> = {
  memory,
  pauses,
  churn,
};
const result = await tasks[task ?? '']!(Number(count), detail ?? '');
process.stdout.write(`${JSON.stringify(result)}\n`);
