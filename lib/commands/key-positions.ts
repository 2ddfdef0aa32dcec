/**
 * The keys of a request, and what the command does with each: from the key specifications of its
 * metadata, or from its row where those leave it open.
 */
import type { Args } from '../../resp/args.js';
import type { Command, FoundKey } from './command.js';
import type { KnownCommand } from './known-commands.js';
import type { KeySpec } from './metadata-types.js';

/** Keys in the order of the specifications; empty = none. */
export function findKeys(known: KnownCommand, args: Args): FoundKey[] {
  const { about, command } = known;
  if (command.keysWithin !== undefined) return command.keysWithin(args);
  const { keySpecs } = about;
  const found: FoundKey[] = [];
  for (const spec of keySpecs) {
    const positions = positionsOf(spec, args);
    if (positions === undefined) return fromRow(known, args);
    for (const at of positions) found.push(keyAt(args, at, flagsOf(command, spec, args)));
  }
  return keySpecs.length === 0 ? fromRow(known, args) : found;
}

/** Whether the command could have keys at all. */
export function mayHaveKeys({ about, command }: KnownCommand): boolean {
  const { findKeys, keys, keysWithin } = command;
  return about.keySpecs.length > 0 || (keys ?? findKeys ?? keysWithin) !== undefined;
}

/** SORT is of this kind: its first specification is that of what it reads, the last of STORE. */
function fromRow({ about: { keySpecs }, command }: KnownCommand, args: Args): FoundKey[] {
  const positions = command.findKeys?.(args) ?? rangeOfRow(command, args);
  return positions.map((at, index) =>
    keyAt(args, at, keySpecs.at(index === 0 ? 0 : -1)?.flags ?? []),
  );
}

function keyAt({ buf, ends, starts }: Args, at: number, flags: readonly string[]): FoundKey {
  return { buf, from: starts[at]!, to: ends[at]!, flags };
}

function rangeOfRow(command: Command, args: Args): number[] {
  const [first, last, step] = command.keys ?? [0, 0, 0];
  return first === 0 ? [] : range(first, last < 0 ? args.count + last : last, step, args.count);
}

/** Positions that one specification names; undefined if it does not tell. */
function positionsOf(spec: KeySpec, args: Args): number[] | undefined {
  const begin = beginOf(spec, args);
  if (begin === undefined) return undefined;
  if (begin === 0) return [];
  const { type, spec: find } = spec.find_keys;
  const number = (name: string) => Number(find[name] ?? 0);
  if (type === 'range') {
    const lastKey = number('lastkey');
    let last = begin + lastKey;
    if (lastKey < 0) {
      const limit = number('limit');
      const rest = args.count - begin;
      last = limit <= 1 ? args.count + lastKey : begin + Math.floor(rest / limit) + lastKey;
    }
    return range(begin, last, number('keystep'), args.count);
  }
  if (type === 'keynum') {
    const keys = args.int64(begin + number('keynumidx'));
    if (!(keys >= 0)) return [];
    const first = begin + number('firstkey');
    const step = number('keystep');
    return range(first, first + (keys - 1) * step, step, args.count);
  }
  return undefined;
}

/** Where a specification begins: 0 = not in this request, undefined = not told. */
function beginOf(spec: KeySpec, args: Args): number | undefined {
  const { type, spec: begin } = spec.begin_search;
  if (type === 'index') return Number(begin['index']);
  if (type !== 'keyword') return undefined;
  const keyword = String(begin['keyword']).toUpperCase();
  const from = Number(begin['startfrom']);
  if (from > 0) {
    for (let i = from; i < args.count; i += 1) if (args.equalsIgnoreCase(i, keyword)) return i + 1;
  } else {
    for (let i = args.count + from; i > 0; i -= 1) {
      if (args.equalsIgnoreCase(i, keyword)) return i + 1;
    }
  }
  return 0;
}

function range(first: number, last: number, step: number, end: number): number[] {
  const positions: number[] = [];
  for (let at = first; at <= last && at < end; at += Math.max(1, step)) positions.push(at);
  return positions;
}

/** SET and BITFIELD do different things to their key, as their options say. */
function flagsOf(command: Command, spec: KeySpec, args: Args): readonly string[] {
  if (!spec.flags.includes('variable_flags')) return spec.flags;
  if (command.name === 'set') {
    const hasGet = hasOption(args, 3, ['GET']);
    return hasGet ? ['RW', 'access', 'update'] : ['OW', 'update'];
  }
  if (command.name === 'bitfield') {
    const writes = hasOption(args, 2, ['SET', 'INCRBY']);
    return writes ? ['RW', 'access', 'update'] : ['RO', 'access'];
  }
  return spec.flags;
}

function hasOption(args: Args, from: number, uppers: readonly string[]): boolean {
  for (let i = from; i < args.count; i += 1) {
    if (uppers.some((upper) => args.equalsIgnoreCase(i, upper))) return true;
  }
  return false;
}
