/** INFO loops: what keeps entries where they belong has done. */
import type { Server } from '../server.js';
import type { InfoLine } from './section.js';

export function loopLines({ loops }: Server): InfoLine[] {
  if (loops === undefined) return [];
  const { answers, calls, clean, fill, reports } = loops;
  const lines: InfoLine[] = [
    ['sessions_begun_open', calls.runningCount],
    ['sessions_answered_open', answers.size],
    ['sessions_answered', reports.answers.sessions],
    ['answered_entries_in', reports.answers.entriesIn],
    ['answered_entries_out', reports.answers.entriesOut],
    ['answered_bytes_in', reports.answers.bytesIn],
    ['answered_bytes_out', reports.answers.bytesOut],
    ['ranges_to_fill', fill.openCount],
    ['misplaced_entries', clean.misplacedCount],
  ];
  for (const [name, counters] of reports.loops) {
    const { bytes, entries, failures, lastFrom, lastMs, lastTo, rounds } = counters;
    const last = Math.floor(lastMs / 1000);
    lines.push([
      `loop_${name}`,
      `rounds=${rounds},failures=${failures},entries=${entries},bytes=${bytes},` +
        `last=${last},from=${lastFrom},to=${lastTo}`,
    ]);
  }
  return lines;
}
