/**
 * What the nodes of a ring should hold: every write that was acknowledged, by key, and checks against
 * that.
 */
import { bufferOf } from '../../../discord/ring/position.js';
import { Responsibility } from '../../../discord/ring/responsibility.js';
import { Ring } from '../../../discord/ring/ring.js';
import type { Member, View } from '../../../discord/ring/view.js';
import { digestOf, isSameDigest, misplacedIn } from '../../../lib/loops/replica.js';
import type { RingLinks } from '../../../lib/ring/ring-links.js';
import type { Store } from '../../../lib/store/store.js';
import { stampOf } from '../../../timenet/hlc.js';
import type { SimWorld } from '../../../world/sim/sim-world.js';
import { replicasFor } from './fake-ring.js';

export interface Write {
  readonly key: Buffer;
  readonly stamp: number;
  readonly origin: number;
  readonly isDelete: boolean;
  readonly value: Buffer;
}

/** A node as this sees it: a whole one, or a store with loops. */
export interface HoldingNode {
  readonly selfId: string;
  readonly store: Store;
  readonly links: RingLinks;
  readonly isUp: boolean;
  /** It is down, comes back with its disk, and `store` is what it had. */
  readonly isComingBack?: boolean;
}

export interface HoldingRing {
  readonly sim: SimWorld;
  /** The newest that there is. */
  readonly view: View;
  readonly nodes: ReadonlyMap<string, HoldingNode>;
  readonly up: readonly HoldingNode[];
}

export class Content {
  readonly #ring: HoldingRing;
  readonly writes = new Map<string, Write>();
  /** Those that a majority has taken. */
  readonly #acknowledged = new Map<string, Write>();
  #counter = 0;

  constructor(ring: HoldingRing) {
    this.#ring = ring;
  }

