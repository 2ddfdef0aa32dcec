/**
 * A command that has the data to itself for several turns: a script that is suspended, or a command of very
 * many arguments. The event loop turns, so that members hear that this one lives; but nobody else's command
 * runs, and so it is one step for everybody. Who sends one is held back until it is over.
 *
 *   command -> slice -> done: reply
 *                |
 *            suspended -> turn: slice -> ... -> done: reply, then those held back
 *
 * Invariant: `sinceMs` is finite while SERVER_ALONE is set in the dispatcher's gate, and only then. Expiry and
 * tasks of others stand still meanwhile.
 */

import assert from 'node:assert';
import type { Args } from '../../resp/args.js';
import type { World } from '../../world/world.js';
import { SERVER_ALONE } from './gates.js';
import type { Server } from './server.js';
import type { Session, Task } from './session.js';

/** Time of the turn that the command arrives in, and of each later one, ms. */
const SLICE_MS = 4;

export class Alone {
  /** When it began, monotonic ms; Infinity: nobody is alone. */
  sinceMs = Number.POSITIVE_INFINITY;
  /** It is a command, and no script: what it writes goes to the disk as one run. */
  runsCommand = false;
  readonly #server: Server;
  readonly #world: World;
  readonly #heldBack = new Set<Session>();

  constructor(server: Server, world: World) {
    this.#server = server;
    this.#world = world;
  }

  get isOn(): boolean {
    return this.sinceMs !== Number.POSITIVE_INFINITY;
  }

  get heldBackCount(): number {
    return this.#heldBack.size;
  }

  begin(sinceMs: number): void {
    assert(!this.isOn, 'two commands are alone');
    this.sinceMs = sinceMs;
    this.#server.dispatcher.gate |= SERVER_ALONE;
  }

  /** Others may run again; `release` tells those who wait. */
  end(): void {
    this.sinceMs = Number.POSITIVE_INFINITY;
    this.#server.dispatcher.gate &= ~SERVER_ALONE;
  }

  /** The session waits with a command. */
  holdBack(session: Session, args: Args): void {
    session.postponed = args.clone();
    session.suspended = true;
    this.#heldBack.add(session);
  }

  forget(session: Session): void {
    this.#heldBack.delete(session);
  }

  release(): void {
    const waiting = [...this.#heldBack];
    this.#heldBack.clear();
    for (const session of waiting) {
      session.suspended = false;
      session.carrier.resume();
    }
  }

  /** Does the first slice of a session's command, and the rest in later turns: see `Session.deferAlone`. */
  run(session: Session, task: Task): void {
    const sinceMs = this.#world.clock.monotonicMs();
    const { nowMs } = this.#server.store;
    if (task.step(sinceMs + SLICE_MS)) return;
    session.task = task;
    session.suspended = true;
    this.begin(sinceMs);
    this.runsCommand = true;
    this.#plan(session, task, nowMs);
  }

  #plan(session: Session, task: Task, nowMs: number): void {
    this.#world.timers.soon(() => this.#turn(session, task, nowMs));
  }

  /** `nowMs`: the time of the command, however long it takes, so that no key expires in the middle of it. */
  #turn(session: Session, task: Task, nowMs: number): void {
    const server = this.#server;
    const { store } = server;
    store.refresh();
    store.nowMs = nowMs;
    store.beginCommand();
    server.current = session;
    const mark = session.reply.mark();
    const before = store.changeCount;
    let isDone = true;
    try {
      isDone = task.step(this.#world.clock.monotonicMs() + SLICE_MS);
    } catch (error) {
      server.failed(session, error);
    }
    server.current = undefined;
    session.noteWrites(before);
    if (session.taskMuted) session.reply.rewind(mark);
    if (isDone) this.#finish(session);
    else this.#plan(session, task, nowMs);
  }

  #finish(session: Session): void {
    const server = this.#server;
    this.end();
    this.runsCommand = false;
    session.task = undefined;
    session.taskMuted = false;
    session.suspended = false;
    server.dispatcher.serveReady();
    if (session.isGone) session.reply.release();
    else {
      session.deliverPushes();
      session.carrier.resume();
    }
    server.wakeTasks();
    this.release();
  }
}
