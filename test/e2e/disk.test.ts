/** Real processes on a real disk: killed, full, damaged, traced. */
import { spawn } from 'node:child_process';
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { AS_ROOT, cannotAsRoot, runAsRoot } from '../support/as-root.js';
import { crashAgainAndAgain } from '../support/crash.js';
import { seededRandom } from '../support/random.js';
import { runProgram } from '../support/run-program.js';
import {
  dhashProgram,
  type ServerProcess,
  spawnDhash,
  startDhash,
} from '../support/server-process.js';
import { until } from '../support/until.js';

const SEED = Number(process.env['SEED'] ?? 1);

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dhash-disk-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

void t.test('killed at random moments under load', { timeout: 150_000 }, async (t) => {
  const folder = await newFolder();
  const random = seededRandom(SEED);
  const problems = await crashAgainAndAgain({ folder, kills: 14, random });
  t.strictSame(problems, [], `seed ${SEED}`);
});

void t.test('a stop keeps everything; a folder in use is refused by name', async (t) => {
  const folder = join(await newFolder(), 'new', 'folder');
  const server = await startDhash({ args: ['--dir', folder] });
  const client = await server.connect();
  for (let i = 0; i < 1000; i += 1) client.send('SET', `k${i}`, i);
  for (let i = 0; i < 1000; i += 1) await client.read();
  const second = spawnDhash([
    'node',
    '--port',
    '0',
    '--unixsocket',
    `${folder}.sock`,
    '--dir',
    folder,
  ]);
  t.equal((await second.exited).code, 1);
  t.match(second.output(), `${folder} is in use by another process`);
  t.equal((await server.stop()).code, 0);
  const again = await startDhash({ args: ['--dir', folder] });
  t.equal(await (await again.connect()).callPlain('DBSIZE'), 1000);
  t.match(again.output(), /loaded from disk/);
  await again.stop();
});

void t.test(
  'every acknowledgement of `always` comes after its sync',
  { skip: cannotAsRoot('strace') },
  async (t) => {
    const folder = await newFolder();
    const trace = join(folder, 'trace');
    const server = await startDhash({ args: ['--dir', join(folder, 'd'), '--fsync', 'always'] });
    const traced = 'trace=fdatasync,fsync,write,pwrite64,writev,sendto,sendmsg';
    const strace = spawn(AS_ROOT[0] ?? 'strace', [
      ...(AS_ROOT.length === 0 ? [] : [...AS_ROOT.slice(1), 'strace']),
      '-f',
      '-y',
      '-s',
      '256',
      '-e',
      traced,
      '-p',
      `${server.pid}`,
      '-o',
      trace,
    ]);
    let said = '';
    strace.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const ended = new Promise<void>((resolve, reject) => {
      strace.on('close', () => resolve());
      strace.on('error', reject);
    });
    ended.catch(() => {});
    await until(`strace is attached: ${said}`, () => said.includes('attached'));
    const client = await server.connect();
    for (let i = 0; i < 50; i += 1) {
      t.equal(await client.callPlain('SET', `acknowledged-${i}`, `value-${i}`), 'OK');
    }
    await server.stop();
    await ended;
    const calls = await readFile(trace, 'utf8');
    t.strictSame(acknowledgedTooSoon(calls), { replies: 50, tooSoon: 0 });
    const withoutSyncs = calls.replaceAll(/^.*sync.*$/gm, '');
    t.strictSame(acknowledgedTooSoon(withoutSyncs), { replies: 50, tooSoon: 50 }, 'it looks');
  },
);

/**
 * Goes through the system calls in order: an entry is written to a file, a sync of that file begins
 * after that and ends, and only then may the +OK be written.
 */
