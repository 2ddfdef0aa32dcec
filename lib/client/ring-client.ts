/**
 * RingClient: a client that knows the ring, and sends each command to who owns its keys.
 *
 *   call --> owner of its keys, if connected --+--> reply
 *        --> else any node that is connected --+--> not sent, or told that it was not applied: again
 *        --> else it waits                     +--> sent, and the connection broke: again if it only
 *                                                   reads, else DISCONNECTED (in doubt)
 *
 * One connection for each member, pipelined. Those that break come back by themselves after a pause
 * that grows. The ring is asked for once a period, and at once when a connection breaks; a wrong idea
 * of it costs a hop, never an answer, since any node takes any command.
 *
 * Invariants: a call settles once, by its deadline; at most CALLS_MAX calls wait for a connection or
 * for their next try. Commands without an owner go to one node as long as it lasts: cursors of SCAN
 * are known there only.
 */
import { PeerConnection } from '../../discord/peer/connection.js';
import type { PeerError } from '../../discord/peer/peer-error.js';
import type { PeerReply } from '../../discord/peer/pipeline.js';
import type { Timer, World } from '../../world/world.js';
import { Events, type Unsubscribe } from '../events.js';
import { parseMemberAddress } from '../ring/member-address.js';
import { Call, type Reply } from './call.js';
import { ClientError, errorOfReply } from './client-error.js';
import { clientGreeting } from './greeting.js';
import type { ClientOptions } from './options.js';
import { type RingInfo, type RingView, viewOfReply } from './ring-view.js';
import { ownerOf, type Plan, planOf } from './routes.js';

/** Calls that wait for a connection or their next try. */
const CALLS_MAX = 65_536;
const MIB = 1024 * 1024;
/** Of each connection. */
const LIMITS = {
  waitingMax: 65_536,
  waitingBytesMax: 64 * MIB,
  inFlightMax: 1024,
  inFlightBytesMax: 16 * MIB,
};
/** A reply may be as large as a value. */
const REPLY_BYTES_MAX = 1024 * MIB;
const RING_TIMEOUT_MS = 2000;
const PAUSE_MAX_MS = 1000;
/** Replies that say that nothing was applied, and that it goes better soon. */
const NOT_APPLIED = /^(TRYAGAIN|CLUSTERDOWN|LOADING) /;
const RING_WORDS = ['DHASH', 'RING'];

type Connection = PeerConnection<string>;

export interface ClientEvents {
  /** Another view of the ring. */
  ring: RingInfo;
  /** A connection is there. */
  connected: { readonly address: string };
  /** A connection is gone, or was not made, or the node cannot tell of its ring; tried again. */
  lost: { readonly address: string; readonly error: Error };
}

export class RingClient {
  readonly #world: World;
  readonly #options: Required<ClientOptions>;
  readonly #contacts: readonly string[];
  readonly #events = new Events<ClientEvents>();
  readonly #connections = new Map<string, Connection>();
  readonly #waiting = new Set<Call>();
  /** Where commands without an owner go. */
  #home = '';
  #view: RingView | undefined;
  #refresh: Timer | undefined;
  #isAsking = false;
  #isClosed = false;

  /** `contacts`: addresses of some nodes, HOST:PORT. Begins at once. */
  constructor(world: World, contacts: readonly string[], options: Required<ClientOptions>) {
    this.#world = world;
    this.#options = options;
    this.#contacts = contacts;
    this.#follow();
    this.#refresh = world.timers.every(options.refreshMs, () => this.#askRing(), true);
  }

  /** Undefined until a node has told. */
  get ring(): RingInfo | undefined {
    return this.#view?.info;
  }

