/**
 * `dhash ring`: a whole ring on this machine, one process for each node, until it is stopped.
 *
 *   dhash ring --+-- dhash node --port 6379
 *                +-- dhash node --port 6380 --join 127.0.0.1:6379
 *                +-- dhash node --port 6381 --join 127.0.0.1:6379
 *
 * The nodes are process groups of their own, so that Ctrl-C reaches them once and through this
 * process; should it be killed, they notice that their channel to it is gone, and end as well.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { readTextFile } from '../world/real/text-file.js';
import type { ServerAddress } from './address.js';
import { EXIT_NOT_GOOD, usageError } from './exit.js';
import { TERMINAL_VARIABLE } from './log.js';
import { tunedEnvironment } from './memory-allocator.js';
import { NodeClient } from './node-client.js';
import { addSettingFlags, type GivenFlags } from './node-flags.js';
import { outliveReader } from './reader.js';
import { askStatus } from './ring-reply.js';
import { tableOf } from './status.js';

const NODES_MAX = 64;
const SECRET_BYTES = 32;
const HOST = '127.0.0.1';
const PORT_DEFAULT = 6379;
const PORT_MAX = 65_535;
/** How often it is asked whether the ring is there, and for how long, ms. */
const LOOK_MS = 200;
const FORM_MAX_MS = 60_000;
/** How often it is looked whether npm's shell is still there, ms. */
const SHELL_LOOK_MS = 500;
/** These are for one node alone. */
const OWN_SETTINGS = ['host', 'bind', 'port', 'join', 'announce', 'position', 'unixsocket', 'dir'];

const HELP = `
All other flags are those of dhash node, and go to each of the nodes. With --dir each keeps its
entries in a folder of its own there, named after its port, and the same command brings the ring
back. Ctrl-C stops all of them.

Examples:
  $ dhash ring
  $ dhash ring --nodes 5 --port 7000 --replicas 2
  $ dhash ring --dir /var/tmp/ring
`;

export function addRingCommand(program: Command): void {
  const command = program
    .command('ring')
    .description('run a whole ring of nodes on this machine until it is stopped')
    .option('--nodes <count>', `how many nodes, 1 to ${NODES_MAX}`, parseCount, 3)
    .addHelpText('after', HELP);
  const given = addSettingFlags(command, { hidesAll: true });
  command.action(async ({ nodes }: { nodes: number }) => {
    await new LocalRing(nodes, given).run();
  });
}

function parseCount(text: string): number {
  const count = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= NODES_MAX) return count;
  throw new InvalidArgumentError(`give a number from 1 to ${NODES_MAX}`);
}

class LocalRing {
  readonly #ports: readonly number[];
  readonly #given: GivenFlags;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #children = new Map<number, ChildProcess>();
  #isStopping = false;

  constructor(count: number, given: GivenFlags) {
    const first = Number(given.get('port') ?? PORT_DEFAULT);
    if (!(first >= 1 && first + count - 1 <= PORT_MAX)) {
      throw usageError('port: the ports of all nodes lie from 1 to 65535');
    }
    for (const name of OWN_SETTINGS) {
      if (name !== 'port' && name !== 'dir' && given.has(name)) {
        throw usageError(`${name}: not for a ring on one machine; start its nodes with dhash node`);
      }
    }
    this.#ports = Array.from({ length: count }, (_, at) => first + at);
    this.#given = given;
    this.#environment = sharedEnvironment(given);
  }

