/**
 * SETOP that stores. The result is made at the side and linked in with one small write; all of it
 * is one moment: if an operand or the target changes meanwhile, it begins again (ValueTask).
 */
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { Collection } from '../../store/collection.js';
import { NOTIFY_GENERIC, NOTIFY_HASH, NOTIFY_SET, NOTIFY_ZSET } from '../../store/notify.js';
import { SideDatabase } from '../../store/side-database.js';
import { putField } from '../../types/hashes.js';
import { addMember } from '../../types/sets.js';
import { TYPE_HASH, TYPE_SET } from '../../types/types.js';
import { MEMBER_BYTES_MAX, putScore, SORTED_SET } from '../../types/zsets.js';
import { notifyKey, refusesKey } from '../lookup.js';
import { SUB_KEY_TOO_LONG, WRONG_TYPE_ERROR } from '../replies.js';
import { ValueTask } from '../value-task.js';
import { Evaluation } from './evaluation.js';
import { failureText } from './failure.js';
import type { SetopRequest } from './setop-request.js';
import { MergeError, toBytes, toFloat, type Value } from './values.js';
import { END, FOUND } from './walk.js';

const EVENT = 'setopstore';
/** Work between two looks at the clock. */
const PIECE_STEPS = 256;
/** What writing an element costs, in steps. */
const WRITE_STEPS = 4;
/** Where the target stands in the keys of a request. */
const TARGET = 0;

export function storeSetop(session: Session, request: SetopRequest, reply: ReplyWriter): void {
  if (refusesKey(request.keys, TARGET, reply)) return;
  new SetopStore(session, request, reply).run();
}

class SetopStore extends ValueTask {
  readonly #request: SetopRequest;
  readonly #side: Collection;
  #evaluation: Evaluation | undefined;
  #hasRead = false;

  constructor(session: Session, request: SetopRequest, reply: ReplyWriter) {
    super(session, request.keys, reply);
    this.#request = request;
    this.#side = new Collection(new SideDatabase(session.server.store));
  }

  protected override begin(): boolean {
    this.cancel();
    this.#evaluation = Evaluation.open(this.database, this.#request, !this.#hasRead);
    this.#hasRead = true;
    if (this.#evaluation === undefined) {
      this.reply.error(WRONG_TYPE_ERROR);
      return false;
    }
    for (let i = 0; i < this.args.count; i += 1) this.watch(i, this.leafOf(i));
    return true;
  }

  /** Not known before: in slices, whatever it is. */
  protected override workBytes(): number {
    return Number.POSITIVE_INFINITY;
  }

  protected override piece(): boolean {
    const { store } = this.database;
    // What is made at the side is no change yet.
    const { dirty } = store;
    try {
      if (this.#fill()) return false;
    } catch (error) {
      if (error instanceof MergeError) error.merge ||= 'STORE AS ZSET';
      const text = failureText(error, this.#evaluation!);
      this.cancel();
      if (text === undefined) throw error;
      this.reply.error(text);
      return true;
    } finally {
      store.dirty = dirty;
    }
    this.#store();
    return true;
  }

  override cancel(): void {
    this.#evaluation?.close();
    this.#evaluation = undefined;
    this.#side.database.tree.clear();
  }

  /** Makes some of the result; false once it is whole. */
  #fill(): boolean {
    const { selection, walk } = this.#evaluation!;
    walk.slice += 1;
    walk.steps = PIECE_STEPS;
    this.#openSide();
    while (walk.steps > 0) {
      const moved = selection.next();
      if (moved === END) return false;
      if (moved !== FOUND) return true;
      walk.steps -= WRITE_STEPS;
      if (this.#request.options.targetType === TYPE_SET) this.#addMember();
      else this.#putValue(selection.root.values()[0]!);
    }
    return true;
  }

  #addMember(): void {
    const { buf, bytes } = this.#evaluation!.selection.root.key;
    addMember(this.#side, buf, 0, bytes);
  }

  #putValue(value: Value): void {
    const { buf, bytes } = this.#evaluation!.selection.root.key;
    if (this.#request.options.targetType === TYPE_HASH) {
      const text = toBytes(value);
      putField(this.#side, buf, 0, bytes, text, 0, text.length);
    } else {
      if (bytes > MEMBER_BYTES_MAX) throw new MergeError(SUB_KEY_TOO_LONG);
      putScore(this.#side, buf, 0, bytes, toFloat(value));
    }
  }

  #openSide(): void {
    const { targetType } = this.#request.options;
    const type = targetType === TYPE_HASH || targetType === TYPE_SET ? targetType : SORTED_SET;
    const { buf, ends, starts } = this.args;
    this.#side.openQuietly(buf, starts[TARGET]!, ends[TARGET]!, type);
  }

  #store(): void {
    const { args, database } = this;
    const { targetType } = this.#request.options;
    const [from, to] = [args.starts[TARGET]!, args.ends[TARGET]!];
    this.#evaluation!.close();
    this.#openSide();
    const { hints, size, sub } = this.#side;
    if (size > 0) {
      database.adopt(args.buf, from, to, sub, 0, hints, 0);
      database.store.touchNew(database.tree, database.peek(args.buf, from, to));
      notifyKey(database, eventClass(targetType), EVENT, args, TARGET);
    } else if (database.remove(args.buf, from, to)) {
      notifyKey(database, NOTIFY_GENERIC, 'del', args, TARGET);
    }
    this.reply.integer(size);
  }
}

function eventClass(type: number): number {
  if (type === TYPE_HASH) return NOTIFY_HASH;
  return type === TYPE_SET ? NOTIFY_SET : NOTIFY_ZSET;
}
