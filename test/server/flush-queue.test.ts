/** Connections whose replies wait for the end of the turn. */
import t from 'tap';
import { FlushQueue } from '../../lib/server/flush-queue.js';
import { ManualWorld } from '../support/manual-world.js';

function scene(): { world: ManualWorld; queue: FlushQueue; flushed: string[] } {
  const world = new ManualWorld();
  const queue = new FlushQueue(world);
  const flushed: string[] = [];
  queue.beforeFlush = () => flushed.push('|');
  return { world, queue, flushed };
}

t.test('all are flushed in their order at the end of the turn, and once', async (t) => {
  const { flushed, queue, world } = scene();
  for (const name of ['a', 'b', 'c']) queue.add({ flush: () => flushed.push(name) });
  t.strictSame(flushed, []);
  world.turn();
  t.strictSame(flushed, ['|', 'a', 'b', 'c']);
  world.turn();
  queue.add({ flush: () => flushed.push('d') });
  world.turn();
  t.strictSame(flushed, ['|', 'a', 'b', 'c', '|', 'd']);
});

t.test('what is added meanwhile waits for the next turn, or until too many wait', async (t) => {
  const { flushed, queue, world } = scene();
  const more = (count: number): void => {
    for (let n = 0; n < count; n += 1) queue.add({ flush: () => flushed.push(`m${n}`) });
  };
  queue.add({ flush: () => more(200) });
  queue.add({ flush: () => flushed.push('last') });
  world.turn();
  const expected = Array.from({ length: 128 }, (_, n) => `m${n}`);
  t.strictSame(flushed, ['|', '|', ...expected, 'last'], 'others of the turn are not forgotten');
  flushed.length = 0;
  world.turn();
  t.strictSame(flushed, ['|', ...Array.from({ length: 72 }, (_, n) => `m${n + 128}`)]);
});
