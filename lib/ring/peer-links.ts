/**
 * The links to the others: one Peer for each member, and one for each address that is asked
 * without knowing who is there (`--join`, newcomers, members that have just been removed).
 *
 * The link to a member that the ring has no more stays as long as it is used and that member keeps
 * it: commands that were under way when the view changed have their replies by it.
 *
 * Invariant: whoever is a member has a link of its own, and no address has one as well.
 */
import type { Channel, Identity } from '../../discord/peer/handshake.js';
import { Peer } from '../../discord/peer/peer.js';
import { PeerError } from '../../discord/peer/peer-error.js';
import type { Done, PeerRequest } from '../../discord/peer/pipeline.js';
import type { Member } from '../../discord/ring/view.js';
import type { Contact } from '../../discord/views/outbox.js';
import type { Timer, World } from '../../world/world.js';
import { parseMemberAddress } from './member-address.js';

/** Addresses asked at a time; the one that was asked first goes. */
const STRANGERS_MAX = 128;
/** Links to former members; that of who went first is closed. */
const FORMER_MAX = 64;
/** A link to a former member that was not used for so long is closed; no request waits longer, ms. */
const FORMER_KEPT_MS = 15_000;

export interface PeerLinksEvents {
  room(memberId: string, channel: Channel): void;
  /** A control connection is there. */
  opened(address: string): void;
  /** A control connection is gone, or was not made. */
  lost(address: string, error: PeerError): void;
}

/** Something that this member says to another one. */
export interface SaidEvent {
  readonly to: string;
  readonly channel: Channel;
  /** Its first word, as SWIM, VOTE, CALL. */
  readonly verb: string;
}

interface MemberLink {
  readonly address: string;
  readonly peer: Peer;
}

interface FormerLink extends MemberLink {
  /** When it was last used, or its member went, monotonic ms. */
  usedMs: number;
}

export class PeerLinks {
  /** Hears of all that is said, once it is set. */
  said: ((event: SaidEvent) => void) | undefined;
  readonly #world: World;
  readonly #identity: () => Identity;
  readonly #events: PeerLinksEvents;
  readonly #members = new Map<string, MemberLink>();
  /** By id, the latest last. */
  readonly #former = new Map<string, FormerLink>();
  #look: Timer | undefined;
  readonly #strangers = new Map<string, Peer>();

  constructor(world: World, identity: () => Identity, events: PeerLinksEvents) {
    this.#world = world;
    this.#identity = identity;
    this.#events = events;
  }

  /** All members but this one. */
  setMembers(members: readonly Member[]): void {
    const wanted = new Map(members.map(({ id, address }) => [id, address]));
    for (const [id, link] of this.#members) {
      if (wanted.get(id) === link.address) continue;
      this.#members.delete(id);
      this.#retire(id, link);
    }
    for (const [id, address] of wanted) {
      this.#strangers.get(address)?.close();
      this.#strangers.delete(address);
      if (this.#members.has(id)) continue;
      this.#members.set(id, { address, peer: this.#open(address, id) });
    }
  }

  request(
    memberId: string,
    channel: Channel,
    words: readonly (string | Buffer)[],
    timeoutMs: number,
    done: Done,
  ): PeerRequest | PeerError {
    const member = this.#members.get(memberId) ?? this.#formerLink(memberId);
    if (member === undefined) return new PeerError('PEER_DOWN', 'there is no such member');
    this.said?.({ to: member.address, channel, verb: String(words[0]) });
    return member.peer.request(channel, words, timeoutMs, done);
  }

  /** Says something to which no answer is expected; if it cannot be sent it is lost. */
  tell({ id, address }: Contact, words: readonly (string | Buffer)[], timeoutMs: number): void {
    const member = id === undefined ? undefined : this.#members.get(id);
    const peer = member?.peer ?? this.#peerAt(address);
    this.said?.({ to: address, channel: 'control', verb: String(words[0]) });
    peer.request('control', words, timeoutMs, () => {});
  }

  /** A member has made a connection to this one. */
  heardOf(memberId: string): void {
    this.#members.get(memberId)?.peer.retry();
  }

  isOpen(memberId: string, channel: Channel): boolean {
    return this.#members.get(memberId)?.peer.isOpen(channel) === true;
  }

  close(): void {
    for (const { peer } of this.#members.values()) peer.close();
    for (const { peer } of this.#former.values()) peer.close();
    for (const peer of this.#strangers.values()) peer.close();
    this.#members.clear();
    this.#former.clear();
    this.#strangers.clear();
    this.#look?.cancel();
    this.#look = undefined;
  }

  // --- former members --------------------------------------------------------------------------

  #retire(id: string, link: MemberLink): void {
    this.#forget(id);
    link.peer.retire();
    this.#former.set(id, { ...link, usedMs: this.#nowMs });
    for (const first of this.#former.keys()) {
      if (this.#former.size <= FORMER_MAX) break;
      this.#forget(first);
    }
    this.#look ??= this.#world.timers.every(FORMER_KEPT_MS, () => this.#forgetUnused(), true);
  }

  #formerLink(id: string): MemberLink | undefined {
    const link = this.#former.get(id);
    if (link !== undefined) link.usedMs = this.#nowMs;
    return link;
  }

  #forgetUnused(): void {
    for (const [id, { usedMs }] of this.#former) {
      if (this.#nowMs - usedMs >= FORMER_KEPT_MS) this.#forget(id);
    }
    if (this.#former.size > 0) return;
    this.#look?.cancel();
    this.#look = undefined;
  }

  #forget(formerId: string): void {
    this.#former.get(formerId)?.peer.close();
    this.#former.delete(formerId);
  }

  get #nowMs(): number {
    return this.#world.clock.monotonicMs();
  }

  // --- addresses -------------------------------------------------------------------------------

  #peerAt(address: string): Peer {
    for (const member of this.#members.values()) {
      if (member.address === address) return member.peer;
    }
    const known = this.#strangers.get(address);
    if (known !== undefined) return known;
    if (this.#strangers.size >= STRANGERS_MAX) {
      const [oldest, old] = this.#strangers.entries().next().value!;
      old.close();
      this.#strangers.delete(oldest);
    }
    const peer = this.#open(address, undefined);
    this.#strangers.set(address, peer);
    return peer;
  }

  #open(address: string, memberId: string | undefined): Peer {
    // An address that makes no sense is one at which nobody answers.
    const { host, port } = parseMemberAddress(address) ?? { host: address, port: 0 };
    const parts = { world: this.#world, address: { host, port }, identity: this.#identity };
    return new Peer(
      parts,
      { memberId },
      {
        opened: (channel) => {
          if (channel === 'control') this.#events.opened(address);
          if (memberId !== undefined) this.#events.room(memberId, channel);
        },
        lost: (channel, error) => {
          if (channel === 'control') this.#events.lost(address, error);
        },
        room: (channel) => {
          if (memberId !== undefined) this.#events.room(memberId, channel);
        },
      },
    );
  }
}
