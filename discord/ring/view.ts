/**
 * View: the agreed list of members and their positions, under an epoch number.
 *
 * A change takes two decrees: one that adds `next` (what is to change, and the members after it)
 * and one that makes the next members the members (settle) or forgets them (roll back). So two
 * views that follow each other differ in one change at most, and always overlap in a majority.
 *
 * Immutable: whoever holds a view holds it for good; a change makes another one.
 * Invariants: members ascend by position, without equal positions, ids or origins; every
 * origin is below `originNext`; so for the members of `next`. Addresses may be equal: a member
 * without a disk that starts again joins anew while its former self is still in the view.
 */
import assert from 'node:assert';
import { RingError } from '../ring-error.js';
import { bufferOf, comparePositions, POSITION_BYTES_MAX } from './position.js';

export const MEMBERS_MAX = 1024;
export const REPLICAS_MAX = 16;
export const ADDRESS_BYTES_MAX = 255;
export const SETTINGS_MAX = 64;
export const SETTING_BYTES_MAX = 1024;
/** Origins are 16-bit numbers; a ring that has given out all of them takes nobody any more. */
export const ORIGINS_MAX = 65_536;
export const EPOCH_MAX = Number.MAX_SAFE_INTEGER;
/** Hex digits. */
export const MEMBER_ID_DIGITS = 40;
const SHOWN_ID_DIGITS = 12;
export const CLUSTER_ID_DIGITS = 32;

/** So much of a member's id as people need to tell members apart. */
export function shownId(id: string): string {
  return id.slice(0, SHOWN_ID_DIGITS);
}

export interface Member {
  /** 40 hex digits, made at random when the member was, never used again. */
  readonly id: string;
  /** Where it listens: host:port. */
  readonly address: string;
  readonly position: Buffer;
  /** Names the member in entries; given when it joins, never given again. */
  readonly origin: number;
}

export type Change =
  | { readonly kind: 'join'; readonly member: Member }
  | { readonly kind: 'move'; readonly id: string; readonly position: Buffer }
  | { readonly kind: 'leave'; readonly id: string }
  | { readonly kind: 'evict'; readonly id: string };

export interface Next {
  readonly change: Change;
  readonly members: readonly Member[];
}

/** What holds for the whole ring: name and value, ascending by name. */
export type Setting = readonly [name: string, value: string];

export interface View {
  /** 32 hex digits. */
  readonly clusterId: string;
  /** From 1; each decree raises it by one. */
  readonly epoch: number;
  /** N: how many members hold a key, if there are so many. */
  readonly replicas: number;
  readonly settings: readonly Setting[];
  readonly originNext: number;
  readonly members: readonly Member[];
  readonly next?: Next;
}

export interface FirstViewOptions {
  readonly clusterId: string;
  readonly replicas: number;
  readonly settings?: readonly Setting[];
  readonly member: Omit<Member, 'origin'>;
}

/** The view of a ring of one. */
export function firstView(options: FirstViewOptions): View {
  const { clusterId, replicas, settings = [], member } = options;
  const members = [{ ...member, origin: 0 }];
  return checkedView({ clusterId, epoch: 1, replicas, settings, originNext: 1, members });
}

/** Whom a change is about. */
export function subjectOf(change: Change): string {
  return change.kind === 'join' ? change.member.id : change.id;
}

export function memberOf(members: readonly Member[], id: string): Member | undefined {
  return members.find((member) => member.id === id);
}

/** The members after a change. A subject that is not there, or is already, is our bug. */
export function membersAfter(members: readonly Member[], change: Change): readonly Member[] {
  const known = memberOf(members, subjectOf(change));
  if (change.kind === 'join') {
    assert(known === undefined, 'joins once');
    return inOrder([...members, change.member]);
  }
  assert(known !== undefined, 'the subject is a member');
  const others = members.filter((member) => member !== known);
  if (change.kind !== 'move') return others;
  return inOrder([...others, { ...known, position: change.position }]);
}

/** The view itself if it keeps its invariants; throws RING_BAD_VIEW otherwise. */
export function checkedView(view: View): View {
  const { clusterId, epoch, replicas, settings, originNext, members, next } = view;
  demand(isHex(clusterId, CLUSTER_ID_DIGITS), 'the cluster id is no 32 hex digits');
  demand(Number.isSafeInteger(epoch) && epoch >= 1, 'the epoch is no positive integer');
  demand(replicas >= 1 && replicas <= REPLICAS_MAX, 'the number of replicas is out of range');
  demand(originNext >= 1 && originNext <= ORIGINS_MAX, 'the next origin is out of range');
  checkSettings(settings);
  checkMembers(members, originNext);
  if (next !== undefined) checkMembers(next.members, originNext);
  return view;
}

function checkSettings(settings: readonly Setting[]): void {
  demand(settings.length <= SETTINGS_MAX, 'too many settings');
  for (const [at, [name, value]] of settings.entries()) {
    const bytes = Math.max(Buffer.byteLength(name), Buffer.byteLength(value));
    demand(name !== '' && bytes <= SETTING_BYTES_MAX, 'a setting is too long, or has no name');
    const isAscending = at === 0 || settings[at - 1]![0] < name;
    demand(isAscending, 'the settings are not in order');
  }
}

function checkMembers(members: readonly Member[], originNext: number): void {
  demand(members.length >= 1 && members.length <= MEMBERS_MAX, 'no member, or too many');
  const ids = new Set<string>();
  const origins = new Set<number>();
  for (const [at, { id, address, position, origin }] of members.entries()) {
    demand(isHex(id, MEMBER_ID_DIGITS), 'an id is no 40 hex digits');
    demand(address !== '' && Buffer.byteLength(address) <= ADDRESS_BYTES_MAX, 'no address');
    demand(position.length <= POSITION_BYTES_MAX, 'a position is too long');
    demand(origin >= 0 && origin < originNext, 'an origin was never given');
    const before = members[at - 1];
    const isAscending = before === undefined || comparePositions(before.position, position) < 0;
    demand(isAscending, 'the positions are not in order, or twice the same');
    ids.add(id);
    origins.add(origin);
  }
  const count = members.length;
  demand(ids.size === count, 'an id twice');
  demand(origins.size === count, 'an origin twice');
}

function inOrder(members: Member[]): readonly Member[] {
  return members
    .map((member) => ({ ...member, position: bufferOf(member.position) }))
    .sort((a, b) => comparePositions(a.position, b.position));
}

export function isHex(text: string, digits: number): boolean {
  return text.length === digits && /^[0-9a-f]*$/.test(text);
}

function demand(isRight: boolean, what: string): void {
  if (!isRight) throw new RingError('RING_BAD_VIEW', what);
}
