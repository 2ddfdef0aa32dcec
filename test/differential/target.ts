/**
 * Runs programs against one server and notes all that came back.
 *
 * A step that gets no reply within the time allowed, or garbage, ends its connection; the rest of
 * its pipeline is noted as skipped, and the next step on that connection opens a new one.
 */

import type { Reply } from '../support/reply.js';
import { encodeCommand, NoReply, RespClient } from '../support/resp-client.js';
import type { Program, Step } from './program.js';

export interface Outcome {
  readonly replies: readonly Reply[];
  /** How it ended if not with a reply. */
  readonly end: 'replied' | 'closed' | 'timeout' | 'garbage' | 'skipped';
}

export interface TargetOptions {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** How long to wait for a reply, in ms. Default 3000. */
  readonly replyMsMax?: number;
}

/** More than there are keys, for a SCAN that never ends. */
const scanRoundsMax = 1000;
const databaseCount = 16;
/** Stands for the key in `looks`. */
const KEY = '<key>';

/** Puts back what programs change. */
const resetCommands: readonly (readonly string[])[] = [
  ['FLUSHALL'],
  ['CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction', 'timeout', '0'],
  ['CONFIG', 'SET', 'tcp-keepalive', '300', 'slowlog-log-slower-than', '10000'],
  ['CONFIG', 'SET', 'slowlog-max-len', '128', 'latency-monitor-threshold', '0'],
  ['CONFIG', 'SET', 'lfu-log-factor', '10', 'lfu-decay-time', '1', 'maxmemory-samples', '5'],
  ['CONFIG', 'SET', 'proto-max-bulk-len', '536870912'],
  // So low that collections grow out of Redis's small encodings, and are told in pages.
  ['CONFIG', 'SET', 'hash-max-listpack-entries', '8', 'set-max-intset-entries', '8'],
  ['CONFIG', 'SET', 'zset-max-listpack-entries', '8'],
  ['CONFIG', 'SET', 'hll-sparse-max-bytes', '300'],
  ['CONFIG', 'RESETSTAT'],
  ['SLOWLOG', 'RESET'],
  ['LATENCY', 'RESET'],
  ['CLIENT', 'UNPAUSE'],
];

export class Target {
  readonly name: string;
  replyMsMax: number;
  readonly #options: TargetOptions;
  readonly #clients: [RespClient | null, RespClient | null] = [null, null];
  #control: RespClient | null = null;

  constructor(options: TargetOptions) {
    this.#options = options;
    this.name = options.name;
    this.replyMsMax = options.replyMsMax ?? 3000;
  }

