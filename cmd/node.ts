/**
 * `dhash node`: reads flags, environment and configuration file, runs one node until it is told to
 * stop, and says in plain words why it could not start.
 */

import type { Command } from 'commander';
import type { Logger } from 'pino';
import { loadSettings, type Sources } from '../lib/config/load.js';
import type { Settings } from '../lib/config/settings.js';
import { checkStart } from '../lib/config/start-checks.js';
import { createRealNode } from '../lib/library/real-node.js';
import type { DhashNode } from '../lib/node.js';
import { explainFolder } from '../lib/persistence/open-folder.js';
import { RingStartError } from '../lib/ring/ring-settings.js';
import { DHASH_VERSION } from '../lib/version.js';
import { readTextFile } from '../world/real/text-file.js';
import type { Address } from '../world/world.js';
import { printAddress } from './address.js';
import { ExitError, systemCode, usageError } from './exit.js';
import { createLog, pinoLevel, TERMINAL_VARIABLE } from './log.js';
import {
  addSettingFlags,
  describeSettings,
  explainUnknownFlag,
  flagsNotBuilt,
} from './node-flags.js';
import { outliveReader } from './reader.js';

/** After this a stop no longer waits for connections to take their last replies. */
const STOP_MS_MAX = 2000;
/** The same if what is in memory is on its way to the disk. */
const STOP_WITH_DISK_MS_MAX = 60_000;
const EXIT_FORCED = 130;

const HELP = `
Known and refused, since not built yet:
  ${wrapped(flagsNotBuilt())}

Settings come from flags, then DHASH_ variables (DHASH_MAXMEMORY=2gb), then the
--config file (redis.conf's syntax), each with the same names. Redis's own names
work too. All of them: dhash node --settings

Examples:
  $ dhash node
  $ dhash node --port 7000 --maxmemory 2gb
  $ dhash node --host 0.0.0.0 --requirepass-file /etc/dhash.password
  $ dhash node --config dhash.conf --log-level debug

Then, with any Redis client:
  $ redis-cli SET fruit:apple red
  $ redis-cli KRANGE '[fruit:' + WITHVALUES
`;

function wrapped(words: readonly string[]): string {
  return words
    .join(' ')
    .replace(/(.{1,72})( |$)/g, '$1\n  ')
    .trim();
}

interface NodeFlags {
  readonly config?: string;
  readonly json?: boolean;
  readonly settings?: boolean;
}

export function addNodeCommand(program: Command): void {
  const command = program
    .command('node')
    .description('run one node until it is stopped (Ctrl-C or SIGTERM)')
    .option('--config <file>', 'configuration file, in the syntax of redis.conf')
    .option('--json', 'log in JSON, also on a terminal')
    .option('--settings', 'print all settings with their defaults, and exit')
    .addHelpText('after', HELP)
    .showHelpAfterError('Try: dhash node --help')
    .showSuggestionAfterError(false)
    .configureOutput({ outputError: (message, write) => write(explainUnknownFlag(message)) });
  const given = addSettingFlags(command);
  command.action(async (flags: NodeFlags) => {
    if (flags.settings === true) {
      console.log(describeSettings(flags.json === true));
      return;
    }
    const configFile = flags.config ?? process.env.DHASH_CONFIG ?? '';
    await runNode(readSettings(configFile, [...given]), configFile, flags.json === true);
  });
}

function readText(path: string, what: string): string {
  try {
    return readTextFile(path, what);
  } catch (error) {
    throw usageError((error as Error).message);
  }
}

/** The settings from all sources, or a usage error that names every problem. */
function readSettings(configFile: string, flags: readonly [string, string][]): Settings {
  const file =
    configFile === ''
      ? {}
      : { file: { path: configFile, text: readText(configFile, 'the configuration file') } };
  const sources: Sources = { ...file, environment: process.env, flags };
  const { settings, problems } = loadSettings(sources);
  checkStart(settings, readText, problems);
  if (problems.length > 0) throw usageError(`cannot start:\n  ${problems.join('\n  ')}`);
  return settings;
}

async function runNode(settings: Settings, configFile: string, asJson: boolean): Promise<void> {
  const isSeen = process.stdout.isTTY === true || process.env[TERMINAL_VARIABLE] === '1';
  const isForPeople = isSeen && !asJson;
  const log = createLog(settings.loglevel, isForPeople);
  settings.onChange('log-level', () => {
    log.level = pinoLevel(settings.loglevel);
  });
  outliveReader();
  const stopping = new Stopping(log);
  const node = createRealNode(
    { log, settings, configFile },
    {
      ringRefused: (text) => stopping.fail(text),
      shutdown: () => stopping.begin('SHUTDOWN'),
    },
  );
  stopping.node = node;
  try {
    await node.start();
  } catch (error) {
    throw explainStart(error, settings);
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => stopping.begin(signal));
  }
  // A node of `dhash ring` ends when whoever started it is gone.
  process.on('disconnect', () => stopping.begin('whoever started this node is gone'));
  process.channel?.unref();
  showTitle(settings, node.addresses);
  const addresses = node.addresses.map(printAddress);
  log.info({ addresses, version: DHASH_VERSION }, 'the node is serving');
  if (settings.loglevel !== 'warning' && settings.loglevel !== 'nothing') {
    console.error(howToTalk(settings, node.addresses));
  }
}

