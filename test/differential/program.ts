/**
 * Random programs: what is sent to both servers. A program starts from empty databases and new
 * connections, so that any part of it can be run again by itself, which the minimiser needs.
 *
 * Steps run one after the other, over two connections; neighbours on the same connection travel
 * as one pipeline.
 */

import type { SeededRandom } from '../support/random.js';
import { quote } from '../support/reply.js';
import { hashRows, listRows, setRows } from './grammar-collections.js';
import {
  bitRows,
  expiryRows,
  hyperLogLogRows,
  keyRows,
  stringRows,
  transactionRows,
} from './grammar-data.js';
import { geoRows } from './grammar-geo.js';
import { connectionRows, serverRows } from './grammar-server.js';
import { sortRows } from './grammar-sort.js';
import { streamRows } from './grammar-streams.js';
import { zsetRows } from './grammar-zsets.js';
import { lit, type Make, type MakeContext, pick, type Row, seq, subKey, value } from './makers.js';
import { randomRawBytes } from './raw-bytes.js';
import { randomKey, randomNonsense, randomPattern, randomValue } from './values.js';

/**
 * command: one request, one reply (none under CLIENT REPLY).
 * inline: the same, written as a line.
 * raw: bytes after which the server closes; all it says until then is compared.
 * scan: SCAN from 0 until 0; what it found is compared.
 */
export interface Step {
  readonly connection: 0 | 1;
  readonly kind: 'command' | 'inline' | 'raw' | 'scan';
  /** Steps of one group only make sense together. */
  readonly group?: number;
  /** The arguments; of an inline or raw step the bytes to send, as the only one. */
  readonly args: readonly Buffer[];
}

export interface Program {
  readonly seed: number;
  readonly steps: readonly Step[];
}

const dataGroups = [
  stringRows,
  bitRows,
  hyperLogLogRows,
  expiryRows,
  keyRows,
  transactionRows,
  hashRows,
  listRows,
  setRows,
  zsetRows,
  geoRows,
  sortRows,
  streamRows,
];
const dataRows = dataGroups.flat();
const allRows = [...dataRows, ...connectionRows, ...serverRows];

const NAMES_CONSUMER = /^X(READGROUP|CLAIM|AUTOCLAIM)$/;

/** SORT takes any number for one that is too large, once some command has read such a number. */
const CLEAR_ERRNO = ['INCRBYFLOAT', 'errno', '0'];

const offsetMax = 5_000_000;
const soonMax = 1_000_000;

/** Longer arguments are cut where they are shown. */
const shownBytesMax = 100;

export function randomProgram(random: SeededRandom, seed: number, stepCount: number): Program {
  const context: MakeContext = { random };
  const rows = random.chance(0.35) ? focus(random) : allRows;
  const draw = weighted(rows);
  const steps: Step[] = [];
  const multi: [boolean, boolean] = [false, false];
  for (const connection of [0, 1] as const) {
    if (random.chance(0.5)) steps.push(command(connection, lit('HELLO', '3')(context)));
  }
  for (let i = 0; i < 5; i++) {
    steps.push(command(0, [Buffer.from('SET'), randomKey(random), randomValue(random)]));
  }
  let connection: 0 | 1 = 0;
  while (steps.length < stepCount) {
    if (random.chance(0.15)) connection = connection === 0 ? 1 : 0;
    if (!multi[connection] && random.chance(0.025)) {
      const group = steps.length;
      steps.push(...composite(context, connection).map((step) => ({ ...step, group })));
      continue;
    }
    const args = draw(random).make(context);
    const step = finish(random, connection, args);
    const group = steps.length;
    const consumers = consumersOf(step.args).map((made) => ({
      ...command(connection, made),
      group,
    }));
    if (consumers.length > 0) {
      steps.push(...consumers, { ...step, group });
      continue;
    }
    const name = step.args[0]!.toString('latin1').trim().toUpperCase();
    if (name === 'MULTI') multi[connection] = true;
    const ends = name === 'EXEC' || name === 'DISCARD' || name === 'RESET';
    if (ends && step.args.length === 1) multi[connection] = false;
    if (name.startsWith('SORT')) {
      steps.push({ ...command(connection, lit(...CLEAR_ERRNO)(context)), group });
      steps.push({ ...step, group });
    } else {
      steps.push(step);
    }
  }
  return { seed, steps };
}

export function showProgram(program: Program): string {
  const lines = program.steps.map((step) => {
    const shown = step.args.map((arg) =>
      arg.length > shownBytesMax
        ? `${quote(arg.subarray(0, 40))}...(${arg.length} bytes)`
        : quote(arg),
    );
    const kind = step.kind === 'command' ? '' : `<${step.kind}> `;
    return `  [${step.connection}] ${kind}${shown.join(' ')}`;
  });
  return lines.join('\n');
}

/** A few commands only, so that they meet each other often. */
function focus(random: SeededRandom): Row[] {
  const [one, two] = [random.pick(dataGroups), random.pick(dataGroups)];
  return [...new Set([...one, ...two])];
}

