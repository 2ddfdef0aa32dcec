/**
 * Writes lib/commands/metadata.ts: what COMMAND, COMMAND INFO, COMMAND DOCS, COMMAND LIST and
 * COMMAND GETKEYS answer, read from a real redis-server, plus what that server is too old for
 * and what only dhash has.
 *
 *   npm run build && node dist/scripts/command-metadata.js [--port 6379]
 *
 * Why read from a server and not from Redis's sources: the replies must equal a server's, and
 * they are what clients have seen. The result does not depend on the server's hash seed: names
 * are sorted, and so are lists that travel as sets but mean nothing by their order.
 *
 * One line per command keeps a change readable in a diff:
 *
 *   export const metadata: Metadata = { "get": Command, ... }
 *   Command { arity, flags[], keys: [first, last, step], acl[], tips[], keySpecs[], docs{},
 *             subcommands?: { "client|list": Command, ... } }
 *
 * On the wire (RESP3) flags, acl, tips, keySpecs, a key spec's flags and subcommands are sets;
 * flags and acl hold simple strings, tips and all the rest bulk strings. In docs, `history` and
 * an argument's `flags` are sets (the latter of simple strings), `arguments` are arrays,
 * and `doc_flags` is a set of simple strings.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { elementCommands } from './element-metadata.js';
import { addLater } from './later-metadata.js';
import {
  BOUNDS,
  base,
  type Command,
  type Docs,
  INDEX,
  KEY,
  keySpec,
  oneOf,
  optional,
  own,
  RANGE_OPTIONS,
  type Table,
  token,
  WITH_VALUES,
} from './metadata-docs.js';
import { peerCommand, ringCommands } from './ring-metadata.js';
import { setopCommands } from './setop-metadata.js';

/** A command as COMMAND INFO tells it. */
type Info = [
  name: string,
  arity: number,
  flags: string[],
  first: number,
  last: number,
  step: number,
  acl: string[],
  tips: string[],
  keySpecs: unknown[],
  subcommands: Info[],
];

const replyBytesMax = 64 * 1024 * 1024;

function main(): void {
  const at = process.argv.indexOf('--port');
  const port = at < 0 ? '6379' : (process.argv[at + 1] ?? '6379');
  const infos = ask(port, 'COMMAND', 'INFO') as Info[];
  const docs = ask(port, 'COMMAND', 'DOCS') as Record<string, Docs>;
  const table: Table = {};
  for (const info of infos) {
    table[info[0]] = fromRedis(info, docs[info[0]] ?? {});
  }
  addLater(table);
  Object.assign(table, ownCommands());
  const source = `redis ${version(port)}`;
  const path = join(process.cwd(), 'lib/commands/metadata.ts');
  writeFileSync(path, render(source, table));
  process.stdout.write(`${path}: ${Object.keys(table).length} commands of ${source}\n`);
}

/** Sends one command through redis-cli, which turns RESP3 replies into JSON. */
function ask(port: string, ...command: string[]): unknown {
  const text = execFileSync('redis-cli', ['-p', port, '--json', ...command], {
    encoding: 'utf8',
    maxBuffer: replyBytesMax,
  });
  return JSON.parse(text);
}

function version(port: string): string {
  const text = execFileSync('redis-cli', ['-p', port, 'INFO', 'server'], { encoding: 'utf8' });
  return /redis_version:(\S+)/.exec(text)?.[1] ?? 'unknown';
}

function fromRedis(info: Info, docs: Docs): Command {
  const { subcommands: subDocs, ...ownDocs } = docs;
  const [, arity, flags, first, last, step, acl, tips, keySpecs, subcommands] = info;
  const keys: Command['keys'] = [first, last, step];
  const command: Command = { arity, flags, keys, acl, tips, keySpecs, docs: ownDocs };
  if (subcommands.length > 0) {
    const known = (subDocs ?? {}) as Record<string, Docs>;
    command.subcommands = {};
    for (const sub of [...subcommands].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
      command.subcommands[sub[0]] = fromRedis(sub, known[sub[0]] ?? {});
    }
  }
  return command;
}

