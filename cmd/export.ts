/** `dhash export`: everything that a running node holds at one moment, as an RDB file for Redis. */
import type { Command } from 'commander';
import { RdbExport } from '../lib/backup/rdb-export.js';
import { Settings } from '../lib/config/settings.js';
import { Store } from '../lib/store/store.js';
import { RealWorld } from '../world/real/real-world.js';
import { addressOption, type ServerAddress } from './address.js';
import { openBackup } from './backup/live-backup.js';
import { NewFile } from './backup/new-file.js';
import { EXIT_NOT_GOOD } from './exit.js';
import { connectTo, type NodeClient, refused } from './node-client.js';
import { ProgressLine } from './progress.js';

const HELP = `
Writes version 10 of the format, which redis-server reads from 7.0 on. The file shows one moment,
whatever is written meanwhile, and is there under its name only once it is whole. What is dhash's
own, such as the time of each write, is not in it: see dhash backup.
DHASH_PASSWORD holds the password, if one is needed.

Examples:
  $ dhash export dump.rdb
  $ redis-server --dbfilename dump.rdb
`;

interface ExportFlags {
  readonly at: ServerAddress;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function addExportCommand(program: Command): void {
  program
    .command('export')
    .description('write the keys of a running node to an RDB file, for Redis')
    .argument('<file>', 'the file to write')
    .addOption(addressOption())
    .option('--force', 'replace the file if it is there')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action((path: string, flags: ExportFlags) => runExport(path, flags));
}

async function runExport(path: string, flags: ExportFlags): Promise<void> {
  const client = await connectTo(flags.at);
  const startedMs = performance.now();
  try {
    const replaces = flags.force === true;
    const { file, written } = await NewFile.of(path, replaces, (file) =>
      writeFile(client, file, flags),
    );
    report(file, written, flags, (performance.now() - startedMs) / 1000);
  } finally {
    client.close();
  }
}

async function writeFile(
  client: NodeClient,
  file: NewFile,
  { json }: ExportFlags,
): Promise<RdbExport> {
  const { chunks, facts } = await openBackup(client);
  const shows = json !== true && process.stderr.isTTY === true;
  const line = new ProgressLine(shows, facts.memoryBytes, (text) => process.stderr.write(text));
  const settings = new Settings();
  settings.databases = facts.databases;
  const rdb = new RdbExport(new Store({ world: new RealWorld() }, settings));
  let bytes = 0;
  try {
    for (const part of rdb.begin(facts)) await file.write(part);
    for await (const chunk of chunks) {
      bytes += chunk.length;
      await file.write(Buffer.concat(rdb.add(chunk)));
      line.show('exporting', bytes, rdb.keys);
    }
    await file.write(Buffer.concat(rdb.end()));
  } catch (error) {
    throw refused(error);
  } finally {
    line.clear();
  }
  return rdb;
}

function report(file: NewFile, rdb: RdbExport, flags: ExportFlags, seconds: number): void {
  const { keys, leftOut } = rdb;
  if (leftOut.size > 0) process.exitCode = EXIT_NOT_GOOD;
  if (flags.json === true) {
    const what = { file: file.path, keys, fileBytes: file.bytes, seconds };
    console.log(JSON.stringify({ ...what, leftOut: Object.fromEntries(leftOut) }));
    return;
  }
  const count = keys.toLocaleString('en-US');
  const size = (file.bytes / 1e6).toFixed(1);
  console.log(`${file.path}: ${count} keys, ${size} MB, in ${seconds.toFixed(1)} s`);
  for (const [type, left] of leftOut) console.log(`left out ${left} of type ${type}`);
}
