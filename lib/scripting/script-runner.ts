/**
 * Runs scripts in slices. A script that is done within its first slice, as nearly all are, is one
 * call into Lua. One that takes longer is suspended by the count hook, the event loop turns, and
 * it goes on; meanwhile it has the data to itself (lib/server/alone.ts): who sends a command is held back,
 * and once the script has taken `busy-reply-threshold`, refused with -BUSY. So it is one step for everybody.
 *
 *   call -> slice -> done: reply
 *             |
 *         suspended -> turn: slice -> ... -> done: reply, the rest of EXEC, those held back
 *
 * Invariant: `running` is the one run that is suspended; while there is one, it is alone.
 */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { World } from '../../world/world.js';
import type { Server } from '../server/server.js';
import { GATE_NO_TOUCH, GATE_TRACKING } from '../server/session.js';
import type { Engine } from './engine.js';
import { replyFromLua } from './from-lua.js';
import { FIRST_SLICE_MS, SLICE_MS } from './limits.js';
import { FINISHED, OUT_OF_MEMORY, YIELDED } from './lua.js';
import { errorText } from './script-call.js';
import { type ScriptJob, ScriptRun } from './script-run.js';
import { ResultTooLong, SliceClock } from './slice-clock.js';

const KILLED = 'ERR Script killed by user with SCRIPT KILL...';
const NO_MEMORY = 'not enough memory';

/** How a run has ended: undefined = with a result on the thread's stack, else the error reply. */
type Outcome = string | undefined;

export class ScriptRunner {
  /** The run that is suspended. */
  running: ScriptRun | undefined;
  /** The one suspended has taken longer than others are made to wait. */
  isBusy = false;
  readonly clock: SliceClock;
  readonly #server: Server;
  readonly #world: World;
  readonly #broken: (engine: Engine) => void;
  constructor(components: { server: Server; world: World }, broken: (engine: Engine) => void) {
    this.#server = components.server;
    this.#world = components.world;
    this.clock = new SliceClock(components.world);
    this.#broken = broken;
  }

  /** Runs a function that stands on the thread's stack below its `count` arguments. */
  run(job: ScriptJob, args: Args, reply: ReplyWriter, count: number): void {
    const { store } = this.#server;
    const startMs = this.#world.clock.monotonicMs();
    const run = new ScriptRun(job, startMs, store.nowMs);
    this.#prepare(job);
    store.holdStamp();
    run.sliceEndMs = startMs + FIRST_SLICE_MS;
    const ending = this.#slice(run, startMs, count);
    if (ending === undefined) {
      this.#suspend(run, args);
      return;
    }
    this.#end(run, ending.error, reply);
  }

  /** The function or its arguments could not be handed to the machine. */
  refuse({ engine, name }: ScriptJob, reply: ReplyWriter, error: unknown): void {
    engine.lua.machine.broken = true;
    this.#broken(engine);
    reply.error(`ERR Error running script ${name}, ${messageOf(error)}`);
  }

  /** Runs a function without arguments to its end, within the time for code of libraries. */
  load(engine: Engine): Outcome {
    const { c } = engine.lua;
    this.clock.begin(engine, undefined, this.#world.clock.monotonicMs());
    let status: number;
    try {
      status = engine.lua.machine.guard(() => c.lua_resume(engine.thread, 0));
    } catch (error) {
      this.#broken(engine);
      return String(error);
    } finally {
      this.clock.end();
    }
    if (status === FINISHED) {
      c.lua_settop(engine.thread, 0);
      return undefined;
    }
    const text =
      status === YIELDED
        ? 'ERR FUNCTION LOAD has yielded'
        : errorText(engine.lua, engine.thread, -1);
    engine.freshThread();
    return text;
  }

  /** What others hear while `isBusy`. */
  get busyError(): string {
    const kill = this.running?.job.isFunction === true ? 'FUNCTION' : 'SCRIPT';
    return `BUSY Redis is busy running a script. You can only call ${kill} KILL or SHUTDOWN NOSAVE.`;
  }

  #prepare(job: ScriptJob): void {
    const { session, engine } = job;
    const own = engine.caller.session;
    own.reply.protocol = 2;
    own.databaseIndex = session.databaseIndex;
    own.user = session.user;
    own.name = session.name;
    own.gate = session.gate & (GATE_NO_TOUCH | GATE_TRACKING);
    // What a script reads, its caller has read.
    own.tracking = session.tracking;
    engine.caller.rights = job.rights;
  }

