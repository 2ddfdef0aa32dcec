/**
 * The highest of each limit of the small encodings since the start: what a collection that nobody here has
 * written may be kept in. For Redis converts a value when it is written, and leaves it as it is when
 * CONFIG SET lowers a limit; a write notes what it outgrows by the limits of its time.
 */
import type { Settings } from '../config/settings.js';

/** By setting, its field. */
const FIELDS = {
  'hash-max-listpack-entries': 'hashMaxListpackEntries',
  'hash-max-listpack-value': 'hashMaxListpackValue',
  'set-max-intset-entries': 'setMaxIntsetEntries',
  'set-max-listpack-entries': 'setMaxListpackEntries',
  'set-max-listpack-value': 'setMaxListpackValue',
  'zset-max-listpack-entries': 'zsetMaxListpackEntries',
  'zset-max-listpack-value': 'zsetMaxListpackValue',
} as const;

export type EncodingLimits = Pick<Settings, (typeof FIELDS)[keyof typeof FIELDS]>;

export function highestLimits(settings: Settings): Readonly<EncodingLimits> {
  const highest = {} as EncodingLimits;
  for (const [name, field] of Object.entries(FIELDS)) {
    highest[field] = settings[field];
    settings.onChange(name, () => {
      highest[field] = Math.max(highest[field], settings[field]);
    });
  }
  return highest;
}
