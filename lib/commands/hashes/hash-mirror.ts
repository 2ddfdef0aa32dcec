/**
 * HMIRROR key [ON|OFF]: gives a hash a second order, by value, or takes it away; 1 if that changed
 * anything. Without the word it tells whether the hash has one. The order of a big
 * hash is made at the side, in slices, and linked in with one small write; if the hash changes
 * meanwhile, it begins again (value-task.ts).
 */
import type { Cursor } from '../../../radix/cursor.js';
import { Mirror } from '../../../radix/mirror.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_HASH } from '../../store/notify.js';
import { TYPE_HASH } from '../../types/types.js';
import { findCollection, readCollection } from '../collections.js';
import { type CommandRow, WRITE } from '../command.js';
import { MIRROR_KEY_TOO_LONG, SYNTAX_ERROR, WRONG_TYPE_ERROR } from '../replies.js';
import { ValueTask } from '../value-task.js';

const STEP_FIELDS = 256;
/** What a field counts for, in the work done at once. */
const FIELD_BYTES = 256;

function hmirror(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count === 2) {
    const hash = readCollection(session, args, 1, TYPE_HASH, reply);
    if (hash !== undefined) reply.integer(hash.sub.isMirrored ? 1 : 0);
    return;
  }
  const isOn = args.equalsIgnoreCase(2, 'ON');
  if (args.count > 3 || (!isOn && !args.equalsIgnoreCase(2, 'OFF'))) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const hash = findCollection(session, args, 1, TYPE_HASH, reply);
  if (hash === undefined) return;
  if (!hash.exists || hash.sub.isMirrored === isOn) {
    reply.integer(0);
  } else if (isOn) {
    new MirrorTask(session, args, reply).run();
  } else {
    hash.setMirror(null);
    hash.notify(NOTIFY_HASH, 'hmirror');
    reply.integer(1);
  }
}

class MirrorTask extends ValueTask {
  readonly #mirror: Mirror;
  #cursor!: Cursor;
  #size = 0;

  constructor(session: Session, args: Args, reply: ReplyWriter) {
    super(session, args, reply);
    this.#mirror = new Mirror(this.database.tree.space);
  }

  #open(): Collection | undefined {
    const { buf, starts, ends } = this.args;
    const hash = this.database.collection();
    return hash.openQuietly(buf, starts[1]!, ends[1]!, TYPE_HASH) ? hash : undefined;
  }

  protected begin(): boolean {
    this.cancel();
    const hash = this.#open();
    if (hash === undefined) this.reply.error(WRONG_TYPE_ERROR);
    else if (!hash.exists || hash.sub.isMirrored) this.reply.integer(0);
    else return this.#beginAt(hash);
    return false;
  }

  #beginAt(hash: Collection): boolean {
    this.#cursor = hash.elements.cursor();
    this.#size = hash.size;
    this.watch(1, hash.sub.head);
    return true;
  }

  protected workBytes(): number {
    return this.#size * FIELD_BYTES;
  }

  /** Adds some fields to the mirror; true if that was all, and the reply is written. */
  protected piece(): boolean {
    const hash = this.#open()!;
    for (let i = 0; i < STEP_FIELDS; i += 1) {
      const element = this.#cursor.next();
      if (element === 0) {
        hash.setMirror(this.#mirror);
        hash.notify(NOTIFY_HASH, 'hmirror');
        this.reply.integer(1);
        return true;
      }
      const value = hash.elements.value(element);
      const field = hash.elements.key(element);
      if (!Mirror.fits(value, 0, value.length, field.length)) {
        this.cancel();
        this.reply.error(MIRROR_KEY_TOO_LONG);
        return true;
      }
      this.#mirror.makeKey(value, 0, value.length, field, 0, field.length);
      this.#mirror.add();
    }
    return false;
  }

  override cancel(): void {
    this.#mirror.tree.clear();
  }
}

export const hashMirrorCommands: readonly CommandRow[] = [
  { name: 'hmirror', arity: -2, flags: WRITE, keys: [1, 1, 1], handler: hmirror },
];
