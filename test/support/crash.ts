/**
 * A node that is killed at random moments while clients write, again and again over one folder.
 * After each start every connection's writes must be there up to some point that is not before
 * what was acknowledged and not behind what was sent: whole, in order, nothing missing.
 *
 *   step s of connection c:   0: SET k:c:s    1: HSET h:c s    2: INCR n:c    3: LPUSH l:c, LPOP l:c
 *
 * Values are short or long, a round the one and a round the other: long ones fill the halves of the
 * pad and make the log be written anew.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { SeededRandom } from './random.js';
import { plain } from './reply.js';
import type { RespClient } from './resp-client.js';
import { type ServerProcess, startDhash } from './server-process.js';

const CONNECTIONS = 6;
const PIPELINE_MAX = 40;
const KINDS = 4;
/** The machine may be busy with other things for the many minutes that this takes. */
const READY_MS = 120_000;
/** Beyond so many steps a connection begins anew with other keys. */
const STEPS_MAX = 3000;
const POLICIES = ['everysec', 'always', 'no'] as const;

/** Lengths of values; a step's begins with its number. */
const VALUE_BYTES = [1, 1, 300, 5000] as const;

interface Writer {
  /** Its keys end with this. */
  name: string;
  /** Of what it writes now. */
  valueBytes: number;
  sent: number;
  acknowledged: number;
}

export interface CrashOptions {
  readonly folder: string;
  readonly kills: number;
  readonly random: SeededRandom;
  readonly told?: (line: string) => void;
}

/** Returns what was wrong, in words; empty if nothing was. */
export async function crashAgainAndAgain(options: CrashOptions): Promise<string[]> {
  const { folder, kills, random } = options;
  const problems: string[] = [];
  const writers: Writer[] = Array.from({ length: CONNECTIONS }, (_, index) => ({
    name: `${index}-0`,
    valueBytes: 1,
    sent: 0,
    acknowledged: 0,
  }));
  for (let kill = 0; kill <= kills && problems.length === 0; kill += 1) {
    const policy = random.pick(POLICIES);
    const args = ['--dir', folder, '--fsync', policy, '--auto-aof-rewrite-min-size', '200kb'];
    const server = await startDhash({ args, readyMs: READY_MS });
    const client = await server.connect();
    for (const writer of writers) {
      const problem = await check(client, writer);
      if (problem !== undefined) problems.push(`kill ${kill}, ${policy}: ${problem}`);
    }
    if (kill === kills || problems.length > 0) {
      await client.close();
      await server.stop();
      break;
    }
    for (const [index, writer] of writers.entries()) {
      writer.valueBytes = random.pick(VALUE_BYTES);
      if (writer.acknowledged < STEPS_MAX) continue;
      // What is looked at and loaded at each start stays small.
      await client.call('DEL', `h:${writer.name}`);
      await client.call('KDELRANGE', `[k:${writer.name}:`, `(k:${writer.name};`);
      const name = `${index}-${kill + 1}`;
      writers[index] = { ...writer, name, sent: 0, acknowledged: 0 };
    }
    const working = writers.map((writer) => write(server, writer, random));
    if (random.chance(0.3)) client.send('BGREWRITEAOF');
    await pause(5 + random.below(200));
    server.signal('SIGKILL');
    await server.exited;
    await Promise.all(working);
    await client.close();
    const acknowledged = writers.reduce((sum, writer) => sum + writer.acknowledged, 0);
    options.told?.(`kill ${kill + 1} of ${kills} (${policy}): ${acknowledged} steps so far`);
  }
  return problems;
}

/** Writes until the server is gone. */
async function write(server: ServerProcess, writer: Writer, random: SeededRandom): Promise<void> {
  let client: RespClient | undefined;
  try {
    client = await server.connect();
    for (;;) {
      const count = 1 + random.below(PIPELINE_MAX);
      let replies = 0;
      const ends: number[] = [];
      for (let i = 0; i < count; i += 1) {
        for (const command of commandsOf(writer, writer.sent)) {
          client.send(...command);
          replies += 1;
        }
        writer.sent += 1;
        ends.push(replies);
      }
      for (let read = 1, step = 0; read <= replies; read += 1) {
        await client.read();
        if (read !== ends[step]) continue;
        step += 1;
        writer.acknowledged += 1;
      }
    }
  } catch {
    // The server was killed.
  } finally {
    await client?.close();
  }
}

function commandsOf({ name, valueBytes }: Writer, step: number): string[][] {
  switch (step % KINDS) {
    case 0:
      return [['SET', `k:${name}:${step}`, valueOf(step, valueBytes)]];
    case 1:
      return [['HSET', `h:${name}`, `${step}`, `${step}`]];
    case 2:
      return [['INCR', `n:${name}`]];
    default:
      return [
        ['LPUSH', `l:${name}`, `${step}`],
        ['LPOP', `l:${name}`],
      ];
  }
}

function valueOf(step: number, bytes: number): string {
  return `${step}`.padEnd(bytes, 'v');
}

/** Looks what is there of a connection's writes, and takes that for what it has done. */
async function check(client: RespClient, writer: Writer): Promise<string | undefined> {
  const { name, sent, acknowledged } = writer;
  const keys = Number(await client.callPlain('KCOUNT', `[k:${name}:`, `(k:${name};`));
  const fields = Number(await client.callPlain('HLEN', `h:${name}`));
  const counter = Number((await client.callPlain('GET', `n:${name}`)) ?? 0);
  const found = keys + fields + counter;
  const length = Number(await client.callPlain('LLEN', `l:${name}`));
  // After a step of the last kind nothing tells of it; so one more or less fits.
  const steps = [...stepsFor(keys, fields, counter)].filter((s) => s >= acknowledged && s <= sent);
  if (steps.length === 0 || length > 1) {
    return (
      `connection ${name}: ${acknowledged} acknowledged, ${sent} sent; found ` +
      `${keys} keys, ${fields} fields, counter ${counter}, list of ${length} (${found})`
    );
  }
  for (let step = 0; step < keys * KINDS; step += KINDS) {
    client.send('GET', `k:${name}:${step}`);
  }
  for (let step = 0; step < keys * KINDS; step += KINDS) {
    const value = String(plain(await client.read()));
    if (VALUE_BYTES.some((bytes) => value === valueOf(step, bytes))) continue;
    return `connection ${name}: step ${step} is ${value.slice(0, 20)}, ${value.length} bytes`;
  }
  if (length === 1) await client.call('DEL', `l:${name}`);
  writer.acknowledged = steps.at(-1)!;
  writer.sent = writer.acknowledged;
  return undefined;
}

/** The numbers of steps after which there are so many of each. */
function* stepsFor(keys: number, fields: number, counter: number): Generator<number> {
  const around = (keys + fields + counter) * 2;
  for (let steps = Math.max(0, Math.floor(around / 2)); steps <= around; steps += 1) {
    const of = (kind: number) => Math.floor((steps + KINDS - 1 - kind) / KINDS);
    if (of(0) === keys && of(1) === fields && of(2) === counter) yield steps;
  }
}
