/**
 * To look for entries in vain is no write: nothing of the stream changes, nobody who watches it hears of it,
 * nothing goes to the disk or to replicas. When the consumer was seen is known all the same, as
 * in Redis 7.2; it is written down once a minute.
 */
import t from 'tap';
import { ask, pass } from '../persistence/scene.js';
import { Kept } from '../support/kept-node.js';
import { type LocalClient, LocalNode, type Plain } from '../support/local.js';
import { sendLine } from './rows.js';

const MINUTE_MS = 60_000;
const VAIN = [
  'XREADGROUP GROUP g a STREAMS s >',
  'XREADGROUP GROUP g a COUNT 5 NOACK STREAMS s >',
  'XREADGROUP GROUP g a STREAMS s 0',
  'XAUTOCLAIM s g a 0 0',
  'XCLAIM s g a 0 1-1',
] as const;

const BEFORE = ['XADD s 1-1 a 1', 'XGROUP CREATE s g $', VAIN[0]];

/** All that a write would change. */
function stateOf(local: LocalNode): unknown {
  const { store } = local.node;
  const { tree } = store.databases[0]!;
  const { allCount, digestHigh, digestLow, version } = tree;
  return { allCount, digestHigh, digestLow, version, dirty: store.dirty, stamp: store.clock.last };
}

/** By name: how long idle, and inactive. */
function consumers(client: LocalClient, key = 's'): Record<string, Plain[]> {
  return timesOf(sendLine(client, `XINFO CONSUMERS ${key} g`));
}

function timesOf(reply: Plain): Record<string, Plain[]> {
  const rows = reply as Plain[][];
  return Object.fromEntries(rows.map((row) => [row[1], [row[5]!, row[7]!]]));
}

/** A group that is at the end of its stream, and its consumer. */
async function polled(): Promise<{ local: LocalNode; client: LocalClient }> {
  const local = await new LocalNode().start();
  const client = local.client();
  for (const line of BEFORE) sendLine(client, line);
  return { local, client };
}

t.test('what finds nothing changes nothing', async (t) => {
  const { local, client } = await polled();
  const watcher = local.client();
  for (const line of VAIN) {
    const before = stateOf(local);
    sendLine(watcher, 'WATCH s');
    local.world.advance(7);
    sendLine(client, line);
    t.same(stateOf(local), before, line);
    sendLine(watcher, 'MULTI');
    t.same(sendLine(watcher, 'EXEC'), [], `${line}: no watcher hears of it`);
    local.world.advance(5);
    t.same(consumers(client), { a: [5, -1] }, `${line}: it was seen`);
  }
});

t.test('what finds something is written', async (t) => {
  const { local, client } = await polled();
  local.world.advance(7);
  sendLine(client, 'XREADGROUP GROUP g a STREAMS s >');
  sendLine(client, 'XADD s 2-1 a 1');
  const before = stateOf(local);
  sendLine(client, 'XREADGROUP GROUP g a STREAMS s >');
  t.notSame(stateOf(local), before);
  local.world.advance(5);
  t.same(consumers(client), { a: [5, 5] });
});

t.test('once a minute it is written, too', async (t) => {
  const { local, client } = await polled();
  const since = local.world.nowMs;
  let writes = 0;
  for (let polls = 0; local.world.nowMs < since + 10 * MINUTE_MS; polls += 1) {
    local.world.advance(999);
    const before = JSON.stringify(stateOf(local));
    sendLine(client, VAIN[polls % VAIN.length]!);
    if (JSON.stringify(stateOf(local)) !== before) writes += 1;
    t.same(consumers(client), { a: [0, -1] });
  }
  t.equal(writes, 9);
});

t.test('who waits and is woken for nothing is seen, and nothing is written', async (t) => {
  const { local, client } = await polled();
  const waiting = local.client();
  waiting.post('XREADGROUP', 'GROUP', 'g', 'a', 'BLOCK', '0', 'STREAMS', 's', '>');
  local.world.advance(7);
  client.post('MULTI');
  for (const line of ['XADD s 2-1 a 1', 'XDEL s 2-1']) client.post(...line.split(' '));
  client.post('EXEC');
  local.world.settle();
  t.same(waiting.received(), []);
  local.world.advance(5);
  client.received();
  t.same(consumers(client), { a: [5, -1] });
});

t.test('copies, other names and dumps say it too; a consumer made anew does not', async (t) => {
  const { local, client } = await polled();
  local.world.advance(7);
  sendLine(client, VAIN[0]);
  sendLine(client, 'COPY s copied');
  client.send('RESTORE', 'dumped', '0', Buffer.from(client.text('DUMP', 's'), 'latin1'));
  sendLine(client, 'COPY s moved');
  sendLine(client, 'MOVE moved 1');
  sendLine(client, 'RENAME s renamed');
  local.world.advance(5);
  for (const key of ['copied', 'renamed']) t.same(consumers(client, key), { a: [5, -1] }, key);
  t.equal(consumers(client, 'dumped')['a']![0], 5);
  sendLine(client, 'SELECT 1');
  t.same(consumers(client, 'moved'), { a: [5, -1] });
  sendLine(client, 'XGROUP DELCONSUMER moved g a');
  sendLine(client, 'XGROUP CREATECONSUMER moved g a');
  local.world.advance(2);
  t.same(consumers(client, 'moved'), { a: [2, -1] });
});

t.test('after a start it is what was written', async (t) => {
  const kept = new Kept();
  const node = await kept.start();
  const client = node.client();
  const send = (line: string) => ask(node, client, ...line.split(' '));
  for (const line of BEFORE) await send(line);
  await pass(node, 59_000);
  await send(VAIN[0]);
  await pass(node, 1000);
  await send(VAIN[0]);
  await pass(node, 30_000);
  await send(VAIN[0]);
  t.same(timesOf((await send('XINFO CONSUMERS s g')) as Plain), { a: [0, -1] });
  kept.nowMs = node.world.nowMs;
  const again = await kept.clone().start();
  const told = await ask(again, again.client(), 'XINFO', 'CONSUMERS', 's', 'g');
  const idleMs = Number(timesOf(told as Plain)['a']![0]);
  t.ok(idleMs >= 30_000 && idleMs < 31_000, `idle for ${idleMs} ms`);
});

t.test(
  'more consumers than are remembered: none is told wrong by more than a minute',
  async (t) => {
    const { local, client } = await polled();
    const { seenTimes } = local.node.store.databases[0]!;
    local.world.advance(7);
    sendLine(client, VAIN[0]);
    for (let i = 0; i < 70_000; i += 1) seenTimes.note(i, 1, 1);
    local.world.advance(5);
    t.same(consumers(client), { a: [12, -1] }, 'what was written');
  },
);
