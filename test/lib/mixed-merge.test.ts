/**
 * Writes of all types on the same keys: two nodes are told the same ones in different orders, some
 * of them twice, with deletes, strings in between, expiries of keys and fields, and clears of the
 * whole database. The databases must be equal, and answer as a model says that knows all writes.
 */
import t, { type Test } from 'tap';
import type { Settings } from '../../lib/config/settings.js';
import type { Database } from '../../lib/store/database.js';
import { ReplicatedDatabase } from '../../lib/store/replicated-database.js';
import { onlyPosition, positionAfter } from '../../lib/types/list-positions.js';
import { TYPE_HASH, TYPE_LIST, TYPE_SET } from '../../lib/types/types.js';
import { SCORE_BYTES, SORTED_SET, writeScore } from '../../lib/types/zsets.js';
import { HeadParts, TYPE_MIRRORED, TYPE_NUMBER_MASK } from '../../radix/head.js';
import { KIND_BYTES, KIND_HEAD, KIND_TOMBSTONE } from '../../radix/leaf.js';
import { Merger } from '../../radix/merge.js';
import { type LocalClient, LocalNode, type Plain } from '../support/local.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
const ROUNDS = 400;
const KEYS = ['k', 'key'];
const MIRRORED_HASH = TYPE_HASH | TYPE_MIRRORED;
const TYPES = [TYPE_HASH, TYPE_HASH, MIRRORED_HASH, TYPE_SET, SORTED_SET, TYPE_LIST];
const SUB_KEYS = ['', 'a', 'ab', 'b', '\0'].map((text) => Buffer.from(text));
const SCORES = [0, 1, -1, 1.5, Infinity];
const POSITIONS = positions(4);
const NOTHING = Buffer.alloc(0);

interface Write {
  readonly kind: 'put' | 'remove' | 'set' | 'delete' | 'expire' | 'clear';
  readonly key: string;
  readonly type: number;
  readonly subKey: Buffer;
  readonly value: Buffer;
  /** 0: never. */
  readonly expiryMs: number;
  readonly stamp: number;
  readonly origin: number;
}

function positions(count: number): Buffer[] {
  const made: Buffer[] = [];
  for (let i = 0; i < count; i += 1) {
    const room = Buffer.alloc(16);
    const before = made.at(-1);
    const bytes = before === undefined ? onlyPosition(1, room) : positionAfter(before, 1, room);
    made.push(room.subarray(0, bytes));
  }
  return made;
}

function randomWrites(random: SeededRandom, nowMs: number): Write[] {
  const writes: Write[] = [];
  const taken = new Set<string>();
  const count = 1 + random.below(random.chance(0.2) ? 60 : 10);
  while (writes.length < count) {
    const stamp = 1 + random.below(count * 2);
    const origin = random.below(3);
    // A command has one stamp and origin.
    if (taken.has(`${stamp} ${origin}`)) continue;
    taken.add(`${stamp} ${origin}`);
    writes.push(randomWrite(random, stamp, origin, nowMs));
  }
  return writes;
}

function randomWrite(random: SeededRandom, stamp: number, origin: number, nowMs: number): Write {
  const type = random.pick(TYPES);
  const common = ['put', 'put', 'put', 'put', 'put', 'put', 'remove'] as const;
  const kind = random.chance(0.7)
    ? random.pick(common)
    : random.pick(['set', 'delete', 'expire', 'expire', ...(random.chance(0.2) ? ['clear'] : [])]);
  const soon = nowMs + 1 + random.below(100);
  const mayExpire = kind === 'set' || kind === 'expire' || (type & TYPE_NUMBER_MASK) === TYPE_HASH;
  const takesExpiry = mayExpire && kind !== 'remove' && kind !== 'delete' && random.chance(0.5);
  return {
    kind: kind as Write['kind'],
    key: random.pick(KEYS),
    type,
    subKey: random.pick(type === TYPE_LIST ? POSITIONS : SUB_KEYS),
    value: kind === 'set' ? Buffer.from('text') : randomValue(random, type),
    expiryMs: takesExpiry ? soon : 0,
    stamp,
    origin,
  };
}

function randomValue(random: SeededRandom, type: number): Buffer {
  if (type === TYPE_SET) return NOTHING;
  if (type !== SORTED_SET) return Buffer.from(random.pick(['', '1', '2', 'x', 'long'.repeat(9)]));
  const value = Buffer.alloc(SCORE_BYTES);
  writeScore(random.pick(SCORES), value, 0);
  return value;
}

