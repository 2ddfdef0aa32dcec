/**
 * The store of one node: sixteen databases over one space of memory, one clock, one set of
 * counters. Knows nothing of connections and commands.
 */

import { Compactor } from '../../radix/compaction.js';
import type { Leaf } from '../../radix/leaf.js';
import { Space } from '../../radix/space.js';
import type { Tree } from '../../radix/tree.js';
import { HybridClock } from '../../timenet/hlc.js';
import type { World } from '../../world/world.js';
import type { Settings } from '../config/settings.js';
import type { Journal } from '../persistence/journal.js';
import { type EncodingLimits, highestLimits } from '../types/highest-limits.js';
import { ListLimits } from '../types/list-limits.js';
import { lfuStart, lfuTouched, lruClock } from './access.js';
import { CollectedRanges } from './collected-ranges.js';
import { Database } from './database.js';
import { digestKey } from './digest-key.js';
import { Eviction } from './eviction.js';
import { ExpiredStamps } from './expired-stamps.js';
import { KeyspaceEvents } from './notify.js';
import { WaitTable } from './wait-table.js';
import { WatchTable } from './watches.js';

/** Longest key, bytes. */
export const KEY_BYTES_MAX = 65_536;
/** Keys and elements expired between two looks at the clock. */
const EXPIRE_STEP_KEYS = 64;
/** Records given back between two looks at the clock. */
const RECLAIM_STEP_RECORDS = 256;
/** Entries that compaction looks at between two looks at the clock. */
const COMPACT_STEP_ENTRIES = 128;

