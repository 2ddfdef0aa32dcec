/** Random programs on hashes whose fields expire, against a slow model, under a clock of the test. */
import t from 'tap';
import { type LocalClient, LocalNode, type Plain } from '../support/local.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const PROGRAMS = 40;
const STEPS = 250;
const KEYS = ['h', 'g', 'k'];
const FIELDS = ['a', 'ab', 'b', 'c', '7', ''];

interface Field {
  readonly value: string;
  /** 0: never. */
  readonly expiryMs: number;
}

type Hash = Map<string, Field>;

/** Of commands apart from what they mean to the model. */
type Command = readonly [name: string, ...args: string[]];

class Model {
  readonly hashes = new Map<string, Hash>();
  nowMs = 0;

  /** What is there now; made if it is to be written. */
  hash(key: string): Hash {
    const known = this.hashes.get(key) ?? new Map<string, Field>();
    for (const [field, { expiryMs }] of known) {
      if (expiryMs !== 0 && expiryMs <= this.nowMs) known.delete(field);
    }
    this.hashes.set(key, known);
    return known;
  }

  run([name, key, ...args]: Command): Plain {
    const hash = this.hash(key!);
    switch (name) {
      case 'HSET': {
        const isNew = !hash.has(args[0]!);
        hash.set(args[0]!, { value: args[1]!, expiryMs: 0 });
        return isNew ? 1 : 0;
      }
      case 'HDEL':
        return args.filter((field) => hash.delete(field)).length;
      case 'HINCRBY':
        return this.#add(hash, args[0]!, Number(args[1]));
      case 'DEL': {
        const wasThere = hash.size > 0;
        hash.clear();
        return wasThere ? 1 : 0;
      }
      case 'COPY':
        return this.#copy(hash, args[0]!, false);
      case 'RENAME':
        return hash.size === 0 ? '-ERR no such key' : this.#copy(hash, args[0]!, true) && 'OK';
      case 'HPEXPIRE':
      case 'HPEXPIREAT':
        return this.#expire(hash, name === 'HPEXPIRE' ? this.nowMs : 0, args);
      case 'HPERSIST':
        return args.slice(2).map((field) => persist(hash, field));
      default:
        return this.#answer(name, hash, args);
    }
  }

  #answer(name: string, hash: Hash, args: string[]): Plain {
    const names = [...hash.keys()].sort();
    switch (name) {
      case 'HGETALL':
        return names.flatMap((field) => [field, hash.get(field)!.value]);
      case 'HLEN':
        return names.length;
      case 'EXISTS':
        return names.length > 0 ? 1 : 0;
      case 'HGET':
        return hash.get(args[0]!)?.value ?? null;
      case 'HNTH':
        return names[Number(args[0])] ?? null;
      case 'HRANK':
        return hash.has(args[0]!) ? names.indexOf(args[0]!) : null;
      case 'HPTTL':
        return args.slice(2).map((field) => leftOf(hash.get(field), this.nowMs));
      case 'HPEXPIRETIME':
        return args.slice(2).map((field) => leftOf(hash.get(field), 0));
      default:
        throw new Error(name);
    }
  }

  #add(hash: Hash, field: string, by: number): Plain {
    const { value, expiryMs } = hash.get(field) ?? { value: '0', expiryMs: 0 };
    if (!/^-?\d+$/.test(value)) return '-ERR hash value is not an integer';
    hash.set(field, { value: String(Number(value) + by), expiryMs });
    return Number(value) + by;
  }

  #copy(hash: Hash, to: string, moves: boolean): Plain {
    if (this.hashes.get(to) === hash)
      return moves ? 1 : '-ERR source and destination objects are the same';
    if (hash.size === 0 || (!moves && this.hash(to).size > 0)) return 0;
    this.hashes.set(to, new Map(hash));
    if (moves) hash.clear();
    return 1;
  }

  #expire(hash: Hash, baseMs: number, [time, ...rest]: string[]): Plain {
    const condition = rest[0] === 'FIELDS' ? '' : rest.shift()!;
    const expiryMs = Number(time) + baseMs;
    return rest.slice(2).map((field) => {
      const old = hash.get(field);
      if (old === undefined) return -2;
      const oldMs = old.expiryMs === 0 ? Number.POSITIVE_INFINITY : old.expiryMs;
      if (condition === 'NX' && old.expiryMs !== 0) return 0;
      if (condition === 'XX' && old.expiryMs === 0) return 0;
      if (condition === 'GT' && expiryMs <= oldMs) return 0;
      if (condition === 'LT' && expiryMs >= oldMs) return 0;
      if (expiryMs <= this.nowMs) hash.delete(field);
      else hash.set(field, { value: old.value, expiryMs });
      return expiryMs <= this.nowMs ? 2 : 1;
    });
  }
}