function weighted(rows: readonly Row[]): (random: SeededRandom) => Row {
  const bounds: number[] = [];
  let total = 0;
  for (const row of rows) {
    total += row.weight;
    bounds.push(total);
  }
  return (random) => {
    const point = random.float() * total;
    const index = bounds.findIndex((bound) => point < bound);
    return namedRow(rows[index] ?? rows[0]!);
  };
}

/** The row with its name as first argument. */
function namedRow(row: Row): Row {
  return { ...row, make: seq(lit(row.name), row.make) };
}

function command(connection: 0 | 1, args: readonly Buffer[]): Step {
  return { connection, kind: 'command', args };
}

function nameOf(args: readonly Buffer[]): string {
  return args[0]?.toString('latin1').toUpperCase() ?? '';
}

/**
 * What makes the consumers that a command names: in Redis 7.0 it does so only if they get something
 * from it, in 7.2 and here it always does.
 */
function consumersOf(args: readonly Buffer[]): Buffer[][] {
  const create = (key: Buffer, group: Buffer, consumer: Buffer): Buffer[] => [
    ...[Buffer.from('XGROUP'), Buffer.from('CREATECONSUMER')],
    ...[key, group, consumer],
  ];
  const name = nameOf(args);
  if (!NAMES_CONSUMER.test(name)) return [];
  if (name !== 'XREADGROUP') {
    return args.length > 3 ? [create(args[1]!, args[2]!, args[3]!)] : [];
  }
  const words = args.map((arg) => arg.toString('latin1').toUpperCase());
  const [groupAt, streamsAt] = [words.lastIndexOf('GROUP') + 1, words.indexOf('STREAMS') + 1];
  if (groupAt === 0 || streamsAt === 0 || groupAt + 1 >= args.length) return [];
  const keys = args.slice(streamsAt, streamsAt + Math.floor((args.length - streamsAt) / 2));
  return keys.map((key) => create(key, args[groupAt]!, args[groupAt + 1]!));
}

/** Spoils some of the arguments, varies the case of names, writes some as lines. */
function finish(random: SeededRandom, connection: 0 | 1, made: readonly Buffer[]): Step {
  let args = [...made];
  if (random.chance(0.06) && isSpoilable(args)) args = spoil(random, args);
  args = withoutSoonTimes(withoutGiants(args));
  if (random.chance(0.1))
    args[0] = Buffer.from(args[0]!.toString('latin1').toLowerCase(), 'latin1');
  if (random.chance(0.02) && isShort(args) && !NAMES_CONSUMER.test(nameOf(args)))
    return inline(random, connection, args);
  return command(connection, args);
}

function spoil(random: SeededRandom, args: readonly Buffer[]): Buffer[] {
  const at = 1 + random.below(args.length);
  const spoilt = [...args];
  const kind = random.below(5);
  if (kind === 0) spoilt.splice(at, 1);
  if (kind === 1) spoilt.splice(at, 0, randomNonsense(random));
  if (kind === 2) spoilt[Math.min(at, args.length)] = randomNonsense(random);
  if (kind === 3) spoilt.splice(1);
  if (kind === 4) spoilt.splice(at, 0, spoilt[Math.min(at, args.length - 1)]!);
  return spoilt;
}

