/**
 * One conversation: what a client has selected, queued, watched and asked for. Commands see this
 * and never the connection behind it, so that a command may also come from elsewhere.
 */
import type { Channel, PeerName } from '../../discord/peer/handshake.js';
import type { PeerClock } from '../../discord/peer/peer-clock.js';
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { RestoreIntake } from '../backup/restore-intake.js';
import type { Command } from '../commands/command.js';
import { LEVEL_ONE } from '../replication/levels.js';
import type { Lane } from '../routing/lane.js';
import type { Database } from '../store/database.js';
import type { Watcher } from '../store/watches.js';
import type { Blocked, BlockOptions } from './blocking.js';
import { PendingWrites } from './pending-writes.js';
import type { Subscriptions } from './pubsub.js';
import type { PushMessage } from './push-message.js';
import type { Server } from './server.js';
import type { Tracking } from './tracking.js';

/** Why a session does not take the short way through `Dispatcher.execute`. */
export const GATE_NO_AUTH = 1 << 0;
export const GATE_MULTI = 1 << 1;
export const GATE_REPLY_MODE = 1 << 2;
export const GATE_NO_TOUCH = 1 << 3;
export const GATE_MONITOR = 1 << 4;
/** In RESP2 a subscriber sends little else than SUBSCRIBE and its kin. */
export const GATE_SUBSCRIBED = 1 << 5;
/** Pushes wait for the end of the reply at hand. */
export const GATE_PUSHES = 1 << 6;
/** Keys that it reads are to be remembered: CLIENT TRACKING. */
export const GATE_TRACKING = 1 << 7;

/** Commands of it are under way in the ring: see `Lane`. */
export const GATE_LANE = 1 << 10;
/** Another member: it asks what members ask (lib/ring/peer-door.ts), and no commands. */
export const GATE_PEER = 1 << 8;
/** From a place where only members are welcome. */
export const GATE_PEERS_ONLY = 1 << 9;

/** It reads at a level above `one`: other replicas are asked first. */
export const GATE_READ_LEVEL = 1 << 14;

/** Id of sessions that run the commands of scripts: no client has it. */
export const SCRIPTS_ID = 0;
/** Id of sessions that run what other members send. */
export const GUESTS_ID = -1;

/** Time that a command in slices may take of the turn that it arrives in, ms. */
const FIRST_SLICE_MS = 2;

/** What a session needs of whatever carries it. */
export interface Carrier {
  readonly remote: string;
  readonly local: string;
  /** Address of the other side, without a port; empty for a unix socket. */
  readonly remoteHost: string;
  readonly isUnix: boolean;
  /** Bytes of requests held. */
  readonly queryBytes: number;
  /** Where the reply to the request at hand begins. */
  readonly replyMark: number;
  /** Sends what has been written to `session.reply` outside of a command. */
  flush(): void;
  /** Sends it at the end of the turn, or at once if it is much. */
  flushSoon(): void;
  /** Goes on with what is waiting, after `session.suspended` was cleared. */
  resume(): void;
  /** The limits for strangers hold, or no longer. */
  setAuthenticated(authenticated: boolean): void;
  /** What it has executed is not answered yet, or its replies wait for others than the client. */
  readonly isAwaiting: boolean;
  /** Executes nothing more, and closes the connection once the replies have left. */
  closeSoon(): void;
  /** Closes it at once. */
  destroy(): void;
}

/** Work that is done a slice at a time, the session waiting. */
export interface Task {
  /** Does some work until `deadlineMs` (monotonic); true when finished, its reply written. */
  step(deadlineMs: number): boolean;
  /** The session is gone: frees what is held. */
  cancel?(): void;
  /** It is so long that a pause makes no difference to who waits for it: it yields to clients. */
  readonly isTransfer?: true;
}

/** A command held back until EXEC. */
export interface QueuedCommand {
  readonly command: Command;
  readonly args: Args;
}

export interface Transaction {
  readonly queue: QueuedCommand[];
  /** Bytes of the arguments held. */
  bytes: number;
  /** A command could not be queued: EXEC answers -EXECABORT. */
  failed: boolean;
}

/** A part of the keyspace; ends as KRANGE takes them. */
export interface KeyspacePart {
  readonly low: Buffer;
  readonly high: Buffer;
}

/** What a session has written, as WAIT asks. */
export interface Written {
  /** Turns; 0: nothing here. */
  readonly first: number;
  readonly last: number;
  /** The lowest level at which other members have written for it; -1: none. */
  readonly awayLevel: number;
}

const NOTHING_WRITTEN: Written = { first: 0, last: 0, awayLevel: -1 };

export class Session implements Watcher {
  readonly id: number;
  readonly server: Server;
  readonly reply: ReplyWriter;
  readonly carrier: Carrier;
  readonly createdMs: number;
  lastActiveMs = 0;