  /** A write of now; later ones have higher stamps. */
  write(key: Buffer, isDelete = false): Write {
    const { sim } = this.#ring;
    this.#counter += 1;
    const wallMs = Date.UTC(2025, 0, 1) + Math.floor(sim.nowMs);
    const stamp = stampOf(wallMs, 0) + (this.#counter % 4096);
    const bytes = Buffer.from(`v${this.#counter}${'x'.repeat(sim.random.below(40))}`);
    return { key, stamp, origin: sim.random.below(4), isDelete, value: bytes };
  }

  /**
   * Writes as a coordinator at level quorum does: to a majority of the replicas of the current view,
   * and of the next, which are up, at least. False: there were too few, nothing was written.
   */
  writeQuorum(write: Write): boolean {
    const { random } = this.#ring.sim;
    const { view } = this.#ring;
    const responsible: Member[] = [];
    new Responsibility(view).find(write.key, 0, write.key.length, responsible);
    const sets = [replicasFor(view, write.key)];
    if (view.next !== undefined) {
      sets.push(replicasFor({ ...view, members: view.next.members }, write.key));
    }
    const isReached = ({ id }: Member): boolean => this.#node(id)?.isUp === true;
    const isEnough = (ids: ReadonlySet<string>): boolean =>
      sets.every((set) => set.filter(({ id }) => ids.has(id)).length * 2 > set.length);
    const reached = responsible.filter(isReached).map(({ id }) => id);
    if (!isEnough(new Set(reached))) return false;
    const chosen = new Set(reached);
    for (const id of reached) {
      if (!random.chance(0.3)) continue;
      chosen.delete(id);
      if (!isEnough(chosen)) chosen.add(id);
    }
    for (const id of chosen) put(this.#node(id)!.store, write);
    this.remember(write);
    this.#acknowledged.set(write.key.toString('latin1'), write);
    return true;
  }

  /** On this node alone, where it may not belong: as a sloppy write leaves it. */
  writeAt(node: HoldingNode, write: Write): void {
    put(node.store, write);
    this.remember(write);
  }

  remember(write: Write): void {
    const name = write.key.toString('latin1');
    const known = this.writes.get(name);
    if (known === undefined || isNewer(write, known)) this.writes.set(name, write);
  }

  /** Keys whose newest write is nowhere; a delete may have been collected. */
  lost(): string[] {
    const all = [...this.#ring.nodes.values()];
    const holding = all.filter(({ isComingBack, isUp }) => isUp || isComingBack === true);
    return [...this.writes.values()]
      .filter((write) => !write.isDelete && !holding.some(({ store }) => holds(store, write)))
      .map(({ key }) => key.toString('latin1'));
  }

  /** Keys whose newest acknowledged write, or a newer one, is not on a majority of the replicas. */
  unsafe(): string[] {
    return [...this.#acknowledged.values()]
      .filter((write) => {
        const replicas = replicasFor(this.#ring.view, write.key);
        const holders = replicas.filter(({ id }) => {
          const node = this.#node(id);
          return node !== undefined && isReached(node.store, write);
        });
        return !write.isDelete && holders.length * 2 <= replicas.length;
      })
      .map(({ key }) => key.toString('latin1'));
  }

  /** What is not as it should be once all is quiet, in short lines. */
  problems(): string[] {
    const { up, view } = this.#ring;
    const problems: string[] = [];
    for (const write of this.writes.values()) {
      const replicas = replicasFor(view, write.key).map(({ id }) => id);
      for (const { selfId, store } of up) {
        const isReplica = replicas.includes(selfId);
        const isHeld =
          isReplica && !write.isDelete ? holds(store, write) : !shows(store, write.key);
        if (isHeld) continue;
        const name = write.key.toString('latin1');
        problems.push(
          `${selfId.slice(0, 8)}: ${name} ${isReplica ? 'is not as written' : 'is here'}`,
        );
      }
    }
    const ring = new Ring(view.members, view.replicas);
    for (const owner of ring.members.keys()) {
      const range = ring.rangeOf(owner);
      const stores = replicasFor(view, range.to).flatMap(({ id }) => {
        const node = this.#node(id);
        return node?.isUp === true ? [node.store] : [];
      });
      const digests = stores.map((store) => digestOf(store, range));
      if (digests.every((digest) => isSameDigest(digest, digests[0]!))) continue;
      problems.push(`the replicas of range ${owner} differ`);
    }
    for (const node of up) {
      if (!node.links.isReady) continue;
      const misplaced = misplacedIn(node.store, node.links);
      if (misplaced > 0) problems.push(`${node.selfId.slice(0, 8)}: ${misplaced} misplaced`);
    }
    return problems;
  }

  #node(id: string): HoldingNode | undefined {
    return this.#ring.nodes.get(id);
  }
}

export function put(store: Store, { isDelete, key, origin, stamp, value }: Write): void {
  const { tree } = store.databases[0]!;
  const leaf = tree.find(key, 0, key.length);
  if (leaf !== 0 && tree.stamp(leaf) >= stamp) return;
  if (isDelete) tree.delete(key, 0, key.length, stamp, origin);
  else tree.put(key, 0, key.length, stamp, origin, 0, 0, value, 0, value.length);
}

function holds(store: Store, { key, origin, stamp, value }: Write): boolean {
  const { tree } = store.databases[0]!;
  const leaf = tree.find(key, 0, key.length);
  if (leaf === 0 || tree.stamp(leaf) !== stamp || tree.origin(leaf) !== origin) return false;
  return bufferOf(tree.value(leaf)).equals(value);
}

/** Whether it is there, or something newer. */
function isReached({ databases }: Store, { key, stamp }: Write): boolean {
  const { tree } = databases[0]!;
  const leaf = tree.find(key, 0, key.length);
  return leaf !== 0 && tree.stamp(leaf) >= stamp;
}

function shows(store: Store, key: Buffer): boolean {
  const { tree } = store.databases[0]!;
  return tree.findVisible(key, 0, key.length) !== 0;
}

function isNewer(one: Write, other: Write): boolean {
  return one.stamp - other.stamp > 0;
}
