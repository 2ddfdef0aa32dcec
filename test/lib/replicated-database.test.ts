/** Databases of a store as sync sees them: two nodes' stores become equal, and hear of it. */
import t from 'tap';
import { Settings } from '../../lib/config/settings.js';
import type { Database } from '../../lib/store/database.js';
import { ReplicatedDatabase } from '../../lib/store/replicated-database.js';
import { Store } from '../../lib/store/store.js';
import { TYPE_SET } from '../../lib/types/types.js';
import { SyncSession } from '../../radix/sync/session.js';
import { stampOf } from '../../timenet/hlc.js';
import { drive, WHOLE } from '../radix-sync/wire.js';
import { ManualWorld } from '../support/manual-world.js';

const SKEW_MS = 500;
const NOTHING = Buffer.alloc(0);

class Side {
  readonly world = new ManualWorld();
  readonly store = new Store({ world: this.world }, new Settings());
  readonly replicas = this.store.databases.map((database) => new ReplicatedDatabase(database));

  get database(): Database {
    return this.store.databases[0]!;
  }

  advance(ms: number): void {
    this.world.advance(ms);
    this.store.refresh();
  }

  set(text: string, value: string, expiryMs = 0): void {
    const key = Buffer.from(text);
    const bytes = Buffer.from(value);
    this.store.beginCommand();
    this.database.set(key, 0, key.length, bytes, 0, bytes.length, expiryMs);
  }

  get(text: string): string | null {
    const key = Buffer.from(text);
    const leaf = this.database.peek(key, 0, key.length);
    return leaf === 0 ? null : this.database.tree.value(leaf).toString();
  }

  add(text: string, member: string): void {
    const [key, bytes] = [Buffer.from(text), Buffer.from(member)];
    this.store.beginCommand();
    const set = this.database.collection();
    set.openToWrite(key, 0, key.length, TYPE_SET);
    set.put(bytes, 0, bytes.length, NOTHING, 0, 0);
  }

  members(text: string): number {
    const key = Buffer.from(text);
    const set = this.database.collection();
    set.openToRead(key, 0, key.length, TYPE_SET);
    return set.size;
  }

  stampOf(text: string): number {
    const key = Buffer.from(text);
    return this.database.tree.stamp(this.database.tree.find(key, 0, key.length));
  }

  flush(): void {
    this.store.beginCommand();
    this.database.flush();
  }
}

function sync(mine: Side, theirs: Side): void {
  const limits = (side: Side) => ({ expiredUntilMs: () => side.store.nowMs - SKEW_MS });
  const initiator = SyncSession.initiate(mine.replicas, {
    range: WHOLE,
    salt: 1,
    ...limits(mine),
  });
  const responder = SyncSession.respond(theirs.replicas, limits(theirs));
  drive(initiator, responder, {}, []);
  t.equal(initiator.error, null);
  t.equal(responder.error, null);
  t.equal(initiator.outcome?.isEqual, true);
}

/** Stores of one cluster: their trees hash with the same key, as ManualWorld's seed makes it. */
function newSides(): [Side, Side] {
  return [new Side(), new Side()];
}

t.test('what is newer wins, on both sides', (t) => {
  const [a, b] = newSides();
  a.set('common', 'old');
  sync(a, b);
  a.advance(10);
  b.advance(20);
  a.set('common', 'mine');
  b.set('common', 'theirs');
  a.set('a', '1');
  b.set('b', '2');
  sync(a, b);
  for (const side of [a, b]) {
    t.equal(side.get('common'), 'theirs');
    t.equal(side.get('a'), '1');
    t.equal(side.get('b'), '2');
    t.equal(side.database.size(), 3);
  }
  t.end();
});

t.test('stamps that come in are witnessed: a later write is above them', (t) => {
  const [a, b] = newSides();
  b.advance(SKEW_MS - 100);
  b.set('k', 'from a clock ahead');
  sync(a, b);
  a.set('k', 'after it');
  sync(a, b);
  t.equal(a.get('k'), 'after it');
  t.equal(b.get('k'), 'after it');
  t.equal(a.store.clock.refusedCount, 0);
  t.end();
});

