/** The cursor and the options that SCAN, HSCAN, SSCAN and ZSCAN share. */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import { filterOf, literalPrefix } from '../glob.js';
import type { Session } from '../server/session.js';
import { NOT_INTEGER, SYNTAX_ERROR } from './replies.js';

const COUNT_DEFAULT = 10;
const NO_VALUES = 'ERR NOVALUES option can only be used in HSCAN';
const UINT64_MAX = 2n ** 64n - 1n;
const EMPTY = Buffer.alloc(0);
const TYPES = ['string', 'list', 'set', 'zset', 'hash', 'stream'];

export interface ScanOptions {
  /** Entries to look at. */
  count: number;
  pattern: Buffer | undefined;
  /** What matches begins with this. */
  prefix: Buffer;
  /** A type that no key has is the empty string. */
  type: string | undefined;
  /** HSCAN NOVALUES. */
  isKeysOnly: boolean;
}

/** The cursor in argument `i`; NaN, the error replied, if it is none. */
export function scanCursor(args: Args, i: number, reply: ReplyWriter): number {
  // As `strtoul` reads it: it ends at a zero byte, nothing is 0, and what is negative wraps round.
  const text = args.string(i).split('\0', 1)[0]!;
  if (/^\d{0,15}$/.test(text)) return Number(text);
  const [, digits] = /^[+-]?(\d+)$/.exec(text) ?? [];
  if (digits !== undefined && BigInt(digits) <= UINT64_MAX) return Number(text);
  reply.error('ERR invalid cursor');
  return Number.NaN;
}

/**
 * The options from argument `i` on; undefined if an error was replied. SCAN takes TYPE as well, a
 * scan of a hash NOVALUES.
 */
export function scanOptions(
  args: Args,
  i: number,
  reply: ReplyWriter,
  of: 'keys' | 'hash' | 'other',
): ScanOptions | undefined {
  const options: ScanOptions = {
    count: COUNT_DEFAULT,
    pattern: undefined,
    prefix: EMPTY,
    type: undefined,
    isKeysOnly: false,
  };
  for (let at = i; at < args.count; at += 2) {
    const hasValue = at + 1 < args.count;
    if (hasValue && args.equalsIgnoreCase(at, 'COUNT')) {
      options.count = args.int64(at + 1);
      if (!(options.count >= 1)) {
        reply.error(Number.isNaN(options.count) ? NOT_INTEGER : SYNTAX_ERROR);
        return undefined;
      }
    } else if (hasValue && args.equalsIgnoreCase(at, 'MATCH')) {
      const pattern = args.bytes(at + 1);
      options.pattern = filterOf(pattern);
      options.prefix = literalPrefix(pattern);
    } else if (hasValue && of === 'keys' && args.equalsIgnoreCase(at, 'TYPE')) {
      const type = args.string(at + 1).toLowerCase();
      options.type = TYPES.includes(type) ? type : '';
    } else if (args.equalsIgnoreCase(at, 'NOVALUES')) {
      if (of !== 'hash') {
        reply.error(NO_VALUES);
        return undefined;
      }
      options.isKeysOnly = true;
      // It has no value of its own.
      at -= 1;
    } else {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  return options;
}

/** The place that a cursor goes on behind; undefined, the error replied, if it is not known. */
export function scanPlace(
  session: Session,
  args: Args,
  i: number,
  command: string,
): Buffer | undefined {
  const place = session.server.scanPlaces.recall(Number(args.string(i)));
  if (place === undefined) {
    session.reply.error(
      `ERR unknown cursor ${args.string(i)}: it was never given or is forgotten, ` +
        `start again with ${command} 0`,
    );
  }
  return place;
}
