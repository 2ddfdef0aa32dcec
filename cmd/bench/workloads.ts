/**
 * What the load generator sends: a command as RESP bytes with places where each copy gets a random
 * key number.
 *
 * Invariant: a random number always takes `NUMBER_DIGITS` digits, so that a copy of the template
 * with other digits is a correct command; this is what keeps the generator faster than the server.
 */

import { encodeRequest } from '../../resp/request-writer.js';
import { usageError } from '../exit.js';

const NUMBER_DIGITS = 12;
/** As in redis-benchmark, so that its command lines can be pasted. */
const PLACEHOLDER = '__rand_int__';
const KEY = `key:${PLACEHOLDER}`;
const DATA_PLACEHOLDER = '__data__';
const DIGIT_ZERO = 48;
const MSET_KEYS = 10;

/** Test name -> command; `__data__` is a value of the size asked for. */
const TESTS = new Map<string, readonly string[]>([
  ['ping', ['PING']],
  ['set', ['SET', KEY, DATA_PLACEHOLDER]],
  ['get', ['GET', KEY]],
  ['incr', ['INCR', `counter:${PLACEHOLDER}`]],
  ['append', ['APPEND', `log:${PLACEHOLDER}`, 'x']],
  ['exists', ['EXISTS', KEY]],
  ['del', ['DEL', KEY]],
  ['mset', ['MSET', ...Array.from({ length: MSET_KEYS }, () => [KEY, DATA_PLACEHOLDER]).flat()]],
  ['mget', ['MGET', ...Array.from({ length: MSET_KEYS }, () => KEY)]],
  ['krange', ['KRANGE', `[${KEY}`, '+', 'LIMIT', '0', '100', 'WITHVALUES']],
  ['kcount', ['KCOUNT', `[${KEY}`, '+']],
  ['krank', ['KRANK', KEY]],
  ['knth', ['KNTH', PLACEHOLDER]],
  ['knext', ['KNEXT', KEY]],
  ['kprev', ['KPREV', KEY]],
]);

const TESTS_BY_DEFAULT = ['ping', 'set', 'get', 'incr', 'mset'];

export interface Workload {
  readonly name: string;
  readonly bytes: Buffer;
  /** Where the digits of random numbers begin in `bytes`. */
  readonly numbersAt: readonly number[];
}

function createWorkload(name: string, words: readonly string[], valueBytes: number): Workload {
  const data = 'x'.repeat(valueBytes);
  const zeros = '0'.repeat(NUMBER_DIGITS);
  const withData = words.map((word) => word.replaceAll(DATA_PLACEHOLDER, data));
  const marked = encodeRequest(withData);
  const numbersAt: number[] = [];
  for (let at = marked.indexOf(PLACEHOLDER); at >= 0; at = marked.indexOf(PLACEHOLDER, at + 1)) {
    numbersAt.push(at);
  }
  // The placeholder is as long as the number, so no length in the command changes.
  const bytes = encodeRequest(withData.map((word) => word.replaceAll(PLACEHOLDER, zeros)));
  return { name, bytes, numbersAt };
}

/** The workloads of a list such as `set,get`, or of one command line. */
export function chooseWorkloads(
  tests: string | undefined,
  commandLine: readonly string[],
  valueBytes: number,
): Workload[] {
  if (commandLine.length > 0) {
    if (tests !== undefined) throw usageError('give --tests or a command after --, not both');
    return [createWorkload(commandLine.join(' ').slice(0, 40), commandLine, valueBytes)];
  }
  const names = tests === undefined ? TESTS_BY_DEFAULT : tests.toLowerCase().split(',');
  return names.map((name) => {
    const words = TESTS.get(name.trim());
    if (words !== undefined) return createWorkload(name.trim(), words, valueBytes);
    throw usageError(`unknown test '${name}'; there are ${testNames()}`);
  });
}

export function testNames(): string {
  return [...TESTS.keys()].join(', ');
}

/** Appends a copy of the command to `target` at `at`, with random numbers; returns its end. */
export function writeCopy(
  workload: Workload,
  target: Buffer,
  at: number,
  below: (bound: number) => number,
  keySpace: number,
): number {
  const { bytes, numbersAt } = workload;
  bytes.copy(target, at);
  for (const offset of numbersAt) {
    let rest = below(keySpace);
    for (let digit = NUMBER_DIGITS - 1; digit >= 0; digit--) {
      target[at + offset + digit] = DIGIT_ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
  }
  return at + bytes.length;
}
