/**
 * What members tell each other to agree on views, and the words of it on a control connection.
 *
 *   PREPARE cluster epoch round id                       Paxos; epoch is the one to be decided
 *   PROMISE cluster epoch round id [round id view]       with what was accepted, if anything was
 *   REJECT cluster epoch round id round id               the ballot, and the one promised instead
 *   ACCEPT cluster epoch round id view
 *   ACCEPTED cluster epoch round id
 *   VIEW view                                            is decided
 *   FETCH cluster epoch                                  have you a later one? cluster `-`: any
 *   FORCED cluster view                                  a human made this of the ring `cluster`
 *   FILLED cluster epoch index...                        these changed ranges are filled
 *   JOIN id address replicas positions [position] [name value]...
 *   REFUSED text                                         to who wants to join
 *
 * Numbers are decimal, views in the bytes of ring/view-codec. In JOIN, `replicas` is 0 if the
 * newcomer takes any, `positions` is 0 or 1: how many follow. A message is a request whose reply
 * says nothing; answers are requests of the other side.
 */

import { POSITION_BYTES_MAX } from '../ring/position.js';
import {
  ADDRESS_BYTES_MAX,
  CLUSTER_ID_DIGITS,
  isHex,
  MEMBER_ID_DIGITS,
  REPLICAS_MAX,
  SETTING_BYTES_MAX,
  SETTINGS_MAX,
  type Setting,
  type View,
} from '../ring/view.js';
import { decodeView, encodeView } from '../ring/view-codec.js';
import { RingError } from '../ring-error.js';
import type { Ballot } from './ballot.js';
import type { JoinRequest } from './changes.js';
import type { Accepted } from './votes.js';

/** Of one epoch, of one ring. */
export interface Vote {
  readonly clusterId: string;
  readonly epoch: number;
  readonly ballot: Ballot;
}

export type ViewMessage =
  | ({ readonly kind: 'prepare' | 'accepted' } & Vote)
  | ({ readonly kind: 'promise'; readonly accepted: Accepted | undefined } & Vote)
  | ({ readonly kind: 'reject'; readonly promised: Ballot } & Vote)
  | ({ readonly kind: 'accept'; readonly view: View } & Vote)
  | { readonly kind: 'view'; readonly view: View }
  | { readonly kind: 'fetch'; readonly clusterId: string | undefined; readonly epoch: number }
  | { readonly kind: 'forced'; readonly clusterId: string; readonly view: View }
  | {
      readonly kind: 'filled';
      readonly clusterId: string;
      readonly epoch: number;
      readonly ranges: readonly number[];
    }
  | { readonly kind: 'join'; readonly request: JoinRequest }
  | { readonly kind: 'refused'; readonly text: string };

const NO_CLUSTER = '-';
const TEXT_BYTES_MAX = 1024;
/** No view is cut at more positions than this. */
const RANGES_MAX = 4096;

export function encodeViewMessage(message: ViewMessage): (string | Buffer)[] {
  switch (message.kind) {
    case 'prepare':
    case 'accepted':
      return voteWords(message);
    case 'promise': {
      const { accepted } = message;
      if (accepted === undefined) return voteWords(message);
      const words = [...ballotWords(accepted.ballot), encodeView(accepted.view)];
      return [...voteWords(message), ...words];
    }
    case 'reject':
      return [...voteWords(message), ...ballotWords(message.promised)];
    case 'accept':
      return [...voteWords(message), encodeView(message.view)];
    case 'view':
      return ['VIEW', encodeView(message.view)];
    case 'fetch':
      return ['FETCH', message.clusterId ?? NO_CLUSTER, String(message.epoch)];
    case 'forced':
      return ['FORCED', message.clusterId, encodeView(message.view)];
    case 'filled':
      return ['FILLED', message.clusterId, String(message.epoch), ...message.ranges.map(String)];
    case 'join':
      return ['JOIN', ...requestWords(message.request)];
    case 'refused':
      return ['REFUSED', message.text];
  }
}

/** Throws RING_BAD_MESSAGE or RING_BAD_VIEW. */
export function decodeViewMessage(words: readonly Buffer[]): ViewMessage {
  const reader = new WordReader(words);
  const message = readMessage(reader);
  reader.end();
  return message;
}

