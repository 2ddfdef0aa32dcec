/**
 * A ring of view machines in simulated weather, with disks that lose what was not synced, a
 * failure detector that sees the truth late (and sometimes wrongly), and leaders that report ranges
 * as filled after a while. After every event the invariants are checked.
 */

import { checkRing, type KnownView } from '../../../discord/ring/check-ring.js';
import { Responsibility } from '../../../discord/ring/responsibility.js';
import { firstView, memberOf, type View } from '../../../discord/ring/view.js';
import { encodeView } from '../../../discord/ring/view-codec.js';
import type { JoinRequest } from '../../../discord/views/changes.js';
import type { ViewMessage } from '../../../discord/views/messages.js';
import type { ViewOutput } from '../../../discord/views/outbox.js';
import { ViewMachine } from '../../../discord/views/view-machine.js';
import { SimMessages, type SimPlace } from '../../../world/sim/messages.js';
import { SimRandom } from '../../../world/sim/random.js';

export const EVICT_AFTER_MS = 10_000;
const DETECTION_MS = 3000;
const LOOK_MS = 500;
const SYNC_MAX_MS = 5;
const FILL_MAX_MS = 1500;

export class RingNode {
  readonly id: string;
  machine!: ViewMachine;
  place!: SimPlace<ViewMessage>;
  record: Buffer | undefined;
  /** Gone for good: it left, was removed, or was killed. */
  isRetired = false;
  isKilled = false;
  /** Since when nobody hears of it; Infinity: it is well. */
  silentSinceMs = Infinity;
  readonly refusals: string[] = [];
  #queue: ViewOutput[] = [];
  #isSyncing = false;
  #plannedMs = Infinity;
  readonly #sim: RingSim;

  constructor(sim: RingSim, id: string) {
    this.#sim = sim;
    this.id = id;
  }

  get isUp(): boolean {
    return this.place.isRunning && !this.place.isPaused && !this.isRetired;
  }

  nowMs(): number {
    return this.place.clock.monotonicMs();
  }

  /** A new process, from the last record that was synced. */
  start(): void {
    const { net, seed } = this.#sim;
    this.#queue = [];
    this.#isSyncing = false;
    this.#plannedMs = Infinity;
    this.silentSinceMs = Infinity;
    this.place = net.place(this.id, (from, message) => {
      this.do((nowMs) => this.machine.receive(nowMs, { id: from, address: from }, message));
    });
    const random = new SimRandom(seed, `views ${this.id} ${net.nowMs}`);
    const { id, record } = this;
    const parts = { self: { id, address: id }, random };
    const options = { evictAfterMs: EVICT_AFTER_MS };
    this.machine = new ViewMachine(record === undefined ? parts : { ...parts, record }, options);
    this.#sim.isDirty = true;
    this.do(() => {});
    this.#lookAround();
  }

  /** What was being synced may be on the disk or not. */
  crash(): void {
    const pending = this.#queue[0]?.record;
    if (this.#isSyncing && pending && this.#sim.net.random.chance(0.5)) this.record = pending;
    this.#sim.net.crash(this.id);
    this.silentSinceMs = this.#sim.net.nowMs;
    this.#sim.isDirty = true;
  }

  /** Lets the machine do something, and does what it wants. */
  do(action: (nowMs: number) => void): void {
    action(this.nowMs());
    for (let out = this.machine.takeOutput(); out !== null; out = this.machine.takeOutput()) {
      this.#queue.push(out);
      for (const event of out.events) this.#told(event);
    }
    this.#pump();
    const dueMs = this.machine.nextDueMs;
    if (dueMs >= this.#plannedMs || dueMs === Infinity) return;
    this.#plannedMs = dueMs;
    this.place.after(dueMs - this.nowMs() + 0.01, () => {
      // Another one was planned that came earlier: this one would never end either.
      if (this.#plannedMs !== dueMs) return;
      this.#plannedMs = Infinity;
      this.do((nowMs) => this.machine.tick(nowMs));
    });
  }

  #told(event: ViewOutput['events'][number]): void {
    if (event.kind === 'view') this.#sim.noteView(event.view);
    else if (event.kind === 'removed') this.#sim.removed(this);
    else this.refusals.push(event.text);
  }

  #pump(): void {
    while (this.#queue.length > 0 && !this.#isSyncing) {
      const out = this.#queue[0]!;
      if (out.record === null) {
        this.#queue.shift();
        this.#release(out);
        continue;
      }
      this.#isSyncing = true;
      this.place.after(this.#sim.net.random.between(0.1, SYNC_MAX_MS), () => {
        this.#isSyncing = false;
        this.#queue.shift();
        this.record = out.record!;
        this.#release(out);
        this.#pump();
      });
    }
  }

