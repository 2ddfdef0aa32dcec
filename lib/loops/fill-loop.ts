/**
 * The fill loop: while the ring changes, whoever acts for a changed range brings it to those who
 * will hold it, and says so once they do.
 *
 *   gather   two-way with the living of who holds it now, until a majority has answered: what was
 *            acknowledged is on a majority, not always on the owner
 *   spread   two-way with the living of who will hold it, until a majority of them, and each that
 *            lives, was found equal
 *   tell     all of them up to which stamps tombstones of it were collected
 *   report
 *
 * Writes that come meanwhile go to the replicas of both views, and need no filling. Under writes two
 * sides may never be found equal at one moment; three sessions that ended well then count, since
 * each has brought over what there was when it began.
 *
 * Invariant: only sessions of the epoch at hand count; another view begins anew.
 */
import type { ChangedRange } from '../../discord/ring/responsibility.js';
import type { Member } from '../../discord/ring/view.js';
import { tellCollected } from './collected-wire.js';
import type { LoopSettings } from './options.js';
import { isActing, liveOthers, majorityOf } from './placement.js';
import type { SyncParts } from './sync-answers.js';
import type { SyncCalls } from './sync-calls.js';

/** Sessions with one member, none of which found both sides equal, that count as equal. */
const SESSIONS_MAX = 3;

interface Filling {
  readonly index: number;
  readonly range: ChangedRange;
  readonly gathered: Set<string>;
  readonly spread: Set<string>;
  readonly told: Set<string>;
  readonly sessions: Map<string, number>;
  isBusy: boolean;
  isReported: boolean;
}

export class FillLoop {
  readonly #parts: SyncParts;
  readonly #calls: SyncCalls;
  readonly #settings: LoopSettings;
  #fillings: Filling[] = [];

  constructor(parts: SyncParts & { readonly calls: SyncCalls }, settings: LoopSettings) {
    this.#parts = parts;
    this.#calls = parts.calls;
    this.#settings = settings;
  }

  /** Changed ranges that this node has not seen filled, or has nothing to do with. */
  get openCount(): number {
    return this.#fillings.filter(({ isReported }) => !isReported).length;
  }

  noticeView(): void {
    const ranges = this.#parts.ring.responsibility.changedRanges();
    this.#fillings = ranges.map((range, index) => ({
      index,
      range,
      gathered: new Set(),
      spread: new Set(),
      told: new Set(),
      sessions: new Map(),
      isBusy: false,
      isReported: false,
    }));
    this.tick();
  }

  tick(): void {
    const { ring } = this.#parts;
    for (const filling of this.#fillings) {
      if (filling.isReported || filling.isBusy || !isActing(ring, filling.range.current)) continue;
      filling.isBusy = true;
      void this.#fill(filling).finally(() => {
        filling.isBusy = false;
      });
    }
  }

  async #fill(filling: Filling): Promise<void> {
    const { ring } = this.#parts;
    const { current, next } = filling.range;
    const isStale = (): boolean => !this.#fillings.includes(filling);
    for (const member of liveOthers(ring, current)) {
      if (!filling.gathered.has(member.id)) await this.#sync(filling, filling.gathered, member);
      if (isStale()) return;
    }
    if (filling.gathered.size + 1 < majorityOf(current.length)) return;
    for (const member of liveOthers(ring, next)) {
      if (!filling.spread.has(member.id)) await this.#sync(filling, filling.spread, member);
      if (isStale()) return;
    }
    const isNext = next.some(({ id }) => id === ring.selfId);
    const isMissing = liveOthers(ring, next).some(({ id }) => !filling.spread.has(id));
    if (isMissing || filling.spread.size + (isNext ? 1 : 0) < majorityOf(next.length)) return;
    for (const { id } of liveOthers(ring, next)) {
      if (!filling.told.has(id) && !(await this.#tell(filling, id))) return;
      if (isStale()) return;
    }
    filling.isReported = true;
    ring.reportFilled([filling.index]);
  }

  async #tell({ range, told }: Filling, id: string): Promise<boolean> {
    const { answerTimeoutMs } = this.#settings;
    const isTold = await tellCollected(this.#parts, id, range, answerTimeoutMs);
    if (isTold) told.add(id);
    return isTold;
  }

  async #sync(filling: Filling, done: Set<string>, { id }: Member): Promise<void> {
    const { reports, ring } = this.#parts;
    const { range } = filling;
    const { failure, isDone, isEqual, stats } = await this.#calls.call({
      memberId: id,
      range,
      mode: 'two-way',
    });
    const sessions = (filling.sessions.get(id) ?? 0) + (isDone ? 1 : 0);
    filling.sessions.set(id, sessions);
    if (isEqual === true || (isDone && sessions >= SESSIONS_MAX)) {
      done.add(id);
      filling.sessions.delete(id);
    }
    reports.report({
      loop: 'fill',
      from: ring.selfId,
      to: id,
      entries: stats.sentEntries + stats.appliedEntries,
      bytes: stats.sentBytes + stats.receivedBytes,
      failure,
    });
  }
}
