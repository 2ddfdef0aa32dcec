/**
 * Tombstone collection: the owner of a range lets its replicas, and then itself, drop tombstones that
 * nobody can need any more. No sync of the node runs meanwhile: it would bring them back.
 *
 *   stamp    the least of:   the floors of all members     no older stray is anywhere, nor will be
 *                            what all replicas were        the last sessions that found them equal
 *                            found equal at
 *                            now less the bound of clocks, less `tombstoneKeepMs`
 *
 * A floor counts only for the view it was told in: after a change what some member holds may be
 * misplaced, and until it has looked its floor is 0. A dead member tells nothing, so nothing is
 * collected until it returns or is evicted. Before anything goes each replica has what it holds on its
 * disk. If a replica misses a collection, sync brings its tombstones back, and they are collected
 * another time.
 *
 * What has been collected is remembered (`store.collectedRanges`) for the sake of those who are
 * evicted and come back: they may hold what was deleted since. Whoever fills a range tells those who
 * will hold it (docs/decisions/0019).
 *
 * Invariant: of an entry that was collected everywhere, each replica of every later view knows.
 */
import { PeerError } from '../../discord/peer/peer-error.js';
import type { PeerReply } from '../../discord/peer/pipeline.js';
import type { RingRange } from '../../discord/ring/position.js';
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import { stampOf } from '../../timenet/hlc.js';
import { answerLater } from '../commands/server/later.js';
import { epochOf, type PeerVerb } from '../ring/ring-links.js';
import { BackgroundWork } from '../server/background.js';
import type { Session } from '../server/session.js';
import type { Loads } from './loads.js';
import type { LoopSettings } from './options.js';
import { replicasOf } from './placement.js';
import type { SyncParts } from './sync-answers.js';
import type { SyncLoop } from './sync-loop.js';
import { dropTombstones } from './tombstones.js';

const COLLECT_VERB = 'COLLECT';
const SETTLE_VERB = 'SETTLE';

interface CollectParts extends SyncParts {
  readonly loads: Loads;
  readonly sync: SyncLoop;
  /** As of LoopComponents. */
  readonly settle?: (() => Promise<boolean>) | undefined;
  readonly unsentMs?: () => number;
}

export class CollectLoop {
  readonly verbs: readonly PeerVerb[];
  readonly #parts: CollectParts;
  readonly #settings: LoopSettings;
  #dueMs = 0;
  #isBusy = false;
  /** Up to which stamp what has expired was told of in the view at hand. */
  #expiredDone = 0;

  constructor(parts: CollectParts, settings: LoopSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.verbs = [
      {
        name: COLLECT_VERB,
        channel: 'bulk',
        handler: (session, args, reply) => this.#hear(session, args, reply),
      },
      {
        name: SETTLE_VERB,
        channel: 'bulk',
        handler: (session, args, reply) => this.#settle(session, args, reply),
      },
    ];
  }

  /** No stray below this stamp is here or will be taken in the view at hand. */
  floorOf(misplacedCount: number): number {
    if (!this.#isSettled || misplacedCount !== 0) return 0;
    // What waits for a link that has failed arrives in the end, older than what was collected meanwhile.
    return this.#safeStamp(this.#parts.unsentMs?.() ?? 0);
  }

  /** False too before this member knows of a view. */
  get #isSettled(): boolean {
    const { ring } = this.#parts;
    return ring.isReady && ring.selfIndex >= 0 && ring.responsibility.next === undefined;
  }

  noticeView(): void {
    this.#expiredDone = 0;
  }

  tick(): void {
    const { world } = this.#parts;
    const nowMs = world.clock.monotonicMs();
    if (this.#isBusy || nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + this.#settings.collectMs;
    if (!this.#isSettled || !this.#hasWork) return;
    const stamp = this.#collectable();
    if (stamp <= 0) return;
    if (!this.#parts.sync.hold()) {
      this.#dueMs = nowMs;
      return;
    }
    this.#isBusy = true;
    void this.#collect(stamp).finally(() => {
      this.#isBusy = false;
      this.#parts.sync.release();
    });
  }

