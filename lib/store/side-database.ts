/**
 * A database at the side: nobody sees what is written there until `Database.adopt` links it in.
 * What is made in slices, or may turn out to be wrong, is made here with the same functions that
 * commands use; neither watchers nor listeners nor who waits hear of it.
 */
import { Database } from './database.js';
import type { Store } from './store.js';

export class SideDatabase extends Database {
  constructor(store: Store) {
    super(store, -1);
  }

  /** Nobody else has what is here. */
  override get leavesTombstones(): boolean {
    return false;
  }

  override changed(): void {}

  override notify(): void {}

  override signalReady(): void {}

  override signalRemoved(): void {}
}
