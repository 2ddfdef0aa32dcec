/**
 * Commands that are applied key by key: DEL, UNLINK, TOUCH, EXISTS, MGET, MSET. Each owner gets the
 * keys that it owns, in the order of the request, and what they answer is merged. Not atomic
 * across owners: others may see some of it done and the rest not yet.
 */
import type { Args } from '../../resp/args.js';
import type { Command } from '../commands/command.js';
import type { Part, Plan } from './parts.js';
import { arrayReply, elementsOf, errorReply, integerOf, integerReply, OK } from './raw-reply.js';
import type { Router } from './router.js';

export class Split {
  readonly #router: Router;
  readonly #name: string;
  readonly #args: Args;
  readonly #step: number;
  /** Keys that are not done yet, by where they stand. */
  #left: number[] = [];
  readonly #keyCount: number;
  #sum = 0;
  readonly #values: Buffer[] = [];

  constructor(router: Router, command: Command, args: Args) {
    this.#router = router;
    this.#name = command.name;
    this.#args = args.clone();
    this.#step = command.keys![2];
    for (let at = 1; at < args.count; at += this.#step) this.#left.push(at);
    this.#keyCount = this.#left.length;
  }

  readonly plan = function* (this: Split): Plan {
    yield this.#parts();
    if (this.#name === 'mget') return arrayReply(this.#values);
    return this.#name === 'mset' ? OK : integerReply(this.#sum);
  }.bind(this);

  /** What a client is told of whom one owner has refused. */
  readonly failed = (reply: Buffer): Buffer => {
    const done = this.#keyCount - this.#left.length;
    if (done === 0) return reply;
    const text = reply.toString('latin1', 1, reply.length - 2);
    return errorReply(`${text}; ${done} of ${this.#keyCount} keys were done`);
  };

  #parts(): Part[] {
    const { ring } = this.#router;
    const { buf, ends, starts } = this.#args;
    const byOwner = new Map<number, number[]>();
    for (const at of this.#left) {
      const owner = ring.ownerOf(buf, starts[at]!, ends[at]!);
      const mine = byOwner.get(owner);
      if (mine === undefined) byOwner.set(owner, [at]);
      else mine.push(at);
    }
    return [...byOwner].map(([owner, places]) => ({
      owner,
      words: this.#words(places),
      got: (reply: Buffer) => this.#got(places, reply),
    }));
  }

  #words(places: readonly number[]): (string | Buffer)[] {
    const { buf, ends, starts } = this.#args;
    const words: (string | Buffer)[] = [this.#name];
    for (const place of places) {
      for (let at = place; at < place + this.#step; at += 1) {
        words.push(buf.subarray(starts[at]!, ends[at]!));
      }
    }
    return words;
  }

  #got(places: readonly number[], reply: Buffer): void {
    if (this.#name === 'mget') {
      for (const [at, value] of elementsOf(reply).entries()) this.#values[places[at]! - 1] = value;
    } else if (this.#name !== 'mset') {
      this.#sum += integerOf(reply);
    }
    const done = new Set(places);
    this.#left = this.#left.filter((at) => !done.has(at));
  }
}
