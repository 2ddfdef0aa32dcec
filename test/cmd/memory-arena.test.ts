/** A node's process gives memory from one arena where it can begin anew for that; as the same process. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { environmentWithOneArena } from '../../cmd/memory-arena.js';
import { startDhash } from '../support/server-process.js';

const MODULE = new URL('../../cmd/memory-arena.js', import.meta.url).href;
const CAN_BEGIN_ANEW = process.platform === 'linux' && 'execve' in process;
/** Heaps that glibc gives to threads begin at a multiple of so many bytes. */
const THREAD_HEAP_BYTES = 64n * 1024n * 1024n;

t.test('who starts a node has the last word', async (t) => {
  t.strictSame(environmentWithOneArena({ A: 'b' }), { A: 'b', MALLOC_ARENA_MAX: '1' });
  t.equal(environmentWithOneArena({ MALLOC_ARENA_MAX: '4' }), undefined);
  t.equal(environmentWithOneArena({ GLIBC_TUNABLES: 'glibc.malloc.arena_max=2' }), undefined);
  const huge = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' };
  t.strictSame(environmentWithOneArena(huge), { ...huge, MALLOC_ARENA_MAX: '1' });
});

t.test('it is the same process, with the same arguments', async (t) => {
  const script = `import { beginWithOneArena } from '${MODULE}'; beginWithOneArena();
    console.log(JSON.stringify([process.pid, process.argv.slice(1), process.env.MALLOC_ARENA_MAX]));`;
  const args = ['--input-type=module', '--eval', script, 'a', 'b c'];
  const { pid, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const arenas = CAN_BEGIN_ANEW ? '1' : null;
  t.strictSame(JSON.parse(stdout), [pid, ['a', 'b c'], arenas]);
});

t.test('threads have no heaps of their own, where a process can begin anew', async (t) => {
  if (process.platform !== 'linux') return;
  for (const [env, isOne] of [
    [{}, CAN_BEGIN_ANEW],
    [{ MALLOC_ARENA_MAX: '8' }, false],
  ] as const) {
    const server = await startDhash({ env });
    t.equal(threadHeaps(server.pid) === 0, isOne, JSON.stringify(env));
    await server.stop();
  }
});

function threadHeaps(pid: number): number {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n');
  return lines.filter((line) => {
    const [range, rights, , , inode, path] = line.split(/\s+/);
    if (rights !== 'rw-p' || inode !== '0' || (path ?? '') !== '') return false;
    const [from] = range!.split('-');
    return BigInt(`0x${from}`) % THREAD_HEAP_BYTES === 0n;
  }).length;
}
