/** What tests of replication look at: stores to compare, replies that are texts. */
import type { Store } from '../../lib/store/store.js';
import type { Plain } from '../support/local.js';

/** A reply that must be a text. */
export function textOf(reply: Plain): string {
  if (typeof reply !== 'string') throw new TypeError('the reply is no text');
  return reply;
}

/** What a store holds, in numbers that differ if that does. */

export function contentsOf(store: Store): unknown[] {
  return store.databases.map((database) => {
    const { tree } = database;
    tree.checkTree();
    const { allCount, digestHigh, digestLow, liveCount } = tree;
    return { clearedAt: database.clearedAt, allCount, liveCount, digestLow, digestHigh };
  });
}
