/**
 * Where V8 puts what is new: pages that it doubles up to three times 16 MB as long as much of what
 * they hold survives, which it does while a node is being filled, and that it never gives back. What
 * a command leaves behind lives for a turn, so the first page is as good (docs/decisions/0026).
 */
import { setFlagsFromString } from 'node:v8';

/** Call it before the heap has grown. */
export function keepYoungGenerationSmall(): void {
  // Read each time that V8 is about to grow them, unlike --max-semi-space-size.
  setFlagsFromString('--semi-space-growth-factor=1');
}
