/** Commands that every member does: FLUSHALL, SCRIPT LOAD, FUNCTION DELETE ... */
import type { Args } from '../../resp/args.js';
import type { Part, Plan } from './parts.js';
import type { Router } from './router.js';

/**
 * Asks each member that is not known to be dead; the reply is that of this node. Who is dead now
 * learns of a flush by the sync that follows its return.
 */
export function everybodyPlan(router: Router, args: Args): () => Plan {
  const words: Buffer[] = [];
  for (let i = 0; i < args.count; i += 1) words.push(args.bytes(i));
  const done = new Map<string, Buffer>();
  return function* (): Plan {
    const { members } = router.ring;
    const parts: Part[] = [];
    for (const [owner, { id }] of members.entries()) {
      if (done.has(id) || !router.links.isAlive(id)) continue;
      parts.push({ owner, words, isExact: true, got: (reply) => done.set(id, reply) });
    }
    yield parts;
    return done.get(router.links.selfId) ?? done.values().next().value!;
  };
}
