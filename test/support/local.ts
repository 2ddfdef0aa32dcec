/** A whole node in this process, without sockets, whose time the test moves. */
import type { CommandRow } from '../../lib/commands/command.js';
import { commandRows } from '../../lib/commands/table.js';
import { Settings } from '../../lib/config/settings.js';
import { DhashNode } from '../../lib/node.js';
import { quietLog } from '../../lib/server/log.js';
import type { ProcessInfo } from '../../lib/server/process-info.js';
import { type Reply, ReplyError, ReplyParser } from '../../resp/reply-parser.js';
import { loadLuaModule } from '../../world/real/lua-module.js';
import type { Kept } from './kept-node.js';
import { type ManualLink, ManualWorld } from './manual-world.js';

const processInfo: ProcessInfo = {
  pid: 1,
  executable: '/usr/bin/dhash',
  configFile: '',
  os: 'Linux 6.1.0 x86_64',
  nodeVersion: 'v20.0.0',
  archBits: 64,
  residentBytes: () => 1,
  heapBytes: () => 1,
  systemMemoryBytes: 1,
  cpuSeconds: () => ({ user: 0, system: 0 }),
  shutdown: () => {},
  config: undefined,
};

/** What a reply is in a test: bulks as latin1 text, errors as `-ERR ...`. */
export type Plain = string | number | bigint | null | boolean | Plain[] | Reply;

export class LocalNode {
  readonly world = new ManualWorld();
  readonly settings = new Settings();
  readonly node: DhashNode;

  /** `kept`: what a node with `dir` keeps. */
  constructor(
    change: (settings: Settings) => void = () => {},
    more: readonly CommandRow[] = [],
    kept?: Kept,
  ) {
    change(this.settings);
    this.world.keptDisk = kept?.disk;
    const { world } = this;
    const rows = [...commandRows, ...more];
    this.node = new DhashNode(
      {
        world,
        log: quietLog,
        processInfo,
        luaModule: loadLuaModule,
        openLogStore: async () => kept!.wrap(await kept!.log.open()),
      },
      this.settings,
      rows,
    );
  }

  async start(): Promise<this> {
    await this.node.start();
    return this;
  }

  client(remoteHost?: string): LocalClient {
    const flush = () => this.node.server.flushes.flushAll();
    return new LocalClient(this.world, flush, remoteHost);
  }
}

/** A node that has started, and one client of it. */
export async function localClient(change?: (settings: Settings) => void): Promise<LocalClient> {
  const local = await new LocalNode(change).start();
  return local.client();
}

export class LocalClient {
  readonly world: ManualWorld;
  readonly link: ManualLink;
  readonly #parser = new ReplyParser();
  /** Sends what waits for the end of the turn. */
  readonly #flush: () => void;

  constructor(world: ManualWorld, flush: () => void, remoteHost?: string) {
    this.world = world;
    this.#flush = flush;
    this.link = world.connect((bytes) => this.#parser.feed(bytes), remoteHost);
  }

  /** Another client of the same node. */
  other(): LocalClient {
    return new LocalClient(this.world, this.#flush);
  }

  /** Sends one command and returns its reply, plain. */
  send(...parts: (string | number | Buffer)[]): Plain {
    const reply = this.sendRaw(...parts);
    return plain(reply);
  }

  /** `send` of a command that replies with a text. */
  text(...parts: (string | number | Buffer)[]): string {
    const reply = this.send(...parts);
    if (typeof reply !== 'string') throw new TypeError(`${parts[0]} did not reply with a text`);
    return reply;
  }

  /** Sends one command and returns its reply as it was parsed. */
  sendRaw(...parts: (string | number | Buffer)[]): Reply | undefined {
    this.link.send(encode(parts));
    this.#flush();
    let reply = this.#parser.next();
    for (let turns = 0; reply === undefined && turns < 10_000; turns += 1) {
      this.world.turn();
      reply = this.#parser.next();
      if (this.link.closed) break;
    }
    return reply;
  }

  /** Sends one command and does not wait for its reply. */
  post(...parts: (string | number | Buffer)[]): void {
    this.link.send(encode(parts));
  }

  /** Replies that have come since, plain. */
  received(): Plain[] {
    this.#flush();
    const replies: Plain[] = [];
    for (let reply = this.#parser.next(); reply !== undefined; reply = this.#parser.next()) {
      replies.push(plain(reply));
    }
    return replies;
  }
}

/** A request as clients send it. */
export function encode(parts: readonly (string | number | Buffer)[]): Buffer {
  const pieces: Buffer[] = [Buffer.from(`*${parts.length}\r\n`)];
  for (const part of parts) {
    const bytes = Buffer.isBuffer(part) ? part : Buffer.from(String(part), 'latin1');
    pieces.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(pieces);
}

function plain(reply: Reply | undefined): Plain {
  if (reply === undefined) return '(no reply)';
  if (Buffer.isBuffer(reply)) return reply.toString('latin1');
  if (reply instanceof ReplyError) return `-${reply.message}`;
  if (Array.isArray(reply)) return reply.map(plain);
  return reply;
}
