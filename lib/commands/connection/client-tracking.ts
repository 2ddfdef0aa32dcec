/** CLIENT TRACKING, CACHING, TRACKINGINFO and GETREDIR: client-side caching. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { TrackingOptions } from '../../server/tracking.js';
import type { CommandRow } from '../command.js';
import { NOT_INTEGER, SYNTAX_ERROR } from '../replies.js';

const NO_MODE =
  'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or ' +
  'OPTOUT mode enabled';
const OTHER_MODE = (mode: string) =>
  `ERR You can't switch ${mode} before disabling tracking for this client, and then re-enabling ` +
  'it with a different mode.';

const NOT_IN_RINGS = (option: string): string =>
  `ERR ${option} is not supported in a ring of several nodes: keys change at their owners, which do ` +
  'not know of it; without it CLIENT TRACKING works through any node';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Given = Mutable<TrackingOptions> & { prefixes: string[] };

/** CLIENT TRACKING ON|OFF [REDIRECT id] [PREFIX prefix ...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP] */
function tracking(session: Session, args: Args, reply: ReplyWriter): void {
  const options = readOptions(session, args, reply);
  if (options === undefined) return;
  if (args.equalsIgnoreCase(2, 'OFF')) {
    session.server.tracking.disable(session);
    reply.ok();
    return;
  }
  const fault = args.equalsIgnoreCase(2, 'ON') ? faultOf(session, options) : SYNTAX_ERROR;
  if (fault !== undefined) {
    reply.error(fault);
    return;
  }
  session.server.tracking.enable(session, options);
  reply.ok();
}

/** The options; undefined, the error replied, if they are none. */
function readOptions(session: Session, args: Args, reply: ReplyWriter): Given | undefined {
  const options: Given = {
    redirect: 0,
    isBroadcast: false,
    prefixes: [],
    optIn: false,
    optOut: false,
    noLoop: false,
  };
  for (let i = 3; i < args.count; i += 1) {
    const hasNext = i + 1 < args.count;
    let fault: string | undefined;
    if (args.equalsIgnoreCase(i, 'REDIRECT') && hasNext) {
      i += 1;
      fault = readRedirect(session, args, i, options);
    } else if (args.equalsIgnoreCase(i, 'PREFIX') && hasNext) {
      i += 1;
      options.prefixes.push(args.string(i));
    } else if (args.equalsIgnoreCase(i, 'BCAST')) options.isBroadcast = true;
    else if (args.equalsIgnoreCase(i, 'OPTIN')) options.optIn = true;
    else if (args.equalsIgnoreCase(i, 'OPTOUT')) options.optOut = true;
    else if (args.equalsIgnoreCase(i, 'NOLOOP')) options.noLoop = true;
    else fault = SYNTAX_ERROR;
    if (fault !== undefined) {
      reply.error(fault);
      return undefined;
    }
  }
  return options;
}

/** What is wrong with it, if anything. */
function readRedirect(session: Session, args: Args, i: number, options: Given): string | undefined {
  if (options.redirect !== 0) return 'ERR A client can only redirect to a single other client';
  const id = args.int64(i);
  if (Number.isNaN(id)) return NOT_INTEGER;
  if (!session.server.sessions.has(id)) {
    return 'ERR The client ID you want redirect to does not exist';
  }
  options.redirect = id;
  return undefined;
}

/** Why the options do not go together, or not with what the session has; in Redis's order. */
function faultOf(session: Session, options: TrackingOptions): string | undefined {
  const { isBroadcast, optIn, optOut, prefixes } = options;
  if ((isBroadcast || options.noLoop) && session.server.ring?.isAlone === false) {
    return NOT_IN_RINGS(isBroadcast ? 'BCAST' : 'NOLOOP');
  }
  const before = session.tracking?.options;
  if (!isBroadcast && prefixes.length > 0) {
    return 'ERR PREFIX option requires BCAST mode to be enabled';
  }
  if (before !== undefined && before.isBroadcast !== isBroadcast) {
    return OTHER_MODE('BCAST mode on/off');
  }
  if (isBroadcast && (optIn || optOut)) return 'ERR OPTIN and OPTOUT are not compatible with BCAST';
  if (optIn && optOut) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  if ((optIn && before?.optOut === true) || (optOut && before?.optIn === true)) {
    return OTHER_MODE('OPTIN/OPTOUT mode');
  }
  return isBroadcast ? overlapOf([...(session.tracking?.prefixes ?? [])], prefixes) : undefined;
}

