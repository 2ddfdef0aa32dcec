/**
 * Random expressions over random hashes, sets and sorted sets, against the oracle: replies, what is
 * stored, and walks whose streams are left and taken up again all the time while others write.
 */
import t from 'tap';
import { Evaluation } from '../../lib/commands/setop/evaluation.js';
import { merges } from '../../lib/commands/setop/merges.js';
import { readSetopRequest } from '../../lib/commands/setop/setop-request.js';
import { toBytes } from '../../lib/commands/setop/values.js';
import { END, FOUND, PENDING } from '../../lib/commands/setop/walk.js';
import { Args } from '../../resp/args.js';
import { type LocalClient, LocalNode, type Plain } from '../support/local.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import {
  type Content,
  evaluate,
  floatText,
  OracleError,
  type Selection,
  selected,
  type Term,
  type Values,
} from './oracle.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
t.setTimeout(120_000);

const ROUNDS = 20;
const EXPRESSIONS = 50;
/** Element names: short ones of few letters, long shared prefixes, empty, 0xff, nested. */
const PREFIX = 'a'.repeat(100);
const elements = ['', '\0', '\xff', '\xff\xff', ...'abcdefgh', 'aa', 'ab', 'abc', 'abcd'];
elements.push(PREFIX, `${PREFIX}a`, `${PREFIX}b`, `${PREFIX}\0`, `${PREFIX}${PREFIX}`);
for (let i = 0; i < 60; i += 1) elements.push(`m${i}`);

class Scene {
  readonly random: SeededRandom;
  readonly client: LocalClient;
  readonly local: LocalNode;
  readonly keys = new Map<string, Content>();

  constructor(random: SeededRandom, local: LocalNode) {
    this.random = random;
    this.local = local;
    this.client = local.client();
    for (const key of ['h1', 'h2', 'h3', 's1', 's2', 'z1', 'z2']) this.fill(key);
  }

  fill(key: string): void {
    const { client, random } = this;
    const chosen = random.shuffle([...elements]).slice(0, random.below(random.pick([3, 20, 80])));
    const content = new Map<string, Values>();
    const isWild = random.chance(0.2);
    for (const element of chosen) {
      if (key.startsWith('s')) {
        client.send('SADD', key, element);
        content.set(element, () => ['1']);
      } else if (key.startsWith('z')) {
        const score = random.pick([0, 1, -1, 2.5, -0.1, 1e6, random.below(100)]);
        client.send('ZADD', key, floatText(score), element);
        content.set(element, () => [floatText(score)]);
      } else {
        const value = isWild ? this.#wildValue() : String(random.between(-50, 50));
        client.send('HSET', key, element, value);
        content.set(element, () => [value]);
      }
    }
    if (chosen.length > 0) this.keys.set(key, content);
  }

  #wildValue(): string {
    const { random } = this;
    const wild = ['abc', '', '1.5', '0', '9223372036854775807', '-9223372036854775808', '01'];
    return random.pick([...wild, '12345678901234567890123', String(random.below(1000))]);
  }

  term(depth: number): Term {
    const { random } = this;
    const kind = random.pick(['U', 'I', 'D', 'X'] as const);
    const merge = random.chance(0.4) ? merges[0]! : random.pick(merges);
    const count = random.pick([1, 2, 2, 3, 3, 4, 12]);
    const parts = Array.from({ length: count }, (_, i) => {
      const isKey = depth === 0 || random.chance(0.7);
      const of = isKey ? random.pick([...this.keys.keys(), 'missing']) : this.term(depth - 1);
      const takesWeight = merge.weights !== 'none' && (kind !== 'D' || i === 0);
      const weighed = takesWeight && random.chance(0.3);
      return { of, weight: weighed ? this.#weight(merge.weights) : 1 };
    });
    return { kind, merge: merge.name, parts };
  }

  #weight(kind: string): number {
    const { random } = this;
    if (kind === 'repeats') return random.between(1, 3);
    return kind === 'any' ? random.pick([0.5, -2, 0, 1e3]) : random.between(-3, 3);
  }

  selection(): Selection {
    const { random } = this;
    const bound = (): string => {
      if (random.chance(0.6)) return '';
      if (random.chance(0.1)) return random.pick(['-', '+']);
      return random.pick(['[', '(']) + random.pick([...elements, 'm', `${PREFIX}\x01`]);
    };
    const limit = [random.between(-1, 10), random.between(-1, 30)] as const;
    const isLimited = random.chance(0.4);
    return {
      min: bound(),
      max: bound(),
      reverse: random.chance(0.4),
      limit: isLimited ? limit : undefined,
    };
  }
}

