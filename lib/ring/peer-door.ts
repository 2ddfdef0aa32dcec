/**
 * The door for members: PEER HELLO and PEER PROVE on the port that clients use, and what a
 * connection that has proved itself may ask then.
 *
 *   client --PEER HELLO--> greeting --PEER PROVE--> member: verbs only, by channel
 *                             |
 *                             +-- refused: the reason as an error, then the end
 *
 * Invariant: `session.peer` is set only once the secret was proved.
 */
import { type Identity, Listener, NONCE_BYTES } from '../../discord/peer/handshake.js';
import { PeerClock } from '../../discord/peer/peer-clock.js';
import type { Args } from '../../resp/args.js';
import { NameTable } from '../../resp/names.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import { LOADING, shortText } from '../commands/replies.js';
import { SERVER_ALONE } from '../server/gates.js';
import { isLoopback } from '../server/protected-mode.js';
import type { Server } from '../server/server.js';
import { GATE_PEER, type Session } from '../server/session.js';
import { isLocalAddress } from './member-address.js';
import type { PeerVerb } from './ring-links.js';

/** Words of a greeting, with some to spare so that the handshake says what is wrong. */
const GREETING_WORDS_MAX = 16;
const SHOWN_BYTES_MAX = 64;

export interface PeerDoorOptions {
  readonly identity: () => Identity;
  /** Of this member. */
  readonly address: string;
  /** A member has made a connection. */
  readonly greeted: (peer: NonNullable<Session['peer']>) => void;
}

export class PeerDoor {
  readonly #server: Server;
  readonly #options: PeerDoorOptions;
  readonly #verbs = new NameTable<PeerVerb>();
  readonly #greetings = new WeakMap<Session, Listener>();

  constructor(server: Server, options: PeerDoorOptions) {
    this.#server = server;
    this.#options = options;
    this.serve({
      name: 'CLOCK',
      channel: 'data',
      isForLoading: true,
      handler: (session, args, reply) => {
        const theirMs = args.count === 2 ? args.int64(1) : Number.NaN;
        if (!(theirMs >= 0)) return reply.error('ERR a clock that cannot be read');
        session.peer!.clock.told(theirMs, this.#nowMs);
        reply.ok();
      },
    });
  }

  serve(verb: PeerVerb): void {
    this.#verbs.add(verb.name, verb);
  }

  /** PEER HELLO or PEER PROVE. */
  greet(session: Session, args: Args, reply: ReplyWriter): void {
    const place = this.#placeRefusal(session);
    if (place !== undefined) return this.#refuse(session, place, reply);
    const listener = this.#greetings.get(session) ?? this.#newGreeting(session);
    const words: string[] = [];
    for (let at = 0; at < Math.min(args.count, GREETING_WORDS_MAX); at += 1) {
      words.push(args.string(at));
    }
    const answer = listener.receive(words);
    if ('refusal' in answer) return this.#refuse(session, answer.refusal, reply);
    if ('proof' in answer) {
      reply.bulkLatin1(answer.proof);
    } else {
      reply.array(answer.fields.length);
      for (const field of answer.fields) reply.bulkLatin1(field);
    }
    if (listener.peer === undefined) return;
    this.#greetings.delete(session);
    session.peer = { ...listener.peer, clock: new PeerClock(this.#nowMs) };
    session.setAuthenticated(true);
    session.setGate(GATE_PEER, true);
    this.#options.greeted(session.peer);
  }

  /** A request of a member. */
  execute(session: Session, args: Args): void {
    const server = this.#server;
    const { reply } = session;
    const verb = this.#verbs.find(args.buf, args.starts[0]!, args.ends[0]!);
    if (verb === undefined) {
      reply.error(`PEERVERB members do not ask '${shortText(args.string(0), SHOWN_BYTES_MAX)}'`);
      return;
    }
    if (verb.channel !== session.peer?.channel) {
      reply.error(`PEERVERB ${verb.name} belongs on a connection of the ${verb.channel} channel`);
      return;
    }
    // What concerns keys waits as commands do for who is alone; whether somebody lives never waits.
    if (verb.channel !== 'control') {
      if (server.isLoading && verb.isForLoading !== true) return reply.error(LOADING);
      if ((server.dispatcher.gate & SERVER_ALONE) !== 0) {
        server.alone.holdBack(session, args);
        return;
      }
    }
    server.store.beginCommand();
    verb.handler(session, args, reply);
  }

  get #nowMs(): number {
    return this.#server.store.world.clock.monotonicMs();
  }

  #newGreeting(session: Session): Listener {
    const nonce = Buffer.alloc(NONCE_BYTES);
    this.#server.store.world.random.bytes(nonce);
    const listener = new Listener(this.#options.identity(), nonce);
    this.#greetings.set(session, listener);
    return listener;
  }

  /** Why nobody from there can be a member. */
  #placeRefusal(session: Session): string | undefined {
    const isHere = session.carrier.isUnix || isLoopback(session.carrier.remoteHost);
    if (this.#options.identity().secret.length === 0) {
      if (this.#server.settings.requirepass !== '') {
        return 'PEERSECRET this member has a password and no cluster secret: give it --cluster-secret';
      }
      if (!isHere) {
        return (
          'PEERSECRET this member has no cluster secret, and takes members of its own machine ' +
          'only: give all of them the same --cluster-secret'
        );
      }
    }
    const { address } = this.#options;
    if (isHere || !isLocalAddress(address)) return undefined;
    return (
      `PEERADDRESS this member says it is at ${address}, where no other machine reaches it: ` +
      'give it --announce HOST:PORT'
    );
  }

  #refuse(session: Session, refusal: string, reply: ReplyWriter): void {
    this.#server.log.warn({ client: session.carrier.remote, refusal }, 'refused a member');
    reply.error(refusal);
    session.closing = true;
  }
}
