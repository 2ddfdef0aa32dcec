/**
 * SLOWLOG: the last commands that took long, the newest first.
 *
 * Invariant: an entry holds at most `ARGS_MAX` arguments of little more than `ARG_BYTES_MAX` bytes,
 * and there are at most `slowlog-max-len` of them.
 */
import type { Args } from '../../resp/args.js';
import { type Command, HIDDEN } from '../commands/command.js';
import { shownArgument } from './redact.js';
import type { Server } from './server.js';
import type { Session } from './session.js';

const ARGS_MAX = 32;
const ARG_BYTES_MAX = 128;

export interface SlowlogEntry {
  readonly id: number;
  readonly atSeconds: number;
  readonly usec: number;
  /** One character per byte. */
  readonly args: readonly string[];
  readonly client: string;
  readonly clientName: string;
}

export class Slowlog {
  #entries: SlowlogEntry[] = [];
  #nextId = 0;

  /** The newest first. */
  get entries(): readonly SlowlogEntry[] {
    return this.#entries;
  }

  add(session: Session, command: Command, args: Args, usec: number, server: Server): void {
    if ((command.flags & HIDDEN) !== 0) return;
    this.#entries.unshift({
      id: this.#nextId,
      atSeconds: Math.floor(server.store.nowMs / 1000),
      usec: Math.floor(usec),
      args: shortened(command, args),
      client: session.carrier.remote,
      clientName: session.name,
    });
    this.#nextId += 1;
    this.trim(server.settings.slowlogMaxLen);
  }

  trim(entriesMax: number): void {
    if (this.#entries.length > entriesMax) this.#entries.length = entriesMax;
  }

  reset(): void {
    this.#entries = [];
  }
}

function shortened(command: Command, args: Args): string[] {
  const shown = Math.min(args.count, ARGS_MAX);
  const texts: string[] = [];
  for (let i = 0; i < shown; i += 1) {
    if (args.count > ARGS_MAX && i === ARGS_MAX - 1) {
      texts.push(`... (${args.count - ARGS_MAX + 1} more arguments)`);
      break;
    }
    texts.push(shownArgument(command, args, i, ARG_BYTES_MAX));
  }
  return texts;
}
