/**
 * Nodes in one SimWorld whose ring is made by hand: views are given out by the test, late and to one
 * member after the other, and requests go from store to store. What the loops need of a ring, without
 * Paxos, SWIM and sockets.
 */
import assert from 'node:assert';
import RedisParser from 'redis-parser';
import { PeerError } from '../../../discord/peer/peer-error.js';
import { type Done, type PeerReply, PeerRequest } from '../../../discord/peer/pipeline.js';
import { Responsibility } from '../../../discord/ring/responsibility.js';
import { Ring } from '../../../discord/ring/ring.js';
import {
  type Change,
  firstView,
  type Member,
  memberOf,
  membersAfter,
  type View,
} from '../../../discord/ring/view.js';
import { rolledBack, settled } from '../../../discord/views/changes.js';
import { Settings } from '../../../lib/config/settings.js';
import { Loops } from '../../../lib/loops/loops.js';
import type { LoopOptions } from '../../../lib/loops/options.js';
import type { Channel, PeerVerb, RingEvents, RingLinks } from '../../../lib/ring/ring-links.js';
import { quietLog } from '../../../lib/server/log.js';
import type { Session, Task } from '../../../lib/server/session.js';
import { Store } from '../../../lib/store/store.js';
import { Args } from '../../../resp/args.js';
import { ChunkPool } from '../../../resp/chunk-pool.js';
import { ReplyWriter } from '../../../resp/reply-writer.js';
import { type SimHost, SimWorld } from '../../../world/sim/sim-world.js';

const DELAY_MAX_MS = 5;
const VIEW_DELAY_MAX_MS = 80;
const DETECTION_MS = 1000;
const LOST_MS = 20;

interface Pending {
  readonly from: FakeNode;
  readonly to: FakeNode;
  readonly end: (error: PeerError | null, reply: PeerReply) => void;
}

export class FakeNode implements RingLinks {
  readonly ring: FakeRing;
  readonly host: SimHost;
  readonly selfId: string;
  readonly store: Store;
  readonly loops: Loops;
  readonly verbs = new Map<string, PeerVerb>();
  readonly events: RingEvents[] = [];
  readonly dead = new Set<string>();
  responsibility: Responsibility;
  isUp = true;
  sentBytes = 0;

  constructor(ring: FakeRing, id: string, view: View, options: LoopOptions) {
    this.ring = ring;
    this.selfId = id;
    this.host = ring.sim.host(id.slice(0, 8));
    this.responsibility = new Responsibility(view);
    this.store = new Store({ world: this.host }, new Settings());
    const parts = { world: this.host, store: this.store, ring: this, log: quietLog };
    this.loops = new Loops(parts, options);
    this.loops.start();
  }

  get links(): RingLinks {
    return this;
  }

  get selfIndex(): number {
    return this.responsibility.current.indexOf(this.selfId);
  }

  get isReady(): boolean {
    return true;
  }

  get isSkewed(): boolean {
    return false;
  }

  isAlive(memberId: string): boolean {
    return memberId === this.selfId || !this.dead.has(memberId);
  }

  request(
    memberId: string,
    channel: Channel,
    words: readonly (string | Buffer)[],
    timeoutMs: number,
    done: Done,
  ): PeerRequest | PeerError {
    return this.ring.send(this, memberId, channel, words, timeoutMs, done);
  }

  serve(verb: PeerVerb): void {
    this.verbs.set(verb.name, verb);
  }

  listen(events: RingEvents): void {
    this.events.push(events);
  }

  reportFilled(ranges: readonly number[]): void {
    this.ring.hearFilled(this.responsibility.view.epoch, ranges);
  }

  move(position: Buffer): void {
    this.ring.wish({ kind: 'move', id: this.selfId, position });
  }

  take(view: View): void {
    if (!this.isUp || view.epoch <= this.responsibility.view.epoch) return;
    this.responsibility = new Responsibility(view);
    for (const events of this.events) events.view?.();
  }

  notice(memberId: string, isAlive: boolean): void {
    if (!this.isUp || this.isAlive(memberId) === isAlive) return;
    if (isAlive) this.dead.delete(memberId);
    else this.dead.add(memberId);
    for (const events of this.events) events.liveness?.(memberId, isAlive);
  }
}

export class FakeRing {
  readonly sim: SimWorld;
  readonly nodes = new Map<string, FakeNode>();
  view!: View;
  /** Every view that there was, for the test to look at. */
  changes = 0;
  readonly #options: LoopOptions;
  readonly #replicas: number;
  readonly #pool = new ChunkPool();
  readonly #cuts = new Set<string>();
  readonly #pending = new Set<Pending>();
  readonly #wishes: Change[] = [];
  #filled = new Set<number>();
  #idCount = 0;

  constructor(seed: number, replicas: number, options: LoopOptions = {}) {
    this.sim = new SimWorld({ seed });
    this.#replicas = replicas;
    this.#options = { answerTimeoutMs: 3000, ...options };
  }