class Replica {
  readonly local: LocalNode;
  readonly client: LocalClient;
  readonly database: Database;
  #replicated: ReplicatedDatabase;
  readonly #merger: Merger;

  private constructor(local: LocalNode) {
    this.local = local;
    this.client = local.client();
    this.database = local.node.store.databases[0]!;
    this.#replicated = new ReplicatedDatabase(this.database);
    this.#merger = new Merger(this.database.tree);
    local.node.server.activeExpire = false;
    // A lone node collects tombstones; these two stand for members of a ring.
    local.node.server.loops?.stop();
  }

  static async start(): Promise<Replica> {
    const change = (settings: Settings): void => {
      settings.enableDebugCommand = 'yes';
    };
    return new Replica(await new LocalNode(change).start());
  }

  /** Is told these writes. */
  tell(writes: readonly Write[]): void {
    for (const write of writes) {
      this.#merger.clearedAt = this.database.clearedAt;
      this.#apply(write);
    }
    while (this.#replicated.purge(3));
  }

  #apply({ kind, key, type, subKey, value, expiryMs, stamp, origin }: Write): void {
    const merger = this.#merger;
    const name = Buffer.from(key);
    const at = [name, 0, name.length] as const;
    const plain = kind === 'remove' || kind === 'delete' ? KIND_TOMBSTONE : KIND_BYTES;
    const bytes = plain === KIND_BYTES ? value : NOTHING;
    const given = [bytes, 0, bytes.length] as const;
    if (kind === 'clear') {
      if (stamp > this.database.clearedAt) this.#replicated.setClearedAt(stamp);
    } else if (kind === 'set' || kind === 'delete') {
      merger.entry(...at, stamp, origin, plain, expiryMs, ...given);
    } else if (kind === 'expire') {
      const parts = new HeadParts();
      parts.reset(type, 0);
      parts.expiryStamp = stamp;
      parts.expiryOrigin = origin;
      parts.expiryMs = expiryMs;
      merger.head(...at, stamp, origin, KIND_HEAD, parts);
    } else {
      const element = [subKey, 0, subKey.length, stamp, origin, plain] as const;
      merger.element(...at, type, ...element, ...given, expiryMs);
    }
  }

