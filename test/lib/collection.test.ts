/**
 * Collections of the store against a Map of Maps: random programs of puts, removals, expiries and
 * whole keys that come and go. After each the tree's invariants hold, and at the end, when all is
 * removed, no memory is in use.
 */
import t from 'tap';
import { Settings } from '../../lib/config/settings.js';
import type { Database } from '../../lib/store/database.js';
import {
  NOTIFY_EVICTED,
  NOTIFY_EXPIRED,
  NOTIFY_GENERIC,
  NOTIFY_HASH,
  NOTIFY_KEY_MISS,
  NOTIFY_LIST,
  NOTIFY_NEW,
  NOTIFY_SET,
  NOTIFY_STREAM,
  NOTIFY_STRING,
  NOTIFY_ZSET,
} from '../../lib/store/notify.js';
import { Store } from '../../lib/store/store.js';
import { TYPE_HASH, TYPE_SET } from '../../lib/types/types.js';
import { TYPE_MIRRORED } from '../../radix/head.js';
import { ManualWorld } from '../support/manual-world.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const KEYS = ['', 'a', 'b', 'ab', 'key:1', 'key:2'];
const STEPS = 4000;

function bytes(text: string): Buffer {
  return Buffer.from(text);
}

function content(database: Database, key: string): [string, string][] {
  const collection = database.collection(1);
  const buf = bytes(key);
  collection.openQuietly(buf, 0, buf.length, TYPE_HASH);
  const pairs: [string, string][] = [];
  for (let i = 0; i < collection.size; i += 1) {
    const leaf = collection.elements.nth(i);
    pairs.push([String(collection.elements.key(leaf)), String(collection.elements.value(leaf))]);
  }
  collection.sub.check();
  return pairs;
}

function sorted(map: ReadonlyMap<string, string> | undefined): [string, string][] {
  return [...(map ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
}

function randomStep(
  random: SeededRandom,
  database: Database,
  model: Map<string, Map<string, string>>,
  isMirrored: boolean,
): string {
  const key = random.pick(KEYS);
  const buf = bytes(key);
  const field = bytes(`f${random.below(12)}`);
  const value = bytes('v'.repeat(random.below(random.chance(0.05) ? 2000 : 8)));
  const type = TYPE_HASH | (isMirrored ? TYPE_MIRRORED : 0);
  const collection = database.collection();
  database.store.beginCommand();
  const kind = random.float();
  if (kind < 0.6) {
    collection.openToWrite(buf, 0, buf.length, type);
    const fields = model.get(key) ?? new Map<string, string>();
    const isNew = collection.put(field, 0, field.length, value, 0, value.length);
    t.equal(isNew, !fields.has(String(field)));
    model.set(key, fields.set(String(field), String(value)));
    return 'put';
  }
  if (kind < 0.93) {
    collection.openToWrite(buf, 0, buf.length, type);
    const fields = model.get(key);
    t.equal(collection.remove(field, 0, field.length), fields?.delete(String(field)) ?? false);
    if (fields?.size === 0) model.delete(key);
    return 'remove';
  }
  if (kind < 0.96) {
    if (database.peek(buf, 0, buf.length) !== 0) {
      database.setExpiry(buf, 0, buf.length, random.chance(0.5) ? 0 : database.store.nowMs + 1e6);
    }
    return 'expiry';
  }
  t.equal(database.remove(buf, 0, buf.length), model.delete(key));
  return 'remove the key';
}

for (const isMirrored of [false, true]) {
  const seed = seedOfRun();
  t.test(`random programs${isMirrored ? ', mirrored' : ''} (seed ${seed})`, (t) => {
    const random = seededRandom(seed);
    const store = new Store({ world: new ManualWorld() }, new Settings());
    const database = store.databases[0]!;
    const model = new Map<string, Map<string, string>>();
    for (let step = 0; step < STEPS; step += 1) {
      const what = randomStep(random, database, model, isMirrored);
      if (step % 50 !== 0) continue;
      database.tree.checkTree();
      t.equal(database.size(), model.size, what);
      for (const key of KEYS) t.same(content(database, key), sorted(model.get(key)), what);
    }
    for (const key of model.keys()) database.remove(bytes(key), 0, bytes(key).length);
    while (store.space.reclaimStep(1000));
    t.equal(store.space.usedBytes, 0, 'nothing is left behind');
    t.end();
  });
}

t.test('a key of another type opens as nothing', (t) => {
  const store = new Store({ world: new ManualWorld() }, new Settings());
  const database = store.databases[0]!;
  const [a, b] = [bytes('a'), bytes('b')];
  const collection = database.collection();
  collection.openToWrite(a, 0, 1, TYPE_HASH);
  collection.put(b, 0, 1, b, 0, 1);
  t.notOk(collection.openToRead(a, 0, 1, TYPE_SET));
  t.equal(collection.size, 0);
  database.set(b, 0, 1, a, 0, 1, 0);
  t.notOk(collection.openToWrite(b, 0, 1, TYPE_HASH));
  t.ok(collection.openToRead(bytes('x'), 0, 1, TYPE_HASH));
  t.notOk(collection.exists);
  t.equal(store.keyspaceHits, 1);
  t.equal(store.keyspaceMisses, 1);
  t.end();
});

t.test('events, and `dirty`', (t) => {
  const store = new Store({ world: new ManualWorld() }, new Settings());
  const database = store.databases[0]!;
  const events: string[] = [];
  store.events.publish = (channel, buf, from, to) => {
    events.push(`${channel} ${buf.toString('latin1', from, to)}`);
  };
  const [key, field] = [bytes('key'), bytes('f')];
  const collection = database.collection();
  collection.openToWrite(key, 0, 3, TYPE_HASH);
  collection.put(field, 0, 1, field, 0, 1);
  collection.notify(NOTIFY_HASH, 'hset');
  t.same(events, [], 'nobody listens');
  store.events.configure('Ehg');
  collection.openToWrite(key, 0, 3, TYPE_HASH);
  collection.remove(field, 0, 1);
  collection.notify(NOTIFY_HASH, 'hdel');
  collection.notify(NOTIFY_SET, 'srem');
  t.same(events.slice(0, 2), ['__keyevent@0__:hdel key', '__keyevent@0__:del key']);
  t.equal(store.dirty, 2);
  t.end();
});

t.test("the classes of events have Redis's numbers", (t) => {
  const letters = { g: NOTIFY_GENERIC, $: NOTIFY_STRING, l: NOTIFY_LIST, s: NOTIFY_SET };
  t.same(letters, { g: 4, $: 8, l: 16, s: 32 });
  const more = { h: NOTIFY_HASH, z: NOTIFY_ZSET, x: NOTIFY_EXPIRED, e: NOTIFY_EVICTED };
  t.same(more, { h: 64, z: 128, x: 256, e: 512 });
  const last = { t: NOTIFY_STREAM, m: NOTIFY_KEY_MISS, n: NOTIFY_NEW };
  t.same(last, { t: 1024, m: 2048, n: 16384 });
  t.end();
});
