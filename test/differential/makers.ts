/**
 * Little functions that make arguments, put together into rows of the grammar: a row reads like
 * the command's syntax line. `choice` and `pick` weigh all alike; `opt` is there half of the time
 * unless told otherwise.
 */
import type { SeededRandom } from '../support/random.js';
import { randomPayload } from './payload.js';
import {
  randomFloat,
  randomInteger,
  randomKey,
  randomOffset,
  randomPattern,
  randomSubKey,
  randomValue,
} from './values.js';

export interface MakeContext {
  readonly random: SeededRandom;
}

export type Make = (context: MakeContext) => Buffer[];

export interface Row {
  readonly name: string;
  readonly weight: number;
  readonly make: Make;
}

/** Longer than any run, so that nothing of this kind expires while it is looked at. */
const farSeconds = 5_000_000;

/** Absolute times lie here, and relative ones never: what EXPIRETIME answers tells them apart. */
const farUnixSeconds = 5_000_000_000;

/** Whether a time was set as such, and so must be answered exactly; else it came from a clock. */
export function isExactTime(time: number): boolean {
  const seconds = time >= farUnixSeconds * 1000 ? time / 1000 : time;
  return seconds <= farUnixSeconds + farSeconds && (seconds >= farUnixSeconds || seconds < 0);
}

export function row(name: string, weight: number, ...makes: Make[]): Row {
  return { name, weight, make: seq(...makes) };
}

export function seq(...makes: Make[]): Make {
  return (context) => makes.flatMap((make) => make(context));
}

export function lit(...words: string[]): Make {
  const fixed = words.map((word) => Buffer.from(word, 'latin1'));
  return () => fixed;
}

export function choice(...makes: Make[]): Make {
  return (context) => context.random.pick(makes)(context);
}

/** One of these words. */
export function pick(...words: string[]): Make {
  return (context) => [Buffer.from(context.random.pick(words), 'latin1')];
}

export function opt(make: Make, probability = 0.5): Make {
  return (context) => (context.random.chance(probability) ? make(context) : []);
}

export function rep(low: number, high: number, make: Make): Make {
  return (context) => {
    const parts: Buffer[] = [];
    const count = context.random.between(low, high);
    for (let i = 0; i < count; i++) parts.push(...make(context));
    return parts;
  };
}

export const key: Make = ({ random }) => [randomKey(random)];
export const subKey: Make = ({ random }) => [randomSubKey(random)];
export const value: Make = ({ random }) => [randomValue(random)];
export const integer: Make = ({ random }) => [randomInteger(random)];
export const float: Make = ({ random }) => [randomFloat(random)];
export const offset: Make = ({ random }) => [randomOffset(random)];
export const pattern: Make = ({ random }) => [randomPattern(random)];
export const bit: Make = ({ random }) => [
  Buffer.from(random.pick(['0', '1', '0', '1', '0', '1', '2', '-1', 'x', ''])),
];

/** Of a command that blocks: over at once, for the run waits. Never to be spoilt. */
export const soonOver: Make = pick('0.001', '0.001', '1e-9', '-1', 'x', 'nan');

export const payload: Make = ({ random }) => [randomPayload(random, randomValue(random))];

/** A time to live: far off, past, or wrong. `unitMs` is 1000 for seconds and 1 for milliseconds. */
export function relativeTime(unitMs: 1 | 1000): Make {
  return ({ random }) => {
    if (random.chance(0.7)) {
      const far = (farSeconds + random.below(farSeconds)) * (1000 / unitMs);
      return [Buffer.from(`${far}`)];
    }
    return [wrongTime(random)];
  };
}

export function absoluteTime(unitMs: 1 | 1000): Make {
  return ({ random }) => {
    if (random.chance(0.75)) {
      const far = (farUnixSeconds + random.below(farSeconds)) * (1000 / unitMs);
      return [Buffer.from(`${random.chance(0.85) ? far : random.below(1_000_000)}`)];
    }
    return [wrongTime(random)];
  };
}

/** Times that are past, or near the range's end, or no numbers. None is soon. */
function wrongTime(random: SeededRandom): Buffer {
  const times = [
    '9223372036854775',
    '9223372036854776',
    '9223370000000000000',
    '0',
    '-1',
    '-9223372036854775808',
    '-9223372036854775809',
    '9223372036854775807',
    '9223372036854775808',
    '-9223372036854775',
    '-9223372036854776',
    'abc',
    '',
    '1.5',
    ' 1',
    '+1',
    '01',
  ];
  return Buffer.from(random.pick(times));
}
