/**
 * HeldReplies: who waits until what was changed so far is on the disk. They are told in the order
 * in which they came, and those whose run of blocks has not ended yet wait for its end first.
 */

/** Who waits until what was changed so far is safe. */
export interface DiskWaiter {
  /** It is: replies may leave. */
  safe(): void;
  /** Whether it ever will be is open. */
  doubtful(): void;
}

interface Held {
  /** The last block that it waits for; infinite while that is not sealed. */
  readonly number: number;
  readonly stamp: number;
  readonly waiter: DiskWaiter;
}

export class HeldReplies {
  #held: Held[] = [];

  get count(): number {
    return this.#held.length;
  }

  add(number: number, stamp: number, waiter: DiskWaiter): void {
    this.#held.push({ number, stamp, waiter });
  }

  /** The run at hand has ended with this block. */
  sealed(number: number): void {
    this.#held = this.#held.map((held) => (held.number > number ? { ...held, number } : held));
  }

  /** Blocks up to this one are safe, and no stamp above `reserved` counts. */
  release(safeNumber: number, reservedStamp: number): void {
    const waiting = this.#held;
    this.#held = [];
    for (const held of waiting) {
      if (held.number <= safeNumber && held.stamp <= reservedStamp) held.waiter.safe();
      else this.#held.push(held);
    }
  }

  /** The disk has failed. */
  fail(): void {
    for (const { waiter } of this.#held.splice(0)) waiter.doubtful();
  }
}
