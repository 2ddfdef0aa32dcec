/** What works beside a node, on the same machine perhaps, lets that have the processor first. */
import { readdirSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

const TASKS = '/proc/self/task';

/** All threads of this process: Linux keeps a priority for each. */
export function yieldProcessor(): void {
  const { PRIORITY_BELOW_NORMAL } = constants.priority;
  try {
    setPriority(PRIORITY_BELOW_NORMAL);
    for (const thread of readdirSync(TASKS)) setPriority(Number(thread), PRIORITY_BELOW_NORMAL);
  } catch {
    // Other systems have no such list, and some allow nobody to ask: then it runs as before.
  }
}
