/**
 * PUBLISH and SPUBLISH in a ring: each member tells its own subscribers, and the reply is how many
 * heard in all.
 *
 *   PUBLISH <kind> <channel> <message>   data channel   -> integer: who heard there
 */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Session } from '../server/session.js';
import type { Lane } from './lane.js';
import { Operation } from './operation.js';
import { integerReply } from './raw-reply.js';
import type { Router } from './router.js';

/** Time that a member has to say who heard, ms. Who does not is not counted. */
const PUBLISH_TIMEOUT_MS = 1000;

type Kind = 'channel' | 'shard';

export class Publication extends Operation {
  readonly #kind: Kind;
  readonly #args: Args;

  constructor(router: Router, session: Session, queue: Lane, kind: Kind, args: Args) {
    super(router, session, queue);
    this.#kind = kind;
    this.#args = args.clone();
  }

  override start(): void {
    const { buf, ends, starts } = this.#args;
    const channel = this.#args.string(1);
    const { router } = this;
    const message = buf.subarray(starts[2]!, ends[2]!);
    let receivers = publishHere(router, this.#kind, channel, message);
    let left = 1;
    const over = (): void => {
      left -= 1;
      if (left === 0) this.finish(integerReply(receivers));
    };
    tellOthers(router, this.#kind, channel, message, (count) => {
      if (count === undefined) {
        left += 1;
        return;
      }
      receivers += count;
      over();
    });
    over();
  }
}

/** A message of a transaction or script: others hear it, and are not counted. */
export function relay(router: Router, kind: Kind, channel: string, message: Buffer): void {
  tellOthers(router, kind, channel, message, () => {});
}

/** The verb. */
export function servePublish(router: Router, args: Args, reply: ReplyWriter): void {
  const { buf, count, ends, starts } = args;
  if (count !== 4) {
    reply.error('ERR PUBLISH takes a kind, a channel and a message');
    return;
  }
  const kind = args.equalsIgnoreCase(1, 'SHARD') ? 'shard' : 'channel';
  const message = buf.subarray(starts[3]!, ends[3]!);
  reply.integer(publishHere(router, kind, args.string(2), message));
}

function publishHere({ server }: Router, kind: Kind, channel: string, message: Buffer): number {
  const { pubsub } = server;
  if (kind === 'shard') return pubsub.publishToShard(channel, message, 0, message.length);
  return pubsub.publish(channel, message, 0, message.length);
}

/**
 * `heard` is called with undefined for each member that is asked, then with what it says. A newcomer
 * has clients as soon as the next view has it.
 */
function tellOthers(
  { links }: Router,
  kind: Kind,
  channel: string,
  message: Buffer,
  heard: (count: number | undefined) => void,
): void {
  const words = ['PUBLISH', kind, Buffer.from(channel, 'latin1'), message];
  const { current, next } = links.responsibility;
  const ids = [...current.members, ...(next?.members ?? [])].map(({ id }) => id);
  for (const id of new Set(ids)) {
    if (id === links.selfId || !links.isAlive(id)) continue;
    const sent = links.request(id, 'data', words, PUBLISH_TIMEOUT_MS, (error, reply) => {
      heard(error === null && typeof reply === 'number' ? reply : 0);
    });
    if ('done' in sent) heard(undefined);
  }
}