  #release(out: ViewOutput): void {
    for (const { to, message } of out.messages) {
      if (to.address !== this.id) this.place.send(to.address, message);
      else {
        const self = { id: this.id, address: this.id };
        this.place.after(0, () => this.do((nowMs) => this.machine.receive(nowMs, self, message)));
      }
    }
  }

  /** The failure detector, and the leaders' reports. */
  #lookAround(): void {
    const again = (): void => {
      const { view } = this.machine;
      if (view !== undefined) {
        this.#detect(view);
        this.#report(view);
      }
      this.place.after(LOOK_MS, again);
    };
    this.place.after(this.#sim.net.random.between(0, LOOK_MS), again);
  }

  #detect(view: View): void {
    for (const { id } of [...view.members, ...(view.next?.members ?? [])]) {
      if (id === this.id) continue;
      const isWrong = this.#sim.isChaotic && this.#sim.net.random.chance(0.002);
      const isDead = isWrong || this.#sim.isSilent(this.id, id);
      this.do((nowMs) => this.machine.setDead(nowMs, id, isDead));
    }
  }

  #report(view: View): void {
    if (view.next === undefined || this.#sim.isFillHeld) return;
    const ranges = new Responsibility(view).changedRanges();
    for (const [at, range] of ranges.entries()) {
      const holders = [...range.current, ...range.next];
      const leader = holders.find(({ id }) => this.#sim.nodes.get(id)?.isUp === true);
      if (leader?.id !== this.id) continue;
      this.place.after(this.#sim.net.random.between(0, FILL_MAX_MS), () => {
        this.do((nowMs) => this.machine.reportFilled(nowMs, view.epoch, [at]));
      });
    }
  }
}

export class RingSim {
  readonly net: SimMessages<ViewMessage>;
  readonly seed: number;
  readonly nodes = new Map<string, RingNode>();
  /** What is wrong; nothing, one hopes. */
  readonly problems: string[] = [];
  isDirty = false;
  isChaotic = false;
  /** While true nobody reports ranges as filled. */
  isFillHeld = false;
  viewCount = 0;
  /** Called when a member finds itself removed that did not wish to leave. */
  onEvicted: (node: RingNode) => void = () => {};
  newest: View | undefined;
  readonly #views = new Map<string, Buffer>();
  readonly #cuts = new Map<string, number>();
  readonly #leaving = new Set<string>();

  constructor(seed: number) {
    this.seed = seed;
    this.net = new SimMessages<ViewMessage>({
      seed,
      conditions: { delayMinMs: 0.2, delayMaxMs: 20 },
      describe: ({ kind }) => kind,
    });
  }

  /** A node without a ring. */
  add(): RingNode {
    const id = Buffer.alloc(20);
    this.net.random.bytes(id);
    const node = new RingNode(this, id.toString('hex'));
    this.nodes.set(node.id, node);
    node.start();
    return node;
  }

  /** The first member, of a ring of one. */
  addFirst(replicas = 3): RingNode {
    const node = this.add();
    this.begin(node, replicas);
    return node;
  }

  begin(node: RingNode, replicas = 3): void {
    const clusterId = Buffer.alloc(16);
    this.net.random.bytes(clusterId);
    const member = { id: node.id, address: node.id, position: this.position() };
    const view = firstView({ clusterId: clusterId.toString('hex'), replicas, member });
    node.do((nowMs) => node.machine.begin(nowMs, view));
  }

  addJoining(contacts: readonly RingNode[], wanted: Partial<JoinRequest> = {}): RingNode {
    const node = this.add();
    this.join(node, contacts, wanted);
    return node;
  }

  join(node: RingNode, contacts: readonly RingNode[], wanted: Partial<JoinRequest> = {}): void {
    const addresses = contacts.map(({ id }) => id);
    node.do((nowMs) => node.machine.join(nowMs, addresses, wanted));
  }

