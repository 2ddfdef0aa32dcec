/** PUBLISH and SPUBLISH, and PUBSUB, which looks at who is subscribed. */
import type { Args } from '../../../resp/args.js';
import { ReplyWriter } from '../../../resp/reply-writer.js';
import { globMatches } from '../../glob.js';
import { SERVER_RING } from '../../server/gates.js';
import type { SubscriptionKind } from '../../server/pubsub.js';
import type { Session, Task } from '../../server/session.js';
import { type CommandRow, FAST, type Handler } from '../command.js';
import { helpRow } from '../help.js';
import { unknownSubcommandOrArity, wrongArity } from '../replies.js';

/** Names looked at between two looks at the clock. */
const STEP_NAMES = 256;

const HELP = [
  'CHANNELS [<pattern>]',
  "    Return the currently active channels matching a <pattern> (default: '*').",
  'NUMPAT',
  '    Return number of subscriptions to patterns.',
  'NUMSUB [<channel> ...]',
  '    Return the number of subscribers for the specified channels, excluding',
  '    pattern subscriptions(default: no channels).',
  'SHARDCHANNELS [<pattern>]',
  '    Return the currently active shard level channels matching a <pattern> ' + "(default: '*').",
  'SHARDNUMSUB [<shardchannel> ...]',
  '    Return the number of subscribers for the specified shard level channel(s)',
];

function publish(session: Session, args: Args, reply: ReplyWriter): void {
  const { buf, starts, ends } = args;
  const { pubsub } = session.server;
  relay(session, 'channel', args);
  reply.integer(pubsub.publish(args.string(1), buf, starts[2]!, ends[2]!));
}

function spublish(session: Session, args: Args, reply: ReplyWriter): void {
  const { buf, starts, ends } = args;
  const { pubsub } = session.server;
  relay(session, 'shard', args);
  reply.integer(pubsub.publishToShard(args.string(1), buf, starts[2]!, ends[2]!));
}

/** In a ring this is within a script or transaction: the other members are told, and not waited for. */
function relay({ server }: Session, kind: 'channel' | 'shard', args: Args): void {
  if ((server.dispatcher.gate & SERVER_RING) === 0) return;
  const { buf, starts, ends } = args;
  server.router!.relay(kind, args.string(1), buf.subarray(starts[2]!, ends[2]!));
}

/** Collects the names that match, then moves them to the reply, both in slices. */
class NamesTask implements Task {
  readonly #session: Session;
  readonly #names: Iterator<string>;
  readonly #pattern: Buffer | undefined;
  readonly #found: ReplyWriter;
  #foundCount = 0;
  #isMoving = false;

  constructor(session: Session, kind: SubscriptionKind, pattern: Buffer | undefined) {
    const { pool, pubsub } = session.server;
    this.#session = session;
    this.#names = pubsub.names(kind)[Symbol.iterator]();
    this.#pattern = pattern;
    this.#found = new ReplyWriter(pool);
  }

  step(deadlineMs: number): boolean {
    const { reply, server } = this.#session;
    const { clock } = server.store.world;
    while (!this.#isMoving) {
      if (this.#look()) {
        reply.array(this.#foundCount);
        this.#isMoving = true;
      } else if (clock.monotonicMs() >= deadlineMs) {
        return false;
      }
    }
    while (this.#found.pendingBytes > 0) {
      this.#found.flush({
        write(buf, from, to) {
          reply.raw(buf, from, to);
          return false;
        },
      });
      this.#found.drained();
      if (clock.monotonicMs() >= deadlineMs) return false;
    }
    this.cancel();
    return true;
  }

  cancel(): void {
    this.#found.release();
  }

  /** Looks at some names; true when there are no more. */
  #look(): boolean {
    for (let seen = 0; seen < STEP_NAMES; seen += 1) {
      const next = this.#names.next();
      if (next.done === true) return true;
      if (!this.#matches(next.value)) continue;
      this.#found.bulkLatin1(next.value);
      this.#foundCount += 1;
    }
    return false;
  }

  #matches(name: string): boolean {
    if (this.#pattern === undefined) return true;
    return globMatches(this.#pattern, Buffer.from(name, 'latin1'), 0, name.length);
  }
}

function channels(kind: SubscriptionKind): Handler {
  return (session, args, reply) => {
    if (args.count > 3) {
      reply.error(unknownSubcommandOrArity('pubsub', args.string(1)));
      return;
    }
    const pattern = args.count === 3 ? args.bytes(2) : undefined;
    session.defer(new NamesTask(session, kind, pattern));
  };
}

function subscriberCounts(kind: SubscriptionKind): Handler {
  return (session, args, reply) => {
    reply.array((args.count - 2) * 2);
    for (let i = 2; i < args.count; i += 1) {
      const name = args.string(i);
      reply.bulkLatin1(name);
      reply.integer(session.server.pubsub.subscriberCount(kind, name));
    }
  };
}

function patternCount(session: Session, _args: Args, reply: ReplyWriter): void {
  reply.integer(session.server.pubsub.count('pattern'));
}

export const publishCommands: readonly CommandRow[] = [
  { name: 'publish', arity: 3, flags: FAST, handler: publish },
  { name: 'spublish', arity: 3, flags: FAST, keys: [1, 1, 1], handler: spublish },
  {
    name: 'pubsub',
    arity: -2,
    flags: 0,
    handler: (_session, _args, reply) => reply.error(wrongArity('pubsub')),
    subcommands: [
      { name: 'channels', arity: -2, flags: 0, handler: channels('channel') },
      helpRow('pubsub', HELP),
      { name: 'numpat', arity: 2, flags: 0, handler: patternCount },
      { name: 'numsub', arity: -2, flags: 0, handler: subscriberCounts('channel') },
      { name: 'shardchannels', arity: -2, flags: 0, handler: channels('shard') },
      { name: 'shardnumsub', arity: -2, flags: 0, handler: subscriberCounts('shard') },
    ],
  },
];
