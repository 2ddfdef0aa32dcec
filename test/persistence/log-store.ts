/** What every LogStore must do, as a function that takes a factory. */
import t from 'tap';
import {
  type LogPut,
  type LogRange,
  type LogStore,
  type OpenLogStore,
} from '../../world/log-store.js';

/** `make` gives an opener of a store that is empty. */
export function conformance(name: string, make: () => Promise<OpenLogStore>): void {
  void t.test(`${name}: what was written is there, in order, and after a new start`, async (t) => {
    const open = await make();
    let store = await open();
    await store.batch([put('b', '2'), put('a', '1')], [], false);
    await store.batch([put('c', '3'), put('a', '11')], [key('b'), key('none')], true);
    t.strictSame(await all(store), ['a=11', 'c=3']);
    await store.sync();
    await store.close();
    store = await open();
    t.strictSame(await all(store), ['a=11', 'c=3']);
    t.ok((await store.bytes()) > 0, 'it takes room');
    await store.close();
  });

  void t.test(`${name}: ranges, both ways`, async (t) => {
    const store = await (await make())();
    const puts = Array.from({ length: 500 }, (_, i) => put(`k${1000 + i}`, `v${i}`));
    await store.batch(puts, [], false);
    const range = { from: key('k1100'), to: key('k1103') };
    t.strictSame(await all(store, range), ['k1100=v100', 'k1101=v101', 'k1102=v102']);
    const reverse = await all(store, { ...range, reverse: true });
    t.strictSame(reverse, ['k1102=v102', 'k1101=v101', 'k1100=v100']);
    t.equal((await all(store)).length, 500);
    t.strictSame(await all(store, { from: key('x') }), []);
    await store.close();
  });

  void t.test(`${name}: keys are bytes`, async (t) => {
    const store = await (await make())();
    const keys = [[0], [0, 0], [0, 255], [1], [127], [128], [255], [255, 255]];
    const puts = keys.map((bytes) => ({ key: Buffer.from(bytes), value: Buffer.from(bytes) }));
    await store.batch([...puts].reverse(), [], false);
    const found: number[][] = [];
    for await (const pairs of store.iterate({}))
      for (const each of pairs) found.push([...each.key]);
    t.strictSame(found, keys);
    await store.close();
  });

  void t.test(`${name}: a walk sees what was there when it began`, async (t) => {
    const store = await (await make())();
    const puts = Array.from({ length: 3000 }, (_, i) => put(`k${10_000 + i}`, 'x'.repeat(2000)));
    await store.batch(puts, [], false);
    let seen = 0;
    for await (const pairs of store.iterate({})) {
      if (seen === 0) await store.batch([put('z', 'late')], [key('k12999')], false);
      seen += pairs.length;
    }
    t.equal(seen, 3000);
    await store.close();
  });

  void t.test(`${name}: closing waits for the batches before it`, async (t) => {
    const store = await (await make())();
    const calls = Array.from({ length: 5 }, (_, i) => store.batch([put(`k${i}`, '')], [], false));
    await Promise.all([store.close(), ...calls]);
    t.pass('none is refused');
  });

  void t.test(`${name}: batches take effect in the order of the calls`, async (t) => {
    const store = await (await make())();
    const calls = Array.from({ length: 50 }, (_, i) => store.batch([put('k', `${i}`)], [], false));
    await Promise.all(calls);
    t.strictSame(await all(store), ['k=49']);
    await store.close();
  });

  void t.test(`${name}: it is open once, and closed for good`, async (t) => {
    const open = await make();
    const store = await open();
    await t.rejects(open(), { code: 'LOCKED' });
    await store.close();
    await store.close();
    await t.rejects(store.batch([put('a', '1')], [], false), { code: 'CLOSED' });
    await t.rejects(store.sync(), { code: 'CLOSED' });
    await t.rejects(all(store), { code: 'CLOSED' });
    await (await open()).close();
  });
}

function key(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function put(name: string, value: string): LogPut {
  return { key: key(name), value: Buffer.from(value) };
}

async function all(store: LogStore, range: LogRange = {}): Promise<string[]> {
  const found: string[] = [];
  for await (const pairs of store.iterate(range)) {
    for (const each of pairs) found.push(`${each.key.toString('latin1')}=${each.value.toString()}`);
  }
  return found;
}
