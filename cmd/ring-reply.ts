/** What DHASH STATUS and VERIFY reply, as objects: what `dhash status` and `verify --json` print. */
import { fieldsOf, listOf, numberOf, textOf } from '../lib/client/reply-fields.js';
import { ExitError } from './exit.js';
import type { NodeClient } from './node-client.js';

export interface RingMemberStatus {
  readonly id: string;
  readonly address: string;
  /** As `--position` takes it: text, or 0x and hex. */
  readonly position: string;
  readonly status: 'up' | 'down';
  readonly state: 'normal' | 'joining' | 'leaving' | 'moving' | 'evicted';
  /** These are null for a member that did not answer. */
  readonly ownedEntries: number | null;
  readonly heldEntries: number | null;
  /** Entries with tombstones and the elements of collections. */
  readonly ownedRecords: number | null;
  readonly heldRecords: number | null;
  readonly ownedBytes: number | null;
  readonly heldBytes: number | null;
  /** Part of all owned records: what the ring balances. */
  readonly share: number | null;
  readonly epoch: number | null;
  readonly clockOffsetMs: number | null;
}

export interface RingStatus {
  readonly epoch: number;
  readonly clusterId: string;
  readonly replicas: number;
  /** `none`, or the change that is under way. */
  readonly change: string;
  readonly members: readonly RingMemberStatus[];
}

/** What `dhash verify` found. Ids are those of `dhash status`. */
export interface RingVerification {
  readonly epoch: number;
  readonly ranges: readonly {
    readonly owner: string;
    readonly replicas: readonly string[];
    /** -1: no replica answers. */
    readonly keys: number;
    /** Keys with elements of collections and tombstones: all that is compared. */
    readonly records: number;
    readonly equal: boolean;
  }[];
  /** One line each; none if all is well. */
  readonly problems: readonly string[];
}

/** Rejects with an ExitError if the node refuses. */
export async function askStatus(client: NodeClient): Promise<RingStatus> {
  const reply = await client.askBytes('DHASH', 'STATUS');
  if (reply instanceof Error) throw new ExitError(reply.message);
  const fields = fieldsOf(reply);
  return {
    epoch: numberOf(fields, 'epoch') ?? 0,
    clusterId: textOf(fields, 'cluster-id'),
    replicas: numberOf(fields, 'replicas') ?? 0,
    change: textOf(fields, 'change'),
    members: listOf(fields, 'members').map(memberOf),
  };
}

/** Rejects with an ExitError if the node refuses. */
export async function askVerification(client: NodeClient): Promise<RingVerification> {
  const reply = await client.askBytes('DHASH', 'VERIFY');
  if (reply instanceof Error) throw new ExitError(reply.message);
  const fields = fieldsOf(reply);
  return {
    epoch: numberOf(fields, 'epoch') ?? 0,
    ranges: listOf(fields, 'ranges').map((range) => {
      const found = fieldsOf(range);
      return {
        owner: textOf(found, 'owner'),
        replicas: listOf(found, 'replicas').map((id) => String(id as Buffer)),
        keys: numberOf(found, 'keys') ?? -1,
        records: numberOf(found, 'records') ?? -1,
        equal: textOf(found, 'equal') === 'yes',
      };
    }),
    problems: listOf(fields, 'problems').map((line) => String(line as Buffer)),
  };
}

function memberOf(reply: unknown): RingMemberStatus {
  const fields = fieldsOf(reply);
  return {
    id: textOf(fields, 'id'),
    address: textOf(fields, 'address'),
    position: printPosition(fields.get('position') as Buffer),
    status: textOf(fields, 'status') as RingMemberStatus['status'],
    state: textOf(fields, 'state') as RingMemberStatus['state'],
    ownedEntries: numberOf(fields, 'owned-entries'),
    heldEntries: numberOf(fields, 'held-entries'),
    ownedRecords: numberOf(fields, 'owned-records'),
    heldRecords: numberOf(fields, 'held-records'),
    ownedBytes: numberOf(fields, 'owned-bytes'),
    heldBytes: numberOf(fields, 'held-bytes'),
    share: fields.has('share') ? Number(textOf(fields, 'share')) : null,
    epoch: numberOf(fields, 'epoch'),
    clockOffsetMs: numberOf(fields, 'clock-offset-ms'),
  };
}

function printPosition(position: Buffer): string {
  const text = position.toString('latin1');
  return /^(?!0x)[\x21-\x7e]+$/.test(text) ? text : `0x${position.toString('hex')}`;
}
