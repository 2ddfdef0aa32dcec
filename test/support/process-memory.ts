/** What memory another process takes, as Linux counts it. */
import { readFileSync, writeFileSync } from 'node:fs';

function bytesOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
}

/**
 * By how many bytes resident memory grew at most while `work` ran. The system itself keeps the
 * peak, so that nothing falls between two looks.
 */
export async function growthOf(pid: number, work: () => Promise<void>): Promise<number> {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  const before = bytesOf(pid, 'VmRSS');
  await work();
  return bytesOf(pid, 'VmHWM') - before;
}

/** Resident memory at this moment. */
export function residentBytes(pid: number): number {
  return bytesOf(pid, 'VmRSS');
}
