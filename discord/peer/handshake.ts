/**
 * PEER HELLO: how two members convince each other that they know the cluster's secret, which
 * neither of them sends. docs/protocol-peer.md draws it, with an example.
 *
 *   dialer                                                          listener
 *     |  PEER HELLO version channel cluster id nonce  --------------->  |  checks version, cluster
 *     |  <---------------------------  [version, cluster, id, nonce]    |
 *     |  PEER PROVE mac("dialer")  ------------------------------------>  |  checks the mac
 *     |  <----------------------------------------  mac("listener")     |
 *     |  checks the mac                                                 |
 *
 *   mac(role) = HMAC-SHA256(secret, role LF "dhash-peer" LF version LF channel
 *                           LF cluster LF id LF nonce            of the dialer
 *                           LF cluster LF id LF nonce)           of the listener; in hex
 *
 * Each side adds 32 random bytes, so a recorded proof is worth nothing in another conversation.
 * The role is part of what is proved, and a member refuses its own id and its own nonce: so what a
 * side says cannot be played back to it. The dialer proves first, since whoever only dials should
 * learn nothing that lets him try secrets at home.
 *
 * Pure: the nonce comes in. Each machine serves one connection; after a refusal it is of no use.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { CLUSTER_ID_DIGITS, isHex, MEMBER_ID_DIGITS } from '../ring/view.js';
import { PeerError } from './peer-error.js';

export const PEER_VERSION = 1;
export const NONCE_BYTES = 32;
const NONCE_DIGITS = 2 * NONCE_BYTES;
const MAC_DIGITS = 64;

/** Separate connections, so that a transfer never delays a ping. */
export const CHANNELS = ['control', 'data', 'replica', 'bulk'] as const;
export type Channel = (typeof CHANNELS)[number];

export interface Identity {
  readonly memberId: string;
  /** Undefined while the member belongs to no ring yet. */
  readonly clusterId: string | undefined;
  readonly secret: Buffer;
}

/** Who is at the other end. */
export interface PeerName {
  readonly memberId: string;
  readonly clusterId: string | undefined;
}

/** What a listener says: the fields of a reply, or the text of an error. */
export type Answer =
  | { readonly fields: readonly string[] }
  | { readonly proof: string }
  | { readonly refusal: string };

/** A member that belongs to no ring. */
const NO_CLUSTER = '-';

interface Side {
  readonly cluster: string;
  readonly memberId: string;
  readonly nonce: string;
}

export interface DialerOptions {
  readonly channel: Channel;
  /** 32 random bytes, new ones for each connection. */
  readonly nonce: Buffer;
  /** Who should be there; anybody if undefined. */
  readonly memberId?: string | undefined;
}

/** The side that connects. Every step throws PEER_REFUSED when the two do not fit. */
export class Dialer {
  readonly #secret: Buffer;
  readonly #self: Side;
  readonly #channel: Channel;
  readonly #wantedId: string | undefined;
  #listener: Side | undefined;

  constructor(identity: Identity, options: DialerOptions) {
    this.#secret = identity.secret;
    this.#self = sideOf(identity, options.nonce);
    this.#channel = options.channel;
    this.#wantedId = options.memberId;
  }

