/**
 * Whether a ring can take a backup. What a backup has is older than what the ring has removed since:
 * members that remember a FLUSHALL, or deletions, would hide it or take it for deleted, one by one
 * and long after `dhash restore` had ended. A lone node that is empty simply forgets its clears; of
 * several members one cannot, for the next sync would bring them back from another.
 */
import type { MemberStatus } from '../ring/ring-status.js';

/** Why not, as an error; undefined: it can. */
export function restoreRefusal(members: readonly MemberStatus[]): string | undefined {
  for (const { isUp, member, report } of members) {
    if (!isUp || report === undefined) {
      return `ERR ${member.address} does not answer: a backup is restored while all members are there`;
    }
  }
  const full = members.find(({ report }) => report!.records > 0);
  if (full !== undefined) {
    const { records } = full.report!;
    return (
      `ERR ${full.member.address} holds ${records} entries, deleted ones included: ` +
      'a backup is restored into an empty ring'
    );
  }
  const past = members.find(({ report }) => report!.removedStamp > 0);
  if (past === undefined) return undefined;
  return (
    `ERR ${past.member.address} remembers that entries were removed, which would remove those of ` +
    'the backup too: start all nodes of the ring anew, with empty folders, or restore into a node ' +
    'that is alone and let the others join it'
  );
}