function text({ kind, merge, parts }: Term): string {
  const name = merge === 'Append' ? kind : `${kind}:${merge}`;
  const operands = parts.map(({ of, weight }) => {
    const operand = typeof of === 'string' ? of : text(of);
    return weight === 1 ? operand : `${operand}*${weight}`;
  });
  return `(${name} ${operands.join(' ')})`;
}

function optionsOf({ min, max, reverse, limit }: Selection): string[] {
  return [
    ...(min === '' ? [] : ['MIN', min]),
    ...(max === '' ? [] : ['MAX', max]),
    ...(reverse ? ['REV'] : []),
    ...(limit === undefined ? [] : ['LIMIT', ...limit.map(String)]),
  ];
}

/** Whether an element may have several values, as docs/setop.md says it. */
function isMany({ kind, merge, parts }: Term): boolean {
  if (merge !== 'Append') return false;
  if (parts.length > 1 && (kind === 'U' || kind === 'I')) return true;
  const counted = kind === 'D' ? [parts[0]!] : parts;
  return counted.some(({ of, weight }) => weight > 1 || (typeof of !== 'string' && isMany(of)));
}

/** Elements and their values; undefined if some cannot be merged. */
type Expected = readonly (readonly [element: string, values: readonly string[]])[] | undefined;

function expectedOf({ keys }: Scene, term: Term, selection: Selection): Expected {
  const wanted = selected(evaluate(term, keys), selection);
  try {
    return wanted.map(([element, values]) => [element, values()]);
  } catch (error) {
    if (error instanceof OracleError) return undefined;
    throw error;
  }
}

function elementsOf({ keys }: Scene, term: Term, selection: Selection): string[] {
  return selected(evaluate(term, keys), selection).map(([element]) => element);
}

function flat(expected: NonNullable<Expected>, many: boolean): Plain[] {
  return expected.flatMap(([element, values]) => [element, many ? [...values] : values[0]!]);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

for (const lookMs of [0, 1.5]) {
  t.test(`random expressions, ${lookMs} ms a look at the clock`, async (t) => {
    let errors = 0;
    let found = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const random = seededRandom(seed + round);
      const scene = new Scene(random, await new LocalNode().start());
      scene.local.world.lookMs = lookMs;
      for (let i = 0; i < EXPRESSIONS; i += 1) {
        const term = scene.term(3);
        const selection = scene.selection();
        const request = [text(term), ...optionsOf(selection)];
        const expected = expectedOf(scene, term, selection);
        const reply = scene.client.send('SETOP', ...request, 'WITHVALUES');
        const about = `seed ${seed + round}: ${request.join(' ')}`;
        if (expected === undefined) {
          errors += 1;
          t.match(reply, /^-ERR \w+ of /, about);
        } else {
          found += expected.length;
          const wanted = flat(expected, isMany(term));
          if (!isSame(reply, wanted)) t.same(reply, wanted, about);
        }
        if (!checkElements(scene, request, term, selection)) t.fail(`elements, ${about}`);
        if (!checkStored(scene, request, term, selection)) t.fail(`stored, ${about}`);
      }
      for (const database of scene.local.node.store.databases) {
        database.tree.checkTree();
        if (database.tree.observer !== null) t.fail('a snapshot is open');
      }
    }
    t.ok(found > 1000 && errors > 10, `${found} elements, ${errors} errors`);
  });
}

function checkElements(scene: Scene, request: string[], term: Term, selection: Selection): boolean {
  const reply = scene.client.send('SETOP', ...request);
  return isSame(reply, elementsOf(scene, term, selection));
}

