/** The library as programs use it: nodes and a client in one real process, over loopback. */
import t, { type Test } from 'tap';
import { connect, Node, type NodeOptions, type RingClient } from '../../lib/index.js';
import { RespClient } from '../support/resp-client.js';
import { freePort } from '../support/server-process.js';
import { until } from '../support/until.js';

/** A dead member is suspected for up to 16 s, and may be the last to be pinged. */
const PATIENCE_MS = 60_000;

interface Member {
  readonly node: Node;
  readonly port: number;
  readonly address: string;
  /** What it has said to others: verbs. */
  readonly said: string[];
}

async function member(t: Test, options: NodeOptions, contact?: Member): Promise<Member> {
  const port = await freePort();
  const node = new Node({ port, leaveTimeoutMs: 0, ...options });
  t.teardown(() => node.stop());
  const said: string[] = [];
  node.on('comm', ({ verb }) => said.push(verb));
  if (contact === undefined) await node.start();
  else await node.join(contact.address);
  return { node, port, address: `127.0.0.1:${port}`, said };
}

/** Three members at b, d and f: of keys, a and b are the first's, c and d the second's. */
async function threeMembers(t: Test): Promise<readonly [Member, Member, Member]> {
  const first = await member(t, { position: 'b' });
  const second = await member(t, { position: 'd' }, first);
  const third = await member(t, { position: 'f' }, first);
  await until('three members', () =>
    [first, second, third].every(({ node }) => {
      return node.ring?.members.length === 3 && node.ring.change === 'none';
    }),
  );
  return [first, second, third];
}

async function clientOf(t: Test, ...members: readonly Member[]): Promise<RingClient> {
  const addresses = members.map(({ address }) => address);
  const client = await connect(addresses, { timeoutMs: PATIENCE_MS, refreshMs: 50 });
  t.teardown(() => client.close());
  return client;
}

/** Until there is a connection to each of them. */
async function connected(client: RingClient, members: readonly Member[]): Promise<void> {
  const wanted = members.map(({ address }) => address);
  await until('the ring is known', () =>
    wanted.every((address) => client.ring?.members.some((one) => one.address === address)),
  );
  await until('connections to all', () => wanted.every((address) => client.isConnected(address)));
}

function callCount(members: readonly Member[]): number {
  return members.flatMap(({ said }) => said).filter((verb) => verb === 'CALL' || verb === 'CALLS')
    .length;
}

void t.test('a client sends each key to its owner, and follows the ring', async (t) => {
  const members = await threeMembers(t);
  const [first, second, third] = members;
  const client = await clientOf(t, first);
  await connected(client, members);
  t.equal(client.ownerOf('a'), first.address);
  t.equal(client.ownerOf('c'), second.address);
  t.equal(client.ownerOf('e'), third.address);
  t.equal(client.ownerOf('z'), first.address, 'round the end');

  const keys = ['a', 'c', 'e', 'z', 'c1', 'e1'];
  const callsBefore = callCount(members);
  await Promise.all(keys.map((key) => client.call('SET', key, `v${key}`)));
  t.strictSame(
    await Promise.all(keys.map((key) => client.call('GET', key))),
    keys.map((key) => `v${key}`),
  );
  t.equal(await client.call('EVAL', 'return redis.call("GET", KEYS[1])', 1, 'e'), 've');
  t.equal(callCount(members), callsBefore, 'nothing was forwarded');
  const plain = await RespClient.connect({ host: '127.0.0.1', port: first.port });
  await plain.callPlain('GET', 'c');
  await plain.close();
  t.ok(callCount(members) > callsBefore, 'of a client that knows no ring it is');

  t.strictSame(await client.call('KRANGE', '-', '+'), [...keys].sort(), 'no owner: any node');
  t.strictSame(await client.call('MGET', 'a', 'c', 'none'), ['va', 'vc', null], 'several owners');

  const views: number[] = [];
  client.on('ring', ({ members: list }) => views.push(list.length));
  const fourth = await member(t, { position: 'e' }, second);
  await connected(client, [...members, fourth]);
  await until('it owns what is its', () => client.ownerOf('e') === fourth.address);
  t.ok(views.includes(4), 'the event told');
  t.equal(await client.call('GET', 'e'), 've');
  t.equal(await client.call('APPEND', 'e', '!'), 3);

  await third.node.stop();
  for (const key of ['e1', 'e', 'a']) {
    t.ok(await client.call('GET', key), `${key} after the death of a member`);
    t.equal(await client.call('SET', key, 'after'), 'OK', key);
  }

  await second.node.leave();
  await until('it has left', () => client.ownerOf('c') === fourth.address);
  t.equal(await client.call('GET', 'c'), 'vc', 'what it had is there');
  t.same(second.node.addresses, [], 'and it has stopped');
});
