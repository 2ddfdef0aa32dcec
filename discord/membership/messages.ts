/**
 * What members tell each other of who is alive, and the words of it on a control connection.
 *
 *   PING seq epoch hash update...          are you there?
 *   ACK seq epoch hash update...           I am; or, from a helper: it is
 *   PROBE seq target update...             please ping it for me
 *   NACK seq update...                     it did not answer me
 *   STATE ASK|ANSWER epoch update...       all that I know; with ASK: and you?
 *
 *   update   `alive n id` | `suspect n id by` | `dead n id`, one word
 *
 * Numbers are decimal; `n` is the incarnation, `hash` that of what the sender knows. Each message
 * is a request whose reply says nothing: answers are requests of the other side.
 */

import { isHex, MEMBER_ID_DIGITS, MEMBERS_MAX } from '../ring/view.js';
import { RingError } from '../ring-error.js';

export type Status = 'alive' | 'suspect' | 'dead';

export interface Update {
  readonly status: Status;
  readonly id: string;
  readonly incarnation: number;
  /** Of a suspicion: whose it is. */
  readonly by?: string;
}

export type SwimMessage =
  | {
      readonly kind: 'ping' | 'ack';
      readonly seq: number;
      readonly epoch: number;
      readonly hash: number;
      readonly updates: readonly Update[];
    }
  | {
      readonly kind: 'probe';
      readonly seq: number;
      readonly target: string;
      readonly updates: readonly Update[];
    }
  | { readonly kind: 'nack'; readonly seq: number; readonly updates: readonly Update[] }
  | {
      readonly kind: 'state';
      readonly isAsking: boolean;
      readonly epoch: number;
      readonly updates: readonly Update[];
    };

/** The words of a message, behind whatever names it as one of these. */
export function encodeSwim(message: SwimMessage): string[] {
  return [...headOf(message), ...message.updates.map(encodeUpdate)];
}

/** Throws RING_BAD_MESSAGE. */
export function decodeSwim(words: readonly string[]): SwimMessage {
  const [kind, ...rest] = words;
  switch (kind) {
    case 'PING':
    case 'ACK': {
      const [seq, epoch, hash] = rest.slice(0, 3).map(numberOf);
      const updates = updatesOf(rest, 3);
      const name = kind === 'PING' ? 'ping' : 'ack';
      return { kind: name, seq: seq!, epoch: epoch!, hash: hash!, updates };
    }
    case 'PROBE': {
      const updates = updatesOf(rest, 2);
      return { kind: 'probe', seq: numberOf(rest[0]!), target: idOf(rest[1]!), updates };
    }
    case 'NACK': {
      const updates = updatesOf(rest, 1);
      return { kind: 'nack', seq: numberOf(rest[0]!), updates };
    }
    case 'STATE': {
      const updates = updatesOf(rest, 2);
      if (rest[0] !== 'ASK' && rest[0] !== 'ANSWER') fail('STATE of an unknown kind');
      const isAsking = rest[0] === 'ASK';
      return { kind: 'state', isAsking, epoch: numberOf(rest[1]!), updates };
    }
    default:
      return fail('an unknown kind');
  }
}

function headOf(message: SwimMessage): string[] {
  switch (message.kind) {
    case 'ping':
    case 'ack':
      return [
        message.kind.toUpperCase(),
        String(message.seq),
        String(message.epoch),
        String(message.hash),
      ];
    case 'probe':
      return ['PROBE', String(message.seq), message.target];
    case 'nack':
      return ['NACK', String(message.seq)];
    case 'state':
      return ['STATE', message.isAsking ? 'ASK' : 'ANSWER', String(message.epoch)];
  }
}

function encodeUpdate({ status, id, incarnation, by }: Update): string {
  return `${status} ${incarnation} ${id}${by === undefined ? '' : ` ${by}`}`;
}

function updatesOf(words: readonly string[], headCount: number): Update[] {
  if (words.length < headCount) fail('words are missing');
  if (words.length > headCount + MEMBERS_MAX) fail('too many updates');
  return words.slice(headCount).map(decodeUpdate);
}

function decodeUpdate(word: string): Update {
  const [status = '', incarnation = '', id = '', by, ...more] = word.split(' ');
  const isStatus = status === 'alive' || status === 'suspect' || status === 'dead';
  if (!isStatus || more.length > 0 || (by !== undefined) !== (status === 'suspect')) {
    return fail('an update makes no sense');
  }
  const update = { status, id: idOf(id), incarnation: numberOf(incarnation) } as const;
  return by === undefined ? update : { ...update, by: idOf(by) };
}

function numberOf(word: string): number {
  const number = /^(0|[1-9][0-9]{0,15})$/.test(word) ? Number(word) : Infinity;
  return Number.isSafeInteger(number) ? number : fail('a number makes no sense');
}

function idOf(word: string): string {
  return isHex(word, MEMBER_ID_DIGITS) ? word : fail('an id makes no sense');
}

function fail(what: string): never {
  throw new RingError('RING_BAD_MESSAGE', what);
}
