/**
 * The other side of calls.ts: runs what other members send, and answers now or later.
 *
 *   CALL <header> <word> ...            -> bulk: the reply to the client, as bytes
 *   CALL <header> <low> <high> <word> ...   (SPAN_PART)   -> integer: parked, ANSWER follows
 *   EXEC <header> ...                   see transaction.ts       -> -NOTMINE: nothing was run
 *   CALLS <header> <commands>           see batch-server.ts
 *   ANSWER <id> <reply>                 of what was parked       -> integer: 1, or 0: nobody waits
 *   ANSWER <id>                         its reply is long: PORTION
 *   PORTION <id> <offset>               bulk channel             -> bulk: of that reply; nil: not yet
 *   CANCEL <id> gone|timeout|error|moved|yields                  -> OK
 *                                       the client is gone, CLIENT UNBLOCK, wait elsewhere, let others on
 *   PARKED <due> <id> ...               -> array: 1 for each that is known here, else 0
 *
 * Commands of one lane run one after the other: while one is parked those that follow wait here, and
 * while its reply is fetched, too, for a client that does not read is to cost one long reply.
 * Invariant: `#parked` holds what has been let in and not yet been answered for certain.
 */
import { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Timer } from '../../world/world.js';
import type { Command } from '../commands/command.js';
import type { RingLinks } from '../ring/ring-links.js';
import type { Server } from '../server/server.js';
import type { QueuedCommand, Session } from '../server/session.js';
import { BatchServer } from './batch-server.js';
import { ACTING, type CallHeader, decodeHeader, SPAN_PART, TRACK, WHOLE } from './call-header.js';
import { AWAY, type Calls, EXEC_WORDS, NOT_MINE } from './calls.js';
import type { Answered, Guest, Guests } from './guests.js';
import type { Handover } from './handover.js';
import { BAD_HEADER, type Job, type JobKeeper } from './job.js';
import type { ReplyStream } from './long-replies.js';
import { NO_OWNER, ownerOfKeys, SEVERAL } from './owned-keys.js';
import { errorReply } from './raw-reply.js';
import type { RemoteTracking } from './remote-tracking.js';
import type { RemoteWatches } from './remote-watches.js';
import { readQueue } from './transaction.js';

/** Time that the client's node has to take an answer, ms; how often it is tried; pause between. */
const ANSWER_TIMEOUT_MS = 5000;
const ANSWERS_MAX = 20;
const ANSWER_PAUSE_MS = 250;
/** Calls of other members that wait here, or are under way. */
const PARKED_MAX = 65_536;
/** A long reply that nobody has asked for so long is dropped, ms. */
const LONG_KEPT_MS = 30_000;
/** How often what is parked is looked through for what nobody wants any more, ms. */
const LOOK_MS = 250;

const REFUSAL = `${NOT_MINE} this member does not own it, or not yet`;
const NO_REPLY = 'ERR no such reply is kept here';
const TOO_MANY = 'ERR too many commands of other members are under way here, not applied';

interface Parked {
  readonly job: Job;
  /** Undefined while it waits for those before it, and once it has replied. */
  guest: Guest | undefined;
  isAnswered: boolean;
  /** Its client's node may have given it up: it must not be begun, or have an effect, after this. */
  dueMs: number;
  /** Those behind it in its lane wait for it. */
  holdsLane: boolean;
  /** What it replies, which is to be fetched. */
  long?: ReplyStream;
  /** When it was last asked for, monotonic ms. */
  askedMs?: number;
}

type Peer = NonNullable<Session['peer']>;

export class CallServer implements JobKeeper {
  readonly #server: Server;
  readonly #links: RingLinks;
  readonly #guests: Guests;
  readonly #calls: Calls;
  readonly #handover: Handover;
  readonly #watches: RemoteWatches;
  readonly #tracking: RemoteTracking;
  /** By member and id of the call. */
  readonly #parked = new Map<string, Parked>();
  /** What waits for a lane that is busy, by member and lane; a lane that is not busy is not there. */
  readonly #lanes = new Map<string, Parked[]>();
  /** The generation of each member that is refused. */
  readonly #refused = new Map<string, number>();
  /** The words of the call at hand: nothing of it outlives the handler. */
  readonly #words = new Args();
  readonly #batches: BatchServer;
  /** Nothing is let in any more. */
  isClosing = false;
  #look: Timer | undefined;

