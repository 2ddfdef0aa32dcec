/**
 * docs/compatibility.md: every command of Redis with yes, differs or no. Written from the table of
 * commands, from Redis's own metadata and from differences.ts, and compared with all three by a
 * test, so that the page cannot say what is not so.
 *
 *   npm run build && node dist/test/differential/compatibility.js      writes the page
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CommandRow, REFUSED } from '../../lib/commands/command.js';
import { metadata } from '../../lib/commands/metadata.js';
import type { CommandMetadata } from '../../lib/commands/metadata-types.js';
import { commandRows } from '../../lib/commands/table.js';
import { projectRoot } from '../support/server-process.js';
import { differences } from './differences.js';

export const pagePath = join(projectRoot(), 'docs/compatibility.md');

const HEAD = `# Compatibility with Redis

dhash answers as Redis 7.2 does, to the text of its errors and the types on the wire, in RESP2 and RESP3. What that means is tested:
\`npm run differential\` sends the same random commands (valid, odd and wrong ones) to a real redis-server and to dhash and compares every
reply and, at the end, all keys with their values, encodings, expiry times and dumps. The server that it compares with is Redis 7.0.15;
what came with 7.2 and 7.4 is tested against their documentation.

This page is written from the table of commands and from the list of differences that the test accepts
(\`node dist/test/differential/compatibility.js\`); a test fails if it is out of date.
`;

const DIFFERENCES_HEAD = `
## Differences

What the differential test accepts, and why it is so.

| difference | what | why |
|---|---|---|
`;

const BESIDES = `
Besides, as nobody would expect otherwise: figures that belong to the process (memory, CPU, file descriptors, addresses, versions),
the order in which KEYS and SCAN tell keys, HGETALL and SMEMBERS and their kin fields and members (here it is the order of their bytes),
what RANDOMKEY and SPOP pick, and which keys are evicted first.

- **SCAN** goes in key order and never misses or repeats a key that stays, **HSCAN** and **SSCAN** so with fields and members (twice if the key gets another owner in the middle of a walk). Cursors are decimals below 2^63.
- **DUMP** writes Redis's serialisation in version 10, of Redis 7.0, and hashes of which fields expire in version 12, of Redis 7.4, where that
  is at home; RESTORE takes dumps of all versions up to 12. Of strings the bytes are Redis's; elements of collections come in their order here. Of types that are not there yet RESTORE says so.
- **SPOP** of more than 512 members, and not of all, pops in slices: others may see some gone before all are. Each member goes to one client only.
- **SORT** tells members of sets in the order of their bytes where Redis tells them in that of a hash table; ALPHA is the order of bytes, as in
  Redis in the locale C.
- **INFO** has Redis's sections and field names, and a section \`# dhash\`.
- **Values** end at 512 MiB (\`proto-max-bulk-len\`), as in Redis.
- **In a ring** of several nodes each takes commands for all keys, so ROLE and INFO replication say \`master\`, and tell of the other members that
  live as connected replicas: address, and how many batches of changes they have taken. No node is a \`slave\`, REPLICAOF is refused, and there is no failover to
  wait for: clients that look for a master find one in each node, and may read from and write to any. INFO ring and \`dhash status\` say who owns what.
- **Scripts in a ring**: SCRIPT LOAD, FUNCTION LOAD and their kin reach all members, also those that join later or were down, within seconds. What EVAL alone has
  brought is known where its keys are: EVALSHA for keys of another owner may be answered NOSCRIPT, as from another node of a Redis Cluster.
- **CLIENT TRACKING in a ring** works through any node; BCAST and NOLOOP are refused there, and a connection that uses them is closed when a second node joins.
- **WAIT in a ring** waits for what this node has written for the connection. Of what other members have written for it, it tells what the level of the
  writes ensures (\`one\`: 0 others, \`all\`: all), and waits for no more.
- **Long commands** (KEYS, FLUSHALL, KDELRANGE, BITCOUNT of huge strings, GET of more than 4 MiB ...) work in slices, so that other clients are served meanwhile.
`;

const COMMANDS_HEAD = `
## Commands

*yes*: as in Redis. *differs*: as in Redis except for the differences named. *refused*: known by name, and answered with an error that says why.
*no*: an unknown command in this version.
`;

export function compatibilityPage(): string {
  const rows = differences.map(({ id, what, why }) => `| \`${id}\` | ${what} | ${why} |\n`);
  return HEAD + DIFFERENCES_HEAD + rows.join('') + BESIDES + COMMANDS_HEAD + commandTables();
}

function commandTables(): string {
  const groups = new Map<string, string[]>();
  for (const name of Object.keys(metadata).sort()) {
    const about = metadata[name]!;
    const group = textOf(about, 'group');
    const lines = groups.get(group) ?? [];
    groups.set(group, lines);
    lines.push(commandLine(name, about));
  }
  const sections = [...groups.keys()].sort((a, b) => orderOf(a) - orderOf(b) || (a < b ? -1 : 1));
  const tables = sections.map((group) => {
    const title = TITLES[group] ?? group;
    return `\n### ${title}\n\n| command | | |\n|---|---|---|\n${groups.get(group)!.join('')}`;
  });
  return tables.join('');
}

const TITLES: Readonly<Record<string, string>> = {
  dhash: "dhash's own",
  string: 'Strings',
  bitmap: 'Bits',
  generic: 'Keys',
  transactions: 'Transactions',
  connection: 'Connections',
  server: 'Server',
  'sorted-set': 'Sorted sets',
  hash: 'Hashes',
  list: 'Lists',
  set: 'Sets',
  stream: 'Streams',
  pubsub: 'Publish and subscribe',
  scripting: 'Scripts and functions',
  geo: 'Geo',
  hyperloglog: 'HyperLogLog',
  cluster: 'Cluster',
};

/** What is there comes first. */
function orderOf(group: string): number {
  return Object.keys(TITLES).indexOf(group);
}

function commandLine(name: string, about: CommandMetadata): string {
  const row = commandRows.find((each) => each.name === name);
  const [verdict, note] = verdictOf(name, about, row);
  return `| ${name.toUpperCase()} | ${verdict} | ${note} |\n`;
}

function verdictOf(
  name: string,
  about: CommandMetadata,
  row: CommandRow | undefined,
): [verdict: string, note: string] {
  if (row === undefined) return ['no', ''];
  if ((row.flags & REFUSED) !== 0) return ['refused', ''];
  const notes = differences
    .filter((each) => each.commands.includes(name))
    .map((each) => `\`${each.id}\``);
  const absent = absentSubcommands(about, row);
  if (absent.length > 0) notes.push(`without ${absent.join(', ')}`);
  if (textOf(about, 'group') === 'dhash') return ['only here', textOf(about, 'summary')];
  return notes.length === 0 ? ['yes', ''] : ['differs', notes.join('; ')];
}

function textOf(about: CommandMetadata, field: 'group' | 'summary'): string {
  const text = about.docs[field];
  return typeof text === 'string' ? text : '';
}

/** Subcommands that are refused or not there. */
function absentSubcommands(about: CommandMetadata, row: CommandRow): string[] {
  // DEBUG and others answer for their subcommands themselves.
  if (row.subcommands === undefined) return [];
  const here = row.subcommands.filter((sub) => (sub.flags & REFUSED) === 0).map((sub) => sub.name);
  const names = Object.keys(about.subcommands ?? {}).map((full) => full.split('|')[1]!);
  return names.filter((name) => !here.includes(name)).map((name) => name.toUpperCase());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(pagePath, compatibilityPage());
  process.stdout.write(`${pagePath}\n`);
}