/** The commands that only dhash has: the ordered keyspace and collections, and DHASH. */
function ownCommands(): Table {
  const read = ['@keyspace', '@read'];
  const slow = [...read, '@slow'];
  const fast = [...read, '@fast'];
  const logN = 'O(D), D being the depth of the tree: at most the bytes of the longest key.';
  const range = 'O(D+M), D being the depth of the tree and M the number of keys answered.';
  return {
    krange: {
      ...base(-3, ['readonly'], [0, 0, 0], slow),
      docs: own('Get the keys between two bounds, in the order of their bytes', range, [
        ...BOUNDS,
        ...RANGE_OPTIONS,
        WITH_VALUES,
      ]),
    },
    kcount: {
      ...base(3, ['readonly', 'fast'], [0, 0, 0], fast),
      docs: own('Count the keys between two bounds', logN, BOUNDS),
    },
    krank: {
      ...base(2, ['readonly', 'fast'], [1, 1, 1], fast),
      keySpecs: [keySpec(['RO'])],
      docs: own('Determine the index of a key in the ordered keyspace', logN, [KEY]),
    },
    krevrank: {
      ...base(2, ['readonly', 'fast'], [1, 1, 1], fast),
      keySpecs: [keySpec(['RO'])],
      docs: own('Determine the index of a key counted from the last key', logN, [KEY]),
    },
    knth: {
      ...base(-2, ['readonly', 'fast'], [0, 0, 0], fast),
      docs: own('Get the key at an index of the ordered keyspace', logN, [INDEX, WITH_VALUES]),
    },
    knext: {
      ...base(2, ['readonly', 'fast'], [1, 1, 1], fast),
      keySpecs: [keySpec(['RO'])],
      docs: own('Get the first key above a key, which need not exist', logN, [KEY]),
    },
    kprev: {
      ...base(2, ['readonly', 'fast'], [1, 1, 1], fast),
      keySpecs: [keySpec(['RO'])],
      docs: own('Get the last key below a key, which need not exist', logN, [KEY]),
    },
    kdelrange: {
      ...base(3, ['write'], [0, 0, 0], ['@keyspace', '@write', '@slow', '@dangerous']),
      docs: own('Delete the keys between two bounds', range, BOUNDS),
    },
    at: {
      ...base(-3, ['noscript'], [0, 0, 0], ['@connection', '@slow']),
      docs: own('Run one command at a level of consistency', 'Depends on the command.', [
        { name: 'level', type: 'string' },
        { name: 'command', type: 'string' },
        { name: 'arg', type: 'string', flags: ['optional', 'multiple'] },
      ]),
    },
    consistency: {
      ...base(-1, ['noscript', 'loading'], [0, 0, 0], ['@connection', '@slow']),
      docs: own('Set or tell how many replicas reads and writes wait for', 'O(1)', [
        { name: 'read', type: 'string', token: 'READ', flags: ['optional'] },
        { name: 'write', type: 'string', token: 'WRITE', flags: ['optional'] },
      ]),
    },
    dhash: dhashCommand(),
    peer: peerCommand(),
    ...elementCommands(),
    ...setopCommands(),
  };
}

function dhashCommand(): Command {
  const flags = ['loading', 'stale'];
  const admin = ['@admin', '@slow', '@dangerous'];
  return {
    ...base(-2, [], [0, 0, 0], ['@slow']),
    docs: own('A container for commands about this node', 'Depends on subcommand.', []),
    subcommands: {
      ...ringCommands(),
      'dhash|hash': {
        ...base(-3, flags, [2, 2, 1], ['@slow']),
        keySpecs: [{ ...keySpec(['RO']), begin_search: { type: 'index', spec: { index: 2 } } }],
        docs: own('Get the MurmurHash3 x64 128 of a key', 'O(N), N being the bytes of the key.', [
          KEY,
          optional(token('prefix')),
        ]),
      },
      'dhash|backup': {
        ...base(2, ['admin', 'noscript', 'no_multi', 'readonly'], [0, 0, 0], admin),
        docs: own('Send all entries as they are at this moment', 'O(N), N being the entries.', []),
      },
      'dhash|restore': {
        ...base(-3, ['admin', 'denyoom', 'noscript', 'no_multi', 'write'], [0, 0, 0], admin),
        docs: own(
          'Take the entries of a backup into an empty node',
          'O(N log N), N being the entries of the chunk.',
          [
            oneOf('step', [
              token('begin'),
              { name: 'chunk', type: 'string', token: 'CHUNK' },
              token('end'),
            ]),
          ],
        ),
      },
      'dhash|explain': {
        ...base(-3, flags, [0, 0, 0], ['@slow']),
        docs: own(
          'Get where a command would run, and why it would be refused',
          'O(N log(M)), N being the keys of the command and M the members of the ring.',
          [
            { name: 'command', type: 'string' },
            { name: 'arg', type: 'string', flags: ['optional', 'multiple'] },
          ],
        ),
      },
      'dhash|help': {
        ...base(2, flags, [0, 0, 0], ['@slow']),
        docs: own('Show helpful text about the different subcommands', 'O(1)', []),
      },
    },
  };
}

function render(source: string, table: Table): string {
  const lines: string[] = [];
  for (const name of Object.keys(table).sort()) {
    lines.push(`${JSON.stringify(name)}: ${JSON.stringify(table[name])}`);
  }
  return `/**
 * What COMMAND tells of each command, as ${source} does. Written by scripts/command-metadata.ts.
 *
 * Why a module and not JSON: the Node versions that dhash runs on import JSON in different ways.
 */
import type { Metadata } from './metadata-types.js';

export const metadata: Metadata = {
${lines.join(',\n')}
};
`;
}

main();
