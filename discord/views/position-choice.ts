/** Where a member stands that was not told: at a random position, while nothing is known of load. */
import type { Random } from '../../world/world.js';
import { comparePositions } from '../ring/position.js';
import type { View } from '../ring/view.js';

const RANDOM_POSITION_BYTES = 16;

export function randomPosition(view: View, random: Random): Buffer {
  const position = Buffer.alloc(RANDOM_POSITION_BYTES);
  do random.bytes(position);
  while (view.members.some((member) => comparePositions(member.position, position) === 0));
  return position;
}
