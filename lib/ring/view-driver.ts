/**
 * Runs a ViewMachine on a node: its clock, its record on the disk, its messages.
 *
 *   machine --output--> queue --record synced--> messages leave --> events are told
 *
 * Invariant: of two outputs nothing of the later one happens before all of the earlier one; and
 * nothing leaves that rests on a record which is not on stable storage.
 */
import type { ViewMessage } from '../../discord/views/messages.js';
import type { Contact, ViewEvent, ViewOutput } from '../../discord/views/outbox.js';
import type { ViewMachine } from '../../discord/views/view-machine.js';
import type { Timer, World } from '../../world/world.js';
import type { Log } from '../server/log.js';

/** After the disk has refused a record, ms. */
const RETRY_MS = 1000;

export interface ViewDriverParts {
  readonly world: World;
  readonly log: Log;
  readonly machine: ViewMachine;
  /** Resolves once the record is on stable storage; undefined: this node keeps nothing. */
  readonly keep: ((record: Buffer) => Promise<void>) | undefined;
  readonly self: Contact;
}

export interface ViewDriverEvents {
  send(to: Contact, message: ViewMessage): void;
  told(event: ViewEvent): void;
}

export class ViewDriver {
  readonly #parts: ViewDriverParts;
  readonly #events: ViewDriverEvents;
  #queue: ViewOutput[] = [];
  #isKeeping = false;
  /** The disk has refused a record, and not taken it yet. */
  #isSilent = false;
  #isStopped = false;
  #timer: Timer | undefined;
  #plannedMs = Infinity;

  constructor(parts: ViewDriverParts, events: ViewDriverEvents) {
    this.#parts = parts;
    this.#events = events;
  }

  get #nowMs(): number {
    return this.#parts.world.clock.monotonicMs();
  }

  /** Lets the machine do something, and does what it wants. */
  do(action: (machine: ViewMachine, nowMs: number) => void): void {
    if (this.#isStopped) return;
    const { machine } = this.#parts;
    action(machine, this.#nowMs);
    for (let out = machine.takeOutput(); out !== null; out = machine.takeOutput()) {
      this.#queue.push(out);
    }
    this.#pump();
    this.#plan();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#queue = [];
  }

  #plan(): void {
    const { machine, world } = this.#parts;
    const dueMs = machine.nextDueMs;
    if (this.#isStopped || dueMs >= this.#plannedMs || dueMs === Infinity) return;
    this.#timer?.cancel();
    this.#plannedMs = dueMs;
    const tick = (): void => {
      this.#plannedMs = Infinity;
      this.do((_, nowMs) => machine.tick(nowMs));
    };
    this.#timer = world.timers.after(Math.max(1, dueMs - this.#nowMs), tick, true);
  }

  #pump(): void {
    const { keep } = this.#parts;
    while (this.#queue.length > 0 && !this.#isKeeping) {
      const out = this.#queue[0]!;
      if (out.record !== null && keep !== undefined) {
        this.#isKeeping = true;
        this.#keep(out, keep, out.record);
        return;
      }
      this.#queue.shift();
      this.#release(out);
    }
  }

  #keep(out: ViewOutput, keep: (record: Buffer) => Promise<void>, record: Buffer): void {
    const { log, world } = this.#parts;
    keep(record).then(
      () => {
        this.#isKeeping = false;
        if (this.#isSilent) log.warn({}, 'what the ring decides can be kept again');
        this.#isSilent = false;
        if (this.#isStopped) return;
        this.#queue.shift();
        this.#release(out);
        this.#pump();
      },
      (error: unknown) => {
        const news = 'cannot keep what the ring decides; this member is silent until it can';
        const { message = String(error) } = error as { message?: string };
        if (!this.#isSilent) log.error({ error: message }, news);
        this.#isSilent = true;
        world.timers.after(RETRY_MS, () => this.#keep(out, keep, record), true);
      },
    );
  }

  #release({ messages, events }: ViewOutput): void {
    const { self, world } = this.#parts;
    for (const { to, message } of messages) {
      if (to.address !== self.address) this.#events.send(to, message);
      else
        world.timers.soon(() => this.do((machine, nowMs) => machine.receive(nowMs, self, message)));
    }
    for (const event of events) this.#events.told(event);
  }
}
