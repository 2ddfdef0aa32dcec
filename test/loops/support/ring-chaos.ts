/**
 * Rings of whole nodes under random trouble: real links, Paxos, SWIM and loops, in virtual time. Nodes
 * join, leave, move, die, are cut off or stand still, those with a disk crash or lose power and come back,
 * links fail one way, clocks jump, the network loses, doubles and delays. At every step each
 * acknowledged write is on a majority of its replicas and the ring keeps its invariants; after quiet
 * each write is on exactly its replicas, and what was evicted has come back. Meanwhile clients read and
 * write through any node, and hold each reply against what the documents promise.
 */
import { checkRing } from '../../../discord/ring/check-ring.js';
import type { View } from '../../../discord/ring/view.js';
import type { Settings } from '../../../lib/config/settings.js';
import type { RingMember } from '../../../lib/ring/ring-member.js';
import type { Store } from '../../../lib/store/store.js';
import type { SimWorld } from '../../../world/sim/sim-world.js';
import { RingScene, type SceneNode } from '../../support/ring-scene.js';
import { Content, type HoldingNode, type HoldingRing } from './content.js';
import type { LoopChaosResult } from './loop-chaos.js';
import { RingClients } from './ring-clients.js';

const STEPS_MAX = 10;
const STEP_MAX_MS = 4000;
const LOOK_MS = 500;
const QUIET_MAX_MS = 400_000;
/** In which what clients have given up is executed, if it is. */
const LATE_MS = 15_000;
const VERIFY_TRIES = 4;
const VERIFY_PAUSE_MS = 10_000;
const KEYS = 100;
const WRITES_FIRST = 120;
const MEMBERS_MAX = 6;
/** Now and then a ring is large. */
const LARGE_CHANCE = 0.01;
const LARGE_MIN = 10;
const LARGE_MAX = 50;
const LARGE_STEPS = 3;
/** Until what was written is as safe as the disk makes it. */
const SAFE_MS = 300;
const EVICT_AFTER_MS = 8000;
/** In which all is where it belongs, if nothing is written. */
const REST_MAX_MS = 5000;
/** In which clients have begun again. */
const BUSY_MS = 1000;

class WholeNode implements HoldingNode {
  readonly scene: SceneNode;
  isUp = true;
  isLeaving = false;
  isAway = false;
  isComingBack = false;
  /** How far its clock has been set off, ms. */
  offMs = 0;

  constructor(scene: SceneNode) {
    this.scene = scene;
  }

  get selfId(): string {
    return this.links.selfId;
  }

  get store(): Store {
    return this.scene.node.store;
  }

  get links(): RingMember {
    return this.scene.links;
  }

  get isMember(): boolean {
    return this.links.isReady && this.links.selfIndex >= 0;
  }
}

class WholeRing implements HoldingRing {
  readonly scene: RingScene;
  readonly all: WholeNode[] = [];

  /** What the nodes keep: nothing, or all of it, some of it only until the power fails. */
  readonly fsync: 'no' | 'always' | undefined;

  constructor(seed: number) {
    this.fsync = ([undefined, 'no', 'always'] as const)[seed % 3];
    const settings = (each: Settings): void => {
      each.evictAfterMs = EVICT_AFTER_MS;
      if (this.fsync === undefined) return;
      each.dir = '/data';
      each.fsync = this.fsync;
    };
    this.scene = new RingScene({ seed, fills: false, settings });
  }

  get sim(): SimWorld {
    return this.scene.sim;
  }

  get up(): WholeNode[] {
    return this.all.filter(({ isUp }) => isUp);
  }

  get nodes(): ReadonlyMap<string, WholeNode> {
    return new Map(this.all.map((node) => [node.selfId, node]));
  }

  get view(): View {
    const views = this.all.flatMap(({ links }) => (links.view === undefined ? [] : [links.view]));
    return views.reduce((best, view) => (view.epoch > best.epoch ? view : best));
  }

  get isSettled(): boolean {
    const { view } = this;
    const ids = this.up.map(({ selfId }) => selfId).sort();
    if (view.next !== undefined || this.up.some(({ links }) => links.view?.epoch !== view.epoch)) {
      return false;
    }
    // From a ring of three or fewer nobody is evicted.
    const isDead = (id: string): boolean => view.members.length <= 3 && !ids.includes(id);
    const living = view.members.map(({ id }) => id).filter((id) => !isDead(id));
    return living.sort().join() === ids.join();
  }
}

