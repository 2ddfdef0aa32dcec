/**
 * How each type of setting is read from text and printed: one codec per type, as in Redis 7.
 *
 * Invariant: `parse(print(value))` gives `value` again, and a refusal carries Redis's own wording,
 * because clients and operators match on it.
 * Why values carry no type tag: a row of the registry binds a codec to one field, and TypeScript
 * checks that the two agree.
 */

import type { ConsistencyLevel, OutputBufferLimit, OutputBufferLimits } from './values.js';

/** Why a text is no value of a setting. */
export class Refusal {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export interface Codec<T> {
  /** `current` is the value in force: some settings are given in parts. */
  parse(text: string, current: T): T | Refusal;
  readonly print: (value: T) => string;
  /** How CONFIG REWRITE writes it, where that differs from `print`. */
  readonly write?: (value: T) => string;
  /** What `--help` shows as the kind of value. */
  readonly hint: string;
}

/** Redis keeps these in 64 bits; a double is exact up to 2^53, which no machine reaches. */
export const INT64_MAX = 9_223_372_036_854_775_807n;
export const INT32_MAX = 2_147_483_647;
const UINT64_MAX = 18_446_744_073_709_551_615n;

const MEMORY_UNITS = new Map<string, bigint>([
  ['', 1n],
  ['b', 1n],
  ['k', 1000n],
  ['kb', 1024n],
  ['m', 1_000_000n],
  ['mb', 1_048_576n],
  ['g', 1_000_000_000n],
  ['gb', 1_073_741_824n],
]);

const EVENT_CLASSES = 'g$lshzxetdn';
const EVENT_CLASSES_ALL = 'g$lshzxetd';
const EVENT_CLASSES_OTHER = 'KEm';

/** A decimal integer as Redis reads it: no sign but '-', no blanks, no leading zeros. */
export function parseInteger(text: string): bigint | undefined {
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value > INT64_MAX || value < -INT64_MAX - 1n ? undefined : value;
}

/** `1`, `1k` (1000), `1kb` (1024), `1mb`, ...; empty is 0, as in Redis. */
export function parseMemory(text: string): bigint | undefined {
  const parts = /^([0-9]*)([a-z]*)$/i.exec(text);
  if (parts === null) return undefined;
  const unit = MEMORY_UNITS.get((parts[2] ?? '').toLowerCase());
  if (unit === undefined) return undefined;
  const bytes = BigInt(parts[1] || '0') * unit;
  return bytes > UINT64_MAX ? UINT64_MAX : bytes;
}

/** Prints a number of which `max` is the largest; near 2^63 a double rounds beyond it. */
function printNumber(value: number, max: bigint): string {
  if (Number.isSafeInteger(value)) return String(value);
  const exact = BigInt(value);
  return String(exact > max ? max : exact);
}

function checkBounds(value: bigint, min: bigint, max: bigint): number | Refusal {
  if (value >= min && value <= max) return Number(value);
  return new Refusal(`argument must be between ${min} and ${max} inclusive`);
}

export function integer(min: number, max: number | bigint): Codec<number> {
  return {
    hint: 'number',
    print: (value) => printNumber(value, BigInt(max)),
    parse(text) {
      const value = parseInteger(text);
      if (value === undefined) return new Refusal("argument couldn't be parsed into an integer");
      return checkBounds(value, BigInt(min), BigInt(max));
    },
  };
}

/** An integer that is moved to the nearest bound instead of refused (`hz`). */
export function clampedInteger(min: number, max: number): Codec<number> {
  const unbounded = integer(0, INT32_MAX);
  return {
    hint: 'number',
    print: String,
    parse(text, current) {
      const value = unbounded.parse(text, current);
      return value instanceof Refusal ? value : Math.min(max, Math.max(min, value));
    },
  };
}

/** The shortest exact way to write an amount of memory, such as 100mb. */
function writeMemory(value: number, max: bigint): string {
  for (const unit of ['gb', 'mb', 'kb']) {
    const bytes = Number(MEMORY_UNITS.get(unit));
    if (value > 0 && value % bytes === 0) return `${value / bytes}${unit}`;
  }
  return printNumber(value, max);
}

export function memory(min: number, max: number | bigint = UINT64_MAX): Codec<number> {
  return {
    hint: 'bytes',
    print: (value) => printNumber(value, BigInt(max)),
    write: (value) => writeMemory(value, BigInt(max)),
    parse(text) {
      const value = parseMemory(text);
      if (value === undefined) return new Refusal('argument must be a memory value');
      return checkBounds(value, BigInt(min), BigInt(max));
    },
  };
}

export const yesNo: Codec<boolean> = {
  hint: 'yes|no',
  print: (value) => (value ? 'yes' : 'no'),
  parse(text) {
    const lower = text.toLowerCase();
    if (lower === 'yes') return true;
    if (lower === 'no') return false;
    return new Refusal("argument must be 'yes' or 'no'");
  },
};

/** One of several words; `synonyms` are understood and printed as what they stand for. */
export function oneOf<T extends string>(
  words: readonly T[],
  synonyms: Readonly<Record<string, T>> = {},
): Codec<T> {
  return {
    hint: words.join('|'),
    print: (value) => value,
    parse(text) {
      const lower = text.toLowerCase();
      const found = words.find((word) => word === lower) ?? synonyms[lower];
      if (found !== undefined) return found;
      return new Refusal(`argument(s) must be one of the following: ${words.join(', ')}`);
    },
  };
}

/** Consistency levels. */
export function levelCodec(): Codec<ConsistencyLevel> {
  const levels = oneOf<ConsistencyLevel>(['one', 'quorum', 'all']);
  return {
    ...levels,
    parse(text, current) {
      if (text.toLowerCase() !== 'two') return levels.parse(text, current);
      return new Refusal("level 'two' is not built yet in this version; one, quorum and all are");
    },
  };
}

export const text: Codec<string> = {
  hint: 'text',
  print: (value) => value,
  parse: (given) => given,
};

export const path: Codec<string> = { ...text, hint: 'path' };

const TITLE_VARIABLES = new Set(
  ['title', 'listen-addr', 'server-mode', 'port', 'tls-port', 'unixsocket', 'config-file'].map(
    (name) => `{${name}}`,
  ),
);

export const titleTemplate: Codec<string> = {
  ...text,
  parse(given) {
    const variables = given.match(/\{[^}]*\}?/g) ?? [];
    if (given !== '' && variables.every((each) => TITLE_VARIABLES.has(each))) return given;
    return new Refusal('template format is invalid or contains unknown variables');
  },
};