  /** Lets the script go on for one slice; undefined: it was interrupted. */
  #slice(run: ScriptRun, nowMs: number, count: number): { error: Outcome } | undefined {
    const { engine } = run.job;
    const { dispatcher } = this.#server;
    const wasAtomic = dispatcher.atomic;
    dispatcher.atomic = true;
    this.clock.begin(engine, run, nowMs);
    let status: number;
    try {
      status = engine.lua.c.lua_resume(engine.thread, count);
    } catch (error) {
      engine.lua.machine.broken = true;
      this.#server.log.warn(
        { err: error, script: run.job.name },
        'a script has broken its machine',
      );
      return { error: `ERR Error running script ${run.job.name}, ${messageOf(error)}` };
    } finally {
      this.clock.end();
      dispatcher.atomic = wasAtomic;
    }
    if (status === FINISHED) return { error: undefined };
    if (status === YIELDED) {
      if (this.clock.interrupted) return undefined;
      return { error: located(run, 'ERR attempt to yield', undefined) };
    }
    if (status === OUT_OF_MEMORY) {
      return { error: `ERR Error running script ${run.job.name}, ${NO_MEMORY}` };
    }
    const text = errorText(engine.lua, engine.thread, -1);
    return { error: located(run, text, engine.lua.where(engine.thread)) };
  }

  /** Replies, and leaves the engine ready for the next script. */
  #end(run: ScriptRun, error: Outcome, reply: ReplyWriter): void {
    const { engine } = run.job;
    engine.caller.rights = undefined;
    this.#server.store.releaseStamp();
    const mark = reply.mark();
    try {
      if (error === undefined) this.#replyResult(engine, reply);
      else reply.error(error);
      if (error !== undefined) this.#renew(run.job);
    } catch (failure) {
      reply.rewind(mark);
      reply.error(`ERR Error running script ${run.job.name}, ${messageOf(failure)}`);
      if (failure instanceof ResultTooLong) this.#renew(run.job);
      else engine.lua.machine.broken = true;
    }
    if (engine.lua.machine.broken) this.#broken(engine);
    else engine.lua.shrinkStage();
  }

  /** A new thread, unless the machine itself is replaced by the next script. */
  #renew({ engine, isFunction }: ScriptJob): void {
    if (engine.lua.machine.broken || (engine.isGrown && !isFunction)) return;
    engine.freshThread();
  }

  #replyResult(engine: Engine, reply: ReplyWriter): void {
    const { c } = engine.lua;
    const L = engine.thread;
    // The first result counts; nothing returned is nil.
    if (c.lua_gettop(L) === 0) c.lua_pushnil(L);
    else c.lua_settop(L, 1);
    this.clock.beginReply(reply);
    try {
      replyFromLua(engine.lua, L, reply, engine.caller.session.reply.protocol);
    } finally {
      this.clock.end();
    }
    c.lua_settop(L, 0);
  }

  #suspend(run: ScriptRun, args: Args): void {
    run.command = run.job.session.lastCommand;
    run.args = args.clone();
    this.running = run;
    run.job.session.suspended = true;
    this.#server.alone.begin(run.startMs);
    this.#world.timers.soon(() => this.#turn(run));
  }

  #turn(run: ScriptRun): void {
    const { store, settings } = this.#server;
    store.refresh();
    store.nowMs = run.nowMs;
    if (store.keepsTombstones) store.useUpStamp();
    const nowMs = this.#world.clock.monotonicMs();
    run.sliceEndMs = nowMs + SLICE_MS;
    this.#server.current = run.job.session;
    const before = store.changeCount;
    const ending = run.isKilled
      ? { error: located(run, KILLED, run.interruptedAt) }
      : this.#slice(run, nowMs, 0);
    run.job.session.noteWrites(before);
    this.#server.current = undefined;
    if (ending !== undefined) {
      this.#finish(run, ending.error);
      return;
    }
    const busyMs = settings.busyReplyThreshold;
    if (!this.isBusy && busyMs > 0 && nowMs - run.startMs >= busyMs) {
      this.isBusy = true;
      this.#server.log.warn(
        { script: run.job.name, ms: Math.round(nowMs - run.startMs) },
        'a slow script: other clients get -BUSY until it ends; SCRIPT KILL ends it',
      );
      this.#server.alone.release();
    }
    this.#world.timers.soon(() => this.#turn(run));
  }

  /** The end of a run that was suspended: its reply, what follows, and those who wait. */
  #finish(run: ScriptRun, error: Outcome): void {
    const server = this.#server;
    const { session } = run.job;
    const { reply } = session;
    const mark = reply.mark();
    const errors = reply.errorCount;
    this.running = undefined;
    this.isBusy = false;
    server.alone.end();
    session.suspended = false;
    this.#end(run, error, reply);
    if (reply.errorCount !== errors) {
      if (run.command !== undefined) run.command.stats.failedCalls += 1;
      server.countError(reply.lastError);
    }
    const usec = (this.#world.clock.monotonicMs() - run.startMs) * 1000;
    if (run.command !== undefined && run.args !== undefined) {
      server.slow(session, run.command, run.args, usec);
    }
    run.afterwards?.();
    const { isGone } = session;
    // The rest of a transaction may have been suspended in its turn.
    if (session.suspended) return;
    if (isGone) reply.release();
    else if (session.taskMuted) reply.rewind(mark);
    session.taskMuted = false;
    server.dispatcher.serveReady();
    if (!isGone) {
      session.deliverPushes();
      session.carrier.flush();
      session.carrier.resume();
    }
    server.wakeTasks();
    server.alone.release();
  }
}

/** An error with the script and the line that it came from. */
function located(
  run: ScriptRun,
  text: string,
  place: { source: string; line: number } | undefined,
): string {
  if (place === undefined) return text;
  return `${text} script: ${run.job.name}, on ${place.source}:${place.line}.`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
