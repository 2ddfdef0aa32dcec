/** `dhash status`: the ring as a table, one line for each member. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { shownId } from '../discord/ring/view.js';
import { humanBytes } from '../lib/server/info/section.js';
import { addressOption, type ServerAddress } from './address.js';
import { EXIT_NOT_GOOD } from './exit.js';
import { connectTo, type NodeClient, refused } from './node-client.js';
import { askStatus, type RingMemberStatus, type RingStatus } from './ring-reply.js';

const WATCH_MS = 1000;
const POSITION_CHARS_MAX = 24;
const CLEAR_SCREEN = '\x1b[H\x1b[2J';

const HELP = `
Any member answers for the whole ring. The first two letters of a line: Up or Down, as the member
that answers knows; Normal, Joining, Leaving, Moving, or Evicted (being removed, since it is dead).
Owned is what the member is the first to hold, held what it has as a replica, too. Bytes of what
is owned are an estimate. A dash: it did not answer within a second.

Exit code: 0 = all members are up, 1 = some are not, 2 = there is no answer.

Examples:
  $ dhash status
  $ dhash status --at 10.0.0.7:6379 --json
  $ dhash status --watch                 every second, until Ctrl-C
`;

interface StatusFlags {
  readonly at: ServerAddress;
  readonly json?: boolean;
  readonly watch?: boolean;
}

export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('show the members of the ring: who is up, and who has how much')
    .addOption(addressOption())
    .option('--json', 'print one JSON object (with --watch one in each line)')
    .option('--watch', 'print it every second until it is stopped')
    .addHelpText('after', HELP)
    .action((flags: StatusFlags) => runStatus(flags));
}

async function runStatus(flags: StatusFlags): Promise<void> {
  const client = await connectTo(flags.at);
  try {
    if (flags.watch !== true) {
      const status = await askStatus(client);
      console.log(textOf(status, flags));
      if (status.members.some((member) => member.status !== 'up')) process.exitCode = EXIT_NOT_GOOD;
      return;
    }
    await watch(client, flags);
  } catch (error) {
    throw refused(error);
  } finally {
    client.close();
  }
}

async function watch(client: NodeClient, flags: StatusFlags): Promise<never> {
  const clear = process.stdout.isTTY === true && flags.json !== true ? CLEAR_SCREEN : '';
  for (;;) {
    console.log(clear + textOf(await askStatus(client), flags));
    await pause(WATCH_MS);
  }
}

function textOf(status: RingStatus, { json }: StatusFlags): string {
  return json === true ? JSON.stringify(status) : tableOf(status);
}

const COLUMNS: readonly (readonly [title: string, of: (member: RingMemberStatus) => string])[] = [
  ['', ({ status, state }) => `${status.charAt(0)}${state.charAt(0)}`.toUpperCase()],
  ['Address', ({ address }) => address],
  ['Position', ({ position }) => shortened(position)],
  ['Owned', ({ ownedEntries }) => String(ownedEntries ?? '-')],
  ['Held', ({ heldEntries }) => String(heldEntries ?? '-')],
  ['Owned bytes', ({ ownedBytes }) => bytesOf(ownedBytes)],
  ['Held bytes', ({ heldBytes }) => bytesOf(heldBytes)],
  ['Share', ({ share }) => (share === null ? '-' : `${(share * 100).toFixed(1)} %`)],
  ['Epoch', ({ epoch }) => String(epoch ?? '-')],
  ['Clock', ({ clockOffsetMs }) => (clockOffsetMs === null ? '-' : `${clockOffsetMs} ms`)],
  ['Member', ({ id }) => shownId(id)],
];
/** The first of the columns that are aligned to the right, and the last. */
const NUMBERS_FROM = 3;
const NUMBERS_TO = 9;

export function tableOf(status: RingStatus): string {
  const { change, clusterId, epoch, members, replicas } = status;
  const rows = [
    COLUMNS.map(([title]) => title),
    ...members.map((member) => COLUMNS.map(([, of]) => of(member))),
  ];
  const widths = COLUMNS.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, at) => {
        const isNumber = at >= NUMBERS_FROM && at <= NUMBERS_TO;
        return isNumber ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!);
      })
      .join('  ')
      .trimEnd(),
  );
  const doing = change === 'none' ? '' : `, changing: ${change}`;
  const head = `Ring ${clusterId}, epoch ${epoch}, ${members.length} members, ${replicas} replicas${doing}`;
  return [head, ...lines, ...adviceFor(members)].join('\n');
}

function adviceFor(members: readonly RingMemberStatus[]): string[] {
  if (members.length !== 2) return [];
  return [
    'Two members cannot outvote a dead one: while one is down the ring does not change. Three are better.',
  ];
}

function shortened(position: string): string {
  if (position.length <= POSITION_CHARS_MAX) return position;
  return `${position.slice(0, POSITION_CHARS_MAX - 2)}..`;
}

function bytesOf(bytes: number | null): string {
  return bytes === null ? '-' : humanBytes(bytes);
}
