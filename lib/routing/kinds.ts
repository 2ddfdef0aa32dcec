/**
 * How each command finds its way in a ring, derived from what its row and metadata say of its keys.
 *
 *   LOCAL    no keys: the node that the client is connected to answers
 *   KEY      one key, whose place is known at once: its owner answers
 *   KEYS     several keys, or keys whose places depend on the arguments: their one owner answers
 *   SPLIT    key by key: each owner gets its keys, and the answers are merged
 *   SPAN     answers from the order of all keys: every owner is asked about what it owns
 *   ALL      every member does it
 *   PUBLISH  every member tells its subscribers
 *   WATCH, EXEC   transactions
 */
import type { CommandRow } from '../commands/command.js';
import { metadata } from '../commands/metadata.js';
import type { KeySpec } from '../commands/metadata-types.js';

export const LOCAL = 0;
export const KEY = 1;
export const KEYS = 2;
export const SPLIT = 3;
export const SPAN = 4;
export const ALL = 5;
export const PUBLISH = 6;
export const WATCH = 7;
export const EXEC = 8;

export type Kind = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

export interface Route {
  readonly kind: Kind;
  /** Of KEY: which argument is the key. */
  readonly keyAt: number;
  /** Whether `keys` of the row names all keys, so that no specification need be read. */
  readonly isPlain: boolean;
  /** It may wait for what others do. */
  readonly isBlocking: boolean;
}

/** Kinds that do not follow from where the keys stand. By full name. */
const SPECIAL: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ...['del', 'unlink', 'touch', 'exists', 'mget', 'mset'].map((name) => [name, SPLIT] as const),
  ...['krange', 'kcount', 'krank', 'krevrank', 'knth', 'knext', 'kprev', 'kdelrange', 'scan']
    .concat('keys', 'dbsize', 'randomkey')
    .map((name) => [name, SPAN] as const),
  ...['flushdb', 'flushall', 'script|load', 'script|flush']
    .concat('function|load', 'function|delete', 'function|flush', 'function|restore')
    .map((name) => [name, ALL] as const),
  ['publish', PUBLISH],
  ['spublish', PUBLISH],
  ['watch', WATCH],
  ['exec', EXEC],
  // Their keys name nothing that is stored.
  ['dhash|hash', LOCAL],
  ['dhash|owners', LOCAL],
  ['ssubscribe', LOCAL],
  ['sunsubscribe', LOCAL],
]);

/** Of KEYS: reads that bring the values of keys of several owners to where the client is. */
export const GATHERING: ReadonlySet<string> = new Set([
  ...['sunion', 'sinter', 'sdiff', 'sintercard', 'zunion', 'zinter', 'zdiff', 'zintercard'],
  ...['pfcount', 'lcs', 'setop_ro'],
]);

/** The route of a row; `parent` is the container of a subcommand. */
export function routeOf(row: CommandRow, parent: CommandRow | undefined): Route {
  const fullName = parent === undefined ? row.name : `${parent.name}|${row.name}`;
  const specs = specsOf(parent?.name ?? row.name, fullName);
  const isPlain = hasPlainKeys(row, specs);
  const isBlocking = metadata[row.name]?.flags.includes('blocking') === true;
  const special = SPECIAL.get(fullName);
  if (special !== undefined) return { kind: special, keyAt: 0, isPlain, isBlocking };
  const mayHaveKeys =
    specs.length > 0 || (row.keys ?? row.findKeys ?? row.keysWithin) !== undefined;
  if (!mayHaveKeys) return { kind: LOCAL, keyAt: 0, isPlain, isBlocking };
  const [first, last] = row.keys ?? [0, 0];
  if (isPlain && first === last) return { kind: KEY, keyAt: first, isPlain, isBlocking };
  return { kind: KEYS, keyAt: 0, isPlain, isBlocking };
}

function specsOf(name: string, fullName: string): readonly KeySpec[] {
  const of = metadata[name];
  return (name === fullName ? of : of?.subcommands?.[fullName])?.keySpecs ?? [];
}

function hasPlainKeys(row: CommandRow, specs: readonly KeySpec[]): boolean {
  if (row.keys === undefined || row.keys[0] === 0) return false;
  if (row.findKeys !== undefined || row.keysWithin !== undefined) return false;
  return specs.every(
    ({ begin_search, find_keys }) => begin_search.type === 'index' && find_keys.type === 'range',
  );
}
