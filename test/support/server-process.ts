/**
 * Real server processes for tests and benchmarks: a redis-server or a dhash node on a free port of
 * 127.0.0.1, with nothing kept on disk.
 *
 * Ready means that a connection is accepted and a PING is answered. What the process printed is
 * kept, and is part of the error if it ends before it is ready. A process is stopped by its own
 * child handle, and never outlives the process that started it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Address, NoReply, RespClient } from './resp-client.js';

export interface StartOptions {
  /** Added to the command line. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where it listens. Default: a port that is free. */
  readonly port?: number;
  /** The node executable for dhash. Default: the one that runs this. */
  readonly node?: string;
  /** Where to connect to see whether it is ready. Default: the port that was chosen. */
  readonly readyAt?: Address;
  /** How long it may take until it is ready, ms. Default: 15,000. */
  readonly readyMs?: number;
}

export interface ServerProcess {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** What it has printed, both streams. */
  output(): string;
  connect(): Promise<RespClient>;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<Exit>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const readyMsDefault = 15_000;
const retryMs = 20;
const stopMsMax = 5_000;
const outputCharsMax = 1_000_000;
const children = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export async function startRedis(options: StartOptions = {}): Promise<ServerProcess> {
  const port = options.port ?? (await freePort());
  const fixed = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const args = [...fixed, '--enable-debug-command', 'yes', ...(options.args ?? [])];
  return start('redis', 'redis-server', args, port, options);
}

export async function startDhash(options: StartOptions = {}): Promise<ServerProcess> {
  const port = options.port ?? (await freePort());
  const fixed = [dhashProgram(), 'node', '--port', `${port}`, '--http-port', '0'];
  const args = [...fixed, ...(options.args ?? [])];
  return start('dhash', options.node ?? process.execPath, args, port, options);
}

/** Starts a process without waiting until it serves, for tests of how it fails to. */
export function spawnDhash(args: readonly string[], options: StartOptions = {}): ServerProcess {
  const program = options.node ?? process.execPath;
  return launch('dhash', program, [dhashProgram(), ...args], 0, options);
}

/** The script that a user would run; DHASH_BIN overrides it. */
export function dhashProgram(): string {
  const given = process.env['DHASH_BIN'];
  if (given !== undefined) return given;
  const root = projectRoot();
  const bin = join(root, 'bin/dhash.js');
  return existsSync(bin) ? bin : join(root, 'test/support/run-dhash.js');
}

/** The folder with this package's package.json, wherever the compiler has put this file. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const path = join(folder, 'package.json');
    if (existsSync(path) && readFileSync(path, 'utf8').includes('"dhash-db"')) return folder;
    const parent = dirname(folder);
    if (parent === folder) throw new Error('no package.json of dhash-db above the tests');
    folder = parent;
  }
}

/** A port that was free a moment ago. */
export function freePort(host = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

async function start(
  name: string,
  program: string,
  args: readonly string[],
  port: number,
  options: StartOptions,
): Promise<ServerProcess> {
  const server = launch(name, program, args, port, options);
  try {
    const readyMs = options.readyMs ?? readyMsDefault;
    await ready(server, options.readyAt ?? { host: server.host, port }, readyMs);
  } catch (error) {
    await server.stop();
    throw new Error(`${name} did not start: ${String(error)}\n${server.output()}`);
  }
  return server;
}

function launch(
  name: string,
  program: string,
  args: readonly string[],
  port: number,
  options: StartOptions,
): ServerProcess {
  const env = { ...process.env, ...options.env };
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  let output = '';
  const keep = (chunk: Buffer): void => {
    if (output.length < outputCharsMax) output += chunk.toString();
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      output += String(error);
      children.delete(child);
      resolve({ code: null, signal: null });
    });
    // 'close' comes after 'exit', when all output has been read.
    child.once('close', (code, signal) => {
      children.delete(child);
      resolve({ code, signal });
    });
  });
  const host = '127.0.0.1';
  return {
    name,
    host,
    port,
    pid: child.pid ?? 0,
    exited,
    output: () => output,
    connect: () => RespClient.connect({ host, port }),
    signal: (signal) => child.kill(signal),
    stop: () => stop(child, exited),
  };
}

async function stop(child: ChildProcess, exited: Promise<Exit>): Promise<Exit> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax);
  const exit = await exited;
  clearTimeout(timer);
  return exit;
}

async function ready(server: ServerProcess, address: Address, readyMs: number): Promise<void> {
  let ended = false;
  void server.exited.then(() => {
    ended = true;
  });
  const deadline = performance.now() + readyMs;
  for (;;) {
    if (ended) throw new Error('it ended at once');
    if (performance.now() > deadline) throw new Error(`not ready after ${readyMs} ms`);
    if (await answers(address)) return;
    await pause(retryMs);
  }
}

/** Whether anything but LOADING comes back: an error (a password is wanted) is an answer too. */
async function answers(address: Address): Promise<boolean> {
  let client: RespClient;
  try {
    client = await RespClient.connect(address);
  } catch {
    return false;
  }
  try {
    return !String(await client.callPlain('PING')).includes('LOADING');
  } catch (error) {
    if (error instanceof NoReply) return false;
    throw error;
  } finally {
    await client.close();
  }
}
