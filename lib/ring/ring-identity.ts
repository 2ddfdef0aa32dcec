/**
 * Who this node is, over restarts: the member's id and what it has voted, as durable records; or a
 * new id with each start of a node that keeps nothing, since it must not vote with amnesia.
 */
import { isHex, MEMBER_ID_DIGITS, memberOf, type View } from '../../discord/ring/view.js';
import { RingError } from '../../discord/ring-error.js';
import { Votes } from '../../discord/views/votes.js';
import type { Random } from '../../world/world.js';
import type { DurableRecords } from '../persistence/durable-records.js';
import { type RingSettings, RingStartError } from './ring-settings.js';

const RECORD_MEMBER = 'member';
const RECORD_VOTES = 'votes';
const MEMBER_ID_BYTES = MEMBER_ID_DIGITS / 2;

export interface RingIdentity {
  readonly id: string;
  /** Of the machine, from an earlier life; undefined: there was none. */
  readonly record: Buffer | undefined;
}

export function newMemberId(random: Random): string {
  const id = Buffer.alloc(MEMBER_ID_BYTES);
  random.bytes(id);
  return id.toString('hex');
}

/** What is on the disk, fitted to the settings. Throws a RingStartError if the two do not fit. */
export function identityOf(
  records: DurableRecords | undefined,
  random: Random,
  settings: RingSettings,
): RingIdentity {
  const id = records?.get(RECORD_MEMBER)?.toString('latin1');
  const kept = records?.get(RECORD_VOTES);
  if (id === undefined || kept === undefined) {
    return { id: newMemberId(random), record: undefined };
  }
  if (!isHex(id, MEMBER_ID_DIGITS))
    throw new RingStartError("the folder's member id makes no sense");
  const votes = readVotes(kept);
  const { view } = votes;
  if (view === undefined) return { id, record: kept };
  const self = memberOf(view.members, id) ?? memberOf(view.next?.members ?? [], id);
  if (self === undefined) {
    if (settings.contacts.length === 0) {
      throw new RingStartError(
        `the folder's member has left ring ${view.clusterId}: give --join to enter it again, or ` +
          'another --dir',
      );
    }
    // It may have something to hand over still, and enters anew when it has nothing.
    return { id, record: kept };
  }
  if (isAlone(view)) return { id, record: movedHome(votes, view, settings) };
  if (self.address !== settings.address) {
    throw new RingStartError(
      `the folder belongs to the member at ${self.address} of ring ${view.clusterId}, and this ` +
        `node would be at ${settings.address}: start it there, or give --announce ${self.address}`,
    );
  }
  if (settings.replicas !== 0 && settings.replicas !== view.replicas) {
    throw new RingStartError(`replicas: the ring keeps ${view.replicas}, not ${settings.replicas}`);
  }
  return { id, record: kept };
}

/** Resolves once the new identity is on stable storage; what was voted under another is forgotten. */
export async function keepIdentity(records: DurableRecords, id: string): Promise<void> {
  if (records.get(RECORD_MEMBER)?.toString('latin1') === id) return;
  await Promise.all([
    records.put(RECORD_MEMBER, Buffer.from(id, 'latin1')),
    records.put(RECORD_VOTES, undefined),
  ]);
}

export function keepVotes(records: DurableRecords, record: Buffer): Promise<void> {
  return records.put(RECORD_VOTES, record);
}

function readVotes(bytes: Buffer): Votes {
  try {
    return Votes.decode(bytes);
  } catch (error) {
    if (!(error instanceof RingError)) throw error;
    throw new RingStartError(`what the folder tells of the ring cannot be read: ${error.message}`);
  }
}

function isAlone({ members, next }: View): boolean {
  return members.length === 1 && next === undefined;
}

/** Who is alone may have another address, and keep another number of replicas, than before. */
function movedHome(votes: Votes, view: View, { address, replicas }: RingSettings): Buffer {
  const [self] = view.members;
  const wanted = replicas === 0 ? view.replicas : replicas;
  if (self!.address !== address || view.replicas !== wanted) {
    const members = [{ ...self!, address }];
    votes.learn({ ...view, epoch: view.epoch + 1, replicas: wanted, members });
  }
  return votes.encode();
}
