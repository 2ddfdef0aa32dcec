/**
 * What V8 keeps for itself beside what commands need:
 *
 *   young generation   pages that it doubles up to three times 16 MB as long as much of what they
 *                      hold survives, which it does while a node is being filled, and never gives
 *                      back. What a command leaves behind lives for a turn, so the first page is as
 *                      good (docs/decisions/0026)
 *   Maglev             what it has compiled with waits for an idle compiler thread to be freed, and
 *                      there is none while much is compiled (docs/decisions/0033)
 */
import { setFlagsFromString } from 'node:v8';

/** The first Node that compiles with Maglev: an older one does not know the flag. */
const MAGLEV_NODE_MAJOR = 22;

/** Call it before the heap has grown. */
export function keepV8Small(): void {
  // Read each time that V8 is about to grow them, unlike --max-semi-space-size.
  setFlagsFromString('--semi-space-growth-factor=1');
  if (Number.parseInt(process.versions.node, 10) < MAGLEV_NODE_MAJOR) return;
  setFlagsFromString('--no-maglev-destroy-on-background');
}
