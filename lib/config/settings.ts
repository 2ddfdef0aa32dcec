/**
 * The settings of one node: their values as fields, and CONFIG GET, SET and REWRITE over them.
 *
 * Invariant: a call of `set` changes all that it names or nothing, and listeners hear of a change
 * only once all of it stands in the fields.
 */

import { globMatches } from '../glob.js';
import { Refusal } from './codecs.js';
import { findRow, settingNames } from './registry.js';
import { rewriteConf } from './rewrite.js';
import type { Row, Write } from './row.js';
import { SettingValues } from './values.js';

const IMMUTABLE = "can't set immutable config";
const PROTECTED = "can't set protected config";

export class Settings extends SettingValues {
  readonly #listeners = new Map<Row, (() => void)[]>();

  /** Names and values that match any of the patterns, as CONFIG GET prints them. */
  get(...patterns: readonly string[]): [name: string, value: string][] {
    const found = new Map<string, [name: string, value: string]>();
    for (const pattern of patterns) {
      const exact = /[*?[]/.test(pattern) ? undefined : findRow(pattern);
      const names = exact === undefined ? matchingNames(pattern) : [pattern];
      for (const name of names) {
        const each = findRow(name);
        if (each === undefined || each.secret === true || found.has(name.toLowerCase())) continue;
        found.set(name.toLowerCase(), [name, each.print(this)]);
      }
    }
    return [...found.values()];
  }

  /** CONFIG SET of several settings at once: Redis's error text, or undefined once all are set. */
  set(pairs: readonly (readonly [name: string, value: string])[]): string | undefined {
    const rows: Row[] = [];
    for (const [name] of pairs) {
      const each = findRow(name);
      if (each === undefined) {
        return `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`;
      }
      if (each.change === 'start') return failure(name, IMMUTABLE);
      if (each.change === 'protected') return failure(name, PROTECTED);
      const lower = name.toLowerCase();
      const isDuplicate = pairs.slice(0, rows.length).some(([other]) => isSame(other, lower));
      if (isDuplicate) return failure(name, 'duplicate parameter');
      rows.push(each);
    }
    const writes: Write[] = [];
    for (const [index, each] of rows.entries()) {
      const [name, value] = pairs[index]!;
      const parsed = each.parse(value, this);
      if (parsed instanceof Refusal) return failure(name.toLowerCase(), parsed.text);
      writes.push(parsed);
    }
    const before = rows.map((each) => each.print(this));
    for (const write of writes) write(this);
    for (const [index, each] of rows.entries()) {
      if (each.print(this) !== before[index]) this.#tell(each);
    }
    return undefined;
  }

  /** Sets one value at the start, where everything may be given. Refusals come back as text. */
  assign(name: string, value: string): string | undefined {
    const each = findRow(name);
    if (each === undefined) return 'unknown setting';
    const parsed = each.parse(value, this);
    if (parsed instanceof Refusal) return parsed.text;
    parsed(this);
    return undefined;
  }

  /** Calls back after CONFIG SET has changed this setting (or its alias). */
  onChange(name: string, callback: () => void): void {
    const each = findRow(name);
    if (each === undefined) throw new Error(`No setting is called ${name}`);
    const listeners = this.#listeners.get(each) ?? [];
    listeners.push(callback);
    this.#listeners.set(each, listeners);
  }

  /** The configuration file with the values of now; see `rewrite.ts`. */
  rewrite(previousText: string): string {
    return rewriteConf(previousText, this);
  }

  #tell(each: Row): void {
    for (const callback of this.#listeners.get(each) ?? []) callback();
  }
}

function matchingNames(pattern: string): string[] {
  const glob = Buffer.from(pattern.toLowerCase());
  return settingNames.filter((name) => globMatches(glob, Buffer.from(name), 0, name.length));
}

function isSame(name: string, lower: string): boolean {
  return name.toLowerCase() === lower;
}

function failure(name: string, text: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${text}`;
}
