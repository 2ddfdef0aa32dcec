/**
 * SharedCode: scripts of SCRIPT LOAD and libraries of functions are the same at all members. A command
 * that changes them goes to everybody (kinds.ts); who was not there, since it joined later, was down
 * or stood still, asks another member for what is newer.
 *
 *   CODE             -> [stamp, sha1 ...] of the scripts, [stamp, sha1 ...] of the libraries
 *   CODE kind sha1   -> one text; nil: it is gone            kind: SCRIPT, LIBRARY
 *
 * Each of the two lists is one value with the stamp of its last change, and the later one holds. So
 * what two halves of a broken ring have changed is not merged: the later change wins with its whole
 * list, as it would with one key.
 */
import { createHash } from 'node:crypto';
import { PeerError } from '../../discord/peer/peer-error.js';
import type { PeerReply } from '../../discord/peer/pipeline.js';
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Timer, World } from '../../world/world.js';
import type { RingLinks } from '../ring/ring-links.js';
import type { Server } from '../server/server.js';

const CODE_VERB = 'CODE';
const SCRIPT = 'SCRIPT';
const LIBRARY = 'LIBRARY';
/** How often another member is asked, and after it could not be asked, ms. */
const ASK_EVERY_MS = 5000;
const RETRY_MS = 250;
const ANSWER_TIMEOUT_MS = 10_000;

interface Listed {
  readonly stamp: number;
  readonly sha1s: readonly string[];
}

export class SharedCode {
  readonly #server: Server;
  readonly #links: RingLinks;
  readonly #world: World;
  #timer: Timer | undefined;
  #isAsking = false;
  #isStopped = false;
  /** A member has answered since this node started. */
  #hasHeard = false;

  constructor(server: Server, links: RingLinks) {
    this.#server = server;
    this.#links = links;
    this.#world = server.store.world;
    links.serve({
      name: CODE_VERB,
      channel: 'bulk',
      handler: (_session, args, reply) => this.#answer(args, reply),
    });
    links.listen({ view: () => this.#plan(0), liveness: () => this.#plan(0) });
    this.#plan(0);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #plan(delayMs: number): void {
    if (this.#isStopped || this.#isAsking) return;
    this.#timer?.cancel();
    this.#timer = this.#world.timers.after(delayMs, () => this.#ask(), true);
  }

  #ask(): void {
    const memberId = this.#choose();
    if (memberId === undefined) return this.#plan(ASK_EVERY_MS);
    this.#isAsking = true;
    void this.#fetch(memberId).then((isDone) => {
      this.#isAsking = false;
      this.#hasHeard ||= isDone;
      this.#plan(isDone ? ASK_EVERY_MS : RETRY_MS);
    });
  }

