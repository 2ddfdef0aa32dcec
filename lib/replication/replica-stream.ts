/**
 * ReplicaStream: the batches on their way to one replica, in order, until it has acknowledged them.
 *
 *   add --> waiting --pump--> in flight --reply--> acknowledged
 *              ^                  |
 *              +--- sent again ---+     a lost connection, no reply in time
 *              |
 *              +--> dropped             it is dead, refuses, has something newer of another
 *                                       writer, or has fallen too far behind
 *
 * Entries merge in any order and any number of times, so a batch may be sent again though it had
 * arrived. What is dropped is for synchronisation to bring; nobody waits for it.
 * Invariant: batches leave in the order of their turns, so what is acknowledged up to a turn is
 * told by the first batch that is not.
 */
import type { PeerRequest } from '../../discord/peer/pipeline.js';
import type { Clock, Timer, Timers } from '../../world/world.js';
import type { RingLinks } from '../ring/ring-links.js';
import type { Group } from './groups.js';
import {
  APPLY_TIMEOUT_MS,
  IN_FLIGHT_MAX,
  LOST_MAX,
  OTHER_VIEW_RETRY_MS,
  QUEUED_BATCHES_MAX,
  QUEUED_BYTES_MAX,
  REQUEST_BYTES_MAX,
  REQUEST_BYTES_MIN,
  RETRY_MS,
} from './limits.js';

/** What a batch says. Replicas of the same keys share it. */
export interface Content {
  /** Records as `radix/sync/entry-codec.ts` writes them; with a piece, the one it belongs to. */
  readonly records: Buffer;
  /** Of a value that is longer than a record. */
  readonly piece?: { readonly offset: number; readonly bytes: Buffer };
}

export interface Batch {
  readonly content: Content;
  /** Whose keys it was about when it was made. */
  readonly group: Group;
  readonly turn: number;
  readonly number: number;
  readonly addedMs: number;
}

export interface StreamEvents {
  /** Something was acknowledged or dropped. */
  progressed(): void;
  /** Whether somebody waits for acknowledgements: then nothing waits for more to go with it. */
  isAwaited(): boolean;
  /** Batches for a member that is alive were dropped; `isNews`: the first since it acknowledged some. */
  fellBehind(memberId: string, batches: number, isNews: boolean): void;
  /**
   * Batches will not last: the member has something newer of another writer. It knows stamps up to
   * this one. `isNews`: the first since it acknowledged some.
   */
  superseded(memberId: string, stamp: number, isNews: boolean): void;
}

export interface StreamComponents {
  readonly links: RingLinks;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly timers: Timers;
}

export class ReplicaStream {
  readonly memberId: string;
  readonly address: string;
  acknowledgedBatches = 0;
  droppedBatches = 0;
  /** Put in, and lost to what another member has written. */
  supersededBatches = 0;
  queuedBytes = 0;
  /** When it last acknowledged something, monotonic ms. */
  acknowledgedMs = 0;

  readonly #parts: StreamComponents;
  readonly #events: StreamEvents;
  #waiting: Batch[] = [];
  readonly #inFlight = new Map<readonly Batch[], PeerRequest>();
  #inFlightBytes = 0;
  #nextNumber = 1;
  /** Turns whose batches were dropped, first and last of each stretch. */
  readonly #lost: { first: number; last: number }[] = [];
  #retry: Timer | undefined;
  #disagreedMs = OTHER_VIEW_RETRY_MS;
  /** Batches were dropped, or did not last, and none was acknowledged since. */
  #isBehind = false;

  constructor(
    components: StreamComponents,
    member: { readonly id: string; readonly address: string },
    events: StreamEvents,
  ) {
    this.#parts = components;
    this.#events = events;
    this.memberId = member.id;
    this.address = member.address;
  }