  /** GATE_... bits; 0 = nothing unusual. */
  gate = 0;
  databaseIndex = 0;
  name = '';
  libName = '';
  libVersion = '';
  user = 'default';
  /** Which member this is, once it has proved that it knows the secret, and for which channel. */
  peer: (PeerName & { readonly channel: Channel; readonly clock: PeerClock }) | undefined;
  /** What a client asks, here or by way of another member. */
  get isForClients(): boolean {
    const channel = this.peer?.channel;
    return channel !== 'bulk' && channel !== 'control' && this.task?.isTransfer !== true;
  }

  /** What CLIENT INFO shows as cmd=. */
  lastCommand: Command | undefined;
  transaction: Transaction | undefined;
  /** Keys watched, `database index:key` in latin1; `dirty` once one has changed. */
  readonly watched = new Map<string, { database: number; key: string }>();
  dirty = false;
  /** CLIENT REPLY; `skip`: the next command's reply alone. GATE_REPLY_MODE is set unless `on`. */
  replyMode: 'on' | 'off' | 'skip' = 'on';
  /** The reply of the task that the session waits for is not wanted. */
  taskMuted = false;
  noEvict = false;
  /** It runs the commands of scripts. */
  isScript = false;
  /** It runs what another member has sent: see `Guests`. */
  isGuest = false;
  /** Its connection is gone, or nobody wants the guest's reply any more: nothing is to be written. */
  isGone = false;
  /** Of a guest: what KEYS and SCAN look at; undefined = all. */
  part: KeyspacePart | undefined;
  /** Of a guest: the database that it works on, in place of a numbered one. */
  side: Database | undefined;
  /** What it has under way in the ring. */
  lane: Lane | undefined;
  /** Keys that it watches at other members, by member. */
  remoteWatches: Map<string, readonly Buffer[]> | undefined;
  /** LEVEL_... of replication/levels.ts. */
  readLevel: number;
  writeLevel: number;
  /** The levels to go back to with the next request: AT has changed them for the one at hand. */
  levelsAfter: { readonly readLevel: number; readonly writeLevel: number } | undefined;
  /** What replicas must have before its replies leave. */
  readonly writes = new PendingWrites();
  /** Turns in which it has written since its last WAIT; 0: none. */
  writtenFirst = 0;
  writtenLast = 0;
  /** The lowest level at which other members have written for it since its last WAIT; -1: none. */
  awayLevel = -1;
  /** The same, of what the last WAIT was about. */
  waited = NOTHING_WRITTEN;
  /** The other replicas have been asked for what the request at hand reads. */
  isFresh = false;
  /** Undefined until the first subscription. */
  subscriptions: Subscriptions | undefined;
  tracking: Tracking | undefined;
  /** The backup that it brings, between DHASH RESTORE BEGIN and END. */
  restoring: RestoreIntake | undefined;
  /** Wall time since when it leaves more unread than its soft limit, ms; 0 = it does not. */
  softLimitSinceMs = 0;
  /** Bytes of pushes that wait for the end of the reply at hand. */
  queuedPushBytes = 0;
  #pushes: Buffer[] = [];
  /** What others and it hear when its command is over. */
  #latePushes: { readonly target: Session; readonly bytes: Buffer }[] = [];
  /** The task that this session waits for; it executes nothing meanwhile. */
  suspended = false;
  task: Task | undefined;
  /** What it waits for, in a command that blocks. */
  blocked: Blocked | undefined;
  /** A command to run again once the session is resumed. */
  postponed: Args | undefined;
  /** Nothing more is executed; closes when the replies have left. */
  closing = false;
  /** Bytes of requests and replies, and commands, since the start. */
  totalCommands = 0;

  constructor(components: {
    id: number;
    server: Server;
    reply: ReplyWriter;
    carrier: Carrier;
    nowMs: number;
  }) {
    this.id = components.id;
    this.server = components.server;
    this.reply = components.reply;
    this.carrier = components.carrier;
    this.createdMs = components.nowMs;
    this.lastActiveMs = components.nowMs;
    this.readLevel = this.server.readLevel;
    this.writeLevel = this.server.writeLevel;
    this.setGate(GATE_READ_LEVEL, this.readLevel > LEVEL_ONE);
  }

  setLevels(readLevel: number, writeLevel: number): void {
    this.readLevel = readLevel;
    this.writeLevel = writeLevel;
    this.setGate(GATE_READ_LEVEL, readLevel > LEVEL_ONE);
  }

  /** The request that AT has changed the levels for is over. */
  resetLevels(): void {
    const { levelsAfter } = this;
    this.levelsAfter = undefined;
    if (levelsAfter !== undefined) this.setLevels(levelsAfter.readLevel, levelsAfter.writeLevel);
  }

  /** Another member may write for it, at its level. */
  writesAway(): void {
    if (this.awayLevel < 0 || this.writeLevel < this.awayLevel) this.awayLevel = this.writeLevel;
  }

  /** Its replies wait for what it has changed since `store.changeCount` was `before`. */
  noteWrites(before: number): void {
    const { replication, store } = this.server;
    const { changeCount } = store;
    if (changeCount === before || replication === undefined) return;
    // AT has done so at its own level.
    if (changeCount === replication.notedCount) return;
    replication.notedCount = changeCount;
    this.writtenLast = replication.turn;
    if (this.writtenFirst === 0) this.writtenFirst = this.writtenLast;
    if (this.writeLevel === LEVEL_ONE || (this.gate & GATE_REPLY_MODE) !== 0) return;
    this.writes.add(replication.turn, this.writeLevel, this.carrier.replyMark);
  }

