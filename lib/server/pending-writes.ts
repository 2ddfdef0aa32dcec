/**
 * PendingWrites: what a session has written and not yet been told of, at a level above `one`: which
 * turns its replicas must have before its replies leave.
 */
export class PendingWrites {
  /** Turns; 0: it has written nothing. */
  first = 0;
  last = 0;
  /** The highest level that was asked for. */
  level = 0;
  /** Where the reply to the first of them begins. */
  mark = 0;
  /** Requests from the first of them on, those included that have no reply yet. */
  requests = 0;

  get isOpen(): boolean {
    return this.first !== 0;
  }

  add(turn: number, level: number, mark: number): void {
    if (this.first === 0) {
      this.first = turn;
      this.mark = mark;
      this.requests = 1;
    }
    this.last = turn;
    if (level > this.level) this.level = level;
  }

  /** Takes over what another has, which is empty then, to wait for all of it as one. */
  absorb(other: PendingWrites): void {
    this.add(other.first, other.level, 0);
    this.add(other.last, other.level, 0);
    other.clear();
  }

  clear(): void {
    this.first = 0;
    this.last = 0;
    this.level = 0;
    this.requests = 0;
  }

  /** What it is now, which lasts; then it is empty. */
  take(): PendingWrites {
    const taken = new PendingWrites();
    Object.assign(taken, this);
    this.clear();
    return taken;
  }
}
