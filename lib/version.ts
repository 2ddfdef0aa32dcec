/** Versions that a node tells of itself. */

/** Of dhash; a test compares it with package.json. */
export const DHASH_VERSION = '0.1.0';

/**
 * The Redis whose commands and replies a node has. Client libraries choose what they send by it.
 */
export const REDIS_VERSION = '7.2.0';
