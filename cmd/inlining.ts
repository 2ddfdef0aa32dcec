/**
 * How much V8 puts into one function of what it calls. What serves a command is many small functions,
 * and more of them together are worth more here than V8 takes for usual (docs/decisions/0027).
 */
import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode: of one function, and of all that go into one; V8's own limits are 460 and 920. */
const INLINED_BYTES_MAX = 1000;
const INLINED_BYTES_MAX_TOGETHER = 4500;

/** Counts for what is compiled from now on. */
export function inlineMore(): void {
  setFlagsFromString(`--max-inlined-bytecode-size=${INLINED_BYTES_MAX}`);
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${INLINED_BYTES_MAX_TOGETHER}`);
}
