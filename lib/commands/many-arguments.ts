/**
 * Commands that do the same for each of very many arguments, in slices, and are one step for everybody
 * else all the same: nobody's command runs in between (lib/server/alone.ts).
 *
 *   HSET key f1 v1 f2 v2 ...      pieces:  [f1 v1 ... f60 v60] [f61 v61 ...   a look at the clock between two
 */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Session, Task } from '../server/session.js';
import { Collection } from '../store/collection.js';

/** A command with more arguments goes in slices; so many take the slowest of them a few ms. */
export const AT_ONCE_MAX = 1024;
/** Arguments of a piece: pairs and triples are not parted. */
const PIECE_ARGUMENTS = 120;

/** Work that may pause where it yields. */
export type Slices = Generator<undefined, void, void>;

/** Runs `work` on a copy of the arguments, which lasts. */
export function inSlices(session: Session, args: Args, work: (own: Args) => Slices): void {
  session.deferAlone(sliced(session, args, work));
}

/** The same for `Session.defer`, of what others may come between. */
export function sliced(session: Session, args: Args, work: (own: Args) => Slices): Task {
  const { clock } = session.server.store.world;
  const slices = work(args.cloneWhole());
  return {
    step: (deadlineMs) => {
      do {
        if (slices.next().done === true) return true;
      } while (clock.monotonicMs() < deadlineMs);
      return false;
    },
  };
}

/** Hands the arguments from `first` on to `some`, those of a piece at a time. */
export function* pieces(
  { count }: Args,
  first: number,
  some: (from: number, to: number) => void,
): Slices {
  for (let from = first; from < count; from += PIECE_ARGUMENTS) {
    some(from, Math.min(count, from + PIECE_ARGUMENTS));
    yield;
  }
}

/**
 * The same with the collection at the key in argument 1, open as `collection` is; it is one object
 * throughout, so that it can tell at the end what has become of it.
 */
function collectionInSlices(
  session: Session,
  { type }: Collection,
  args: Args,
  first: number,
  some: (collection: Collection, own: Args, from: number, to: number) => void,
  end: (collection: Collection) => void = () => {},
): void {
  const collection = new Collection(session.database);
  inSlices(session, args, function* (own) {
    yield* piecesOf(collection, type, own, first, (from, to) => some(collection, own, from, to));
    end(collection);
  });
}

/** `pieces`, for each of which a collection is open that is at the key in argument 1. */
export function* piecesOf(
  collection: Collection,
  type: number,
  args: Args,
  first: number,
  some: (from: number, to: number) => void,
): Slices {
  collection.openQuietly(args.buf, args.starts[1]!, args.ends[1]!, type);
  yield* pieces(args, first, (from, to) => {
    // Memory may have been moved since the last piece.
    if (!collection.openAgain()) throw new Error('the key has got another type meanwhile');
    some(from, to);
  });
}

/** Writes what a command replies about the element that is argument `i`. */
export type ArgumentWriter = (
  reply: ReplyWriter,
  collection: Collection,
  args: Args,
  i: number,
) => void;

/** Replies an array: something about each of the elements in the arguments from `first` on; then comes `end`. */
export function replyForEach(
  session: Session,
  collection: Collection,
  args: Args,
  first: number,
  write: ArgumentWriter,
  end?: (collection: Collection) => void,
): void {
  const { reply } = session;
  reply.array(args.count - first);
  if (args.count <= AT_ONCE_MAX) {
    for (let i = first; i < args.count; i += 1) write(reply, collection, args, i);
    end?.(collection);
  } else {
    collectionInSlices(session, collection, args, first, writingBy(reply, write), end);
  }
}

/** Not within `replyForEach`: a closure there costs each call a context, those of few arguments too. */
function writingBy(reply: ReplyWriter, write: ArgumentWriter) {
  return (many: Collection, own: Args, from: number, to: number): void => {
    for (let i = from; i < to; i += 1) write(reply, many, own, i);
  };
}

/** Does something to a collection with the arguments [from, to); what it counts is summed up. */
export type ArgumentsChange = (
  collection: Collection,
  args: Args,
  from: number,
  to: number,
) => number;

/** What a command does in the end, after all of its arguments; `count` is the sum. */
export type ChangeEnd = (session: Session, collection: Collection, count: number) => void;

/** Does `change` with the arguments from 2 on, at once or, if they are very many, in slices; then comes `end`. */
export function changeBy(
  session: Session,
  collection: Collection,
  args: Args,
  change: ArgumentsChange,
  end: ChangeEnd,
): void {
  if (args.count <= AT_ONCE_MAX) {
    end(session, collection, change(collection, args, 2, args.count));
  } else {
    changeInSlices(session, collection, args, change, end);
  }
}

/** Not within `changeBy`, for the same reason as `writingBy`. */
function changeInSlices(
  session: Session,
  collection: Collection,
  args: Args,
  change: ArgumentsChange,
  end: ChangeEnd,
): void {
  let count = 0;
  const some = (many: Collection, own: Args, from: number, to: number): void => {
    count += change(many, own, from, to);
  };
  collectionInSlices(session, collection, args, 2, some, (many) => end(session, many, count));
}

/** Tells of the change if something has changed, and replies how much. */
export function replyCount(flags: number, event: string): ChangeEnd {
  return (session, collection, count) => {
    if (count > 0) collection.notify(flags, event);
    session.reply.integer(count);
  };
}

/** Removes the elements in the arguments [from, to); how many there were. */
export function removeElements(
  collection: Collection,
  args: Args,
  from: number,
  to: number,
): number {
  const { buf, ends, starts } = args;
  let removed = 0;
  for (let i = from; i < to; i += 1) {
    if (collection.remove(buf, starts[i]!, ends[i]!)) removed += 1;
  }
  return removed;
}