t.test('FLUSHDB reaches the other side, and what it cleared does not come back', (t) => {
  const [a, b] = newSides();
  for (let i = 0; i < 3000; i++) a.set(`key:${i}`, 'v');
  sync(a, b);
  t.equal(b.database.size(), 3000);
  b.advance(5);
  b.flush();
  b.set('after', 'v');
  a.advance(20);
  a.set('key:7', 'written later');
  sync(a, b);
  for (const side of [a, b]) {
    t.equal(side.database.size(), 2);
    t.equal(side.get('key:7'), 'written later');
    t.equal(side.get('after'), 'v');
    t.equal(side.database.clearedAt, b.database.clearedAt);
  }
  t.end();
});

t.test('what has expired here is refused, and goes there', (t) => {
  const [a, b] = newSides();
  const soonMs = a.world.nowMs + 100;
  a.set('brief', 'v', soonMs);
  a.set('lasting', 'v', soonMs + 60_000);
  b.set('other', 'v');
  for (const side of [a, b]) side.advance(200);
  sync(a, b);
  t.equal(b.get('brief'), null, 'hidden, though it may be held');
  b.set('brief2', 'v', b.world.nowMs + 10);
  for (const side of [a, b]) side.advance(1000);
  // Beyond the bound of clocks: b drops it where it lies, a has not come to it yet.
  sync(a, b);
  for (const side of [a, b]) {
    t.equal(side.database.tree.allCount, 2);
    t.equal(side.get('lasting'), 'v');
    t.equal(side.get('other'), 'v');
  }
  t.end();
});

t.test('watchers hear of merges and of clears', (t) => {
  const [a, b] = newSides();
  const watch = (side: Side, key: string) => {
    const watcher = { dirty: false };
    side.store.watches.add(0, key, watcher);
    return watcher;
  };
  a.set('k', 'v');
  const [merged, untouched] = [watch(b, 'k'), watch(b, 'other')];
  sync(a, b);
  t.equal(merged.dirty, true);
  t.equal(untouched.dirty, false);
  const cleared = watch(b, 'k');
  a.advance(5);
  a.flush();
  sync(a, b);
  t.equal(cleared.dirty, true);
  t.equal(untouched.dirty, false);
  t.end();
});

t.test('an entry from a clock beyond the bound is stored, and moves no clock', (t) => {
  const [a, b] = newSides();
  b.advance(SKEW_MS * 10);
  b.set('k', 'far ahead');
  sync(a, b);
  t.equal(a.get('k'), 'far ahead');
  t.ok(a.store.clock.refusedCount > 0);
  t.ok(a.store.clock.last < stampOf(b.world.nowMs, 0));
  t.end();
});

t.test('stores that hash with different keys refuse each other', (t) => {
  const b = new Side();
  const settings = new Settings();
  settings.clusterSecret = 'another secret';
  const other = new Store({ world: new ManualWorld() }, settings);
  const replicas = other.databases.map((database) => new ReplicatedDatabase(database));
  const initiator = SyncSession.initiate(replicas, { range: WHOLE, salt: 1 });
  const responder = SyncSession.respond(b.replicas);
  drive(initiator, responder, {}, []);
  t.equal(responder.error?.code, 'SYNC_KEY');
  t.end();
});

t.test('what a clear from elsewhere covers is hidden at once, whoever takes it out', (t) => {
  const [a] = newSides();
  const count = 2000;
  for (let i = 0; i < count; i++) a.set(`key:${i}`, 'old');
  for (const member of ['old 1', 'old 2']) a.add('set', member);
  const clearedAt = a.store.clock.last;
  a.advance(5);
  a.set('key:7', 'new');
  a.add('set', 'new');
  a.replicas[0]!.setClearedAt(clearedAt);
  t.equal(a.get('key:8'), null, 'an old key');
  t.equal(a.get('key:7'), 'new', 'a new one');
  t.equal(a.members('set'), 1, 'of a collection what is new');
  t.equal(a.store.hasDue(), true, 'who counts waits');
  t.equal(a.database.remove(Buffer.from('key:9'), 0, 5), false, 'it is not there for writers');
  a.set('key:10', 'written meanwhile');
  t.equal(a.store.expireDue(Number.POSITIVE_INFINITY), true);
  t.equal(a.store.hasDue(), false);
  t.equal(a.database.size(), 3);
  t.equal(a.database.tree.allCount, 4, 'and one element');
  t.end();
});