  leave(node: RingNode): void {
    this.#leaving.add(node.id);
    node.do((nowMs) => node.machine.leave(nowMs));
  }

  isLeaving(node: RingNode): boolean {
    return this.#leaving.has(node.id);
  }

  position(): Buffer {
    const position = Buffer.alloc(this.net.random.chance(0.3) ? 1 : 4);
    this.net.random.bytes(position);
    return position;
  }

  kill(node: RingNode): void {
    node.isKilled = true;
    if (node.place.isRunning) node.crash();
  }

  pause(node: RingNode): void {
    this.net.pause(node.id);
    node.silentSinceMs = this.net.nowMs;
  }

  resume(node: RingNode): void {
    this.net.resume(node.id);
    node.silentSinceMs = Infinity;
  }

  /** One way. */
  cut(from: RingNode, to: RingNode): void {
    this.net.block(from.id, to.id);
    this.#cuts.set(`${from.id} ${to.id}`, this.net.nowMs);
  }

  heal(): void {
    this.net.heal();
    this.#cuts.clear();
  }

  /** Whether failure detection at one says that the other is dead. */
  isSilent(at: string, of: string): boolean {
    const sinceMs = Math.min(
      this.nodes.get(of)?.silentSinceMs ?? 0,
      this.#cuts.get(`${of} ${at}`) ?? Infinity,
      this.#cuts.get(`${at} ${of}`) ?? Infinity,
    );
    return this.net.nowMs - sinceMs >= DETECTION_MS;
  }

  runFor(ms: number): void {
    this.net.runFor(ms, () => this.check());
  }

  runUntil(isReached: () => boolean, limitMs: number): boolean {
    return this.net.runUntil(isReached, limitMs, () => this.check());
  }

  /** Nodes that should be members in the end, or are. */
  living(): RingNode[] {
    return [...this.nodes.values()].filter((node) => !node.isRetired && !node.isKilled);
  }

  /** Whether all that live have settled on one view that has exactly them, and the dead given. */
  isSettled(dead: readonly RingNode[] = []): boolean {
    const living = this.living();
    const view = living[0]?.machine.view;
    if (view === undefined || view.next !== undefined) return false;
    const isSame = living.every(({ machine }) => machine.view?.epoch === view.epoch);
    const expected = [...living, ...dead].map(({ id }) => id).sort();
    const members = view.members.map(({ id }) => id).sort();
    return isSame && expected.join() === members.join();
  }

  /** Notes a view that somebody adopts: there is one of each epoch. */
  noteView(view: View): void {
    const key = `${view.clusterId} ${view.epoch}`;
    const bytes = encodeView(view);
    const known = this.#views.get(key);
    this.isDirty = true;
    if (known === undefined) {
      this.#views.set(key, bytes);
      this.viewCount += 1;
      this.net.trace(`view ${view.epoch} ${view.members.length} ${view.next?.change.kind ?? '-'}`);
      if (this.newest === undefined || view.epoch > this.newest.epoch) this.newest = view;
    } else if (!known.equals(bytes)) {
      this.problems.push(`two views of epoch ${view.epoch}`);
    }
  }

  removed(node: RingNode): void {
    node.isRetired = true;
    const isEvicted = !this.#leaving.has(node.id);
    this.net.after(0, () => {
      node.crash();
      if (isEvicted) this.onEvicted(node);
    });
  }

  check(): void {
    if (!this.isDirty || this.problems.length > 0) return;
    this.isDirty = false;
    const rings = new Map<string, KnownView[]>();
    const nodes = [...this.nodes.values()].filter((node) => !node.isKilled);
    const live = new Set(nodes.map(({ id }) => id));
    for (const { id, machine, isKilled, isRetired } of this.nodes.values()) {
      const { view } = machine;
      if (view === undefined || isRetired) continue;
      const known = rings.get(view.clusterId) ?? [];
      known.push({ id, isLive: !isKilled, view });
      rings.set(view.clusterId, known);
    }
    for (const known of rings.values()) {
      for (const problem of checkRing(known, live)) {
        this.problems.push(`seed ${this.seed}, ${this.net.nowMs.toFixed(0)} ms: ${problem}`);
      }
    }
  }

  membersNow(): RingNode[] {
    const members = this.newest?.members ?? [];
    return this.living().filter(({ id }) => memberOf(members, id) !== undefined);
  }
}
