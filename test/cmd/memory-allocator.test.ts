/** A node's process begins anew where it can, as the same one, for how memory is given to it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { tunedEnvironment } from '../../cmd/memory-allocator.js';
import { startDhash } from '../support/server-process.js';

const MODULE = new URL('../../cmd/memory-allocator.js', import.meta.url).href;
const CAN_BEGIN_ANEW = process.platform === 'linux' && 'execve' in process;
/** Heaps that glibc gives to threads begin at a multiple of so many bytes. */
const THREAD_HEAP_BYTES = 64n * 1024n * 1024n;

t.test('who starts a node has the last word', async (t) => {
  const huge = 'glibc.malloc.hugetlb=1';
  const all = { MALLOC_ARENA_MAX: '1', GLIBC_TUNABLES: huge };
  t.strictSame(tunedEnvironment({ A: 'b' }), { A: 'b', ...all });
  t.equal(tunedEnvironment(all), undefined);
  for (const [given, tuned] of [
    [{ MALLOC_ARENA_MAX: '4' }, { MALLOC_ARENA_MAX: '4', GLIBC_TUNABLES: huge }],
    [{ GLIBC_TUNABLES: huge }, all],
    [
      { GLIBC_TUNABLES: 'glibc.malloc.arena_max=2' },
      { GLIBC_TUNABLES: `glibc.malloc.arena_max=2:${huge}` },
    ],
    [
      { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=0:glibc.malloc.check=1' },
      { ...all, GLIBC_TUNABLES: 'glibc.malloc.hugetlb=0:glibc.malloc.check=1' },
    ],
  ]) {
    t.strictSame(tunedEnvironment(given!), tuned);
    t.equal(tunedEnvironment(tuned!), undefined);
  }
});

t.test('it is the same process, with the same arguments', async (t) => {
  const script = `import { beginWithTunedAllocator } from '${MODULE}'; beginWithTunedAllocator();
    console.log(JSON.stringify([process.pid, process.argv.slice(1), process.env.MALLOC_ARENA_MAX, process.env.GLIBC_TUNABLES]));`;
  const args = ['--input-type=module', '--eval', script, 'a', 'b c'];
  const { pid, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const tuned = CAN_BEGIN_ANEW ? ['1', 'glibc.malloc.hugetlb=1'] : [null, null];
  t.strictSame(JSON.parse(stdout), [pid, ['a', 'b c'], ...tuned]);
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

t.test('the data lies on huge pages, where the system gives them', async (t) => {
  const settings = '/sys/kernel/mm/transparent_hugepage/enabled';
  const isForAsking = existsSync(settings) && readFileSync(settings, 'utf8').includes('[madvise]');
  if (!isForAsking || !CAN_BEGIN_ANEW) return;
  for (const [env, isHuge] of [
    [{}, true],
    [{ GLIBC_TUNABLES: 'glibc.malloc.hugetlb=0' }, false],
  ] as const) {
    const server = await startDhash({ env });
    t.equal(advisedRegions(server.pid) > 0, isHuge, JSON.stringify(env));
    await server.stop();
  }
});

/** Whether pages there are huge is the system's choice; `hg`: it was asked for them. */
function advisedRegions(pid: number): number {
  const lines = readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n');
  return lines.filter((line) => /^VmFlags:.* hg\b/u.test(line)).length;
}

t.test('a process that only helps does not begin anew', (t) => {
  const command = fileURLToPath(new URL('../../../bin/dhash.js', import.meta.url));
  // Tells of each beginning.
  const tells = `data:text/javascript,${encodeURIComponent("process.stderr.write('begins ')")}`;
  for (const [word, begins] of [
    ['--help', 1],
    ['--no-such-option', CAN_BEGIN_ANEW ? 2 : 1],
  ] as const) {
    const args = ['--import', tells, command, 'node', word];
    const { stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    t.equal(stderr.split('begins').length - 1, begins, word);
  }
  t.end();
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
