/**
 * Waiting for what another process does: asks again until the answer is yes. A test that waits so
 * takes as long as the thing itself, and fails with its name instead of hanging.
 */
import { setTimeout as pause } from 'node:timers/promises';

const waitMsMax = 15_000;
const retryMs = 10;

export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = waitMsMax,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${limitMs} ms`);
    await pause(retryMs);
  }
}
