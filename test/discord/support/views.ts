/** Views at random, small and hostile: short alphabets, prefixes of each other, the empty position. */

import { Buffer } from 'node:buffer';
import {
  type Change,
  checkedView,
  type Member,
  membersAfter,
  type View,
} from '../../../discord/ring/view.js';
import type { SeededRandom } from '../../support/random.js';

export function hexId(random: SeededRandom, bytes = 20): string {
  return random.bytes(bytes).toString('hex');
}

/** Few letters, so that positions collide, touch, and are prefixes of each other. */
export function randomKey(random: SeededRandom): Buffer {
  const letters = random.pick([[0], [0xff], [0, 1], [97, 98], [0, 0x7f, 0x80, 0xff]]);
  return Buffer.from(Array.from({ length: random.below(5) }, () => random.pick(letters)));
}

export function randomMember(random: SeededRandom, origin: number, position: Buffer): Member {
  return { id: hexId(random), address: `10.0.0.${origin}:6379`, position, origin };
}

export function randomView(random: SeededRandom, membersMax = 8): View {
  const positions = new Map<string, Buffer>();
  for (let left = 1 + random.below(membersMax); left > 0; left -= 1) {
    const position = randomKey(random);
    positions.set(position.toString('hex'), position);
  }
  const members = [...positions.values()]
    .sort(Buffer.compare)
    .map((position, at) => randomMember(random, at, position));
  const view = checkedView({
    clusterId: hexId(random, 16),
    epoch: 1 + random.below(1000),
    replicas: 1 + random.below(4),
    settings: random.chance(0.5) ? [['a', '1'] as const, ['b', ''] as const] : [],
    originNext: members.length + random.below(3),
    members,
  });
  return random.chance(0.3) ? view : withChange(random, view);
}

/** The view with a change that fits it; without one if chance finds none. */
function withChange(random: SeededRandom, view: View): View {
  const subject = random.pick(view.members);
  const position = randomKey(random);
  const isFree = view.members.every((member) => !member.position.equals(position));
  const { originNext } = view;
  const kind = random.pick(['join', 'leave', 'move', 'evict'] as const);
  let change: Change;
  if (kind === 'leave' || kind === 'evict') {
    if (view.members.length === 1) return view;
    change = { kind, id: subject.id };
  } else if (!isFree) {
    return view;
  } else if (kind === 'join') {
    change = { kind, member: randomMember(random, originNext, position) };
  } else {
    change = { kind, id: subject.id, position };
  }
  const next = { change, members: membersAfter(view.members, change) };
  return checkedView({ ...view, originNext: originNext + 1, next });
}
