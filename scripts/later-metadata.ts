/** The metadata of what Redis has since 7.2 and 7.4, of which a 7.0 server tells nothing. */
import {
  base,
  type Command,
  type Docs,
  docsOf,
  KEY,
  keySpec,
  oneOf,
  optional,
  type Table,
  token,
} from './metadata-docs.js';

const noTouchSummary =
  'Controls whether commands sent by the client affect the LRU/LFU of accessed keys.';
const waitAofSummary =
  'Blocks until all of the preceding write commands sent by the connection are written to the ' +
  'append-only file of the master and/or replicas.';

/** Adds it to what was read from a server. */
export function addLater(table: Table): void {
  addClientCommands(table);
  table['waitaof'] ??= {
    ...base(4, ['noscript', 'blocking'], [0, 0, 0], ['@slow', '@blocking', '@connection']),
    tips: ['request_policy:all_shards', 'response_policy:agg_min'],
    docs: docsOf(waitAofSummary, { group: 'generic', since: '7.2.0', complexity: 'O(1)' }, [
      { name: 'numlocal', type: 'integer' },
      { name: 'numreplicas', type: 'integer' },
      { name: 'timeout', type: 'integer' },
    ]),
  };
  for (const name of ['zrank', 'zrevrank']) addWithScore(table[name]);
  addNoValues(table['hscan']);
  nameOperations(table['bitop']);
  for (const [name, command] of Object.entries(hashExpiry())) table[name] ??= command;
}

function addClientCommands(table: Table): void {
  const client = table['client'];
  if (client?.subcommands === undefined) {
    throw new Error('the server knows no CLIENT subcommands: is it older than Redis 7?');
  }
  const acl = ['@slow', '@connection'];
  const flags = ['noscript', 'loading', 'stale'];
  const common = { group: 'connection', since: '7.2.0', complexity: 'O(1)' };
  client.subcommands['client|setinfo'] ??= {
    ...base(4, flags, [0, 0, 0], acl),
    tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
    docs: docsOf('Sets information specific to the client or connection.', common, [
      oneOf('attr', [
        { name: 'libname', type: 'string', token: 'lib-name' },
        { name: 'libver', type: 'string', token: 'lib-ver' },
      ]),
    ]),
  };
  client.subcommands['client|no-touch'] ??= {
    ...base(3, flags, [0, 0, 0], acl),
    docs: docsOf(noTouchSummary, common, [oneOf('enabled', [token('on'), token('off')])]),
  };
  const sorted = Object.entries(client.subcommands).sort(([a], [b]) => (a < b ? -1 : 1));
  client.subcommands = Object.fromEntries(sorted);
}

/** ZRANK key member [WITHSCORE] of 7.2. */
function addWithScore(command: Command | undefined): void {
  if (command === undefined || command.arity < 0) return;
  command.arity = -3;
  const { arguments: args, ...docs } = command.docs;
  command.docs = {
    ...docs,
    history: [['7.2.0', 'Added the optional `WITHSCORE` argument.']],
    arguments: [...(args as Docs[]), optional(token('withscore'))],
  };
}

/** HSCAN ... [NOVALUES] of 7.4. */
function addNoValues(command: Command | undefined): void {
  const args = (command?.docs['arguments'] ?? []) as Docs[];
  if (command === undefined || args.some(({ name }) => name === 'novalues')) return;
  const { arguments: _, ...docs } = command.docs;
  const history = [['7.4.0', 'Added the `NOVALUES` flag.']];
  command.docs = { ...docs, history, arguments: [...args, optional(token('novalues'))] };
}

/** BITOP tells the operations by name since 7.2. */
function nameOperations(command: Command | undefined): void {
  if (command === undefined) return;
  const [_, ...keys] = command.docs['arguments'] as Docs[];
  const operation = oneOf('operation', ['and', 'or', 'xor', 'not'].map(token));
  command.docs = { ...command.docs, arguments: [operation, ...keys] };
}

const FIELDS: Docs = {
  name: 'fields',
  type: 'block',
  token: 'FIELDS',
  arguments: [
    { name: 'numfields', type: 'integer' },
    { name: 'field', type: 'string', flags: ['multiple'] },
  ],
};
const CONDITION = optional(oneOf('condition', ['nx', 'xx', 'gt', 'lt'].map(token)));
const COMMON = {
  group: 'hash',
  since: '7.4.0',
  complexity: 'O(N) where N is the number of specified fields',
};

/** The expiry of fields, of 7.4. */
function hashExpiry(): Table {
  const relative = 'Set expiry for hash field using relative time to expire';
  const absolute = 'Set expiry for hash field using an absolute Unix timestamp';
  const expiration = 'Returns the expiration time of a hash field as a Unix timestamp, in';
  return {
    hexpire: setting(`${relative} (seconds)`, { name: 'seconds', type: 'integer' }),
    hpexpire: setting(`${relative} (milliseconds)`, { name: 'milliseconds', type: 'integer' }),
    hexpireat: setting(`${absolute} (seconds)`, { name: 'unix-time-seconds', type: 'unix-time' }),
    hpexpireat: setting(`${absolute} (milliseconds)`, {
      name: 'unix-time-milliseconds',
      type: 'unix-time',
    }),
    httl: telling('Returns the TTL in seconds of a hash field.', ['nondeterministic_output']),
    hpttl: telling('Returns the TTL in milliseconds of a hash field.', ['nondeterministic_output']),
    hexpiretime: telling(`${expiration} seconds.`, []),
    hpexpiretime: telling(`${expiration} msec.`, []),
    hpersist: {
      ...base(-5, ['write', 'fast'], [1, 1, 1], ['@write', '@hash', '@fast']),
      keySpecs: [keySpec(['RW', 'update'])],
      docs: docsOf('Removes the expiration time for each specified field', COMMON, [KEY, FIELDS]),
    },
  };
}

function setting(summary: string, time: Docs): Command {
  return {
    ...base(-6, ['write', 'denyoom', 'fast'], [1, 1, 1], ['@write', '@hash', '@fast']),
    keySpecs: [keySpec(['RW', 'update'])],
    docs: docsOf(summary, COMMON, [KEY, time, CONDITION, FIELDS]),
  };
}

function telling(summary: string, tips: string[]): Command {
  return {
    ...base(-5, ['readonly', 'fast'], [1, 1, 1], ['@read', '@hash', '@fast']),
    tips,
    keySpecs: [keySpec(['RO', 'access'])],
    docs: docsOf(summary, COMMON, [KEY, FIELDS]),
  };
}