  get #hasWork(): boolean {
    const { store } = this.#parts;
    if (store.databases.some(({ tree }) => tree.mayHoldTombstones)) return true;
    return store.expired.highest > this.#expiredDone;
  }

  /** The stamp up to which tombstones may go; 0: none. */
  #collectable(): number {
    const { loads, ring, sync, world } = this.#parts;
    const { current, view } = ring.responsibility;
    const confirmedMs = sync.confirmedMs(ring.selfIndex);
    if (confirmedMs < 0) return 0;
    let stamp = this.#safeStamp(this.#settings.tombstoneKeepMs);
    if (confirmedMs < Infinity) {
      const agoMs = world.clock.monotonicMs() - confirmedMs;
      stamp = Math.min(stamp, this.#safeStamp(agoMs));
    }
    for (const { id } of current.members) {
      const load = loads.of(id);
      if (load === undefined || load.epoch !== view.epoch || !ring.isAlive(id)) return 0;
      stamp = Math.min(stamp, load.floor);
    }
    return stamp;
  }

  /** What was written more than so long ago has a lower stamp, whoever's clock it is from. */
  #safeStamp(agoMs: number): number {
    const { store, world } = this.#parts;
    const atMs = world.clock.wallMs() - 2 * store.settings.clockSkewMaxMs - Math.ceil(agoMs);
    return Math.max(0, stampOf(atMs, 0));
  }

  async #collect(stamp: number): Promise<void> {
    const { reports, ring, store } = this.#parts;
    const { responsibility } = ring;
    const expired = store.expired.highestUpTo(stamp);
    const range = responsibility.current.rangeOf(ring.selfIndex);
    if (!(await this.#areSettled()) || ring.responsibility !== responsibility) return;
    for (const { id } of replicasOf(responsibility.current, ring.selfIndex)) {
      if (id === ring.selfId) continue;
      const isDone = await this.#ask(id, range, stamp);
      if (!isDone || ring.responsibility !== responsibility) return;
    }
    const entries = await this.#dropHere(range, stamp);
    if (ring.responsibility !== responsibility) return;
    this.#expiredDone = expired;
    const self = ring.selfId;
    reports.report({ loop: 'collect', from: self, to: self, entries, bytes: 0, failure: '' });
  }

  /** No replica has tombstones in its memory alone: it would come back without, when others have none. */
  async #areSettled(): Promise<boolean> {
    const { ring, settle } = this.#parts;
    const { current, view } = ring.responsibility;
    const others = replicasOf(current, ring.selfIndex).filter(({ id }) => id !== ring.selfId);
    const words = [SETTLE_VERB, String(view.epoch)];
    const asked = others.map(async ({ id }) => {
      const reply = await this.#request(id, words);
      return reply !== undefined && !(reply instanceof Error);
    });
    const all = await Promise.all([settle?.() ?? true, ...asked]);
    return all.every((isSettled) => isSettled);
  }

  async #ask(memberId: string, { from, to }: RingRange, stamp: number): Promise<boolean> {
    const { epoch } = this.#parts.ring.responsibility.view;
    const words = [COLLECT_VERB, String(epoch), from, to, String(stamp)];
    return typeof (await this.#request(memberId, words)) === 'number';
  }

  /** What a member replies; undefined: nothing, or not in time. */
  #request(memberId: string, words: readonly (string | Buffer)[]): Promise<PeerReply | undefined> {
    return new Promise((resolve) => {
      const timeoutMs = this.#settings.answerTimeoutMs;
      const request = this.#parts.ring.request(
        memberId,
        'bulk',
        words,
        timeoutMs,
        (error, reply) => {
          resolve(error === null ? reply : undefined);
        },
      );
      if (request instanceof PeerError) resolve(undefined);
    });
  }

  #dropHere(range: RingRange, stamp: number): Promise<number> {
    const { pace, ring, store, world } = this.#parts;
    const { responsibility } = ring;
    const task = dropTombstones(store, range, stamp);
    return new Promise((resolve) => {
      const work = new BackgroundWork(
        world,
        (deadlineMs) => {
          for (;;) {
            // Those who fill the range have told what was collected, and tell it once.
            if (ring.responsibility !== responsibility) {
              resolve(0);
              return true;
            }
            const step = task.next();
            if (step.done === true) {
              resolve(step.value);
              return true;
            }
            if (world.clock.monotonicMs() >= deadlineMs) return false;
          }
        },
        pace,
      );
      work.start();
    });
  }

  /** SETTLE epoch: replies once all that is here is safe from a power failure. */
  #settle(session: Session, args: Args, reply: ReplyWriter): void {
    const { ring, settle } = this.#parts;
    if (args.count !== 2) return reply.error('ERR SETTLE takes an epoch');
    const epoch = epochOf(ring);
    if (args.string(1) !== String(epoch)) {
      return reply.error(`COLLECTEPOCH this member is in epoch ${epoch}`);
    }
    // A crash leaves nothing of it, and it comes back as another member.
    if (settle === undefined) return reply.ok();
    const answer = answerLater(session);
    void settle().then((isSettled) => {
      answer((late) => {
        if (isSettled) late.ok();
        else late.error('COLLECTDISK the disk of this member has failed');
      });
    });
  }

  /** COLLECT epoch from to stamp: the owner of a range says that its tombstones may go. */
  #hear(session: Session, args: Args, reply: ReplyWriter): void {
    const { ring, store, world } = this.#parts;
    const { responsibility } = ring;
    const { epoch } = responsibility.view;
    if (args.count !== 5) return reply.error('ERR COLLECT takes an epoch, a range and a stamp');
    if (args.string(1) !== String(epoch)) {
      return reply.error(`COLLECTEPOCH this member is in epoch ${epoch}`);
    }
    const stamp = Number(args.string(4));
    const isStamp = Number.isSafeInteger(stamp) && stamp > 0 && stamp <= this.#safeStamp(0);
    if (!isStamp) return reply.error('ERR no stamp, or not below the bound of clocks');
    const task = dropTombstones(store, { from: args.bytes(2), to: args.bytes(3) }, stamp);
    session.defer({
      step: (deadlineMs) => {
        for (;;) {
          if (ring.responsibility !== responsibility) {
            reply.error(`COLLECTEPOCH this member is not in epoch ${epoch} any more`);
            return true;
          }
          const step = task.next();
          if (step.done === true) {
            reply.integer(step.value);
            return true;
          }
          if (world.clock.monotonicMs() >= deadlineMs) return false;
        }
      },
    });
  }
}
