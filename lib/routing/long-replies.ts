/**
 * Replies that are longer than one message between members: kept in pieces by the member that has
 * made them, and fetched by the client's node a portion at a time, as fast as the client reads.
 *
 *   owner    [piece][piece][ piece ][piece]           LongReply, until all is fetched
 *                |  PORTION id offset -> bulk         one ahead of what the client has got
 *   node     RemoteReply --> pour --> client          pour.ts
 */
import type { World } from '../../world/world.js';

/** What PORTION answers with, bytes. */
export const PORTION_BYTES = 1024 * 1024;
/** How often a portion is asked for, and the pause between, ms. */
const TRIES_MAX = 20;
const PAUSE_MS = 250;

/** Where a long reply comes from, in order. */
export interface LongSource {
  readonly bytes: number;
  /** `done` gets the next portion; undefined: it breaks off. Not to be called before it has. */
  next(done: (portion: Buffer | undefined) => void): void;
  /** Nobody reads it any more, or all is read. */
  end(): void;
}

export class LongReply {
  readonly bytes: number;
  readonly #pieces: readonly Buffer[];
  /** The piece that the last portion began in, and where that begins. */
  #at = 0;
  #start = 0;

  constructor(pieces: readonly Buffer[]) {
    this.#pieces = pieces;
    this.bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  }

  /** Up to `bytesMax` from `offset` on; empty: that is its end. */
  portion(offset: number, bytesMax: number): Buffer {
    this.#seek(offset);
    const found: Buffer[] = [];
    let from = offset - this.#start;
    let left = bytesMax;
    for (let at = this.#at; at < this.#pieces.length && left > 0; at += 1) {
      const part = this.#pieces[at]!.subarray(from, from + left);
      found.push(part);
      left -= part.length;
      from = 0;
    }
    return found.length === 1 ? found[0]! : Buffer.concat(found);
  }

  #seek(offset: number): void {
    if (offset < this.#start) {
      this.#at = 0;
      this.#start = 0;
    }
    for (; this.#at < this.#pieces.length; this.#at += 1) {
      const { length } = this.#pieces[this.#at]!;
      if (offset < this.#start + length) return;
      this.#start += length;
    }
  }
}

/** One that was made here. */
export class LocalSource implements LongSource {
  readonly #world: World;
  readonly #reply: LongReply;
  #offset = 0;

  constructor(world: World, reply: LongReply) {
    this.#world = world;
    this.#reply = reply;
  }

  get bytes(): number {
    return this.#reply.bytes;
  }

  next(done: (portion: Buffer | undefined) => void): void {
    const portion = this.#reply.portion(this.#offset, PORTION_BYTES);
    this.#offset += portion.length;
    this.#world.timers.soon(() => done(portion));
  }

  end(): void {}
}

/** What an owner answers when it is asked for a portion. */
export type Portion =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** It may be asked again. */
  | { readonly kind: 'unreachable' }
  /** The owner does not have it. */
  | { readonly kind: 'gone' };

export interface RemoteParts {
  readonly world: World;
  ask(offset: number, done: (portion: Portion) => void): void;
  ended(): void;
}

/** One that another member has. */
export class RemoteReply implements LongSource {
  readonly bytes: number;
  readonly #parts: RemoteParts;
  #offset = 0;
  #ahead: Buffer | undefined;
  #waiting: ((portion: Buffer | undefined) => void) | undefined;
  #isAsking = false;
  #isOver = false;
  #tries = 0;

  constructor(bytes: number, parts: RemoteParts) {
    this.bytes = bytes;
    this.#parts = parts;
  }

  next(done: (portion: Buffer | undefined) => void): void {
    this.#waiting = done;
    if (this.#isOver) this.#give(undefined);
    else this.#goOn();
  }

  end(): void {
    this.#waiting = undefined;
    this.#isOver = true;
    this.#parts.ended();
  }

  /** The rest will not come. */
  breakOff(): void {
    this.#isOver = true;
    this.#give(undefined);
  }

  #goOn(): void {
    const { bytes } = this;
    if (this.#ahead === undefined) return this.#ask();
    if (this.#waiting === undefined) return;
    const portion = this.#ahead;
    this.#ahead = undefined;
    if (this.#offset < bytes) this.#ask();
    this.#give(portion);
  }

  #give(portion: Buffer | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(portion);
  }

  #ask(): void {
    if (this.#isAsking || this.#isOver) return;
    this.#isAsking = true;
    this.#parts.ask(this.#offset, (portion) => {
      this.#isAsking = false;
      if (this.#isOver) return;
      if (portion.kind === 'unreachable' && this.#tries < TRIES_MAX) {
        this.#tries += 1;
        this.#parts.world.timers.after(PAUSE_MS, () => this.#ask());
      } else if (portion.kind !== 'bytes' || portion.bytes.length === 0) {
        this.breakOff();
      } else {
        this.#tries = 0;
        this.#ahead = portion.bytes;
        this.#offset += portion.bytes.length;
        this.#goOn();
      }
    });
  }
}
