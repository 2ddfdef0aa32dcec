/** DHASH RING, STATUS, OWNERS, LEAVE: the ring, for people and tools. */
import type { Member } from '../../../discord/ring/view.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { RingMember } from '../../ring/ring-member.js';
import {
  askAll,
  findMember,
  type MemberStatus,
  replyHead,
  stateOf,
} from '../../ring/ring-status.js';
import type { Session } from '../../server/session.js';
import { ADMIN, type CommandRow, NO_MULTI, NO_SCRIPT, WHILE_LOADING } from '../command.js';
import { JOINING, SYNTAX_ERROR, shortText } from '../replies.js';
import { answerLater } from './later.js';

const ALONE =
  'ERR this node is alone in its ring: there is nobody to leave it to. SHUTDOWN stops it';

/** The ring, if this node knows it; otherwise the error is written. */
export function ringOf({ server }: Session, reply: ReplyWriter): RingMember | undefined {
  const { ring } = server;
  if (ring?.isReady === true) return ring;
  reply.error(JOINING);
  return undefined;
}

/** DHASH RING */
function ring(session: Session, _args: Args, reply: ReplyWriter): void {
  const found = ringOf(session, reply);
  if (found === undefined) return;
  const members = found.allMembers();
  replyHead(found, reply, 1);
  reply.bulkString('members');
  reply.array(members.length);
  for (const member of members) {
    reply.map(5);
    replyMember(reply, member);
    reply.bulkString('status');
    reply.bulkString(found.isAlive(member.id) ? 'up' : 'down');
    reply.bulkString('state');
    reply.bulkString(stateOf(found, member.id));
  }
}

function replyMember(reply: ReplyWriter, { id, address, position }: Member): void {
  reply.bulkString('id');
  reply.bulkString(id);
  reply.bulkString('address');
  reply.bulkString(address);
  reply.bulkString('position');
  reply.bulk(position, 0, position.length);
}

/** DHASH STATUS: asks all members. */
function status(session: Session, _args: Args, reply: ReplyWriter): void {
  const found = ringOf(session, reply);
  if (found === undefined) return;
  const answer = answerLater(session);
  const { store } = session.server;
  // Not within this turn, also where nobody has to be asked.
  store.world.timers.soon(() => {
    askAll(found, store, (all) => answer((late) => replyStatus(found, late, all)));
  });
}

function replyStatus(found: RingMember, reply: ReplyWriter, all: readonly MemberStatus[]): void {
  const owned = all.reduce((sum, { report }) => sum + (report?.ownedRecords ?? 0), 0);
  replyHead(found, reply, 1);
  reply.bulkString('members');
  reply.array(all.length);
  for (const { member, isUp, state, report } of all) {
    reply.map(report === undefined ? 5 : 14);
    replyMember(reply, member);
    reply.bulkString('status');
    reply.bulkString(isUp ? 'up' : 'down');
    reply.bulkString('state');
    reply.bulkString(state);
    if (report === undefined) continue;
    for (const [name, value] of [
      ['owned-entries', report.ownedEntries],
      ['held-entries', report.heldEntries],
      ['owned-records', report.ownedRecords],
      ['held-records', report.records],
      ['owned-bytes', report.ownedBytes],
      ['held-bytes', report.heldBytes],
      ['epoch', report.epoch],
      ['clock-offset-ms', report.clockOffsetMs],
    ] as const) {
      reply.bulkString(name);
      reply.integer(value);
    }
    reply.bulkString('share');
    reply.bulkString((owned === 0 ? 0 : report.ownedRecords / owned).toFixed(4));
  }
}

/** DHASH OWNERS key: who holds it, the owner first; while the ring changes, also who will. */
function owners(session: Session, args: Args, reply: ReplyWriter): void {
  const found = ringOf(session, reply);
  if (found === undefined) return;
  const members: Member[] = [];
  const count = found.responsibility.find(args.buf, args.starts[2]!, args.ends[2]!, members);
  reply.array(count);
  for (const { id, address } of members) {
    reply.array(3);
    reply.bulkString(address);
    reply.bulkString(id);
    reply.bulkString(found.isAlive(id) ? 'up' : 'down');
  }
}

/** DHASH LEAVE [FORCE member]: replies once this node has left, and then it stops. */
function leave(session: Session, args: Args, reply: ReplyWriter): void {
  const found = ringOf(session, reply);
  if (found === undefined) return;
  if (args.count === 4 && args.equalsIgnoreCase(2, 'FORCE')) {
    return force(found, args.string(3), reply);
  }
  if (args.count !== 2) return reply.error(SYNTAX_ERROR);
  if (found.isAlone) return reply.error(ALONE);
  const { server } = session;
  server.log.info({ client: session.carrier.remote }, 'DHASH LEAVE: leaving the ring');
  const answer = answerLater(session);
  void server.leaveRing().then((hasLeft) => {
    if (!hasLeft) return answer((late) => late.error(ALONE));
    answer((late) => late.ok());
    server.processInfo.shutdown();
  });
}

function force(found: RingMember, name: string, reply: ReplyWriter): void {
  const member = findMember(found, name);
  if (member === undefined) {
    return reply.error(`ERR no member has the id or address '${shortText(name)}', not applied`);
  }
  if (found.isAlive(member.id)) {
    return reply.error(
      `ERR ${member.address} is alive, not applied: it leaves by dhash leave --at ${member.address}`,
    );
  }
  if (found.force([member.id])) reply.ok();
  else reply.error('ERR no ring would be left, not applied');
}

export const ringCommands: readonly CommandRow[] = [
  { name: 'leave', arity: -2, flags: ADMIN | NO_MULTI | NO_SCRIPT, handler: leave },
  { name: 'owners', arity: 3, flags: WHILE_LOADING, keys: [2, 2, 1], handler: owners },
  { name: 'ring', arity: 2, flags: WHILE_LOADING, handler: ring },
  { name: 'status', arity: 2, flags: NO_MULTI | NO_SCRIPT | WHILE_LOADING, handler: status },
];
