/**
 * Hashes and sets under element-wise merge: two nodes are told the same writes in different orders,
 * some of them twice: elements written and removed, wholes deleted, strings that replace them. They
 * must answer all commands alike, and as a model that knows all writes says.
 */
import t from 'tap';
import type { Settings } from '../../lib/config/settings.js';
import { TYPE_HASH, TYPE_SET } from '../../lib/types/types.js';
import { TYPE_MIRRORED } from '../../radix/head.js';
import { KIND_BYTES, KIND_TOMBSTONE } from '../../radix/leaf.js';
import { Merger } from '../../radix/merge.js';
import type { Tree } from '../../radix/tree.js';
import { type LocalClient, LocalNode, type Plain } from '../support/local.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const ROUNDS = 150;
const WRITES_MAX = 60;
/** What each key holds when it is no string. */
const TYPES: Readonly<Record<string, number>> = {
  hash: TYPE_HASH,
  mirrored: TYPE_HASH | TYPE_MIRRORED,
  set: TYPE_SET,
};

interface Write {
  readonly kind: 'put' | 'remove' | 'set' | 'delete';
  readonly key: string;
  /** Of an element. */
  readonly subKey: string;
  readonly value: string;
  readonly stamp: number;
  readonly origin: number;
}

function randomWrites(random: SeededRandom): Write[] {
  const writes: Write[] = [];
  const taken = new Set<string>();
  const count = 1 + random.below(WRITES_MAX);
  while (writes.length < count) {
    const stamp = 1 + random.below(count * 2);
    const origin = random.below(3);
    // A command has one stamp and origin.
    if (taken.has(`${stamp} ${origin}`)) continue;
    taken.add(`${stamp} ${origin}`);
    const key = random.pick(Object.keys(TYPES));
    const kind = random.pick(['put', 'put', 'put', 'put', 'remove', 'set', 'delete'] as const);
    const subKey = random.pick(['', 'a', 'ab', 'abc', 'b', '7', '\0']);
    const hasValue = kind === 'set' || (kind === 'put' && key !== 'set');
    const value = hasValue ? random.pick(['', '1', '2', 'x', 'long'.repeat(30)]) : '';
    writes.push({ kind, key, subKey, value, stamp, origin });
  }
  return writes;
}

function apply(merger: Merger, write: Write): void {
  const key = Buffer.from(write.key);
  const value = Buffer.from(write.value);
  const isTombstone = write.kind === 'remove' || write.kind === 'delete';
  const flags = isTombstone ? KIND_TOMBSTONE : KIND_BYTES;
  const at = [key, 0, key.length] as const;
  const { stamp, origin } = write;
  if (write.kind === 'set' || write.kind === 'delete') {
    merger.entry(...at, stamp, origin, flags, 0, value, 0, value.length);
    return;
  }
  const subKey = Buffer.from(write.subKey);
  const element = [subKey, 0, subKey.length] as const;
  const type = TYPES[write.key]!;
  merger.element(...at, type, ...element, stamp, origin, flags, value, 0, value.length);
}

/** The later write; at equal stamps what clears beats elements, then the higher origin. */
function later(a: Write, b: Write): Write {
  const clears = ({ kind }: Write): number => (kind === 'set' || kind === 'delete' ? 1 : 0);
  const order = a.stamp - b.stamp || clears(a) - clears(b) || a.origin - b.origin;
  return order > 0 ? a : b;
}

/** What a key holds: a string, nothing (null), or elements. */
function modelOf(writes: readonly Write[]): string | null | Map<string, string> {
  if (writes.length === 0) return null;
  const last = writes.reduce(later);
  if (last.kind === 'set') return last.value;
  if (last.kind === 'delete') return null;
  const clears = writes.filter(({ kind }) => kind === 'set' || kind === 'delete');
  const clearedAt = Math.max(0, ...clears.map(({ stamp }) => stamp));
  const newest = new Map<string, Write>();
  for (const write of writes) {
    if (write.kind === 'set' || write.kind === 'delete' || write.stamp <= clearedAt) continue;
    const known = newest.get(write.subKey);
    newest.set(write.subKey, known === undefined ? write : later(known, write));
  }
  const elements = [...newest.values()].filter(({ kind }) => kind === 'put');
  const byBytes = (a: Write, b: Write): number =>
    Buffer.from(a.subKey).compare(Buffer.from(b.subKey));
  const pairs = elements.sort(byBytes).map(({ subKey, value }) => [subKey, value] as const);
  return pairs.length === 0 ? null : new Map(pairs);
}

/** Commands on a key and what the model says to them. */
function expectations(
  key: string,
  model: string | null | Map<string, string>,
): [command: string[], expected: Plain][] {
  if (typeof model === 'string') return [[['GET', key], model]];
  const elements = model ?? new Map<string, string>();
  const names = [...elements.keys()];
  const type = key === 'set' ? 'set' : 'hash';
  const common: [string[], Plain][] = [
    [['EXISTS', key], model === null ? 0 : 1],
    [['TYPE', key], model === null ? 'none' : type],
  ];
  if (type === 'set') {
    common.push([['SMEMBERS', key], names], [['SCARD', key], names.length]);
    for (const [index, name] of names.entries()) common.push([['SRANK', key, name], index]);
    return common;
  }
  common.push([['HGETALL', key], [...elements].flat()], [['HLEN', key], names.length]);
  for (const [index, name] of names.entries()) {
    common.push([['HGET', key, name], elements.get(name)!], [['HNTH', key, `${index}`], name]);
  }
  if (key === 'mirrored') {
    const byValue = names.sort((a, b) => {
      const order = Buffer.from(elements.get(a)!).compare(Buffer.from(elements.get(b)!));
      return order || Buffer.from(a).compare(Buffer.from(b));
    });
    common.push([['HVRANGE', key, '-', '+'], byValue]);
  }
  return common;
}

class Replica {
  readonly client: LocalClient;
  readonly #tree: Tree;
  readonly #merger: Merger;

  private constructor(local: LocalNode) {
    this.client = local.client();
    this.#tree = local.node.store.databases[0]!.tree;
    this.#merger = new Merger(this.#tree);
  }

  static async start(): Promise<Replica> {
    const change = (settings: Settings): void => {
      settings.enableDebugCommand = 'yes';
    };
    return new Replica(await new LocalNode(change).start());
  }

  /** Forgets everything, and is told these writes. */
  tell(writes: readonly Write[]): void {
    this.#tree.clear();
    for (const write of writes) apply(this.#merger, write);
    this.#tree.checkTree();
  }
}

const seed = seedOfRun();

t.test(`two nodes that were told the same (seed ${seed})`, async (t) => {
  const random = seededRandom(seed);
  const replicas = [await Replica.start(), await Replica.start()];
  for (let round = 0; round < ROUNDS; round += 1) {
    const writes = randomWrites(random);
    for (const replica of replicas) {
      const again = writes.filter(() => random.chance(0.2));
      replica.tell(random.shuffle([...writes, ...again]));
    }
    for (const key of Object.keys(TYPES)) {
      const model = modelOf(writes.filter((write) => write.key === key));
      for (const [command, expected] of expectations(key, model)) {
        for (const { client } of replicas) {
          const about = { round, command, writes: writes.filter((write) => write.key === key) };
          t.same(client.send(...command), expected, command.join(' '), about);
        }
      }
    }
    const [a, b] = replicas.map(({ client }) => client.send('DEBUG', 'DIGEST'));
    t.match(a, /^[0-9a-f]{40}$/);
    t.equal(a, b, 'DEBUG DIGEST');
  }
});