  /** The first request. */
  hello(): string[] {
    const { cluster, memberId, nonce } = this.#self;
    return ['PEER', 'HELLO', String(PEER_VERSION), this.#channel, cluster, memberId, nonce];
  }

  /** The second request, given the reply to the first. */
  prove(reply: unknown): string[] {
    const fields = Array.isArray(reply) ? reply.map(String) : [];
    if (reply instanceof Error) throw refusedBy(reply);
    const listener = sideOfFields(fields.slice(1));
    if (fields.length !== 4 || listener === undefined) {
      throw new PeerError('PEER_PROTOCOL', 'the reply to PEER HELLO makes no sense');
    }
    const refusal = versionRefusal(fields[0]!) ?? sidesRefusal(this.#self, listener);
    if (refusal !== undefined) throw refused(refusal);
    if (this.#wantedId !== undefined && listener.memberId !== this.#wantedId) {
      throw refused(`PEERID member ${listener.memberId} answers where ${this.#wantedId} should`);
    }
    this.#listener = listener;
    return ['PEER', 'PROVE', this.#mac('dialer')];
  }

  /** Who is there, given the reply to the second. */
  finish(reply: unknown): PeerName {
    if (reply instanceof Error) throw refusedBy(reply);
    if (this.#listener === undefined || !isProof(String(reply), this.#mac('listener'))) {
      throw refused('PEERPROOF the member at this address has another cluster secret');
    }
    return nameOf(this.#listener);
  }

  #mac(role: string): string {
    return macOf(this.#secret, role, this.#channel, this.#self, this.#listener!);
  }
}

/** The side that was connected to. */
export class Listener {
  readonly #secret: Buffer;
  readonly #self: Side;
  #dialer: Side | undefined;
  #channel: Channel = 'control';
  #state: 'hello' | 'prove' | 'open' | 'refused' = 'hello';

  /** `nonce`: 32 random bytes, new ones for each connection. */
  constructor(identity: Identity, nonce: Buffer) {
    this.#secret = identity.secret;
    this.#self = sideOf(identity, nonce);
  }

  /** Who is there, and for which channel; undefined until the proof was right. */
  get peer(): (PeerName & { readonly channel: Channel }) | undefined {
    if (this.#state !== 'open') return undefined;
    return { ...nameOf(this.#dialer!), channel: this.#channel };
  }

  /** True once it has refused: the connection should be closed after the reply. */
  get isRefused(): boolean {
    return this.#state === 'refused';
  }

  /** The answer to a request whose first word is PEER, in any case. */
  receive(words: readonly string[]): Answer {
    const answer = this.#answer(words);
    if ('refusal' in answer) this.#state = 'refused';
    return answer;
  }

  #answer(words: readonly string[]): Answer {
    const step = words[1]?.toUpperCase();
    if (step === 'HELLO' && this.#state === 'hello') return this.#hello(words.slice(2));
    if (step === 'PROVE' && this.#state === 'prove') return this.#prove(words.slice(2));
    if (step !== 'HELLO' && step !== 'PROVE') return syntax('HELLO or PROVE should follow');
    return { refusal: `PEERORDER ${step} may not come now` };
  }

  #hello(fields: readonly string[]): Answer {
    const [version = '', channel = '', ...rest] = fields;
    const wrongVersion = versionRefusal(version);
    if (wrongVersion !== undefined) return { refusal: wrongVersion };
    const dialer = sideOfFields(rest);
    if (dialer === undefined || !isChannel(channel)) {
      return syntax('PEER HELLO version channel cluster id nonce');
    }
    const refusal = sidesRefusal(this.#self, dialer);
    if (refusal !== undefined) return { refusal };
    this.#dialer = dialer;
    this.#channel = channel;
    this.#state = 'prove';
    const { cluster, memberId, nonce } = this.#self;
    return { fields: [String(PEER_VERSION), cluster, memberId, nonce] };
  }

  #prove(fields: readonly string[]): Answer {
    const mac = (role: string): string =>
      macOf(this.#secret, role, this.#channel, this.#dialer!, this.#self);
    if (fields.length !== 1) return syntax('PEER PROVE proof');
    if (!isProof(fields[0]!, mac('dialer'))) {
      return { refusal: 'PEERPROOF the cluster secret is another one' };
    }
    this.#state = 'open';
    return { proof: mac('listener') };
  }
}

function sideOf(identity: Identity, nonce: Buffer): Side {
  const { clusterId = NO_CLUSTER, memberId } = identity;
  return { cluster: clusterId, memberId, nonce: nonce.toString('hex') };
}

function sideOfFields(fields: readonly string[]): Side | undefined {
  const [cluster = '', memberId = '', nonce = ''] = fields;
  const isCluster = cluster === NO_CLUSTER || isHex(cluster, CLUSTER_ID_DIGITS);
  const isRight = isCluster && isHex(memberId, MEMBER_ID_DIGITS) && isHex(nonce, NONCE_DIGITS);
  return isRight && fields.length === 3 ? { cluster, memberId, nonce } : undefined;
}

function nameOf({ memberId, cluster }: Side): PeerName {
  return { memberId, clusterId: cluster === NO_CLUSTER ? undefined : cluster };
}

function isChannel(text: string): text is Channel {
  return (CHANNELS as readonly string[]).includes(text);
}

function versionRefusal(version: string): string | undefined {
  if (version === String(PEER_VERSION)) return undefined;
  const shown = /^[0-9]{1,9}$/.test(version) ? version : 'something else';
  return `PEERVERSION this member speaks version ${PEER_VERSION} between members, not ${shown}`;
}

function sidesRefusal(self: Side, other: Side): string | undefined {
  if (other.memberId === self.memberId) return 'PEERSELF this is the same member';
  if (other.nonce === self.nonce) return "PEERPROOF the nonce is this side's own";
  if (self.cluster === NO_CLUSTER) {
    const isNowhere = other.cluster === NO_CLUSTER;
    return isNowhere ? 'PEERJOINING this member belongs to no ring yet' : undefined;
  }
  if (other.cluster === self.cluster || other.cluster === NO_CLUSTER) return undefined;
  return `PEERCLUSTER this member belongs to ring ${self.cluster}, not to ${other.cluster}`;
}

function macOf(
  secret: Buffer,
  role: string,
  channel: Channel,
  dialer: Side,
  listener: Side,
): string {
  const sides = [dialer, listener].flatMap((side) => [side.cluster, side.memberId, side.nonce]);
  const said = [role, 'dhash-peer', String(PEER_VERSION), channel, ...sides].join('\n');
  return createHmac('sha256', secret).update(said).digest('hex');
}

function isProof(given: string, expected: string): boolean {
  if (!isHex(given, MAC_DIGITS)) return false;
  return timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}

function syntax(what: string): Answer {
  return { refusal: `PEERSYNTAX ${what}` };
}

function refused(text: string): PeerError {
  return new PeerError('PEER_REFUSED', text, { refusal: text.split(' ', 1)[0]! });
}

/** An error reply, shown as it came: bounded by what a reply may have in a handshake. */
function refusedBy(reply: Error): PeerError {
  return refused(reply.message);
}
