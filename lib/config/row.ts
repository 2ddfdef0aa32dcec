/**
 * One row of the registry of settings: what a setting is called, how it is read and printed, when
 * it may change, and what it does in this version.
 *
 * Invariant: a row whose feature does not exist in this version (`pending`) takes no value but the
 * one that is true now, so that no setting is accepted and then ignored in silence.
 */

import { type Codec, parseMemory, Refusal } from './codecs.js';
import type { SettingValues } from './values.js';

/**
 * `runtime`: CONFIG SET changes it. `start`: it is given at the start and stays.
 * `protected`: as `start`; Redis words its refusal differently.
 */
export type Change = 'runtime' | 'start' | 'protected';

/** Writes a checked value into the fields. */
export type Write = (values: SettingValues) => void;

export interface RowOptions {
  readonly change?: Change;
  /** A second name with the same meaning; CONFIG GET shows both, as Redis does. */
  readonly alias?: string;
  /** Why no value but the present one is taken: the feature is not built. */
  readonly pending?: string;
  /** Accepted for compatibility; this store has nothing that it would change. */
  readonly effect?: 'none';
  /** `main`: listed by `dhash node --help`. Every setting is a flag all the same. */
  readonly help?: 'main';
  /** Several words in a configuration file and on the command line make one value. */
  readonly words?: boolean;
  /** CONFIG REWRITE writes a line for each group of so many words. */
  readonly wordsPerLine?: number;
  /** Left out of CONFIG GET and CONFIG REWRITE. */
  readonly secret?: boolean;
}

export interface Row extends RowOptions {
  readonly name: string;
  readonly description: string;
  readonly hint: string;
  readonly change: Change;
  /** The value as CONFIG GET shows it. */
  print(values: SettingValues): string;
  /** The value as CONFIG REWRITE writes it. */
  write(values: SettingValues): string;
  /** A write of the checked value, or why it is refused. */
  parse(given: string, values: SettingValues): Write | Refusal;
}

/** A setting that is kept in a field. */
export function row<K extends keyof SettingValues>(
  name: string,
  field: K,
  codec: Codec<SettingValues[K]>,
  description: string,
  options: RowOptions = {},
): Row {
  const { pending } = options;
  return {
    change: 'runtime',
    ...options,
    name,
    description,
    hint: codec.hint,
    print: (values) => codec.print(values[field]),
    write: (values) => (codec.write ?? codec.print)(values[field]),
    parse(given, values) {
      const value = codec.parse(given, values[field]);
      if (value instanceof Refusal) return value;
      if (pending !== undefined && codec.print(value) !== codec.print(values[field])) {
        return new Refusal(pending);
      }
      return (target) => {
        target[field] = value;
      };
    },
  };
}

/** A setting of Redis that can have only one value here, and that nothing reads. */
export function fixed(name: string, value: string, pending: string, options: RowOptions = {}): Row {
  return {
    change: 'runtime',
    ...options,
    name,
    pending,
    description: `Always ${value === '' ? 'empty' : value}: ${pending}`,
    hint: value === '' ? '""' : value,
    print: () => value,
    write: () => value,
    parse: (given) => (meansSame(given, value) ? () => {} : new Refusal(pending)),
  };
}

/** A word that follows from other settings: what is true now may be given, and nothing else. */
export function derived(
  name: string,
  print: (values: SettingValues) => string,
  pending: string,
  description: string,
): Row {
  return {
    ...{ name, print, write: print, change: 'runtime', pending, description },
    hint: 'as it is',
    parse: (given, values) => (meansSame(given, print(values)) ? () => {} : new Refusal(pending)),
  };
}

function meansSame(given: string, value: string): boolean {
  if (given.toLowerCase() === value.toLowerCase()) return true;
  const bytes = given === '' ? undefined : parseMemory(given);
  return bytes !== undefined && value !== '' && bytes === parseMemory(value);
}
