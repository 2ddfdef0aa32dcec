/**
 * A node on which time passes with each look at the clock, so that every slice is short: for
 * commands on big collections, with a writer in between.
 */
import type { Test } from 'tap';
import type { Settings } from '../../lib/config/settings.js';
import { type LocalClient, LocalNode, type Plain } from './local.js';

/** Time that passes with a look at the clock. */
const LOOK_MS = 1.5;
const TURNS_MAX = 10_000;
/** Turns in which all that was freed is taken back. */
const RECLAIM_TURNS = 1000;

export class Scene {
  readonly local: LocalNode;
  readonly reader: LocalClient;
  readonly writer: LocalClient;

  private constructor(local: LocalNode) {
    this.local = local;
    this.reader = local.client();
    this.writer = local.client();
  }

  /** Time begins to pass after `fill`. */
  static async filled(
    fill: (writer: LocalClient) => void,
    change?: (settings: Settings) => void,
  ): Promise<Scene> {
    const scene = new Scene(await new LocalNode(change).start());
    fill(scene.writer);
    scene.local.world.lookMs = LOOK_MS;
    return scene;
  }

  /** The reader's reply and after how many turns it came; `between` runs before each turn. */
  awaitReply(between: (turn: number) => void = () => {}): { reply: Plain; turns: number } {
    for (let turns = 0; turns < TURNS_MAX; turns += 1) {
      const [reply] = this.reader.received();
      if (reply !== undefined) return { reply, turns };
      between(turns);
      this.local.world.turn();
    }
    throw new Error('no reply');
  }

  checkStore(t: Test): void {
    for (const database of this.local.node.store.databases) {
      database.tree.checkTree();
      t.equal(database.tree.observer, null, 'no snapshot is open');
    }
  }

  /** Removes all keys; no memory may be in use then. */
  checkMemory(t: Test): void {
    this.writer.received();
    this.writer.send('FLUSHALL');
    for (let turns = 0; turns < RECLAIM_TURNS; turns += 1) this.local.world.advance(1);
    t.equal(this.local.node.store.space.usedBytes, 0, 'all memory is back');
  }
}
