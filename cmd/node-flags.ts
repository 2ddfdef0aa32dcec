/**
 * The flags of `dhash node`, made from the registry of settings: each setting is a flag, the main
 * ones are in the help, and what is given is kept in order for `loadSettings`.
 */

import { type Command, Option } from 'commander';
import { nearest } from '../lib/config/nearest.js';
import { registry } from '../lib/config/registry.js';
import type { Row } from '../lib/config/row.js';
import { SettingValues } from '../lib/config/values.js';

const HINT_LENGTH_MAX = 24;

/** Setting name -> what was given, in the order of the first mention. */
export type GivenFlags = Map<string, string>;

/** commander reads `--no-x` as the negation of `--x`, so these stay with the file. */
function canBeFlag(name: string): boolean {
  return !name.startsWith('no-');
}

/** `--http-port 0` is of use already: it says that the door shall stay shut in later versions. */
function isBuilt(row: Row): boolean {
  return row.pending === undefined || row.name === 'http-port';
}

function lowerFirst(text: string): string {
  return /^[A-Z][A-Z]/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);
}

/** The flags that are known and refused, for the help. */
export function flagsNotBuilt(): string[] {
  return registry
    .filter((row) => row.help === 'main' && !isBuilt(row))
    .map((row) => `--${row.name}`);
}

/** `hidesAll`: none of them is in the help. */
export function addSettingFlags(
  command: Command,
  { hidesAll = false }: { readonly hidesAll?: boolean } = {},
): GivenFlags {
  const given: GivenFlags = new Map();
  const defaults = new SettingValues();
  for (const row of registry) {
    for (const name of [row.name, row.alias]) {
      if (name === undefined || !canBeFlag(name)) continue;
      const isMain = isBuilt(row) && row.help === 'main' && name === row.name;
      const hint = row.hint.length > HINT_LENGTH_MAX ? 'value' : row.hint.replace(/\.+$/, '');
      const value = row.words === true ? `<${hint}...>` : `<${hint}>`;
      const byDefault = row.print(defaults);
      const shown = byDefault === '' ? '' : ` (default: ${byDefault})`;
      const option = new Option(`--${name} ${value}`, lowerFirst(row.description) + shown)
        .argParser((word: string) => {
          const before = row.words === true ? given.get(name) : undefined;
          given.set(name, before === undefined ? word : `${before} ${word}`);
          return word;
        })
        .hideHelp(hidesAll || !isMain);
      command.addOption(option);
    }
  }
  return given;
}

/** Adds the setting that was probably meant to commander's message of an unknown flag. */
export function explainUnknownFlag(message: string): string {
  const unknown = /unknown option '--([^'=]+)/.exec(message)?.[1];
  if (unknown === undefined) return message;
  const flags = registry.flatMap((row) => [row.name, row.alias ?? row.name]);
  const meant = nearest(unknown, [...flags, 'config', 'json', 'settings', 'help']);
  const hint = meant === undefined ? '' : ` (Did you mean --${meant}?)`;
  return `error: unknown option '--${unknown}'${hint}\n`;
}

/** All settings as rows for people or machines: name, default, when it may change, what it does. */
export function describeSettings(asJson: boolean): string {
  const defaults = new SettingValues();
  const rows = registry.map((row) => ({
    name: row.name,
    alias: row.alias ?? null,
    default: row.print(defaults),
    value: row.hint,
    change: row.change === 'runtime' ? 'at any time' : 'at the start',
    effect: row.pending === undefined ? (row.effect ?? 'yes') : 'fixed',
    description: row.description,
  }));
  if (asJson) return rows.map((row) => JSON.stringify(row)).join('\n');
  return rows
    .map((row) => {
      const names = row.alias === null ? row.name : `${row.name} (${row.alias})`;
      const effect = row.effect === 'none' ? ' Without effect here.' : '';
      return `${names}\n    ${row.description}.${effect}\n    default '${row.default}', changes ${row.change}`;
    })
    .join('\n');
}
