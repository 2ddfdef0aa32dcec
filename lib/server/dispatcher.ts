/**
 * From a request to its handler: looks the command up, checks what Redis checks and in its order,
 * queues in MULTI, times, counts, and runs it.
 *
 * The short way is for a session and a server with nothing unusual (both gates 0): one table
 * lookup, the arity, the handler. Everything that may stand in the way sets a bit in one of the
 * two gates and sends the command the long way.
 */
import type { Args } from '../../resp/args.js';
import { NameTable } from '../../resp/names.js';
import type { World } from '../../world/world.js';
import {
  ADMIN,
  ALLOW_BUSY,
  COUNTS,
  type Command,
  type CommandRow,
  DENY_OOM,
  FAST,
  type FoundKey,
  HIDDEN,
  MAY_REPLICATE,
  MAY_WRITE,
  NO_AUTH,
  NO_MULTI,
  NOT_QUEUED,
  PUSHES,
  READONLY,
  SCRIPT,
  WHILE_LOADING,
  WRITE,
} from '../commands/command.js';
import { commandsInUse } from '../commands/commands-in-use.js';
import { findKeys } from '../commands/key-positions.js';
import { findKnown } from '../commands/known-commands.js';
import {
  JOINING,
  LOADING,
  OUT_OF_MEMORY,
  shortText,
  unknownSubcommand,
  wrongArity,
} from '../commands/replies.js';
import { PUBLISH, WATCH } from '../routing/kinds.js';
import { keysRead } from '../routing/owned-keys.js';
import { errorReply } from '../routing/raw-reply.js';
import type { Store } from '../store/store.js';
import { TurnTimes } from './command-stats.js';
import {
  SERVER_ALONE,
  SERVER_DISK_FAILED,
  SERVER_ELEMENTS_DUE,
  SERVER_EXACT_TIMES,
  SERVER_HANDOVER,
  SERVER_JOINING,
  SERVER_KEYS_READY,
  SERVER_LOADING,
  SERVER_MEMBERS_MISSING,
  SERVER_MEMORY_LIMIT,
  SERVER_MONITORED,
  SERVER_PAUSED,
  SERVER_RING,
  SERVER_STOOD_STILL,
} from './gates.js';
import { PROTECTED_MODE_ERROR } from './protected-mode.js';
import type { Server } from './server.js';
import {
  GATE_LANE,
  GATE_MONITOR,
  GATE_MULTI,
  GATE_NO_AUTH,
  GATE_NO_TOUCH,
  GATE_PEER,
  GATE_PEERS_ONLY,
  GATE_READ_LEVEL,
  GATE_REPLY_MODE,
  GATE_SUBSCRIBED,
  GATE_TRACKING,
  type Session,
  type Task,
} from './session.js';
import { STOOD_STILL } from './standstill.js';
import { writeRefusal } from './write-refusal.js';

/** Of what is unusual, what keeps no command from the short way to its owner. */
const FORWARDING_GATES = ~GATE_LANE;

/** Time that a command may spend taking out what has expired before it gives others a turn, ms. */
const EXPIRE_SLICE_MS = 2;
/** Bytes that one transaction may hold back. */
const TRANSACTION_BYTES_MAX = 1024 * 1024 * 1024;
/** Arguments shown of an unknown command, and their length altogether. */
const UNKNOWN_ARGS_BYTES_MAX = 128;

export class Dispatcher {
  /** SERVER_... bits; 0 = nothing unusual. */
  gate = 0;
  /** True while EXEC runs: nothing may be put off. */
  atomic = false;
  readonly times = new TurnTimes();
  readonly commands: ReadonlyMap<string, Command>;

  readonly #table = new NameTable<Command>();
  readonly #server: Server;
  readonly #world: World;

  constructor(server: Server, world: World, rows: readonly CommandRow[]) {
    this.#server = server;
    this.#world = world;
    this.commands = commandsInUse(rows);
    for (const [name, command] of this.commands) this.#table.add(name, command);
  }

