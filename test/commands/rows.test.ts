/** The rows of all commands against the metadata that was read from a real server. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  ADMIN,
  type CommandRow,
  NO_AUTH,
  NO_MULTI,
  READONLY,
  WRITE,
} from '../../lib/commands/command.js';
import { httpGuardCommands } from '../../lib/commands/connection/http-guard.js';
import { metadata } from '../../lib/commands/metadata.js';
import type { CommandMetadata } from '../../lib/commands/metadata-types.js';
import { commandRows } from '../../lib/commands/table.js';
import { DHASH_VERSION } from '../../lib/version.js';
import { projectRoot } from '../support/server-process.js';

const FLAGS: readonly (readonly [name: string, flag: number])[] = [
  ['write', WRITE],
  ['readonly', READONLY],
  ['no_auth', NO_AUTH],
  ['admin', ADMIN],
];

function check(t: Test, row: CommandRow, name: string, about: CommandMetadata | undefined) {
  if (about === undefined) {
    t.fail(`${name} has no metadata`);
    return;
  }
  t.equal(row.arity, about.arity, `${name}: arity`);
  t.same(row.keys ?? [0, 0, 0], about.keys, `${name}: keys`);
  for (const [flagName, flag] of FLAGS) {
    t.equal((row.flags & flag) !== 0, about.flags.includes(flagName), `${name}: ${flagName}`);
  }
  if (about.flags.includes('no_multi')) t.ok((row.flags & NO_MULTI) !== 0, `${name}: no_multi`);
  for (const sub of row.subcommands ?? []) {
    const fullName = `${name}|${sub.name}`;
    check(t, sub, fullName, about.subcommands?.[fullName]);
  }
}

t.test('rows agree with the metadata', async (t) => {
  const names = commandRows.map((row) => row.name);
  t.equal(new Set(names).size, names.length, 'names are unique');
  const notCommands = httpGuardCommands.map((row) => row.name);
  for (const row of commandRows) {
    if (!notCommands.includes(row.name)) check(t, row, row.name, metadata[row.name]);
  }
});

t.test('the version is that of the package', async (t) => {
  const text = readFileSync(join(projectRoot(), 'package.json'), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  t.equal(DHASH_VERSION, version);
});