  check(): void {
    const { tree } = this.database;
    tree.checkTree();
    for (const key of KEYS) {
      if (this.#merger.sub.open(Buffer.from(key), 0, key.length)) this.#merger.sub.check();
    }
  }

  /** All that there is, tombstones too. */
  digest(): string {
    const { allCount, digestHigh, digestLow, liveCount } = this.database.tree;
    return `${liveCount} ${allCount} ${digestLow} ${digestHigh}`;
  }

  /** For the next round. */
  forget(): void {
    this.database.forgetClear();
    this.#replicated = new ReplicatedDatabase(this.database);
  }
}

const isWhole = ({ kind }: Write): boolean => kind === 'set' || kind === 'delete';

const numberOf = ({ type }: Write): number => type & TYPE_NUMBER_MASK;

/**
 * Positive if a is later; at equal stamps what clears beats elements, then the higher number of the
 * type, then the higher origin.
 */
function order(a: Write, b: Write): number {
  const wholes = Number(isWhole(a)) - Number(isWhole(b));
  const types = isWhole(a) || isWhole(b) ? 0 : numberOf(a) - numberOf(b);
  return a.stamp - b.stamp || wholes || types || a.origin - b.origin;
}

function latest(writes: readonly Write[]): Write | undefined {
  return [...writes].sort(order).at(-1);
}

interface Found {
  readonly type: number;
  /** 0: never. */
  readonly expiryMs: number;
  readonly elements: readonly Write[];
  readonly text: string;
}

/** What stands at a key after these writes, in any order, at a time. */
function modelOf(writes: readonly Write[], nowMs: number): Found | undefined {
  const isThere = (expiryMs: number): boolean => expiryMs === 0 || expiryMs > nowMs;
  const last = latest(writes);
  if (last === undefined || last.kind === 'delete') return undefined;
  if (last.kind === 'set') {
    const { expiryMs, value } = last;
    if (!isThere(expiryMs)) return undefined;
    return { type: 0, expiryMs, elements: [], text: String(value) };
  }
  const number = numberOf(last);
  const clears = writes.map((write) => {
    if (isWhole(write)) return write.stamp;
    if (numberOf(write) === number) return 0;
    return write.stamp - (numberOf(write) < number ? 1 : 0);
  });
  const clearedAt = Math.max(0, ...clears);
  const left = writes.filter(({ stamp }) => stamp > clearedAt);
  const expiries = left.filter(({ kind }) => kind === 'expire');
  expiries.sort((a, b) => a.stamp - b.stamp || a.origin - b.origin);
  const expiryMs = expiries.at(-1)?.expiryMs ?? 0;
  const mine = left.filter((write) => write.kind !== 'expire' && numberOf(write) === number);
  const newest = new Map<string, Write>();
  for (const write of mine.sort(order)) newest.set(write.subKey.toString('hex'), write);
  const elements = [...newest.values()]
    .filter((write) => write.kind === 'put' && isThere(write.expiryMs))
    .sort((a, b) => a.subKey.compare(b.subKey));
  if (elements.length === 0 || !isThere(expiryMs)) return undefined;
  return { type: last.type, expiryMs, elements, text: '' };
}

/** Commands on a key, and what the model says to them. */
function expectations(key: string, found: Found | undefined): [command: string[], Plain][] {
  if (found === undefined) return [[['TYPE', key], 'none']];
  const { elements, expiryMs, text, type } = found;
  const names = elements.map(({ subKey }) => subKey.toString());
  const values = elements.map(({ value }) => value.toString());
  const whole: [string[], Plain] = [['PEXPIRETIME', key], expiryMs === 0 ? -1 : expiryMs];
  switch (type & TYPE_NUMBER_MASK) {
    case 0:
      return [whole, [['GET', key], text]];
    case TYPE_LIST:
      return [whole, [['LRANGE', key, '0', '-1'], values]];
    case TYPE_SET:
      return [whole, [['SMEMBERS', key], names]];
    case TYPE_HASH: {
      const times = elements.map((element) => element.expiryMs || -1);
      const ask = ['HPEXPIRETIME', key, 'FIELDS', String(names.length), ...names];
      const pairs = names.flatMap((name, i) => [name, values[i]!]);
      return [whole, [['HGETALL', key], pairs], [ask, times], [['HLEN', key], names.length]];
    }
    default: {
      const byScore = [...elements].sort(
        (a, b) => a.value.compare(b.value) || a.subKey.compare(b.subKey),
      );
      const members = byScore.map(({ subKey }) => subKey.toString());
      return [whole, [['ZRANGE', key, '0', '-1'], members]];
    }
  }
}

function compare(t: Test, replicas: Replica[], writes: readonly Write[], nowMs: number): void {
  const clearedAt = Math.max(
    0,
    ...writes.map((write) => (write.kind === 'clear' ? write.stamp : 0)),
  );
  for (const key of KEYS) {
    const mine = writes.filter((write) => write.key === key && write.kind !== 'clear');
    const left = mine.filter(({ stamp }) => stamp > clearedAt);
    for (const [command, expected] of expectations(key, modelOf(left, nowMs))) {
      for (const { client } of replicas) {
        t.same(client.send(...command), expected, command.join(' '), { writes: shown(left) });
      }
    }
  }
  const [a, b] = replicas.map(({ client }) => client.send('DEBUG', 'DIGEST'));
  t.equal(a, b, 'DEBUG DIGEST');
}

function shown(writes: readonly Write[]): string[] {
  return [...writes].sort(order).map((write) => {
    const { expiryMs, kind, origin, stamp, subKey, type, value } = write;
    return `@${stamp}.${origin} ${kind} ${type} ${subKey.toString('hex')}=${value} ${expiryMs}`;
  });
}

t.test(`two databases that saw the same writes (seed ${seed})`, async (t) => {
  const random = seededRandom(seed);
  const replicas = [await Replica.start(), await Replica.start()];
  for (let round = 0; round < ROUNDS && t.passing(); round += 1) {
    const { nowMs } = replicas[0]!.client.world;
    const writes = randomWrites(random, nowMs);
    for (const replica of replicas) {
      const again = writes.filter(() => random.chance(0.2));
      replica.tell(random.shuffle([...writes, ...again]));
      replica.check();
    }
    const [a, b] = replicas as [Replica, Replica];
    t.equal(a.digest(), b.digest(), `round ${round}`, { writes: shown(writes) });
    compare(t, replicas, writes, nowMs);
    for (const { client } of replicas) client.world.advance(50);
    compare(t, replicas, writes, nowMs + 50);
    for (const replica of replicas) {
      replica.database.expireDue(Number.POSITIVE_INFINITY);
      replica.check();
    }
    t.equal(a.digest(), b.digest(), 'after expiry');
    for (const replica of replicas) replica.forget();
  }
});