/** A string of at most so many bytes. */
export function limitedText(bytesMax: number): Codec<string> {
  return {
    ...text,
    parse(given) {
      if (Buffer.byteLength(given) <= bytesMax) return given;
      return new Refusal(`argument must be at most ${bytesMax} bytes long`);
    },
  };
}

/** Words separated by blanks or commas. */
export const textList: Codec<readonly string[]> = {
  hint: 'text...',
  print: (value) => value.join(' '),
  parse: (given) => given.split(/[\s,]+/).filter((word) => word !== ''),
};

/** An octal file mode, such as 700; 0 = unset. */
export const fileMode: Codec<number> = {
  hint: 'octal mode',
  print: (value) => value.toString(8),
  parse(given) {
    if (!/^[0-7]+$/.test(given)) return new Refusal("argument couldn't be parsed into an integer");
    const value = Number.parseInt(given, 8);
    if (value <= 0o777) return value;
    return new Refusal('argument must be between 0 and 777 inclusive');
  },
};

export const percentiles: Codec<readonly number[]> = {
  hint: 'percentile...',
  print: (value) => value.map((each) => String(Number(each.toFixed(6)))).join(' '),
  parse(given) {
    const values: number[] = [];
    if (given === '') return values;
    for (const word of given.split(' ')) {
      const value = /^[+-]?inf(inity)?$/i.test(word) ? Infinity : Number(word);
      if (word === '' || Number.isNaN(value)) {
        return new Refusal('Invalid latency-tracking-info-percentiles parameters');
      }
      if (value < 0 || value > 100) {
        return new Refusal(
          'latency-tracking-info-percentiles parameters should sit between [0.0,100.0]',
        );
      }
      values.push(value);
    }
    return values;
  },
};

type ClientClass = keyof OutputBufferLimits;

const CLIENT_CLASSES = new Map<string, ClientClass>([
  ['normal', 'normal'],
  ['slave', 'replica'],
  ['replica', 'replica'],
  ['pubsub', 'pubsub'],
]);

function parseOutputBufferLimit(words: readonly string[]): OutputBufferLimit | undefined {
  const hard = parseMemory(words[0] ?? '');
  const soft = parseMemory(words[1] ?? '');
  const seconds = parseInteger(words[2] ?? '');
  if (hard === undefined || soft === undefined || seconds === undefined) return undefined;
  if (seconds < 0n || seconds > BigInt(INT32_MAX)) return undefined;
  return { hardBytes: Number(hard), softBytes: Number(soft), softSeconds: Number(seconds) };
}

/** `class hard soft seconds`, repeated; classes that are not named keep their limits. */
export const outputBufferLimits: Codec<OutputBufferLimits> = {
  hint: 'class hard soft seconds...',
  print(value) {
    const printOne = (limit: OutputBufferLimit): string =>
      `${limit.hardBytes} ${limit.softBytes} ${limit.softSeconds}`;
    const { normal, replica, pubsub } = value;
    return `normal ${printOne(normal)} slave ${printOne(replica)} pubsub ${printOne(pubsub)}`;
  },
  parse(given, current) {
    const words = given.split(' ').filter((word) => word !== '');
    if (words.length % 4 !== 0) {
      return new Refusal('Wrong number of arguments in buffer limit configuration.');
    }
    const limits: Record<ClientClass, OutputBufferLimit> = { ...current };
    for (let index = 0; index < words.length; index += 4) {
      const name = CLIENT_CLASSES.get((words[index] ?? '').toLowerCase());
      if (name === undefined) {
        return new Refusal('Invalid client class specified in buffer limit configuration.');
      }
      const limit = parseOutputBufferLimit(words.slice(index + 1, index + 4));
      if (limit === undefined) {
        return new Refusal(
          'Error in hard, soft or soft_seconds setting in buffer limit configuration.',
        );
      }
      limits[name] = limit;
    }
    return limits;
  },
};

/**
 * Keyspace event classes, in Redis's order, with `A` for the usual ones together. As in Redis 7.0,
 * which tells of new keys all the same, an `n` beside an `A` is not printed.
 */
export const eventClasses: Codec<string> = {
  hint: 'classes',
  print: (value) => (value.startsWith('A') ? value.replace('n', '') : value),
  write: (value) => value,
  parse(given) {
    const chosen = new Set<string>();
    for (const letter of given) {
      if (letter === 'A') for (const each of EVENT_CLASSES_ALL) chosen.add(each);
      else if (`${EVENT_CLASSES}${EVENT_CLASSES_OTHER}`.includes(letter)) chosen.add(letter);
      else return new Refusal("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    }
    const only = (letters: string): string =>
      [...letters].filter((each) => chosen.has(each)).join('');
    const all = only(EVENT_CLASSES_ALL) === EVENT_CLASSES_ALL;
    return (all ? `A${only('n')}` : only(EVENT_CLASSES)) + only(EVENT_CLASSES_OTHER);
  },
};
