/**
 * The real files of a folder, each of them cut, emptied, removed, overwritten, replaced by a folder:
 * of a node that was stopped, and of one that was killed. A node on them has everything that was
 * acknowledged, or it does not start and says that its folder is damaged; then it starts with
 * `load-damaged`, says what is lost, has nothing that was never written, and from then on is whole.
 */
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { Node } from '../../lib/library/node.js';
import { explainFolder } from '../../lib/persistence/open-folder.js';
import type { Log } from '../../lib/server/log.js';
import { type SeededRandom, seededRandom } from '../support/random.js';
import { plain } from '../support/reply.js';
import { RespClient } from '../support/resp-client.js';
import { freePort } from '../support/server-process.js';
import { until } from '../support/until.js';

const SEED = Number(process.env['SEED'] ?? 1);
const KEYS = 2500;
const VALUE_BYTES = 4000;
/** Kept in the durable records once a second. */
const SYNCED_MS = 2500;
/** Tried of each folder. */
const CASES = 14;
/** Nodes that run side by side: mostly they wait for the disk. */
const AT_ONCE = 4;

type Damage = (path: string, random: SeededRandom) => Promise<void>;

const damages: Readonly<Record<string, Damage>> = {
  removed: (path) => rm(path),
  emptied: (path) => truncate(path, 0),
  cut: async (path, random) => truncate(path, random.below((await stat(path)).size + 1)),
  'last byte cut': async (path) => truncate(path, Math.max(0, (await stat(path)).size - 1)),
  'a page of zeros': (path, random) => overwrite(path, random, Buffer.alloc(4096)),
  'a page of noise': (path, random) => overwrite(path, random, random.bytes(4096)),
  'a folder': async (path) => {
    await rm(path);
    await mkdir(path);
  },
};

async function overwrite(path: string, random: SeededRandom, page: Buffer): Promise<void> {
  const bytes = await readFile(path);
  page.copy(bytes, random.below(Math.max(1, bytes.length)));
  await writeFile(path, bytes);
}

interface Started {
  readonly client: RespClient;
  /** What the log said of damage. */
  readonly told: readonly string[];
  stop(): Promise<void>;
}

async function start(dir: string, options: Record<string, string> = {}): Promise<Started> {
  const told: string[] = [];
  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (details, message) => {
      if (message.includes('damaged'))
        told.push(...((details as { damage?: string[] }).damage ?? []));
    },
  };
  const port = await freePort();
  const node = new Node({ port, dir, httpPort: 0, ...options }, { log });
  await node.start();
  const client = await RespClient.connect({ host: '127.0.0.1', port });
  const stop = async (): Promise<void> => {
    await client.close();
    await node.stop();
  };
  return { client, told, stop };
}

function valueOf(key: number, round: number): string {
  return `${key}:${round}:`.padEnd(VALUE_BYTES, 'v');
}

/** Acknowledged: the last round of each key; which round is had, or -1. */
async function rounds(client: RespClient): Promise<number[]> {
  for (let key = 0; key < KEYS; key += 1) client.send('GET', `k${key}`);
  const found: number[] = [];
  for (let key = 0; key < KEYS; key += 1) {
    const value = plain(await client.read());
    const round = value === null ? -1 : Number(String(value).split(':')[1]);
    if (value !== null && value !== valueOf(key, round)) found.push(-2);
    else found.push(round);
  }
  return found;
}

async function write(client: RespClient, from: number, to: number, round: number): Promise<void> {
  for (let key = from; key < to; key += 1) client.send('SET', `k${key}`, valueOf(key, round));
  for (let key = from; key < to; key += 1) await client.read();
}

/** A folder with tables, a rewritten log, and a log that is not a table yet. */
async function prepare(
  folder: string,
): Promise<{ stopped: string; killed: string; sound: number[] }> {
  const stopped = join(folder, 'stopped');
  const killed = join(folder, 'killed');
  const node = await start(stopped, { autoAofRewritePercentage: '0' });
  const { client } = node;
  await write(client, 0, KEYS, 1);
  await client.call('BGREWRITEAOF');
  await write(client, 0, KEYS / 2, 2);
  await pause(SYNCED_MS);
  await write(client, 0, 100, 3);
  await pause(SYNCED_MS);
  const sound = await rounds(client);
  await cp(stopped, killed, { recursive: true });
  await node.stop();
  return { stopped, killed, sound };
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== 'LOG.old');
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

