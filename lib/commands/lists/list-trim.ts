/** LTRIM key start stop */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_LIST } from '../../store/notify.js';
import { removeElement } from '../../types/lists.js';
import { TYPE_LIST } from '../../types/types.js';
import { findCollection } from '../collections.js';
import { type CommandRow, WRITE } from '../command.js';
import { ValueTask } from '../value-task.js';
import { IndexRange } from './index-range.js';
import { ListCut, REMOVED_AT_ONCE_MAX } from './list-cut.js';

const range = new IndexRange();

function ltrim(session: Session, args: Args, reply: ReplyWriter): void {
  if (!range.read(args, 2, reply)) return;
  const list = findCollection(session, args, 1, TYPE_LIST, reply);
  if (list === undefined) return;
  range.clamp(list.size);
  if (isMuch(list)) new TrimTask(session, args, reply).run();
  else trim(list, reply);
}

/** Whether more has to go than is done at once; the whole list is one small write. */
function isMuch(list: Collection): boolean {
  const kept = range.end - range.start;
  return kept > 0 && list.size - kept > REMOVED_AT_ONCE_MAX;
}

function trim(list: Collection, reply: ReplyWriter): void {
  const { elements, exists, size } = list;
  const { start, end } = range;
  if (start === end) {
    list.removeAll();
  } else {
    for (let left = size - end; left > 0; left -= 1) removeElement(list, elements.last());
    for (let left = start; left > 0; left -= 1) removeElement(list, elements.first());
  }
  if (exists) list.notify(NOTIFY_LIST, 'ltrim');
  reply.ok();
}

class TrimTask extends ValueTask {
  #cut: ListCut | undefined;

  protected begin(): boolean {
    this.cancel();
    const list = findCollection(this.session, this.args, 1, TYPE_LIST, this.reply);
    if (list === undefined) return false;
    range.read(this.args, 2, this.reply);
    range.clamp(list.size);
    if (!isMuch(list)) {
      trim(list, this.reply);
      return false;
    }
    const { start, end } = range;
    const stays = (index: number): boolean => index >= start && index < end;
    this.#cut = new ListCut(list, 1, { stays, tellsTaken: false });
    this.watch(1, list.sub.head);
    return true;
  }

  protected workBytes(): number {
    return Number.POSITIVE_INFINITY;
  }

  protected piece(): boolean {
    const list = this.database.collection();
    const { buf, starts, ends } = this.args;
    list.openQuietly(buf, starts[1]!, ends[1]!, TYPE_LIST);
    if (!this.#cut!.step(list, this.args)) return false;
    this.#cut!.finish(list, this.args);
    list.notify(NOTIFY_LIST, 'ltrim');
    this.reply.ok();
    return true;
  }

  override cancel(): void {
    this.#cut?.clear();
    this.#cut = undefined;
  }
}

export const listTrimCommands: readonly CommandRow[] = [
  { name: 'ltrim', arity: 4, flags: WRITE, keys: [1, 1, 1], handler: ltrim },
];
