/** LATENCY DOCTOR: the events that were slow, in words, and what may help. */
import type { LatencyEvent } from '../../server/latency-monitor.js';
import type { Server } from '../../server/server.js';

const OFF =
  "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this node. You may use " +
  '"CONFIG SET latency-monitor-threshold <milliseconds>" in order to enable it.\n';
const NOTHING =
  'Dave, no latency spike was observed during the lifetime of this node, not in the slightest ' +
  'bit. I honestly think you ought to sit down calmly, take a stress pill, and think things ' +
  'over.\n';

export function latencyReport(server: Server): string {
  const { events } = server.latency;
  const thresholdMs = server.settings.latencyMonitorThreshold;
  if (events.size === 0) return thresholdMs === 0 ? OFF : NOTHING;
  let text = 'Dave, I have observed latency spikes in this node. You do not mind talking about ';
  text += 'it, do you Dave?\n\n';
  let number = 0;
  for (const [name, event] of events) {
    number += 1;
    text += `${number}. ${name}: ${describe(event)}\n`;
  }
  text += '\nWhile there is much that a node can do, here is what you can:\n\n';
  for (const line of advice(server)) text += `- ${line}\n`;
  return text;
}

function describe(event: LatencyEvent): string {
  const values = event.samples.map((sample) => sample.latencyMs);
  const average = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation =
    values.reduce((sum, value) => sum + Math.abs(value - average), 0) / values.length;
  const first = event.samples[0]!.atSeconds;
  const period = (event.latest.atSeconds - first) / values.length;
  return (
    `${values.length} latency spikes (average ${average.toFixed(0)} ms, mean deviation ` +
    `${deviation.toFixed(0)} ms, period ${period.toFixed(2)} sec). Worst all time event ` +
    `${event.maxMs} ms.`
  );
}

function advice(server: Server): string[] {
  const { settings } = server;
  const lines: string[] = [];
  const usec = settings.slowlogLogSlowerThan;
  if (usec < 0 || usec > settings.latencyMonitorThreshold * 1000) {
    lines.push(
      'The slow log does not show what is slow here: try "CONFIG SET slowlog-log-slower-than ' +
        `${settings.latencyMonitorThreshold * 1000}".`,
    );
  } else {
    lines.push('Look at "SLOWLOG GET" to see which commands took so long, and why.');
  }
  lines.push('Commands on very large values or ranges take long: ask for less in one command.');
  lines.push('If the machine swaps or is busy otherwise, every command may be slow now and then.');
  return lines;
}
