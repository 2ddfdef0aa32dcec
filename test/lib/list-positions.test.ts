/** Positions of list elements against their definition: order, and room between any two. */
import t from 'tap';
import {
  COMPONENT_BYTES_MAX,
  componentNumber,
  onlyPosition,
  positionAfter,
  positionBefore,
  positionBetween,
  writeComponent,
} from '../../lib/types/list-positions.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const NUMBERS = [0, 1, 63, 64, 2 ** 14, 2 ** 21, 2 ** 28, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53];
const ORIGINS = [0, 1, 127, 128, 255, 2 ** 14 - 1, 2 ** 14, 2 ** 16 - 1];
const target = Buffer.alloc(64 * 1024);

function component(number: number, origin: number): Buffer {
  return Buffer.from(target.subarray(0, writeComponent(target, 0, number, origin)));
}

function between(low: Buffer, high: Buffer, origin: number): Buffer {
  const bytes = positionBetween(low, low.length, high, origin, target);
  return Buffer.from(target.subarray(0, bytes));
}

t.test('components sort by number, then by origin', (t) => {
  const around = NUMBERS.flatMap((n) => [n - 1, n, n + 1]).filter(Number.isSafeInteger);
  const numbers = [...new Set(around.flatMap((n) => [n, -1 - n]))].sort((a, b) => a - b);
  let last: Buffer = Buffer.alloc(0);
  for (const number of numbers) {
    for (const origin of ORIGINS) {
      const bytes = component(number, origin);
      t.ok(Buffer.compare(last, bytes) < 0, `${number} ${origin}`);
      t.ok(bytes.length <= COMPONENT_BYTES_MAX);
      t.equal(componentNumber(bytes, 0), number);
      t.notOk(last.length > 0 && bytes.subarray(0, last.length).equals(last), 'no prefix');
      last = bytes;
    }
  }
  t.end();
});

t.test('pushes take four bytes up to two million at an end', (t) => {
  t.equal(onlyPosition(1, target), 3);
  t.equal(component(2 ** 21 - 1, 127).length, 4);
  t.equal(component(-(2 ** 21), 127).length, 4);
  t.equal(component(2 ** 21, 127).length, 5);
  t.end();
});

function randomIndex(random: SeededRandom, kind: number, count: number): number {
  if (kind === 0) return random.below(count + 1);
  if (kind === 1) return Math.floor(count / 2);
  if (kind === 2) return Math.min(count, 1);
  if (kind === 3) return Math.max(0, count - 1);
  return random.pick([0, count]);
}

for (const kind of [0, 1, 2, 3, 4]) {
  const seed = seedOfRun();
  t.test(`insertions at places of kind ${kind} keep their order (seed ${seed})`, (t) => {
    const random = seededRandom(seed);
    const positions: Buffer[] = [];
    for (let step = 0; step < 1000; step += 1) {
      const origin = random.pick(ORIGINS);
      const at = randomIndex(random, kind, positions.length);
      const [low, high] = [positions[at - 1], positions[at]];
      let position: Buffer;
      if (low !== undefined && high !== undefined) {
        position = between(low, high, origin);
      } else {
        let bytes = 0;
        if (low !== undefined) bytes = positionAfter(low, origin, target);
        else if (high !== undefined) bytes = positionBefore(high, origin, target);
        else bytes = onlyPosition(origin, target);
        position = Buffer.from(target.subarray(0, bytes));
      }
      if (low !== undefined && Buffer.compare(low, position) >= 0) t.fail(`${step}: not above`);
      if (high !== undefined && Buffer.compare(position, high) >= 0) t.fail(`${step}: not below`);
      positions.splice(at, 0, position);
      if (random.chance(0.2)) positions.splice(random.below(positions.length), 1);
    }
    const longest = Math.max(...positions.map((position) => position.length));
    if (kind === 2 || kind === 3) t.ok(longest < 40, `${longest} bytes`);
    t.pass(`longest ${longest}`);
    t.end();
  });
}

t.test('members that take the same place apart do not collide', (t) => {
  const [low, high] = [component(5, 1), component(6, 1)];
  const [mine, theirs] = [between(low, high, 1), between(low, high, 2)];
  t.not(Buffer.compare(mine, theirs), 0);
  const inner = between(mine, theirs, 3);
  t.ok(Buffer.compare(mine, inner) < 0 && Buffer.compare(inner, theirs) < 0);
  t.end();
});
