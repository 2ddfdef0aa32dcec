/**
 * DHASH VERIFY: whether all replicas of all ranges hold the same, whether nothing lies where it should
 * not, and whether what the members know of the ring fits together.
 *
 *   DIGEST epoch from to    ->  [records, low, high, keys]   of the range, as sync sees it
 *   KNOWN                   ->  [view, misplaced entries]
 *
 * Writes on their way make replicas differ for a moment: ranges that differ are compared again, a few
 * times. Digests are compared here and shown to nobody.
 */
import { PeerError } from '../../discord/peer/peer-error.js';
import type { PeerReply } from '../../discord/peer/pipeline.js';
import { checkRing, type KnownView } from '../../discord/ring/check-ring.js';
import type { RingRange } from '../../discord/ring/position.js';
import { type Member, shownId } from '../../discord/ring/view.js';
import { decodeView, encodeView } from '../../discord/ring/view-codec.js';
import type { Prefix } from '../../radix/sync/replica.js';
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Channel, PeerVerb } from '../ring/ring-links.js';
import { replicasOf } from './placement.js';
import { digestOf, isSameDigest, keysIn, misplacedIn } from './replica.js';
import type { SyncParts } from './sync-answers.js';

const DIGEST_VERB = 'DIGEST';
const KNOWN_VERB = 'KNOWN';
const TIMEOUT_MS = 5000;
const TRIES_MAX = 5;
const TRY_PAUSE_MS = 300;

export interface RangeReport {
  /** Ids: of the owner, and of the replicas. */
  readonly owner: string;
  readonly replicas: readonly string[];
  /** What the owner holds in it, or if it does not answer another replica; -1: nobody answers. */
  readonly keys: number;
  /** The same with elements of collections, tombstones and clears of databases: all that is compared. */
  readonly records: number;
  readonly isEqual: boolean;
}

export interface VerifyReport {
  readonly epoch: number;
  readonly ranges: readonly RangeReport[];
  /** One line each; none if all is well. */
  readonly problems: readonly string[];
}

/** -1 keys: a member that does not tell. */
type RangeDigest = Prefix & { readonly keys: number };

export class Verifier {
  readonly verbs: readonly PeerVerb[];
  readonly #parts: SyncParts;

  constructor(parts: SyncParts) {
    this.#parts = parts;
    this.verbs = [
      {
        name: DIGEST_VERB,
        channel: 'control',
        handler: (_, args, reply) => this.#digest(args, reply),
      },
      { name: KNOWN_VERB, channel: 'control', handler: (_, _args, reply) => this.#known(reply) },
    ];
  }

  /** Looks at the whole ring. Never rejects. */
  async verify(): Promise<VerifyReport> {
    const { current, view } = this.#parts.ring.responsibility;
    const ranges: RangeReport[] = [];
    const problems: string[] = [];
    for (const owner of current.members.keys()) {
      const report = await this.#verifyRange(owner, problems);
      if (report !== undefined) ranges.push(report);
    }
    await this.#verifyViews(problems);
    return { epoch: view.epoch, ranges, problems };
  }

  async #verifyRange(owner: number, problems: string[]): Promise<RangeReport | undefined> {
    const { current } = this.#parts.ring.responsibility;
    if (owner >= current.members.length) return undefined;
    const members = replicasOf(current, owner);
    const replicas = members.map(({ id }) => id);
    const ownerName = nameOf(members[0]!);
    let found: string[] = [];
    let keys = -1;
    let records = -1;
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      if (tries > 0) await this.#pause();
      const range = current.rangeOf(owner);
      const digests = await Promise.all(replicas.map((id) => this.#digestAt(id, range)));
      const first = digests.find((digest) => digest !== undefined);
      keys = first?.keys ?? -1;
      records = first?.count ?? -1;
      found = members.flatMap((member, at) => {
        const name = nameOf(member);
        const digest = digests[at];
        if (digest === undefined) return [`${name} does not answer for the range of ${ownerName}`];
        if (isSameDigest(digest, first!)) return [];
        return [`${name} holds something else in the range of ${ownerName}`];
      });
      if (found.length === 0) break;
    }
    problems.push(...found);
    return { owner: replicas[0]!, replicas, keys, records, isEqual: found.length === 0 };
  }

  async #verifyViews(problems: string[]): Promise<void> {
    const { ring } = this.#parts;
    const known: KnownView[] = [];
    for (const member of ring.responsibility.current.members) {
      const { id } = member;
      const answer = await this.#askKnown(id);
      if (answer === undefined) {
        problems.push(`${nameOf(member)} does not say what it knows`);
        continue;
      }
      known.push({ id, isLive: true, view: answer.view });
      if (answer.misplaced > 0) {
        problems.push(`${nameOf(member)} holds ${answer.misplaced} entries that it should not`);
      }
    }
    problems.push(...checkRing(known));
  }

