/**
 * What the rest of the node sees of the ring: who is responsible, who is alive, how to ask another
 * member something, and how to be asked.
 *
 *   routing, replication, loops  --->  RingLinks  --->  RingMember (views, SWIM, timer, peers)
 *
 * A node that was started alone is a ring of one: everything is its own, and nobody is asked.
 */
import type { Channel } from '../../discord/peer/handshake.js';
import type { PeerError } from '../../discord/peer/peer-error.js';
import type { Done, PeerRequest } from '../../discord/peer/pipeline.js';
import type { Responsibility } from '../../discord/ring/responsibility.js';
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Session } from '../server/session.js';

export type { Channel, Done };

/** What other members may ask, by its first word; `session.peer` says who asks. */
export interface PeerVerb {
  /** In capitals. */
  readonly name: string;
  readonly channel: Channel;
  /** It is served while this member loads its folder, too. */
  readonly isForLoading?: true;
  /** Writes exactly one reply or defers itself, as a command does. */
  readonly handler: (session: Session, args: Args, reply: ReplyWriter) => void;
}

export interface RingEvents {
  /** Another view holds: `responsibility` is another. */
  view?(): void;
  /** Somebody was found dead, or alive again. */
  liveness?(memberId: string, isAlive: boolean): void;
  /** A channel to a member is open, or has room again after PEER_BUSY. */
  room?(memberId: string, channel: Channel): void;
}

export interface RingLinks {
  /** Another one only after this member was removed from the ring and entered it anew. */
  readonly selfId: string;
  /** False while this node joins and knows no view that has it: clients are refused meanwhile. */
  readonly isReady: boolean;
  /**
   * Who holds what, in the current view and the next; replaced as a whole when the view changes.
   * Not to be asked before `isReady`.
   */
  readonly responsibility: Responsibility;
  /** This node among `responsibility.current.members`; -1: it is no member (yet, or any more). */
  readonly selfIndex: number;
  /** The wall clock is beyond the bound: this member must not lead. */
  readonly isSkewed: boolean;
  /** False: suspected to be dead is still alive. Of itself always true. */
  isAlive(memberId: string): boolean;
  /** As `Peer.request`; a PeerError at once means that nothing was sent. */
  request(
    memberId: string,
    channel: Channel,
    words: readonly (string | Buffer)[],
    timeoutMs: number,
    done: Done,
  ): PeerRequest | PeerError;
  /** From now on members may ask this. */
  serve(verb: PeerVerb): void;
  listen(events: RingEvents): void;
  /** Tells the others that the changed ranges (indexes of `responsibility.changedRanges()`) are filled. */
  reportFilled(ranges: readonly number[]): void;
  /** Asks for another position; the ring makes the change when it has finished those before. */
  move(position: Buffer): void;
}

/** Of the view; 0: who joins may be asked before it has heard of the view that names it. */
export function epochOf(ring: RingLinks): number {
  return ring.isReady ? ring.responsibility.view.epoch : 0;
}
