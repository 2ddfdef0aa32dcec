/** MEMORY: what keys and the node take. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { humanBytes } from '../../server/info/section.js';
import { memoryReport } from '../../server/memory.js';
import type { Server } from '../../server/server.js';
import type { Session, Task } from '../../server/session.js';
import { TYPE_STRING, typeOf } from '../../types/types.js';
import { type CommandRow, READONLY } from '../command.js';
import { helpRow } from '../help.js';
import { peekKey } from '../lookup.js';
import { NOT_INTEGER, SYNTAX_ERROR, unknownSubcommand } from '../replies.js';
import { memoryAdvice } from './memory-doctor.js';

const SAMPLES_DEFAULT = 5;
/** Elements sampled between two looks at the clock. */
const STEP_SAMPLES = 128;

/**
 * MEMORY USAGE key [SAMPLES count]: of a collection the mean of so many elements, evenly spread,
 * stands for all; 0 looks at each.
 */
function usage(session: Session, args: Args, reply: ReplyWriter): void {
  let samples = SAMPLES_DEFAULT;
  for (let i = 3; i < args.count; i += 2) {
    if (!args.equalsIgnoreCase(i, 'SAMPLES') || i + 1 === args.count) {
      reply.error(SYNTAX_ERROR);
      return;
    }
    samples = args.int64(i + 1);
    if (!(samples >= 0)) {
      reply.error(Number.isNaN(samples) ? NOT_INTEGER : SYNTAX_ERROR);
      return;
    }
  }
  const { database } = session;
  const leaf = peekKey(database, args, 2);
  if (leaf === 0) reply.nil();
  else if (typeOf(database.tree, leaf) === TYPE_STRING) reply.integer(database.tree.memoryOf(leaf));
  else session.defer(new CollectionUsage(session, args.bytes(2), samples));
}

class CollectionUsage implements Task {
  readonly #session: Session;
  readonly #key: Buffer;
  /** 0: all. */
  readonly #samples: number;
  #done = 0;
  #sampledBytes = 0;

  constructor(session: Session, key: Buffer, samples: number) {
    this.#session = session;
    this.#key = key;
    this.#samples = samples;
  }

