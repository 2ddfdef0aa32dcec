/**
 * RingMember: this node's part in the ring. It runs the pure machines of discord on the node's
 * world, joins them to each other and shows the rest of the node what follows (RingLinks).
 *
 *   session --verb--> PeerDoor --SWIM--> Liveness ----dead, alive----+
 *                         |                                         v
 *                         +------VOTE--> ViewDriver --view--> responsibility, links, listeners
 *                         |                                         |
 *                         +------TIME--> AgreedTime <----others-----+
 *
 * Invariant: whatever depends on the view (links, SWIM's members, whom the timer asks) is of the
 * view that `responsibility` is of; listeners are told after all of it has changed.
 */
import assert from 'node:assert';
import { decodeSwim } from '../../discord/membership/messages.js';
import type { SwimEvent } from '../../discord/membership/swim.js';
import type { Channel } from '../../discord/peer/handshake.js';
import type { PeerError } from '../../discord/peer/peer-error.js';
import type { Done, PeerRequest } from '../../discord/peer/pipeline.js';
import { Responsibility } from '../../discord/ring/responsibility.js';
import { firstView, type Member, memberOf, type View } from '../../discord/ring/view.js';
import { RingError } from '../../discord/ring-error.js';
import { decodeViewMessage, encodeViewMessage } from '../../discord/views/messages.js';
import type { ViewEvent } from '../../discord/views/outbox.js';
import { randomPosition } from '../../discord/views/position-choice.js';
import { ViewMachine } from '../../discord/views/view-machine.js';
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { World } from '../../world/world.js';
import type { DurableRecords } from '../persistence/durable-records.js';
import type { Log } from '../server/log.js';
import type { Server } from '../server/server.js';
import type { Session } from '../server/session.js';
import { AgreedTime } from './agreed-time.js';
import { Liveness } from './liveness.js';
import { PeerDoor } from './peer-door.js';
import { PeerLinks, type SaidEvent } from './peer-links.js';
import { keepVotes, type RingIdentity } from './ring-identity.js';
import type { PeerVerb, RingEvents, RingLinks } from './ring-links.js';
import { REPLICAS_DEFAULT, type RingSettings } from './ring-settings.js';
import { ViewDriver } from './view-driver.js';

/** Nothing waits for the replies of what members tell each other; this bounds how long it may wait. */
const TELL_MAX_MS = 2000;
const CLUSTER_ID_BYTES = 16;
const POSITION_BYTES = 16;
const FORMER_MAX = 256;
/** Refusals that no patience changes, in the greeting of a member that is asked to take this one. */
const FINAL_REFUSALS = ['PEERVERSION', 'PEERCLUSTER', 'PEERPROOF', 'PEERSECRET', 'PEERADDRESS'];

export interface RingMemberParts {
  readonly world: World;
  readonly log: Log;
  readonly server: Server;
  readonly identity: RingIdentity;
  /** Undefined: this node keeps nothing. */
  readonly records: DurableRecords | undefined;
}

export interface RingMemberOptions extends RingSettings {
  readonly evictAfterMs: number;
  readonly clockSkewMaxMs: number;
}

export interface RingMemberEvents {
  /** The ring, or whom it was to ask, does not take this node as it is; it never will. */
  refused(text: string): void;
  /** The ring has this member no more, and a majority knows. */
  removed(): void;
  /** This member asked to leave and stays: it is the last. */
  stays(): void;
}

export class RingMember implements RingLinks {
  selfId: string;
  readonly address: string;
  readonly door: PeerDoor;
  readonly time: AgreedTime;
  liveness: Liveness;
  readonly options: RingMemberOptions;
  selfIndex = -1;
  isReady = false;
  /** This member asked to leave. */
  isLeaving = false;
  /** Where a newcomer should stand that was told no position; at first anywhere. */
  choosePosition: (view: View) => Buffer;
  /** Why `--join` has not worked so far; empty: nothing is known. */
  lastJoinError = '';

  readonly #world: World;
  readonly #log: Log;
  readonly #records: DurableRecords | undefined;
  readonly #events: RingMemberEvents;
  #driver: ViewDriver;
  readonly #links: PeerLinks;
  readonly #listeners: RingEvents[] = [];
  #responsibility: Responsibility | undefined;
  /** That of a ring that has removed this member: for what was under way then. */
  #before: Responsibility | undefined;
  #isJoining = false;
  #isStopped = false;
  /** Of those that it was told to ask, who has not answered since the start. */
  readonly #unchecked = new Set<string>();
  /** Who was in the ring and is no more, the latest last; they may still have to hand over. */
  readonly #former = new Set<string>();
  readonly #server: Server;

