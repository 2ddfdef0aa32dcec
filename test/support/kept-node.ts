/** A node in this process that keeps its entries, in memory that outlives it. */
import type { Settings } from '../../lib/config/settings.js';
import { MemoryLog } from '../../lib/persistence/memory-log-store.js';
import type { LogStore } from '../../world/log-store.js';
import { LocalNode } from './local.js';
import { MemoryDisk } from './memory-disk.js';

const TURNS_MAX = 100_000;

/** What a node leaves behind. */
export class Kept {
  readonly disk: MemoryDisk;
  readonly log: MemoryLog;
  nowMs: number | undefined;
  /** Stands between the node and its log: for failures. */
  wrap: (store: LogStore) => LogStore = (store) => store;

  constructor(disk = new MemoryDisk(), log = new MemoryLog()) {
    this.disk = disk;
    this.log = log;
  }

  /** As a crash of the process at this moment leaves it. */
  clone(): Kept {
    const log = new MemoryLog();
    for (const [key, value] of this.log.pairs) log.pairs.set(key, Buffer.from(value));
    log.unsynced = [...this.log.unsynced];
    const copy = new Kept(this.disk.clone(), log);
    copy.nowMs = this.nowMs;
    return copy;
  }

  async start(change: (settings: Settings) => void = () => {}): Promise<LocalNode> {
    const node = new LocalNode(
      (settings) => {
        settings.dir = '/kept';
        change(settings);
      },
      [],
      this,
    );
    if (this.nowMs !== undefined) node.world.nowMs = this.nowMs;
    await turning(node, node.start());
    return node;
  }
}

/** Lets the node have its turns until the promise settles. */
export async function turning<T>(node: LocalNode, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = promise.finally(() => {
    isSettled = true;
  });
  settled.catch(() => {});
  for (let turns = 0; !isSettled; turns += 1) {
    if (turns > TURNS_MAX) throw new Error('it does not come to an end');
    node.world.turn();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return settled;
}

/** How the databases of a node are, in a form that can be compared. */
export function stateOf(node: LocalNode): unknown {
  const { store } = node.node;
  return {
    collectedStamp: store.collectedStamp,
    collectedRanges: store.collectedRanges.pieces(),
    databases: store.databases.map(({ tree, clearedAt, index }) => {
      tree.checkTree();
      return {
        index,
        clearedAt,
        live: tree.liveCount,
        all: tree.allCount,
        low: tree.digestLow,
        high: tree.digestHigh,
        expiring: tree.expiries.size,
      };
    }),
  };
}
