/** Entries of a stream in replies. */
import type { Leaf } from '../../../radix/leaf.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Collection } from '../../store/collection.js';
import type { Database } from '../../store/database.js';
import { EntryReader } from '../../types/stream-entry.js';
import { StreamId } from '../../types/stream-id.js';
import { findEntry, loadEntryId } from '../../types/streams.js';
import { replyId } from './ids.js';

const id = new StreamId();
const strings = new EntryReader();

/** An `ElementWriter`: an array of the id and of fields and values in turn. */
export function writeEntry(reply: ReplyWriter, { tree }: Database, entry: Leaf): void {
  loadEntryId(tree, entry, id);
  strings.load(tree, entry);
  reply.array(2);
  replyId(reply, id);
  reply.array(strings.count);
  while (strings.next()) {
    reply.bulkWords(strings.words, strings.word, strings.to - strings.from);
  }
  strings.forget();
}

/** The entry with this id; false, nothing written, if it is not there. */
export function replyEntry(reply: ReplyWriter, stream: Collection, entryId: StreamId): boolean {
  const entry = findEntry(stream, entryId);
  if (entry !== 0) writeEntry(reply, stream.database, entry);
  return entry !== 0;
}
