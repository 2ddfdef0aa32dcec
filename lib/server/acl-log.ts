/**
 * ACL LOG: who was refused, the newest first. Refusals that are alike, and not further apart than a
 * minute, are one entry with a count, as in Redis: whoever guesses passwords does not push out what
 * others did.
 *
 * Invariant: at most `acllog-max-len` entries, each of some hundred bytes.
 */
import type { Server } from './server.js';

/** What is further apart is another entry. */
const ALIKE_MS_MAX = 60_000;
/** So many of the newest entries are compared. */
const COMPARED_MAX = 10;
/** Of the user that was given, one character per byte. */
const USER_BYTES_MAX = 1024;

export interface Refusal {
  /** Where the command ran. */
  readonly context: 'toplevel' | 'multi';
  /** The name of the command, as it was given. */
  readonly object: string;
  readonly user: string;
  /** As CLIENT INFO tells it. */
  readonly client: string;
}

export interface AclLogEntry extends Refusal {
  readonly id: number;
  readonly count: number;
  readonly createdMs: number;
  /** When the last of them was. */
  readonly atMs: number;
}

export class AclLog {
  #entries: AclLogEntry[] = [];
  #nextId = 0;

  /** The newest first. */
  get entries(): readonly AclLogEntry[] {
    return this.#entries;
  }

  /** A login was refused. */
  add(refusal: Refusal, server: Server): void {
    const { nowMs } = server.store;
    const user = refusal.user.slice(0, USER_BYTES_MAX);
    const before = this.#takeAlike({ ...refusal, user }, nowMs);
    const { count, createdMs, id } = before ?? { count: 0, createdMs: nowMs, id: this.#nextId };
    if (before === undefined) this.#nextId += 1;
    this.#entries.unshift({ ...refusal, user, id, count: count + 1, createdMs, atMs: nowMs });
    const { acllogMaxLen } = server.settings;
    if (this.#entries.length > acllogMaxLen) this.#entries.length = acllogMaxLen;
  }

  #takeAlike({ context, object, user }: Refusal, nowMs: number): AclLogEntry | undefined {
    const at = this.#entries
      .slice(0, COMPARED_MAX)
      .findIndex(
        (entry) =>
          entry.context === context &&
          entry.object === object &&
          entry.user === user &&
          Math.abs(nowMs - entry.atMs) <= ALIKE_MS_MAX,
      );
    return at < 0 ? undefined : this.#entries.splice(at, 1)[0];
  }

  reset(): void {
    this.#entries = [];
  }
}