  constructor(components: {
    server: Server;
    links: RingLinks;
    guests: Guests;
    calls: Calls;
    handover: Handover;
    watches: RemoteWatches;
    tracking: RemoteTracking;
  }) {
    this.#server = components.server;
    this.#links = components.links;
    this.#guests = components.guests;
    this.#calls = components.calls;
    this.#handover = components.handover;
    this.#watches = components.watches;
    this.#tracking = components.tracking;
    const { server, guests } = components;
    this.#batches = new BatchServer({ server, guests, keeper: this });
  }

  serve(): void {
    const verb = (name: string, handler: (peer: Peer, args: Args, reply: ReplyWriter) => void) =>
      this.#links.serve({
        name,
        channel: 'data',
        handler: (session: Session, args, reply) => handler(session.peer!, args, reply),
      });
    const calls = (
      name: string,
      handler: (session: Session, args: Args, reply: ReplyWriter) => void,
    ) =>
      this.#links.serve({
        name,
        channel: 'data',
        handler: (session, args, reply) => {
          if (!this.#handover.holdsBack(session, args)) handler(session, args, reply);
        },
      });
    calls('CALL', (session, args, reply) => this.#call(session.peer!, args, reply, false));
    calls('EXEC', (session, args, reply) => this.#call(session.peer!, args, reply, true));
    calls('CALLS', (session, args, reply) => this.#batches.run(session, args, reply));
    verb('PARKED', (peer, args, reply) => this.#isParked(peer, args, reply));
    verb('ANSWERS', ({ memberId }, args, reply) => {
      const { batches } = this.#calls;
      const isWanted = args.count === 3 && batches.answered(args.int64(1), memberId, args.bytes(2));
      reply.integer(isWanted ? 1 : 0);
    });
    verb('ANSWER', ({ memberId }, args, reply) => {
      const { count } = args;
      const isWanted =
        (count === 2 || count === 3) &&
        this.#calls.answered(args.int64(1), memberId, count === 3 ? args.bytes(2) : undefined);
      reply.integer(isWanted ? 1 : 0);
    });
    this.#links.serve({
      name: 'PORTION',
      channel: 'bulk',
      handler: (session, args, reply) => this.#portion(session.peer!.memberId, args, reply),
    });
    verb('CANCEL', ({ memberId }, args, reply) => {
      if (args.count === 3) this.#cancel(`${memberId}/${args.string(1)}`, args.string(2));
      reply.ok();
    });
  }

  /** A member is dead: nobody waits for what it has sent. */
  memberDied(memberId: string): void {
    this.#refused.delete(memberId);
    for (const [id, parked] of [...this.#parked]) {
      if (parked.job.memberId === memberId) this.#cancel(id, 'gone');
    }
    this.#batches.memberDied(memberId);
  }

  get parkedCount(): number {
    return this.#parked.size + this.#batches.heldCount;
  }

  /** Whether members are to hear what came of commands that have begun, and wait for nobody's write. */
  get owesAnswers(): boolean {
    if (this.#batches.heldCount > 0) return true;
    for (const { guest, isAnswered, long } of this.#parked.values()) {
      if (isAnswered && long === undefined) return true;
      if (guest !== undefined && guest.session.blocked === undefined) return true;
    }
    return false;
  }

  /** Whether commands of this lane must wait. */
  isBusy(memberId: string, lane: number): boolean {
    return this.#lanes.size > 0 && lane !== 0 && this.#lanes.has(`${memberId}/${lane}`);
  }

  /** A command of a batch waits for its lane; an error if there are too many. */
  await(job: Job): string | undefined {
    if (this.#parked.size >= PARKED_MAX) return TOO_MANY;
    const { header, memberId } = job;
    const parked = this.#park(job, undefined, true);
    this.#lanes.get(`${memberId}/${header.lane}`)!.push(parked);
    return undefined;
  }

  /** A command of a batch that a guest has begun and not finished: an ANSWER will follow. */
  adopt(job: Job, guest: Guest): void {
    const { header, memberId } = job;
    const id = `${memberId}/${header.id}`;
    const parked = this.#park(job, guest, header.lane !== 0);
    if (parked.holdsLane) this.#lanes.set(`${memberId}/${header.lane}`, []);
    const waiting = guest.wait((bytes, long) => this.#over(id, parked, bytes, long));
    if (waiting?.isExecuted === true) this.#leaveLane(parked);
  }

  #park(job: Job, guest: Guest | undefined, holdsLane: boolean): Parked {
    const { dueMs, id } = job.header;
    const parked: Parked = { job, guest, isAnswered: false, dueMs, holdsLane };
    this.#parked.set(`${job.memberId}/${id}`, parked);
    this.#look ??= this.#server.store.world.timers.every(LOOK_MS, () => this.#lookThrough(), true);
    return parked;
  }

  #call(peer: Peer, args: Args, reply: ReplyWriter, isExec: boolean): void {
    const { clock, memberId } = peer;
    const header = args.count < 3 ? undefined : decodeHeader(args, 1, clock);
    const isSpan = header !== undefined && (header.flags & SPAN_PART) !== 0;
    if (header === undefined || (isSpan && args.count < 5)) {
      reply.error(BAD_HEADER);
      return;
    }
    const part = isSpan ? { low: args.bytes(2), high: args.bytes(3) } : undefined;
    const words = this.#words;
    words.borrow(args, isSpan ? 4 : 2);
    if (!this.#letsIn(memberId, header, words, isExec)) {
      reply.error(this.isClosing ? AWAY : REFUSAL);
      return;
    }
    const { database, protocol, readLevel, writeLevel } = header;
    const remote = `member ${memberId.slice(0, 8)}`;
    const isWhole = (header.flags & WHOLE) !== 0;
    const options = { database, protocol, readLevel, writeLevel, remote, isWhole, part };
    this.#run({ memberId, header, options, args: words, isExec }, reply);
  }

  #run(job: Job, reply: ReplyWriter): void {
    const { header, memberId } = job;
    const id = `${memberId}/${header.id}`;
    const waiting = header.lane === 0 ? undefined : this.#lanes.get(`${memberId}/${header.lane}`);
    if (waiting !== undefined) {
      if (this.#parked.size >= PARKED_MAX) {
        reply.error(TOO_MANY);
        return;
      }
      waiting.push(this.#park({ ...job, args: job.args.clone() }, undefined, true));
      reply.integer(header.id);
      return;
    }
    const state: { answer?: Buffer; long?: ReplyStream; parked?: Parked } = {};
    const guest = this.#start(job, (bytes, long) => {
      if (state.parked !== undefined) return this.#over(id, state.parked, bytes, long);
      state.answer = bytes;
      if (long !== undefined) state.long = long;
    });
    if (guest === undefined) {
      const answer = state.answer!;
      if (state.long === undefined) return reply.bulk(answer, 0, answer.length);
      const parked = this.#parkIn(job, undefined);
      reply.integer(header.id);
      this.#over(id, parked, answer, state.long);
      return;
    }
    state.parked = this.#parkIn(job, guest);
    reply.integer(header.id);
  }

  /** What has begun, and holds its lane unless only its reply waits. */
  #parkIn(job: Job, guest: Guest | undefined): Parked {
    const { header, memberId } = job;
    const holdsLane = header.lane !== 0 && guest?.isExecuted !== true;
    if (holdsLane) this.#lanes.set(`${memberId}/${header.lane}`, []);
    return this.#park({ ...job, args: EXEC_WORDS }, guest, holdsLane);
  }

  #start(job: Job, done: Answered): Guest | undefined {
    const { args, header, isExec, memberId, options } = job;
    if (!isExec) {
      if ((header.flags & TRACK) !== 0) this.#tracking.remember(memberId, args);
      return this.#guests.run(options, args, done);
    }
    const isWatched = args.int64(0) === 1;
    const isDirty = isWatched && this.#watches.take(memberId, String(header.lane));
    const queue = this.#queueOf(args)!;
    if ((header.flags & TRACK) !== 0) {
      for (const queued of queue) this.#tracking.remember(memberId, queued.args);
    }
    return this.#guests.runTransaction(options, queue, isDirty, EXEC_WORDS, done);
  }

  /** What was parked has replied. */
  #over(id: string, parked: Parked, reply: Buffer, long?: ReplyStream): void {
    parked.guest = undefined;
    parked.isAnswered = true;
    if (long !== undefined) {
      parked.long = long;
      this.#touch(parked);
    }
    const { persistence } = this.#server;
    const answer = { safe: () => this.#answer(id, parked, reply), doubtful: () => {} };
    if (persistence?.hold(answer) !== true) answer.safe();
    if (long === undefined) this.#leaveLane(parked);
  }

  #leaveLane(parked: Parked): void {
    if (!parked.holdsLane) return;
    parked.holdsLane = false;
    this.#next(parked.job);
  }

  #answer(id: string, { job, long }: Parked, reply: Buffer): void {
    const words: (string | Buffer)[] = ['ANSWER', String(job.header.id)];
    if (long === undefined) words.push(reply);
    this.deliver(job.memberId, words, (isWanted) => {
      if (long === undefined || !isWanted) this.#drop(id);
    });
  }

  // --- long replies ----------------------------------------------------------------------------

  #portion(memberId: string, args: Args, reply: ReplyWriter): void {
    const parked = args.count === 3 ? this.#parked.get(`${memberId}/${args.string(1)}`) : undefined;
    const offset = args.count === 3 ? args.int64(2) : Number.NaN;
    if (parked?.long === undefined || !(offset >= 0)) return reply.error(NO_REPLY);
    this.#touch(parked);
    const portion = parked.long.portion(offset);
    if (portion.kind === 'later') return reply.nil();
    if (portion.kind !== 'bytes') return reply.error(NO_REPLY);
    const { bytes } = portion;
    reply.bulk(bytes, 0, bytes.length);
    // All of it has been fetched, whether or not that is heard.
    if (bytes.length === 0) this.#leaveLane(parked);
  }

  #touch(parked: Parked | undefined): void {
    if (parked?.long === undefined) return;
    parked.askedMs = this.#nowMs;
  }

  #drop(id: string): void {
    const parked = this.#parked.get(id);
    if (parked === undefined) return;
    this.#parked.delete(id);
    parked.long?.cancel();
    this.#leaveLane(parked);
  }

  // --- who waits -------------------------------------------------------------------------------

  get #nowMs(): number {
    return this.#server.store.world.clock.monotonicMs();
  }

  #isParked({ clock, memberId }: Peer, args: Args, reply: ReplyWriter): void {
    const dueMs = clock.here(args.int64(1));
    reply.array(Math.max(0, args.count - 2));
    for (let i = 2; i < args.count; i += 1) {
      const id = `${memberId}/${args.string(i)}`;
      const parked = this.#parked.get(id);
      this.#touch(parked);
      if (parked !== undefined && dueMs > parked.dueMs) parked.dueMs = dueMs;
      reply.integer(parked !== undefined || this.#batches.holds(id) ? 1 : 0);
    }
  }

  /** What nobody has asked for in time is given up there, or was fetched. */
  #lookThrough(): void {
    const nowMs = this.#nowMs;
    for (const [id, { askedMs = Infinity, dueMs, guest, isAnswered }] of this.#parked) {
      if (nowMs - askedMs > LONG_KEPT_MS) this.#drop(id);
      else if (nowMs > dueMs && !isAnswered && guest?.isExecuted !== true) this.#cancel(id, 'gone');
    }
    if (this.#parked.size > 0) return;
    this.#look?.cancel();
    this.#look = undefined;
  }

  /** Sends a member what it waits for, until it has it or does not want it. */
  deliver(
    memberId: string,
    words: readonly (string | Buffer)[],
    over: (isWanted: boolean) => void,
    tries = 0,
  ): void {
    const again = (): void => {
      if (tries >= ANSWERS_MAX || !this.#links.isAlive(memberId)) over(false);
      else {
        const next = (): void => this.deliver(memberId, words, over, tries + 1);
        this.#server.store.world.timers.after(ANSWER_PAUSE_MS, next, true);
      }
    };
    const sent = this.#links.request(memberId, 'data', words, ANSWER_TIMEOUT_MS, (error, reply) => {
      if (error === null && !(reply instanceof Error)) over(reply === 1);
      else again();
    });
    if ('done' in sent) return;
    // Who waits no longer than that member is there, and has no connection to it.
    if (this.isClosing) over(false);
    else again();
  }

  /** The next command of a lane begins. */
  #next(job: Job): void {
    const lane = `${job.memberId}/${job.header.lane}`;
    const waiting = this.#lanes.get(lane);
    let next = waiting?.shift();
    for (; next !== undefined && this.#nowMs > next.dueMs; next = waiting?.shift()) {
      this.#parked.delete(idOf(next));
    }
    if (next === undefined) {
      this.#lanes.delete(lane);
      return;
    }
    const id = idOf(next);
    const { args, header, isExec } = next.job;
    if (!this.#isMine(header, args, isExec)) {
      this.#over(id, next, errorReply(REFUSAL));
      return;
    }
    next.guest = this.#start(next.job, (reply, long) => this.#over(id, next, reply, long));
    if (next.guest?.isExecuted === true) this.#leaveLane(next);
  }

  #cancel(id: string, mode: string): void {
    const parked = this.#parked.get(id);
    if (parked?.long !== undefined && mode === 'gone') return this.#drop(id);
    if (parked?.long !== undefined && mode === 'yields') return this.#leaveLane(parked);
    if (parked === undefined || parked.isAnswered) return;
    const { guest, job } = parked;
    if (mode !== 'gone') {
      if (guest === undefined) return;
      const { blocking } = this.#server;
      if (mode === 'moved') blocking.refuse(guest.session, NOT_MINE);
      else blocking.unblock(guest.session, mode === 'error');
      return;
    }
    this.#parked.delete(id);
    if (guest !== undefined) {
      guest.cancel();
      this.#leaveLane(parked);
      return;
    }
    const lane = `${job.memberId}/${job.header.lane}`;
    const waiting = this.#lanes.get(lane);
    if (waiting !== undefined)
      this.#lanes.set(
        lane,
        waiting.filter((other) => other !== parked),
      );
  }

  mayBegin(memberId: string, header: CallHeader): boolean {
    if (!this.#links.isReady || this.isClosing) return false;
    if (header.generation <= (this.#refused.get(memberId) ?? -1)) return false;
    return this.#nowMs <= header.dueMs || this.#refuse(memberId, header);
  }

  isOwn(memberId: string, header: CallHeader, command: Command | undefined, words: Args): boolean {
    const isOwn = this.#links.selfIndex >= 0 && this.#isMineToRun(header, command, words);
    return isOwn || this.#refuse(memberId, header);
  }

  /** Whether this member is the one to run it, as far as it knows. */
  #letsIn(memberId: string, header: CallHeader, words: Args, isExec: boolean): boolean {
    if (!this.mayBegin(memberId, header)) return false;
    return this.#isMine(header, words, isExec) || this.#refuse(memberId, header);
  }

  /** Nor is what else was sent in its generation let in. */
  #refuse(memberId: string, header: CallHeader): false {
    this.#refused.set(memberId, header.generation);
    return false;
  }

  #isMine(header: CallHeader, words: Args, isExec: boolean): boolean {
    const { responsibility, selfIndex } = this.#links;
    if (selfIndex < 0) return false;
    if ((header.flags & SPAN_PART) !== 0) return header.epoch === responsibility.view.epoch;
    if (!isExec) return this.#isMineToRun(header, this.#server.dispatcher.lookup(words), words);
    const queue = this.#queueOf(words) ?? [];
    return queue.every(({ args, command }) => this.#isMineToRun(header, command, args));
  }

  #isMineToRun({ flags }: CallHeader, command: Command | undefined, args: Args): boolean {
    if (command === undefined) return true;
    const { responsibility, selfIndex } = this.#links;
    const ring = responsibility.current;
    const owner = ownerOfKeys(this.#server, ring, command, args);
    if (owner === NO_OWNER) return true;
    if (owner === selfIndex) return !this.#handover.awaits(command, args);
    if (owner === SEVERAL) return false;
    return (flags & ACTING) !== 0 && ring.holds(selfIndex, owner);
  }

  #queueOf(words: Args): QueuedCommand[] | undefined {
    return readQueue(words, 1, (args) => this.#queued(args));
  }

  #queued(args: Args): QueuedCommand | undefined {
    const command = this.#server.dispatcher.lookup(args);
    return command === undefined ? undefined : { command, args };
  }
}

function idOf({ job }: Parked): string {
  return `${job.memberId}/${job.header.id}`;
}
