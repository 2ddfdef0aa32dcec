/** The options of RESTORE, and what they mean for the key that it makes. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { lfuWith, lruClock } from '../../store/access.js';
import type { Store } from '../../store/store.js';
import { NOT_INTEGER, SYNTAX_ERROR } from '../replies.js';

const LRU_CLOCK_MAX = 0xffffff;
const COUNTER_MAX = 255;

export interface RestoreOptions {
  replaces: boolean;
  isAbsolute: boolean;
  /** -1 = not given. */
  idleSeconds: number;
  frequency: number;
  lifeMs: number;
}

/** Undefined, the error replied, if they are not good. */
export function readRestoreOptions(args: Args, reply: ReplyWriter): RestoreOptions | undefined {
  const options: RestoreOptions = {
    replaces: false,
    isAbsolute: false,
    idleSeconds: -1,
    frequency: -1,
    lifeMs: 0,
  };
  for (let i = 4; i < args.count; i += 1) {
    const hasNext = i + 1 < args.count;
    let fault = '';
    if (args.equalsIgnoreCase(i, 'REPLACE')) {
      options.replaces = true;
    } else if (args.equalsIgnoreCase(i, 'ABSTTL')) {
      options.isAbsolute = true;
    } else if (args.equalsIgnoreCase(i, 'IDLETIME') && hasNext && options.frequency === -1) {
      i += 1;
      options.idleSeconds = args.int64(i);
      if (options.idleSeconds < 0) fault = 'ERR Invalid IDLETIME value, must be >= 0';
      if (Number.isNaN(options.idleSeconds)) fault = NOT_INTEGER;
    } else if (args.equalsIgnoreCase(i, 'FREQ') && hasNext && options.idleSeconds === -1) {
      i += 1;
      options.frequency = args.int64(i);
      const isCounter = options.frequency >= 0 && options.frequency <= COUNTER_MAX;
      if (!isCounter) fault = 'ERR Invalid FREQ value, must be >= 0 and <= 255';
      if (Number.isNaN(options.frequency)) fault = NOT_INTEGER;
    } else {
      fault = SYNTAX_ERROR;
    }
    if (fault !== '') {
      reply.error(fault);
      return undefined;
    }
  }
  return options;
}

/** The access bits that IDLETIME or FREQ ask for, if the policy has use for them; else -1. */
export function accessOf(store: Store, { idleSeconds, frequency }: RestoreOptions): number {
  if (store.usesLfu) return frequency < 0 ? -1 : lfuWith(frequency, store.nowMs);
  if (idleSeconds < 0) return -1;
  const nowSeconds = lruClock(store.nowMs);
  // As in Redis: a time before the clock last began anew counts as half its round ago.
  const accessed = nowSeconds - idleSeconds;
  return accessed < 0 ? (nowSeconds + (LRU_CLOCK_MAX >> 1)) % LRU_CLOCK_MAX : accessed;
}