function persist(hash: Hash, field: string): number {
  const old = hash.get(field);
  if (old === undefined) return -2;
  if (old.expiryMs === 0) return -1;
  hash.set(field, { value: old.value, expiryMs: 0 });
  return 1;
}

function leftOf(field: Field | undefined, baseMs: number): number {
  if (field === undefined) return -2;
  return field.expiryMs === 0 ? -1 : field.expiryMs - baseMs;
}

function randomCommand(random: SeededRandom, nowMs: number): Command {
  const key = random.pick(KEYS);
  const field = random.pick(FIELDS);
  const fields = random.shuffle(FIELDS).slice(0, 1 + random.below(3));
  const these = ['FIELDS', String(fields.length), ...fields];
  const condition = random.chance(0.5) ? [] : [random.pick(['NX', 'XX', 'GT', 'LT'])];
  const life = random.pick([0, 1, 10, 50, 100, 200]) + random.below(3);
  return random.pick<() => Command>([
    () => ['HSET', key, field, random.pick(['1', 'x', '', 'long'.repeat(30)])],
    () => ['HSET', key, field, String(random.below(9))],
    () => ['HSET', key, field, String(random.below(9))],
    () => ['HDEL', key, ...fields],
    () => ['HINCRBY', key, field, String(random.below(5))],
    () => ['HPEXPIRE', key, String(life), ...condition, ...these],
    () => ['HPEXPIRE', key, String(life), ...these],
    () => ['HPEXPIREAT', key, String(nowMs + life - 5), ...condition, ...these],
    () => ['HPERSIST', key, ...these],
    () => ['HPTTL', key, ...these],
    () => ['HPEXPIRETIME', key, ...these],
    () => [random.pick(['HGET', 'HRANK']), key, field],
    () => [random.pick(['HGETALL', 'HLEN', 'EXISTS']), key],
    () => ['HNTH', key, String(random.below(4))],
    () => [random.pick(['COPY', 'RENAME']), key, random.pick(KEYS)],
    () => (random.chance(0.2) ? ['DEL', key] : ['HLEN', key]),
  ])();
}

/** Takes a key apart and puts it together again; what it had outgrown may have changed. */
function dumpAndRestore(client: LocalClient, key: string): Plain {
  const dump = client.send('DUMP', key);
  if (dump === null) return 'OK';
  return client.send('RESTORE', key, '0', Buffer.from(dump as string, 'latin1'), 'REPLACE');
}

async function runProgram(random: SeededRandom): Promise<string> {
  const local = await new LocalNode((settings) => {
    settings.hashMaxListpackEntries = random.pick([2, 512]);
  }).start();
  local.node.server.activeExpire = random.chance(0.5);
  const client = local.client();
  const model = new Model();
  const done: string[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    if (random.chance(0.2)) client.world.advance(random.pick([1, 10, 150]));
    model.nowMs = client.world.nowMs;
    const key = random.pick(KEYS);
    if (random.chance(0.05)) {
      done.push(`DUMP ${key}`);
      const reply = dumpAndRestore(client, key);
      if (reply !== 'OK') return `${done.join('\n')}\n${JSON.stringify(reply)}`;
    }
    if (random.chance(0.03)) client.send('HMIRROR', key, random.pick(['ON', 'OFF']));
    const command = randomCommand(random, model.nowMs);
    const [expected, reply] = [model.run(command), client.send(...command)];
    done.push(`${model.nowMs}: ${command.join(' ')}`);
    if (JSON.stringify(reply) !== JSON.stringify(expected)) {
      return `${done.join('\n')}\n${JSON.stringify(reply)} and not ${JSON.stringify(expected)}`;
    }
    if (step % 25 === 0) local.node.store.databases[0]!.tree.checkTree();
  }
  client.send('FLUSHALL');
  client.world.advance(300);
  const { usedBytes } = local.node.store.space;
  return usedBytes === 0 ? '' : `${usedBytes} bytes are left`;
}

t.test('as the model says', async (t) => {
  for (let program = 0; program < PROGRAMS; program += 1) {
    const problem = await runProgram(seededRandom(seed + program));
    if (problem !== '') t.fail(`SEED=${seed + program}`, { problem });
    if (problem !== '') return;
  }
  t.pass(`${PROGRAMS} programs`);
});