export class Store {
  readonly world: World;
  readonly settings: Settings;
  readonly highestLimits: Readonly<EncodingLimits>;
  readonly listLimits: ListLimits;
  /** Whether this member acts for the key buf[from, to); undefined: for all, there is no other. */
  actsFor: ((buf: Buffer, from: number, to: number) => boolean) | undefined;
  readonly space: Space;
  readonly clock: HybridClock;
  readonly databases: Database[] = [];
  readonly watches = new WatchTable();
  /** Keys that sessions wait for. */
  readonly waits = new WaitTable();
  readonly events = new KeyspaceEvents();
  readonly compactor: Compactor;
  readonly eviction = new Eviction(this);
  /** Writes changes down for the disk; null: nobody does. */
  journal: Journal | null = null;
  /** Room for one key. */
  readonly keyScratch = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);
  /** The number of this member in its ring; 0 while a node is alone. */
  origin = 0;
  /** What is deleted leaves a tombstone: others hold the keys too (docs/decisions/0004). */
  keepsTombstones = false;

  /** Wall time, ms, as of the last `refresh`: what all commands of one turn take for now. */
  nowMs = 0;
  /** False while a session that asked for CLIENT NO-TOUCH runs a command. */
  touching = true;
  /** The highest stamp of a write whose entry was dropped without a tombstone, while the node was alone. */
  collectedStamp = 0;
  /** Likewise of tombstones that a ring has collected. */
  readonly collectedRanges = new CollectedRanges();
  /** Of what has expired while others hold the same. */
  readonly expired = new ExpiredStamps();
  /** The highest stamp that is stored though the clock has not believed it; 0: none. */
  storedAhead = 0;

  /** Raised with every change that replicas are to have; 0 while there are none. */
  changeCount = 0;
  keyspaceHits = 0;
  keyspaceMisses = 0;
  expiredKeys = 0;
  expiredElements = 0;
  /** Changes since the start, as Redis counts `rdb_changes_since_last_save`. */
  dirty = 0;

  #commandStamp = 0;
  #isStampHeld = false;
  /** A removal took the stamp: what is written after it needs a later one. */
  #isStampUsedUp = false;
  #lfu = false;
  #accessNow = 0;

  constructor(components: { world: World }, settings: Settings) {
    this.world = components.world;
    this.settings = settings;
    this.highestLimits = highestLimits(settings);
    this.space = new Space({
      hashKey: digestKey(settings.clusterSecret),
      memory: this.world.memory,
    });
    this.clock = new HybridClock(
      { clock: this.world.clock },
      { clockSkewMaxMs: settings.clockSkewMaxMs },
    );
    this.listLimits = new ListLimits(settings, () => this.clock.last);
    for (let index = 0; index < settings.databases; index += 1) {
      this.databases.push(new Database(this, index));
    }
    const trees = this.databases.map((database) => database.tree);
    this.compactor = new Compactor(this.space, () => trees);
    this.refresh();
  }

  /** Looks at the clock and the settings that every command depends on. Once per turn. */
  refresh(): void {
    this.nowMs = this.world.clock.wallMs();
    this.#lfu = this.settings.maxmemoryPolicy.endsWith('lfu');
    this.#accessNow = this.#lfu ? lfuStart(this.nowMs) : lruClock(this.nowMs);
  }

  get usesLfu(): boolean {
    return this.#lfu;
  }

  /** A new command begins: its first write takes a new stamp. */
  beginCommand(): void {
    if (this.#isStampHeld && !this.#isStampUsedUp) return;
    this.#commandStamp = 0;
    this.#isStampUsedUp = false;
  }

  /**
   * Until `releaseStamp` all commands write at one stamp, as one command: a script. A command that
   * follows a removal takes a new one, since nothing is left that the two could be told by.
   */
  holdStamp(): void {
    this.#isStampHeld = true;
  }

  releaseStamp(): void {
    this.#isStampHeld = false;
  }

  /** The stamp of all writes of this command; like `nowMs`, its time is that of the turn. */
  stamp(): number {
    if (this.#commandStamp === 0) this.#commandStamp = this.clock.next(this.nowMs);
    return this.#commandStamp;
  }

  /** As `stamp`, and above this one. What the command has written before keeps its lower one. */
  stampAbove(stamp: number): number {
    if (this.stamp() <= stamp) this.#commandStamp = this.clock.nextAbove(stamp);
    return this.#commandStamp;
  }

  /** A stamp has come in with what is stored by now. */
  witness(stamp: number): void {
    if (!this.clock.witness(stamp)) this.storedAhead = Math.max(this.storedAhead, stamp);
  }

  /** A tombstone of a whole key was written: what this command writes next must be above it. */
  buried(): void {
    this.#commandStamp = 0;
  }

  /**
   * What the next command of a script writes needs a later stamp: a tombstone of an element was
   * written, or what was written so far is on its way to replicas.
   */
  useUpStamp(): void {
    this.#isStampUsedUp = true;
  }

  collected(stamp: number): void {
    this.#isStampUsedUp = true;
    if (stamp > this.collectedStamp) this.collectedStamp = stamp;
  }

  /** Tombstones up to this stamp have gone from the keys in (low, high], here or at those who filled this node. */
  collectedBetween(low: Buffer | null, high: Buffer | null, stamp: number): void {
    if (this.collectedRanges.raiseBetween(low, high, stamp)) this.journal?.collectedRaised();
  }

  /** Whether an entry of this stamp may have been deleted, and nothing here tell of it any more. */
  isCollected(key: Buffer, stamp: number): boolean {
    if (stamp <= this.collectedStamp) return true;
    return stamp <= this.collectedRanges.highest && stamp <= this.collectedRanges.at(key);
  }

  /** Marks an access on a leaf. */
  touch(tree: Tree, leaf: Leaf): void {
    if (!this.touching) return;
    if (this.#lfu) {
      const bits = tree.access(leaf);
      tree.setAccess(leaf, lfuTouched(bits, this.nowMs, this.settings, this.world.random));
    } else {
      tree.setAccess(leaf, this.#accessNow);
    }
  }

  /** Marks a leaf as just written: an LFU counter that it had stays. */
  touchNew(tree: Tree, leaf: Leaf): void {
    if (this.#lfu && tree.access(leaf) !== 0) return;
    tree.setAccess(leaf, this.#accessNow);
  }

  /** Exchanges two databases; sessions that selected one see the other's keys from now on. */
  swap(first: number, second: number): void {
    const a = this.databases[first];
    const b = this.databases[second];
    if (a === undefined || b === undefined) throw new RangeError('no such database');
    if (this.watches.size !== 0) {
      const holds = (database: Database) => (key: string) => {
        const bytes = Buffer.from(key, 'latin1');
        return database.peek(bytes, 0, bytes.length) !== 0;
      };
      const inEither = (key: string) => holds(a)(key) || holds(b)(key);
      this.watches.touchAll(first, inEither);
      this.watches.touchAll(second, inEither);
    }
    a.index = second;
    b.index = first;
    this.databases[first] = b;
    this.databases[second] = a;
    if (this.journal !== null) this.journal.swapped();
    this.waits.signalAll(first);
    this.waits.signalAll(second);
    this.dirty += 1;
  }

  flushAll(): void {
    for (const database of this.databases) database.empty();
    this.watches.allChanged();
  }

  /** True if the time of some key or element has come, or a clear hides it, and it is still there. */
  hasDue(): boolean {
    for (const database of this.databases) {
      if (database.isPurging || database.hasDue) return true;
    }
    return false;
  }

  /** True if the time of some collection's elements has come and they are still there. */
  hasDueElements(): boolean {
    for (const database of this.databases) if (database.hasDueElements) return true;
    return false;
  }

  /**
   * Removes what has expired in all databases, and what their clears hide, until nothing is left to
   * remove or `deadlineMs` (monotonic) has come.
   */
  expireDue(deadlineMs: number): boolean {
    for (const database of this.databases) {
      while (database.isPurging && database.purge(EXPIRE_STEP_KEYS)) {
        if (this.world.clock.monotonicMs() >= deadlineMs) return false;
      }
      while (!database.expireDue(EXPIRE_STEP_KEYS)) {
        if (this.world.clock.monotonicMs() >= deadlineMs) return false;
      }
    }
    return true;
  }

  /** Moves records out of sparse slabs where that is worth it. True if nothing is left to do. */
  compact(deadlineMs: number, areClientsBusy = false): boolean {
    const demand = areClientsBusy ? 'busy' : 'idle';
    while (this.compactor.step(COMPACT_STEP_ENTRIES, demand)) {
      if (this.world.clock.monotonicMs() >= deadlineMs) return false;
    }
    return true;
  }

  /** Gives memory of flushed databases back, a slice at a time. True if nothing is left. */
  reclaim(deadlineMs: number): boolean {
    while (this.space.reclaimStep(RECLAIM_STEP_RECORDS)) {
      if (this.world.clock.monotonicMs() >= deadlineMs) return false;
    }
    return true;
  }
}
