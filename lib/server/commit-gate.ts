/**
 * CommitGate: decides when replies may leave: not before what they tell of is safe on this node's
 * disk and, for a session that has written, with as many replicas as its level asks for.
 *
 *   replies --> hold --> disk      all that was changed before, by whomever
 *                    --> replicas  what this session has changed
 *
 * A node that keeps nothing and is alone holds nothing.
 */
import type { DiskWaiter } from '../persistence/held-replies.js';
import type { PendingWrites } from './pending-writes.js';
import type { Server } from './server.js';

export interface CommitWaiter extends DiskWaiter {
  /** The writes are here, and perhaps with too few replicas; `text` is the error to tell. */
  inDoubt(text: string): void;
}

export class CommitGate {
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  /** False: replies may leave. True: the waiter is told. `writes` are those of the session. */
  hold(waiter: CommitWaiter, writes: PendingWrites): boolean {
    const { persistence, replication } = this.#server;
    if (!writes.isOpen || replication === undefined) return persistence?.hold(waiter) === true;
    const { first, last, level } = writes;
    replication.turnEnds();
    const both = new Both(waiter);
    if (persistence?.hold(both) === true) both.waits += 1;
    if (replication.hold(first, last, level, both)) both.waits += 1;
    return both.waits > 0;
  }
}

class Both implements DiskWaiter {
  /** How many are still to tell. */
  waits = 0;
  readonly #waiter: CommitWaiter;
  #doubt: string | undefined;

  constructor(waiter: CommitWaiter) {
    this.#waiter = waiter;
  }

  safe(): void {
    this.waits -= 1;
    if (this.waits !== 0) return;
    if (this.#doubt === undefined) this.#waiter.safe();
    else this.#waiter.inDoubt(this.#doubt);
  }

  /** Without a text it is the disk that has failed: then nothing is known of the rest either. */
  doubtful(text?: string): void {
    if (text === undefined) {
      this.waits = -1;
      this.#waiter.doubtful();
    } else {
      this.#doubt = text;
      this.safe();
    }
  }
}
