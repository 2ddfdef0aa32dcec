/** What must be true before a script or function is run. Source: Redis script.c. */
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { ScriptRights } from '../../scripting/script-call.js';
import { ALLOW_OOM, COMPATIBLE, NO_WRITES } from '../../scripting/shebang.js';
import { SERVER_MEMORY_LIMIT } from '../../server/gates.js';
import type { Server } from '../../server/server.js';

/** The rights that the flags of a script give; undefined: it may not be run, the error replied. */
export function rightsOf(
  server: Server,
  flags: number,
  isReadOnlyCommand: boolean,
  reply: ReplyWriter,
): ScriptRights | undefined {
  const isCompatible = (flags & COMPATIBLE) !== 0;
  const isReadOnly = (flags & NO_WRITES) !== 0;
  if (isReadOnlyCommand && !isCompatible && !isReadOnly) {
    reply.error('ERR Can not execute a script with write flag using *_ro command.');
    return undefined;
  }
  const allowsOom = (flags & ALLOW_OOM) !== 0;
  const isLimited = (server.dispatcher.gate & SERVER_MEMORY_LIMIT) !== 0;
  if (!isCompatible && !isReadOnly && !allowsOom && isLimited) {
    if (!server.store.eviction.makeRoom()) {
      reply.error("OOM command not allowed when used memory > 'maxmemory'.");
      return undefined;
    }
  }
  return { isReadOnly: isReadOnly || isReadOnlyCommand, allowsOom, hasWritten: false };
}
