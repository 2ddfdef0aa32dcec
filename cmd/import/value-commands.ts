/**
 * Writes a value as commands, some elements at a time: for values too big to be sent in one piece.
 * As Redis rewrites its append-only file (aof.c), so that the result is the same.
 */

import type { ElementSink, StreamId, StreamSink, ValueSinks } from '../../rdb/sinks.js';
import { formatDouble } from '../../resp/numbers.js';
import type { Argument } from '../node-client.js';

const ELEMENTS_MAX = 512;
const BYTES_MAX = 256 * 1024;

export class ValueCommands {
  readonly sinks: Required<ValueSinks>;
  readonly #send: (args: readonly Argument[]) => void;
  readonly #key: Buffer;
  #args: Argument[] = [];
  #bytes = 0;
  /** Of fields that are to be sent. */
  #expiries: [field: Buffer, expiryMs: number][] = [];

  constructor(key: Buffer, send: (args: readonly Argument[]) => void) {
    this.#key = key;
    this.#send = send;
    const begin = (): void => {};
    this.sinks = {
      string: {
        value: (buf, from, to) => send(['SET', key, buf.subarray(from, to)]),
      },
      list: this.#elements('RPUSH'),
      set: this.#elements('SADD'),
      hash: {
        begin,
        field: (field, ffrom, fto, value, vfrom, vto, expiryMs) => {
          const name = field.subarray(ffrom, fto);
          if (expiryMs > 0) this.#expiries.push([name, expiryMs]);
          this.#add('HSET', name, value.subarray(vfrom, vto));
        },
      },
      zset: {
        begin,
        member: (buf, from, to, score) => {
          this.#add('ZADD', Buffer.from(formatDouble(score)), buf.subarray(from, to));
        },
      },
      stream: streamCommands(key, send),
    };
  }

  /** Sends what is left. */
  finish(): void {
    if (this.#args.length > 0) this.#send(this.#args);
    this.#args = [];
    this.#bytes = 0;
    for (const [field, expiryMs] of this.#expiries) {
      this.#send(['HPEXPIREAT', this.#key, String(expiryMs), 'FIELDS', '1', field]);
    }
    this.#expiries = [];
  }

  #elements(command: string): ElementSink {
    return {
      begin: () => {},
      element: (buf, from, to) => this.#add(command, buf.subarray(from, to)),
    };
  }

  #add(command: string, ...parts: Buffer[]): void {
    if (this.#args.length === 0) this.#args.push(command, this.#key);
    for (const part of parts) {
      this.#args.push(part);
      this.#bytes += part.length;
    }
    if (this.#args.length >= ELEMENTS_MAX || this.#bytes >= BYTES_MAX) this.finish();
  }
}

function idOf({ ms, seq }: StreamId): string {
  return `${ms}-${seq}`;
}

interface Delivery {
  readonly deliveredMs: bigint;
  readonly deliveries: number;
}

function streamCommands(key: Buffer, send: (args: readonly Argument[]) => void): StreamSink {
  let group: Buffer = Buffer.alloc(0);
  let consumer: Buffer = group;
  /** Of the group's entries that are pending; its consumers name them afterwards. */
  let pending = new Map<string, Delivery>();
  let hasEntries = false;
  return {
    begin: () => {},
    entry: (id, items) => {
      hasEntries = true;
      send(['XADD', key, idOf(id), ...items]);
    },
    state: ({ lastId, maxDeletedId, entriesAdded }) => {
      if (!hasEntries) {
        // An empty stream: made with an entry that goes at once.
        send(['XADD', key, 'MAXLEN', '0', idOf(lastId) === '0-0' ? '0-1' : idOf(lastId), 'x', 'y']);
      }
      const more =
        maxDeletedId === undefined || entriesAdded === undefined
          ? []
          : ['ENTRIESADDED', `${entriesAdded}`, 'MAXDELETEDID', idOf(maxDeletedId)];
      send(['XSETID', key, idOf(lastId), ...more]);
    },
    group: (name, lastId, entriesRead) => {
      group = name;
      pending = new Map();
      const more = entriesRead === undefined ? [] : ['ENTRIESREAD', `${entriesRead}`];
      send(['XGROUP', 'CREATE', key, name, idOf(lastId), ...more]);
    },
    pending: (id, deliveredMs, deliveries) => {
      pending.set(idOf(id), { deliveredMs, deliveries });
    },
    consumer: (name) => {
      consumer = name;
      send(['XGROUP', 'CREATECONSUMER', key, group, name]);
    },
    owned: (id) => {
      const { deliveredMs, deliveries } = pending.get(idOf(id)) ?? {
        deliveredMs: 0n,
        deliveries: 1,
      };
      const claim = ['XCLAIM', key, group, consumer, '0', idOf(id), 'TIME', `${deliveredMs}`];
      send([...claim, 'RETRYCOUNT', `${deliveries}`, 'JUSTID', 'FORCE']);
    },
    end: () => {},
  };
}
