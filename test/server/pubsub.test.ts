/** What subscribers and caching clients may leave unread, and what their tables hold. */
import t from 'tap';
import { ReplyPush } from '../../resp/reply-parser.js';
import { type LocalClient, LocalNode } from '../support/local.js';

const KIB = 1024;

/** A node whose subscribers may leave 100 KiB unread, or 50 KiB for ten seconds. */
async function limited(): Promise<LocalNode> {
  return new LocalNode((settings) => {
    const { normal, replica } = settings.clientOutputBufferLimit;
    const pubsub = { hardBytes: 100 * KIB, softBytes: 50 * KIB, softSeconds: 10 };
    settings.clientOutputBufferLimit = { normal, replica, pubsub };
  }).start();
}

t.test('a subscriber that does not read is cut off at the hard limit', async (t) => {
  const local = await limited();
  const [slow, fast, other, writer] = [1, 2, 3, 4].map(() => local.client());
  slow!.send('SUBSCRIBE', 'x');
  fast!.send('SUBSCRIBE', 'x');
  other!.link.stuck = true;
  slow!.link.stuck = true;
  const text = 'm'.repeat(20 * KIB);
  for (let sent = 0; sent < 4; sent += 1) t.equal(writer!.send('PUBLISH', 'x', text), 2);
  t.equal(slow!.link.closed, false);
  for (let sent = 0; sent < 3; sent += 1) writer!.send('PUBLISH', 'x', text);
  t.equal(slow!.link.closed, true);
  t.equal(fast!.received().length, 7, 'the others have it all');
  t.equal(other!.link.closed, false);
  t.same(writer!.send('PUBSUB', 'NUMSUB', 'x'), ['x', 1]);
});

t.test('at the soft limit it has its time to catch up', async (t) => {
  const local = await limited();
  const [late, slow, writer] = [1, 2, 3].map(() => local.client());
  for (const client of [late!, slow!]) {
    client.send('SUBSCRIBE', 'x');
    client.link.stuck = true;
  }
  const text = 'm'.repeat(20 * KIB);
  for (let sent = 0; sent < 4; sent += 1) writer!.send('PUBLISH', 'x', text);
  local.world.advance(9_000);
  t.same([late!.link.closed, slow!.link.closed], [false, false]);
  late!.link.unstick();
  local.world.advance(2_000);
  t.same([late!.link.closed, slow!.link.closed], [false, true]);
  t.equal(late!.received().length, 4);
});

t.test('messages that wait for the end of a reply count, too', async (t) => {
  const local = await limited();
  const client = local.client();
  client.send('HELLO', '3');
  client.send('SUBSCRIBE', 'x');
  const text = 'm'.repeat(60 * KIB);
  const publish = `*3\r\n$7\r\nPUBLISH\r\n$1\r\nx\r\n$${text.length}\r\n${text}\r\n`;
  client.send('MULTI');
  for (let sent = 0; sent < 2; sent += 1) client.link.send(Buffer.from(publish));
  client.received();
  client.post('EXEC');
  t.equal(client.link.closed, true);
});

t.test('a subscriber counts as one only while it is subscribed', async (t) => {
  const local = await limited();
  const [client, writer] = [local.client(), local.client()];
  client.send('SUBSCRIBE', 'x');
  t.match(writer.text('CLIENT', 'LIST', 'TYPE', 'pubsub'), / flags=P /);
  client.send('UNSUBSCRIBE');
  t.equal(writer.send('CLIENT', 'LIST', 'TYPE', 'pubsub'), '');
  writer.send('SET', 'big', 'v'.repeat(150 * KIB));
  client.link.stuck = true;
  client.post('GET', 'big');
  local.world.advance(60_000);
  t.equal(client.link.closed, false);
  client.link.unstick();
  client.send('SUBSCRIBE', 'x');
  t.equal(writer.send('CLIENT', 'KILL', 'TYPE', 'pubsub'), 1);
});

t.test('what a connection was subscribed to goes with it', async (t) => {
  const local = await new LocalNode().start();
  const [client, writer] = [local.client(), local.client()];
  client.send('HELLO', '3');
  for (const verb of ['SUBSCRIBE', 'PSUBSCRIBE', 'SSUBSCRIBE']) client.send(verb, 'x');
  client.send('CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'a');
  const counts =
    /pubsub_channels:(\d).*pubsub_patterns:(\d).*shard_channels:(\d).*total_prefixes:(\d)/s;
  t.same(counts.exec(writer.text('INFO', 'stats'))?.slice(1), ['1', '1', '1', '1']);
  client.link.destroy();
  t.same(counts.exec(writer.text('INFO', 'stats'))?.slice(1), ['0', '0', '0', '0']);
  t.match(writer.text('INFO', 'clients'), /tracking_clients:0/);
  t.equal(local.node.store.watches.size, 0, 'and writers look for nobody any more');
});

/** The keys that a client of RESP3 is told of, in the order of bytes. */
function invalidated(client: LocalClient): string[] {
  const pushes = client.received().filter((reply) => reply instanceof ReplyPush);
  const words = (push: ReplyPush) => push.items.flat().filter(Buffer.isBuffer);
  return pushes.map((push) => words(push).join()).sort();
}

t.test('tracking-table-max-keys', async (t) => {
  const local = await new LocalNode((settings) => {
    settings.trackingTableMaxKeys = 3;
  }).start();
  const [client, writer] = [local.client(), local.client()];
  client.send('HELLO', '3');
  client.send('CLIENT', 'TRACKING', 'ON');
  for (const key of ['a', 'b', 'c', 'd', 'e']) client.post('GET', key);
  t.match(writer.text('INFO', 'stats'), /total_keys:3\r\ntracking_total_items:3\r\n/);
  t.same(
    invalidated(client),
    ['invalidate,a', 'invalidate,b'],
    'the oldest are given up, and told',
  );
  writer.send('SET', 'a', '1');
  writer.send('SET', 'c', '1');
  t.same(invalidated(client), ['invalidate,c']);
});
