/**
 * Whole stores under random trouble, in a ring whose views are made by hand: writes, joins, leaves, moves,
 * deaths, members cut off; at every step each acknowledged write is somewhere, and after quiet each is
 * on exactly its replicas.
 */
import { Content } from './content.js';
import { type FakeNode, FakeRing } from './fake-ring.js';

export interface LoopChaosResult {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly log: readonly string[];
  readonly hash: string;
  readonly events: number;
}

const STEPS_MAX = 14;
const STEP_MAX_MS = 2500;
const QUIET_MAX_MS = 240_000;
const VERIFY_TRIES = 10;
const VERIFY_PAUSE_MS = 10_000;
const KEYS = 120;
const MEMBERS_MAX = 7;

class Chaos {
  readonly ring: FakeRing;
  readonly content: Content;
  readonly log: string[] = [];
  readonly problems: string[] = [];
  #killed: FakeNode | undefined;
  #isolated: FakeNode | undefined;

  constructor(seed: number) {
    this.ring = new FakeRing(seed, 3, { migrateEntriesMin: 16 });
    this.content = new Content(this.ring);
  }

  get random(): FakeRing['sim']['random'] {
    return this.ring.sim.random;
  }

  async run(seed: number): Promise<LoopChaosResult> {
    const { log, problems, random, ring } = this;
    ring.begin(Array.from({ length: random.pick([1, 2, 3, 3, 4, 5]) }, () => this.#position()));
    for (let left = 150; left > 0; left -= 1) this.#write();
    for (let step = 2 + random.below(STEPS_MAX); step > 0 && problems.length === 0; step -= 1) {
      this.#note(random.pick(TROUBLES)(this));
      await this.#pass(random.between(0, STEP_MAX_MS));
    }
    ring.heal();
    this.#note('quiet');
    await this.#pass(QUIET_MAX_MS, () => this.#isDone());
    if (problems.length === 0 && !this.#isDone()) {
      problems.push(...this.#state().slice(0, 8));
    }
    await this.#verify();
    for (const node of ring.up) node.loops.stop();
    const texts = problems.map((problem) => `seed ${seed}: ${problem}`);
    return { seed, problems: texts, log, hash: ring.sim.traceHash(), events: ring.sim.eventCount };
  }

  write(): string {
    for (let left = this.random.below(60); left > 0; left -= 1) this.#write();
    return 'writes';
  }

  stray(): string {
    const node = this.random.pick(this.ring.up);
    // Of its one holder nothing would be left.
    this.content.writeAt(node, this.content.write(this.#key()));
    return `a stray at ${short(node)}`;
  }

  join(): string {
    if (this.ring.up.length >= MEMBERS_MAX) return 'nobody joins';
    const node = this.ring.join(this.random.chance(0.5) ? this.#position() : undefined);
    return `${short(node)} joins`;
  }

  leave(): string {
    const members = this.ring.up.filter(({ selfIndex }) => selfIndex >= 0);
    if (members.length < 3) return 'nobody leaves';
    const node = this.random.pick(members);
    this.ring.wish({ kind: 'leave', id: node.selfId });
    return `${short(node)} leaves`;
  }

  move(): string {
    const node = this.random.pick(this.ring.up);
    this.ring.wish({ kind: 'move', id: node.selfId, position: this.#position() });
    return `${short(node)} moves`;
  }

  /** One, and only while nothing is in the hands of one node alone. */
  kill(): string {
    const { members, next } = this.ring.view;
    if (this.#killed !== undefined || members.length < 5 || next !== undefined)
      return 'nobody dies';
    if (this.#isolated !== undefined || !this.#isEverythingHome()) return 'nobody dies';
    const node = this.random.pick(this.ring.up.filter(({ selfIndex }) => selfIndex >= 0));
    this.#killed = node;
    this.ring.kill(node);
    this.ring.sim.after(8000, () => this.ring.wish({ kind: 'evict', id: node.selfId }));
    return `${short(node)} dies`;
  }

  cutOff(): string {
    if (this.#isolated !== undefined) {
      this.#isolated = undefined;
      this.ring.heal();
      return 'healed';
    }
    const node = this.random.pick(this.ring.up);
    this.#isolated = node;
    this.ring.isolate(node);
    return `${short(node)} is cut off`;
  }

  #write(): void {
    this.content.writeQuorum(this.content.write(this.#key(), this.random.chance(0.1)));
  }

  #key(): Buffer {
    const n = this.random.below(KEYS);
    return Buffer.from(n % 7 === 0 ? `u:{${n % 21}}:${n}` : `key:${String(n).padStart(4, '0')}`);
  }

  #position(): Buffer {
    const position = this.random.chance(0.7) ? this.#key() : Buffer.alloc(4);
    if (position.length === 4) this.random.bytes(position);
    return Buffer.concat([position, Buffer.from([this.random.below(256)])]);
  }

  /** Lets time pass, and looks now and then whether everything is somewhere. */
  async #pass(ms: number, isOver: () => boolean = () => false): Promise<void> {
    const { sim } = this.ring;
    const endMs = sim.nowMs + ms;
    while (sim.nowMs < endMs && this.problems.length === 0 && !isOver()) {
      await sim.runFor(Math.min(250, endMs - sim.nowMs));
      const lost = this.content.lost();
      if (lost.length > 0) this.problems.push(`nobody holds ${lost.length}: ${lost[0]}`);
      const unsafe = this.content.unsafe();
      if (unsafe.length > 0) this.problems.push(`no majority holds ${unsafe.length}: ${unsafe[0]}`);
    }
  }

  #isEverythingHome(): boolean {
    return this.ring.isSettled && this.content.problems().length === 0;
  }

  #isDone(): boolean {
    const isGone = this.#killed === undefined || !this.#isMember(this.#killed);
    return isGone && this.#isEverythingHome();
  }

  #isMember({ selfId }: FakeNode): boolean {
    return this.ring.view.members.some(({ id }) => id === selfId);
  }

  #state(): string[] {
    const { view } = this.ring;
    const change = view.next?.change.kind ?? 'no change';
    const known = this.ring.up.map((node) => `${short(node)} ${node.responsibility.view.epoch}`);
    const what = `not done: epoch ${view.epoch}, ${change}; known: ${known.join(', ')}`;
    return [what, ...this.content.problems()];
  }

  /** A move that somebody has waited with may still come in between. */
  async #verify(): Promise<void> {
    if (this.problems.length > 0) return;
    const { sim } = this.ring;
    let found: readonly string[] = [];
    for (let tries = 0; tries < VERIFY_TRIES; tries += 1) {
      const node = this.ring.up.find(({ selfIndex }) => selfIndex >= 0)!;
      found = (await sim.finish(node.loops.verifier.verify())).problems;
      if (found.length === 0) return;
      await this.#pass(VERIFY_PAUSE_MS);
    }
    this.problems.push(...found);
  }

  #note(text: string): void {
    const { sim, view } = this.ring;
    const at = sim.nowMs.toFixed(0).padStart(7);
    this.log.push(`${at}  epoch ${view.epoch} ${view.next?.change.kind ?? ''}  ${text}`);
  }
}

type Trouble = (chaos: Chaos) => string;

const TROUBLES: readonly Trouble[] = [
  (chaos) => chaos.write(),
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
];

export function runLoopChaos(seed: number): Promise<LoopChaosResult> {
  return new Chaos(seed).run(seed);
}

function short(node: FakeNode): string {
  return node.selfId.slice(0, 8);
}