  /** The database that was selected. */
  get database(): Database {
    return this.side ?? this.server.store.databases[this.databaseIndex]!;
  }

  get authenticated(): boolean {
    return (this.gate & GATE_NO_AUTH) === 0;
  }

  setAuthenticated(authenticated: boolean): void {
    this.setGate(GATE_NO_AUTH, !authenticated);
    this.carrier.setAuthenticated(authenticated);
  }

  /** It runs the commands of scripts. */
  get isOfScripts(): boolean {
    return this.id === SCRIPTS_ID;
  }

  get inTransaction(): boolean {
    return (this.gate & GATE_MULTI) !== 0;
  }

  get isSubscribed(): boolean {
    return (this.subscriptions?.total ?? 0) > 0;
  }

  /** To be called when subscriptions or the protocol have changed. */
  followSubscriptions(): void {
    this.setGate(GATE_SUBSCRIBED, this.reply.protocol === 2 && this.isSubscribed);
  }

  /**
   * Sends a message that is no reply. While the session's own command runs, or a reply is on its
   * way in slices, the message waits for its end, so that it never lies within a reply.
   */
  push(message: PushMessage): void {
    if (this.closing) return;
    const bytes = message.as(this.reply.protocol);
    if (this.server.current === this || this.task !== undefined) this.#queue(bytes);
    else this.#write(bytes);
  }

  /** Sends `target` a message once the command at hand is over, after all other messages. */
  pushLate(target: Session, message: PushMessage): void {
    const bytes = Buffer.from(message.as(target.reply.protocol));
    this.#latePushes.push({ target, bytes });
    this.setGate(GATE_PUSHES, true);
  }

  /** A reply is complete: what waited for that follows it. */
  deliverPushes(): void {
    if ((this.gate & GATE_PUSHES) === 0) return;
    for (const bytes of this.#pushes) this.reply.raw(bytes, 0, bytes.length);
    this.#pushes = [];
    this.queuedPushBytes = 0;
    this.setGate(GATE_PUSHES, false);
    const late = this.#latePushes;
    this.#latePushes = [];
    for (const { target, bytes } of late) {
      if (target.task !== undefined) target.#queue(bytes);
      else if (!target.closing) target.#write(bytes);
    }
  }

  #queue(bytes: Buffer): void {
    this.#pushes.push(Buffer.from(bytes));
    this.queuedPushBytes += bytes.length;
    this.setGate(GATE_PUSHES, true);
    this.server.checkOutput(this);
  }

  #write(bytes: Buffer): void {
    this.reply.raw(bytes, 0, bytes.length);
    this.carrier.flushSoon();
  }

  setGate(bit: number, on: boolean): void {
    this.gate = on ? this.gate | bit : this.gate & ~bit;
  }

  /**
   * Does the first slice of the command at hand now and the rest, if any, in later turns; the
   * session executes nothing else until then. Inside EXEC, where the whole must be one step for
   * everybody else, the task runs to its end at once.
   */
  defer(task: Task): void {
    if (this.server.dispatcher.atomic) {
      while (!task.step(Number.POSITIVE_INFINITY));
      return;
    }
    const { tasks, transfers } = this.server;
    const isTransfer = task.isTransfer === true || this.peer?.channel === 'bulk';
    const queue = isTransfer ? transfers : tasks;
    if (queue.begin(this, task, FIRST_SLICE_MS)) return;
    this.suspended = true;
    this.task = task;
  }

  /**
   * `defer` for what must be one step for everybody else, and is not only inside EXEC: nobody's command
   * runs until the task is done.
   */
  deferAlone(task: Task): void {
    if (!this.server.dispatcher.atomic) this.server.alone.run(this, task);
    else while (!task.step(Number.POSITIVE_INFINITY));
  }

  /**
   * The command at hand waits until one of its keys is ready or its time is over; see blocking.ts,
   * with an example. In MULTI and in scripts it does not wait: it is as if the time were over.
   */
  block(args: Args, options: BlockOptions): void {
    this.server.blocking.block(this, args, options);
  }

  /** Forgets all watched keys. */
  unwatch(): void {
    for (const { database, key } of this.watched.values()) {
      this.server.store.watches.remove(database, key, this);
    }
    this.watched.clear();
    this.dirty = false;
    if (this.remoteWatches !== undefined) this.server.router?.watches.forget(this);
  }

  watch(key: string): void {
    const id = `${this.databaseIndex}:${key}`;
    if (this.watched.has(id)) return;
    this.watched.set(id, { database: this.databaseIndex, key });
    this.server.store.watches.add(this.databaseIndex, key, this);
  }

  /** Leaves MULTI, if in it, and forgets watched keys. */
  discard(): void {
    this.transaction = undefined;
    this.setGate(GATE_MULTI, false);
    this.unwatch();
  }
}
