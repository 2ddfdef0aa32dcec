/**
 * The slow, obvious oracle of the request reader: the whole input at once, as one text, with the
 * splitting of inline commands written as Redis writes it (a state machine over characters).
 * And `drive`, which feeds a reader in pieces and says what it made of them.
 */
import { Args } from '../../resp/args.js';
import {
  PROTOCOL_ERROR,
  REQUEST,
  type RequestLimits,
  RequestReader,
  requestLimitsDefault,
} from '../../resp/request-reader.js';
import type { SeededRandom } from '../support/random.js';

export interface Outcome {
  /** Each request as its arguments, one character per byte. */
  readonly requests: string[][];
  /** Undefined while the stream can be followed; empty for closing without a reply. */
  readonly error: string | undefined;
}

export interface ReadOptions {
  readonly limits?: Readonly<RequestLimits>;
  readonly authenticated?: boolean;
}

const INT64 = /^(?:0|-?[1-9]\d{0,18})$/;

function integerOf(text: string): bigint | undefined {
  if (!INT64.test(text)) return undefined;
  const value = BigInt(text);
  return value === BigInt.asIntN(64, value) ? value : undefined;
}

/** What a reader must make of the input, however it is cut. */
export function modelRequests(input: Uint8Array, options: ReadOptions = {}): Outcome {
  const limits = options.limits ?? requestLimitsDefault;
  const authenticated = options.authenticated ?? true;
  const text = Buffer.from(input).toString('latin1');
  const requests: string[][] = [];
  let at = 0;

  /** The line at `at`; undefined if it is not whole, null if it is too long. */
  const line = (end: string): string | undefined | null => {
    const found = text.indexOf(end, at);
    const nul = text.indexOf('\0', at);
    const reached = found >= 0 && (nul < 0 || nul > found) ? found : Infinity;
    if (Math.min(reached, text.length) - at > limits.inlineBytesMax) return null;
    if (reached === Infinity) return undefined;
    if (end === '\r' && reached + 1 >= text.length) return undefined;
    const content = text.slice(at, reached);
    at = reached + (end === '\r' ? 2 : 1);
    return content;
  };
  const failed = (what: string): Outcome => ({ requests, error: `ERR Protocol error: ${what}` });
  const waiting: Outcome = { requests, error: undefined };

  while (at < text.length) {
    if (text[at] !== '*') {
      const inline = line('\n');
      if (inline === null) return failed('too big inline request');
      if (inline === undefined) return waiting;
      const split = modelSplit(inline.replace(/\r$/, ''));
      if (split === undefined) return failed('unbalanced quotes in request');
      if (split.length > 0) requests.push(split);
      continue;
    }
    const head = line('\r');
    if (head === null) return failed('too big mbulk count string');
    if (head === undefined) return waiting;
    const count = integerOf(head.slice(1));
    if (count === undefined || count > limits.argumentsMax) {
      return failed('invalid multibulk length');
    }
    if (count > 10 && !authenticated) return failed('unauthenticated multibulk length');
    const request: string[] = [];
    while (request.length < count) {
      const header = line('\r');
      if (header === null) return failed('too big bulk count string');
      if (header === undefined) return waiting;
      if (header[0] !== '$') {
        return failed(`expected '$', got '${(header[0] ?? ' ').replace('\n', ' ')}'`);
      }
      const bytes = integerOf(header.slice(1));
      if (bytes === undefined || bytes < 0n || bytes > limits.bulkBytesMax) {
        return failed('invalid bulk length');
      }
      if (bytes > 16384 && !authenticated) return failed('unauthenticated bulk length');
      if (BigInt(at) + bytes + 2n > text.length) return waiting;
      request.push(text.slice(at, at + Number(bytes)));
      at += Number(bytes) + 2;
    }
    if (count > 0n) requests.push(request);
  }
  return waiting;
}

const BLANKS = ' \t\n\v\f\r';
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  a: '\x07',
};

/** Redis's sdssplitargs; undefined if quotes are unbalanced. */
export function modelSplit(line: string): string[] | undefined {
  const list: string[] = [];
  let p = 0;
  const char = (at: number): string => line[at] ?? '';
  const blankOrEnd = (at: number): boolean => char(at) === '' || BLANKS.includes(char(at));
  for (;;) {
    while (char(p) !== '' && BLANKS.includes(char(p))) p++;
    if (char(p) === '') return list;
    let current = '';
    let quote = '';
    for (let done = false; !done; p++) {
      const c = char(p);
      if (quote === '') {
        if (c === '' || ' \n\r\t'.includes(c)) done = true;
        else if (c === '"' || c === "'") quote = c;
        else current += c;
      } else if (c === '') {
        return undefined;
      } else if (quote === '"' && /^\\x[\da-fA-F]{2}/.test(line.slice(p, p + 4))) {
        current += String.fromCharCode(parseInt(line.slice(p + 2, p + 4), 16));
        p += 3;
      } else if (quote === '"' && c === '\\' && char(p + 1) !== '') {
        p++;
        current += ESCAPES[char(p)] ?? char(p);
      } else if (quote === "'" && c === '\\' && char(p + 1) === "'") {
        p++;
        current += "'";
      } else if (c === quote) {
        if (!blankOrEnd(p + 1)) return undefined;
        done = true;
      } else {
        current += c;
      }
    }
    list.push(current);
  }
}

