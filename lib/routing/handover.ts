/**
 * Handover: who gets keys that another member owned executes nothing for them before that one is
 * through with them.
 *
 *   A, owner in view 8   knows view 9 --> what it has written is acknowledged --> HANDOVER 9 --+
 *   B, owner in view 9   knows view 9 ............. waits for A ...............................+--> executes
 *
 * All members tell all others at each view, since who skips one does not know who has lost what in it.
 * Without it both would write the same keys for a moment, each without knowing of the other: of two
 * increments one would be lost, and what A has under way would be in doubt, for replicas have
 * something newer of B.
 *
 * It is no lease: of a member that is dead or says nothing for HANDOVER_MAX_MS nobody knows what it
 * still writes. Then the merge rule decides, and who has lost is told that it is in doubt.
 */
import type { Ring } from '../../discord/ring/ring.js';
import type { Args } from '../../resp/args.js';
import type { Command } from '../commands/command.js';
import type { RingLinks } from '../ring/ring-links.js';
import { SERVER_HANDOVER } from '../server/gates.js';
import type { Server } from '../server/server.js';
import type { Session } from '../server/session.js';
import { EXEC } from './kinds.js';
import { NO_OWNER, ownerOfKeys, SEVERAL } from './owned-keys.js';

/** So long keys have nobody who executes commands for them, if their last owner says nothing. */
export const HANDOVER_MAX_MS = 300;
const TELL_TIMEOUT_MS = 1000;

export class Handover {
  /** Times that this member went on without having heard of all that it waited for. */
  missed = 0;
  readonly #server: Server;
  readonly #links: RingLinks;
  /** That of the last view; undefined: there was none. */
  #ring: Ring | undefined;
  /** Rings before that some member is not known to be through with. */
  #before: Ring[] = [];
  /** Members whose keys this one has got, with the view under which they must be through. */
  readonly #awaited = new Map<string, number>();
  /** The highest view under which each member is through with those before it. */
  readonly #told = new Map<string, number>();
  readonly #dead = new Set<string>();

  constructor(server: Server, links: RingLinks) {
    this.#server = server;
    this.#links = links;
  }

  serve(): void {
    this.#links.serve({
      name: 'HANDOVER',
      channel: 'replica',
      handler: (session, args, reply) => {
        const epoch = args.count === 2 ? args.int64(1) : Number.NaN;
        if (!(epoch > 0)) {
          reply.error('ERR HANDOVER epoch');
          return;
        }
        const { memberId } = session.peer!;
        this.#told.set(memberId, Math.max(epoch, this.#told.get(memberId) ?? 0));
        if (epoch >= (this.#awaited.get(memberId) ?? Infinity)) this.#isThrough(memberId);
        reply.ok();
      },
    });
  }

  /** Another view holds, or none. */
  follow(): void {
    if (!this.#links.isReady) {
      this.#ring = undefined;
      this.#end();
      return;
    }
    const { current, view } = this.#links.responsibility;
    const before = this.#ring;
    this.#ring = current;
    if (before !== undefined) this.#await(before, current, view.epoch);
    // What was told of views before, or who has left, is of no use from now on.
    for (const [id, epoch] of this.#told) if (epoch < view.epoch) this.#told.delete(id);
    for (const id of this.#dead) if (!this.#isMember(id)) this.#dead.delete(id);
    // Not before replication has followed the view, too.
    this.#server.store.world.timers.soon(() => this.#tell(view.epoch));
  }

  liveness(memberId: string, isAlive: boolean): void {
    if (isAlive) {
      this.#dead.delete(memberId);
    } else {
      this.#dead.add(memberId);
      this.#isThrough(memberId);
    }
  }

  /**
   * Whether some key of the command has just come to this member, and who had it is not known to be
   * through with it.
   */
  awaits(command: Command, args: Args): boolean {
    if (command.route.kind === EXEC) return this.isAwaited;
    return this.#before.some((ring) => {
      const owner = ownerOfKeys(this.#server, ring, command, args);
      if (owner === NO_OWNER) return false;
      return owner === SEVERAL || this.#awaited.has(ring.members[owner]!.id);
    });
  }

  /** Members that this one waits for. */
  get awaitedCount(): number {
    return this.#awaited.size;
  }

  get isAwaited(): boolean {
    return this.#before.length > 0;
  }

  /** Calls of another member wait, whatever keys they are about, and what it sends behind them. */
  holdsBack(session: Session, args: Args): boolean {
    if (this.isAwaited) this.#server.holdBack(session, args);
    return this.isAwaited;
  }

  #isMember(id: string): boolean {
    const { current, next } = this.#links.responsibility;
    return [current, next].some((ring) => (ring?.indexOf(id) ?? -1) >= 0);
  }

  #await(before: Ring, current: Ring, epoch: number): void {
    const { selfId, selfIndex } = this.#links;
    if (selfIndex < 0) return;
    let isNews = false;
    for (const { position } of [...before.members, ...current.members]) {
      if (current.ownerOf(position, 0, position.length) !== selfIndex) continue;
      const { id } = before.members[before.ownerOf(position, 0, position.length)]!;
      if (id === selfId || this.#dead.has(id) || (this.#told.get(id) ?? 0) >= epoch) continue;
      this.#awaited.set(id, epoch);
      isNews = true;
    }
    if (!isNews) return;
    this.#before.push(before);
    this.#server.dispatcher.gate |= SERVER_HANDOVER;
    const { timers } = this.#server.store.world;
    timers.after(HANDOVER_MAX_MS, () => this.#giveUp(epoch), true);
  }

  #tell(epoch: number): void {
    const { replication } = this.#server;
    const { isReady, responsibility, selfId } = this.#links;
    // Who hears of the next view in this turn tells of that.
    if (!isReady || responsibility.view.epoch !== epoch) return;
    const { members, next } = responsibility.view;
    const ids = new Set([...members, ...(next?.members ?? [])].map(({ id }) => id));
    ids.delete(selfId);
    if (ids.size === 0) return;
    const tell = (): void => {
      for (const id of ids) {
        const words = ['HANDOVER', String(epoch)];
        this.#links.request(id, 'replica', words, TELL_TIMEOUT_MS, () => {});
      }
    };
    if (replication === undefined) tell();
    else replication.whenThrough(tell);
  }

  #isThrough(memberId: string): void {
    if (!this.#awaited.delete(memberId)) return;
    if (this.#awaited.size === 0) this.#end();
  }

  #giveUp(epoch: number): void {
    const members = [...this.#awaited.keys()].filter((id) => this.#awaited.get(id)! <= epoch);
    if (members.length === 0) return;
    this.missed += 1;
    this.#server.log.info({ members }, 'owners before have not handed over in time: goes on');
    for (const id of members) this.#isThrough(id);
  }

  #end(): void {
    this.#awaited.clear();
    if (!this.isAwaited) return;
    this.#before = [];
    this.#server.dispatcher.gate &= ~SERVER_HANDOVER;
    this.#server.letGoOn();
  }
}