  /** Runs one request of a session and writes its reply. Never throws for what a client sent. */
  execute(session: Session, args: Args): void {
    const command = this.#table.find(args.buf, args.starts[0]!, args.ends[0]!);
    session.totalCommands += 1;
    const gate = session.gate | this.gate;
    if (
      command === undefined ||
      command.children !== undefined ||
      (command.flags & FAST) === 0 ||
      (gate !== 0 && !(gate === SERVER_RING && this.#server.router!.isLocal(command, args)))
    ) {
      const isForwarded =
        (gate & FORWARDING_GATES) === SERVER_RING &&
        command !== undefined &&
        this.#server.router!.forwards(session, command, args);
      if (!isForwarded) this.#executeSettled(session, args, command);
      return;
    }
    this.#executeShort(session, args, command);
  }

  /** `execute` for a guest, once it is known whose the keys are: here it is run. */
  executeHere(session: Session, args: Args, command: Command): void {
    session.totalCommands += 1;
    const gate = (session.gate | this.gate) & ~SERVER_RING;
    const isShort = command.children === undefined && (command.flags & FAST) !== 0 && gate === 0;
    if (isShort) this.#executeShort(session, args, command);
    else this.#executeSettled(session, args, command);
  }

  /** Nothing is unusual. */
  #executeShort(session: Session, args: Args, command: Command): void {
    const arity = command.arity;
    if (arity > 0 ? args.count !== arity : args.count < -arity) {
      this.#reject(session, command, wrongArity(command.fullName));
      return;
    }
    session.lastCommand = command;
    const reply = session.reply;
    const errors = reply.errorCount;
    if ((command.flags & COUNTS) !== 0 && !this.#expireFirst(session, args)) return;
    this.#server.store.beginCommand();
    this.times.count(command.stats);
    command.handler(session, args, reply);
    if (reply.errorCount !== errors) this.#countFailure(session, command);
  }

  /** The long way, on which any command may want totals as they are. */
  #executeSettled(session: Session, args: Args, command: Command | undefined): void {
    const { space } = this.#server.store;
    const { defersTotals } = space;
    space.defersTotals = false;
    space.settle();
    this.#executeLong(session, args, command);
    space.defersTotals = defersTotals;
  }

  /** Finds the command of a request, not its subcommand. */
  find(args: Args): Command | undefined {
    return this.#table.find(args.buf, args.starts[0]!, args.ends[0]!);
  }

  /** Finds the command or subcommand of a request; writes no reply. */
  lookup(args: Args): Command | undefined {
    const command = this.find(args);
    if (command?.children === undefined || args.count < 2) return command;
    return command.children.get(args.string(1).toLowerCase()) ?? command;
  }

  /** Serves sessions whose keys the last command has made ready. */
  serveReady(): void {
    // Nobody comes between the commands of a script, nor the slices of a command.
    if ((this.gate & (SERVER_KEYS_READY | SERVER_ALONE)) !== SERVER_KEYS_READY) return;
    this.gate &= ~SERVER_KEYS_READY;
    this.#server.blocking.serve();
  }

  /** The command of that name, `config|get` for a subcommand, whatever its case. */
  byName(name: string): Command | undefined {
    const [container, sub] = name.toLowerCase().split('|', 2);
    const command = this.commands.get(container ?? '');
    return sub === undefined ? command : command?.children?.get(sub);
  }

  /** Runs a command that all checks let through, with its statistics. EXEC calls this too. */
  call(session: Session, command: Command, args: Args): void {
    const server = this.#server;
    const store = server.store;
    const reply = session.reply;
    const errors = reply.errorCount;
    session.lastCommand = command;
    store.beginCommand();
    store.touching = (session.gate & GATE_NO_TOUCH) === 0 || command.name === 'touch';
    const isMonitored = (this.gate & SERVER_MONITORED) !== 0;
    const isShown = isMonitored && (command.flags & (HIDDEN | ADMIN)) === 0;
    if (isShown && (command.flags & SCRIPT) !== 0) server.feedMonitors(session, args);
    const exact = (this.gate & SERVER_EXACT_TIMES) !== 0 || (command.flags & FAST) === 0;
    if (!exact) {
      this.times.count(command.stats);
      command.handler(session, args, reply);
    } else {
      const startMs = this.#world.clock.monotonicMs();
      command.stats.calls += 1;
      command.handler(session, args, reply);
      const usec = (this.#world.clock.monotonicMs() - startMs) * 1000;
      command.stats.record(usec, 1);
      this.times.timedUsec += usec;
      if (!session.suspended) server.slow(session, command, args, usec);
    }
    store.touching = true;
    const isTracked = (session.gate & GATE_TRACKING) !== 0 && (command.flags & READONLY) !== 0;
    if (isTracked && session.tracking!.remembersReads) {
      // Of a script it is its caller.
      server.tracking.remember(session.tracking!.owner, keysRead(server, command, args));
    }
    if (isShown && (command.flags & SCRIPT) === 0) {
      session.lastCommand = command;
      server.feedMonitors(session, args);
    }
    if (reply.errorCount !== errors) this.#countFailure(session, command);
  }

  #executeLong(session: Session, args: Args, known: Command | undefined): void {
    if ((session.gate & GATE_LANE) !== 0 && this.#server.router!.mustWait(session, known, args)) {
      session.postponed = args.clone();
      session.suspended = true;
      return;
    }
    this.serveReady();
    session.deliverPushes();
    if ((session.gate & (GATE_PEER | GATE_PEERS_ONLY)) !== 0) {
      if (session.peer !== undefined) return this.#server.ring!.door.execute(session, args);
      if (known?.name !== 'peer') return this.#turnAway(session);
    }
    if ((session.gate & GATE_REPLY_MODE) !== 0) this.#executeMuted(session, args, known);
    else this.#executeChecked(session, args, known);
    const { tracking } = session;
    // CLIENT CACHING is about the command that follows it, or the transaction.
    if (tracking?.caching === true && !session.inTransaction && known?.name !== 'client') {
      tracking.caching = false;
    }
  }

  /** No member, where only members are welcome. */
  #turnAway(session: Session): void {
    session.reply.error(PROTECTED_MODE_ERROR);
    session.closing = true;
  }