t.test('a session that breaks off leaves no clear half done', (t) => {
  const [a, b] = newSides();
  for (let i = 0; i < 3000; i++) a.set(`key:${i}`, 'v');
  sync(a, b);
  b.advance(5);
  b.flush();
  b.set('after', 'v');
  const options = { range: WHOLE, salt: 2 };
  const initiator = SyncSession.initiate(a.replicas, options);
  const responder = SyncSession.respond(b.replicas);
  const between = (): void => {
    if (a.database.isPurging) initiator.cancel();
  };
  drive(initiator, responder, { between }, []);
  t.equal(initiator.error?.code, 'SYNC_CANCELLED');
  t.equal(a.database.isPurging, true);
  t.equal(a.get('key:2999'), null);
  t.equal(a.store.expireDue(Number.POSITIVE_INFINITY), true);
  t.equal(a.get('key:2999'), null);
  t.ok(a.database.size() <= 1);
  t.end();
});

t.test('a write is above what it replaces, though that is ahead of the clock', (t) => {
  const [a, b] = newSides();
  b.advance(SKEW_MS * 10);
  b.set('k', 'far ahead');
  b.add('set', 'far ahead');
  b.set('gone', 'far ahead');
  sync(a, b);
  a.set('other', 'v');
  t.ok(a.stampOf('other') < b.stampOf('k'), 'where nothing is replaced the clock is as before');
  a.add('set', 'after it');
  t.ok(a.stampOf('set') > b.stampOf('set'));
  a.set('k', 'after it');
  t.ok(a.stampOf('k') > b.stampOf('k'));
  sync(a, b);
  t.equal(b.get('k'), 'after it');
  t.equal(b.members('set'), 2);
  const last = a.store.clock.last;
  a.flush();
  t.ok(a.database.clearedAt > last);
  sync(a, b);
  t.equal(b.database.size(), 0);
  t.end();
});

t.test('FLUSHDB clears what is ahead of the clock, too', (t) => {
  const [a, b] = newSides();
  b.advance(SKEW_MS * 10);
  b.set('k', 'far ahead');
  sync(a, b);
  a.flush();
  sync(a, b);
  t.equal(b.get('k'), null);
  t.end();
});

t.test('a session ends when SWAPDB exchanges its databases', (t) => {
  const [a, b] = newSides();
  for (let i = 0; i < 3000; i++) b.set(`key:${i}`, 'v');
  const initiator = SyncSession.initiate(a.replicas, { range: WHOLE, salt: 3 });
  const responder = SyncSession.respond(b.replicas);
  let atSwap = -1;
  const between = (): void => {
    if (atSwap >= 0 || a.database.size() < 500) return;
    a.store.swap(0, 1);
    atSwap = a.store.databases[1]!.size();
  };
  drive(initiator, responder, { between }, []);
  t.equal(initiator.error?.code, 'SYNC_MOVED');
  t.equal(a.store.databases[1]!.size(), atSwap, 'nothing has come after it');
  t.equal(a.database.size(), 0);
  t.equal(a.replicas[5]!.isMoved, false);
  t.end();
});

t.test('of an expired entry that one side never saw, the version before comes back', (t) => {
  const [a, b] = newSides();
  a.set('k', 'first');
  sync(a, b);
  a.advance(5);
  a.set('k', 'second', a.world.nowMs + 100);
  // As docs/protocol-sync.md says: b was apart for as long as the second lived.
  for (const side of [a, b]) side.advance(100 + SKEW_MS + 10);
  sync(a, b);
  for (const side of [a, b]) t.equal(side.get('k'), 'first');
  // A side that has seen the second, or still holds it, does not go back.
  a.set('k', 'third', a.world.nowMs + 100);
  sync(a, b);
  for (const side of [a, b]) side.advance(100 + SKEW_MS + 10);
  sync(a, b);
  for (const side of [a, b]) t.equal(side.get('k'), null);
  t.end();
});
