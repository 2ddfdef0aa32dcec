/** What gathers blocks for the disk: who waits is not kept waiting, and others go together. */
import t from 'tap';
import { BLOCK_HEADER_BYTES } from '../../lib/persistence/block.js';
import { LogQueue } from '../../lib/persistence/log-queue.js';
import type { LogPut, LogStore } from '../../world/log-store.js';
import { ManualWorld } from '../support/manual-world.js';

const GATHER_MS = 10;
const ENOUGH_BYTES = 192 * 1024;
/** Of a block as the journal fills it. */
const BLOCK_BYTES = 60_000;

class Scene {
  readonly world = new ManualWorld();
  /** Blocks of each batch, and `+` if it was synced. */
  readonly batches: string[] = [];
  isAwaited = false;
  mustSync = false;
  readonly queue: LogQueue;

  constructor() {
    const store = {
      batch: async (puts: readonly LogPut[], _deletes: readonly Buffer[], isSynced: boolean) => {
        this.batches.push(`${puts.length}${isSynced ? '+' : ''}`);
      },
      close: async () => {},
    } as unknown as LogStore;
    this.queue = new LogQueue(
      { world: this.world, store, open: async () => store },
      {
        mustSync: () => this.mustSync,
        sealed: () => {},
        isAwaited: () => this.isAwaited,
        progressed: () => {},
        failed: (error) => {
          throw error;
        },
        recovered: () => {},
        giveBack: () => {},
      },
    );
  }

  add(bytes = 100): void {
    const buf = Buffer.alloc(BLOCK_HEADER_BYTES + bytes);
    this.queue.add([{ buf, end: buf.length, closes: true }]);
  }

  /** Lets so much time pass, and what was written be heard of. */
  async pass(ms: number): Promise<void> {
    this.world.advance(ms);
    for (let turns = 0; turns < 5; turns += 1) await Promise.resolve();
  }
}

t.test('blocks that nobody waits for are one batch', async (t) => {
  const scene = new Scene();
  scene.add();
  await scene.pass(GATHER_MS - 1);
  scene.add();
  t.strictSame(scene.batches, []);
  await scene.pass(1);
  t.strictSame(scene.batches, ['2'], 'so long after the first');
  t.equal(scene.queue.writtenNumber, 2);
  scene.add();
  await scene.pass(GATHER_MS - 1);
  t.strictSame(scene.batches, ['2']);
  await scene.pass(1);
  t.strictSame(scene.batches, ['2', '1'], 'and the next are gathered as long');
});

t.test('enough bytes go at once', async (t) => {
  const scene = new Scene();
  scene.add();
  scene.add(ENOUGH_BYTES);
  await scene.pass(0);
  t.strictSame(scene.batches, ['2']);
  await scene.pass(10 * GATHER_MS);
  t.strictSame(scene.batches, ['2'], 'nothing is left to gather');
});

for (const [count, batches, what] of [
  [10, ['4', '4', '2'], 'in short batches while there is little'],
  [30, ['4', '26'], 'all at once if there is much'],
] as const) {
  t.test(`what comes while a batch is under way goes ${what}`, async (t) => {
    const scene = new Scene();
    for (let i = 0; i < count; i += 1) scene.add(BLOCK_BYTES);
    for (let turns = 0; turns < 5; turns += 1) await scene.pass(GATHER_MS);
    t.strictSame(scene.batches, batches);
    t.equal(scene.queue.writtenNumber, count);
  });
}

for (const [name, urge, batch] of [
  ['somebody waits', (scene: Scene) => (scene.isAwaited = true), '2'],
  ['it must be synced', (scene: Scene) => (scene.mustSync = true), '2+'],
] as const) {
  t.test(`at once if ${name}`, async (t) => {
    const scene = new Scene();
    scene.add();
    urge(scene);
    scene.add();
    await scene.pass(0);
    t.strictSame(scene.batches, [batch]);
  });
}

t.test('a pair that goes with a block takes along what was gathered, synced', async (t) => {
  const scene = new Scene();
  scene.add();
  scene.queue.accompany({ key: Buffer.from('a'), value: Buffer.from('b') });
  await scene.pass(0);
  t.strictSame(scene.batches, ['2+']);
});

t.test('who waits until it is empty does not wait for more to come', async (t) => {
  const scene = new Scene();
  scene.add();
  const drained = scene.queue.drained();
  await scene.pass(0);
  await drained;
  t.strictSame(scene.batches, ['1']);
});
