/**
 * Router: where a client's command is run, in a ring of several nodes.
 *
 *   dispatcher --isLocal(command)?--> handler                    one binary search, nothing made
 *        |
 *        `--takes(session, command)--> its lane gets a slot, and an Operation fills it
 *                                        Forward      one owner: CALL there
 *                                        Parts        several: a plan of what to ask of whom
 *                                        Transaction, RemoteWatch, Publication
 *
 * While the node is a ring of one SERVER_RING is not set, and nothing of this is looked at.
 */
import type { Ring } from '../../discord/ring/ring.js';
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { World } from '../../world/world.js';
import { type Command, MAY_WRITE, WRITE } from '../commands/command.js';
import type { RingLinks } from '../ring/ring-links.js';
import {
  SERVER_ALONE,
  SERVER_DISK_FAILED,
  SERVER_HANDOVER,
  SERVER_LOADING,
  SERVER_MONITORED,
  SERVER_PAUSED,
  SERVER_RING,
} from '../server/gates.js';
import type { Server } from '../server/server.js';
import {
  GATE_LANE,
  GATE_NO_TOUCH,
  GATE_PUSHES,
  GATE_TRACKING,
  type Session,
} from '../server/session.js';
import { Batches } from './batches.js';
import { Behind } from './behind.js';
import { ACTING } from './call-header.js';
import { CallServer } from './call-server.js';
import { AWAY, Calls, NOT_MINE } from './calls.js';
import { crossRange } from './cross-range.js';
import { everybodyPlan } from './everybody.js';
import { Forward } from './forward.js';
import { GATHERED_KEYS_MAX, gatherPlan } from './gather.js';
import { Guests } from './guests.js';
import { Handover } from './handover.js';
import { ALL, EXEC, GATHERING, KEY, LOCAL, PUBLISH, SPAN, SPLIT, WATCH } from './kinds.js';
import { Lane } from './lane.js';
import { anyMayWrite, mayWrite } from './may-write.js';
import { Publication, relay, servePublish } from './messages.js';
import { type Operation, Refused } from './operation.js';
import { keysRead, NO_OWNER, ownerOfKeys, SEVERAL } from './owned-keys.js';
import { Parts } from './parts.js';
import { RemoteTracking } from './remote-tracking.js';
import { RemoteWatch, RemoteWatches } from './remote-watches.js';
import { SharedCode } from './shared-code.js';
import { spanPlan } from './span.js';
import { Split } from './split.js';
import { planTransaction, refusesToTravel, Transaction } from './transaction.js';

/** What in a session does not keep a command from joining those under way. */
const JOINING_GATES = GATE_LANE | GATE_NO_TOUCH | GATE_PUSHES | GATE_TRACKING;
/** What in the server does. */
const WAITING_GATES =
  SERVER_PAUSED |
  SERVER_HANDOVER |
  SERVER_MONITORED |
  SERVER_ALONE |
  SERVER_LOADING |
  SERVER_DISK_FAILED;
const NO_KEYS: readonly string[] = [];
/** Lanes are numbered from anywhere on, so that those of an earlier run are not taken for them. */
const FIRST_LANE_MAX = 2 ** 20;
const LANES_OF_RUN = 2 ** 32;

export class Router {
  readonly server: Server;
  readonly links: RingLinks;
  readonly world: World;
  readonly calls: Calls;
  readonly watches: RemoteWatches;
  readonly handover: Handover;
  readonly #batches: Batches;
  readonly #behind: Behind;
  readonly #callServer: CallServer;
  readonly #tracking: RemoteTracking;
  readonly #code: SharedCode;
  readonly #laneBase: number;
  /** That of the last view; undefined: there was none. */
  #followed: Ring | undefined;

