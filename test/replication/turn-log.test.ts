/** Which groups turns have changed, however many there were since. */
import t from 'tap';
import { Group } from '../../lib/replication/groups.js';
import { TURNS_MAX } from '../../lib/replication/limits.js';
import { TurnLog, type TurnRecord } from '../../lib/replication/turn-log.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
const TURNS = 20 * TURNS_MAX;
const EXACT = TURNS_MAX / 4;

t.test(`no turn is forgotten, SEED=${seed}`, (t) => {
  const random = seededRandom(seed);
  const groups = Array.from({ length: 5 }, () => new Group([]));
  const log = new TurnLog();
  const oracle: { groups: Set<Group>; record: TurnRecord; last: number }[] = [];
  for (let turn = 1; turn <= TURNS; turn += 1) {
    const changed = groups.filter(() => random.chance(0.3));
    if (changed.length === 0) changed.push(random.pick(groups));
    const walks = random.chance(0.01) ? 1 : 0;
    const record = log.add(turn, changed, walks);
    oracle.push({ groups: new Set(changed), record, last: turn });
    if (random.chance(0.1)) endWalk(random.pick(oracle), turn);
  }
  const walking = oracle.filter(({ record }) => record.walkCount > 0);
  t.ok(walking.length > 0);
  for (let tries = 0; tries < 2000; tries += 1) {
    const first = 1 + random.below(TURNS);
    const last = Math.min(TURNS, first + random.below(8));
    const asked = oracle.slice(first - 1, last);
    const found = log.changedBy(first, last);
    if (asked.some(({ record }) => record.walkCount > 0)) {
      t.equal(found, undefined, `${first} to ${last}: a walk goes on`);
      continue;
    }
    const wanted = new Set(asked.flatMap(({ groups }) => [...groups]));
    for (const group of wanted)
      if (found?.groups.has(group) !== true) t.fail(`${first}: forgotten`);
    t.ok(found!.last >= Math.max(...asked.map(({ last }) => last)), 'nor what it was sent with');
    if (first > TURNS - EXACT) t.equal(found!.groups.size, wanted.size, 'the last ones exactly');
  }
  t.end();

  function endWalk(one: (typeof oracle)[number], turn: number): void {
    if (one.record.walkCount === 0) return;
    one.record.walkCount = 0;
    one.record.sentWith = turn;
    one.last = turn;
  }
});
