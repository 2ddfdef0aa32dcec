/** LATENCY: what lib/server/latency-monitor.ts keeps, and histograms per command. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { allCommands } from '../../server/info/stats-section.js';
import type { LatencyEvent } from '../../server/latency-monitor.js';
import type { Session } from '../../server/session.js';
import { ADMIN, type Command, type CommandRow } from '../command.js';
import { helpRow } from '../help.js';
import { unknownSubcommand } from '../replies.js';
import { latencyReport } from './latency-doctor.js';
import { ruler, sparkline } from './sparkline.js';

/** LATENCY HISTOGRAM: powers of two of nanoseconds, from the first to the last. */
const POWER_MIN = 10;
const POWER_MAX = 43;

function latest(session: Session, _args: Args, reply: ReplyWriter): void {
  const { events } = session.server.latency;
  reply.array(events.size);
  for (const [name, event] of events) {
    reply.array(4);
    reply.bulkLatin1(name);
    reply.integer(event.latest.atSeconds);
    reply.integer(event.latest.latencyMs);
    reply.integer(event.maxMs);
  }
}

function history(session: Session, args: Args, reply: ReplyWriter): void {
  const samples = session.server.latency.events.get(args.string(2))?.samples ?? [];
  reply.array(samples.length);
  for (const { atSeconds, latencyMs } of samples) {
    reply.array(2);
    reply.integer(atSeconds);
    reply.integer(latencyMs);
  }
}

function reset(session: Session, args: Args, reply: ReplyWriter): void {
  const { latency } = session.server;
  let events = args.count === 2 ? latency.reset() : 0;
  for (let i = 2; i < args.count; i += 1) events += latency.reset(args.string(i));
  reply.integer(events);
}

function graph(session: Session, args: Args, reply: ReplyWriter): void {
  const name = args.string(2);
  const event = session.server.latency.events.get(name);
  if (event === undefined) reply.error(`ERR No samples available for event '${name}'`);
  else reply.verbatim('txt', graphOf(name, event, session.server.store.nowMs));
}

function graphOf(name: string, event: LatencyEvent, nowMs: number): string {
  const values = event.samples.map((sample) => sample.latencyMs);
  const high = Math.max(...values);
  const low = Math.min(...values);
  const samples = event.samples.map(({ atSeconds, latencyMs }) => ({
    value: latencyMs,
    label: age(Math.floor(nowMs / 1000) - atSeconds),
  }));
  const title = `${name} - high ${high} ms, low ${low} ms (all time high ${event.maxMs} ms)`;
  return `${title}\n${ruler()}\n${sparkline(samples)}`;
}

function age(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

function doctor(session: Session, _args: Args, reply: ReplyWriter): void {
  reply.verbatim('txt', latencyReport(session.server));
}

/** LATENCY HISTOGRAM [command ...]; a container stands for its subcommands. */
function histogram(session: Session, args: Args, reply: ReplyWriter): void {
  const { server } = session;
  const wanted: Command[] = [];
  if (args.count === 2) wanted.push(...allCommands(server));
  for (let i = 2; i < args.count; i += 1) {
    const command = server.dispatcher.byName(args.string(i));
    if (command !== undefined) wanted.push(command, ...(command.children?.values() ?? []));
  }
  const isOn = server.settings.latencyTracking;
  const measured = wanted.filter((command) => isOn && command.stats.recordedCalls > 0);
  reply.map(measured.length);
  for (const command of measured) replyHistogram(reply, command);
}

/** Calls that took up to 1, 2, 4, 8, 16, 33, ... us: bounds as Redis's histogram rounds them. */
function replyHistogram(reply: ReplyWriter, { fullName, stats }: Command): void {
  const calls = stats.recordedCalls;
  reply.bulkLatin1(fullName);
  reply.map(2);
  reply.bulkLatin1('calls');
  reply.integer(calls);
  reply.bulkLatin1('histogram_usec');
  const later = reply.defer();
  let pairs = 0;
  let before = 0;
  for (let power = POWER_MIN; power <= POWER_MAX && before < calls; power += 1) {
    const usec = Math.floor((2 ** power + 2 ** (power - 7) - 1) / 1000);
    const upTo = power === POWER_MAX ? calls : stats.callsUpTo(usec);
    if (upTo === before) continue;
    reply.integer(usec);
    reply.integer(upTo);
    before = upTo;
    pairs += 1;
  }
  reply.resolveMap(later, pairs);
}

export const latencyCommands: readonly CommandRow[] = [
  {
    name: 'latency',
    arity: -2,
    flags: 0,
    handler: (_session, args, reply) => reply.error(unknownSubcommand('latency', args.string(1))),
    subcommands: [
      { name: 'doctor', arity: 2, flags: ADMIN, handler: doctor },
      { name: 'graph', arity: 3, flags: ADMIN, handler: graph },
      helpRow('latency', [
        'DOCTOR',
        '    Return a human readable latency analysis report.',
        'GRAPH <event>',
        '    Return an ASCII latency graph for the <event> class.',
        'HISTORY <event>',
        '    Return time-latency samples for the <event> class.',
        'LATEST',
        '    Return the latest latency samples for all events.',
        'RESET [<event> ...]',
        '    Reset latency data of one or more <event> classes.',
        '    (default: reset all data for all event classes)',
        'HISTOGRAM [COMMAND ...]',
        '    Return a cumulative distribution of latencies in the format of a histogram for ' +
          'the specified command names.',
        '    If no commands are specified then all histograms are replied.',
      ]),
      { name: 'histogram', arity: -2, flags: ADMIN, handler: histogram },
      { name: 'history', arity: 3, flags: ADMIN, handler: history },
      { name: 'latest', arity: 2, flags: ADMIN, handler: latest },
      { name: 'reset', arity: -2, flags: ADMIN, handler: reset },
    ],
  },
];
