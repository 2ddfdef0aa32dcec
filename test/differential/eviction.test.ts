/**
 * Every eviction policy beside a real redis-server: which keys may go, which of them go first, and
 * what a write is told when none may. Idle times and frequencies are given with RESTORE.
 */
import t from 'tap';
import type { RespClient } from '../support/resp-client.js';
import { type ServerProcess, startDhash, startRedis } from '../support/server-process.js';

const KEYS = 400;
const VALUE = 'v'.repeat(1000);
/** What is to be given back: about a quarter of the keys. */
const EXCESS_BYTES = (KEYS * VALUE.length) / 4;
/** Nobody evicts exactly in order: both draw samples. */
const WRONG_MAX = KEYS / 40;

interface Seen {
  /** Keys left by what they are: `c` cold, `h` hot; `v` with an expiry, `p` without. */
  readonly left: Readonly<Record<string, number>>;
  readonly reply: string;
}

async function evictBy(client: RespClient, policy: string): Promise<Seen> {
  await client.call('FLUSHALL');
  await client.call('CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', policy);
  await client.call('CONFIG', 'SET', 'maxmemory-samples', '20');
  await client.call('SET', 'source', VALUE);
  const dump = (await client.call('DUMP', 'source')).bytes!;
  await client.call('DEL', 'source');
  const isLfu = policy.endsWith('lfu');
  for (let i = 0; i < KEYS; i += 1) {
    const [isHot, isVolatile] = [i % 2 === 0, i % 4 < 2];
    const key = `${isHot ? 'h' : 'c'}${isVolatile ? 'v' : 'p'}${i}`;
    const ttlMs = isVolatile ? (isHot ? 9_000_000 : 1_000_000) : 0;
    const access = isLfu ? ['FREQ', isHot ? '200' : '1'] : ['IDLETIME', isHot ? '0' : '50000'];
    client.send('RESTORE', key, `${ttlMs}`, dump, ...access);
  }
  for (let i = 0; i < KEYS; i += 1) await client.read();
  const info = String(await client.callPlain('INFO', 'memory'));
  const number = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1]);
  const counted = number('used_memory') - number('mem_not_counted_for_evict');
  await client.call('CONFIG', 'SET', 'maxmemory', `${counted - EXCESS_BYTES}`);
  const reply = String(await client.callPlain('SET', 'one-more', 'v'));
  const left: Record<string, number> = { cv: 0, hv: 0, cp: 0, hp: 0 };
  for (const key of (await client.callPlain('KEYS', '[ch][vp]*')) as string[]) {
    left[key.slice(0, 2)]! += 1;
  }
  return { left, reply };
}

const each = KEYS / 4;

void t.test('policies', async (t) => {
  const servers: ServerProcess[] = [await startRedis(), await startDhash()];
  t.teardown(() => Promise.all(servers.map((server) => server.stop())));
  for (const server of servers) {
    const client = await server.connect();
    const by = (policy: string) => evictBy(client, policy);
    const what = (policy: string) => `${server.name}, ${policy}`;
    const none = await by('noeviction');
    t.match(
      none.reply,
      /OOM command not allowed when used memory > 'maxmemory'/,
      what('noeviction'),
    );
    t.strictSame(none.left, { cv: each, hv: each, cp: each, hp: each }, what('noeviction'));
    for (const kind of ['lru', 'lfu', 'random', 'ttl'] as const) {
      const policy = `volatile-${kind}`;
      const { left, reply } = await by(policy);
      t.equal(reply, 'OK', what(policy));
      t.strictSame([left['cp'], left['hp']], [each, each], `${what(policy)}: others stay`);
      t.ok(left['cv']! + left['hv']! < 2 * each - each / 2, what(policy));
      if (kind === 'random') t.ok(left['hv']! < each, `${what(policy)}: any of them`);
      else t.ok(left['hv']! >= each - WRONG_MAX, `${what(policy)}: ${left['hv']} of ${each}`);
    }
    for (const kind of ['lru', 'lfu', 'random'] as const) {
      const policy = `allkeys-${kind}`;
      const { left, reply } = await by(policy);
      t.equal(reply, 'OK', what(policy));
      t.ok(
        left['cp']! < each && left['cv']! < each,
        `${what(policy)}: both with and without expiry`,
      );
      const hot = left['hp']! + left['hv']!;
      if (kind === 'random') t.ok(hot < 2 * each, `${what(policy)}: any of them`);
      else t.ok(hot >= 2 * each - WRONG_MAX, `${what(policy)}: ${hot} of ${2 * each}`);
    }
    await client.close();
  }
});
