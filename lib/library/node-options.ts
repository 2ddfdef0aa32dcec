/** The settings of `dhash node`, by their names in camelCase: `{ port: 7000, logLevel: 'debug' }`. */
import { nearest } from '../config/nearest.js';
import { registry, settingNames } from '../config/registry.js';
import { Settings } from '../config/settings.js';
import { checkStart } from '../config/start-checks.js';

/** Yes and no as booleans; several words as an array. */
export type SettingValue = string | number | boolean | readonly string[];

/** The usual ones; all others of `dhash node --settings` as well. */
export interface NodeOptions {
  /** Addresses to listen on. Default 127.0.0.1. */
  readonly host?: string | readonly string[];
  /** Default 6379. */
  readonly port?: number;
  readonly unixsocket?: string;
  /** Where other members reach this node, HOST:PORT. Default: host and port. */
  readonly announce?: string;
  /** Members of the ring to join, HOST:PORT. Default: none, it begins a ring. */
  readonly join?: string | readonly string[];
  /** Members that hold each key. Default: 3, or as the ring has it. */
  readonly replicas?: number;
  /** Place on the ring: text, or 0x and hex. Default: where the load is. */
  readonly position?: string;
  readonly readLevel?: 'one' | 'quorum' | 'all';
  readonly writeLevel?: 'one' | 'quorum' | 'all';
  /** What members prove to each other. Default: none, members on this machine only. */
  readonly clusterSecret?: string;
  readonly evictAfterMs?: number;
  readonly leaveTimeoutMs?: number;
  /** Folder to keep the entries in. Default: nothing is kept. */
  readonly dir?: string;
  readonly fsync?: 'everysec' | 'always' | 'no';
  /** Bytes, or as '2gb'. Default: no limit. */
  readonly maxmemory?: number | string;
  /** Password of the clients. Default: none. */
  readonly requirepass?: string;
  readonly [setting: string]: SettingValue | undefined;
}

export class NodeOptionsError extends Error {
  readonly code = 'NODE_OPTIONS';
  /** One line each: what was wrong. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`cannot make a node: ${problems.join('; ')}`);
    this.name = 'NodeOptionsError';
    this.problems = problems;
  }
}

/** Throws a NodeOptionsError that names every problem. */
export function settingsOf(
  options: NodeOptions,
  readText: (path: string, what: string) => string,
): Settings {
  const settings = new Settings();
  const problems: string[] = [];
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const name = namesByOption.get(option);
    if (name === undefined) {
      problems.push(unknownOption(option));
      continue;
    }
    const refused = refusalOf(value, (text) => settings.assign(name, text));
    if (refused !== undefined) problems.push(`${option}: ${refused}`);
  }
  try {
    if (problems.length === 0) checkStart(settings, readText, problems);
  } catch (error) {
    problems.push((error as Error).message);
  }
  if (problems.length > 0) throw new NodeOptionsError(problems);
  return settings;
}

const namesByOption = new Map(
  registry.flatMap(({ alias, name }) =>
    [name, alias ?? name].map((each) => [camelOf(each), each] as const),
  ),
);

/** Why a value is refused, by its type or by the setting; undefined: it is set. */
function refusalOf(
  value: unknown,
  assign: (text: string) => string | undefined,
): string | undefined {
  if (typeof value === 'boolean') return assign(value ? 'yes' : 'no');
  if (typeof value === 'number' || typeof value === 'string') return assign(String(value));
  if (Array.isArray(value) && value.every((word) => typeof word === 'string')) {
    return assign(value.join(' '));
  }
  return 'a string, number, boolean or array of strings is expected';
}

function camelOf(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function kebabOf(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function unknownOption(option: string): string {
  const meant = nearest(kebabOf(option), settingNames);
  const hint = meant === undefined ? '' : `; did you mean '${camelOf(meant)}'?`;
  return `unknown setting '${option}'${hint}`;
}