  /** CLIENT REPLY OFF or SKIP: whatever is replied is forgotten, unless it is to REPLY ON. */
  #executeMuted(session: Session, args: Args, known: Command | undefined): void {
    const mark = session.reply.mark();
    const errors = session.reply.errorCount;
    if (session.replyMode === 'skip') {
      session.replyMode = 'on';
      session.setGate(GATE_REPLY_MODE, false);
      this.#executeChecked(session, args, known);
      if (session.postponed !== undefined) {
        // Held back: what is to be skipped is the reply that it gives once it runs.
        session.replyMode = 'skip';
        session.setGate(GATE_REPLY_MODE, true);
      }
    } else {
      this.#executeChecked(session, args, known);
      if (session.replyMode === 'on') return;
    }
    const hasPushed = known !== undefined && (known.flags & PUSHES) !== 0;
    if (hasPushed && session.reply.errorCount === errors) return;
    session.reply.rewind(mark);
    session.taskMuted = session.suspended && session.postponed === undefined;
    session.lane?.muteLast();
  }

  #executeChecked(session: Session, args: Args, known: Command | undefined): void {
    const command = known && this.#resolve(session, args, known);
    if (known !== undefined && command === undefined) return;
    if (command === undefined) {
      this.#reject(session, undefined, unknownCommand(args));
      return;
    }
    const arity = command.arity;
    if (arity > 0 ? args.count !== arity : args.count < -arity) {
      this.#reject(session, command, wrongArity(command.fullName));
      return;
    }
    if ((session.gate & GATE_NO_AUTH) !== 0 && (command.flags & NO_AUTH) === 0) {
      this.#reject(session, command, 'NOAUTH Authentication required.');
      return;
    }
    this.#queueOrCall(session, command, args);
  }

  /** The subcommand of a container command; undefined if the reply was written. */
  #resolve(session: Session, args: Args, command: Command): Command | undefined {
    if (command.children === undefined || args.count < 2) return command;
    const name = args.string(1);
    const child = command.children.get(name.toLowerCase());
    if (child !== undefined) return child;
    this.#reject(session, command, unknownSubcommand(command.name, name));
    return undefined;
  }

  #queueOrCall(session: Session, command: Command, args: Args): void {
    if ((session.gate & GATE_SUBSCRIBED) !== 0 && !allowedInSubscription(command)) {
      this.#reject(session, command, onlySubscriptions(command));
      return;
    }
    if ((session.gate & GATE_MONITOR) !== 0 && !allowedInMonitor(command)) {
      this.#reject(session, command, "ERR Replica can't interact with the keyspace");
      return;
    }
    if ((this.gate & SERVER_LOADING) !== 0 && (command.flags & WHILE_LOADING) === 0) {
      this.#reject(session, command, LOADING);
      return;
    }
    if ((this.gate & SERVER_JOINING) !== 0 && isOfMembers(command)) {
      this.#reject(session, command, JOINING);
      return;
    }
    // What members have others run says itself how old it is.
    const isStale = (this.gate & SERVER_STOOD_STILL) !== 0 && !session.isGuest;
    if (isStale && (mayWrite(command) || runsWrites(session, command))) {
      this.#reject(session, command, STOOD_STILL);
      return;
    }
    if ((this.gate & SERVER_DISK_FAILED) !== 0 && needsDisk(session, command)) {
      this.#reject(session, command, this.#server.diskError());
      return;
    }
    if ((this.gate & SERVER_MEMBERS_MISSING) !== 0) {
      const refusal = writeRefusal(session, command, args);
      if (refusal !== undefined) {
        this.#reject(session, command, refusal);
        return;
      }
    }
    if ((this.gate & SERVER_ALONE) !== 0 && !this.#mayInterrupt(session, command, args)) return;
    if (this.#mustWait(session, command, args)) {
      session.lastCommand = command;
      this.#server.holdBack(session, args);
      return;
    }
    const isQueued = (session.gate & GATE_MULTI) !== 0 && (command.flags & NOT_QUEUED) === 0;
    if ((this.gate & SERVER_RING) !== 0 && !isQueued) {
      if (this.#server.router!.takes(session, command, args)) return;
    }
    if ((this.gate & SERVER_MEMORY_LIMIT) !== 0 && !this.#makesRoom(session, command, args)) {
      return;
    }
    if (isQueued) {
      this.#queue(session, command, args);
      return;
    }
    if ((session.gate & GATE_READ_LEVEL) !== 0 && !this.#isFresh(session, command, args)) return;
    if ((command.flags & COUNTS) !== 0 && !this.#expireFirst(session, args)) return;
    if ((this.gate & SERVER_ELEMENTS_DUE) !== 0 && !this.#expireElements(session, command, args)) {
      return;
    }
    this.call(session, command, args);
  }

  /** False if other replicas are asked first, or the read was refused. */
  #isFresh(session: Session, command: Command, args: Args): boolean {
    const { replication } = this.#server;
    if ((command.flags & READONLY) === 0 || replication?.isOn !== true) return true;
    const begun = replication.reads.begin(session, command, args);
    if (typeof begun === 'string') this.#reject(session, command, begun);
    return begun === false;
  }

  /** While another command is alone: false if this one was refused, or held back. */
  #mayInterrupt(session: Session, command: Command, args: Args): boolean {
    const { alone, scripts } = this.#server;
    if (scripts.runner.isBusy) {
      if ((command.flags & ALLOW_BUSY) !== 0) return true;
      this.#reject(session, command, scripts.runner.busyError);
      return false;
    }
    session.lastCommand = command;
    alone.holdBack(session, args);
    return false;
  }

  #mustWait(session: Session, command: Command, args: Args): boolean {
    // Guests were let in.
    if ((this.gate & SERVER_HANDOVER) !== 0 && !session.isGuest) {
      if (this.#server.router!.handover.awaits(command, args)) return true;
    }
    if ((this.gate & SERVER_PAUSED) === 0) return false;
    if (command.name === 'client' || command.fullName.startsWith('client|')) return false;
    if (this.#server.pauseAll) return true;
    if (isHeldBack(command)) return (session.gate & GATE_MULTI) === 0;
    if (command.name !== 'exec') return false;
    const queue = session.transaction?.queue ?? [];
    return queue.some((queued) => isHeldBack(queued.command));
  }

  /**
   * Evicts what is too much. False if the command needs memory and there is none, so that it is
   * refused; or if that takes longer, so that it waits.
   */
  #makesRoom(session: Session, command: Command, args: Args): boolean {
    const { evicting, store } = this.#server;
    if (store.eviction.hasRoom) return true;
    const needsMemory = this.#needsMemory(session, command);
    // Who needs memory looks for it even while that is under way: there may be none left to find.
    if (needsMemory || !evicting.isRunning) {
      const room = store.eviction.stepOfCommand();
      if (room === 'enough') return true;
      if (room === 'none' && needsMemory) {
        this.#reject(session, command, OUT_OF_MEMORY);
        return false;
      }
      if (room === 'more') evicting.start();
    }
    if (!needsMemory) return true;
    session.postponed = args.clone();
    session.defer({ step: (deadlineMs) => store.eviction.step(deadlineMs) !== 'more' });
    return false;
  }

  #needsMemory(session: Session, command: Command): boolean {
    if (command.name !== 'exec') return (command.flags & DENY_OOM) !== 0;
    const queue = session.transaction?.queue ?? [];
    return queue.some((queued) => (queued.command.flags & DENY_OOM) !== 0);
  }

  #queue(session: Session, command: Command, args: Args): void {
    const transaction = session.transaction!;
    if ((command.flags & NO_MULTI) !== 0) {
      this.#reject(session, command, 'ERR Command not allowed inside a transaction');
      return;
    }
    const copy = args.clone();
    transaction.bytes += copy.buf.length;
    if (transaction.bytes > TRANSACTION_BYTES_MAX) {
      this.#reject(
        session,
        command,
        `ERR transaction is larger than ${TRANSACTION_BYTES_MAX} bytes, not queued`,
      );
      return;
    }
    transaction.queue.push({ command, args: copy });
    session.reply.queued();
  }

  /** Takes out what has expired; false if there is so much that the command was postponed. */
  #expireFirst(session: Session, args: Args): boolean {
    const store = this.#server.store;
    if (this.atomic) return store.expireDue(Number.POSITIVE_INFINITY);
    if (!store.hasDue()) return true;
    if (store.expireDue(this.#world.clock.monotonicMs() + EXPIRE_SLICE_MS)) return true;
    session.postponed = args.clone();
    session.defer(expiryOf(store));
    return false;
  }

  /** The same of elements of the command's keys. */
  #expireElements(session: Session, command: Command, args: Args): boolean {
    const known = findKnown(this.#server, command.fullName);
    if (known === undefined || this.atomic) return true;
    const deadlineMs = this.#world.clock.monotonicMs() + EXPIRE_SLICE_MS;
    if (expireElements(session, findKeys(known, args), deadlineMs)) return true;
    const postponed = args.clone();
    const keys = findKeys(known, postponed);
    session.postponed = postponed;
    session.defer({ step: (dueMs) => expireElements(session, keys, dueMs) });
    return false;
  }

  #reject(session: Session, command: Command | undefined, text: string): void {
    if (command !== undefined) command.stats.rejectedCalls += 1;
    const transaction = session.transaction;
    if (transaction !== undefined) transaction.failed = true;
    let told = text;
    if (command?.name === 'exec') {
      // A transaction whose EXEC was refused is over, as any other that was discarded.
      session.discard();
      const reason = text.startsWith('ERR ') ? text.slice('ERR '.length) : text;
      told = `EXECABORT Transaction discarded because of: ${reason}`;
    }
    const { lane } = session;
    if (lane?.isEmpty === false) lane.finishNow(errorReply(told));
    else session.reply.error(told);
    this.#server.countError(told);
  }

  #countFailure(session: Session, command: Command): void {
    command.stats.failedCalls += 1;
    this.#server.countError(session.reply.lastError);
  }
}

