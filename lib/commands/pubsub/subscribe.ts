/**
 * SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE and their opposites: one push for each name, with what the
 * session is subscribed to from then on.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { SubscriptionKind } from '../../server/pubsub.js';
import type { Session } from '../../server/session.js';
import { type CommandRow, type Handler, PUSHES } from '../command.js';

/** Answers with what RESP3 calls a push; `name` undefined = there was none. */
function tell(session: Session, event: string, kind: SubscriptionKind, name?: string): void {
  const { reply, subscriptions } = session;
  const { channel, pattern, shard } = subscriptions ?? EMPTY;
  reply.push(3);
  reply.bulkLatin1(event);
  if (name === undefined) reply.nil();
  else reply.bulkLatin1(name);
  reply.integer(kind === 'shard' ? shard.size : channel.size + pattern.size);
}

const EMPTY = { channel: new Set(), pattern: new Set(), shard: new Set() };

function subscribe(event: string, kind: SubscriptionKind): Handler {
  return (session, args, reply) => {
    // Redis refuses shard channels in MULTI, and has always allowed the others.
    if (kind === 'shard' && session.server.dispatcher.atomic) {
      reply.error(`ERR ${event.toUpperCase()} isn't allowed for a DENY BLOCKING client`);
      return;
    }
    for (let i = 1; i < args.count; i += 1) {
      const name = args.string(i);
      session.server.pubsub.subscribe(session, kind, name);
      tell(session, event, kind, name);
    }
  };
}

function unsubscribe(event: string, kind: SubscriptionKind): Handler {
  return (session: Session, args: Args, _reply: ReplyWriter) => {
    const own = session.subscriptions?.[kind] ?? [];
    const names = args.count > 1 ? named(args) : [...own];
    for (const name of names) {
      session.server.pubsub.unsubscribe(session, kind, name);
      tell(session, event, kind, name);
    }
    if (names.length === 0) tell(session, event, kind);
  };
}

function named(args: Args): string[] {
  return Array.from({ length: args.count - 1 }, (_, i) => args.string(i + 1));
}

function rows(prefix: string, kind: SubscriptionKind): CommandRow[] {
  const on = `${prefix}subscribe`;
  const off = `${prefix}unsubscribe`;
  return [
    { name: on, arity: -2, flags: PUSHES, handler: subscribe(on, kind) },
    { name: off, arity: -1, flags: PUSHES, handler: unsubscribe(off, kind) },
  ];
}

export const subscribeCommands: readonly CommandRow[] = [
  ...rows('', 'channel'),
  ...rows('p', 'pattern'),
  ...rows('s', 'shard').map((row): CommandRow => ({ ...row, keys: [1, -1, 1] })),
];
