/** What the metadata of a command is made of, for commands that no redis-server tells of. */

export type Docs = Record<string, unknown>;

export interface Command {
  arity: number;
  flags: string[];
  keys: [number, number, number];
  acl: string[];
  tips: string[];
  keySpecs: unknown[];
  docs: Docs;
  subcommands?: Record<string, Command>;
}

export type Table = Record<string, Command>;

export function base(
  arity: number,
  flags: string[],
  keys: Command['keys'],
  acl: string[],
): Command {
  return { arity, flags, keys, acl, tips: [], keySpecs: [], docs: {} };
}

export function docsOf(summary: string, common: Docs, args: Docs[]): Docs {
  const { since, group, complexity } = common;
  const docs: Docs = { summary, since, group, complexity };
  return args.length > 0 ? { ...docs, arguments: args } : docs;
}

export function own(summary: string, complexity: string, args: Docs[]): Docs {
  return docsOf(summary, { since: '0.1.0', group: 'dhash', complexity }, args);
}

export function token(name: string): Docs {
  return { name, type: 'pure-token', token: name.toUpperCase() };
}

export function oneOf(name: string, args: Docs[]): Docs {
  return { name, type: 'oneof', arguments: args };
}

/** Redis puts `flags` before the arguments of a block and last otherwise. */
export function optional(argument: Docs): Docs {
  const { arguments: nested, ...rest } = argument;
  const flagged = { ...rest, flags: ['optional'] };
  return nested === undefined ? flagged : { ...flagged, arguments: nested };
}

export function keySpec(flags: string[]): Docs {
  return {
    flags,
    begin_search: { type: 'index', spec: { index: 1 } },
    find_keys: { type: 'range', spec: { lastkey: 0, keystep: 1, limit: 0 } },
  };
}

/** Arguments that the commands of the ordered keyspace and of ordered elements have in common. */
export const KEY: Docs = { name: 'key', type: 'key', key_spec_index: 0 };
export const INDEX: Docs = { name: 'index', type: 'integer' };
export const BOUNDS: Docs[] = [
  { name: 'min', type: 'string' },
  { name: 'max', type: 'string' },
];
export const WITH_VALUES = optional(token('withvalues'));
export const RANGE_OPTIONS: Docs[] = [
  optional(token('rev')),
  optional({
    name: 'limit',
    type: 'block',
    token: 'LIMIT',
    arguments: [
      { name: 'offset', type: 'integer' },
      { name: 'count', type: 'integer' },
    ],
  }),
];
