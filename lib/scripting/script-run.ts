/** One run of a script or function, from its call to its reply. */
import type { Args } from '../../resp/args.js';
import type { Command } from '../commands/command.js';
import type { Session } from '../server/session.js';
import type { Engine } from './engine.js';
import type { ScriptRights } from './script-call.js';

export interface ScriptJob {
  readonly engine: Engine;
  readonly session: Session;
  /** SHA1 of a script, name of a function. */
  readonly name: string;
  readonly isFunction: boolean;
  readonly rights: ScriptRights;
}

export class ScriptRun {
  readonly job: ScriptJob;
  /** Monotonic ms. */
  readonly startMs: number;
  /** Wall time that the script sees, however long it takes. */
  readonly nowMs: number;
  sliceEndMs = 0;
  isKilled = false;
  /** The command that has called, once the run has been suspended. */
  command: Command | undefined;
  args: Args | undefined;
  /** What follows the reply: the rest of a transaction. */
  afterwards: (() => void) | undefined;
  /** Where it was interrupted last. */
  interruptedAt: { source: string; line: number } | undefined;

  constructor(job: ScriptJob, startMs: number, nowMs: number) {
    this.job = job;
    this.startMs = startMs;
    this.nowMs = nowMs;
  }
}
