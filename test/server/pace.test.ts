/** Pace: work that nobody waits for takes a quarter of the time while clients are busy, else all. */
import t from 'tap';
import { BackgroundWork } from '../../lib/server/background.js';
import { Pace } from '../../lib/server/pace.js';
import { ManualWorld } from '../support/manual-world.js';

const RUN_MS = 400;
const SLICE_MS = 2;

/** How many ms of `RUN_MS` work took that always has more to do. */
function workedMs(areBusy: boolean): number {
  const world = new ManualWorld();
  const clients = { servedMs: Number.NEGATIVE_INFINITY };
  const pace = new Pace(world, clients);
  let worked = 0;
  const work = new BackgroundWork(
    world,
    () => {
      // A slice takes time, which nothing else gets.
      world.nowMs += SLICE_MS;
      worked += SLICE_MS;
      return false;
    },
    pace,
  );
  const endMs = world.nowMs + RUN_MS;
  if (areBusy) clients.servedMs = world.clock.monotonicMs();
  work.start();
  while (world.nowMs < endMs) {
    if (areBusy) clients.servedMs = world.clock.monotonicMs();
    world.nowMs += 1;
    world.turn();
  }
  return worked;
}

void t.test('a quarter while clients are busy', (t) => {
  const share = workedMs(true) / RUN_MS;
  t.ok(share > 0.15 && share <= 0.26, `${share}`);
  t.end();
});

void t.test('all while nobody asks', (t) => {
  const share = workedMs(false) / RUN_MS;
  t.ok(share > 0.6, `${share}`);
  t.end();
});

void t.test('slices are short while clients are busy', (t) => {
  const world = new ManualWorld();
  const clients = { servedMs: world.clock.monotonicMs() };
  const pace = new Pace(world, clients);
  const slices: number[] = [];
  const work = new BackgroundWork(
    world,
    (deadlineMs) => {
      slices.push(deadlineMs - world.clock.monotonicMs());
      return false;
    },
    pace,
  );
  work.start();
  world.turn();
  world.nowMs += 1000;
  world.turn();
  t.strictSame(slices.slice(0, 2), [1, SLICE_MS]);
  t.end();
});
