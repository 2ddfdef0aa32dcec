/** Commands that a client of a ring sends, and what may be answered to them. */
import type { Plain } from '../../support/local.js';
import type { Attempt, KeyHistory } from './key-history.js';

export interface ClientCall {
  readonly words: readonly (string | Buffer)[];
  /** Its reply; a text: that cannot be. */
  take(reply: Plain): string | undefined;
  /** There will be no reply. */
  lost(): void;
}

/** Of a connection: its defaults for what it reads and writes. */
export interface Levels {
  readonly read: Level;
  readonly write: Level;
}

export type Level = 'one' | 'quorum' | 'all';

const REFUSED = /^-(TRYAGAIN|NOQUORUM|CLUSTERDOWN|LOADING|EXECABORT) /;
const DOUBTFUL = /^-INDOUBT /;
/** With the others it may be in the network still, or with a member that has not answered. */
const APPLIED = /^-INDOUBT applied here/;
/** It was applied by now, or never will be. */
const OVER = /^-INDOUBT .*: no reply in time; applied or not$/;
/** What the README promises: how late a write takes effect that is in doubt, or whose client was cut off, ms. */
const LATE_IN_DOUBT_MS = 10_000;
const LATE_LOST_MS = 15_000;

/** With `at` for this command alone. */
export function set(history: KeyHistory, { write }: Levels, at?: Level): ClientCall {
  const attempt = history.attempt();
  return {
    words: [...atLevel(at), 'SET', history.key, attempt.value!],
    take: (reply) => takeWrite(history, attempt, at ?? write, reply, reply === 'OK'),
    lost: () => history.drift(attempt, LATE_LOST_MS),
  };
}

export function remove(history: KeyHistory, { write }: Levels, at?: Level): ClientCall {
  const attempt = history.attempt(true);
  return {
    words: [...atLevel(at), 'DEL', history.key],
    take: (reply) => {
      // Who runs it has found nothing, and left nothing.
      if (reply === 0) return history.settle(attempt, 'nothing');
      return takeWrite(history, attempt, at ?? write, reply, reply === 1);
    },
    lost: () => history.drift(attempt, LATE_LOST_MS),
  };
}

export function get(history: KeyHistory, { read }: Levels, at?: Level): ClientCall {
  const { safeNumber } = history;
  return {
    words: [...atLevel(at), 'GET', history.key],
    take: (reply) => takeRead(history, (at ?? read) === 'one' ? 0 : safeNumber, reply),
    lost: () => {},
  };
}

/** Nobody comes between the write and the read of a transaction. */
export function transaction(history: KeyHistory, levels: Levels): ClientCall[] {
  const attempt = history.attempt();
  const { key } = history;
  let isOpen = false;
  const queued = (words: ClientCall['words'], lone: ClientCall['take']): ClientCall => ({
    words,
    take: (reply) => {
      if (!isOpen) return lone(reply);
      if (reply === 'QUEUED' || isOneOf(REFUSED, reply) || isOneOf(DOUBTFUL, reply))
        return undefined;
      return `${String(words[0])} in MULTI was answered ${show(reply)}`;
    },
    lost: () => {},
  });
  const multi = (reply: Plain): string | undefined => {
    // It is in doubt like every reply that has waited with a write before it.
    isOpen = reply === 'OK' || isOneOf(DOUBTFUL, reply);
    if (isOpen || isOneOf(REFUSED, reply)) return undefined;
    return `MULTI was answered ${show(reply)}`;
  };
  const exec = (reply: Plain): string | undefined => {
    if (!isOpen) {
      const isRight =
        isOneOf(REFUSED, reply) || isOneOf(DOUBTFUL, reply) || reply === '-ERR EXEC without MULTI';
      return isRight ? undefined : `EXEC without MULTI was answered ${show(reply)}`;
    }
    const isDone = show(reply) === show(['OK', attempt.value]);
    return takeWrite(history, attempt, levels.write, reply, isDone);
  };
  const isWritten = (reply: Plain): string | undefined =>
    takeWrite(history, attempt, levels.write, reply, reply === 'OK');
  const lost = (): void => history.drift(attempt, LATE_LOST_MS);
  return [
    { words: ['MULTI'], take: multi, lost: () => {} },
    queued(['SET', key, attempt.value!], isWritten),
    queued(['GET', key], (reply) => takeRead(history, 0, reply)),
    { words: ['EXEC'], take: exec, lost },
  ];
}

/** Sets the levels of the connection; `done` is told whether it has. */
export function consistency({ read, write }: Levels, done: (isDone: boolean) => void): ClientCall {
  return {
    words: ['CONSISTENCY', 'READ', read, 'WRITE', write],
    take: (reply) => {
      done(reply === 'OK');
      const isRight = reply === 'OK' || isOneOf(REFUSED, reply);
      return isRight ? undefined : `CONSISTENCY was answered ${show(reply)}`;
    },
    lost: () => {},
  };
}

/** A counter that is counted up and nothing else: how often, at most. */
export function increment(key: Buffer, times: number): ClientCall {
  return {
    words: ['INCR', key],
    take: (reply) => {
      if (isOneOf(REFUSED, reply) || isOneOf(DOUBTFUL, reply)) return undefined;
      const isRight = typeof reply === 'number' && reply >= 1 && reply <= times;
      return isRight ? undefined : `INCR for the ${times}th time was answered ${show(reply)}`;
    },
    lost: () => {},
  };
}

function takeWrite(
  history: KeyHistory,
  attempt: Attempt,
  level: Level,
  reply: Plain,
  isDone: boolean,
): string | undefined {
  if (isDone) return history.settle(attempt, level === 'one' ? 'doubtful' : 'safe');
  if (isOneOf(REFUSED, reply)) return history.settle(attempt, 'refused');
  if (isOneOf(APPLIED, reply)) history.settle(attempt, 'doubtful');
  else history.drift(attempt, isOneOf(OVER, reply) ? 0 : LATE_IN_DOUBT_MS);
  if (isOneOf(DOUBTFUL, reply)) return undefined;
  return `the write of ${attempt.value} to ${history.name} was answered ${show(reply)}`;
}

function takeRead(history: KeyHistory, safeNumber: number, reply: Plain): string | undefined {
  if (isOneOf(REFUSED, reply) || isOneOf(DOUBTFUL, reply)) return undefined;
  return history.read(reply, safeNumber);
}

function atLevel(level: Level | undefined): string[] {
  return level === undefined ? [] : ['AT', level];
}

function isOneOf(errors: RegExp, reply: Plain): boolean {
  return typeof reply === 'string' && errors.test(reply);
}

function show(reply: Plain): string {
  return JSON.stringify(reply);
}