/** Stores as a set or a hash and reads it back. */
function checkStored(scene: Scene, request: string[], term: Term, selection: Selection): boolean {
  const { client, random } = scene;
  const elements = elementsOf(scene, term, selection).sort();
  client.send('SET', 'd', 'old');
  if (random.chance(0.3)) {
    const count = client.send('SETOP', ...request, 'STORE', 'd', 'AS', 'SET');
    return count === elements.length && isSame(client.send('SRANGE', 'd', '-', '+'), elements);
  }
  const reply = client.send('SETOP', ...request, 'STORE', 'd');
  const expected = expectedOf(scene, term, selection);
  if (isMany(term)) return typeof reply === 'string' && reply.startsWith('-ERR Append gives');
  if (expected === undefined) return client.send('GET', 'd') === 'old';
  const sorted = [...expected].sort(([a], [b]) => (a < b ? -1 : 1));
  const stored = client.send('HRANGE', 'd', '-', '+', 'WITHVALUES');
  return reply === expected.length && isSame(stored, flat(sorted, false));
}

t.test('walks in tiny slices show what was there when they began', async (t) => {
  let found = 0;
  for (let round = 0; round < 5 * ROUNDS; round += 1) {
    const random = seededRandom(seed + round);
    const scene = new Scene(random, await new LocalNode().start());
    const term = scene.term(3);
    const selection = scene.selection();
    const expected = expectedOf(scene, term, selection);
    const elements = elementsOf(scene, term, selection);
    const wanted = expected ?? elements.map((element) => [element, []]);
    const request = [text(term), ...optionsOf(selection)];
    const seen = walked(scene, request, expected !== undefined, elements.length);
    found += seen.length;
    if (!isSame(seen, wanted)) t.same(seen, wanted, `seed ${seed + round}`);
    const { databases } = scene.local.node.store;
    for (const { tree } of databases) if (tree.observer !== null) t.fail('a snapshot is open');
  }
  t.ok(found > 200, `${found} elements`);
});

/** Walks with a step or two at a time, while a client changes the operands. */
function walked(
  scene: Scene,
  request: string[],
  hasValues: boolean,
  count: number,
): [string, string[]][] {
  const { local, random } = scene;
  const database = local.node.store.databases[0]!;
  const read = readSetopRequest(Args.of(...['SETOP', ...request].map(latin1Bytes)));
  if (typeof read === 'string') throw new Error(read);
  const evaluation = Evaluation.open(database, read, true)!;
  const { selection, walk } = evaluation;
  const seen: [string, string[]][] = [];
  let turnedBack = random.chance(0.5);
  for (let moved: number = PENDING; moved !== END; ) {
    walk.steps = random.between(1, 6);
    walk.slice += 1;
    moved = selection.next();
    if (moved === FOUND) {
      const { buf, bytes } = selection.root.key;
      const values = hasValues ? selection.root.values().map(toBytes) : [];
      const texts = values.map((value) => value.toString('latin1'));
      seen.push([buf.toString('latin1', 0, bytes), texts]);
    }
    if (random.chance(0.3)) disturb(scene);
    if (turnedBack && moved === FOUND && random.chance(0.1)) {
      // What comes behind it, again.
      turnedBack = false;
      const kept = selection.lastKey();
      const place = seen.length;
      while (selection.next() !== END) walk.steps = 100;
      selection.returnTo(kept, count - place);
      seen.length = place;
    }
  }
  evaluation.close();
  return seen;
}

function disturb({ client, keys, random }: Scene): void {
  const key = random.pick([...keys.keys(), 'h1']);
  const element = random.pick(elements);
  if (random.chance(0.02)) client.send('FLUSHALL');
  else if (random.chance(0.05)) client.send('DEL', key);
  else if (random.chance(0.06)) client.send('SET', key, 'string');
  else if (key.startsWith('s')) client.send(random.pick(['SADD', 'SREM']), key, element);
  else if (key.startsWith('z') && random.chance(0.5)) client.send('ZREM', key, element);
  else if (key.startsWith('z')) client.send('ZADD', key, random.below(9), element);
  else if (random.chance(0.1)) client.send('HMIRROR', key, random.pick(['ON', 'OFF']));
  else if (random.chance(0.5)) client.send('HDEL', key, element);
  else client.send('HSET', key, element, random.below(9));
}

function latin1Bytes(part: string): Buffer {
  return Buffer.from(part, 'latin1');
}
