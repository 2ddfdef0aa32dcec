/**
 * What becomes of a command when whoever reads what it says goes away, as `head` does once it has enough.
 * Other programs are ended by SIGPIPE then, without a word; Node has that signal ignored, and a write fails
 * with EPIPE instead.
 *
 * A command ends the same way, with the exit code that a shell gives a program ended by that signal. Who
 * serves goes on, without a reader: what it keeps in memory must not go with its log.
 */
import { systemCode } from './exit.js';

const SIGPIPE = 13;
/** What a shell makes of a signal. */
const EXIT_BY_SIGNAL = 128;

let isServing = false;

/** For all that is written to the standard streams from now on. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (systemCode(error) !== 'EPIPE') throw error;
      if (!isServing) process.exit(EXIT_BY_SIGNAL + SIGPIPE);
    });
  }
}

/** From now on there is more to do than to be read. */
export function outliveReader(): void {
  isServing = true;
}