  step(deadlineMs: number): boolean {
    const { database, reply } = this.#session;
    const { clock } = database.store.world;
    const leaf = database.peek(this.#key, 0, this.#key.length);
    if (leaf === 0 || typeOf(database.tree, leaf) === TYPE_STRING) {
      // It has gone between two slices.
      reply.nil();
      return true;
    }
    const { sub } = database.collection();
    sub.openHead(leaf);
    const size = sub.elements.liveCount;
    const samples = this.#samples === 0 ? size : Math.min(size, this.#samples);
    while (this.#done < samples) {
      const index = Math.floor((this.#done * size) / samples);
      this.#sampledBytes += sub.memoryOf(sub.elements.nth(index));
      this.#done += 1;
      if (this.#done % STEP_SAMPLES === 0 && clock.monotonicMs() >= deadlineMs) return false;
    }
    const elementBytes = Math.round((this.#sampledBytes / this.#done) * size);
    reply.integer(database.tree.memoryOf(leaf) + elementBytes);
    return true;
  }
}

function stats(session: Session, _args: Args, reply: ReplyWriter): void {
  const { server } = session;
  const { store } = server;
  const used = store.databases.filter((database) => database.size() > 0);
  const numbers = numbersOf(server);
  const ratios = ratiosOf(server);
  reply.map(numbers.length + ratios.length + used.length);
  for (const [name, value] of numbers) {
    reply.bulkLatin1(name);
    reply.integer(Math.floor(value));
  }
  for (const database of used) {
    // Keys are found by the tree itself: no table stands beside it.
    reply.bulkLatin1(`db.${database.index}`);
    reply.map(2);
    reply.bulkLatin1('overhead.hashtable.main');
    reply.integer(0);
    reply.bulkLatin1('overhead.hashtable.expires');
    reply.integer(0);
  }
  for (const [name, value] of ratios) {
    reply.bulkLatin1(name);
    reply.double(value);
  }
}

type Named = readonly [name: string, value: number];

function numbersOf(server: Server): Named[] {
  const report = memoryReport(server);
  let keys = 0;
  for (const database of server.store.databases) keys += database.size();
  const active = report.reservedBytes + report.heapBytes;
  return [
    ['peak.allocated', report.peakBytes],
    ['total.allocated', report.usedBytes],
    ['startup.allocated', report.startupBytes],
    ['replication.backlog', 0],
    ['clients.slaves', 0],
    ['clients.normal', report.clientBytes],
    ['cluster.links', 0],
    ['aof.buffer', 0],
    ['lua.caches', 0],
    ['functions.caches', 0],
    ['overhead.total', report.heapBytes],
    ['keys.count', keys],
    ['keys.bytes-per-key', keys === 0 ? 0 : report.datasetBytes / keys],
    ['dataset.bytes', report.datasetBytes],
    ['allocator.allocated', report.usedBytes],
    ['allocator.active', active],
    ['allocator.resident', report.residentBytes],
    ['allocator-fragmentation.bytes', active - report.usedBytes],
    ['allocator-rss.bytes', report.residentBytes - active],
    ['rss-overhead.bytes', 0],
    ['fragmentation.bytes', report.residentBytes - report.usedBytes],
  ];
}

function ratiosOf(server: Server): Named[] {
  const report = memoryReport(server);
  const active = report.reservedBytes + report.heapBytes;
  const net = Math.max(1, report.datasetBytes, report.usedBytes - report.startupBytes);
  return [
    ['dataset.percentage', (report.datasetBytes * 100) / net],
    ['peak.percentage', (report.usedBytes * 100) / Math.max(1, report.peakBytes)],
    ['allocator-fragmentation.ratio', active / Math.max(1, report.usedBytes)],
    ['allocator-rss.ratio', report.residentBytes / Math.max(1, active)],
    ['rss-overhead.ratio', 1],
    ['fragmentation', report.residentBytes / Math.max(1, report.usedBytes)],
  ];
}

function doctor(session: Session, _args: Args, reply: ReplyWriter): void {
  reply.verbatim('txt', memoryAdvice(memoryReport(session.server)));
}

/** The arenas, in place of an allocator's statistics. */
function mallocStats(session: Session, _args: Args, reply: ReplyWriter): void {
  const { space } = session.server.store;
  const usage = space.memoryUsage();
  const lines: readonly Named[] = [
    ['in use', usage.usedBytes],
    ['  nodes', usage.nodeBytes],
    ['  leaves', usage.leafBytes],
    ['  big values', usage.bigValueBytes],
    ['  expiries', usage.expiryBytes],
    ['reserved', usage.reservedBytes],
    ['lost in slabs', usage.fragmentedBytes],
  ];
  let text = '___ Begin dhash arena statistics ___\n';
  for (const [name, bytes] of lines) {
    text += `${name.padEnd(16)}${String(bytes).padStart(16)} (${humanBytes(bytes)})\n`;
  }
  reply.verbatim('txt', `${text}--- End dhash arena statistics ---\n`);
}

/** Finishes at once what is freed in the background. */
function purge(session: Session, _args: Args, reply: ReplyWriter): void {
  const { store } = session.server;
  session.defer({
    step(deadlineMs) {
      if (!store.reclaim(deadlineMs)) return false;
      reply.ok();
      return true;
    },
  });
}

export const memoryCommands: readonly CommandRow[] = [
  {
    name: 'memory',
    arity: -2,
    flags: 0,
    handler: (_session, args, reply) => reply.error(unknownSubcommand('memory', args.string(1))),
    subcommands: [
      { name: 'doctor', arity: 2, flags: 0, handler: doctor },
      helpRow('memory', [
        'DOCTOR',
        '    Return memory problems reports.',
        'MALLOC-STATS',
        '    Return statistics of the arenas that entries lie in.',
        'PURGE',
        '    Free at once what is being freed in the background.',
        'STATS',
        '    Return information about the memory usage of the server.',
        'USAGE <key> [SAMPLES <count>]',
        '    Return memory in bytes used by <key> and its value. Nested values are',
        '    sampled up to <count> times (default: 5, 0 means sample all).',
      ]),
      { name: 'malloc-stats', arity: 2, flags: 0, handler: mallocStats },
      { name: 'purge', arity: 2, flags: 0, handler: purge },
      { name: 'stats', arity: 2, flags: 0, handler: stats },
      { name: 'usage', arity: -3, flags: READONLY, keys: [2, 2, 1], handler: usage },
    ],
  },
];