  constructor(server: Server, links: RingLinks) {
    this.server = server;
    this.links = links;
    this.world = server.store.world;
    this.#laneBase = (1 + this.world.random.below(FIRST_LANE_MAX)) * LANES_OF_RUN;
    const guests = new Guests(server);
    this.handover = new Handover(server, links);
    this.calls = new Calls({ server, links, guests, handover: this.handover });
    this.#behind = new Behind(server, this.calls);
    this.#batches = new Batches({
      server,
      links,
      calls: this.calls,
      again: (slot, args, reason) => {
        const { batch, command, lane, session } = slot;
        const { database, protocol, readLevel, writeLevel } = batch;
        const begun = { slot, database, protocol, readLevel, writeLevel };
        new Forward(this, session, lane, { command, args, begun }).again(reason);
      },
    });
    this.calls.batches = this.#batches;
    this.watches = new RemoteWatches(this);
    this.#tracking = new RemoteTracking(this);
    const { calls, handover, watches } = this;
    const tracking = this.#tracking;
    const serverParts = { server, links, guests, calls, handover, watches, tracking };
    this.#callServer = new CallServer(serverParts);
    this.#code = new SharedCode(server, links);
    this.#serve();
    links.listen({
      view: () => this.#follow(),
      liveness: (memberId, isAlive) => this.#liveness(memberId, isAlive),
      room: (memberId) => this.#reached(memberId),
    });
    this.#follow();
    if (links.isReady) {
      const others = this.ring.members.filter(({ id }) => id !== links.selfId);
      this.#tracking.hasForgotten(others.map(({ id }) => id));
    }
  }

  get ring(): Ring {
    return this.links.responsibility.current;
  }

  get epoch(): number {
    return this.links.responsibility.view.epoch;
  }

  get selfIndex(): number {
    return this.links.selfIndex;
  }

  /** Commands of other members that are under way here. */
  get parkedCount(): number {
    return this.#callServer.parkedCount;
  }

  /** Whether a command is to be run here, as far as that can be told at once. Allocates nothing. */
  isLocal(command: Command, args: Args): boolean {
    const { keyAt, kind } = command.route;
    if (kind === LOCAL) return true;
    if (kind !== KEY) return false;
    if (keyAt >= args.count) return true;
    const owner = this.ring.ownerOf(args.buf, args.starts[keyAt]!, args.ends[keyAt]!);
    return owner === this.links.selfIndex;
  }

  /**
   * The short way to the one owner of a plain command, when nothing is unusual about the session
   * and the server; if that is this node, behind what is under way. False: it is run here, or takes
   * the long way.
   */
  forwards(session: Session, command: Command, args: Args): boolean {
    const { arity, children, route } = command;
    const { isBlocking, keyAt, kind } = route;
    if (kind !== KEY || isBlocking || children !== undefined || session.isGuest) return false;
    if (keyAt >= args.count || (arity > 0 ? args.count !== arity : args.count < -arity))
      return false;
    const { ring } = this;
    const owner = ring.ownerOf(args.buf, args.starts[keyAt]!, args.ends[keyAt]!);
    if (owner === this.selfIndex) return this.#follows(session, command, args);
    const actor = this.calls.actorFor(owner);
    if (actor < 0 || actor === this.selfIndex) return false;
    session.lane ??= new Lane(session);
    const { epoch } = this;
    const { lane } = session;
    if (!lane.mayAdd(epoch)) return false;
    const laneId = this.laneIdOf(session);
    const flags = actor === owner ? 0 : ACTING;
    const request = { args, command, lane, laneId, session };
    if (!this.#batches.add(ring.members[actor]!.id, flags, request, epoch)) return false;
    if ((command.flags & MAY_WRITE) !== 0) session.writesAway();
    session.lastCommand = command;
    return true;
  }

  /** A plain command for a key of this node. False: nothing is under way, or there is no room. */
  #follows(session: Session, command: Command, args: Args): boolean {
    const { epoch } = this;
    const { lane } = session;
    if (lane === undefined || lane.isEmpty || !lane.mayAdd(epoch)) return false;
    if ((command.flags & MAY_WRITE) !== 0) session.writesAway();
    session.lastCommand = command;
    this.#behind.run(session, lane, command, args, epoch);
    return true;
  }

  /** While commands of the session are under way: whether this one must wait for them. */
  mustWait(session: Session, known: Command | undefined, args: Args): boolean {
    const command = known && this.server.dispatcher.lookup(args);
    if (command === undefined || command.arity === 0) return true;
    const { arity, route } = command;
    if (arity > 0 ? args.count !== arity : args.count < -arity) return true;
    if (route.kind === LOCAL || route.kind === WATCH || route.kind === EXEC) return true;
    if ((session.gate & ~JOINING_GATES) !== 0) return true;
    if ((this.server.dispatcher.gate & WAITING_GATES) !== 0) return true;
    return route.isBlocking || !session.lane!.mayAdd(this.epoch);
  }

  /** True if the command is answered by way of the ring; false: its handler shall run, here. */
  takes(session: Session, command: Command, args: Args): boolean {
    if (session.isGuest || command.route.kind === LOCAL) return false;
    session.lane ??= new Lane(session);
    const { lane } = session;
    const isWrite = this.#mayWrite(session, command, args);
    const keys = this.#keysTracked(session, command, args);
    const operation = this.#operation(session, lane, command, args);
    if (operation !== undefined) {
      if (isWrite) session.writesAway();
      session.lastCommand = command;
      operation.isTracked = keys.length > 0;
      this.#track(session, lane, keys);
      operation.start();
      return true;
    }
    if (lane.isEmpty) return false;
    if (isWrite) session.writesAway();
    this.#behind.run(session, lane, command, args, this.epoch);
    this.#track(session, lane, keys);
    return true;
  }

  #mayWrite(session: Session, command: Command, args: Args): boolean {
    if (command.route.kind !== EXEC) return mayWrite(this.server, command, args);
    return anyMayWrite(this.server, session.transaction?.queue ?? []);
  }

  /** Why a script, or a transaction at hand, may not run a command here; undefined: it may. */
  refusesHere(command: Command, args: Args): string | undefined {
    const { kind } = command.route;
    if (kind === SPAN || kind === ALL) {
      return `CROSSRANGE '${command.fullName}' concerns the whole ring; scripts run at one member`;
    }
    const owner = ownerOfKeys(this.server, this.ring, command, args);
    if (owner === NO_OWNER || owner === this.selfIndex) return undefined;
    if (owner !== SEVERAL && this.ring.holds(this.selfIndex, owner)) {
      if (this.calls.actorFor(owner) === this.selfIndex) return undefined;
    }
    return `${crossRange(this, command, args)}; a script reaches what the owner of its keys owns`;
  }

  /** PUBLISH within a script or transaction. */
  relay(kind: 'channel' | 'shard', channel: string, message: Buffer): void {
    relay(this, kind, channel, message);
  }

  /** Whether the values of its keys, which have several owners, are brought here. */
  gathers(command: Command, args: Args): boolean {
    if (!GATHERING.has(command.name) || args.count > GATHERED_KEYS_MAX) return false;
    return ownerOfKeys(this.server, this.ring, command, args) === SEVERAL;
  }

  laneIdOf(session: Session): number {
    return this.#laneBase + session.id;
  }

  /** Whether the member at `index` is alive, as far as is known. */
  isAlive(index: number): boolean {
    return this.links.isAlive(this.ring.members[index]!.id);
  }

  /** CLIENT UNBLOCK of a session whose command blocks elsewhere; false if there is none. */
  unblock(session: Session, withError: boolean): boolean {
    const slot = session.lane?.blocking;
    slot?.unblock?.(withError);
    return slot !== undefined;
  }

  /** The connection of a session is gone. */
  forget(session: Session): void {
    session.lane?.cancel();
  }

  clusterDown(owner: number): string {
    const { address } = this.ring.members[owner]!;
    return `CLUSTERDOWN no replica of what ${address} owns can be reached`;
  }

  /** Calls that are not under way here, or only wait, are refused: this node is about to stop. */
  letInNoMore(): void {
    this.#callServer.isClosing = true;
    this.server.blocking.refuseGuests(AWAY);
  }

  /** Whether other members wait for what runs here. */
  get owesAnswers(): boolean {
    return this.#callServer.owesAnswers;
  }

  stop(): void {
    this.#code.stop();
    this.calls.stop();
    this.#tracking.stop();
  }

  #operation(session: Session, lane: Lane, command: Command, args: Args): Operation | undefined {
    switch (command.route.kind) {
      case SPLIT:
        return this.#split(session, lane, command, args);
      case SPAN:
        return this.#span(session, lane, command, args);
      case ALL: {
        const name = command.fullName;
        return new Parts(this, session, lane, everybodyPlan(this, args), { name, isWrite: true });
      }
      case PUBLISH: {
        const kind = command.name === 'spublish' ? 'shard' : 'channel';
        return new Publication(this, session, lane, kind, args);
      }
      case WATCH:
        return this.#watch(session, lane, command, args);
      case EXEC:
        return this.#exec(session, lane);
      default:
        if (this.#isHere(command, args)) return undefined;
        if (this.gathers(command, args)) return this.#gather(session, lane, command, args);
        return new Forward(this, session, lane, { command, args });
    }
  }

  #split(session: Session, lane: Lane, command: Command, args: Args): Operation | undefined {
    const isWhole = (args.count - 1) % command.keys![2] === 0;
    if (!isWhole || this.#isHere(command, args)) return undefined;
    if (ownerOfKeys(this.server, this.ring, command, args) !== SEVERAL) {
      return new Forward(this, session, lane, { command, args });
    }
    const split = new Split(this, command, args);
    const { failed, plan } = split;
    const isWrite = (command.flags & WRITE) !== 0;
    return new Parts(this, session, lane, plan, { name: command.name, isWrite, failed });
  }

  #gather(session: Session, lane: Lane, command: Command, args: Args): Operation {
    const plan = gatherPlan(this, command, args);
    return new Parts(this, session, lane, plan, { name: command.name, isWrite: false });
  }

  #span(session: Session, lane: Lane, command: Command, args: Args): Operation | undefined {
    const request = { router: this, args: args.clone(), protocol: session.reply.protocol };
    const plan = spanPlan(command, request);
    if (plan === undefined) return undefined;
    const isWrite = (command.flags & WRITE) !== 0;
    return new Parts(this, session, lane, plan, { name: command.name, isWrite });
  }

  #watch(session: Session, lane: Lane, command: Command, args: Args): Operation | undefined {
    if (session.inTransaction || this.#isHere(command, args)) return undefined;
    return new RemoteWatch(this, session, lane, args);
  }

  #exec(session: Session, lane: Lane): Operation | undefined {
    const { transaction } = session;
    if (transaction === undefined || transaction.failed) return undefined;
    const { error, owner } = planTransaction(this, session, transaction.queue);
    const isHere = owner === NO_OWNER || this.calls.actorFor(owner) === this.selfIndex;
    if (error === undefined && isHere && session.remoteWatches === undefined) return undefined;
    const refusal = error ?? (isHere ? undefined : refusesToTravel(transaction.queue));
    if (refusal === undefined) return new Transaction(this, session, lane);
    session.discard();
    return new Refused(this, session, lane, refusal);
  }

  #isHere(command: Command, args: Args): boolean {
    const owner = ownerOfKeys(this.server, this.ring, command, args);
    if (owner === NO_OWNER || owner === this.selfIndex) return true;
    return owner !== SEVERAL && this.calls.actorFor(owner) === this.selfIndex;
  }

  /** CLIENT TRACKING: the keys that the command at hand, or the transaction, reads for a cache. */
  #keysTracked(session: Session, command: Command, args: Args): readonly string[] {
    const { server } = this;
    if (session.tracking?.remembersReads !== true) return NO_KEYS;
    if (command.route.kind !== EXEC) return keysRead(server, command, args);
    const queue = session.transaction?.queue ?? [];
    return queue.flatMap((queued) => keysRead(server, queued.command, queued.args));
  }

  /** What the last command of the lane reads is remembered once its reply is written. */
  #track(session: Session, lane: Lane, keys: readonly string[]): void {
    if (keys.length === 0) return;
    this.#tracking.begin(keys);
    lane.whenLastIsWritten((isWritten) => {
      const changed = this.#tracking.end(keys);
      if (!isWritten || session.tracking === undefined) return;
      this.server.tracking.remember(session, keys);
      for (const key of changed) this.server.tracking.keyChanged(key, true);
    });
  }

  #serve(): void {
    this.#callServer.serve();
    this.handover.serve();
    const serve = (
      name: string,
      handler: (memberId: string, args: Args, reply: ReplyWriter) => void,
    ): void =>
      this.links.serve({
        name,
        channel: 'data',
        handler: (session, args, reply) => handler(session.peer!.memberId, args, reply),
      });
    serve('PUBLISH', (_peer, args, reply) => servePublish(this, args, reply));
    serve('WATCH', (peer, args, reply) => this.watches.serveWatch(peer, args, reply));
    serve('UNWATCH', (peer, args, reply) => this.watches.serveUnwatch(peer, args, reply));
    serve('INVALIDATE', (peer, args, reply) => this.#tracking.serveInvalidate(peer, args, reply));
  }

  /** Another view holds. */
  #follow(): void {
    const { dispatcher } = this.server;
    const { isReady } = this.links;
    const isAlone = !isReady || (this.ring.members.length === 1 && this.selfIndex === 0);
    const wasAlone = (dispatcher.gate & SERVER_RING) === 0;
    if (isAlone) dispatcher.gate &= ~SERVER_RING;
    else dispatcher.gate |= SERVER_RING;
    if (wasAlone && !isAlone) this.server.tracking.ringGrew();
    const { store } = this.server;
    store.actsFor = isAlone ? undefined : (buf, from, to) => this.#actsFor(buf, from, to);
    this.handover.follow();
    if (!isReady) return;
    const { ring } = this;
    const before = this.#followed ?? ring;
    this.#followed = ring;
    this.#tracking.ownersChanged((key) => ownerIdOf(before, key) !== ownerIdOf(ring, key));
    this.#moveBlocked();
  }

  #actsFor(buf: Buffer, from: number, to: number): boolean {
    return this.calls.actorFor(this.ring.ownerOf(buf, from, to)) === this.selfIndex;
  }

  /** What waits here for keys that others act for now waits there. */
  #moveBlocked(): void {
    const { blocking, dispatcher } = this.server;
    if (blocking.size === 0) return;
    blocking.moveOn((args) => {
      const command = dispatcher.lookup(args);
      return command !== undefined && !this.#isHere(command, args);
    }, NOT_MINE);
  }

  /** A member can be asked again: it acts for what it owns. */
  #reached(memberId: string): void {
    this.calls.memberAlive(memberId);
    if (this.links.isReady) this.#moveBlocked();
  }

  #liveness(memberId: string, isAlive: boolean): void {
    this.handover.liveness(memberId, isAlive);
    if (this.links.isReady) {
      const { ring } = this;
      this.#tracking.ownersChanged((key) => ownerIdOf(ring, key) === memberId);
    }
    if (isAlive) return this.#reached(memberId);
    this.calls.memberDied(memberId);
    this.watches.memberDied(memberId);
    this.#tracking.memberDied(memberId);
    this.#callServer.memberDied(memberId);
  }
}

function ownerIdOf(ring: Ring, key: string): string {
  const bytes = Buffer.from(key, 'latin1');
  return ring.members[ring.ownerOf(bytes, 0, bytes.length)]!.id;
}
