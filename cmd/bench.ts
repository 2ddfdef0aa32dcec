/**
 * `dhash bench`: load for any server that speaks the Redis protocol, with latency percentiles.
 *
 * Each connection keeps a fixed number of commands in flight (a closed loop, as redis-benchmark
 * does), so the latency of a server that is not full is the round trip, and that of a full one is
 * clients x pipeline / throughput.
 */

import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseAddress, printAddress, type ServerAddress } from './address.js';
import { BenchClient } from './bench/client.js';
import { jsonRow, progressLine, tableHead, tableRow } from './bench/report.js';
import { type LoadOptions, LoadRun } from './bench/run.js';
import { chooseWorkloads, testNames, type Workload } from './bench/workloads.js';
import { EXIT_USAGE, ExitError, systemCode } from './exit.js';

const REQUESTS_DEFAULT = 100_000;
const CLIENTS_MAX = 10_000;
const PIPELINE_MAX = 100_000;
const VALUE_BYTES_MAX = 64 * 1024 * 1024;
const KEY_SPACE_MAX = 1e12;

const HELP = `
Tests: ${testNames()}.
\`__rand_int__\` in a command becomes a random number of 12 digits below --key-space,
\`__data__\` a value of --value-bytes. DHASH_PASSWORD holds the password, if one is needed.
The keyspace tests (krange, kcount, ...) look at what \`set\` has written: run it first.

Examples:
  $ dhash bench
  $ dhash bench --at 10.0.0.7:6379 -c 100 -P 16 --seconds 10 -t set,get
  $ dhash bench -t set,krange,kcount -r 1000000
  $ dhash bench -n 1000000 -- SET user:__rand_int__ __data__ EX 60
`;

interface BenchFlags {
  readonly at: ServerAddress;
  readonly clients: number;
  readonly pipeline: number;
  readonly requests?: number;
  readonly seconds?: number;
  readonly valueBytes: number;
  readonly keySpace: number;
  readonly tests?: string;
  readonly warmUp: number;
  readonly json?: boolean;
}

function between(min: number, max: number): (given: string) => number {
  return (given) => {
    const value = Number(given);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
  };
}

