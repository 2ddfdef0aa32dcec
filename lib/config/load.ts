/**
 * The settings at the start: defaults, then the configuration file, then the environment, then
 * flags, each over the one before.
 *
 * Invariant: every problem of every source is reported in one go, each with where it stands and
 * what was meant, and a start with problems is no start. Pure: whoever calls has read the file.
 */

import { type ConfLine, parseConf } from './conf-file.js';
import { nearest } from './nearest.js';
import { findRow, settingNames } from './registry.js';
import { refusedDirectives } from './registry-fixed.js';
import { Settings } from './settings.js';

export interface Sources {
  readonly file?: { readonly path: string; readonly text: string };
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Setting name and value, in the order given. */
  readonly flags?: readonly (readonly [name: string, value: string])[];
}

/** Variables that are no settings: the file, what clients and what test programs read. */
const OTHER_VARIABLES = new Set(['DHASH_CONFIG', 'DHASH_PASSWORD', 'DHASH_BIN']);
/** Kubernetes gives these to every container beside a service that is called dhash. */
const SERVICE_VARIABLE = /^DHASH_(SERVICE_|PORT_[0-9]+_)/;
const SERVICE_PORT_VALUE = /^(tcp|udp|sctp):\/\//;

const VARIABLE_PREFIX = 'DHASH_';

/** "maxmemory" of "unknown setting 'maxmemry'; did you mean 'maxmemory'?" */
export function unknownSetting(name: string): string {
  const meant = nearest(name, settingNames);
  const hint = meant === undefined ? '' : `; did you mean '${meant}'?`;
  return `unknown setting '${name}'${hint}`;
}

export function variableOfSetting(name: string): string {
  return VARIABLE_PREFIX + name.toUpperCase().replaceAll('-', '_');
}

export function loadSettings(sources: Sources): { settings: Settings; problems: string[] } {
  const settings = new Settings();
  const problems: string[] = [];
  if (sources.file !== undefined) {
    loadFile(settings, sources.file.path, sources.file.text, problems);
  }
  loadEnvironment(settings, sources.environment ?? {}, problems);
  for (const [name, value] of sources.flags ?? []) {
    const refused = findRow(name) ? settings.assign(name, value) : unknownSetting(name);
    if (refused !== undefined) problems.push(`--${name}: ${refused}`);
  }
  return { settings, problems };
}

function loadFile(settings: Settings, path: string, text: string, problems: string[]): void {
  const { lines, problems: unreadable } = parseConf(text);
  const found = unreadable.map(({ lineNumber, text: why }) => ({ lineNumber, text: why }));
  for (const line of lines) {
    const refused = loadLine(settings, line);
    if (refused !== undefined) found.push({ lineNumber: line.lineNumber, text: refused });
  }
  found.sort((a, b) => a.lineNumber - b.lineNumber);
  for (const { lineNumber, text: why } of found) problems.push(`${path}:${lineNumber}: ${why}`);
}

function loadLine(settings: Settings, line: ConfLine): string | undefined {
  const { name, words } = line;
  const refusedBecause = refusedDirectives.get(name);
  if (refusedBecause !== undefined) return `${name}: ${refusedBecause}`;
  const row = findRow(name);
  if (row === undefined) return unknownSetting(name);
  if (words.length === 0) return `${name}: the value is missing`;
  if (words.length > 1 && row.words !== true) {
    const isComment = words.some((word) => word.startsWith('#'));
    const hint = isComment ? '; a comment needs a line of its own' : '';
    return `${name}: one value expected, ${words.length} given${hint}`;
  }
  const refused = settings.assign(name, words.join(' '));
  return refused === undefined ? undefined : `${name}: ${refused}`;
}

function isSetting(variable: string, value: string): boolean {
  if (!variable.startsWith(VARIABLE_PREFIX) || OTHER_VARIABLES.has(variable)) return false;
  if (SERVICE_VARIABLE.test(variable)) return false;
  return variable !== 'DHASH_PORT' || !SERVICE_PORT_VALUE.test(value);
}

function loadEnvironment(
  settings: Settings,
  environment: Readonly<Record<string, string | undefined>>,
  problems: string[],
): void {
  for (const [variable, value] of Object.entries(environment)) {
    if (value === undefined || !isSetting(variable, value)) continue;
    const name = variable.slice(VARIABLE_PREFIX.length).toLowerCase().replaceAll('_', '-');
    if (findRow(name) === undefined) {
      const meant = nearest(name, settingNames);
      const hint = meant === undefined ? '' : `; did you mean ${variableOfSetting(meant)}?`;
      problems.push(`${variable}: no setting has this name${hint}`);
      continue;
    }
    const refused = settings.assign(name, value);
    if (refused !== undefined) problems.push(`${variable}: ${refused}`);
  }
}
