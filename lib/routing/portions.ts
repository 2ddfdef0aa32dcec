/** Asks members for portions of long replies, over the link that transfers use: a few at a time. */
import type { PeerError } from '../../discord/peer/peer-error.js';
import type { Done, PeerReply } from '../../discord/peer/pipeline.js';
import type { World } from '../../world/world.js';
import type { RingLinks } from '../ring/ring-links.js';
import type { Portion } from './long-replies.js';

/** What is asked of one member at a time; half of what its link takes. */
const ASKED_MAX = 32;

export class Portions {
  readonly #world: World;
  readonly #links: RingLinks;
  readonly #timeoutMs: number;
  /** How many are asked of a member. */
  readonly #asked = new Map<string, number>();

  constructor(components: { world: World; links: RingLinks }, options: { timeoutMs: number }) {
    this.#world = components.world;
    this.#links = components.links;
    this.#timeoutMs = options.timeoutMs;
  }

  /** `done` is called later. */
  ask(memberId: string, callId: number, offset: number, done: (portion: Portion) => void): void {
    const asked = this.#asked.get(memberId) ?? 0;
    if (asked >= ASKED_MAX) {
      this.#world.timers.soon(() => done({ kind: 'busy' }));
      return;
    }
    const got: Done = (error, reply) => {
      this.#count(memberId, -1);
      done(portionOf(error, reply));
    };
    this.#count(memberId, 1);
    const words = ['PORTION', String(callId), String(offset)];
    const sent = this.#links.request(memberId, 'bulk', words, this.#timeoutMs, got);
    if (!('done' in sent)) this.#world.timers.soon(() => got(sent, null));
  }

  #count(memberId: string, more: number): void {
    const asked = (this.#asked.get(memberId) ?? 0) + more;
    if (asked > 0) this.#asked.set(memberId, asked);
    else this.#asked.delete(memberId);
  }
}

function portionOf(error: PeerError | null, reply: PeerReply): Portion {
  if (error?.code === 'PEER_BUSY') return { kind: 'busy' };
  if (error !== null) return { kind: 'unreachable' };
  if (Buffer.isBuffer(reply)) return { kind: 'bytes', bytes: reply };
  return { kind: reply === null ? 'later' : 'gone' };
}
