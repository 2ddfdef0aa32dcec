/** What MONITOR shows of one command. */
import type { Args } from '../../resp/args.js';
import { shownArgument } from './redact.js';
import { repr } from './repr.js';
import type { Session } from './session.js';

/** Bytes of arguments in one line: what a big value says beyond them is of no use to a reader. */
const LINE_BYTES_MAX = 1024 * 1024;

/**
 * The line without the `+` in front, one character per byte:
 * `1700000000.123000 [0 127.0.0.1:5000] "SET" "a" "1"`.
 */
export function monitorLine(session: Session, args: Args, wallMs: number): string {
  const seconds = Math.floor(wallMs / 1000);
  const micros = String(Math.floor((wallMs - seconds * 1000) * 1000)).padStart(6, '0');
  const { carrier } = session;
  const from = carrier.isUnix ? `unix:${carrier.local.replace(/:0$/, '')}` : carrier.remote;
  let line = `${seconds}.${micros} [${session.databaseIndex} ${from}]`;
  let bytesLeft = LINE_BYTES_MAX;
  for (let i = 0; i < args.count; i += 1) {
    if (bytesLeft <= 0) return `${line} "... (${args.count - i} more arguments)"`;
    line += ` ${repr(shownArgument(session.lastCommand, args, i, bytesLeft))}`;
    // An empty argument takes room, too.
    bytesLeft -= args.length(i) + 3;
  }
  return line;
}
