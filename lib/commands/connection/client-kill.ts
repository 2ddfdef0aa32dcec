/** CLIENT KILL, in its old form (one address) and with filters. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { SYNTAX_ERROR } from '../replies.js';
import { DEFAULT_USER } from './auth.js';
import { classOf, clientClass } from './client-class.js';

interface Filters {
  id: number | undefined;
  address: string | undefined;
  localAddress: string | undefined;
  user: string | undefined;
  class: string | undefined;
  skipsMe: boolean;
}

export function clientKill(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count === 3) {
    const filters = { ...noFilters(), address: args.string(2), skipsMe: false };
    if (killAll(session, filters) > 0) reply.ok();
    else reply.error('ERR No such client');
    return;
  }
  const filters = noFilters();
  for (let i = 2; i < args.count; i += 2) {
    const wrong = i + 1 < args.count ? readFilter(args, i, filters) : SYNTAX_ERROR;
    if (wrong === undefined) continue;
    reply.error(wrong);
    return;
  }
  reply.integer(killAll(session, filters));
}

function noFilters(): Filters {
  return {
    id: undefined,
    address: undefined,
    localAddress: undefined,
    user: undefined,
    class: undefined,
    skipsMe: true,
  };
}

/** Reads the option at `i` and its value; the text of an error, if it is one. */
function readFilter(args: Args, i: number, filters: Filters): string | undefined {
  const value = args.string(i + 1);
  switch (args.string(i).toUpperCase()) {
    case 'ID': {
      const id = args.int64(i + 1);
      if (!(id >= 1)) return 'ERR client-id should be greater than 0';
      filters.id = id;
      return undefined;
    }
    case 'TYPE':
      filters.class = clientClass(value);
      return filters.class === undefined ? `ERR Unknown client type '${value}'` : undefined;
    case 'ADDR':
      filters.address = value;
      return undefined;
    case 'LADDR':
      filters.localAddress = value;
      return undefined;
    case 'USER':
      filters.user = value;
      return value === DEFAULT_USER ? undefined : `ERR No such user '${value}'`;
    case 'SKIPME':
      if (!/^(?:yes|no)$/i.test(value)) return SYNTAX_ERROR;
      filters.skipsMe = value.toLowerCase() === 'yes';
      return undefined;
    default:
      return SYNTAX_ERROR;
  }
}

/** Closes the sessions that all filters let through; returns how many. */
function killAll(caller: Session, filters: Filters): number {
  let killed = 0;
  for (const session of caller.server.sessions.values()) {
    if (!matches(session, filters) || (session === caller && filters.skipsMe)) continue;
    // The caller still gets its reply.
    if (session === caller) session.closing = true;
    else session.carrier.destroy();
    killed += 1;
  }
  return killed;
}

function matches(session: Session, filters: Filters): boolean {
  const { carrier } = session;
  return (
    isOrAny(filters.id, session.id) &&
    isOrAny(filters.address, carrier.remote) &&
    isOrAny(filters.localAddress, carrier.local) &&
    isOrAny(filters.user, session.user) &&
    isOrAny(filters.class, classOf(session))
  );
}

function isOrAny<T>(wanted: T | undefined, actual: T): boolean {
  return wanted === undefined || wanted === actual;
}