  get isAlive(): boolean {
    return this.#parts.links.isAlive(this.memberId);
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  get inFlightCount(): number {
    let count = 0;
    for (const batches of this.#inFlight.keys()) count += batches.length;
    return count;
  }

  /** Age of the oldest batch that is not acknowledged, ms. */
  get lagMs(): number {
    const oldest = this.#oldest();
    return oldest === undefined ? 0 : this.#parts.clock.monotonicMs() - oldest.addedMs;
  }

  /** Number of the last batch that was added. */
  get lastNumber(): number {
    return this.#nextNumber - 1;
  }

  /** Whether all batches up to that number are acknowledged or dropped. */
  isThrough(number: number): boolean {
    return (this.#oldest()?.number ?? Number.POSITIVE_INFINITY) > number;
  }

  /** Whether all that the turns [first, last] have changed has arrived. */
  isSafe(first: number, last: number): boolean {
    return (this.#oldest()?.turn ?? Number.POSITIVE_INFINITY) > last && !this.isLost(first, last);
  }

  /** Whether something that the turns [first, last] have changed will not arrive by itself. */
  isLost(first: number, last: number): boolean {
    return this.#lost.some((lost) => lost.first <= last && lost.last >= first);
  }

  /** What the turns [first, last] have changed was never for this replica. */
  miss(first: number, last: number): void {
    const lost = this.#lost.at(-1);
    if (lost !== undefined && lost.first <= first && lost.last + 1 >= first) {
      lost.last = Math.max(lost.last, last);
      return;
    }
    this.#lost.push({ first, last });
    if (this.#lost.length > LOST_MAX) this.#lost.shift();
  }

  /** What is not acknowledged, in order. */
  get unacknowledged(): Batch[] {
    const inFlight = [...this.#inFlight.keys()].flat().sort((a, b) => a.number - b.number);
    return [...inFlight, ...this.#waiting];
  }

  add(turn: number, content: Content, group: Group): void {
    const { clock } = this.#parts;
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    const batch = { content, group, turn, number, addedMs: clock.monotonicMs() };
    this.#waiting.push(batch);
    this.queuedBytes += bytesOf(batch);
    const isTooMuch =
      this.queuedBytes > QUEUED_BYTES_MAX || this.#waiting.length > QUEUED_BATCHES_MAX;
    if (!this.isAlive) this.dropAll();
    else if (isTooMuch) this.#fallBehind();
    else this.#pump();
  }

  /** The member is dead, or nothing is for it any more. */
  dropAll(): void {
    this.#takeBack();
    this.#drop(this.#waiting.splice(0));
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#events.progressed();
  }

  /** It can be reached again, or has room again. */
  wake(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#pump();
  }

  /** Somebody waits for what has been added. */
  hurry(): void {
    if (this.#waiting.length > 0) this.#pump();
  }

  #fallBehind(): void {
    const dropped = this.#waiting.splice(0);
    this.#drop(dropped);
    this.#tellBehind(dropped.length);
    this.#events.progressed();
  }

  #tellBehind(batches: number): void {
    this.#events.fellBehind(this.memberId, batches, this.#becomesBehind());
  }

  /** Whether that is news. */
  #becomesBehind(): boolean {
    const isNews = !this.#isBehind;
    this.#isBehind = true;
    return isNews;
  }

  #drop(batches: readonly Batch[]): void {
    this.droppedBatches += batches.length;
    this.#lose(batches);
  }

  /** Nobody may take them for kept there. */
  #lose(batches: readonly Batch[]): void {
    for (const batch of batches) {
      this.queuedBytes -= bytesOf(batch);
      this.miss(batch.turn, batch.turn);
    }
  }

  #oldest(): Batch | undefined {
    // They left in order, and when one leaves anew all of them do.
    const [first] = this.#inFlight.keys();
    return first?.[0] ?? this.#waiting[0];
  }

  #pump(): void {
    // A member that was removed knows of no view, and what it had to say goes another way.
    if (!this.#parts.links.isReady) return;
    while (this.#retry === undefined && this.#inFlight.size < IN_FLIGHT_MAX) {
      if (this.#isGathering) return;
      const batches = this.#take();
      if (batches.length === 0 || !this.#send(batches)) return;
    }
  }

  /** What waits is to go together with what comes before the next acknowledgement. */
  get #isGathering(): boolean {
    if (this.#inFlight.size === 0 || this.#events.isAwaited()) return false;
    return this.queuedBytes - this.#inFlightBytes < REQUEST_BYTES_MIN;
  }

  /** The next batches that go together. */
  #take(): Batch[] {
    let bytes = 0;
    let count = 0;
    for (const batch of this.#waiting) {
      bytes += bytesOf(batch);
      const isPiece = batch.content.piece !== undefined;
      if (count > 0 && (bytes > REQUEST_BYTES_MAX || isPiece)) break;
      count += 1;
      if (isPiece) break;
    }
    return this.#waiting.splice(0, count);
  }

  #send(batches: readonly Batch[]): boolean {
    const { links } = this.#parts;
    const [first] = batches;
    const { epoch } = links.responsibility.view;
    const { piece } = first!.content;
    const verb = piece === undefined ? 'APPLY' : 'APPLYPIECE';
    const words: (string | Buffer)[] = [verb, String(epoch), String(first!.number)];
    for (const { content } of batches) words.push(content.records);
    if (piece !== undefined) words.push(String(piece.offset), piece.bytes);
    const sent = links.request(
      this.memberId,
      'replica',
      words,
      APPLY_TIMEOUT_MS,
      (error, reply) => {
        // Once both know the same view it will count as one who holds these keys: who is behind does
        // not know yet that it should, and who is ahead may know that others should.
        const [replyEpoch, stamp] = Array.isArray(reply) ? reply : [reply];
        const isOfAnotherView = typeof replyEpoch === 'number' && replyEpoch !== epoch;
        if (error !== null) this.#again(RETRY_MS);
        else if (isOfAnotherView) this.#disagreed();
        else if (typeof stamp === 'number') this.#superseded(batches, stamp);
        else this.#answered(batches, reply instanceof Error ? reply : null);
      },
    );
    if (sent instanceof Error) {
      this.#waiting.unshift(...batches);
      this.#again(RETRY_MS);
      return false;
    }
    this.#inFlight.set(batches, sent);
    for (const batch of batches) this.#inFlightBytes += bytesOf(batch);
    return true;
  }

  /** False: they were dropped meanwhile, and nobody sends them again. */
  #arrived(batches: readonly Batch[]): boolean {
    if (!this.#inFlight.delete(batches)) return false;
    for (const batch of batches) this.#inFlightBytes -= bytesOf(batch);
    return true;
  }

  #superseded(batches: readonly Batch[], stamp: number): void {
    if (!this.#arrived(batches)) return;
    this.acknowledgedMs = this.#parts.clock.monotonicMs();
    this.supersededBatches += batches.length;
    this.#lose(batches);
    this.#events.superseded(this.memberId, stamp, this.#becomesBehind());
    this.#pump();
    this.#events.progressed();
  }

  #answered(batches: readonly Batch[], error: Error | null): void {
    if (!this.#arrived(batches)) return;
    this.#disagreedMs = OTHER_VIEW_RETRY_MS;
    if (error === null) {
      this.#isBehind = false;
      this.acknowledgedBatches += batches.length;
      this.acknowledgedMs = this.#parts.clock.monotonicMs();
      for (const batch of batches) this.queuedBytes -= bytesOf(batch);
    } else {
      // It has refused them, and would again.
      this.#drop(batches);
      this.#tellBehind(batches.length);
    }
    this.#pump();
    this.#events.progressed();
  }

  /** Sends what is in flight anew in a while, in order: pieces must not overtake each other. */
  #again(delayMs: number): void {
    this.#takeBack();
    this.#retry ??= this.#parts.timers.after(delayMs, () => this.wake(), true);
  }

  #disagreed(): void {
    this.#again(this.#disagreedMs);
    this.#disagreedMs = Math.min(RETRY_MS, 2 * this.#disagreedMs);
  }

  /** What is in flight waits again; what becomes of it there nobody hears. */
  #takeBack(): void {
    const batches = [...this.#inFlight.keys()].flat();
    for (const request of this.#inFlight.values()) request.cancel();
    this.#inFlight.clear();
    this.#inFlightBytes = 0;
    this.#waiting.unshift(...batches.sort((a, b) => a.number - b.number));
  }
}

function bytesOf({ content: { piece, records } }: Batch): number {
  return records.length + (piece?.bytes.length ?? 0);
}