/** A stop happens once; a second signal ends the process at once. */
class Stopping {
  node: DhashNode | undefined;
  readonly #log: Logger;
  #isUnderWay = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The ring does not take this node. */
  fail(text: string): void {
    if (this.#isUnderWay) return;
    process.exitCode = 1;
    this.#log.error({ why: text }, 'cannot join the ring as it is');
    console.error(`dhash: cannot join the ring: ${text}`);
    this.begin('the ring refuses this node');
  }

  begin(reason: string): void {
    if (this.#isUnderWay) process.exit(EXIT_FORCED);
    this.#isUnderWay = true;
    this.#log.info({ reason }, 'stopping');
    const { node } = this;
    if (node === undefined) return;
    node
      .shutdown(() => this.#serveNoMore())
      .then(
        () => this.#stopped(),
        (error: unknown) => {
          this.#log.error({ err: error }, 'the stop failed');
          process.exitCode = 1;
        },
      );
  }

  #serveNoMore(): void {
    // The process ends by itself once the last connection is closed; this is for those that stay.
    const keeps = this.node?.server.persistence !== undefined;
    setTimeout(() => process.exit(), keeps ? STOP_WITH_DISK_MS_MAX : STOP_MS_MAX).unref();
  }

  #stopped(): void {
    const persistence = this.node?.server.persistence;
    if (persistence?.failure !== undefined) process.exitCode = 1;
    const keeps = persistence !== undefined;
    this.#log.info({}, keeps ? 'stopped' : 'stopped: what was in memory is gone');
  }
}

/** What to do about a node that could not listen. */
function explainStart(error: unknown, settings: Settings): unknown {
  const { dir, loadDamaged } = settings;
  const folderProblem = dir === '' ? undefined : explainFolder(error, dir, loadDamaged);
  if (folderProblem !== undefined) return new ExitError(folderProblem);
  if (error instanceof RingStartError) return usageError(error.message);
  const { address, port, path } = error as { address?: string; port?: number; path?: string };
  // Of a unix socket, Node gives the path as the address, and -1 as the port.
  const isPath = port === undefined || port < 0;
  const where = path ?? (isPath || address === undefined ? address : `${address}:${port}`);
  const place = where ?? `port ${settings.port}`;
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return new ExitError(
        settings.unixsocket !== '' && place.startsWith(settings.unixsocket)
          ? `${place} is in use by another process: stop it, or give another --unixsocket`
          : `${place} is taken: a Redis or another dhash is serving there. ` +
              `Stop it, or choose another port: dhash node --port ${settings.port + 1}`,
      );
    case 'EACCES':
    case 'EPERM':
      return new ExitError(
        `not allowed to listen on ${place}: choose a port from 1024 on, or a folder of your own`,
      );
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'ENOTFOUND':
    case 'EINVAL':
      return new ExitError(`cannot listen on ${place}: this machine has no such address (--host)`);
    case 'ENOENT':
      return new ExitError(`cannot listen on ${place}: its folder does not exist`);
    default:
      return error;
  }
}

/** The flags of redis-cli that reach an address. */
function cliFlags(address: Address): string {
  if ('path' in address) return ` -s ${address.path}`;
  const isAny = address.host === '0.0.0.0' || address.host === '::';
  const host = isAny || address.host === '127.0.0.1' ? '' : ` -h ${address.host}`;
  return `${host}${address.port === 6379 ? '' : ` -p ${address.port}`}`;
}

function howToTalk(settings: Settings, addresses: readonly Address[]): string {
  const first = addresses[0];
  const cli = `redis-cli${first === undefined ? '' : cliFlags(first)}${
    settings.requirepass === '' ? '' : ' --askpass'
  }`;
  return [
    '',
    `dhash ${DHASH_VERSION} serves on ${addresses.map(printAddress).join(', ')}. Talk to it:`,
    `  ${cli} SET city:SE:Stockholm hello`,
    `  ${cli} KRANGE '[city:' + WITHVALUES`,
    settings.dir === ''
      ? 'Everything is in memory: a stop forgets it (--dir DIR keeps it). Ctrl-C stops.'
      : `Everything is kept in ${settings.dir}. Ctrl-C stops.`,
    '',
  ].join('\n');
}

/** What ps and top show, as Redis's proc-title-template has it; it hides passwords in flags, too. */
function showTitle(settings: Settings, addresses: readonly Address[]): void {
  const show = (): void => {
    if (!settings.setProcTitle) return;
    const first = addresses[0];
    const values = new Map([
      ['{title}', 'dhash'],
      ['{listen-addr}', first === undefined ? '' : printAddress(first)],
      ['{server-mode}', ''],
      ['{port}', String(settings.port)],
      ['{tls-port}', '0'],
      ['{unixsocket}', settings.unixsocket],
      ['{config-file}', ''],
    ]);
    const template = settings.procTitleTemplate;
    process.title = template.replace(/\{[^}]*\}/g, (name) => values.get(name) ?? '').trim();
  };
  settings.onChange('proc-title-template', show);
  show();
}
