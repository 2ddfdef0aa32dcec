/** SCRIPT KILL and FUNCTION KILL. */
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';

const UNKILLABLE =
  'UNKILLABLE Sorry the script already executed write commands against the dataset. You can ' +
  'either wait the script termination or kill the server in a hard way using the SHUTDOWN ' +
  'NOSAVE command.';

export function killScript(session: Session, reply: ReplyWriter, isOfFunctions: boolean): void {
  const { runner } = session.server.scripts;
  const run = runner.running;
  if (run === undefined) {
    reply.error('NOTBUSY No scripts in execution right now.');
  } else if (run.job.rights.hasWritten) {
    reply.error(UNKILLABLE);
  } else if (run.job.isFunction !== isOfFunctions) {
    reply.error(runner.busyError);
  } else {
    run.isKilled = true;
    reply.ok();
  }
}