  // --- members ---------------------------------------------------------------------------------

  /** A ring of these positions, settled at once. */
  begin(positions: readonly Buffer[]): FakeNode[] {
    const ids = positions.map(() => this.#newId());
    this.view = firstView({
      clusterId: '00'.repeat(16),
      replicas: this.#replicas,
      member: { id: ids[0]!, address: 'a:1', position: positions[0]! },
    });
    for (const [at, position] of positions.entries()) {
      if (at === 0) continue;
      const member = { id: ids[at]!, address: 'a:1', position, origin: at };
      const members = membersAfter(this.view.members, { kind: 'join', member });
      this.view = { ...this.view, members, originNext: at + 1 };
    }
    return ids.map((id) => this.#start(id));
  }

  /** Begins to take in a node, once no other change is under way. */
  join(position?: Buffer): FakeNode {
    const id = this.#newId();
    const node = this.#start(id);
    const chooser = this.up.find((each) => each.selfIndex >= 0)!;
    const at = position ?? chooser.loops.choosePosition(this.view);
    const origin = this.view.originNext;
    this.view = { ...this.view, originNext: origin + 1 };
    this.wish({ kind: 'join', member: { id, address: 'a:1', position: at, origin } });
    return node;
  }

  wish(change: Change): void {
    this.#wishes.push(change);
    this.#goOn();
  }

  /** It dies, with all it holds. */
  kill(node: FakeNode): void {
    node.isUp = false;
    node.host.crash('process');
    this.#loseRequests((pending) => pending.to === node);
    this.sim.after(DETECTION_MS, () => {
      this.#tellLiveness(node.selfId, false);
      const { next } = this.view;
      const subject = next?.change.kind === 'join' ? next.change.member.id : undefined;
      if (
        subject === node.selfId ||
        (next?.change.kind !== 'join' && next?.change.id === node.selfId)
      ) {
        this.#publish(rolledBack(this.view));
      }
    });
  }

  get up(): FakeNode[] {
    return [...this.nodes.values()].filter(({ isUp }) => isUp);
  }

  get isSettled(): boolean {
    const isKnown = this.up.every((each) => each.responsibility.view.epoch === this.view.epoch);
    return this.view.next === undefined && this.#wishes.length === 0 && isKnown;
  }

  // --- the network -----------------------------------------------------------------------------

  /** Nothing gets through between this node and the others, until `heal`. */
  isolate(node: FakeNode): void {
    for (const other of this.up) {
      if (other === node) continue;
      this.#cuts.add(`${node.selfId} ${other.selfId}`).add(`${other.selfId} ${node.selfId}`);
    }
    this.#loseRequests(({ from, to }) => this.#isCut(from, to));
    this.sim.after(DETECTION_MS, () => this.#followCuts());
  }

  heal(): void {
    this.#cuts.clear();
    this.sim.after(DETECTION_MS, () => this.#followCuts());
  }

  canReach(from: FakeNode, to: FakeNode): boolean {
    return to.isUp && from.isUp && !this.#isCut(from, to);
  }

  send(
    from: FakeNode,
    memberId: string,
    channel: Channel,
    words: readonly (string | Buffer)[],
    timeoutMs: number,
    done: Done,
  ): PeerRequest | PeerError {
    const to = this.nodes.get(memberId);
    if (to === undefined || !this.canReach(from, to)) return new PeerError('PEER_DOWN', 'down');
    let isOver = false;
    const end = (error: PeerError | null, reply: PeerReply): void => {
      if (isOver || !from.isUp) return;
      isOver = true;
      this.#pending.delete(pending);
      done(error, reply);
    };
    const pending: Pending = { from, to, end };
    this.#pending.add(pending);
    from.host.timers.after(timeoutMs, () => end(new PeerError('PEER_TIMEOUT', 'late'), null));
    const args = Args.of(...words);
    from.sentBytes += args.buf.length + 8 * words.length;
    this.#later(from, to, () => {
      this.#serve(from, to, channel, args, (bytes) => {
        to.sentBytes += bytes.length;
        this.#later(to, from, () => end(null, parse(bytes)));
      });
    });
    return new PeerRequest(args.buf, Infinity, done);
  }