  constructor(parts: RingMemberParts, options: RingMemberOptions, events: RingMemberEvents) {
    const { world, log, server, identity } = parts;
    this.selfId = identity.id;
    this.address = options.address;
    this.options = options;
    this.#world = world;
    this.#server = server;
    this.choosePosition = (view) => randomPosition(view, world.random);
    this.#log = log;
    this.#records = parts.records;
    this.#events = events;
    const identify = () => ({
      memberId: this.selfId,
      clusterId: this.view?.clusterId,
      secret: options.secret,
    });
    this.door = new PeerDoor(server, {
      identity: identify,
      address: options.address,
      greeted: ({ channel, memberId }) => {
        if (channel === 'control') this.#links.heardOf(memberId);
      },
    });
    this.#links = new PeerLinks(world, identify, {
      room: (id, channel) => {
        if (channel === 'control') this.liveness.reached(id);
        this.#tell((listener) => listener.room?.(id, channel));
      },
      opened: (address) => this.#unchecked.delete(address),
      lost: (address, error) => this.#lost(address, error),
    });
    const ask = (id: string, words: readonly string[], timeoutMs: number, done: Done) =>
      this.request(id, 'control', words, timeoutMs, done);
    this.time = new AgreedTime({ world, log, ask }, options);
    this.liveness = this.#newLiveness();
    const machine = this.#newMachine(identity.record);
    this.#driver = this.#newDriver(machine);
    this.#serveRing();
    if (machine.view !== undefined) this.#follow(machine.view);
  }

  #newLiveness(): Liveness {
    return new Liveness(this.#world, this.selfId, {
      send: (to, words) => this.#say(to, ['SWIM', ...words]),
      told: (event) => this.#swimTold(event),
    });
  }

  #newMachine(record: Buffer | undefined): ViewMachine {
    const { evictAfterMs } = this.options;
    const self = { id: this.selfId, address: this.address };
    const choosePosition = (view: View): Buffer => this.choosePosition(view);
    const parts = { self, random: this.#world.random, choosePosition };
    return new ViewMachine(record === undefined ? parts : { ...parts, record }, { evictAfterMs });
  }

  #newDriver(machine: ViewMachine): ViewDriver {
    const records = this.#records;
    const parts = {
      world: this.#world,
      log: this.#log,
      machine,
      keep: records && ((bytes: Buffer) => keepVotes(records, bytes)),
      self: { id: this.selfId, address: this.address },
    };
    return new ViewDriver(parts, {
      send: (to, message) => {
        const words = ['VOTE', this.address, ...encodeViewMessage(message)];
        this.#links.tell(to, words, TELL_MAX_MS);
      },
      told: (event) => this.#told(event),
    });
  }

  // --- beginning and ending --------------------------------------------------------------------

  /** Begins a ring of its own, unless it belongs to one. */
  begin(): void {
    if (this.view !== undefined) return;
    const { replicas, position } = this.options;
    const member = {
      id: this.selfId,
      address: this.address,
      position: position ?? this.#randomBytes(POSITION_BYTES),
    };
    const view = firstView({
      clusterId: this.#randomBytes(CLUSTER_ID_BYTES).toString('hex'),
      replicas: replicas === 0 ? REPLICAS_DEFAULT : replicas,
      member,
    });
    // Alone there is nobody who could hear of it before it is kept.
    this.#follow(view);
    this.#driver.do((machine, nowMs) => machine.begin(nowMs, view));
  }

  /** Goes on in the ring that it belongs to, or asks those that it was told of to be taken in. */
  start(): void {
    const { contacts } = this.options;
    const { view } = this;
    if (view === undefined) return this.#join(contacts);
    this.#driver.do(() => {});
    // A folder that belongs to another ring than those that it is to join should be noticed.
    const { clusterId, epoch } = view;
    const words = encodeViewMessage({ kind: 'fetch', clusterId, epoch });
    for (const address of contacts) {
      this.#unchecked.add(address);
      this.#links.tell({ address }, ['VOTE', this.address, ...words], TELL_MAX_MS);
    }
  }

  /** Enters a ring as another member, after one has removed it. Only an empty node may. */
  startAnew(id: string, contacts: readonly string[]): void {
    if (this.#isStopped) return;
    this.#driver.stop();
    this.liveness.stop();
    this.#links.close();
    this.selfId = id;
    this.isReady = false;
    this.#before = this.#responsibility;
    this.#responsibility = undefined;
    this.liveness = this.#newLiveness();
    this.#driver = this.#newDriver(this.#newMachine(undefined));
    this.#tell((listener) => listener.view?.());
    this.#join(contacts);
  }

  #join(contacts: readonly string[]): void {
    const { position, replicas } = this.options;
    this.#isJoining = true;
    this.#log.info({ contacts }, 'joining a ring');
    const wanted = { position, replicas: replicas === 0 ? undefined : replicas };
    this.#driver.do((machine, nowMs) => machine.join(nowMs, contacts, wanted));
  }

  /** Asks to leave; `removed` is told once the ring has this member no more. */
  leave(): void {
    this.isLeaving = true;
    this.#driver.do((machine, nowMs) => machine.leave(nowMs));
  }

  /** A human's decision that these members are lost; false: no ring is left with this one in it. */
  force(lost: readonly string[]): boolean {
    let isForced = false;
    this.#driver.do((machine, nowMs) => {
      isForced = machine.force(nowMs, lost);
    });
    return isForced;
  }

  stop(): void {
    this.#isStopped = true;
    this.#driver.stop();
    this.liveness.stop();
    this.time.stop();
    this.#links.close();
  }

  // --- RingLinks -------------------------------------------------------------------------------

  get responsibility(): Responsibility {
    const responsibility = this.#responsibility ?? this.#before;
    assert(responsibility !== undefined, 'nobody asks before there is a view');
    return responsibility;
  }

  get view(): View | undefined {
    return this.#responsibility?.view;
  }

  get isSkewed(): boolean {
    return this.time.isSkewed;
  }

  isAlive(memberId: string): boolean {
    return memberId === this.selfId || this.liveness.isAlive(memberId);
  }

  request(
    memberId: string,
    channel: Channel,
    words: readonly (string | Buffer)[],
    timeoutMs: number,
    done: Done,
  ): PeerRequest | PeerError {
    return this.#links.request(memberId, channel, words, timeoutMs, done);
  }

  serve(verb: PeerVerb): void {
    this.door.serve(verb);
  }

  listen(events: RingEvents): void {
    this.#listeners.push(events);
  }

  /** From now on `listener` hears of all that this member says to others. */
  hearSaid(listener: (event: SaidEvent) => void): void {
    this.#links.said = listener;
  }

  reportFilled(ranges: readonly number[]): void {
    const { epoch } = this.responsibility.view;
    this.#driver.do((machine, nowMs) => machine.reportFilled(nowMs, epoch, ranges));
  }

  move(position: Buffer): void {
    this.#driver.do((machine, nowMs) => machine.move(nowMs, position));
  }

  /** Nobody else is in the ring, or about to be. */
  get isAlone(): boolean {
    return this.allMembers().every(({ id }) => id === this.selfId);
  }

  /** Whether the ring has this member, or is about to. */
  get isInView(): boolean {
    return memberOf(this.allMembers(), this.selfId) !== undefined;
  }

  /** Members of the current and the next view, each once. */
  allMembers(): Member[] {
    const { view } = this;
    if (view === undefined) return [];
    const coming = view.next?.members.filter(({ id }) => memberOf(view.members, id) === undefined);
    return [...view.members, ...(coming ?? [])];
  }

  /** Whether somebody who has left is still connected: it goes once it has handed over all it had. */
  get hasLeavers(): boolean {
    for (const { peer } of this.#server.sessions.values()) {
      if (peer !== undefined && this.#former.has(peer.memberId)) return true;
    }
    return false;
  }

  #noteFormer(before: readonly Member[]): void {
    const now = this.allMembers();
    for (const { id } of before) if (memberOf(now, id) === undefined) this.#former.add(id);
    for (const { id } of now) this.#former.delete(id);
    for (const id of this.#former) {
      if (this.#former.size <= FORMER_MAX) return;
      this.#former.delete(id);
    }
  }

  // --- what others tell ------------------------------------------------------------------------

  #serveRing(): void {
    this.#serve('SWIM', (args, from) => {
      const words = Array.from({ length: args.count - 1 }, (_, at) => args.string(at + 1));
      this.liveness.receive(from, decodeSwim(words));
    });
    this.#serve('VOTE', (args, from) => {
      const words: Buffer[] = [];
      for (let at = 2; at < args.count; at += 1) words.push(Buffer.from(args.bytes(at)));
      const message = decodeViewMessage(words);
      const contact = { id: from, address: args.string(1) };
      this.#driver.do((machine, nowMs) => machine.receive(nowMs, contact, message));
    });
    this.serve({
      name: 'TIME',
      channel: 'control',
      handler: (_session, _args, reply) => {
        reply.array(2);
        for (const word of this.time.words()) reply.bulkLatin1(word);
      },
    });
  }

  /** A verb whose reply says nothing but that it was understood. */
  #serve(name: string, hear: (args: Args, from: string) => void): void {
    const handler = ({ peer }: Session, args: Args, reply: ReplyWriter): void => {
      try {
        hear(args, peer!.memberId);
      } catch (error) {
        if (!(error instanceof RingError)) throw error;
        return reply.error(`${error.code.replaceAll('_', '')} ${error.message}, not applied`);
      }
      reply.ok();
    };
    this.serve({ name, channel: 'control', handler });
  }

  #swimTold(event: SwimEvent): void {
    const { id, kind } = event;
    if (kind === 'suspect') return;
    if (kind === 'ahead') {
      const member = memberOf(this.allMembers(), id);
      if (member !== undefined) this.#driver.do((machine) => machine.heardOf(member, event.epoch));
      return;
    }
    const isDead = kind === 'dead';
    if (isDead) this.#log.warn(this.#named(id), 'a member is dead');
    else if (event.before === 'dead') this.#log.warn(this.#named(id), 'a member is alive again');
    this.#driver.do((machine, nowMs) => machine.setDead(nowMs, id, isDead));
    this.#tell((listener) => listener.liveness?.(id, !isDead));
  }

  #told(event: ViewEvent): void {
    if (event.kind === 'view') return this.#follow(event.view);
    if (event.kind === 'removed') return this.#events.removed();
    if (event.kind === 'stays') {
      this.isLeaving = false;
      this.#log.info({ why: event.text }, 'this member stays');
      return this.#events.stays();
    }
    if (this.#isJoining) this.#events.refused(event.text);
    else this.#log.warn({ why: event.text }, 'the ring does not do what this member asked for');
  }

  #lost(address: string, error: PeerError): void {
    this.#log.debug({ address, error: error.message }, 'no connection to a member');
    if (error.refusal === 'PEERCLUSTER' && this.#unchecked.delete(address)) {
      this.#events.refused(`${address} refuses this node and its folder: ${error.message}`);
    }
    if (!this.#isJoining || !this.options.contacts.includes(address)) return;
    if (error.refusal !== undefined && FINAL_REFUSALS.includes(error.refusal)) {
      this.#events.refused(`${address} refuses this node: ${error.message}`);
    } else if (this.lastJoinError !== error.message) {
      this.lastJoinError = error.message;
      this.#log.warn({ address, error: error.message }, 'cannot join yet, trying again');
    }
  }

  // --- another view ----------------------------------------------------------------------------

  #follow(view: View): void {
    const before = this.view;
    if (before?.clusterId === view.clusterId && before.epoch >= view.epoch) return;
    const membersBefore = this.allMembers();
    this.#responsibility = new Responsibility(view);
    this.#noteFormer(membersBefore);
    this.selfIndex = this.#responsibility.current.indexOf(this.selfId);
    const all = this.allMembers();
    const isIn = memberOf(all, this.selfId) !== undefined;
    // Who was removed, and has begun again since, goes on as it did: it hands over what it has.
    if (isIn || !this.#isJoining) this.isReady = true;
    if (isIn && this.#isJoining) {
      this.#isJoining = false;
      this.#log.info({ clusterId: view.clusterId }, 'this node enters the ring');
    }
    const others = all.filter(({ id }) => id !== this.selfId);
    const ids = all.map(({ id }) => id);
    // Also for who was removed: it hands over what it has.
    this.#links.setMembers(others);
    this.liveness.setMembers(isIn ? ids : [], view.epoch);
    this.time.setOthers(isIn ? others.map(({ id }) => id) : []);
    const change = view.next?.change.kind ?? 'none';
    const members = view.members.length;
    this.#log.info({ epoch: view.epoch, members, change }, 'the ring has another view');
    this.#tell((listener) => listener.view?.());
  }

  #tell(say: (listener: RingEvents) => void): void {
    for (const listener of this.#listeners) say(listener);
  }

  #say(id: string, words: readonly string[]): void {
    const member = memberOf(this.allMembers(), id);
    if (member !== undefined) this.#links.tell(member, words, TELL_MAX_MS);
  }

  #named(id: string): { id: string; address: string } {
    return { id, address: memberOf(this.allMembers(), id)?.address ?? '' };
  }

  #randomBytes(count: number): Buffer {
    const bytes = Buffer.alloc(count);
    this.#world.random.bytes(bytes);
    return bytes;
  }
}
