/**
 * Space: the memory that all trees of a node share: databases, sub trees,
 * mirrors, snapshots. One Space has one arena of nodes and one of leaves, the
 * big values that do not fit an arena, the keyed hash of entries, the scratch
 * paths of descents, and the queue of trees that wait to be freed.
 *
 * Invariant: every record in use belongs to exactly one tree of the Space or
 * to a detached tree in the reclaimer's queue, so that when all trees are
 * cleared and the queue is empty, `memoryUsage().usedBytes` is 0.
 */
import type { Memory } from '../world/world.js';
import { Arena } from './arena.js';
import { BigValues } from './big-values.js';
import { EntryHash } from './entry-hash.js';
import type { SlotKeeper } from './expiry-heap.js';
import { HEAD_SLOT_WORD, KEY_BYTES_MAX, type Leaf, setHeadWord, setLeafSlot } from './leaf.js';
import { Path } from './path.js';
import { Reclaimer } from './reclaimer.js';
import { Sum } from './totals.js';
import type { Tree } from './tree.js';

export interface SpaceOptions {
  /** 16 secret bytes, the same on all members: the key of the digests. */
  hashKey: Uint8Array;
  /** Limit of each arena; default and most: 16 GiB. Beyond it writes throw OUT_OF_MEMORY. */
  arenaBytesMax?: number;
  /** Of the arenas. */
  memory?: Memory;
}

export interface MemoryUsage {
  /** Bytes of all records in use, rounded up to their size class, and of big values. Exact. */
  usedBytes: number;
  /** Bytes got from the system for them, touched or not. */
  reservedBytes: number;
  nodeBytes: number;
  leafBytes: number;
  bigValueBytes: number;
  /** Bytes of the heaps that know what expires when. */
  expiryBytes: number;
  /** Bytes of holes between records: what compaction may give back. */
  fragmentedBytes: number;
}

export class Space {
  readonly nodes: Arena;
  readonly leaves: Arena;
  readonly bigValues: BigValues;
  readonly hash: EntryHash;
  /** Scratch of the descent in a database. */
  readonly path: Path;
  /** Scratch of the descent in a sub tree, used while `path` leads to its head. */
  readonly elementPath: Path;
  /** Scratch of one write: what it adds to the nodes above. */
  readonly sum = new Sum();
  /** Scratch of one split: what is below the new node. */
  readonly branchSum = new Sum();
  /** Scratch for the key of a leaf at hand. */
  readonly keyScratch = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);
  /**
   * Whether what writes to sub trees add to the nodes above their heads may wait for `settle`: while
   * the same commands run that will call it.
   */
  defersTotals = false;
  /** The tree whose nodes do not know yet of the last writes to one of its sub trees. */
  unsettledTree: Tree | null = null;
  readonly #reclaimer: Reclaimer;
  #expiryBytes = 0;

  constructor(options: SpaceOptions) {
    const arenaOptions = { bytesMax: options.arenaBytesMax, memory: options.memory };
    this.nodes = new Arena(arenaOptions);
    this.leaves = new Arena(arenaOptions);
    this.bigValues = new BigValues();
    this.hash = new EntryHash(options.hashKey);
    this.path = new Path();
    this.elementPath = new Path();
    this.#reclaimer = new Reclaimer(this);
  }

  memoryUsage(): MemoryUsage {
    const nodes = this.nodes.usage();
    const leaves = this.leaves.usage();
    const bigReserved = this.bigValues.reservedBytes + this.#expiryBytes;
    return {
      usedBytes: this.usedBytes,
      reservedBytes: nodes.reservedBytes + leaves.reservedBytes + bigReserved,
      nodeBytes: nodes.usedBytes,
      leafBytes: leaves.usedBytes,
      bigValueBytes: this.bigValues.usedBytes,
      expiryBytes: this.#expiryBytes,
      fragmentedBytes: nodes.heldBytes - nodes.usedBytes + leaves.heldBytes - leaves.usedBytes,
    };
  }

  /** Bytes in use: `memoryUsage().usedBytes` without an object, to compare with maxmemory. */
  get usedBytes(): number {
    const records = this.nodes.usedBytes + this.leaves.usedBytes;
    return records + this.bigValues.usedBytes + this.#expiryBytes;
  }

  /** Called by expiry heaps: where they hold the leaf. */
  setHeapSlot(leaf: Leaf, slot: number): void {
    setLeafSlot(this.leaves, leaf, slot);
  }

  addHeapBytes(bytes: number): void {
    this.#expiryBytes += bytes;
  }

  /** The same for heaps of heads. */
  readonly headSlots: SlotKeeper = {
    setHeapSlot: (head, slot) => setHeadWord(this.leaves, head, HEAD_SLOT_WORD, slot),
    addHeapBytes: (bytes) => {
      this.addHeapBytes(bytes);
    },
  };

  /** All nodes know of all writes: after this. */
  settle(): void {
    if (this.unsettledTree !== null) this.unsettledTree.settle();
  }

  /** Queues a detached tree (a pointer as in nodes: negative is a leaf) to be freed in slices. */
  reclaim(root: number): void {
    this.#reclaimer.add(root);
  }

  /** `start` is called whenever the first detached tree begins to wait, in the midst of a write. */
  onReclaimable(start: () => void): void {
    this.#reclaimer.onWaiting = start;
  }

  /** Whether detached trees wait to be freed. */
  get reclaimPending(): boolean {
    return !this.#reclaimer.isEmpty;
  }

  /** Frees up to `records` records of detached trees; true if some are left. */
  reclaimStep(records: number): boolean {
    return this.#reclaimer.step(records);
  }
}
