/** DHASH VERIFY and MIGRATE: what the loops do by themselves, looked at and asked for by a person. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Loops } from '../../loops/loops.js';
import type { VerifyReport } from '../../loops/verify.js';
import type { Session } from '../../server/session.js';
import { ADMIN, type CommandRow, NO_MULTI, NO_SCRIPT } from '../command.js';
import { LOADING } from '../replies.js';
import { answerLater } from './later.js';
import { ringOf } from './ring.js';

const ALONE = 'ERR this node is alone in its ring, not applied: there is nobody to give entries to';
const TAGGED =
  'ERR a member cannot stand there, not applied: keys with the same {tag} would have two owners';
const NOTHING = 'ERR what this node owns cannot be halved, not applied';
const CHANGING = 'TRYAGAIN the ring is changing, not applied';

/** The loops of a node that is in a ring; otherwise the error is written. */
function loopsOf(session: Session, reply: ReplyWriter): Loops | undefined {
  if (ringOf(session, reply) === undefined) return undefined;
  const { loops } = session.server;
  if (loops === undefined) reply.error(LOADING);
  return loops;
}

/** DHASH VERIFY: asks all members. */
function verify(session: Session, _args: Args, reply: ReplyWriter): void {
  const loops = loopsOf(session, reply);
  if (loops === undefined) return;
  const answer = answerLater(session);
  // Not within this turn, also where nobody has to be asked.
  session.server.store.world.timers.soon(() => {
    void loops.verifier.verify().then((report) => answer((late) => replyReport(late, report)));
  });
}

function replyReport(reply: ReplyWriter, { epoch, problems, ranges }: VerifyReport): void {
  reply.map(3);
  reply.bulkString('epoch');
  reply.integer(epoch);
  reply.bulkString('ranges');
  reply.array(ranges.length);
  for (const { isEqual, keys, owner, records, replicas } of ranges) {
    reply.map(5);
    reply.bulkString('owner');
    reply.bulkString(owner);
    reply.bulkString('replicas');
    reply.array(replicas.length);
    for (const id of replicas) reply.bulkString(id);
    reply.bulkString('keys');
    reply.integer(keys);
    reply.bulkString('records');
    reply.integer(records);
    reply.bulkString('equal');
    reply.bulkString(isEqual ? 'yes' : 'no');
  }
  reply.bulkString('problems');
  reply.array(problems.length);
  for (const problem of problems) reply.bulkString(problem);
}

/** DHASH MIGRATE position|HALF */
function migrate(session: Session, args: Args, reply: ReplyWriter): void {
  const loops = loopsOf(session, reply);
  const { ring } = session.server;
  if (loops === undefined || ring === undefined) return;
  if (ring.responsibility.current.members.length < 2 || ring.selfIndex < 0) {
    return reply.error(ALONE);
  }
  if (ring.responsibility.next !== undefined) return reply.error(CHANGING);
  if (args.equalsIgnoreCase(2, 'HALF')) {
    if (loops.migrate.moveHalf()) reply.ok();
    else reply.error(NOTHING);
  } else if (loops.migrate.moveTo(args.bytes(2))) reply.ok();
  else reply.error(TAGGED);
}

export const loopCommands: readonly CommandRow[] = [
  { name: 'migrate', arity: 3, flags: ADMIN | NO_MULTI | NO_SCRIPT, handler: migrate },
  { name: 'verify', arity: 2, flags: NO_MULTI | NO_SCRIPT, handler: verify },
];
