/**
 * Keyspace events: what happens to keys, told to whoever subscribes to
 *
 *   __keyspace@<database>__:<key>    message: the event, as in `set`
 *   __keyevent@<database>__:<event>  message: the key
 *
 * as far as `notify-keyspace-events` asks for its class. The bits are those of Redis's server.h.
 */

export const NOTIFY_KEYSPACE = 1 << 0;
export const NOTIFY_KEYEVENT = 1 << 1;
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
const NOTIFY_MODULE = 1 << 13;
export const NOTIFY_NEW = 1 << 14;

/** What the letters of `notify-keyspace-events` stand for; `A` has become its letters' sum. */
const CLASSES: ReadonlyMap<string, number> = new Map([
  ['K', NOTIFY_KEYSPACE],
  ['E', NOTIFY_KEYEVENT],
  ['g', NOTIFY_GENERIC],
  ['$', NOTIFY_STRING],
  ['l', NOTIFY_LIST],
  ['s', NOTIFY_SET],
  ['h', NOTIFY_HASH],
  ['z', NOTIFY_ZSET],
  ['x', NOTIFY_EXPIRED],
  ['e', NOTIFY_EVICTED],
  ['t', NOTIFY_STREAM],
  ['m', NOTIFY_KEY_MISS],
  ['d', NOTIFY_MODULE],
  ['n', NOTIFY_NEW],
]);
const ALL_CLASSES = 'g$lszhxetd';

/** Publishes buf[from, to) in `channel`, which is latin1. `buf` is only valid during the call. */
export type Publish = (channel: string, buf: Buffer, from: number, to: number) => void;

export class KeyspaceEvents {
  /** Classes that are told of and the channels that are used; 0 = none, whoever asks. */
  flags = 0;
  publish: Publish = () => {};

  /** Takes over a valid value of `notify-keyspace-events`. */
  configure(letters: string): void {
    let flags = 0;
    for (const letter of letters.replace('A', ALL_CLASSES)) flags |= CLASSES.get(letter) ?? 0;
    this.flags = (flags & (NOTIFY_KEYSPACE | NOTIFY_KEYEVENT)) === 0 ? 0 : flags;
  }

  /** Tells of an event of a class that is wanted; `from` and `to` limit the key. */
  emit(database: number, event: string, buf: Buffer, from: number, to: number): void {
    if ((this.flags & NOTIFY_KEYSPACE) !== 0) {
      const message = Buffer.from(event, 'latin1');
      const key = buf.toString('latin1', from, to);
      this.publish(`__keyspace@${database}__:${key}`, message, 0, message.length);
    }
    if ((this.flags & NOTIFY_KEYEVENT) !== 0) {
      this.publish(`__keyevent@${database}__:${event}`, buf, from, to);
    }
  }
}