  // --- what others are asked -------------------------------------------------------------------

  async #digestAt(id: string, range: RingRange): Promise<RangeDigest | undefined> {
    const { ring, store } = this.#parts;
    if (id === ring.selfId) return { ...digestOf(store, range), keys: keysIn(store, range) };
    const epoch = String(ring.responsibility.view.epoch);
    const reply = await this.#ask(id, 'control', [DIGEST_VERB, epoch, range.from, range.to]);
    if (!Array.isArray(reply)) return undefined;
    const [count, low, high, keys = -1] = reply;
    if (typeof count !== 'number' || typeof low !== 'number' || typeof high !== 'number') {
      return undefined;
    }
    return typeof keys === 'number' ? { count, low, high, keys } : undefined;
  }

  async #askKnown(id: string): Promise<{ view: KnownView['view']; misplaced: number } | undefined> {
    const { ring } = this.#parts;
    if (id === ring.selfId) {
      return { view: ring.responsibility.view, misplaced: this.#misplaced };
    }
    const reply = await this.#ask(id, 'control', [KNOWN_VERB]);
    const [view, misplaced] = Array.isArray(reply) ? reply : [];
    if (!Buffer.isBuffer(view) || typeof misplaced !== 'number') return undefined;
    try {
      return { view: decodeView(view), misplaced };
    } catch {
      // Bytes that are no view: it does not say what it knows.
      return undefined;
    }
  }

  #ask(id: string, channel: Channel, words: (string | Buffer)[]): Promise<PeerReply> {
    const { ring } = this.#parts;
    return new Promise((resolve) => {
      const request = ring.request(id, channel, words, TIMEOUT_MS, (error, reply) => {
        resolve(error === null ? reply : null);
      });
      if (request instanceof PeerError) resolve(null);
    });
  }

  #pause(): Promise<void> {
    const { timers } = this.#parts.world;
    return new Promise((resolve) => {
      timers.after(TRY_PAUSE_MS, resolve);
    });
  }

  // --- what this member answers ----------------------------------------------------------------

  #digest(args: Args, reply: ReplyWriter): void {
    const { ring, store } = this.#parts;
    const { epoch } = ring.responsibility.view;
    if (args.count !== 4) return reply.error('ERR DIGEST takes an epoch and a range');
    if (args.string(1) !== String(epoch)) {
      return reply.error(`DIGESTEPOCH this member is in epoch ${epoch}`);
    }
    const range = { from: args.bytes(2), to: args.bytes(3) };
    const { count, high, low } = digestOf(store, range);
    reply.array(4);
    reply.integer(count);
    reply.integer(low);
    reply.integer(high);
    reply.integer(keysIn(store, range));
  }

  #known(reply: ReplyWriter): void {
    const view = encodeView(this.#parts.ring.responsibility.view);
    reply.array(2);
    reply.bulk(view, 0, view.length);
    reply.integer(this.#misplaced);
  }

  get #misplaced(): number {
    return misplacedIn(this.#parts.store, this.#parts.ring);
  }
}

/** As `dhash status` shows a member. */
function nameOf({ address, id }: Member): string {
  return `${address} (${shownId(id)})`;
}