export interface DriveOptions extends ReadOptions {
  /** Stops now and then in the middle of a chunk, as under backpressure. */
  readonly random?: SeededRandom;
  /** The reader to use, for a look at it afterwards. */
  readonly reader?: RequestReader;
  /** Called after each chunk. */
  readonly after?: (reader: RequestReader) => void;
}

/** Feeds the input cut at the given places from one buffer that is overwritten each time. */
export function drive(input: Uint8Array, cuts: readonly number[], options: DriveOptions): Outcome {
  const reader = options.reader ?? new RequestReader(options.limits ?? requestLimitsDefault);
  reader.authenticated = options.authenticated ?? true;
  const args = new Args();
  const requests: string[][] = [];
  const read = (most: number): number => {
    for (let taken = 0; taken < most; taken++) {
      const result = reader.next(args);
      if (result !== REQUEST) return result;
      requests.push(Array.from({ length: args.count }, (_, i) => args.string(i)));
    }
    return REQUEST;
  };
  const shared = Buffer.alloc(input.length + 3);
  let from = 0;
  let result = REQUEST;
  for (const to of [...cuts, input.length]) {
    shared.set(input.subarray(from, to), 3);
    reader.feed(shared, 3, 3 + to - from);
    from = to;
    result = read(options.random?.chance(0.3) === true ? options.random.below(3) : Infinity);
    if (result === PROTOCOL_ERROR) break;
    reader.keep();
    shared.fill(0x31);
    options.after?.(reader);
  }
  if (result !== PROTOCOL_ERROR) result = read(Infinity);
  return { requests, error: result === PROTOCOL_ERROR ? reader.error : undefined };
}

/** A request in the usual form. */
export function multibulk(...values: (string | Uint8Array)[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`*${values.length}\r\n`)];
  for (const value of values) {
    const bytes = Buffer.from(value as string);
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

/** Well-formed and odd requests, one behind the other. */
export function randomStream(random: SeededRandom, requestsMax: number): Buffer {
  const parts: Buffer[] = [];
  for (let left = random.between(1, requestsMax); left > 0; left--) {
    parts.push(randomRequest(random));
  }
  return Buffer.concat(parts);
}

const INLINE = [
  'PING\r\n',
  'ECHO hello\n',
  '  ECHO   "a b\\n\\x00\\xfF\\"q"  \r\n',
  "SET k 'it\\'s' x\"y z\"\r\n",
  '\r\n',
  '\n',
  '   \t\r\n',
  'GET a\vb\f c\r\n',
  "ECHO ''\r\n",
];
const ODD = ['*0\r\n', '*-1\r\n', '*-9\r\n', '*1\rx$4\rxPINGxx', '*2\r\n$4\r\nECHO\r\n$0\r\n\r\n'];
const NAMES = ['GET', 'set', 'ECHO', 'PING', 'MSET', 'x'];

function randomRequest(random: SeededRandom): Buffer {
  if (random.chance(0.15)) return Buffer.from(random.pick(INLINE), 'latin1');
  if (random.chance(0.1)) return Buffer.from(random.pick(ODD), 'latin1');
  const values: (string | Buffer)[] = [random.pick(NAMES)];
  const count = random.chance(0.05) ? random.below(200) : random.below(5);
  for (let i = 0; i < count; i++) {
    const bytes = random.chance(0.03) ? random.below(100_000) : random.below(40);
    values.push(random.bytes(bytes));
  }
  return multibulk(...values);
}

const TOKENS = ['*', '$', '\r', '\n', '\r\n', '\0', '-', '+', '0', '9', '"', "'", '\\', '\\x', ' '];
const NUMBERS = [
  '-1',
  '00',
  '01',
  '+1',
  '10',
  '11',
  '16384',
  '16385',
  '65536',
  '1048577',
  '2147483647',
  '2147483648',
  '9223372036854775807',
  '9223372036854775808',
  '99999999999999999999',
  '1e3',
  '0x10',
];

/** The input with a few bytes changed, doubled, cut out, moved or replaced by awkward ones. */
export function mutate(random: SeededRandom, input: Buffer): Buffer {
  let bytes = input;
  for (let left = random.below(4); left > 0; left--) {
    const at = random.below(bytes.length + 1);
    const to = Math.min(bytes.length, at + random.below(random.chance(0.1) ? 5000 : 6));
    const insert = [
      () => random.bytes(random.below(5)),
      () => Buffer.from(random.pick(TOKENS), 'latin1'),
      () => Buffer.from(random.pick(NUMBERS), 'latin1'),
      () => Buffer.from(bytes.subarray(at, to)),
      () => Buffer.alloc(0),
      () => Buffer.alloc(random.chance(0.02) ? 70_000 : 10, random.pick(['*', '1', 'a', '\0'])),
    ];
    const middle = random.pick(insert)();
    bytes = Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(random.pick([at, to]))]);
  }
  return bytes;
}

/** Places to cut an input of that many bytes. */
export function randomCuts(random: SeededRandom, bytes: number): number[] {
  const cuts = Array.from({ length: random.below(8) }, () => random.below(bytes + 1));
  return cuts.sort((a, b) => a - b);
}