class Case {
  readonly #dir: string;
  readonly #sound: readonly number[];
  readonly #t: Test;
  readonly #what: string;

  constructor(t: Test, what: string, dir: string, sound: readonly number[]) {
    this.#t = t;
    this.#what = what;
    this.#dir = dir;
    this.#sound = sound;
  }

  async run(): Promise<string> {
    const t = this.#t;
    let node: Started;
    try {
      node = await start(this.#dir);
    } catch (error) {
      const said = explainFolder(error, this.#dir) ?? '';
      t.match(
        said,
        /is damaged: .*--load-damaged yes|cannot be used: .*/,
        `${this.#what}: ${error}`,
      );
      return said.includes('is damaged') ? this.#salvage() : 'cannot be used';
    }
    const found = await rounds(node.client);
    const missing = found.findIndex((round, key) => round !== this.#sound[key]);
    t.equal(
      missing,
      -1,
      `${this.#what}: k${missing} is of round ${found[missing]}, and nobody said so`,
    );
    await node.stop();
    return 'whole';
  }

  async #salvage(): Promise<string> {
    const t = this.#t;
    let node: Started;
    try {
      node = await start(this.#dir, { loadDamaged: 'yes' });
    } catch (error) {
      const said = explainFolder(error, this.#dir, true) ?? '';
      t.match(said, /nothing can be read of|cannot be used/, `${this.#what}: ${error}`);
      return 'nothing can be read';
    }
    t.ok(node.told.length > 0, `${this.#what}: it says what is lost`);
    const found = await rounds(node.client);
    t.notOk(found.includes(-2), `${this.#what}: no wrong value`);
    t.equal(await node.client.callPlain('SET', 'after', '1'), 'OK');
    // Until it has written anew what it has, it may be started so again.
    await until('what is left is written anew', async () => {
      const info = String(await node.client.callPlain('INFO', 'persistence'));
      return info.includes('aof_rewrite_in_progress:0') && !info.includes('aof_rewrites:0');
    });
    await node.stop();
    const again = await start(this.#dir);
    t.strictSame(await rounds(again.client), found, `${this.#what}: what is left stays`);
    t.equal(await again.client.callPlain('GET', 'after'), '1');
    await again.stop();
    const lost = found.filter((round, key) => round !== this.#sound[key]).length;
    return lost === 0 ? 'salvaged, all of it' : 'salvaged, not all';
  }
}

interface Tried {
  readonly origin: string;
  readonly name: string;
  readonly how: string;
  readonly damage: Damage;
  /** Of this case alone, so that it does not matter which one runs first. */
  readonly random: SeededRandom;
}

async function casesOf(origin: string, random: SeededRandom): Promise<Tried[]> {
  const names = await filesOf(origin);
  const all = names.flatMap((name) =>
    Object.entries(damages).map(([how, damage]) => ({ origin, name, how, damage })),
  );
  return random
    .shuffle(all)
    .slice(0, CASES)
    .map((each) => ({ ...each, random: seededRandom(random.below(2 ** 31)) }));
}

void t.test('damaged files', { timeout: 200_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'dhash-damaged-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { stopped, killed, sound } = await prepare(folder);
  const random = seededRandom(SEED);
  const seen = new Map<string, number>();
  const left = [...(await casesOf(stopped, random)), ...(await casesOf(killed, random))];
  const work = async (worker: number): Promise<void> => {
    for (let tried = left.shift(); tried !== undefined; tried = left.shift()) {
      const { origin, name, how, damage } = tried;
      const dir = join(folder, `copy${worker}`);
      await cp(origin, dir, { recursive: true });
      await damage(join(dir, name), tried.random);
      const what = `seed ${SEED}: ${origin.slice(folder.length + 1)}, ${name} ${how}`;
      const ended = await new Case(t, what, dir, sound).run();
      t.comment(`${what}: ${ended}`);
      seen.set(ended, (seen.get(ended) ?? 0) + 1);
      await rm(dir, { recursive: true });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, worker) => work(worker)));
  // Nothing else says up to where the log was whole.
  await cp(stopped, join(folder, 'copy'), { recursive: true });
  for (const name of ['records.a', 'records.b']) await rm(join(folder, 'copy', name));
  const ended = await new Case(t, 'both records removed', join(folder, 'copy'), sound).run();
  t.equal(ended, 'salvaged, all of it');
  t.comment(JSON.stringify([...seen]));
  t.ok(seen.has('whole') && seen.has('salvaged, not all'), 'both have been seen');
});
