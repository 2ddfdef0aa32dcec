/**
 * The example of docs/protocol-sync.md: what the two sides say is what stands there, byte by byte,
 * and what stands there is what a second implementation, written from the text, computes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Space } from '../../radix/space.js';
import { TreeDatabase } from '../../radix/sync/database.js';
import { SyncSession } from '../../radix/sync/session.js';
import { Tree } from '../../radix/tree.js';
import { SlowHalfSipHash, wordsOf } from '../radix/halfsiphash.js';
import { checkoutRoot } from '../support/architecture.js';
import { drive, WHOLE } from './wire.js';

const SECRET = Buffer.from(Array.from({ length: 16 }, (_, i) => i));
const SALT = 0x01020304;

interface Entry {
  readonly key: string;
  readonly stamp: number;
  readonly value: string;
}

const COMMON: Entry[] = Array.from({ length: 40 }, (_, i) => {
  return { key: `key:${String(i).padStart(2, '0')}`, stamp: 1000 + i, value: `v${i}` };
});
const NEW: Entry = { key: 'key:07', stamp: 2000, value: 'new' };
const PEAR: Entry = { key: 'pear', stamp: 2001, value: 'green' };
const OLD = COMMON[7]!;
const MINE = COMMON.map((entry) => (entry === OLD ? NEW : entry));
const THEIRS = [...COMMON, PEAR];
const MERGED = [...MINE, PEAR];

interface Said {
  readonly by: string;
  readonly name: string;
  readonly hex: string;
}

/** The session as the document shows it. */
function documented(): Said[] {
  const text = readFileSync(join(checkoutRoot(), 'docs/protocol-sync.md'), 'utf8');
  const block = /```session\n([^`]*)```/.exec(text)?.[1] ?? '';
  const said: Said[] = [];
  for (const line of block.trimEnd().split('\n')) {
    const begin = /^([<>]) (\w+) +([0-9a-f]+)$/.exec(line);
    if (begin !== null) said.push({ by: begin[1]!, name: begin[2]!, hex: begin[3]! });
    else {
      const last = said.pop()!;
      said.push({ ...last, hex: last.hex + line.trim() });
    }
  }
  return said;
}

function databaseOf(entries: readonly Entry[]): TreeDatabase {
  const tree = new Tree(new Space({ hashKey: SECRET }));
  for (const { key, stamp, value } of entries) {
    const [k, v] = [Buffer.from(key), Buffer.from(value)];
    tree.put(k, 0, k.length, stamp, 1, 0, 0, v, 0, v.length);
  }
  return new TreeDatabase(tree);
}

t.test('the session is the one of the document', (t) => {
  const sides = [[databaseOf(MINE)], [databaseOf(THEIRS)]] as const;
  const initiator = SyncSession.initiate(sides[0], { range: WHOLE, salt: SALT });
  const responder = SyncSession.respond(sides[1]);
  const said: string[] = [];
  const tamper = (frame: Buffer, side: number): Buffer => {
    said.push(`${'><'[side]} ${frame.toString('hex')}`);
    return frame;
  };
  drive(initiator, responder, { tamper }, []);
  t.strictSame(
    said,
    documented().map(({ by, hex }) => `${by} ${hex}`),
  );
  t.equal(initiator.outcome?.isEqual, true);
  t.equal(sides[0][0]!.tree.liveCount, 41);
  t.end();
});

// The second implementation: nothing below uses radix/.

type Key4 = [number, number, number, number];

function itemHash({ key, stamp, value }: Entry): [number, number] {
  const hash = new SlowHalfSipHash(wordsOf(SECRET) as Key4, 0xee, 1, 3);
  hash.absorb(stamp, key.length << 24, value.length | (1 << 16));
  return hash.absorb(...wordsOf(Buffer.from(key)), ...wordsOf(Buffer.from(value))).finish();
}

/** Of attempt 0, whose salt is that of the session, in database 0. */
function symbolOf(entry: Entry): number {
  return mixed(itemHash(entry)[0] ^ SALT);
}

function digestOf(entries: readonly Entry[]): [number, number] {
  let [low, high] = [0, 0];
  for (const entry of entries) {
    const [l, h] = itemHash(entry);
    low = (low + l) | 0;
    high = (high + h) | 0;
  }
  return [low, high];
}

function rangeDigest(entries: readonly Entry[], salt: number): number {
  const [low, high] = digestOf(entries);
  let x = (low + Math.imul(high, salt)) ^ entries.length;
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
  return ((x >>> 20) << 4) | (entries.length & 15);
}

function mixed(symbol: number): number {
  let x = Math.imul(symbol ^ (symbol >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** Cells 1 to `to` - 1 of a first message, two words each. */
function cellsOf(symbols: readonly number[], to: number): number[] {
  const words = new Int32Array(2 * to);
  const bounds = [0, 1, 2, 3, 4].map((j) => 1 + Math.floor(((to - 1) * j) / 4));
  for (const symbol of symbols) {
    const x = mixed(symbol);
    const halves = [symbol >>> 16, symbol & 0xffff, x >>> 16, x & 0xffff];
    for (const [j, half] of halves.entries()) {
      const cell = bounds[j]! + Math.floor((half * (bounds[j + 1]! - bounds[j]!)) / 65536);
      words[2 * cell]! += symbol;
      words[2 * cell + 1]! += (x << 8) | 1;
    }
  }
  return [...words.subarray(2)];
}

/** Bytes, from hex and numbers of 4 bytes. */
function hexOf(...parts: (string | number)[]): string {
  return parts
    .map((part) => {
      if (typeof part === 'string') return part;
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(part | 0);
      return bytes.toString('hex');
    })
    .join('');
}

function u16(value: number): string {
  return Buffer.of(value & 255, value >>> 8).toString('hex');
}

function payloads(name: string): string[] {
  const frames = documented().filter((said) => said.name === name);
  // A payload of 128 bytes and more has a length of two bytes.
  return frames.map(({ hex }) => hex.slice(Number.parseInt(hex.slice(2, 4), 16) < 128 ? 4 : 6));
}

t.test('the digests are those that the text tells of', (t) => {
  const block = new SlowHalfSipHash(wordsOf(SECRET) as Key4, 0x2ee, 1, 3);
  const [check] = block.absorb(-1, 2, SALT, 0x2e79656b).finish();
  const summary = hexOf('000100', check, '01', SALT, '0000', '28', ...digestOf(MINE));
  const closing = hexOf('0129', ...digestOf(MERGED));
  t.strictSame(payloads('SUMMARY'), [summary, closing]);
  t.end();
});

t.test('so are the sub ranges', (t) => {
  const bound = Buffer.from('key:2');
  const parts = [true, false].map((isBelow) => {
    const inside = THEIRS.filter(({ key }) => Buffer.from(key).compare(bound) < 0 === isBelow);
    return u16(rangeDigest(inside, SALT));
  });
  const place = `020005${bound.toString('hex')}`;
  t.strictSame(payloads('RANGES'), [hexOf('2902', place, ...parts)]);
  t.end();
});

t.test('and the cells and symbols', (t) => {
  const symbols = MINE.map(symbolOf);
  const sum = symbols.reduce((a, b) => (a + b) | 0, 0);
  const to = 0x11;
  const cells = hexOf('02000028', sum, '01', '11', ...cellsOf(symbols, to));
  t.strictSame(payloads('CELLS'), [cells]);
  t.strictSame(payloads('WANT'), [hexOf(symbolOf(NEW))]);
  t.end();
});
