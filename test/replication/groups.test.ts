/** Groups: against `Responsibility.find`, and how many a level asks for while the ring changes. */
import t from 'tap';
import { Responsibility } from '../../discord/ring/responsibility.js';
import { type Member, membersAfter, type View } from '../../discord/ring/view.js';
import { Group, Groups, type Holder } from '../../lib/replication/groups.js';
import { LEVEL_ALL, LEVEL_ONE, LEVEL_QUORUM } from '../../lib/replication/levels.js';
import type { ReplicaStream } from '../../lib/replication/replica-stream.js';
import { seededRandom } from '../support/random.js';

const SELF = '0'.repeat(40);

function memberOf(n: number, position: Buffer): Member {
  const id = n.toString(16).padStart(40, '0');
  return { id, address: `m${n}:1`, position, origin: n };
}

void t.test('as Responsibility has it', (t) => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = seededRandom(seed);
    const count = 1 + random.below(7);
    const positions = [...new Set(Array.from({ length: 20 }, () => random.below(250)))].sort(
      (a, b) => a - b,
    );
    const members = positions.slice(0, count).map((at, n) => memberOf(n, Buffer.from([at])));
    const joining = memberOf(99, Buffer.from([random.below(250), 1]));
    const change = { kind: 'join', member: joining } as const;
    const view: View = {
      clusterId: '0'.repeat(32),
      epoch: 1,
      replicas: 1 + random.below(4),
      settings: [],
      originNext: 100,
      members,
      ...(random.chance(0.5) ? { next: { change, members: membersAfter(members, change) } } : {}),
    };
    const responsibility = new Responsibility(view);
    const streams = new Map<string, ReplicaStream>();
    const groups = new Groups(responsibility, ({ id }): Holder => {
      if (id === SELF) return null;
      if (!streams.has(id)) streams.set(id, { memberId: id } as ReplicaStream);
      return streams.get(id)!;
    });
    const found: Member[] = [];
    const receivers: string[][] = [];
    const oracle: string[][] = [];
    for (let n = 0; n < 50; n += 1) {
      const key = random.bytes(random.below(3));
      responsibility.find(key, 0, key.length, found);
      const expected = found.map(({ id }) => id).filter((id) => id !== SELF);
      const group = groups.of(key, 0, key.length);
      const ids = group.receivers.map(({ memberId }) => memberId);
      receivers.push(ids.sort());
      oracle.push(expected.sort());
      if (groups.of(key, 0, key.length) !== group) t.fail('one object for the same keys');
    }
    t.strictSame(receivers, oracle, `seed ${seed}: receivers`);
  }
  t.end();
});

void t.test('as many as the level says, in either view', (t) => {
  const [a, b, c, d] = 'abcd'.split('').map((memberId) => ({ memberId }) as ReplicaStream);
  const changing = new Group([
    [null, a!, b!],
    [c!, d!, null],
  ]);
  const rows: Record<string, { has: Holder[]; levels: boolean[] }> = {
    nobody: { has: [], levels: [false, false, false] },
    'this node alone': { has: [null], levels: [true, false, false] },
    'a majority of the current one': { has: [null, a!, b!], levels: [true, false, false] },
    'a majority of the next one': { has: [null, c!, d!], levels: [true, false, false] },
    'a majority of either': { has: [null, a!, d!], levels: [true, true, false] },
    'all but one': { has: [null, a!, b!, c!], levels: [true, true, false] },
    all: { has: [null, a!, b!, c!, d!], levels: [true, true, true] },
  };
  for (const [name, { has, levels }] of Object.entries(rows)) {
    const enough = [LEVEL_ONE, LEVEL_QUORUM, LEVEL_ALL].map((level) =>
      changing.isEnough(level, (holder) => has.includes(holder)),
    );
    t.strictSame(enough, levels, name);
  }
  t.end();
});
