/**
 * Channels, patterns and shard channels, and who is subscribed to them. Source: Redis pubsub.c.
 *
 * A message is encoded once and copied to each subscriber. A subscriber that does not read is cut
 * off once it leaves more unread than `client-output-buffer-limit` allows its class.
 * Names are latin1 texts, one character per byte.
 * Invariant: a name without subscribers is in no table.
 */
import { globMatches } from '../glob.js';
import { PushMessage } from './push-message.js';
import type { Session } from './session.js';

export type SubscriptionKind = 'channel' | 'pattern' | 'shard';

/** What one session is subscribed to, in the order of subscription. */
export class Subscriptions {
  readonly channel = new Set<string>();
  readonly pattern = new Set<string>();
  readonly shard = new Set<string>();

  get total(): number {
    return this.channel.size + this.pattern.size + this.shard.size;
  }
}

interface Topic {
  /** The name as bytes: what a pattern is matched with. */
  readonly name: Buffer;
  readonly sessions: Set<Session>;
}

export class PubSub {
  readonly #topics = {
    channel: new Map<string, Topic>(),
    pattern: new Map<string, Topic>(),
    shard: new Map<string, Topic>(),
  };

  /** Names with at least one subscriber. */
  count(kind: SubscriptionKind): number {
    return this.#topics[kind].size;
  }

  names(kind: SubscriptionKind): Iterable<string> {
    return this.#topics[kind].keys();
  }

  subscriberCount(kind: SubscriptionKind, name: string): number {
    return this.#topics[kind].get(name)?.sessions.size ?? 0;
  }

  subscribe(session: Session, kind: SubscriptionKind, name: string): void {
    session.subscriptions ??= new Subscriptions();
    const own = session.subscriptions[kind];
    if (own.has(name)) return;
    own.add(name);
    let topic = this.#topics[kind].get(name);
    if (topic === undefined) {
      topic = { name: Buffer.from(name, 'latin1'), sessions: new Set() };
      this.#topics[kind].set(name, topic);
    }
    topic.sessions.add(session);
    session.followSubscriptions();
  }

  unsubscribe(session: Session, kind: SubscriptionKind, name: string): void {
    if (session.subscriptions?.[kind].delete(name) !== true) return;
    const topic = this.#topics[kind].get(name)!;
    topic.sessions.delete(session);
    if (topic.sessions.size === 0) this.#topics[kind].delete(name);
    session.followSubscriptions();
  }

  /** Ends all subscriptions of a session without telling it. */
  forget(session: Session): void {
    const own = session.subscriptions;
    if (own === undefined) return;
    for (const kind of ['channel', 'pattern', 'shard'] as const) {
      for (const name of own[kind]) this.unsubscribe(session, kind, name);
    }
  }

  /** Sends buf[from, to) to who is subscribed to a channel; returns how often it was sent. */
  publish(channel: string, buf: Buffer, from: number, to: number): number {
    const topic = this.#topics.channel.get(channel);
    const patterns = this.#topics.pattern;
    if (topic === undefined && patterns.size === 0) return 0;
    const body = buf.subarray(from, to);
    let receivers = 0;
    if (topic !== undefined) {
      receivers = sendToAll(topic.sessions, new PushMessage(['message', topic.name, body]));
    }
    if (patterns.size === 0) return receivers;
    const name = topic?.name ?? Buffer.from(channel, 'latin1');
    for (const pattern of patterns.values()) {
      if (!globMatches(pattern.name, name, 0, name.length)) continue;
      const message = new PushMessage(['pmessage', pattern.name, name, body]);
      receivers += sendToAll(pattern.sessions, message);
    }
    return receivers;
  }

  /** `publish` to a shard channel. */
  publishToShard(channel: string, buf: Buffer, from: number, to: number): number {
    const topic = this.#topics.shard.get(channel);
    if (topic === undefined) return 0;
    const body = buf.subarray(from, to);
    return sendToAll(topic.sessions, new PushMessage(['smessage', topic.name, body]));
  }
}

function sendToAll(sessions: ReadonlySet<Session>, message: PushMessage): number {
  for (const session of sessions) session.push(message);
  return sessions.size;
}
