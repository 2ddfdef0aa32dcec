/**
 * `dhash node` without the other commands: what dist/whole/node.js begins with. One module in which
 * nothing is loaded later, and more of it inlined (docs/decisions/0027).
 */

import { inlineMore } from './inlining.js';
import { addNodeCommand } from './node.js';
import { runProgram } from './program.js';

/** As that of main.ts, for a command line that says `node`. */
export function run(argv: readonly string[]): Promise<void> {
  inlineMore();
  return runProgram({ node: async () => addNodeCommand }, argv);
}
