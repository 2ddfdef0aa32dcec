/** A command of another member that was let in, and who keeps it until it has its reply. */
import type { Args } from '../../resp/args.js';
import type { Command } from '../commands/command.js';
import type { CallHeader } from './call-header.js';
import type { Guest, GuestOptions } from './guests.js';

export const BAD_HEADER = 'ERR a call without a header that can be read';

/** One call that was let in. */
export interface Job {
  readonly memberId: string;
  readonly header: CallHeader;
  readonly options: GuestOptions;
  /** The command, or that of EXEC: what follows the header. */
  readonly args: Args;
  readonly isExec: boolean;
}

/** What CALLS needs of the keeper of calls. */
export interface JobKeeper {
  /** Whether anything that was sent under this header may be begun now. */
  mayBegin(memberId: string, header: CallHeader): boolean;
  /** Whether this member is the one to run a command of it, as far as it knows. */
  isOwn(memberId: string, header: CallHeader, command: Command | undefined, words: Args): boolean;
  /** Whether commands of this lane must wait. */
  isBusy(memberId: string, lane: number): boolean;
  /** The command waits for its lane, which is busy; an error if too many do. */
  await(job: Job): string | undefined;
  /** A guest has begun it, and not finished: an ANSWER will follow. */
  adopt(job: Job, guest: Guest): void;
  /** Sends a member what it waits for, until it has it or does not want it. */
  deliver(memberId: string, words: readonly (string | Buffer)[], over: () => void): void;
}