/** Offsets that are allowed and cost hundreds of megabytes become ones just above the limit. */
function withoutGiants(args: readonly Buffer[]): Buffer[] {
  const name = nameOf(args);
  if (!/^(SETBIT|SETRANGE|BITFIELD)$/.test(name)) return [...args];
  return args.map((arg) => {
    const [, hash = '', digits] = /^(#?)(\d{1,10})$/.exec(arg.toString('latin1')) ?? [];
    const isGiant = digits !== undefined && Number(digits) > offsetMax && Number(digits) < 2 ** 32;
    return isGiant ? Buffer.from(`${hash}4294967296`) : arg;
  });
}

/**
 * SHUTDOWN without its wrong argument would be obeyed, DEBUG SLEEP with another one, SPOP without
 * its count would leave the two servers with different members, BLPOP would block for long; and on
 * the key `even` all scores shall stay alike.
 */
function isSpoilable(args: readonly Buffer[]): boolean {
  const [name, sub] = args.map((arg) => arg.toString('latin1').toUpperCase());
  if (name === 'ZADD' && sub === 'EVEN') return false;
  if (/^B(Z|L|R)/.test(name ?? '')) return false;
  // On other keys than this one the order of what is equal is by chance.
  if (name === 'SORT') return sub === 'QUEUE';
  return name !== 'SHUTDOWN' && name !== 'SPOP' && !(name === 'DEBUG' && sub === 'SLEEP');
}

/** A key that expires within the run is there for one server and not for the other: only groups may. */
function withoutSoonTimes(args: readonly Buffer[]): Buffer[] {
  const words = args.map((arg) => arg.toString('latin1').toUpperCase());
  const isTimed = /^(SET|GETEX|SETEX|PSETEX|EXPIRE|PEXPIRE|RESTORE)$/.test(words[0] ?? '');
  return args.map((arg, at) => {
    const isTime = at === 2 || /^[EP]X$/.test(words[at - 1] ?? '');
    const isSoon = /^\d+$/.test(words[at]!) && Number(words[at]) > 0 && Number(words[at]) < soonMax;
    const isValue = at === 2 && /^(SET|GETEX)$/.test(words[0] ?? '');
    return isTimed && isTime && isSoon && !isValue ? Buffer.from('-1') : arg;
  });
}

/** Whether Redis would take a line above 64 KiB depends on how the packets come. */
function isShort(args: readonly Buffer[]): boolean {
  return args.every((arg) => arg.length <= 1000);
}

/** Writes a request as one line, quoted as redis-cli's users would. */
function inline(random: SeededRandom, connection: 0 | 1, args: readonly Buffer[]): Step {
  const words = args.map((arg, index) => (index === 0 ? bare(arg) : word(random, arg)));
  const gap = random.pick([' ', ' ', '  ', '\t']);
  const end = random.pick(['\r\n', '\n', ' \r\n']);
  const line = Buffer.concat([
    Buffer.from(random.pick(['', '', ' '])),
    Buffer.concat(words.flatMap((part) => [part, Buffer.from(gap)])),
    Buffer.from(end),
  ]);
  return { connection, kind: 'inline', args: [line] };
}

/** A command's name, as far as it can stand unquoted; a line of nothing would get no reply. */
function bare(name: Buffer): Buffer {
  const text = name.toString('latin1').replace(/[^A-Za-z0-9|-]/g, '');
  return Buffer.from(text === '' ? 'nosuch' : text);
}

function word(random: SeededRandom, arg: Buffer): Buffer {
  const text = arg.toString('latin1');
  if (/^[A-Za-z0-9:.*-]+$/.test(text) && random.chance(0.6)) return arg;
  if (!/[\r\n\0]/.test(text) && random.chance(0.4)) {
    return Buffer.from(`'${text.replaceAll("'", "\\'")}'`, 'latin1');
  }
  const escaped = text.replace(/[^A-Za-z0-9 ]/g, (char) => {
    const code = char.charCodeAt(0);
    const known = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\' }[char];
    return known ?? `\\x${code.toString(16).padStart(2, '0')}`;
  });
  return Buffer.from(`"${escaped}"`, 'latin1');
}

/** Several steps that only make sense together. */
function composite(context: MakeContext, connection: 0 | 1): Step[] {
  const { random } = context;
  const kind = random.below(5);
  if (kind === 0) return shortLife(context, connection);
  if (kind === 1) return silence(context, connection);
  if (kind === 2) return [{ connection, kind: 'raw', args: [randomRawBytes(random)] }];
  return [scan(random, connection)];
}

function scan(random: SeededRandom, connection: 0 | 1): Step {
  const options: Buffer[] = [];
  if (random.chance(0.4)) options.push(Buffer.from('MATCH'), randomPattern(random));
  if (random.chance(0.4)) {
    options.push(Buffer.from('COUNT'), Buffer.from(random.pick(['1', '2', '7', '1000'])));
  }
  if (random.chance(0.2)) {
    options.push(
      Buffer.from('TYPE'),
      Buffer.from(random.pick(['string', 'hash', 'list', 'set', 'zset'])),
    );
  }
  return { connection, kind: 'scan', args: options };
}

/** A key that expires, and a look at it once it has. */
function shortLife(context: MakeContext, connection: 0 | 1): Step[] {
  const { random } = context;
  const name = randomKey(random);
  const string: Make = seq(lit('SET'), () => [name], value);
  const hash: Make = seq(lit('HSET'), () => [name], subKey, value);
  const list: Make = seq(lit('RPUSH'), () => [name], value);
  const set: Make = seq(lit('SADD'), () => [name], subKey);
  const any = random.pick([string, hash, list, set]);
  const expire: Make = seq(lit('PEXPIRE'), () => [name], pick('1', '2'));
  const looks = [
    'GET',
    'EXISTS',
    'TTL',
    'TYPE',
    'PEXPIRETIME',
    'STRLEN',
    'INCR',
    'DUMP',
    'PERSIST',
    'HGETALL',
    'HLEN',
    'SMEMBERS',
    'SPOP',
    'LLEN',
    'LPOP',
  ];
  const look: Make = seq(pick(...looks), () => [name]);
  const born = random.chance(0.5) ? [seq(string, lit('PX', '1'))] : [any, expire];
  const slept = [...born, lit('DEBUG', 'SLEEP', '0.005'), look, lit('DBSIZE')];
  return slept.map((make) => command(connection, make(context)));
}

/** CLIENT REPLY: OFF and ON round some writes, or SKIP before one. */
function silence(context: MakeContext, connection: 0 | 1): Step[] {
  const write: Make = seq(lit('SET'), ({ random }) => [randomKey(random)], value);
  const makes = context.random.chance(0.5)
    ? [lit('CLIENT', 'REPLY', 'SKIP'), write]
    : [lit('CLIENT', 'REPLY', 'OFF'), write, lit('GET', 'a'), lit('CLIENT', 'REPLY', 'ON')];
  return makes.map((make) => command(connection, make(context)));
}
