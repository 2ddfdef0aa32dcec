/**
 * Why a write is not executed while members of the ring are dead: so few replicas of its keys can be
 * reached that its level cannot be had. Asked only then, and before anything is changed.
 */
import type { Args } from '../../resp/args.js';
import { type Command, MAY_WRITE, WRITE } from '../commands/command.js';
import { findKeys } from '../commands/key-positions.js';
import { findKnown } from '../commands/known-commands.js';
import { LEVEL_ONE } from '../replication/levels.js';
import type { Replication } from '../replication/replication.js';
import type { Session } from './session.js';

/** The error, or undefined: it may run. */
export function writeRefusal(session: Session, command: Command, args: Args): string | undefined {
  const { replication } = session.server;
  if (replication === undefined || session.writeLevel === LEVEL_ONE) return undefined;
  if (command.name === 'exec') {
    for (const queued of session.transaction?.queue ?? []) {
      const refusal = refusalOf(replication, session, queued.command, queued.args);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }
  // What is queued is asked about when it is to run.
  if (session.inTransaction) return undefined;
  return refusalOf(replication, session, command, args);
}

function refusalOf(
  replication: Replication,
  session: Session,
  command: Command,
  args: Args,
): string | undefined {
  if ((command.flags & MAY_WRITE) === 0) return undefined;
  const known = findKnown(session.server, command.fullName);
  const keys = known === undefined ? [] : findKeys(known, args);
  if (keys.length === 0 && (command.flags & WRITE) !== 0) {
    return replication.refusalOfAll(session.writeLevel);
  }
  for (const { buf, flags, from, to } of keys) {
    if (flags.includes('RO')) continue;
    const refusal = replication.refusalOfKey(session.writeLevel, buf, from, to);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}
