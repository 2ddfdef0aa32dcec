/**
 * The time of what runs in a Lua machine right now: the hook that interrupts a script whose slice
 * is over, and the end of what cannot be interrupted and takes too long.
 *
 * Lua calls the hook after so many instructions. How many is a guess, which follows what the last
 * ones took: an instruction may add two numbers, or two strings of a hundred megabytes.
 */
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { World } from '../../world/world.js';
import type { Engine } from './engine.js';
import {
  FUNCTION_LOAD_MS_MAX,
  HELD_MS_MAX,
  HOOK_INSTRUCTIONS_MAX,
  HOOK_INSTRUCTIONS_MIN,
  REPLY_BYTES_MAX,
  SLOW_LOOK_MS,
} from './limits.js';
import type { ScriptRun } from './script-run.js';

/** A reply that is being written has become too long, or takes too long. */
export class ResultTooLong extends Error {}

interface ReplyLimits {
  readonly reply: ReplyWriter;
  /** Position in it at which it ends. */
  readonly end: number;
  /** Monotonic ms. */
  readonly endMs: number;
}

export class SliceClock {
  /** The last slice has ended with a yield of the hook. */
  interrupted = false;
  readonly #world: World;
  /** The run or load at work in this very moment. */
  #current: ScriptRun | undefined;
  #engine: Engine | undefined;
  #loadEndMs = 0;
  /** The last look at the clock, monotonic ms, and the instructions until the next. */
  #lookedMs = 0;
  #hookInstructions = HOOK_INSTRUCTIONS_MAX;
  #replying: ReplyLimits | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** A slice of a run begins, or, without one, the load of a library. */
  begin(engine: Engine, run: ScriptRun | undefined, nowMs: number): void {
    this.interrupted = false;
    this.#engine = engine;
    this.#current = run;
    this.#lookedMs = nowMs;
    this.#loadEndMs = nowMs + FUNCTION_LOAD_MS_MAX;
  }

  /** The result of a run is being written. */
  beginReply(reply: ReplyWriter): void {
    const endMs = this.#world.clock.monotonicMs() + HELD_MS_MAX;
    this.#replying = { reply, end: reply.mark() + REPLY_BYTES_MAX, endMs };
  }

  end(): void {
    this.#engine = undefined;
    this.#current = undefined;
    this.#replying = undefined;
  }

  /** The hook: looks at the clock, and lets go of the machine if it is time. */
  readonly hook = (L: number): void => {
    const nowMs = this.#world.clock.monotonicMs();
    const engine = this.#engine;
    if (engine === undefined) return;
    const wasSlow = nowMs - this.#lookedMs > SLOW_LOOK_MS;
    this.#hookInstructions = wasSlow
      ? HOOK_INSTRUCTIONS_MIN
      : Math.min(engine.hookInstructionsMax, this.#hookInstructions * 2);
    this.#lookedMs = nowMs;
    engine.setHook(L, this.#hookInstructions);
    const run = this.#current;
    if (run !== undefined && nowMs >= run.sliceEndMs && engine.lua.canYield(L)) {
      this.interrupted = true;
      run.interruptedAt = engine.lua.where(L);
      engine.lua.c.lua_yield(L, 0);
      return;
    }
    this.#endIfTooLong(engine, L, nowMs);
  };

  /** Within a function of a library: ends the script, or the load, if it has taken too long. */
  readonly onWork = (L: number): void => {
    const nowMs = this.#world.clock.monotonicMs();
    const replying = this.#replying;
    if (replying !== undefined) {
      if (replying.reply.mark() > replying.end) {
        throw new ResultTooLong(`its reply is longer than ${REPLY_BYTES_MAX} bytes`);
      }
      if (nowMs > replying.endMs) {
        throw new ResultTooLong(`its reply takes longer than ${HELD_MS_MAX} ms to write`);
      }
      return;
    }
    const engine = this.#engine;
    if (engine === undefined) return;
    this.#endIfTooLong(engine, L, nowMs);
    if (this.#current !== undefined && nowMs >= this.#current.sliceEndMs) engine.setHook(L, 1);
  };

  #endIfTooLong(engine: Engine, L: number, nowMs: number): void {
    const run = this.#current;
    if (run === undefined) {
      if (nowMs > this.#loadEndMs) engine.lua.raise(L, 'FUNCTION LOAD timeout');
    } else if (nowMs > run.sliceEndMs + HELD_MS_MAX) {
      engine.lua.raise(
        L,
        `Script ended: over ${HELD_MS_MAX} ms within a metamethod, iterator, callback or library`,
      );
    }
  }

  /** After a command of the script: makes the hook come at once if the slice is over. */
  readonly looksAtClock = (L: number): void => {
    const run = this.#current;
    if (run === undefined || this.#world.clock.monotonicMs() < run.sliceEndMs) return;
    this.#engine?.setHook(L, 1);
  };
}
