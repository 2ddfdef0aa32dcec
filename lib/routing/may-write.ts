/**
 * Whether a request may change keys, as far as the client's own node can tell: WAIT counts what it
 * writes elsewhere, and what was sent and not answered is in doubt.
 */
import type { Args } from '../../resp/args.js';
import { type Command, READONLY, SCRIPT, WRITE } from '../commands/command.js';
import { NO_WRITES, readScript } from '../scripting/shebang.js';
import type { Server } from '../server/server.js';
import type { QueuedCommand } from '../server/session.js';

/** The text, SHA1 or name of what a command of scripts runs. */
const SCRIPT_AT = 1;
const HASH = 0x23;

export function mayWrite(server: Server, { flags, name }: Command, args: Args): boolean {
  if ((flags & SCRIPT) === 0) return (flags & WRITE) !== 0;
  if ((flags & READONLY) !== 0) return false;
  return (scriptFlags(server, name, args) & NO_WRITES) === 0;
}

export function anyMayWrite(server: Server, queue: readonly QueuedCommand[]): boolean {
  return queue.some(({ args, command }) => mayWrite(server, command, args));
}

/** Flags of shebang.ts; 0: nothing is known of it here, or it is none. */
function scriptFlags({ scripts }: Server, name: string, args: Args): number {
  if (name === 'fcall') return scripts.libraries.function(args.string(SCRIPT_AT))?.flags ?? 0;
  if (name === 'evalsha') return scripts.cache.flagsOf(args.string(SCRIPT_AT));
  // Only one with a first line of its own has flags.
  if (args.length(SCRIPT_AT) === 0 || args.buf[args.starts[SCRIPT_AT]!] !== HASH) return 0;
  const script = readScript(args.string(SCRIPT_AT));
  return typeof script === 'string' ? 0 : script.flags;
}
