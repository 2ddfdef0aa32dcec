/**
 * Replies that are longer than one message between members should be: the client's node fetches them a
 * portion at a time, as fast as the client reads, while the member that runs the command makes them.
 *
 *   owner    command --> writer --> ReplyStream        the command waits while its writer is full
 *                          |  PORTION id offset -> bulk      one ahead of what the client has got
 *   node               RemoteReply --> pour --> client       pour.ts
 *
 * So a client that reads nothing costs the owner what its writer holds, and one portion; nothing of the
 * lane begins there until the reply is fetched, unless a command before it must be asked anew (`yield`).
 */
import type { ReplySink } from '../../resp/reply-writer.js';
import type { World } from '../../world/world.js';

/** What PORTION answers with at most, bytes. */
const PORTION_BYTES = 1024 * 1024;
/** How often a member that does not answer is asked for a portion, and the pause between, ms. */
const TRIES_MAX = 20;
const PAUSE_MS = 250;
/** After which it is asked again for what is not made yet, or if too many requests wait for it, ms. */
const LATER_MS = 5;
const BUSY_MS = 25;

const NOTHING = Buffer.alloc(0);

/** Where a long reply comes from, in order. */
export interface LongSource {
  /** `done` gets the next portion; empty: that was all; undefined: it breaks off. One at a time. */
  next(done: (portion: Buffer | undefined) => void): void;
  /** What waits behind it in its lane is to go on. */
  yieldLane(): void;
  /** Nobody reads it any more, or all is read. */
  end(): void;
}

/** What is answered when a portion is asked for. */
export type Portion =
  /** None: that was all. */
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** It is not made yet. */
  | { readonly kind: 'later' }
  /** There is no place for the request now. */
  | { readonly kind: 'busy' }
  /** It may be asked again. */
  | { readonly kind: 'unreachable' }
  /** The owner does not have it. */
  | { readonly kind: 'gone' };

/** Who makes a reply that is fetched. */
export interface ReplyMaker {
  /** All that has left the writer has been taken: more may follow. */
  taken(): void;
  /** Nobody wants it any more. */
  cancel(): void;
}

/**
 * Between the writer of a reply and whoever fetches it: a link to the one, portions to the other. What
 * has left the writer stays where it is, "in flight", until it is copied into a portion.
 * Invariant: `#portion` is the last one given, for its message may be lost.
 */
export class ReplyStream implements ReplySink {
  readonly #maker: ReplyMaker;
  #pieces: Buffer[] = [];
  #portion: Buffer = NOTHING;
  /** Where it begins in the reply. */
  #from = 0;
  #state: 'open' | 'ended' | 'broken' = 'open';

  constructor(maker: ReplyMaker) {
    this.#maker = maker;
  }

  write(buf: Buffer, from: number, to: number): boolean {
    this.#pieces.push(buf.subarray(from, to));
    return false;
  }

  /** All of it has been taken. */
  end(): void {
    this.#state = 'ended';
  }

  /** The rest will not come. */
  breakOff(): void {
    this.#state = 'broken';
    this.#pieces = [];
  }

  /** Nobody wants it any more. */
  cancel(): void {
    const wasOpen = this.#state === 'open';
    this.breakOff();
    if (wasOpen) this.#maker.cancel();
  }

  /** What comes at `offset`: where the last portion ends, or the last one again. */
  portion(offset: number): Portion {
    if (this.#state === 'broken') return { kind: 'gone' };
    const isAgain = offset === this.#from && this.#portion.length > 0;
    if (isAgain) return { kind: 'bytes', bytes: this.#portion };
    if (offset !== this.#from + this.#portion.length) return { kind: 'gone' };
    if (this.#pieces.length === 0) {
      return this.#state === 'ended' ? { kind: 'bytes', bytes: NOTHING } : { kind: 'later' };
    }
    this.#from = offset;
    this.#portion = this.#take();
    if (this.#pieces.length === 0) this.#maker.taken();
    return { kind: 'bytes', bytes: this.#portion };
  }

  #take(): Buffer {
    const found: Buffer[] = [];
    let left = PORTION_BYTES;
    while (left > 0 && this.#pieces.length > 0) {
      const piece = this.#pieces[0]!;
      const part = piece.subarray(0, left);
      found.push(part);
      left -= part.length;
      if (part.length < piece.length) this.#pieces[0] = piece.subarray(part.length);
      else this.#pieces.shift();
    }
    return Buffer.concat(found);
  }
}

/** One that is made here. */
export class LocalSource implements LongSource {
  readonly #world: World;
  readonly #stream: ReplyStream;
  #offset = 0;
  #isOver = false;

  constructor(world: World, stream: ReplyStream) {
    this.#world = world;
    this.#stream = stream;
  }

  next(done: (portion: Buffer | undefined) => void): void {
    if (this.#isOver) return;
    const { timers } = this.#world;
    const portion = this.#stream.portion(this.#offset);
    if (portion.kind === 'later') {
      timers.after(LATER_MS, () => this.next(done));
      return;
    }
    const bytes = portion.kind === 'bytes' ? portion.bytes : undefined;
    this.#offset += bytes?.length ?? 0;
    timers.soon(() => done(bytes));
  }

  /** What this node runs for itself waits in no lane. */
  yieldLane(): void {}

  end(): void {
    this.#isOver = true;
    this.#stream.cancel();
  }
}

export interface RemoteParts {
  readonly world: World;
  ask(offset: number, done: (portion: Portion) => void): void;
  yielded(): void;
  ended(): void;
}

/** One that another member makes. */
export class RemoteReply implements LongSource {
  /** What waits behind it in its lane, there, is to go on. */
  isYielding = false;
  readonly #parts: RemoteParts;
  #offset = 0;
  #ahead: Buffer | undefined;
  #waiting: ((portion: Buffer | undefined) => void) | undefined;
  #isAsking = false;
  #isOver = false;
  #tries = 0;

  constructor(parts: RemoteParts) {
    this.#parts = parts;
  }

  next(done: (portion: Buffer | undefined) => void): void {
    this.#waiting = done;
    if (this.#isOver) this.#give(undefined);
    else this.#goOn();
  }

  yieldLane(): void {
    if (this.isYielding) return;
    this.isYielding = true;
    this.#parts.yielded();
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
    if (this.#ahead === undefined) return this.#ask();
    if (this.#waiting === undefined) return;
    const portion = this.#ahead;
    // Behind the last one there is nothing to ask for.
    if (portion.length > 0) {
      this.#ahead = undefined;
      this.#ask();
    }
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
      if (!this.#isOver) this.#answered(portion);
    });
  }

  #answered(portion: Portion): void {
    switch (portion.kind) {
      case 'bytes':
        this.#tries = 0;
        this.#ahead = portion.bytes;
        this.#offset += portion.bytes.length;
        return this.#goOn();
      case 'later':
        this.#tries = 0;
        return this.#askIn(LATER_MS);
      case 'busy':
        return this.#askIn(BUSY_MS);
      case 'unreachable':
        this.#tries += 1;
        if (this.#tries <= TRIES_MAX) return this.#askIn(PAUSE_MS);
        return this.breakOff();
      case 'gone':
        return this.breakOff();
    }
  }

  #askIn(ms: number): void {
    this.#parts.world.timers.after(ms, () => this.#ask());
  }
}
