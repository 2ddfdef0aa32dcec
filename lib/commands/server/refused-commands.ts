/** Commands of Redis that a node knows by name only, and says why it does not do them. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { ADMIN, type CommandRow, FAST, NO_MULTI, REFUSED, WRITE } from '../command.js';
import { refused } from '../refuse.js';

const NO_REPLICA =
  'ERR a dhash node is neither master nor replica in the protocol of Redis: nodes replicate to ' +
  'each other as members of a ring (dhash node --join)';
const NO_CLUSTER = 'ERR This instance has cluster support disabled';
const NO_MIGRATE = 'ERR MIGRATE is not supported: use DUMP and RESTORE';

/** REPLICAOF NO ONE asks for what already is. */
function replicaOf(_session: Session, args: Args, reply: ReplyWriter): void {
  if (args.equalsIgnoreCase(1, 'NO') && args.equalsIgnoreCase(2, 'ONE')) reply.ok();
  else reply.error(NO_REPLICA);
}

export const refusedCommands: readonly CommandRow[] = [
  { name: 'replicaof', arity: 3, flags: ADMIN | REFUSED, handler: replicaOf },
  { name: 'slaveof', arity: 3, flags: ADMIN | REFUSED, handler: replicaOf },
  refused('psync', -3, ADMIN | NO_MULTI, NO_REPLICA),
  refused('sync', 1, ADMIN | NO_MULTI, NO_REPLICA),
  refused('replconf', -1, ADMIN, NO_REPLICA),
  refused('failover', -1, ADMIN, 'ERR FAILOVER requires connected replicas.'),
  { ...refused('migrate', -6, WRITE, NO_MIGRATE), keys: [3, 3, 1] },
  refused('readonly', 1, FAST, NO_CLUSTER),
  refused('readwrite', 1, FAST, NO_CLUSTER),
  refused('asking', 1, FAST, NO_CLUSTER),
];
