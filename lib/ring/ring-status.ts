/**
 * How the ring is: what this node knows of the members, and what each of them says of itself.
 *
 *   asked   --STATUS, control-->  each member that is alive    counts, bytes, clock
 *           <-- [name, value, ...]                             no answer in time: not known
 */
import type { PeerReply } from '../../discord/peer/pipeline.js';
import { type Change, type Member, memberOf, subjectOf } from '../../discord/ring/view.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import { entriesIn, keysIn } from '../loops/replica.js';
import type { Store } from '../store/store.js';
import type { RingMember } from './ring-member.js';

/** A member that has not answered by then is shown without what it alone knows, ms. */
const ANSWER_MAX_MS = 1000;

export type MemberState = 'normal' | 'joining' | 'leaving' | 'moving' | 'evicted';

/** What a member says of itself. Entries are keys; bytes are memory, all of its databases. */
export interface MemberReport {
  readonly epoch: number;
  readonly ownedEntries: number;
  readonly heldEntries: number;
  /** Part of `heldBytes`, as if all records were of one size. */
  readonly ownedBytes: number;
  readonly heldBytes: number;
  /** How far its wall clock is ahead of the median of the members'. */
  readonly clockOffsetMs: number;
  /** Entries held, with tombstones and the elements of collections. */
  readonly records: number;
  /** Those of them that it owns: what the ring balances. */
  readonly ownedRecords: number;
  /** What is older than this stamp may be hidden by a clear or have been deleted here; 0: nothing. */
  readonly removedStamp: number;
}

export interface MemberStatus {
  readonly member: Member;
  readonly isUp: boolean;
  readonly state: MemberState;
  /** Undefined: it did not answer. */
  readonly report: MemberReport | undefined;
}

const REPORT_FIELDS = [
  'epoch',
  'ownedEntries',
  'heldEntries',
  'ownedBytes',
  'heldBytes',
  'clockOffsetMs',
  'records',
  'ownedRecords',
  'removedStamp',
] as const;

export function stateOf(ring: RingMember, id: string): MemberState {
  const change = ring.responsibility.view.next?.change;
  return change !== undefined && subjectOf(change) === id ? STATES[change.kind] : 'normal';
}

const STATES: Record<Change['kind'], MemberState> = {
  join: 'joining',
  leave: 'leaving',
  move: 'moving',
  evict: 'evicted',
};

/** Serves STATUS. */
export function serveStatus(ring: RingMember, store: Store): void {
  ring.serve({
    name: 'STATUS',
    channel: 'control',
    handler: (_session, _args, reply) => {
      const report = ownReport(ring, store);
      reply.array(2 * REPORT_FIELDS.length);
      for (const name of REPORT_FIELDS) {
        reply.bulkLatin1(name);
        reply.bulkLatin1(String(report[name]));
      }
    },
  });
}

/** Asks all members; `done` is called once, later or at once. */
export function askAll(
  ring: RingMember,
  store: Store,
  done: (all: readonly MemberStatus[]) => void,
): void {
  const members = ring.allMembers();
  const reports = new Map([[ring.selfId, ownReport(ring, store)]]);
  let missing = 1;
  const answered = (): void => {
    missing -= 1;
    if (missing > 0) return;
    done(
      members.map((member) => ({
        member,
        isUp: ring.isAlive(member.id),
        state: stateOf(ring, member.id),
        report: reports.get(member.id),
      })),
    );
  };
  for (const { id } of members) {
    if (id === ring.selfId || !ring.isAlive(id)) continue;
    missing += 1;
    const sent = ring.request(id, 'control', ['STATUS'], ANSWER_MAX_MS, (_error, reply) => {
      const report = reportOf(reply);
      if (report !== undefined) reports.set(id, report);
      answered();
    });
    if (sent instanceof Error) answered();
  }
  answered();
}

function ownReport(ring: RingMember, store: Store): MemberReport {
  let heldEntries = 0;
  let records = 0;
  let removedStamp = Math.max(store.collectedStamp, store.collectedRanges.highest);
  for (const { clearedAt, tree } of store.databases) {
    heldEntries += tree.liveCount;
    records += tree.allCount;
    removedStamp = Math.max(removedStamp, clearedAt);
  }
  const owns = ring.isReady && ring.selfIndex >= 0;
  const owned = owns ? ring.responsibility.current.rangeOf(ring.selfIndex) : undefined;
  const ownedRecords = owned === undefined ? 0 : entriesIn(store, owned);
  const heldBytes = store.space.usedBytes;
  return {
    epoch: ring.view?.epoch ?? 0,
    ownedEntries: owned === undefined ? 0 : keysIn(store, owned),
    heldEntries,
    ownedBytes: records === 0 ? 0 : Math.round((heldBytes * ownedRecords) / records),
    heldBytes,
    clockOffsetMs: Math.round(ring.time.timer.status().skewMs),
    records,
    ownedRecords,
    removedStamp,
  };
}

/** Undefined: it makes no sense. */
function reportOf(reply: PeerReply): MemberReport | undefined {
  if (!Array.isArray(reply)) return undefined;
  const values = new Map<string, number>();
  for (let at = 0; at + 1 < reply.length; at += 2) {
    values.set(String(reply[at]), Number(reply[at + 1]));
  }
  const report = Object.fromEntries(REPORT_FIELDS.map((name) => [name, values.get(name)]));
  const isWhole = Object.values(report).every(Number.isFinite);
  return isWhole ? (report as unknown as MemberReport) : undefined;
}

/** The head of what DHASH RING and DHASH STATUS reply, a map of `pairs` pairs, open for more. */
export function replyHead(ring: RingMember, reply: ReplyWriter, morePairs: number): void {
  const { view } = ring.responsibility;
  reply.map(5 + morePairs);
  reply.bulkString('epoch');
  reply.integer(view.epoch);
  reply.bulkString('cluster-id');
  reply.bulkString(view.clusterId);
  reply.bulkString('replicas');
  reply.integer(view.replicas);
  reply.bulkString('change');
  reply.bulkString(view.next?.change.kind ?? 'none');
  reply.bulkString('self');
  reply.bulkString(ring.selfId);
}

/** The member of this id or address, current or next. */
export function findMember(ring: RingMember, name: string): Member | undefined {
  const all = ring.allMembers();
  return memberOf(all, name) ?? all.find(({ address }) => address === name);
}