function seconds(given: string): number {
  const value = Number(given);
  if (given !== '' && value >= 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Give a number of seconds.');
}

export function addBenchCommand(program: Command): void {
  program
    .command('bench')
    .description('measure a server: throughput and latency')
    .argument('[command...]', 'a command of your own, after --')
    .addOption(
      new Option('--at <address>', 'server, as HOST:PORT or the path of a socket')
        .argParser(parseAddress)
        .default({ host: '127.0.0.1', port: 6379 }, '127.0.0.1:6379'),
    )
    .option('-c, --clients <number>', 'connections', between(1, CLIENTS_MAX), 50)
    .option('-P, --pipeline <number>', 'commands in flight each', between(1, PIPELINE_MAX), 1)
    .option('-n, --requests <number>', 'requests per test', between(1, Number.MAX_SAFE_INTEGER))
    .option('--seconds <seconds>', 'time per test, instead of --requests', seconds)
    .option('-d, --value-bytes <number>', 'bytes per value', between(0, VALUE_BYTES_MAX), 64)
    .option('-r, --key-space <number>', 'different keys', between(1, KEY_SPACE_MAX), 100_000)
    .option('-t, --tests <list>', 'tests to run, with commas between')
    .option('--warm-up <seconds>', 'load before each test that is not counted', seconds, 0.5)
    .option('--json', 'print one row of JSON per test')
    .addHelpText('after', HELP)
    .action((commandLine: string[], flags: BenchFlags) => runBench(commandLine, flags));
}

async function runBench(commandLine: readonly string[], flags: BenchFlags): Promise<void> {
  const workloads = chooseWorkloads(flags.tests, commandLine, flags.valueBytes);
  const clients = await openClients(flags);
  try {
    if (flags.json !== true) printHead(flags);
    let errorCount = 0;
    for (const workload of workloads) errorCount += await runTest(clients, workload, flags);
    if (errorCount > 0) process.exitCode = 1;
  } finally {
    for (const client of clients) client.close();
  }
}

async function openClients(flags: BenchFlags): Promise<BenchClient[]> {
  const clients: BenchClient[] = [];
  try {
    for (let index = 0; index < flags.clients; index++) {
      const client = await BenchClient.open(flags.at, flags.pipeline);
      clients.push(client);
      await logIn(client);
    }
  } catch (error) {
    for (const client of clients) client.close();
    throw error instanceof ExitError ? error : unreachable(flags.at, error);
  }
  return clients;
}

/** AUTH if there is a password, and a PING that shows that the server serves us. */
async function logIn(client: BenchClient): Promise<void> {
  const password = process.env.DHASH_PASSWORD;
  if (password !== undefined && password !== '') {
    const bytes = Buffer.byteLength(password);
    const reply = await client.ask(Buffer.from(`*2\r\n$4\r\nAUTH\r\n$${bytes}\r\n${password}\r\n`));
    if (reply instanceof Error) throw new ExitError(reply.message, EXIT_USAGE);
  }
  const reply = await client.ask(Buffer.from('*1\r\n$4\r\nPING\r\n'));
  if (reply instanceof Error) {
    const isLocked = reply.message.startsWith('NOAUTH');
    const hint = isLocked ? ' (give the password in DHASH_PASSWORD)' : '';
    throw new ExitError(reply.message + hint, EXIT_USAGE);
  }
}

function unreachable(at: ServerAddress, error: unknown): ExitError {
  const code = systemCode(error);
  const reason = code === 'ECONNREFUSED' ? 'nothing listens there' : (code ?? String(error));
  const hint = code === 'ECONNREFUSED' ? '. Start a node with: dhash node' : '';
  return new ExitError(`cannot reach ${printAddress(at)}: ${reason}${hint}`, EXIT_USAGE);
}

function printHead(flags: BenchFlags): void {
  const { clients, pipeline, valueBytes, keySpace } = flags;
  console.log(
    `${printAddress(flags.at)}: ${clients} clients, pipeline ${pipeline}, ` +
      `values of ${valueBytes} B, ${keySpace.toLocaleString('en-US')} keys\n`,
  );
  console.log(tableHead());
}

/** Runs and prints one test; returns the number of error replies. */
async function runTest(
  clients: readonly BenchClient[],
  workload: Workload,
  flags: BenchFlags,
): Promise<number> {
  const options: LoadOptions = {
    pipeline: flags.pipeline,
    requestsMax: flags.requests ?? (flags.seconds === undefined ? REQUESTS_DEFAULT : Infinity),
    durationMsMax: (flags.seconds ?? Infinity) * 1000,
    warmUpMs: flags.warmUp * 1000,
    keySpace: flags.keySpace,
    below: (bound) => Math.floor(Math.random() * bound),
  };
  const showsProgress = process.stderr.isTTY === true && flags.json !== true;
  const show = (text: string): void => {
    if (showsProgress) process.stderr.write(`\r\x1b[K${text}`);
  };
  try {
    const result = await new LoadRun(clients, workload, options).run((state) =>
      show(progressLine(workload.name, state)),
    );
    show('');
    const { clients: clientCount, pipeline, valueBytes, keySpace } = flags;
    const settings = { clients: clientCount, pipeline, valueBytes, keySpace };
    if (flags.json === true) console.log(jsonRow(workload.name, result, settings));
    else console.log(tableRow(workload.name, result));
    if (result.firstError !== undefined) {
      console.error(`${workload.name}: ${result.errors} errors, the first: ${result.firstError}`);
    }
    return result.errors;
  } catch (error) {
    show('');
    const reason = error instanceof Error ? error.message : String(error);
    throw new ExitError(`${workload.name}: ${printAddress(flags.at)}: ${reason}`);
  }
}
