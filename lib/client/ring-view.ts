/** The ring as DHASH RING tells of it, and whose a key is in it. */
import { Ring } from '../../discord/ring/ring.js';
import { ClientError, errorOfReply } from './client-error.js';
import { bytesOf, fieldsOf, listOf, numberOf, textOf } from './reply-fields.js';

export interface RingMemberInfo {
  readonly id: string;
  /** HOST:PORT. */
  readonly address: string;
  /** Its keys are those behind the position before, up to and including this one. */
  readonly position: Buffer;
}

/** One view of the ring; another view is another object. */
export interface RingInfo {
  readonly clusterId: string;
  /** Raised by each change. */
  readonly epoch: number;
  /** How many members hold a key. */
  readonly replicas: number;
  /** `none`, or the change that is under way. */
  readonly change: string;
  /** By position. Who joins is not among them before it owns anything. */
  readonly members: readonly RingMemberInfo[];
}

/** With what finds owners. */
export class RingView {
  readonly info: RingInfo;
  readonly ring: Ring;

  constructor(info: RingInfo) {
    this.info = info;
    // The numbers of origin stay within the ring: nothing here is written into entries.
    const members = info.members.map((member) => ({ ...member, origin: 0 }));
    this.ring = new Ring(members, info.replicas);
  }

  /** Whether it is worth more than `other`: the same ring later, or another ring. */
  isNewerThan(other: RingView | undefined): boolean {
    if (other === undefined || other.info.clusterId !== this.info.clusterId) return true;
    return this.info.epoch > other.info.epoch;
  }
}

/** A ClientError: the node refuses, or makes no sense. */
export function viewOfReply(reply: unknown): RingView | ClientError {
  if (reply instanceof Error) return errorOfReply(reply);
  if (!Array.isArray(reply)) return new ClientError('PROTOCOL', 'DHASH RING replies no map');
  const fields = fieldsOf(reply);
  const members = listOf(fields, 'members')
    .map(fieldsOf)
    .filter((member) => textOf(member, 'state') !== 'joining')
    .map((member) => ({
      id: textOf(member, 'id'),
      address: textOf(member, 'address'),
      position: bytesOf(member, 'position'),
    }));
  if (members.length === 0) return new ClientError('PROTOCOL', 'DHASH RING names no member');
  return new RingView({
    clusterId: textOf(fields, 'cluster-id'),
    epoch: numberOf(fields, 'epoch') ?? 0,
    replicas: numberOf(fields, 'replicas') ?? 1,
    change: textOf(fields, 'change'),
    members,
  });
}