  #later(from: FakeNode, to: FakeNode, action: () => void): void {
    this.sim.after(this.sim.random.between(0.1, DELAY_MAX_MS), () => {
      if (this.canReach(from, to)) action();
    });
  }

  #serve(
    from: FakeNode,
    to: FakeNode,
    channel: Channel,
    args: Args,
    answer: (bytes: Buffer) => void,
  ): void {
    const verb = to.verbs.get(args.string(0));
    assert(verb !== undefined && verb.channel === channel, `${args.string(0)} on ${channel}`);
    const reply = new ReplyWriter(this.#pool);
    const finish = (): void => answer(bytesOf(reply));
    let isDeferred = false;
    const session = {
      peer: { memberId: from.selfId, clusterId: this.view.clusterId, channel },
      defer: (task: Task): void => {
        isDeferred = true;
        const step = (): void => {
          if (task.step(to.host.clock.monotonicMs() + 4)) finish();
          else to.host.timers.soon(step);
        };
        step();
      },
    };
    verb.handler(session as unknown as Session, args, reply);
    if (!isDeferred) finish();
  }

  // --- changes ---------------------------------------------------------------------------------

  hearFilled(epoch: number, ranges: readonly number[]): void {
    if (epoch !== this.view.epoch || this.view.next === undefined) return;
    for (const range of ranges) this.#filled.add(range);
    const changed = new Responsibility(this.view).changedRanges().length;
    if (this.#filled.size === changed) this.#publish(settled(this.view));
  }

  #goOn(): void {
    if (this.view.next !== undefined) return;
    for (let change = this.#wishes.shift(); change !== undefined; change = this.#wishes.shift()) {
      const id = change.kind === 'join' ? change.member.id : change.id;
      const isMember = memberOf(this.view.members, id) !== undefined;
      const position = change.kind === 'join' ? change.member.position : undefined;
      const wanted = change.kind === 'move' ? change.position : position;
      const isTaken = this.view.members.some(
        (member) => wanted !== undefined && member.position.equals(wanted),
      );
      if (isTaken || isMember === (change.kind === 'join')) continue;
      if (!isMember && change.kind !== 'join') continue;
      const members = membersAfter(this.view.members, change);
      // The last one stays.
      if (members.length === 0) continue;
      this.#publish({ ...this.view, epoch: this.view.epoch + 1, next: { change, members } });
      if (new Responsibility(this.view).changedRanges().length === 0) {
        this.#publish(settled(this.view));
      }
      return;
    }
  }

  #publish(view: View): void {
    this.view = view;
    this.changes += 1;
    this.#filled = new Set();
    for (const node of this.nodes.values()) this.#tellView(node);
    if (view.next === undefined) this.sim.after(VIEW_DELAY_MAX_MS, () => this.#goOn());
  }

  #tellView(node: FakeNode): void {
    this.sim.after(this.sim.random.between(0, VIEW_DELAY_MAX_MS), () => {
      const others = this.up.filter((other) => other !== node);
      const isAlone = others.length > 0 && others.every((other) => this.#isCut(other, node));
      if (!isAlone) node.take(this.view);
    });
  }

  // --- helpers ---------------------------------------------------------------------------------

  #newId(): string {
    this.#idCount += 1;
    return this.#idCount.toString(16).padStart(8, '0').padEnd(40, 'f');
  }

  #start(id: string): FakeNode {
    const node = new FakeNode(this, id, this.view, this.#options);
    for (const other of this.nodes.values()) if (!other.isUp) node.dead.add(other.selfId);
    this.nodes.set(id, node);
    return node;
  }

  #isCut(from: FakeNode, to: FakeNode): boolean {
    return this.#cuts.has(`${from.selfId} ${to.selfId}`);
  }

  #loseRequests(isLost: (pending: Pending) => boolean): void {
    for (const pending of [...this.#pending]) {
      if (!isLost(pending)) continue;
      const lost = new PeerError('PEER_LOST', 'lost', { wasSent: true });
      this.sim.after(LOST_MS, () => pending.end(lost, null));
    }
  }

  #followCuts(): void {
    for (const one of this.up) {
      for (const other of this.up) {
        if (one !== other) one.notice(other.selfId, !this.#isCut(other, one));
      }
      this.#tellView(one);
    }
  }

  #tellLiveness(id: string, isAlive: boolean): void {
    for (const node of this.up) if (node.selfId !== id) node.notice(id, isAlive);
  }
}

/** Those who should hold a key in a view, owner first. */
export function replicasFor(view: View, key: Buffer): Member[] {
  const ring = new Ring(view.members, view.replicas);
  const owner = ring.ownerOf(key, 0, key.length);
  return Array.from(
    { length: ring.replicaCount },
    (_, n) => ring.members[ring.replicaOf(owner, n)]!,
  );
}

function bytesOf(reply: ReplyWriter): Buffer {
  const chunks: Buffer[] = [];
  const sink = {
    write: (buf: Buffer, from: number, to: number): boolean => {
      chunks.push(Buffer.from(buf.subarray(from, to)));
      return true;
    },
  };
  reply.flush(sink);
  reply.release();
  return Buffer.concat(chunks);
}

function parse(bytes: Buffer): PeerReply {
  let parsed: PeerReply = null;
  new RedisParser({
    returnBuffers: true,
    returnReply: (reply) => {
      parsed = reply as PeerReply;
    },
    returnError: (error) => {
      parsed = error;
    },
    returnFatalError: (error) => {
      throw error;
    },
  }).execute(bytes);
  return parsed;
}
