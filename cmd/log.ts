/** The log of a process: pino, readable lines on a terminal, JSON for everything else. */

import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { LogLevel } from '../lib/config/values.js';

/** Set to 1 by `dhash ring` for its nodes: what they log is shown on a terminal, though not theirs. */
export const TERMINAL_VARIABLE = 'RING_ON_TERMINAL';

/** Redis's levels, in pino's words. */
const PINO_LEVELS: Readonly<Record<LogLevel, string>> = {
  debug: 'debug',
  verbose: 'debug',
  notice: 'info',
  warning: 'warn',
  nothing: 'silent',
};

export function pinoLevel(level: LogLevel): string {
  return PINO_LEVELS[level];
}

/** Synchronous: the last lines before an exit are the ones that matter. */
export function createLog(level: LogLevel, isForPeople: boolean): Logger {
  const options = { level: pinoLevel(level) };
  if (!isForPeople) return pino(options, pino.destination({ dest: 1, sync: true }));
  const stream = pretty({
    colorize: process.stdout.hasColors?.() ?? false,
    ignore: 'pid,hostname',
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
    sync: true,
  });
  return pino(options, stream);
}