  /** Empties the server, runs the program, and adds the final contents as a last outcome. */
  async run(program: Program): Promise<Outcome[]> {
    await this.#reset();
    const outcomes: Outcome[] = [];
    try {
      for (const segment of segments(program.steps)) {
        outcomes.push(...(await this.#runSegment(segment)));
      }
    } finally {
      for (const [index, client] of this.#clients.entries()) {
        await client?.close();
        this.#clients[index] = null;
      }
    }
    outcomes.push({ replies: await this.#contents(), end: 'replied' });
    return outcomes;
  }

  async close(): Promise<void> {
    await this.#control?.close();
    this.#control = null;
  }

  async #runSegment(segment: readonly Step[]): Promise<Outcome[]> {
    const first = segment[0]!;
    const client = await this.#client(first.connection);
    if (first.kind === 'scan') return [await this.#scan(client, first)];
    const silences = new Silence();
    const silent = segment.map((step) => silences.silences(step));
    // The server must have done all this before the other connection goes on.
    const sync = silent.at(-1) === true ? encodeCommand(silences.syncCommand) : Buffer.alloc(0);
    client.sendRaw(Buffer.concat([...segment.map(encodeStep), sync]));
    if (first.kind === 'raw') return [await this.#untilClosed(client)];
    const outcomes: Outcome[] = [];
    for (const [index, step] of segment.entries()) {
      const last = outcomes.at(-1)?.end ?? 'replied';
      if (last !== 'replied') outcomes.push({ replies: [], end: 'skipped' });
      else if (silent[index]) outcomes.push({ replies: [], end: 'replied' });
      else if (isQuit(step)) outcomes.push(await this.#untilClosed(client));
      else {
        const outcome = await this.#reply(client);
        outcomes.push(outcome);
        // The server closes; what is sent before that is seen would be lost on one side alone.
        if (isProtocolError(outcome)) await this.#untilClosed(client);
      }
    }
    if (sync.length > 0) await this.#reply(client);
    if (outcomes.at(-1)?.end !== 'replied') await client.close();
    return outcomes;
  }

  /** One reply; push messages and attributes before it belong to it. */
  async #reply(client: RespClient): Promise<Outcome> {
    const replies: Reply[] = [];
    try {
      for (;;) {
        const reply = await client.read(this.replyMsMax);
        replies.push(reply);
        if (reply.mark !== '>' && reply.mark !== '|') return { replies, end: 'replied' };
      }
    } catch (error) {
      if (!(error instanceof NoReply)) throw error;
      return { replies, end: error.reason };
    }
  }

  async #untilClosed(client: RespClient): Promise<Outcome> {
    const replies: Reply[] = [];
    for (;;) {
      const outcome = await this.#reply(client);
      replies.push(...outcome.replies);
      if (outcome.end === 'replied') continue;
      await client.close();
      return { replies, end: outcome.end };
    }
  }

  /** All keys that a whole SCAN gives, as one sorted reply. */
  async #scan(client: RespClient, step: Step): Promise<Outcome> {
    const found = new Map<string, Reply>();
    let cursor: Buffer = Buffer.from('0');
    for (let round = 0; round < scanRoundsMax; round++) {
      client.send('SCAN', cursor, ...step.args);
      const outcome = await this.#reply(client);
      const [next, page] = outcome.replies[0]?.items ?? [];
      if (outcome.end !== 'replied' || next === undefined || next.bytes === null) return outcome;
      for (const item of page?.items ?? []) found.set(item.bytes?.toString('latin1') ?? '', item);
      cursor = next.bytes;
      if (cursor.toString() === '0') {
        const items = [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
        const reply = { mark: '*', bytes: null, items: items.map(([, item]) => item) };
        return { replies: [reply], end: 'replied' };
      }
    }
    return { replies: [], end: 'timeout' };
  }

  async #client(connection: 0 | 1): Promise<RespClient> {
    const open = this.#clients[connection];
    if (open !== null && !open.closed) return open;
    const client = await RespClient.connect(this.#options);
    this.#clients[connection] = client;
    return client;
  }

  async #controlClient(): Promise<RespClient> {
    if (this.#control === null || this.#control.closed) {
      this.#control = await RespClient.connect(this.#options);
    }
    return this.#control;
  }

  async #reset(): Promise<void> {
    const control = await this.#controlClient();
    for (const command of resetCommands) control.send(...command);
    for (const _ of resetCommands) await control.read();
  }

  /** Everything in all databases: key, value, encoding, expiry, dump, scores, digest. */
  async #contents(): Promise<Reply[]> {
    const control = await this.#controlClient();
    for (let database = 0; database < databaseCount; database++) {
      control.send('SELECT', database);
      control.send('KEYS', '*');
    }
    const names: Buffer[][] = [];
    for (let database = 0; database < databaseCount; database++) {
      await control.read();
      const keys = (await control.read()).items ?? [];
      names.push(keys.map((key) => key.bytes ?? Buffer.alloc(0)).sort(Buffer.compare));
    }
    const contents: Reply[] = [];
    for (const [database, keys] of names.entries()) {
      if (keys.length === 0) continue;
      control.send('SELECT', database);
      for (const key of keys) {
        for (const look of looks) {
          control.send(...look.map((word) => (word === KEY ? key : word)));
        }
      }
      await control.read();
      for (const key of keys) {
        const items: Reply[] = [bulk(Buffer.from(`db ${database}`)), bulk(key)];
        for (const _ of looks) items.push(await control.read());
        contents.push({ mark: '*', bytes: null, items });
      }
    }
    return contents;
  }
}

const looks = [
  ['GET', KEY],
  ['OBJECT', 'ENCODING', KEY],
  ['PEXPIRETIME', KEY],
  ['DUMP', KEY],
  ['ZRANGE', KEY, '0', '-1', 'WITHSCORES'],
  ['DEBUG', 'DIGEST-VALUE', KEY],
] as const;

/** CLIENT REPLY's effect on how many replies to wait for. */
class Silence {
  #mode: 'on' | 'off' | 'skip' = 'on';

  /** What is answered again, after a step that was not. */
  get syncCommand(): string[] {
    return this.#mode === 'off' ? ['CLIENT', 'REPLY', 'ON'] : ['PING'];
  }

  silences(step: Step): boolean {
    const [name, sub, mode, more] = step.args.map((arg) => arg.toString('latin1').toUpperCase());
    if (name === 'CLIENT' && sub === 'REPLY' && more === undefined) {
      if (mode === 'ON') this.#mode = 'on';
      if (mode === 'OFF') this.#mode = 'off';
      if (mode === 'SKIP' && this.#mode === 'on') {
        this.#mode = 'skip';
        return true;
      }
    }
    const silent = this.#mode !== 'on';
    if (this.#mode === 'skip') this.#mode = 'on';
    return silent;
  }
}

function bulk(bytes: Buffer): Reply {
  return { mark: '$', bytes, items: null };
}

function isProtocolError({ replies }: Outcome): boolean {
  const { bytes, mark } = replies.at(-1) ?? {};
  return mark === '-' && bytes?.toString('latin1').startsWith('ERR Protocol error') === true;
}

function isQuit(step: Step): boolean {
  const text = step.args[0]?.toString('latin1') ?? '';
  return /^\s*quit\s*$/i.test(step.kind === 'inline' ? (text.trim().split(/\s/)[0] ?? '') : text);
}

function encodeStep(step: Step): Buffer {
  return step.kind === 'command' ? encodeCommand(step.args) : (step.args[0] ?? Buffer.alloc(0));
}

/** Runs of steps that can travel in one write. */
function segments(steps: readonly Step[]): Step[][] {
  const result: Step[][] = [];
  let current: Step[] = [];
  for (const step of steps) {
    const alone = step.kind === 'raw' || step.kind === 'scan';
    if (current.length > 0 && (alone || current[0]!.connection !== step.connection)) {
      result.push(current);
      current = [];
    }
    current.push(step);
    if (alone || isQuit(step)) {
      result.push(current);
      current = [];
    }
  }
  if (current.length > 0) result.push(current);
  return result;
}
