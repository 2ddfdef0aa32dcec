/** Classes of clients in CLIENT LIST and CLIENT KILL. */
import type { Session } from '../../server/session.js';

/** The class of that name, `slave` being `replica`; undefined = there is none. */
export function clientClass(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (lower === 'slave') return 'replica';
  return ['normal', 'replica', 'pubsub', 'master'].includes(lower) ? lower : undefined;
}

export function classOf(session: Session): 'normal' | 'replica' | 'pubsub' {
  // What Redis has nearest to another member.
  if (session.peer !== undefined) return 'replica';
  return session.isSubscribed ? 'pubsub' : 'normal';
}
