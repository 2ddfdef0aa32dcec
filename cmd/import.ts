/** `dhash import`: the keys of an RDB file into a running node, or any server of the protocol. */

import type { Command } from 'commander';
import { RdbError } from '../rdb/rdb-error.js';
import { addressOption, type ServerAddress } from './address.js';
import { EXIT_NOT_GOOD, ExitError } from './exit.js';
import { Importer } from './import/importer.js';
import { RdbSource } from './import/source.js';
import { connectTo, type NodeClient } from './node-client.js';
import { ProgressLine } from './progress.js';

const HELP = `
Reads RDB files of Redis up to 7.4 (version 12). The file's checksum is verified before anything
is sent. A key that is there stays, and is told, unless --replace is given. What the server has no
type for is counted and refused by name; the exit code is 1 if anything was left out.
DHASH_PASSWORD holds the password, if one is needed.

Examples:
  $ redis-cli --rdb dump.rdb                    a file from a running Redis
  $ dhash import dump.rdb
  $ dhash import dump.rdb --at 10.0.0.7:6379 --replace --json
`;

interface ImportFlags {
  readonly at: ServerAddress;
  readonly replace?: boolean;
  readonly json?: boolean;
}

export function addImportCommand(program: Command): void {
  program
    .command('import')
    .description('bring the keys of an RDB file into a running node')
    .argument('<file>', 'the RDB file, such as dump.rdb')
    .addOption(addressOption())
    .option('--replace', 'overwrite keys that are there')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action((path: string, flags: ImportFlags) => runImport(path, flags));
}

async function runImport(path: string, flags: ImportFlags): Promise<void> {
  const source = await RdbSource.open(path);
  const shows = process.stderr.isTTY === true && flags.json !== true;
  const line = new ProgressLine(shows, source.bytes, (text) => process.stderr.write(text));
  let client: NodeClient | undefined;
  try {
    const isChecked = await source.check((doneBytes) => line.show('checking', doneBytes, 0));
    client = await connectTo(flags.at);
    const options = { replaces: flags.replace === true, nowMs: Date.now() };
    const importer = new Importer(client, options);
    const startedMs = performance.now();
    try {
      await importer.run(source, (bytes) => line.show('importing', bytes, importer.importedKeys));
    } finally {
      line.clear();
      const seconds = (performance.now() - startedMs) / 1000;
      report(importer, flags, seconds, isChecked);
    }
  } catch (error) {
    line.clear();
    throw error instanceof RdbError ? new ExitError(`${path}: ${error.message}`) : error;
  } finally {
    client?.close();
    await source.close();
  }
}

function report(
  importer: Importer,
  { json }: ImportFlags,
  seconds: number,
  isChecked: boolean,
): void {
  const { alreadyThere, expired, imported, importedKeys, refused } = importer;
  if (refused.size > 0 || alreadyThere > 0) process.exitCode = EXIT_NOT_GOOD;
  if (json === true) {
    const checksum = isChecked ? 'verified' : 'none';
    const byType = Object.fromEntries(imported);
    const fields = { byType, alreadyThere, expired, refused: Object.fromEntries(refused) };
    console.log(JSON.stringify({ keys: importedKeys, ...fields, seconds, checksum }));
    return;
  }
  const types = [...imported].map(([type, count]) => `${type} ${count.toLocaleString('en-US')}`);
  const list = types.length === 0 ? '' : ` (${types.join(', ')})`;
  const keys = importedKeys.toLocaleString('en-US');
  console.log(`imported ${keys} keys${list} in ${seconds.toFixed(1)} s`);
  if (!isChecked) console.log('the file has no checksum: only its structure was looked at');
  if (expired > 0) console.log(`left out ${expired} keys that have expired`);
  if (alreadyThere > 0) console.log(`left ${alreadyThere} keys that are there (see --replace)`);
  for (const [type, { count, reason }] of refused) {
    console.log(`refused ${count} of type ${type}: ${reason}`);
  }
}
