/** The element of a collection at an index, negative ones from the end: HNTH, SNTH, HVNTH. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import type { Handler } from '../command.js';
import type { ElementWriter } from '../element-reply.js';
import { NOT_INTEGER, SYNTAX_ERROR } from '../replies.js';

export interface NthForm {
  /** The collection at argument 1; undefined if an error was replied. */
  readonly open: (session: Session, args: Args, reply: ReplyWriter) => Collection | undefined;
  /** In the order of values: `write...` get leaves of the mirror. */
  readonly byValue: boolean;
  readonly write: ElementWriter;
  /** With WITHVALUES; undefined: there is no such option. */
  readonly writePair?: ElementWriter;
}

/** ?NTH key index [WITHVALUES] */
export function nthOf({ open, byValue, write, writePair }: NthForm): Handler {
  return (session, args, reply) => {
    const takesValues = args.count === 4 && args.equalsIgnoreCase(3, 'WITHVALUES');
    const pairs = takesValues ? writePair : undefined;
    if (args.count > 3 && pairs === undefined) {
      reply.error(SYNTAX_ERROR);
      return;
    }
    const index = args.int64(2);
    if (Number.isNaN(index)) {
      reply.error(NOT_INTEGER);
      return;
    }
    const collection = open(session, args, reply);
    if (collection === undefined) return;
    const { database, size } = collection;
    const place = index < 0 ? size + index : index;
    if (place >= 0 && place < size) {
      const tree = byValue ? collection.mirror.tree : collection.elements;
      (pairs ?? write)(reply, database, tree.nth(place));
    } else if (pairs === undefined) {
      reply.nil();
    } else {
      reply.nilArray();
    }
  };
}