function acknowledgedTooSoon(trace: string): { replies: number; tooSoon: number } {
  /** By file: the entries that were written to it, up to this one. */
  const written = new Map<string, number>();
  /** By thread: the sync under way, and the entries that it covers. */
  const underWay = new Map<string, number>();
  let synced = -1;
  let replies = 0;
  let tooSoon = 0;
  for (const line of trace.split('\n')) {
    const thread = line.slice(0, line.indexOf(' '));
    const file = /\(\d+<([^>]*)>/.exec(line)?.[1] ?? '';
    const entry = /acknowledged-(\d+)/.exec(line)?.[1];
    const isSync = /f(data)?sync/.test(line);
    if (isSync && !line.includes('resumed')) underWay.set(thread, written.get(file) ?? -1);
    if (isSync && line.endsWith('= 0')) synced = Math.max(synced, underWay.get(thread) ?? -1);
    if (entry !== undefined) written.set(file, Math.max(Number(entry), written.get(file) ?? -1));
    if (!line.includes('+OK\\r\\n')) continue;
    if (synced < replies) tooSoon += 1;
    replies += 1;
  }
  return { replies, tooSoon };
}

void t.test(
  'a full disk: MISCONF, reads, and back again by itself',
  { skip: cannotAsRoot('mount') },
  async (t) => {
    const folder = await newFolder();
    const disk = join(folder, 'small');
    await mkdir(disk);
    runAsRoot('mount', '-t', 'tmpfs', '-o', 'size=100m', 'tmpfs', disk);
    let server: ServerProcess | undefined;
    try {
      const args = ['--dir', join(disk, 'd'), '--auto-aof-rewrite-percentage', '0'];
      server = await startDhash({ args });
      const client = await server.connect();
      await writeFile(join(disk, 'ballast'), Buffer.alloc(60 * 1024 * 1024));
      const value = 'v'.repeat(20_000);
      const acknowledged: number[] = [];
      let refusal = '';
      for (let i = 0; i < 5000 && refusal === ''; i += 1) {
        const reply = await client.callPlain('SET', `k${i}`, `${value}${i}`);
        if (reply === 'OK') acknowledged.push(i);
        else refusal = String(reply);
      }
      t.match(refusal, /MISCONF Errors writing to the AOF file: .*/);
      t.equal(await client.callPlain('GET', 'k0'), `${value}0`, 'reads go on');
      await rm(join(disk, 'ballast'));
      await until('it takes writes again', async () => {
        return (await client.callPlain('SET', 'after', '1')) === 'OK';
      });
      server.signal('SIGKILL');
      await server.exited;
      server = await startDhash({ args });
      const after = await server.connect();
      t.equal(await after.callPlain('GET', 'after'), '1');
      for (const i of acknowledged) {
        if ((await after.callPlain('GET', `k${i}`)) !== `${value}${i}`) t.fail(`k${i} is lost`);
      }
      t.ok(acknowledged.length > 100, `${acknowledged.length} acknowledged`);
    } finally {
      await server?.stop();
      runAsRoot('umount', disk);
    }
  },
);

void t.test(
  'started on a full disk: it says so and ends, or refuses writes until there is room',
  { skip: cannotAsRoot('mount') },
  async (t) => {
    const folder = await newFolder();
    const disk = join(folder, 'small');
    const dir = join(disk, 'd');
    const ballast = join(disk, 'ballast');
    await mkdir(disk);
    runAsRoot('mount', '-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', disk);
    let server: ServerProcess | undefined;
    try {
      const args = ['--dir', dir];
      server = await startDhash({ args });
      const client = await server.connect();
      for (let i = 0; i < 1000; i += 1) client.send('SET', `k${i}`, i);
      for (let i = 0; i < 1000; i += 1) await client.read();
      for (const leftBytes of [0, 4096, 65_536, 400_000, 1_000_000, 6_000_000]) {
        server.signal('SIGKILL');
        await server.exited;
        await fillUp(ballast, leftBytes);
        const started = await startDhash({ args }).catch((error: Error) => error);
        if (started instanceof Error) {
          const said = started.message.split('\n').filter((line) => line.startsWith('dhash: '));
          t.equal(said.length, 1, `${leftBytes} bytes left: it ends, with one line`);
          t.match(said[0], `dhash: there is no room on the disk of ${dir}: `);
          await rm(ballast);
          server = await startDhash({ args });
        } else {
          server = started;
          t.match(await refusalOf(server), /MISCONF .*/, `${leftBytes} bytes left: no writes`);
          await rm(ballast);
        }
        const again = await server.connect();
        await until(
          'it takes writes',
          async () => (await again.callPlain('SET', 'k', 'v')) === 'OK',
        );
        await again.callPlain('DEL', 'k');
        t.equal(await again.callPlain('DBSIZE'), 1000, 'nothing was harmed');
      }
    } finally {
      await server?.stop();
      runAsRoot('umount', disk);
    }
  },
);

/** What a write is refused with, once there is no room for more. */
async function refusalOf(server: ServerProcess): Promise<string> {
  const client = await server.connect();
  for (let i = 0; i < 2000; i += 1) {
    const reply = await client.callPlain('SET', 'k', 'v'.repeat(20_000));
    if (reply === 'OK') continue;
    t.equal(await client.callPlain('GET', 'k1'), '1', 'reads go on');
    return String(reply);
  }
  return 'none';
}

/** Makes a file of all the room that there is, but for so many bytes. */
async function fillUp(path: string, leftBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  await writeFile(path, Buffer.alloc(Math.max(0, bavail * bsize - leftBytes)));
}

void t.test(
  'a file system that is read-only, or belongs to another user: said by name',
  { skip: cannotAsRoot('mount', 'setpriv') },
  async (t) => {
    const folder = await newFolder();
    const disk = join(folder, 'small');
    const dir = join(disk, 'd');
    await mkdir(disk);
    runAsRoot('mount', '-t', 'tmpfs', '-o', 'size=100m', 'tmpfs', disk);
    let server: ServerProcess | undefined;
    try {
      server = await startDhash({ args: ['--dir', dir] });
      const client = await server.connect();
      for (let i = 0; i < 1000; i += 1) client.send('SET', `k${i}`, i);
      for (let i = 0; i < 1000; i += 1) await client.read();
      await server.stop();
      const args = ['node', '--port', '0', '--unixsocket', join(folder, 's'), '--dir', dir];
      runAsRoot('mount', '-o', 'remount,ro', disk);
      const refused = spawnDhash(args);
      t.equal((await refused.exited).code, 1);
      t.match(
        refused.output(),
        new RegExp(`${dir} cannot be written: .*read-only file system`, 'i'),
      );
      runAsRoot('mount', '-o', 'remount,rw', disk);
      if (process.getuid?.() === 0) {
        await chmod(folder, 0o755);
        const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
        const program = [process.execPath, dhashProgram(), ...args];
        const { code, output } = await runProgram('setpriv', [...nobody, ...program]);
        t.equal(code, 1);
        t.match(output, new RegExp(`${dir} cannot be written: .*permission denied`, 'i'));
      }
      server = await startDhash({ args: ['--dir', dir] });
      t.equal(await (await server.connect()).callPlain('DBSIZE'), 1000, 'nothing was harmed');
    } finally {
      await server?.stop();
      runAsRoot('umount', disk);
    }
  },
);

/** A file system in a file, which the kernel takes for broken when it is told to. */
class BreakableDisk {
  readonly #folder: string;
  readonly #device: string;

  constructor(image: string, folder: string) {
    this.#folder = folder;
    runAsRoot('truncate', '-s', '64m', image);
    runAsRoot('mkfs.ext4', '-q', '-F', image);
    this.#device = runAsRoot('losetup', '--find', '--show', image).trim();
    this.mount();
  }

  mount(): void {
    runAsRoot('mount', '-o', 'errors=remount-ro', this.#device, this.#folder);
    runAsRoot('chown', `${process.getuid?.()}`, this.#folder);
  }

  turnReadOnly(): void {
    const device = this.#device.slice('/dev/'.length);
    runAsRoot('sh', '-c', `echo x > /sys/fs/ext4/${device}/trigger_fs_error`);
  }

  /** False: somebody has files open. */
  unmount(): boolean {
    try {
      runAsRoot('umount', this.#folder);
    } catch {
      return false;
    }
    return true;
  }

  /** Exit code 1 says that something was mended. */
  repair(): void {
    runAsRoot('sh', '-c', `fsck.ext4 -y ${this.#device} || [ $? -eq 1 ]`);
  }

  remove(): void {
    this.unmount();
    runAsRoot('losetup', '--detach', this.#device);
  }
}

void t.test(
  'a file system turns read-only under a node, and is mounted again',
  { skip: cannotAsRoot('mount', 'losetup', 'mkfs.ext4', 'fsck.ext4') },
  async (t) => {
    const folder = await newFolder();
    const mounted = join(folder, 'mounted');
    await mkdir(mounted);
    const disk = new BreakableDisk(join(folder, 'image'), mounted);
    let server: ServerProcess | undefined;
    try {
      const args = ['--dir', join(mounted, 'd')];
      server = await startDhash({ args });
      const writer = await server.connect();
      for (let i = 0; i < 500; i += 1) t.equal(await writer.callPlain('SET', `k${i}`, i), 'OK');
      disk.turnReadOnly();
      // By a sync of its own the node may have found out before, and refuses.
      const told = await writer.callPlain('SET', 'in doubt', '1').catch(String);
      t.match(String(told), /closed|MISCONF/, 'nobody is told that it is safe');
      const client = await server.connect();
      t.match(
        String(await client.callPlain('SET', 'refused', '1')),
        /MISCONF .*[Rr]ead-only file system/,
      );
      t.equal(await client.callPlain('GET', 'k7'), '7', 'reads go on');
      await until('the node holds no file of it', () => disk.unmount());
      disk.repair();
      disk.mount();
      await until('it takes writes again', async () => {
        return (await client.callPlain('SET', 'after', '1').catch(() => undefined)) === 'OK';
      });
      server.signal('SIGKILL');
      await server.exited;
      server = await startDhash({ args });
      const after = await server.connect();
      for (let i = 0; i < 500; i += 1) {
        if ((await after.callPlain('GET', `k${i}`)) !== `${i}`) t.fail(`k${i} is lost`);
      }
      t.equal(await after.callPlain('GET', 'after'), '1');
      t.equal(await after.callPlain('EXISTS', 'refused'), 0);
    } finally {
      await server?.stop();
      disk.remove();
    }
  },
);

void t.test('flipped bits in the files: found, or harmless', async (t) => {
  const folder = await newFolder();
  const sound = join(folder, 'sound');
  const server = await startDhash({ args: ['--dir', sound] });
  const client = await server.connect();
  for (let i = 0; i < 3000; i += 1) client.send('SET', `k${i}`, `value-${i}`);
  for (let i = 0; i < 3000; i += 1) await client.read();
  await server.stop();
  const random = seededRandom(SEED);
  const seen = new Set<string>();
  for (let round = 0; round < 8; round += 1) {
    const copy = join(folder, `copy-${round}`);
    await cp(sound, copy, { recursive: true });
    const names = (await readdir(join(copy, 'log'))).filter((name) => /\.(log|ldb)$/.test(name));
    const path = join(copy, 'log', random.pick(names));
    const bytes = await readFile(path);
    if (bytes.length === 0) continue;
    const at = random.below(bytes.length);
    bytes[at] = bytes[at]! ^ (1 << random.below(8));
    await writeFile(path, bytes);
    // What the pad still has would heal the log.
    await rm(join(copy, 'pad'));
    const node = spawnDhash(['node', '--port', '0', '--unixsocket', `${copy}.sock`, '--dir', copy]);
    const what = `seed ${SEED}, round ${round}, ${path} byte ${at}`;
    const ended = await Promise.race([
      node.exited.then(({ code }) => `exit ${code}`),
      until('it serves', () => node.output().includes('is serving')).then(
        () => 'serves',
        () => 'neither',
      ),
    ]);
    seen.add(ended);
    if (ended === 'serves') {
      const loaded = /"records":(\d+)/.exec(node.output())?.[1];
      t.ok(Number(loaded) >= 3000, `${what}: ${loaded} records`);
    } else {
      t.equal(ended, 'exit 1', what);
      t.match(node.output(), /is damaged: .*--load-damaged yes/, what);
    }
    await node.stop();
  }
  t.comment([...seen].join());
});
