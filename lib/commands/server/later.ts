/**
 * Replies to commands that wait for something outside of the store: a timer, a file. Meanwhile the
 * session executes nothing, and everybody else goes on.
 */
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';

/** Suspends the session; the function returned writes the reply and lets it go on. Call it once. */
export function answerLater(session: Session): (write: (reply: ReplyWriter) => void) => void {
  session.suspended = true;
  return (write) => {
    const { reply, server } = session;
    // A client that has gone needs no reply, and nobody would free one.
    if (session.isGone) return;
    const mark = reply.mark();
    const errors = reply.errorCount;
    write(reply);
    if (reply.errorCount !== errors) server.countError(reply.lastError);
    if (session.taskMuted) reply.rewind(mark);
    session.taskMuted = false;
    session.suspended = false;
    session.carrier.flush();
    session.carrier.resume();
  };
}
