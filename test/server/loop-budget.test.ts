/** What requests may take of a turn of the event loop, those that wait for it and those that come. */
import t from 'tap';
import { LoopBudget } from '../../lib/server/loop-budget.js';
import { ManualWorld } from '../support/manual-world.js';

/** Executes so many requests of a millisecond each, as a connection does. */
class Client {
  left: number;
  readonly #world: ManualWorld;
  readonly #budget: LoopBudget;

  constructor(world: ManualWorld, budget: LoopBudget, requests: number) {
    this.#world = world;
    this.#budget = budget;
    this.left = requests;
  }

  /** It has sent them. */
  data(): void {
    this.#budget.begin(this.#world.clock.monotonicMs());
    this.goOn();
  }

  goOn(): void {
    while (!this.#budget.isSpent(this.#world.clock.monotonicMs())) {
      if (this.left === 0) return;
      this.left -= 1;
      this.#world.nowMs += 1;
    }
    this.#budget.defer(this);
  }
}

t.test('what is put off lets a turn pass, and shares the next with what comes', async (t) => {
  const world = new ManualWorld();
  world.advance(1000);
  const budget = new LoopBudget(world);
  const first = new Client(world, budget, 20);
  const second = new Client(world, budget, 20);
  first.data();
  second.data();
  t.strictSame([first.left, second.left], [15, 20], 'the turn is spent');
  world.turn();
  t.strictSame([first.left, second.left], [15, 20], 'and nothing more happens in it');
  const third = new Client(world, budget, 20);
  third.data();
  t.equal(third.left, 17, 'half of the next is of those that come');
  world.turn();
  t.strictSame([first.left, second.left, third.left], [12, 20, 17], 'half of those that waited');
  world.turn();
  t.strictSame(
    [first.left, second.left, third.left],
    [12, 17, 17],
    'who has not had a share first',
  );
  let turns = 0;
  for (; first.left + second.left + third.left > 0; turns += 1) {
    const beganMs = world.nowMs;
    world.turn();
    t.ok(world.nowMs - beganMs <= 3, 'no turn is longer');
    if (turns > 100) break;
  }
  t.ok(turns < 30, `all is done after ${turns} turns more`);
  world.turn();
  world.advance(1);
  const last = new Client(world, budget, 3);
  last.data();
  t.equal(last.left, 0, 'what comes later has a whole turn');
});
