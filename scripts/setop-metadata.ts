/** The metadata of SETOP, whose keys lie within its first argument. */
import {
  BOUNDS,
  base,
  type Command,
  type Docs,
  oneOf,
  optional,
  own,
  RANGE_OPTIONS,
  type Table,
  token,
  WITH_VALUES,
} from './metadata-docs.js';

const COMPLEXITY =
  'O(N*log(K)), N being the elements looked at, K the operands; an intersection of M elements ' +
  'leaps over what cannot be in it, in O(M*K*D), D being the depth of a tree, at best.';
const ACL = ['@set', '@sortedset', '@hash', '@slow'];

const IN_EXPRESSION: Docs = {
  notes: 'The keys stand within the expression: COMMAND GETKEYS tells them',
  flags: ['RO', 'access', 'incomplete'],
  begin_search: { type: 'unknown', spec: {} },
  find_keys: { type: 'unknown', spec: {} },
};
const OF_STORE: Docs = {
  flags: ['OW', 'update'],
  begin_search: { type: 'keyword', spec: { keyword: 'STORE', startfrom: 2 } },
  find_keys: { type: 'range', spec: { lastkey: 0, keystep: 1, limit: 0 } },
};

const OPTIONS: Docs[] = [
  { name: 'expression', type: 'string' },
  ...BOUNDS.map((bound) => optional({ ...bound, token: String(bound['name']).toUpperCase() })),
  ...RANGE_OPTIONS,
  WITH_VALUES,
];
const STORE: Docs = optional({
  name: 'store',
  type: 'block',
  arguments: [
    { name: 'destination', type: 'key', key_spec_index: 1, token: 'STORE' },
    optional({
      ...oneOf('type', [token('hash'), token('set'), token('zset')]),
      token: 'AS',
    }),
  ],
});

function row(flags: string[], acl: string, keySpecs: Docs[], docs: Docs): Command {
  return { ...base(-2, flags, [0, 0, 0], [acl, ...ACL]), keySpecs, docs };
}

export function setopCommands(): Table {
  const what = 'Evaluate a set expression over hashes, sets and sorted sets';
  const docs = own(`${what}, or store it`, COMPLEXITY, [...OPTIONS, STORE]);
  const writes = ['write', 'denyoom', 'movablekeys'];
  const reads = ['readonly', 'movablekeys'];
  return {
    setop: row(writes, '@write', [IN_EXPRESSION, OF_STORE], docs),
    setop_ro: row(reads, '@read', [IN_EXPRESSION], own(what, COMPLEXITY, OPTIONS)),
  };
}