class Chaos {
  readonly ring: WholeRing;
  readonly content: Content;
  readonly problems: string[] = [];
  readonly log: string[] = [];
  #clients: RingClients | undefined;
  #hasKilled = false;
  #membersMax = MEMBERS_MAX;

  constructor(seed: number) {
    this.ring = new WholeRing(seed);
    this.content = new Content(this.ring);
  }

  get random(): SimWorld['random'] {
    return this.ring.sim.random;
  }

  async run(seed: number): Promise<LoopChaosResult> {
    const { problems, random, ring } = this;
    const isLarge = random.chance(LARGE_CHANCE);
    const large = LARGE_MIN + random.below(LARGE_MAX - LARGE_MIN + 1);
    const size = isLarge ? large : random.pick([1, 2, 3, 3, 4]);
    this.#membersMax = isLarge ? LARGE_MAX : MEMBERS_MAX;
    for (const node of await ring.scene.form(size)) this.#add(node);
    for (let left = WRITES_FIRST; left > 0; left -= 1) this.#write();
    this.#clients = new RingClients(ring.scene, () => ring.up.map(({ scene }) => scene));
    for (
      let left = 1 + random.below(isLarge ? LARGE_STEPS : STEPS_MAX);
      left > 0 && problems.length === 0;
      left -= 1
    ) {
      this.#note(await random.pick(TROUBLES)(this));
      await this.#pass(random.between(0, STEP_MAX_MS), () => false);
    }
    this.#calm();
    await this.#pass(LATE_MS, () => false);
    await this.#pass(QUIET_MAX_MS, () => this.#isHome());
    if (problems.length === 0 && !this.#isHome()) problems.push(...this.#state());
    if (problems.length === 0) problems.push(...(await this.#verify()));
    if (problems.length === 0) problems.push(...(await this.#readBack()));
    for (const { scene } of ring.up) scene.host.crash('process');
    const texts = problems.map((problem) => `seed ${seed}: ${problem}`);
    const { sim } = ring;
    return { seed, problems: texts, log: this.log, hash: sim.traceHash(), events: sim.eventCount };
  }

  /** What DHASH VERIFY finds. A move that somebody has waited with may still come in between. */
  async #verify(): Promise<readonly string[]> {
    const { sim } = this.ring;
    let found: readonly string[] = [];
    for (let tries = 0; tries < VERIFY_TRIES; tries += 1) {
      const { loops } = this.ring.up[0]!.scene.node.server;
      found = (await sim.finish(loops!.verifier.verify())).problems;
      // The dead one of a ring of three stays in it, and answers nothing.
      const isWhole = this.ring.up.length === this.ring.view.members.length;
      if (found.length === 0 || !isWhole) return [];
      await this.#pass(VERIFY_PAUSE_MS, () => false);
    }
    return found;
  }

  /** Who leaves answers no more at some moment; with a dead member there may be no majority. */
  #readBack(): Promise<string[]> {
    const { up, view } = this.ring;
    const staying = up.filter(({ isLeaving }) => !isLeaving).map(({ scene }) => scene);
    const isWhole = up.length === view.members.length;
    return this.#clients!.readBack(staying, isWhole ? ['one', 'quorum', 'all'] : ['one']);
  }

  write(): string {
    for (let left = this.random.below(40); left > 0; left -= 1) this.#write();
    return 'writes';
  }

  stray(): string {
    // A newcomer takes nothing, and what members have collected it may not bring.
    const node = this.#one(this.ring.up.filter(({ isMember }) => isMember));
    if (node === undefined) return 'no stray';
    this.content.writeAt(node, this.content.write(this.#key()));
    return `a stray at ${node.scene.address}`;
  }

  async join(): Promise<string> {
    const contact = this.#one(this.ring.up.filter(({ isMember, isAway }) => isMember && !isAway));
    if (contact === undefined || this.ring.up.length >= this.#membersMax) return 'nobody joins';
    // Of a contact that leaves nobody would ever hear more.
    const contacts = this.ring.all.map(({ scene }) => scene.address);
    const node = this.#add(
      await this.ring.scene.join(contact.scene, (settings) => {
        settings.join = contacts;
      }),
    );
    return `${node.scene.address} joins`;
  }

  leave(): string {
    const members = this.ring.up.filter(({ isLeaving, isMember }) => isMember && !isLeaving);
    const node = this.#one(members);
    if (node === undefined || members.length < 3) return 'nobody leaves';
    node.isLeaving = true;
    void node.scene.node.leave().then(() => {
      node.isUp = false;
      node.scene.host.crash('process');
    });
    return `${node.scene.address} leaves`;
  }

  move(): string {
    const node = this.#one(this.ring.up.filter(({ isMember }) => isMember));
    if (node === undefined) return 'nobody moves';
    node.links.move(Buffer.concat([this.#key(), Buffer.from([this.random.below(256)])]));
    return `${node.scene.address} moves`;
  }

  /** Once, where the others can do without: with it all it holds is gone. */
  async kill(): Promise<string> {
    const { members } = this.ring.view;
    const isAnyAway = this.ring.up.some(({ isAway }) => isAway);
    if (this.#hasKilled || isAnyAway || members.length < 4) return 'nobody dies';
    this.#clients!.rest(true);
    await this.#pass(REST_MAX_MS, () => this.#isHome());
    const isHome = this.#isHome();
    this.#clients!.rest(false);
    if (!isHome) return 'nobody dies';
    await this.#pass(this.random.between(0, BUSY_MS), () => false);
    if (!this.ring.isSettled) return 'nobody dies';
    const node = this.random.pick(this.ring.up);
    this.#hasKilled = true;
    node.isUp = false;
    node.scene.host.crash(this.random.pick(['process', 'power']));
    return `${node.scene.address} dies`;
  }

  cutOff(): string {
    const node = this.#one(this.ring.up.filter(({ isAway }) => !isAway));
    if (node === undefined || this.ring.up.some(({ isAway }) => isAway)) return this.heal();
    node.isAway = true;
    const others = this.ring.up.filter((other) => other !== node);
    this.ring.sim.partition(
      [node.scene.host],
      others.map(({ scene }) => scene.host),
    );
    return `${node.scene.address} is cut off`;
  }

  async standStill(): Promise<string> {
    const node = this.#one(this.ring.up.filter(({ isAway }) => !isAway));
    if (node === undefined || this.ring.up.some(({ isAway }) => isAway)) return this.heal();
    node.isAway = true;
    node.scene.host.pause();
    // So long that others take it for dead, and clients have sent it something meanwhile.
    const isLong = this.random.chance(0.5);
    const forMs = isLong ? this.random.between(5000, 8000) : this.random.between(0, 6000);
    this.ring.sim.after(forMs, () => {
      if (node.isUp && node.isAway) node.scene.host.resume();
      node.isAway = false;
    });
    if (isLong) await this.#pass(forMs, () => false);
    return `${node.scene.address} stands still for ${forMs.toFixed(0)} ms`;
  }

  /** Down for a while, and back as itself; it may have been evicted meanwhile. */
  async restart(): Promise<string> {
    const { fsync, up } = this.ring;
    const node = this.#one(up.filter(({ isLeaving }) => !isLeaving));
    if (fsync === undefined || node === undefined) return 'nobody restarts';
    if (up.some(({ isAway }) => isAway)) return this.heal();
    await this.#pass(SAFE_MS, () => false);
    if (this.problems.length > 0) return 'too late';
    const losesPower = fsync === 'always' && this.random.chance(0.5);
    // Nobody waits for these writes, as whoever sends commands does, so nothing has them synced.
    const { persistence } = node.scene.node.server;
    if (losesPower) await this.ring.sim.finish(new Promise((done) => persistence!.settle(done)));
    if (losesPower) node.scene.powerCut();
    else node.scene.host.crash('process');
    node.isUp = false;
    node.isAway = true;
    node.isComingBack = true;
    const downMs = this.random.between(0, this.random.chance(0.2) ? 30_000 : 5000);
    if (this.random.chance(0.7)) this.write();
    await this.#pass(downMs, () => false);
    await node.scene.start();
    node.isUp = true;
    node.isAway = false;
    node.isComingBack = false;
    return `${node.scene.address} was ${losesPower ? 'without power' : 'down'} for ${downMs.toFixed(0)} ms`;
  }

  /** From one to the other nothing comes; they find ways round it. */
  oneWay(): string {
    const [from, to] = [this.#one(this.ring.up), this.#one(this.ring.up)];
    if (from === undefined || to === undefined || from === to) return 'no one-way cut';
    this.ring.sim.block(from.scene.host, to.scene.host);
    return `nothing from ${from.scene.address} to ${to.scene.address}`;
  }

  /** Within the bound, and beyond it. */
  clock(): string {
    const node = this.#one(this.ring.up);
    if (node === undefined) return 'no clock';
    const byMs = this.random.pick([-60_000, -2000, -200, 200, 2000, 60_000]);
    node.offMs += byMs;
    node.scene.host.clockControl.jumpWall(byMs);
    return `the clock of ${node.scene.address} jumps by ${byMs} ms`;
  }

  heal(): string {
    this.ring.sim.heal();
    for (const node of this.ring.up) {
      if (node.isAway) node.scene.host.resume();
      node.isAway = false;
    }
    return 'healed';
  }

  weather(): string {
    const lossChance = this.random.pick([0, 0.05, 0.2]);
    const duplicateChance = this.random.pick([0, 0.1]);
    const delayMaxMs = this.random.pick([1, 10, 100]);
    this.ring.sim.setConditions({ lossChance, duplicateChance, delayMaxMs });
    return `loss ${lossChance}`;
  }

  #calm(): void {
    this.heal();
    this.#clients!.rest(true);
    this.ring.sim.setConditions({ lossChance: 0, duplicateChance: 0, delayMaxMs: 5 });
    for (const node of this.ring.up) {
      node.scene.host.clockControl.jumpWall(-node.offMs);
      node.offMs = 0;
    }
    this.#note('quiet');
  }

  #add(scene: SceneNode): WholeNode {
    const node = new WholeNode(scene);
    this.ring.all.push(node);
    return node;
  }

  #one<T>(list: readonly T[]): T | undefined {
    return list.length === 0 ? undefined : this.random.pick(list);
  }

  #write(): void {
    this.content.writeQuorum(this.content.write(this.#key(), this.random.chance(0.1)));
  }

  #key(): Buffer {
    return Buffer.from(`key:${String(this.random.below(KEYS)).padStart(4, '0')}`);
  }

  async #pass(ms: number, isOver: () => boolean): Promise<void> {
    const { sim } = this.ring;
    const endMs = sim.nowMs + ms;
    while (sim.nowMs < endMs && this.problems.length === 0 && !isOver()) {
      await sim.runFor(Math.min(LOOK_MS, endMs - sim.nowMs));
      this.#look();
    }
  }

  #look(): void {
    const { all } = this.ring;
    const lost = this.content.lost();
    if (lost.length > 0) this.problems.push(`nobody holds ${lost.length}: ${lost[0]}`);
    const unsafe = this.content.unsafe();
    if (unsafe.length > 0) this.problems.push(`no majority holds ${unsafe.length}: ${unsafe[0]}`);
    const known = all.flatMap(({ isComingBack, isUp, links, selfId }) => {
      const { view } = links;
      return view === undefined ? [] : [{ id: selfId, isLive: isUp || isComingBack, view }];
    });
    this.problems.push(...checkRing(known));
    this.problems.push(...(this.#clients?.takeProblems() ?? []));
  }

  #isHome(): boolean {
    const isAtRest = this.#clients?.isIdle === true && this.ring.isSettled;
    return isAtRest && this.content.problems().length === 0;
  }

  #state(): string[] {
    const { up, view } = this.ring;
    const known = up.map(({ links, scene }) => `${scene.address} ${links.view?.epoch}`);
    const change = view.next?.change.kind ?? 'no change';
    const what = `not done: epoch ${view.epoch}, ${change}, of ${view.members.length}`;
    return [`${what}; known: ${known.join(', ')}`, ...this.content.problems().slice(0, 6)];
  }

  #note(text: string): void {
    const { sim, view } = this.ring;
    const at = sim.nowMs.toFixed(0).padStart(7);
    this.log.push(`${at}  epoch ${view.epoch} ${view.next?.change.kind ?? ''}  ${text}`);
  }
}

type Trouble = (chaos: Chaos) => string | Promise<string>;

const TROUBLES: readonly Trouble[] = [
  (chaos) => chaos.write(),
  (chaos) => chaos.write(),
  (chaos) => chaos.stray(),
  (chaos) => chaos.join(),
  (chaos) => chaos.join(),
  (chaos) => chaos.leave(),
  (chaos) => chaos.move(),
  (chaos) => chaos.kill(),
  (chaos) => chaos.cutOff(),
  (chaos) => chaos.cutOff(),
  (chaos) => chaos.standStill(),
  (chaos) => chaos.restart(),
  (chaos) => chaos.restart(),
  (chaos) => chaos.oneWay(),
  (chaos) => chaos.clock(),
  (chaos) => chaos.weather(),
];

export function runRingChaos(seed: number): Promise<LoopChaosResult> {
  return new Chaos(seed).run(seed);
}
