/**
 * `dhash node` without the other commands: what dist/whole/node.js begins with. One module in which
 * nothing is loaded later, and more of it inlined (docs/decisions/0027).
 */

import { setFlagsFromString } from 'node:v8';
import { addNodeCommand } from './node.js';
import { runProgram } from './program.js';

/** Bytes of bytecode: of one function, and of all that go into one; V8's own limits are 460 and 920. */
const INLINED_BYTES_MAX = 1000;
const INLINED_BYTES_MAX_TOGETHER = 4500;

/** As that of main.ts, for a command line that says `node`. */
export function run(argv: readonly string[]): Promise<void> {
  setFlagsFromString(`--max-inlined-bytecode-size=${INLINED_BYTES_MAX}`);
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${INLINED_BYTES_MAX_TOGETHER}`);
  return runProgram({ node: async () => addNodeCommand }, argv);
}
