/** Limits of replication, each with what happens beyond it. */

/** Records of one batch; what a turn has changed beyond it goes in several. */
export const BATCH_BYTES_MAX = 64 * 1024;
/** What one request carries of batches that wait. */
export const REQUEST_BYTES_MAX = 256 * 1024;
/**
 * While a request is in flight and nobody waits for replies, the next one is sent once it has so much:
 * what turns have changed meanwhile goes together.
 */
export const REQUEST_BYTES_MIN = 16 * 1024;
/** Requests to one replica without a reply; what comes meanwhile waits, and goes together. */
export const IN_FLIGHT_MAX = 16;
/** What waits for one replica: beyond it what waits is dropped, and left to synchronisation. */
export const QUEUED_BYTES_MAX = 16 * 1024 * 1024;
export const QUEUED_BATCHES_MAX = 16_384;
/** A longer value travels in pieces of this. */
export const PIECE_BYTES = 256 * 1024;
/** A longer value is sent in slices of later turns. */
export const VALUE_AT_ONCE_BYTES_MAX = 1024 * 1024;
/** While more waits for one of its replicas, what is sent in slices stands still. */
export const WALK_QUEUED_BYTES_MAX = 2 * 1024 * 1024;
/** A batch without a reply for so long is sent again. */
export const APPLY_TIMEOUT_MS = 10_000;
/** Between a request that failed and the next attempt. */
export const RETRY_MS = 50;
/** The same at first, and twice as long each time, while the replica knows another view: it soon hears of it. */
export const OTHER_VIEW_RETRY_MS = 5;
/**
 * A reply waits until the replicas that it waits for have acknowledged nothing for so long; then it
 * says that they are in doubt.
 */
export const ACK_TIMEOUT_MS = 5000;
/** What one answer of FETCH holds, and an element more. */
export const PAGE_BYTES = 256 * 1024;
/** Keys of one command that replicas are asked for. */
export const FRESH_KEYS_MAX = 1024;
/** What is longer, with its elements, is left to synchronisation when a replica has less of it. */
export const REPAIR_ELEMENTS_MAX = 512;
/** A read waits for what other replicas have for so long. */
export const FETCH_TIMEOUT_MS = 2000;
/** Stretches of turns whose batches were dropped that one replica remembers. */
export const LOST_MAX = 64;
/** Records of turns, with the groups that they have changed; beyond it older ones are joined. */
export const TURNS_MAX = 1024;
