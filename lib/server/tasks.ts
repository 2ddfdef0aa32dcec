/**
 * Work in slices: commands whose work grows with the data take turns with everything else, so that
 * the event loop is never held for long.
 *
 * All tasks share one slice of `sliceMs` per turn, each in its turn. A task whose client does not
 * read its replies waits until it does. What must be one step for everybody is no task here: alone.ts. What other members transfer has a queue of its own, with a
 * pace: it yields to clients.
 */
import type { World } from '../../world/world.js';
import { Pace } from './pace.js';
import type { Session, Task } from './session.js';

/** Time that tasks take of one turn of the event loop, ms. */
const SLICE_MS = 2;
/** Replies not yet sent beyond which a task waits for its client, bytes. */
const PENDING_BYTES_MAX = 1024 * 1024;

interface Entry {
  readonly session: Session;
  readonly task: Task;
  /** Monotonic ms. */
  readonly beganMs: number;
}

export class TaskQueue {
  readonly #world: World;
  readonly #fail: (session: Session, error: unknown) => void;
  #entries: Entry[] = [];
  #scheduled = false;
  readonly #mayRun: () => boolean;
  readonly #pace: Pace;

  /**
   * Tasks stand still while `mayRun` is false; `wake` then lets them go on. Without a pace they run in
   * each turn.
   */
  constructor(
    world: World,
    fail: (session: Session, error: unknown) => void,
    mayRun: () => boolean = () => true,
    pace = new Pace(world),
  ) {
    this.#pace = pace;
    this.#mayRun = mayRun;
    this.#world = world;
    this.#fail = fail;
  }

  get size(): number {
    return this.#entries.length;
  }

  /**
   * Does the first slice now, unless it pauses, and the rest in later turns. True: there is no rest.
   */
  begin(session: Session, task: Task, sliceMs: number): boolean {
    const sinceMs = this.#world.clock.monotonicMs();
    if (!this.#pace.isPausing) {
      const isDone = task.step(sinceMs + this.#pace.sliceMs(sliceMs));
      this.#pace.worked(sinceMs);
      if (isDone) return true;
    }
    this.#entries.push({ session, task, beganMs: sinceMs });
    this.wake();
    return false;
  }

  /** When the oldest of them began, monotonic ms; Infinity: there is none. */
  get oldestMs(): number {
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const { beganMs } of this.#entries) oldestMs = Math.min(oldestMs, beganMs);
    return oldestMs;
  }

  /** A client has read: its task may go on. */
  wake(): void {
    if (this.#scheduled || this.#entries.length === 0) return;
    this.#scheduled = true;
    this.#pace.plan(() => this.#turn());
  }

  /** The session is gone. */
  cancel(session: Session): void {
    const mine = this.#entries.filter((entry) => entry.session === session);
    if (mine.length === 0) return;
    this.#entries = this.#entries.filter((entry) => entry.session !== session);
    for (const entry of mine) entry.task.cancel?.();
  }

  #turn(): void {
    this.#scheduled = false;
    if (!this.#mayRun()) return;
    const sinceMs = this.#world.clock.monotonicMs();
    const sliceMs = this.#pace.sliceMs(SLICE_MS);
    const deadlineMs = sinceMs + sliceMs;
    const shareMs = sliceMs / this.#entries.length;
    let waiting = 0;
    let hasRun = false;
    for (const entry of [...this.#entries]) {
      if (entry.session.reply.pendingBytes > PENDING_BYTES_MAX) {
        waiting += 1;
        continue;
      }
      const nowMs = this.#world.clock.monotonicMs();
      if (hasRun && nowMs >= deadlineMs) break;
      hasRun = true;
      this.#run(entry, Math.min(deadlineMs, nowMs + shareMs));
    }
    this.#pace.worked(sinceMs);
    // The next turn begins with those that this one did not reach.
    if (this.#entries.length > 1) this.#entries.push(this.#entries.shift()!);
    if (this.#entries.length > waiting) this.wake();
  }

  #run(entry: Entry, deadlineMs: number): void {
    const { session, task } = entry;
    const mark = session.reply.mark();
    let finished: boolean;
    const { store } = session.server;
    store.refresh();
    store.beginCommand();
    session.server.current = session;
    const before = store.changeCount;
    try {
      finished = task.step(deadlineMs);
    } catch (error) {
      this.#fail(session, error);
      finished = true;
    }
    session.server.current = undefined;
    session.noteWrites(before);
    if (session.taskMuted) session.reply.rewind(mark);
    if (!finished) {
      session.carrier.flush();
      return;
    }
    this.#entries = this.#entries.filter((other) => other !== entry);
    session.task = undefined;
    const { blocking, dispatcher } = session.server;
    // What it wanted may have gone meanwhile: then it waits for it.
    if (session.blocked === undefined) {
      session.deliverPushes();
      session.taskMuted = false;
      session.suspended = false;
    }
    blocking.leaveKey(session);
    dispatcher.serveReady();
    session.carrier.resume();
  }
}
