/**
 * What a command is: one row in a table, and one handler (STYLE rule 20). COMMAND, routing, MULTI,
 * CLIENT PAUSE and the statistics read the row.
 */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Route } from '../routing/kinds.js';
import type { CommandStats } from '../server/command-stats.js';
import type { Session } from '../server/session.js';

/**
 * Runs a command and writes exactly one reply (RESP3 push messages apart), or defers itself with
 * `session.defer(task)`. `args` and everything in it are valid only until it returns.
 * Whatever it finds wrong it says with `reply.error`, before it has changed anything.
 */
export type Handler = (session: Session, args: Args, reply: ReplyWriter) => void;

/** May change keys: CLIENT PAUSE WRITE holds it back. */
export const WRITE = 1 << 0;
/** Looks at keys and changes none. */
export const READONLY = 1 << 1;
/** O(1) or O(log n): not worth a look at the clock of its own. */
export const FAST = 1 << 2;
/** Allowed before AUTH. */
export const NO_AUTH = 1 << 3;
/** Refused inside MULTI. */
export const NO_MULTI = 1 << 4;
/** Runs at once inside MULTI instead of being queued: EXEC, DISCARD, MULTI, WATCH, QUIT, RESET. */
export const NOT_QUEUED = 1 << 5;
/** Answers from counts: what has expired is taken out of all trees first. */
export const COUNTS = 1 << 6;
/** Not shown to MONITOR and not kept in SLOWLOG: it may carry a password, or is one of them. */
export const HIDDEN = 1 << 7;
/** For operators. */
export const ADMIN = 1 << 8;
/** Known by name, and always refused: COMMAND does not tell of it. */
export const REFUSED = 1 << 9;

/** Answers with pushes, which CLIENT REPLY OFF does not hold back: SUBSCRIBE and its kin. */
export const PUSHES = 1 << 20;
/** May need memory: refused beyond maxmemory. Redis's `denyoom`, taken from the metadata. */
export const DENY_OOM = 1 << 10;
/** Refused to scripts. Redis's `noscript`, taken from the metadata. */
export const NO_SCRIPT = 1 << 11;
/** Answered while a slow script makes all others wait. Redis's `allow_busy`, likewise. */
export const ALLOW_BUSY = 1 << 12;
/** Answered while the node loads. Redis's `loading`, likewise. */
export const WHILE_LOADING = 1 << 14;
/** Runs commands of its own: MONITOR shows it before them, and CLIENT PAUSE WRITE holds it back. */
export const SCRIPT = 1 << 13;
/** Flags of which a command that may write has one. */
export const MAY_WRITE = WRITE | SCRIPT;
/** Commands that write no key, and may be heard by other nodes: Redis's flag may_replicate. */
export const MAY_REPLICATE: ReadonlySet<string> = new Set(['publish', 'spublish', 'pfcount']);

/** A key that a request names. */
export interface FoundKey {
  readonly buf: Buffer;
  readonly from: number;
  readonly to: number;
  /** What the command does with it, as Redis's key specifications say: RO, access ... */
  readonly flags: readonly string[];
}

/** One command or subcommand. */
export interface CommandRow {
  /** Lower case. */
  readonly name: string;
  /** Number of arguments with the name(s): exactly n, or with -n at least n. */
  readonly arity: number;
  /** Sum of the flags above. */
  readonly flags: number;
  /** Position of the first key, 0 for none; of the last, negative from the end; distance. */
  readonly keys?: readonly [first: number, last: number, step: number];
  /** Positions of the keys where they depend on the arguments (BITOP is not such, SORT is). */
  readonly findKeys?: (args: Args) => number[];
  /** The keys where they lie within arguments that hold more than a key. */
  readonly keysWithin?: (args: Args) => FoundKey[];
  readonly handler: Handler;
  /** A container command: the second argument picks one; `handler` answers if it picks none. */
  readonly subcommands?: readonly CommandRow[];
}

/** A row in use. */
export interface Command extends CommandRow {
  /** `config|get` for a subcommand, else the name. */
  readonly fullName: string;
  /** Where it runs in a ring. */
  readonly route: Route;
  readonly stats: CommandStats;
  readonly children: ReadonlyMap<string, Command> | undefined;
}
