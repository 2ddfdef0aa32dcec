/** Commands of Redis that a node knows by name only, and says why it does not do them. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { ADMIN, type CommandRow, FAST, NO_MULTI, REFUSED, WRITE } from '../command.js';
import { refused } from '../refuse.js';

const NO_REPLICA =
  'ERR a dhash node is neither master nor replica in the protocol of Redis: nodes replicate to ' +
  'each other as members of a ring, which is not built yet in this version';
const NO_CLUSTER = 'ERR This instance has cluster support disabled';
const NO_MIGRATE = 'ERR MIGRATE is not supported: use DUMP and RESTORE';

const CLUSTER: readonly (readonly [name: string, arity: number, flags: number])[] = [
  ['addslots', -3, ADMIN],
  ['addslotsrange', -4, ADMIN],
  ['bumpepoch', 2, ADMIN],
  ['count-failure-reports', 3, ADMIN],
  ['countkeysinslot', 3, 0],
  ['delslots', -3, ADMIN],
  ['delslotsrange', -4, ADMIN],
  ['failover', -2, ADMIN],
  ['flushslots', 2, ADMIN],
  ['forget', 3, ADMIN],
  ['getkeysinslot', 4, 0],
  ['help', 2, 0],
  ['info', 2, 0],
  ['keyslot', 3, 0],
  ['links', 2, 0],
  ['meet', -4, ADMIN],
  ['myid', 2, 0],
  ['nodes', 2, 0],
  ['replicas', 3, ADMIN],
  ['replicate', 3, ADMIN],
  ['reset', -2, ADMIN],
  ['saveconfig', 2, ADMIN],
  ['set-config-epoch', 3, ADMIN],
  ['setslot', -4, ADMIN],
  ['shards', 2, 0],
  ['slaves', 3, ADMIN],
  ['slots', 2, 0],
];

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
  {
    ...refused('cluster', -2, 0, NO_CLUSTER),
    subcommands: CLUSTER.map(([name, arity, flags]) => refused(name, arity, flags, NO_CLUSTER)),
  },
  refused('readonly', 1, FAST, NO_CLUSTER),
  refused('readwrite', 1, FAST, NO_CLUSTER),
  refused('asking', 1, FAST, NO_CLUSTER),
];
