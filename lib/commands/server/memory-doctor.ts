/** MEMORY DOCTOR: what is odd about the memory of a node, in words. */
import type { MemoryReport } from '../../server/memory.js';

const MIB = 1024 * 1024;
/** Below this there is nothing to be said about ratios, bytes. */
const SMALL_BYTES = 5 * MIB;

const TOO_SMALL =
  'Hi Sam, this node is empty or is using very little memory, my issues detector cannot be used ' +
  'in these conditions. Please, leave for your mission on Earth and fill it with some data.\n';
const NOTHING =
  'Hi Sam, I cannot find any memory issue in this node. I can only account for what occurs on ' +
  'this base.\n';

interface Finding {
  readonly isThere: (report: MemoryReport) => boolean;
  readonly text: string;
}

const FINDINGS: readonly Finding[] = [
  {
    isThere: (report) => report.peakBytes > report.usedBytes * 1.5,
    text:
      'Peak memory: this node used much more memory in the past than it does now. Arenas are not ' +
      'given back to the system, so the process stays as large; new entries fill the room.',
  },
  {
    isThere: (report) =>
      report.fragmentedBytes > 10 * MIB && report.fragmentedBytes > report.datasetBytes * 0.4,
    text:
      'Fragmentation: the arenas have many free records of sizes that are not asked for now. ' +
      'Entries of such sizes will use them; a restart gives the memory back.',
  },
  {
    isThere: (report) => report.clientBytes > 32 * MIB,
    text:
      'Clients: much memory is held for clients that send faster than they read replies. Look ' +
      'at omem and qbuf in CLIENT LIST, and at client-output-buffer-limit.',
  },
  {
    isThere: (report) => report.heapBytes > report.datasetBytes && report.heapBytes > 256 * MIB,
    text:
      'Heap: the JavaScript heap is larger than all entries together, which it should never be ' +
      'in a node at work. Many connections or long transactions may explain it.',
  },
];

export function memoryAdvice(report: MemoryReport): string {
  if (report.datasetBytes < SMALL_BYTES) return TOO_SMALL;
  const found = FINDINGS.filter((finding) => finding.isThere(report));
  if (found.length === 0) return NOTHING;
  let text = 'Sam, I detected a few issues in this node:\n\n';
  for (const finding of found) text += ` * ${finding.text}\n\n`;
  return `${text}I am here to keep you safe, Sam. I want to help you.\n`;
}
