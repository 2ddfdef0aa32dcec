/** What is said on a new connection before requests are: one side asks, step by step. */
import type { World } from '../../world/world.js';
import { type Channel, Dialer, type Identity, NONCE_BYTES, type PeerName } from './handshake.js';

/** One connection's greeting. A reply is at most 1 KiB. */
export interface Greeting<Name> {
  /** The first request. */
  hello(): readonly string[];
  /** What to say next, or who is there. Throws a PeerError if the two do not fit. */
  answer(reply: unknown): { readonly say: readonly string[] } | { readonly who: Name };
}

/** How long a request is worth anything is told by the clock of who dials, see peer-clock.ts. */
export function clockWords(nowMs: number): string[] {
  return ['CLOCK', String(Math.floor(nowMs))];
}

/**
 * That of members: PEER HELLO, and CLOCK where requests may be too late. `identity` is asked anew each
 * time: a member's ring may change.
 */
export function memberGreeting(
  { clock, random }: Pick<World, 'clock' | 'random'>,
  identity: () => Identity,
  { channel, memberId }: { readonly channel: Channel; readonly memberId?: string | undefined },
): () => Greeting<PeerName> {
  return () => {
    const nonce = Buffer.alloc(NONCE_BYTES);
    random.bytes(nonce);
    const dialer = new Dialer(identity(), { channel, nonce, memberId });
    let hasProved = false;
    let who: PeerName | undefined;
    return {
      hello: () => dialer.hello(),
      answer: (reply) => {
        if (who !== undefined) return { who };
        if (!hasProved) {
          hasProved = true;
          return { say: dialer.prove(reply) };
        }
        who = dialer.finish(reply);
        return channel === 'data' ? { say: clockWords(clock.monotonicMs()) } : { who };
      },
    };
  };
}
