/** Runs `dhash` where there is no bin folder: in the output of a compiler run of one's own. */
import { run } from '../../cmd/main.js';

void run(process.argv);
