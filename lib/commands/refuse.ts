/** Rows of what a node knows by name only, to say more than "unknown command". */
import { type CommandRow, REFUSED } from './command.js';

/** A command that always answers with the error `text`. `flags` are those of the real one. */
export function refused(name: string, arity: number, flags: number, text: string): CommandRow {
  return {
    name,
    arity,
    flags: flags | REFUSED,
    handler: (_session, _args, reply) => reply.error(text),
  };
}
