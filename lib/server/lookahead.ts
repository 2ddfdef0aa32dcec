/**
 * Lookahead: the requests of a pipeline that wait behind the one at hand are parsed before it runs, and
 * what they will look for is fetched, side by side (radix/fetch.ts).
 *
 *   one after the other    parse SADD a . . . . run    parse SADD b . . . . run     . waits for memory
 *   with a look ahead      parse SADD a, SADD b ...    . . . .    run a   run b ...
 *
 * It finds nothing and changes nothing: a request that was looked at is unread until it is taken, so
 * whatever happens in between (an error, a command that waits, the end of the turn) needs no undoing.
 * It ends with a command that is not a fast one: what comes after it may be read by other rules.
 *
 * Invariant: `has(reader)` only while `reader` has been neither fed nor read by another way since.
 */
import { FETCH_KEYS_MAX, fetchElements } from '../../radix/fetch.js';
import { Args } from '../../resp/args.js';
import { REQUEST, type RequestReader } from '../../resp/request-reader.js';
import { type Command, FAST } from '../commands/command.js';
import type { Database } from '../store/database.js';
import type { Dispatcher } from './dispatcher.js';

const NOTHING = Buffer.alloc(0);

export class Lookahead {
  /** For a request that cannot be looked at: one in pieces, inline, or of many arguments. */
  readonly #own = new Args();
  /** The request at hand and its command, undefined if it is unknown. */
  args = this.#own;
  command: Command | undefined;
  /** Requests looked at: those from #next on are not taken yet. */
  readonly #requests = Array.from({ length: FETCH_KEYS_MAX }, () => new Args());
  readonly #commands: (Command | undefined)[] = new Array(FETCH_KEYS_MAX).fill(undefined);
  readonly #requestEnds = new Int32Array(FETCH_KEYS_MAX);
  #next = 0;
  #count = 0;
  #reader: RequestReader | null = null;
  // What is fetched.
  readonly #starts = new Int32Array(FETCH_KEYS_MAX);
  readonly #ends = new Int32Array(FETCH_KEYS_MAX);
  readonly #subStarts = new Int32Array(FETCH_KEYS_MAX);
  readonly #subEnds = new Int32Array(FETCH_KEYS_MAX);
  #lanes = 0;

  /** Whether a request of this reader that was looked at is still to be taken. */
  has(reader: RequestReader): boolean {
    return this.#reader === reader && this.#next < this.#count;
  }

  /** Makes the next one the request at hand. */
  take(reader: RequestReader): void {
    const next = this.#next;
    this.args = this.#requests[next]!;
    this.command = this.#commands[next];
    reader.skipTo(this.#requestEnds[next]!);
    this.#next = next + 1;
  }

  /** Looks at what this reader has, and fetches; true if `take` may follow. */
  look(reader: RequestReader, dispatcher: Dispatcher, database: Database): boolean {
    let count = 0;
    let position = reader.position;
    this.#lanes = 0;
    for (; count < FETCH_KEYS_MAX; count += 1) {
      const args = this.#requests[count]!;
      position = reader.peek(args, position);
      if (position === 0) break;
      const command = dispatcher.find(args);
      this.#commands[count] = command;
      this.#requestEnds[count] = position;
      if (command === undefined || (command.flags & FAST) === 0) {
        count += 1;
        break;
      }
      this.#addLane(args, command);
    }
    this.#next = 0;
    this.#count = count;
    this.#reader = reader;
    if (count === 0) return false;
    const { buf } = this.#requests[0]!;
    const { tree } = database;
    fetchElements(tree, buf, this.#lanes, this.#starts, this.#ends, this.#subStarts, this.#subEnds);
    return true;
  }

  /** Reads a request that cannot be looked at; as RequestReader.next. */
  next(reader: RequestReader, dispatcher: Dispatcher): number {
    const args = this.#own;
    const found = reader.next(args);
    if (found !== REQUEST) return found;
    this.args = args;
    this.command = dispatcher.find(args);
    return found;
  }

  /** Forgets what was looked at, and lets go of the reader's bytes. */
  forget(): void {
    this.#reader = null;
    for (let i = 0; i < this.#count; i += 1) this.#requests[i]!.buf = NOTHING;
    this.#count = 0;
    this.#next = 0;
  }

  #addLane({ count, ends, starts }: Args, { element, keys }: Command): void {
    if (keys === undefined || count <= keys[0]) return;
    const lane = this.#lanes;
    this.#lanes = lane + 1;
    this.#starts[lane] = starts[keys[0]]!;
    this.#ends[lane] = ends[keys[0]]!;
    const hasElement = element !== 0 && count > element;
    this.#subStarts[lane] = hasElement ? starts[element]! : 0;
    this.#subEnds[lane] = hasElement ? ends[element]! : 0;
  }
}
