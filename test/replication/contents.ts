/** What a store holds, to be compared between replicas. */
import type { Store } from '../../lib/store/store.js';

export function contentsOf(store: Store): unknown[] {
  return store.databases.map((database) => {
    const { tree } = database;
    tree.checkTree();
    const { allCount, digestHigh, digestLow, liveCount } = tree;
    return { clearedAt: database.clearedAt, allCount, liveCount, digestLow, digestHigh };
  });
}
