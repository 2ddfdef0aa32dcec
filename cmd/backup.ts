/** `dhash backup`: everything that a running node holds at one moment, into a file. */
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import type { Command } from 'commander';
import {
  type BackupFacts,
  type BackupTotals,
  BLOCK_CHUNK,
  BLOCK_FACTS,
  BLOCK_TOTALS,
  encodeBlock,
  fileHeader,
} from '../lib/backup/backup-file.js';
import { addressOption, type ServerAddress } from './address.js';
import { openBackup } from './backup/live-backup.js';
import { NewFile } from './backup/new-file.js';
import { connectTo, type NodeClient, refused } from './node-client.js';
import { ProgressLine } from './progress.js';

const HELP = `
The file shows one moment, whatever is written meanwhile: all databases, with the time of each
write, deletions and libraries of functions. It is compressed and checksummed, and is there under
its name only once it is whole. Of a ring, take one of each node and restore them together.
DHASH_PASSWORD holds the password, if one is needed.

Examples:
  $ dhash backup monday.dhb
  $ dhash backup monday.dhb --at 10.0.0.7:6379 --force --json
  $ dhash restore monday.dhb            into an empty node
`;

/** Fast, and half of what more time would save. */
const COMPRESSION_LEVEL = 1;
const deflate = promisify(deflateRaw);

interface BackupFlags {
  readonly at: ServerAddress;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function addBackupCommand(program: Command): void {
  program
    .command('backup')
    .description('keep everything that a running node holds in a file')
    .argument('<file>', 'the file to write')
    .addOption(addressOption())
    .option('--force', 'replace the file if it is there')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action((path: string, flags: BackupFlags) => runBackup(path, flags));
}

async function runBackup(path: string, flags: BackupFlags): Promise<void> {
  const client = await connectTo(flags.at);
  const startedMs = performance.now();
  try {
    const replaces = flags.force === true;
    const { file, written } = await NewFile.of(path, replaces, (file) =>
      writeBackup(client, file, flags.json !== true),
    );
    report(file, written, flags, (performance.now() - startedMs) / 1000);
  } finally {
    client.close();
  }
}

interface Written extends BackupTotals {
  readonly facts: BackupFacts;
}

async function writeBackup(client: NodeClient, file: NewFile, mayShow: boolean): Promise<Written> {
  const backup = await openBackup(client);
  const { facts } = backup;
  const shows = mayShow && process.stderr.isTTY === true;
  const line = new ProgressLine(shows, facts.memoryBytes, (text) => process.stderr.write(text));
  const totals = { chunks: 0, bytes: 0 };
  await file.write(fileHeader());
  await writeBlock(file, BLOCK_FACTS, Buffer.from(JSON.stringify(facts)));
  try {
    for await (const chunk of backup.chunks) {
      await writeBlock(file, BLOCK_CHUNK, chunk);
      totals.chunks += 1;
      totals.bytes += chunk.length;
      line.show('backing up', totals.bytes, 0);
    }
  } catch (error) {
    throw refused(error);
  } finally {
    line.clear();
  }
  await writeBlock(file, BLOCK_TOTALS, Buffer.from(JSON.stringify(totals)));
  return { ...totals, facts };
}

async function writeBlock(file: NewFile, kind: number, content: Buffer): Promise<void> {
  const stored = await deflate(content, { level: COMPRESSION_LEVEL });
  await file.write(encodeBlock(kind, stored, content.length));
}

function report(
  file: NewFile,
  { bytes, facts }: Written,
  flags: BackupFlags,
  seconds: number,
): void {
  const { createdMs, entries } = facts;
  const moment = new Date(createdMs).toISOString();
  if (flags.json === true) {
    const what = { file: file.path, moment, entries, bytes, fileBytes: file.bytes, seconds };
    console.log(JSON.stringify(what));
    return;
  }
  const count = entries.toLocaleString('en-US');
  const size = (file.bytes / 1e6).toFixed(1);
  console.log(
    `${file.path}: ${count} entries as of ${moment}, ${size} MB, in ${seconds.toFixed(1)} s`,
  );
}
