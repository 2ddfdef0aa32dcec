/**
 * How a client greets a node: it proves itself, chooses its database, and hears who is there.
 *
 *   AUTH password (or PING)  -->  SELECT db  -->  CLUSTER MYID
 *
 * Who is there matters: a node that says no other address of itself than 127.0.0.1 would lead a
 * client on another machine to whatever listens on that one.
 */
import type { Greeting } from '../../discord/peer/greeting.js';
import { PeerError } from '../../discord/peer/peer-error.js';
import { MEMBER_ID_DIGITS } from '../../discord/ring/view.js';

/** These say that the client, not the moment, is wrong. */
const FINAL_REFUSALS = ['NOAUTH', 'WRONGPASS', 'NOPERM', 'ERR', 'DENIED'];

export interface GreetingOptions {
  readonly password: string;
  readonly db: number;
}

/** `wantedId`: who should be there; undefined: anybody. */
export function clientGreeting(
  { db, password }: GreetingOptions,
  wantedId: () => string | undefined,
): () => Greeting<string> {
  return () => {
    const steps = [
      ['SELECT', String(db)],
      ['CLUSTER', 'MYID'],
    ].values();
    return {
      hello: () => (password === '' ? ['PING'] : ['AUTH', password]),
      answer: (reply) => {
        if (reply instanceof Error) throw refusedBy(reply);
        const { value: say } = steps.next();
        if (say !== undefined) return { say };
        const id = String(reply);
        const isMember = /^[0-9a-f]+$/.test(id) && id.length === MEMBER_ID_DIGITS;
        if (!isMember) throw new PeerError('PEER_PROTOCOL', 'there is no dhash node');
        const wanted = wantedId();
        if (wanted === undefined || wanted === id) return { who: id };
        throw new PeerError('PEER_LOST', `member ${id} answers where ${wanted} should`);
      },
    };
  };
}

function refusedBy({ message }: Error): PeerError {
  const refusal = message.split(' ', 1)[0]!;
  const code = FINAL_REFUSALS.includes(refusal) ? 'PEER_REFUSED' : 'PEER_LOST';
  return new PeerError(code, message, { refusal });
}