function readMessage(reader: WordReader): ViewMessage {
  const kind = reader.text();
  switch (kind) {
    case 'PREPARE':
      return { kind: 'prepare', ...reader.vote() };
    case 'ACCEPTED':
      return { kind: 'accepted', ...reader.vote() };
    case 'PROMISE': {
      const vote = reader.vote();
      if (reader.left === 0) return { kind: 'promise', ...vote, accepted: undefined };
      return {
        kind: 'promise',
        ...vote,
        accepted: { ballot: reader.ballot(), view: reader.view() },
      };
    }
    case 'REJECT':
      return { kind: 'reject', ...reader.vote(), promised: reader.ballot() };
    case 'ACCEPT':
      return { kind: 'accept', ...reader.vote(), view: reader.view() };
    case 'VIEW':
      return { kind: 'view', view: reader.view() };
    case 'FETCH': {
      const cluster = reader.text();
      const clusterId = cluster === NO_CLUSTER ? undefined : clusterOf(cluster);
      return { kind: 'fetch', clusterId, epoch: reader.number() };
    }
    case 'FORCED':
      return { kind: 'forced', clusterId: reader.cluster(), view: reader.view() };
    case 'FILLED': {
      const clusterId = reader.cluster();
      const epoch = reader.number();
      if (reader.left > RANGES_MAX) fail('too many ranges');
      const ranges = Array.from({ length: reader.left }, () => reader.number());
      return { kind: 'filled', clusterId, epoch, ranges };
    }
    case 'JOIN':
      return { kind: 'join', request: readRequest(reader) };
    case 'REFUSED':
      return { kind: 'refused', text: reader.text(TEXT_BYTES_MAX) };
    default:
      return fail('an unknown kind');
  }
}

function voteWords({ kind, clusterId, epoch, ballot }: Vote & { kind: string }): string[] {
  return [kind.toUpperCase(), clusterId, String(epoch), ...ballotWords(ballot)];
}

function ballotWords({ round, id }: Ballot): string[] {
  return [String(round), id];
}

function requestWords(request: JoinRequest): (string | Buffer)[] {
  const { id, address, position, replicas = 0, settings = [] } = request;
  const positions = position === undefined ? ['0'] : ['1', position];
  return [id, address, String(replicas), ...positions, ...settings.flat()];
}

function readRequest(reader: WordReader): JoinRequest {
  const id = reader.id();
  const address = reader.text(ADDRESS_BYTES_MAX);
  const replicas = reader.number();
  const positionCount = reader.number();
  if (address === '' || replicas > REPLICAS_MAX || positionCount > 1) fail('JOIN makes no sense');
  const position = positionCount === 1 ? reader.bytes(POSITION_BYTES_MAX) : undefined;
  const settings: Setting[] = [];
  if (reader.left > 2 * SETTINGS_MAX) fail('too many settings');
  while (reader.left > 0) {
    settings.push([reader.text(SETTING_BYTES_MAX), reader.text(SETTING_BYTES_MAX)]);
  }
  return { id, address, position, replicas: replicas === 0 ? undefined : replicas, settings };
}

class WordReader {
  readonly #words: readonly Buffer[];
  #at = 0;

  constructor(words: readonly Buffer[]) {
    this.#words = words;
  }

  get left(): number {
    return this.#words.length - this.#at;
  }

  bytes(max: number): Buffer {
    const word = this.#words[this.#at];
    if (word === undefined || word.length > max) return fail('a word is missing, or too long');
    this.#at += 1;
    return Buffer.from(word);
  }

  text(max = 64): string {
    const bytes = this.bytes(max);
    const text = bytes.toString();
    return Buffer.from(text).equals(bytes) ? text : fail('a text is no UTF-8');
  }

  number(): number {
    const word = this.text();
    const number = /^(0|[1-9][0-9]{0,15})$/.test(word) ? Number(word) : Infinity;
    return Number.isSafeInteger(number) ? number : fail('a number makes no sense');
  }

  id(): string {
    const word = this.text();
    return isHex(word, MEMBER_ID_DIGITS) ? word : fail('an id makes no sense');
  }

  cluster(): string {
    return clusterOf(this.text());
  }

  ballot(): Ballot {
    return { round: this.number(), id: this.id() };
  }

  vote(): Vote {
    return { clusterId: this.cluster(), epoch: this.number(), ballot: this.ballot() };
  }

  view(): View {
    return decodeView(this.bytes(Infinity));
  }

  end(): void {
    if (this.left > 0) fail('more words than there should be');
  }
}

function clusterOf(word: string): string {
  return isHex(word, CLUSTER_ID_DIGITS) ? word : fail('a cluster id makes no sense');
}

function fail(what: string): never {
  throw new RingError('RING_BAD_MESSAGE', what);
}