/** Apart, for its closure would cost each command that looks for what is due a context. */
function expiryOf(store: Store): Task {
  return { step: (deadlineMs) => store.expireDue(deadlineMs) };
}

/** What is refused while nothing can be kept: writes, and PING, by which a client is to notice. */
function needsDisk(session: Session, command: Command): boolean {
  return runsWrites(session, command) || command.name === 'ping';
}

function runsWrites(session: Session, command: Command): boolean {
  if (command.name !== 'exec') return (command.flags & WRITE) !== 0;
  return (session.transaction?.queue ?? []).some((queued) => mayWrite(queued.command));
}

/** Removes elements of these keys that have expired; false: there are more. */
function expireElements(
  { database }: Session,
  keys: readonly FoundKey[],
  deadlineMs: number,
): boolean {
  return keys.every(({ buf, from, to }) => database.expireElements(buf, from, to, deadlineMs));
}

/** What CLIENT PAUSE WRITE holds back: what may write, here or for others. */
function isHeldBack(command: Command): boolean {
  return mayWrite(command) || MAY_REPLICATE.has(command.name);
}

/** Whatever writes, and scripts that may. */
function mayWrite({ flags }: Command): boolean {
  return (flags & MAY_WRITE) !== 0 && (flags & READONLY) === 0;
}

/** Whether a node must be a member of its ring for it: others would not hear of it. */
function isOfMembers({ flags, route }: Command): boolean {
  return (flags & WHILE_LOADING) === 0 || route.kind === PUBLISH || route.kind === WATCH;
}

function allowedInMonitor(command: Command): boolean {
  return ['quit', 'reset', 'ping', 'auth', 'hello', 'select'].includes(command.name);
}

function allowedInSubscription(command: Command): boolean {
  return (command.flags & PUSHES) !== 0 || ['ping', 'quit', 'reset'].includes(command.name);
}

function onlySubscriptions({ fullName }: Command): string {
  return (
    `ERR Can't execute '${fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / ` +
    'RESET are allowed in this context'
  );
}

function unknownCommand(args: Args): string {
  let shown = '';
  for (let i = 1; i < args.count && shown.length < UNKNOWN_ARGS_BYTES_MAX; i += 1) {
    const room = UNKNOWN_ARGS_BYTES_MAX - shown.length;
    shown += `'${shortText(args.string(i), room)}' `;
  }
  const name = shortText(args.string(0), UNKNOWN_ARGS_BYTES_MAX);
  return `ERR unknown command '${name}', with args beginning with: ${shown}`;
}
