/**
 * FETCH: what this member has at a key, for a member that reads at more than one replica.
 *
 *   FETCH db key clearedAt all low high            -> nil: the same as the asker has
 *                                                  -> [next, all, low, high, content ...]
 *   FETCH db key clearedAt all low high after      the next page of a collection, after this element
 *
 *   content   records, offset, bytes               offset and bytes nil: records and nothing else
 *   next      the element after which the next page begins; nil: this was the last
 *
 * So an equal key costs three numbers, and another one what it has, in pages.
 */
import { KIND_HEAD } from '../../radix/leaf.js';
import { SubTree } from '../../radix/subtree.js';
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { RingLinks } from '../ring/ring-links.js';
import type { Database } from '../store/database.js';
import type { Store } from '../store/store.js';
import { EntrySender } from './entry-sender.js';
import { Group } from './groups.js';
import { isSameState, keyState } from './key-state.js';
import { PAGE_BYTES } from './limits.js';
import type { Content } from './replica-stream.js';

export function serveFetch(links: RingLinks, store: Store): void {
  links.serve({
    name: 'FETCH',
    channel: 'replica',
    handler: (_session, args, reply) => {
      const database = args.count < 7 ? undefined : store.databases[args.int64(1)];
      if (database === undefined) reply.error('ERR FETCH db key clearedAt all low high [after]');
      else answer(database, args, reply);
    },
  });
}

function answer(database: Database, args: Args, reply: ReplyWriter): void {
  const { tree } = database;
  const key = args.bytes(2);
  const after = args.count > 7 ? args.bytes(7) : undefined;
  const clearedAt = args.int64(3);
  const theirs = { all: args.int64(4), low: args.int64(5), high: args.int64(6) };
  // Takes out what a clear hides, or has expired.
  database.peek(key, 0, key.length);
  const state = keyState(tree, tree.find(key, 0, key.length));
  if (after === undefined && isSameState(state, theirs) && clearedAt >= database.clearedAt) {
    reply.nil();
    return;
  }
  const page = new Page(database, key);
  const next = page.fill(after, clearedAt);
  const { contents } = page;
  reply.array(4 + 3 * contents.length);
  if (next === undefined) reply.nil();
  else reply.bulk(next, 0, next.length);
  reply.integer(state.all);
  reply.integer(state.low);
  reply.integer(state.high);
  for (const { piece, records } of contents) {
    reply.bulk(records, 0, records.length);
    if (piece === undefined) {
      reply.nil();
      reply.nil();
    } else {
      reply.integer(piece.offset);
      reply.bulk(piece.bytes, 0, piece.bytes.length);
    }
  }
}

class Page {
  readonly contents: Content[] = [];
  readonly #database: Database;
  readonly #key: Buffer;
  readonly #group = new Group([]);
  readonly #sender: EntrySender;
  #bytes = 0;

  constructor(database: Database, key: Buffer) {
    this.#database = database;
    this.#key = key;
    this.#sender = new EntrySender({
      touched: () => {},
      send: (_group, content) => {
        this.contents.push(content);
        this.#bytes += content.piece?.bytes.length ?? content.records.length;
      },
    });
  }

  /** Returns where the next page begins. */
  fill(after: Buffer | undefined, clearedAt: number): Buffer | undefined {
    const database = this.#database;
    const { index, tree } = database;
    const key = this.#key;
    const group = this.#group;
    if (database.clearedAt > clearedAt) this.#sender.clear(group, index, database.clearedAt);
    const leaf = tree.find(key, 0, key.length);
    let next: Buffer | undefined;
    if (leaf !== 0 && after === undefined) this.#sender.entry(group, index, tree, leaf);
    if (leaf !== 0 && tree.kind(leaf) === KIND_HEAD) next = this.#elements(leaf, after);
    this.#sender.cut(group);
    return next;
  }

  #elements(head: number, after: Buffer | undefined): Buffer | undefined {
    const { index, tree } = this.#database;
    const sub = new SubTree(tree);
    sub.openHead(head);
    const { elements } = sub;
    const cursor = elements.cursor({ all: true });
    if (after !== undefined) cursor.seekBeside(after, false, false);
    for (let element = cursor.next(); element !== 0; element = cursor.next()) {
      this.#sender.element(this.#group, index, this.#key, sub, element);
      if (this.#bytes + this.#group.records.length >= PAGE_BYTES) return elements.key(element);
    }
    return undefined;
  }
}
