/**
 * The steps that a ring may take: from one view to the next, or why not. Pure functions of views.
 *
 *        propose join D            settle
 *   A B C ---------> A B C, next: A B C D ---------> A B C D
 *   epoch 7          epoch 8  |                      epoch 9
 *                             +--------------------> A B C         D died: rolled back
 *                               roll back            epoch 9
 */
import { comparePositions } from '../ring/position.js';
import {
  type Change,
  checkedView,
  EPOCH_MAX,
  MEMBERS_MAX,
  memberOf,
  membersAfter,
  ORIGINS_MAX,
  type Setting,
  type View,
} from '../ring/view.js';

/** What somebody who wants to join says of itself. */
export interface JoinRequest {
  readonly id: string;
  readonly address: string;
  /** Undefined: the ring chooses. */
  readonly position?: Buffer | undefined;
  /** What it was told of the ring; whatever is given must be so. */
  readonly replicas?: number | undefined;
  readonly settings?: readonly Setting[] | undefined;
}

export type Wish =
  | { readonly kind: 'join'; readonly request: JoinRequest }
  | { readonly kind: 'move'; readonly id: string; readonly position: Buffer }
  | { readonly kind: 'leave'; readonly id: string };

/**
 * `view`: the step to propose. `wait`: not now. `done`: it is so already. `refusal`: never, in the
 * words of an error reply.
 */
export type Step =
  | { readonly kind: 'view'; readonly view: View }
  | { readonly kind: 'wait' }
  | { readonly kind: 'done' }
  | { readonly kind: 'refusal'; readonly text: string };

const WAIT: Step = { kind: 'wait' };
const DONE: Step = { kind: 'done' };

export function wishedBy(wish: Wish): string {
  return wish.kind === 'join' ? wish.request.id : wish.id;
}

/** The step that a wish asks for; `choosePosition` for who joins without one. */
export function stepOf(view: View, wish: Wish, choosePosition: (view: View) => Buffer): Step {
  switch (wish.kind) {
    case 'join':
      return joinStep(view, wish.request, choosePosition);
    case 'move':
      return moveStep(view, wish.id, wish.position);
    case 'leave':
      return leaveStep(view, wish.id);
  }
}

/** The view in which the next members are the members. */
export function settled(view: View): View {
  const { next, ...rest } = view;
  return checkedView({ ...rest, epoch: view.epoch + 1, members: next!.members });
}

/** The view in which the change is forgotten. Origins that were given stay given. */
export function rolledBack(view: View): View {
  const { next: _, ...rest } = view;
  return checkedView({ ...rest, epoch: view.epoch + 1 });
}

/** The view that begins to remove a dead member. */
export function evicting(view: View, id: string): View {
  return proposed(view, { kind: 'evict', id });
}

/** Whether the dead may be removed: not where a newcomer is needed first. */
export function mayEvict(view: View): boolean {
  return view.members.length > Math.max(view.replicas, EVICTING_MEMBERS_MIN);
}

/** Of fewer members nobody is evicted: two could not outvote each other afterwards. */
const EVICTING_MEMBERS_MIN = 3;

/** Whether `later` makes the next members of `view` its members. */
export function isSettling(view: View, later: View): boolean {
  const { next } = view;
  if (next === undefined || later.members.length !== next.members.length) return false;
  return later.members.every(({ id, position }, at) => {
    const member = next.members[at]!;
    return member.id === id && comparePositions(member.position, position) === 0;
  });
}

function joinStep(view: View, request: JoinRequest, choose: (view: View) => Buffer): Step {
  const { id, address } = request;
  if (memberOf(view.members, id) !== undefined) return DONE;
  const refusal = settingsRefusal(view, request);
  if (refusal !== undefined) return refused(refusal);
  if (view.next !== undefined) return WAIT;
  if (view.members.length >= MEMBERS_MAX) return refused(`the ring has ${MEMBERS_MAX} members`);
  if (view.originNext >= ORIGINS_MAX) return refused('the ring has no origin left to give');
  const position = request.position ?? choose(view);
  if (isTaken(view, position)) return refused('another member has this position');
  return stepTo(view, { kind: 'join', member: { id, address, position, origin: view.originNext } });
}

function moveStep(view: View, id: string, position: Buffer): Step {
  const member = memberOf(view.members, id);
  if (member === undefined) return refused('only a member moves');
  if (comparePositions(member.position, position) === 0) return DONE;
  if (view.next !== undefined) return WAIT;
  if (isTaken(view, position)) return refused('another member has this position');
  return stepTo(view, { kind: 'move', id, position });
}

function leaveStep(view: View, id: string): Step {
  if (memberOf(view.members, id) === undefined) return DONE;
  if (view.next !== undefined) return WAIT;
  if (view.members.length === 1) return refused('the last member of a ring does not leave it');
  return stepTo(view, { kind: 'leave', id });
}

function settingsRefusal(view: View, { replicas, settings }: JoinRequest): string | undefined {
  if (replicas !== undefined && replicas !== view.replicas) {
    return `the ring keeps ${view.replicas} replicas, not ${replicas}`;
  }
  for (const [name, value] of settings ?? []) {
    const ours = view.settings.find((setting) => setting[0] === name)?.[1];
    if (ours !== value) return `${name} is ${ours ?? 'not set'} in the ring, not ${value}`;
  }
  return undefined;
}

function isTaken(view: View, position: Buffer): boolean {
  return view.members.some((member) => comparePositions(member.position, position) === 0);
}

function stepTo(view: View, change: Change): Step {
  if (view.epoch + 2 > EPOCH_MAX) return refused('the epochs are used up');
  return { kind: 'view', view: proposed(view, change) };
}

function proposed(view: View, change: Change): View {
  const members = membersAfter(view.members, change);
  const originNext = view.originNext + (change.kind === 'join' ? 1 : 0);
  return checkedView({ ...view, epoch: view.epoch + 1, originNext, next: { change, members } });
}

function refused(text: string): Step {
  return { kind: 'refusal', text };
}