  /** Address of the member that owns a key, as this client knows the ring. */
  ownerOf(key: string | Buffer): string | undefined {
    if (this.#view === undefined) return undefined;
    const { ring } = this.#view;
    const bytes = Buffer.from(key as string);
    return ring.members[ring.ownerOf(bytes, 0, bytes.length)]?.address;
  }

  /** Whether commands can be sent to this address now. */
  isConnected(address: string): boolean {
    return this.#openAt(address) !== undefined;
  }

  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents[Name]) => void,
  ): Unsubscribe {
    return this.#events.on(name, listener);
  }

  /**
   * Sends a command. Rejects with a ClientError: an error reply, or what `ClientError` lists. Errors
   * within an array stand in it as ClientErrors.
   */
  async call(...words: readonly (string | number | Buffer)[]): Promise<Reply> {
    return plain(await this.#call(words), (bytes) => bytes.toString());
  }

  /** `call`, with bulk and simple strings as Buffers. */
  async callBytes(...words: readonly (string | number | Buffer)[]): Promise<Reply> {
    return plain(await this.#call(words), (bytes) => bytes);
  }

  /** For good. What has no reply yet is rejected with CLOSED. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#refresh?.cancel();
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
    for (const call of this.#waiting) call.fail('CLOSED', 'the client was closed');
    this.#waiting.clear();
  }

  // --- calls -----------------------------------------------------------------------------------

  #call(given: readonly (string | number | Buffer)[]): Promise<PeerReply> {
    return new Promise((resolve, reject) => {
      const words = given.map(bytesOfWord);
      const plan: Plan = planOf(words);
      const dueMs = this.#nowMs() + this.#options.timeoutMs;
      const settle = (error: ClientError | null, reply: PeerReply): void => {
        if (error === null && reply instanceof Error) reject(errorOfReply(reply));
        else if (error === null) resolve(reply);
        else reject(error);
      };
      this.#try(new Call(words, plan, dueMs, settle));
    });
  }

  #try(call: Call): void {
    if (this.#isClosed) return call.fail('CLOSED', 'the client was closed');
    const leftMs = call.dueMs - this.#nowMs();
    if (leftMs <= 0) return this.#timedOut(call);
    const connection = this.#connectionFor(call);
    if (connection === undefined) return this.#park(call, leftMs, () => this.#timedOut(call));
    const sent = connection.request(call.words, leftMs, (error, reply) => {
      if (error !== null) this.#failed(call, error);
      else if (reply instanceof Error && NOT_APPLIED.test(reply.message)) this.#again(call, reply);
      else call.finish(reply);
    });
    // It is open, so all that it can lack is room.
    if (sent instanceof Error) call.fail('BUSY', 'too many calls wait for this node');
  }

  #timedOut(call: Call, isInDoubt = false): void {
    call.fail('TIMEOUT', `no reply within ${this.#options.timeoutMs} ms`, isInDoubt);
  }

  #failed(call: Call, error: PeerError): void {
    if (error.code === 'PEER_TIMEOUT') return this.#timedOut(call, error.wasSent);
    if (this.#isClosed) return call.fail('CLOSED', 'the client was closed', error.wasSent);
    if (!error.wasSent || call.plan.isRead) return this.#try(call);
    call.fail('DISCONNECTED', `the connection broke (${error.message})`, true);
  }

  /** The ring is about to change, or changes: a node has refused to do it now. */
  #again(call: Call, reply: Error): void {
    const pauseMs = call.nextPauseMs();
    if (this.#nowMs() + pauseMs >= call.dueMs) return call.finish(reply);
    this.#park(call, pauseMs, () => this.#try(call));
  }

  /** Keeps a call until a connection opens or the time is over. */
  #park(call: Call, delayMs: number, then: () => void): void {
    if (this.#waiting.size >= CALLS_MAX) return call.fail('BUSY', 'too many calls wait');
    this.#waiting.add(call);
    call.timer = this.#world.timers.after(delayMs, () => {
      this.#waiting.delete(call);
      then();
    });
  }

  #connectionFor({ plan }: Call): Connection | undefined {
    if (this.#view !== undefined) {
      const { ring } = this.#view;
      const owner = ownerOf(plan, ring);
      const connection = owner < 0 ? undefined : this.#openAt(ring.members[owner]!.address);
      if (connection !== undefined) return connection;
    }
    return this.#anyOpen();
  }

  #openAt(address: string): Connection | undefined {
    const connection = this.#connections.get(address);
    return connection?.state === 'open' ? connection : undefined;
  }

  #anyOpen(): Connection | undefined {
    const home = this.#openAt(this.#home);
    if (home !== undefined) return home;
    const open = [...this.#connections].filter(([, { state }]) => state === 'open');
    const members = open.filter(([address]) => this.#memberAt(address) !== undefined);
    const choice = members.length > 0 ? members : open;
    if (choice.length === 0) return undefined;
    const [address, connection] = choice[this.#world.random.below(choice.length)]!;
    this.#home = address;
    return connection;
  }

  // --- the ring --------------------------------------------------------------------------------

  #askRing(): void {
    const connection = this.#anyOpen();
    if (this.#isClosed || this.#isAsking || connection === undefined) return;
    const address = this.#home;
    const sent = connection.request(RING_WORDS, RING_TIMEOUT_MS, (error, reply) => {
      this.#isAsking = false;
      if (error === null) this.#heard(address, reply);
    });
    this.#isAsking = !(sent instanceof Error);
  }

  #heard(address: string, reply: PeerReply): void {
    if (this.#isClosed) return;
    const view = viewOfReply(reply);
    if (view instanceof ClientError) return this.#events.emit('lost', { address, error: view });
    if (!view.isNewerThan(this.#view)) return;
    this.#view = view;
    this.#follow();
    this.#events.emit('ring', view.info);
  }

  #memberAt(address: string): { readonly id: string } | undefined {
    return this.#view?.info.members.find((member) => member.address === address);
  }

  /** Connections to all members and contacts; those to others go once nothing is in flight. */
  #follow(): void {
    const members = this.#view?.info.members ?? [];
    const wanted = new Set([...this.#contacts, ...members.map(({ address }) => address)]);
    for (const [address, connection] of this.#connections) {
      if (!wanted.has(address) && connection.state !== 'open') this.#drop(address, connection);
    }
    for (const address of wanted) {
      if (!this.#connections.has(address)) this.#connect(address);
    }
  }

  #isWanted(address: string): boolean {
    return this.#contacts.includes(address) || this.#memberAt(address) !== undefined;
  }

  #drop(address: string, connection: Connection): void {
    this.#connections.delete(address);
    connection.close();
  }

  #connect(address: string): void {
    // An address that makes no sense is one at which nobody answers.
    const at = parseMemberAddress(address) ?? { host: address, port: 0 };
    const greeting = clientGreeting(this.#options, () => this.#memberAt(address)?.id);
    const { timeoutMs } = this.#options;
    const connection: Connection = new PeerConnection(
      { world: this.#world, address: at, greeting },
      {
        limits: { ...LIMITS, stallMaxMs: 2 * timeoutMs },
        pauseMaxMs: PAUSE_MAX_MS,
        replyBytesMax: REPLY_BYTES_MAX,
      },
      {
        opened: () => this.#opened(address),
        lost: (error) => this.#lost(address, connection, error),
        room: () => {},
      },
    );
    this.#connections.set(address, connection);
    connection.start();
  }

  #opened(address: string): void {
    this.#askRing();
    this.#events.emit('connected', { address });
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) {
      call.timer?.cancel();
      this.#try(call);
    }
  }

  #lost(address: string, connection: Connection, error: PeerError): void {
    if (this.#connections.get(address) === connection && !this.#isWanted(address)) {
      this.#drop(address, connection);
    }
    this.#askRing();
    this.#events.emit('lost', { address, error });
  }

  #nowMs(): number {
    return this.#world.clock.monotonicMs();
  }
}

function bytesOfWord(word: string | number | Buffer): Buffer {
  if (Buffer.isBuffer(word)) return word;
  if (typeof word === 'string') return Buffer.from(word);
  if (typeof word === 'number') return Buffer.from(String(word));
  throw new ClientError('ARGUMENT', `words are strings, numbers or Buffers, not ${typeof word}`);
}

function plain(reply: PeerReply, ofBytes: (bytes: Buffer) => string | Buffer): Reply {
  if (Buffer.isBuffer(reply)) return ofBytes(reply);
  if (Array.isArray(reply)) return reply.map((each) => plain(each, ofBytes));
  return reply instanceof Error ? errorOfReply(reply) : reply;
}