  /** Until all nodes have ended. */
  async run(): Promise<void> {
    outliveReader();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => this.#stop());
    if (process.env.npm_lifecycle_event !== undefined) this.#endWithShell();
    const [first, ...others] = this.#ports;
    const firstEnds = this.#start(first!);
    // The others would ask in vain before.
    await Promise.race([this.#listens(first!), firstEnds]);
    const ends = this.#isStopping ? [] : others.map((port) => this.#start(port));
    const isOver = Promise.all([firstEnds, ...ends]);
    await Promise.race([this.#introduce(), isOver]);
    await isOver;
  }

  /** Told to end, npm tells the shell that it runs a script in, and the shell tells nobody. */
  #endWithShell(): void {
    const shell = process.ppid;
    const look = setInterval(() => {
      if (process.ppid === shell) return;
      clearInterval(look);
      this.#stop();
    }, SHELL_LOOK_MS);
    look.unref();
  }

  async #listens(port: number): Promise<void> {
    const endMs = performance.now() + FORM_MAX_MS;
    while (!this.#isStopping && performance.now() < endMs) {
      const client = await NodeClient.open({ host: HOST, port }).catch(() => undefined);
      client?.close();
      if (client !== undefined) return;
      await pause(LOOK_MS);
    }
  }

  #start(port: number): Promise<void> {
    const args = [process.argv[1]!, 'node', ...this.#argumentsOf(port)];
    const child = spawn(process.execPath, args, {
      detached: true,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#children.set(port, child);
    const number = this.#ports.indexOf(port) + 1;
    for (const stream of [child.stdout!, child.stderr!]) show(number, stream);
    return new Promise((resolve) => {
      child.on('exit', (code, signal) => {
        this.#children.delete(port);
        this.#ended(port, code, signal);
        resolve();
      });
    });
  }

  #argumentsOf(port: number): string[] {
    const first = this.#ports[0]!;
    const args = ['--port', String(port), '--host', HOST];
    if (port !== first) args.push('--join', `${HOST}:${first}`);
    for (const [name, value] of this.#given) {
      if (name === 'dir') args.push('--dir', join(value, String(port)));
      else if (!OWN_SETTINGS.includes(name)) args.push(`--${name}`, value);
    }
    if (!this.#given.has('log-level')) args.push('--log-level', 'warning');
    // All end together: there is nobody to hand over to.
    if (!this.#given.has('leave-timeout-ms')) args.push('--leave-timeout-ms', '0');
    return args;
  }

  #ended(port: number, code: number | null, signal: string | null): void {
    if (this.#isStopping) {
      // One that had hardly begun to start ends by the signal itself.
      if (code !== 0 && signal !== 'SIGTERM') process.exitCode = EXIT_NOT_GOOD;
    } else if (code !== null && code !== 0) {
      console.error(`the node at port ${port} ended with code ${code}: stopping the others`);
      process.exitCode = EXIT_NOT_GOOD;
      this.#stop();
    } else {
      console.error(
        `the node at port ${port} ended (${signal ?? 'it has left'}); the others go on`,
      );
    }
  }

  #stop(): void {
    // A second Ctrl-C ends them at once.
    const signal = this.#isStopping ? 'SIGKILL' : 'SIGTERM';
    this.#isStopping = true;
    for (const child of this.#children.values()) child.kill(signal);
  }

  /** Says how to talk to the ring once it is there. */
  async #introduce(): Promise<void> {
    const address: ServerAddress = { host: HOST, port: this.#ports[0]! };
    const endMs = performance.now() + FORM_MAX_MS;
    while (!this.#isStopping && performance.now() < endMs) {
      await pause(LOOK_MS);
      const text = await this.#describe(address).catch(() => undefined);
      if (text === undefined) continue;
      console.log(text);
      return;
    }
    if (!this.#isStopping) console.error('the ring has not formed yet; see dhash status');
  }

  /** Undefined: it is not complete yet. */
  async #describe(address: { host: string; port: number }): Promise<string | undefined> {
    const client = await NodeClient.open(address);
    const password = passwordOf(this.#given);
    try {
      if (password !== undefined) await client.ask('AUTH', password);
      const status = await askStatus(client);
      if (status.change !== 'none' || status.members.length < this.#ports.length) return undefined;
      // Members that the folder tells of need not have started.
      if (status.members.some(({ ownedEntries }) => ownedEntries === null)) return undefined;
      const at = address.port === PORT_DEFAULT ? '' : ` -p ${address.port}`;
      const atFlag = address.port === PORT_DEFAULT ? '' : ` --at ${HOST}:${address.port}`;
      return [
        tableOf(status),
        '',
        'Any of them answers for all. Talk to it:',
        `  redis-cli${at} SET city:SE:Stockholm hello`,
        `  redis-cli${at} KRANGE '[city:' + WITHVALUES`,
        `  dhash status${atFlag} --watch`,
        'Ctrl-C stops all of them.',
      ].join('\n');
    } finally {
      client.close();
    }
  }
}

/** What a node says, behind its number among all of them. */
function show(number: number, stream: Readable): void {
  createInterface({ input: stream }).on('line', (line) => {
    if (line !== '') console.error(`node ${number} | ${line}`);
  });
}

/** The password of the nodes; undefined: there is none, or they will say what is wrong with it. */
function passwordOf(given: GivenFlags): string | undefined {
  const { env } = process;
  const password = given.get('requirepass') ?? env.DHASH_REQUIREPASS;
  const file = given.get('requirepass-file') ?? env.DHASH_REQUIREPASS_FILE;
  if (password !== undefined || file === undefined) return password;
  try {
    return readTextFile(file, 'the file of requirepass').split(/\r?\n/, 1)[0];
  } catch {
    return undefined;
  }
}

/** What is for one node alone is not for all of them. */
function sharedEnvironment(given: GivenFlags): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...(tunedEnvironment(process.env) ?? process.env) };
  for (const name of OWN_SETTINGS) delete env[`DHASH_${name.toUpperCase()}`];
  if (process.stderr.isTTY === true) env[TERMINAL_VARIABLE] = '1';
  const isClosed = passwordOf(given) !== undefined || given.has('requirepass-file');
  if (!isClosed || given.has('cluster-secret') || given.has('cluster-secret-file')) return env;
  // Members of a ring with a password need a secret, which nobody else has to know here.
  env.DHASH_CLUSTER_SECRET ??= randomBytes(SECRET_BYTES).toString('hex');
  return env;
}