  /** Any other that is alive; at first the oldest, who has missed nothing. */
  #choose(): string | undefined {
    if (!this.#links.isReady) return undefined;
    const { responsibility, selfId } = this.#links;
    const others = responsibility.view.members.filter(
      ({ id }) => id !== selfId && this.#links.isAlive(id),
    );
    if (others.length === 0) return undefined;
    if (this.#hasHeard) return others[this.#world.random.below(others.length)]!.id;
    return others.reduce((one, other) => (other.origin < one.origin ? other : one)).id;
  }

  /** False: it did not work, or not to its end. */
  async #fetch(memberId: string): Promise<boolean> {
    const lists = await this.#request(memberId, []);
    if (!Array.isArray(lists) || lists.length !== 2) return false;
    const [scripts, libraries] = lists.map(listedOf);
    if (scripts === undefined || libraries === undefined) return false;
    if (this.#server.scripts.runner.running !== undefined) return false;
    const { code } = this.#server.scripts;
    const isDone = scripts.stamp <= code.scripts || (await this.#takeScripts(memberId, scripts));
    if (libraries.stamp <= code.libraries) return isDone;
    return (await this.#takeLibraries(memberId, libraries)) && isDone;
  }

  async #takeScripts(memberId: string, { sha1s, stamp }: Listed): Promise<boolean> {
    const { scripts } = this.#server;
    const before = scripts.code.scripts;
    const wanted = new Set(sha1s);
    const isFlushed = [...scripts.cache.loaded()].some(({ sha1 }) => !wanted.has(sha1));
    if (isFlushed) scripts.flushScripts();
    for (const sha1 of wanted) {
      if (scripts.cache.hasLoaded(sha1)) continue;
      const text = await this.#request(memberId, [SCRIPT, sha1]);
      if (!Buffer.isBuffer(text) || scripts.runner.running !== undefined) return false;
      scripts.cache.ofText(text.toString('latin1'), scripts.scriptEngine, true);
    }
    if (scripts.code.scripts !== before) return false;
    scripts.code.scripts = stamp;
    this.#server.store.witness(stamp);
    return true;
  }

  async #takeLibraries(memberId: string, { sha1s, stamp }: Listed): Promise<boolean> {
    const { scripts } = this.#server;
    const before = scripts.code.libraries;
    const own = new Map(scripts.codes().map((code) => [sha1Of(code), code]));
    const codes: string[] = [];
    for (const sha1 of sha1s) {
      const code = own.get(sha1) ?? (await this.#request(memberId, [LIBRARY, sha1]));
      if (!Buffer.isBuffer(code)) return false;
      codes.push(code.toString('latin1'));
    }
    if (scripts.code.libraries !== before || scripts.runner.running !== undefined) return false;
    const error = scripts.restoreLibraries(codes, 'FLUSH');
    if (error !== undefined) {
      this.#server.log.error(
        { memberId, error },
        'libraries of functions of another member fail here',
      );
      return false;
    }
    scripts.code.libraries = stamp;
    this.#server.store.witness(stamp);
    this.#server.persistence?.journal.librariesChanged();
    return true;
  }

  /** Undefined: there was no answer, or a refusal. */
  #request(memberId: string, words: readonly string[]): Promise<PeerReply | undefined> {
    return new Promise((resolve) => {
      const request = this.#links.request(
        memberId,
        'bulk',
        [CODE_VERB, ...words],
        ANSWER_TIMEOUT_MS,
        (error, reply) => resolve(error === null && !(reply instanceof Error) ? reply : undefined),
      );
      if (request instanceof PeerError) resolve(undefined);
    });
  }

  #answer(args: Args, reply: ReplyWriter): void {
    const { scripts } = this.#server;
    if (args.count === 1) {
      const sha1s = Array.from(scripts.cache.loaded(), ({ sha1 }) => sha1);
      reply.array(2);
      writeList(reply, scripts.code.scripts, sha1s);
      writeList(reply, scripts.code.libraries, scripts.codes().map(sha1Of));
      return;
    }
    const sha1 = args.count === 3 ? args.string(2) : '';
    let text: Buffer | undefined;
    if (args.equalsIgnoreCase(1, SCRIPT)) text = scripts.cache.textOf(sha1);
    else if (args.equalsIgnoreCase(1, LIBRARY)) {
      text = scripts.codes().find((code) => sha1Of(code) === sha1);
    } else return reply.error('ERR CODE takes nothing, or SCRIPT or LIBRARY and a SHA1');
    if (text === undefined) reply.nil();
    else reply.bulk(text, 0, text.length);
  }
}

function writeList(reply: ReplyWriter, stamp: number, sha1s: readonly string[]): void {
  reply.array(1 + sha1s.length);
  reply.integer(stamp);
  for (const sha1 of sha1s) reply.bulkLatin1(sha1);
}

function listedOf(reply: PeerReply): Listed | undefined {
  if (!Array.isArray(reply)) return undefined;
  const [stamp, ...sha1s] = reply;
  if (typeof stamp !== 'number' || !Number.isSafeInteger(stamp)) return undefined;
  if (!sha1s.every((each): each is Buffer => Buffer.isBuffer(each))) return undefined;
  return { stamp, sha1s: sha1s.map((each) => each.toString('latin1')) };
}

function sha1Of(code: Buffer): string {
  return createHash('sha1').update(code).digest('hex');
}
