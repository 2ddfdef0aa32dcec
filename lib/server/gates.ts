/**
 * Bits of `Dispatcher.gate`: what about the server sends commands the long way. A session has its
 * own, below these (session.ts); both are looked at together.
 */

/** Clients are paused: see `Server.pause`. */
export const SERVER_PAUSED = 1 << 16;
/** Somebody watches all commands. */
export const SERVER_MONITORED = 1 << 17;
/** Each command is timed on its own: SLOWLOG asks for less than a turn takes. */
export const SERVER_EXACT_TIMES = 1 << 18;
/** `maxmemory` is set. */
export const SERVER_MEMORY_LIMIT = 1 << 19;
/** A script, or a command of very many arguments, is suspended: see `Alone`. */
export const SERVER_ALONE = 1 << 20;
/** Keys that sessions wait for are ready: see `Blocking`. */
export const SERVER_KEYS_READY = 1 << 21;
/** The node loads what it has on disk. */
export const SERVER_LOADING = 1 << 22;
/** The disk takes no writes, and so neither does the node. */
export const SERVER_DISK_FAILED = 1 << 23;
/** Elements of collections have expired that are still there. */
export const SERVER_ELEMENTS_DUE = 1 << 27;
/** The node is one of several in a ring: see `Router`. */
export const SERVER_RING = 1 << 25;
/** The node joins a ring and is no member yet. */
export const SERVER_JOINING = 1 << 24;
/** Some member of the ring is dead: what needs many replicas is checked before it runs. */
export const SERVER_MEMBERS_MISSING = 1 << 26;
/** Keys have come to this member that another is not known to be through with: see `Handover`. */
export const SERVER_HANDOVER = 1 << 29;
/** The process stood still: what comes now may be from before. See `Standstill`. */
export const SERVER_STOOD_STILL = 1 << 28;
