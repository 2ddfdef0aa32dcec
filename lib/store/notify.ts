/**
 * Keyspace events: what commands tell of keys. A class of events is a bit, so that what is asked
 * for is one number; the numbers are those of Redis (server.h, `NOTIFY_*`).
 */
import type { Database } from './database.js';

export const NOTIFY_GENERIC = 1 << 2;
export const NOTIFY_STRING = 1 << 3;
export const NOTIFY_LIST = 1 << 4;
export const NOTIFY_SET = 1 << 5;
export const NOTIFY_HASH = 1 << 6;
export const NOTIFY_ZSET = 1 << 7;
export const NOTIFY_EXPIRED = 1 << 8;
export const NOTIFY_EVICTED = 1 << 9;
export const NOTIFY_STREAM = 1 << 10;
export const NOTIFY_KEY_MISS = 1 << 11;
export const NOTIFY_NEW = 1 << 14;

/** Who is told of events; `Store.notifyFlags` says of which. */
export interface KeyEventSink {
  /** `event` as Redis names it (`hset`, `del`); the key is buf[from, to), valid during the call. */
  keyEvent(database: Database, event: string, buf: Buffer, from: number, to: number): void;
}