/** Two prefixes of one client must not both be those of a key. */
function overlapOf(existing: readonly string[], added: readonly string[]): string | undefined {
  const collide = (a: string, b: string) => a.startsWith(b) || b.startsWith(a);
  const text = (prefix: string, kind: string, other: string) =>
    `ERR Prefix '${prefix}' overlaps with ${kind} prefix '${other}'. ` +
    'Prefixes for a single client must not overlap.';
  for (const [index, prefix] of added.entries()) {
    const old = existing.find((each) => collide(each, prefix));
    if (old !== undefined) return text(prefix, 'an existing', old);
    const other = added.slice(index + 1).find((each) => collide(each, prefix));
    if (other !== undefined) return text(prefix, 'another provided', other);
  }
  return undefined;
}

/** CLIENT CACHING YES|NO */
function caching(session: Session, args: Args, reply: ReplyWriter): void {
  const own = session.tracking;
  if (own === undefined) {
    reply.error(NO_MODE);
    return;
  }
  const isYes = args.equalsIgnoreCase(2, 'YES');
  if (!isYes && !args.equalsIgnoreCase(2, 'NO')) {
    reply.error(SYNTAX_ERROR);
  } else if (!(isYes ? own.options.optIn : own.options.optOut)) {
    const [word, mode] = isYes ? ['YES', 'OPTIN'] : ['NO', 'OPTOUT'];
    reply.error(
      `ERR CLIENT CACHING ${word} is only valid when tracking is enabled in ${mode} mode.`,
    );
  } else {
    own.caching = true;
    reply.ok();
  }
}

function trackingInfo(session: Session, _args: Args, reply: ReplyWriter): void {
  const own = session.tracking;
  const flags = flagsOf(session);
  reply.map(3);
  reply.bulkLatin1('flags');
  reply.set(flags.length);
  for (const flag of flags) reply.bulkLatin1(flag);
  reply.bulkLatin1('redirect');
  reply.integer(redirectOf(session));
  reply.bulkLatin1('prefixes');
  reply.array(own?.prefixes.size ?? 0);
  for (const prefix of [...(own?.prefixes ?? [])].sort()) reply.bulkLatin1(prefix);
}

function flagsOf({ tracking: own }: Session): string[] {
  if (own === undefined) return ['off'];
  const { isBroadcast, noLoop, optIn, optOut } = own.options;
  const flags = ['on'];
  if (isBroadcast) flags.push('bcast');
  if (optIn) flags.push('optin');
  if (optIn && own.caching) flags.push('caching-yes');
  if (optOut) flags.push('optout');
  if (optOut && own.caching) flags.push('caching-no');
  if (noLoop) flags.push('noloop');
  if (own.isBroken) flags.push('broken_redirect');
  return flags;
}

/** -1 = it does not track, 0 = it hears itself. */
export function redirectOf({ tracking: own }: Session): number {
  return own?.options.redirect ?? -1;
}

function getRedirection(session: Session, _args: Args, reply: ReplyWriter): void {
  reply.integer(redirectOf(session));
}

export const trackingSubcommands: readonly CommandRow[] = [
  { name: 'caching', arity: 3, flags: 0, handler: caching },
  { name: 'getredir', arity: 2, flags: 0, handler: getRedirection },
  { name: 'tracking', arity: -3, flags: 0, handler: tracking },
  { name: 'trackinginfo', arity: 2, flags: 0, handler: trackingInfo },
];
