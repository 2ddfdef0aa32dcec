/** `dhash restore`: backups into an empty running node. */
import type { Command } from 'commander';
import { type BackupFacts, BackupFileError } from '../lib/backup/backup-file.js';
import { firstGap, type Gap } from '../lib/backup/coverage.js';
import { addressOption, type ServerAddress } from './address.js';
import { BackupSource } from './backup/backup-source.js';
import { ExitError, usageError } from './exit.js';
import { connectTo, type NodeClient } from './node-client.js';
import { ProgressLine } from './progress.js';

const HELP = `
All files are read and verified before anything is sent. The node must be empty, and takes each
entry with the time of its write: where several backups have the same key, the newest write counts.
The backups of a ring's nodes are restored together; keys that none of them covers are refused,
unless --partial is given. A member of a ring takes them if all members are there and empty, and
nothing was ever removed; if not, restore into a node that is alone, then let others join it. DHASH_PASSWORD holds the password, if one is needed.

Examples:
  $ dhash restore monday.dhb
  $ dhash restore a.dhb b.dhb c.dhb --at 10.0.0.7:6379 --json
`;

interface RestoreFlags {
  readonly at: ServerAddress;
  readonly partial?: boolean;
  readonly json?: boolean;
}

/** A file that was read to its end. */
interface Verified {
  readonly source: BackupSource;
  readonly facts: BackupFacts;
}

export function addRestoreCommand(program: Command): void {
  program
    .command('restore')
    .description('bring backups into an empty running node')
    .argument('<files...>', 'files that `dhash backup` has written')
    .addOption(addressOption())
    .option('--partial', 'also if some keys are in none of the files')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action((paths: string[], flags: RestoreFlags) => runRestore(paths, flags));
}

async function runRestore(paths: readonly string[], flags: RestoreFlags): Promise<void> {
  const startedMs = performance.now();
  const backups: Verified[] = [];
  let client: NodeClient | undefined;
  try {
    for (const path of paths) backups.push(await verify(path, flags));
    if (flags.partial !== true) refuseGap(backups);
    client = await connectTo(flags.at);
    const records = await send(client, backups, flags);
    report(backups, records, flags, (performance.now() - startedMs) / 1000);
  } finally {
    client?.close();
    for (const { source } of backups) await source.close();
  }
}

async function verify(path: string, flags: RestoreFlags): Promise<Verified> {
  const source = await BackupSource.open(path);
  const line = lineOf(source, flags);
  try {
    const facts = await source.facts();
    for await (const _ of source.chunks()) line.show(`verifying ${path}`, source.doneBytes, 0);
    return { source, facts };
  } catch (error) {
    await source.close();
    throw error instanceof BackupFileError ? new ExitError(`${path}: ${error.message}`) : error;
  } finally {
    line.clear();
  }
}

function lineOf(source: BackupSource, { json }: RestoreFlags): ProgressLine {
  const shows = json !== true && process.stderr.isTTY === true;
  return new ProgressLine(shows, source.bytes, (text) => process.stderr.write(text));
}

function refuseGap(backups: readonly Verified[]): void {
  const ranges = backups.flatMap(({ facts }) =>
    facts.ranges.map(({ after, upTo }) => ({
      after: Buffer.from(after, 'base64'),
      upTo: Buffer.from(upTo, 'base64'),
    })),
  );
  const gap = firstGap(ranges);
  if (gap === null) return;
  throw usageError(`the files leave out ${named(gap)}: add other nodes' backups, or --partial`);
}

function named({ after, upTo }: Gap): string {
  const from = after === null ? 'the keys' : `the keys after ${JSON.stringify(after.toString())}`;
  return upTo === null ? from : `${from} up to ${JSON.stringify(upTo.toString())}`;
}

/** How many records were sent. */
async function send(
  client: NodeClient,
  backups: readonly Verified[],
  flags: RestoreFlags,
): Promise<number> {
  await ask(client, 'DHASH', 'RESTORE', 'BEGIN');
  let refusal: Error | undefined;
  for (const { facts, source } of backups) {
    const line = lineOf(source, flags);
    for (const code of facts.functions) {
      await ask(client, 'FUNCTION', 'LOAD', 'REPLACE', Buffer.from(code, 'latin1'));
    }
    await source.facts();
    for await (const chunk of source.chunks()) {
      client.send(['DHASH', 'RESTORE', 'CHUNK', chunk], (reply) => {
        if (reply instanceof Error) refusal ??= reply;
      });
      await client.room();
      if (refusal !== undefined) break;
      line.show(`restoring ${source.path}`, source.doneBytes, 0);
    }
    line.clear();
  }
  await client.idle();
  if (refusal !== undefined) {
    throw new ExitError(`${refusal.message}; some of the entries are in the node: empty it first`);
  }
  return Number(await ask(client, 'DHASH', 'RESTORE', 'END'));
}

async function ask(client: NodeClient, ...args: (string | Buffer)[]): Promise<unknown> {
  const reply = await client.ask(...args);
  if (reply instanceof Error) throw new ExitError(reply.message);
  return reply;
}

function report(
  backups: readonly Verified[],
  records: number,
  flags: RestoreFlags,
  seconds: number,
): void {
  if (flags.json === true) {
    console.log(JSON.stringify({ files: backups.length, entries: records, seconds }));
    return;
  }
  const count = records.toLocaleString('en-US');
  const files = backups.length === 1 ? '1 file' : `${backups.length} files`;
  console.log(`restored ${count} entries of ${files} in ${seconds.toFixed(1)} s`);
}
