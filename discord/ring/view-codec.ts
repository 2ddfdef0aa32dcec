/**
 * The bytes of a view: what is voted on, stored, and sent.
 *
 *   view      u8 layout, 1 | 16 B cluster id | varint epoch | u8 replicas | varint next origin
 *             | varint n, n settings | varint n, n members | change
 *   setting   blob name | blob value                            ascending by name
 *   member    20 B id | u16 origin | blob address | blob position     ascending by position
 *   change    u8 0: none                     u8 3: moves, 20 B id, blob position
 *             u8 1: joins, a member          u8 4: is evicted, 20 B id
 *             u8 2: leaves, 20 B id
 *
 * Numbers and blobs are those of resp/binary: little-endian, varints in their shortest form. The
 * members of `next` are not sent: they follow from the members and the change.
 *
 * Invariant: equal views are equal bytes, so bytes may be compared and hashed for views.
 */
import { BinaryReader, ByteWriter } from '../../resp/binary.js';
import { RingError } from '../ring-error.js';
import { POSITION_BYTES_MAX } from './position.js';
import {
  ADDRESS_BYTES_MAX,
  type Change,
  CLUSTER_ID_DIGITS,
  checkedView,
  EPOCH_MAX,
  MEMBER_ID_DIGITS,
  MEMBERS_MAX,
  type Member,
  memberOf,
  membersAfter,
  ORIGINS_MAX,
  SETTING_BYTES_MAX,
  SETTINGS_MAX,
  type Setting,
  subjectOf,
  type View,
} from './view.js';

const LAYOUT = 1;
const CHANGE_NONE = 0;
const CHANGE_KINDS = ['join', 'leave', 'move', 'evict'] as const;

/** The bytes of a view that keeps its invariants. */
export function encodeView(view: View): Buffer {
  const writer = new ByteWriter();
  writer.u8(LAYOUT);
  writer.bytes(Buffer.from(view.clusterId, 'hex'));
  writer.varint(view.epoch);
  writer.u8(view.replicas);
  writer.varint(view.originNext);
  writer.varint(view.settings.length);
  for (const [name, value] of view.settings) {
    writer.blob(Buffer.from(name));
    writer.blob(Buffer.from(value));
  }
  writer.varint(view.members.length);
  for (const member of view.members) writeMember(writer, member);
  if (view.next === undefined) writer.u8(CHANGE_NONE);
  else writeChange(writer, view.next.change);
  return Buffer.from(writer.view());
}

/** The view of these bytes, which it copies; throws RING_BAD_VIEW. */
export function decodeView(bytes: Uint8Array): View {
  const reader = new ViewReader(Buffer.from(bytes));
  if (reader.u8() !== LAYOUT) throw new RingError('RING_BAD_VIEW', 'an unknown layout');
  const clusterId = reader.bytes(CLUSTER_ID_DIGITS / 2).toString('hex');
  const epoch = reader.varint(EPOCH_MAX);
  const replicas = reader.u8();
  const originNext = reader.varint(ORIGINS_MAX);
  const settings: Setting[] = [];
  for (let left = reader.varint(SETTINGS_MAX); left > 0; left -= 1) {
    settings.push([reader.text(SETTING_BYTES_MAX), reader.text(SETTING_BYTES_MAX)]);
  }
  const members: Member[] = [];
  for (let left = reader.varint(MEMBERS_MAX); left > 0; left -= 1) members.push(readMember(reader));
  const change = readChange(reader);
  reader.end();
  const view = { clusterId, epoch, replicas, settings, originNext, members };
  if (change === undefined) return checkedView(view);
  const isMember = memberOf(members, subjectOf(change)) !== undefined;
  if (isMember === (change.kind === 'join')) {
    throw new RingError('RING_BAD_VIEW', 'a change of somebody else');
  }
  return checkedView({ ...view, next: { change, members: membersAfter(members, change) } });
}

/** The same view, whatever objects hold it. */
export function isSameView(one: View, other: View): boolean {
  return one === other || encodeView(one).equals(encodeView(other));
}

class ViewReader extends BinaryReader {
  protected override fail(what: string): never {
    throw new RingError('RING_BAD_VIEW', what);
  }

  id(): string {
    return this.bytes(MEMBER_ID_DIGITS / 2).toString('hex');
  }

  /** UTF-8 that reads back to the same bytes. */
  text(bytesMax: number): string {
    const bytes = this.blob(bytesMax);
    const text = bytes.toString();
    if (!Buffer.from(text).equals(bytes)) this.fail('a text is no UTF-8');
    return text;
  }
}

function writeMember(writer: ByteWriter, member: Member): void {
  writer.bytes(Buffer.from(member.id, 'hex'));
  writer.u16(member.origin);
  writer.blob(Buffer.from(member.address));
  writer.blob(member.position);
}

function readMember(reader: ViewReader): Member {
  const id = reader.id();
  const origin = reader.u16();
  const address = reader.text(ADDRESS_BYTES_MAX);
  return { id, address, position: reader.blob(POSITION_BYTES_MAX), origin };
}

function writeChange(writer: ByteWriter, change: Change): void {
  writer.u8(1 + CHANGE_KINDS.indexOf(change.kind));
  if (change.kind === 'join') return writeMember(writer, change.member);
  writer.bytes(Buffer.from(change.id, 'hex'));
  if (change.kind === 'move') writer.blob(change.position);
}

function readChange(reader: ViewReader): Change | undefined {
  const number = reader.u8();
  if (number === CHANGE_NONE) return undefined;
  const kind = CHANGE_KINDS[number - 1];
  if (kind === undefined) throw new RingError('RING_BAD_VIEW', 'an unknown change');
  if (kind === 'join') return { kind, member: readMember(reader) };
  const id = reader.id();
  return kind === 'move' ? { kind, id, position: reader.blob(POSITION_BYTES_MAX) } : { kind, id };
}
