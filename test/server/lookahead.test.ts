/**
 * Requests that are looked at before their turn: a pipeline, however it is cut, is answered as the same
 * requests are one by one.
 */
import t from 'tap';
import { FAST } from '../../lib/commands/command.js';
import { encode, LocalNode } from '../support/local.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

/** More than what is thought to lie in the cache. */
const BIG = 5000;
const KEYS = ['big:set', 'big:hash', 'zset', 'list', 'string', 'none', ''];

/** Throws: a defect of a handler. */
const broken = {
  name: 'broken',
  arity: -1,
  flags: FAST,
  handler: () => {
    throw new Error('broken on purpose');
  },
};

type Request = (string | number)[];

function someRequest(random: SeededRandom): Request {
  const key = random.pick(KEYS);
  const element = `e:${random.below(BIG + 10)}`;
  return random.pick<Request>([
    ['SADD', key, element],
    ['SISMEMBER', key, element],
    ['SREM', key, element],
    ['SMOVE', key, random.pick(KEYS), element],
    ['HSET', key, element, 'v'.repeat(random.below(100))],
    ['HGET', key, element],
    ['HDEL', key],
    ['ZADD', key, random.below(9), element],
    ['ZADD', key, 'NX', random.below(9), element],
    ['ZRANK', key, element],
    ['SET', `key:${random.below(BIG)}`, element],
    ['GET', `key:${random.below(BIG)}`],
    ['GET'],
    ['DEL', key],
    ['LPUSH', key, element, element],
    ['RPOP', key],
    ['EXPIRE', key, random.pick(['100', '-1'])],
    ['MULTI'],
    ['EXEC'],
    ['SELECT', random.pick(['0', '1'])],
    ['CONFIG', 'SET', 'proto-max-bulk-len', random.pick(['1048576', '536870912'])],
    ['HMGET', key, ...Array.from({ length: 30 }, () => element)],
    ['NOSUCH', key],
    ['broken'],
    ['PING'],
    ['LRANGE', key, '0', '-1'],
  ]);
}

async function filledNode(): Promise<LocalNode> {
  const node = await new LocalNode(undefined, [broken]).start();
  const client = node.client();
  for (let i = 0; i < BIG; i += 1) {
    client.post('SADD', 'big:set', `e:${i}`);
    client.post('HSET', 'big:hash', `e:${i}`, i);
    client.post('SET', `key:${i}`, i);
  }
  client.received();
  return node;
}

t.test('pipelines cut anywhere, beside one request after the other', async (t) => {
  const random = seededRandom(seed);
  const [piped, single] = [await filledNode(), await filledNode()];
  for (let round = 0; round < 150; round += 1) {
    const requests = Array.from({ length: random.below(50) }, () => someRequest(random));
    const [ahead, plain] = [piped.client(), single.client()];
    const bytes = Buffer.concat(requests.map((request) => encode(request)));
    const expected = requests.map((request) => plain.send(...request));
    const got = [];
    for (let at = 0; at < bytes.length; ) {
      const end = random.chance(0.5)
        ? bytes.length
        : Math.min(bytes.length, at + random.below(200));
      ahead.link.send(bytes.subarray(at, end));
      got.push(...ahead.received());
      at = end;
    }
    for (let turns = 0; got.length < requests.length && turns < 1000; turns += 1) {
      piped.world.turn();
      got.push(...ahead.received());
    }
    t.same(got, expected, `round ${round}`);
  }
  const digests = [piped, single].map((node) => node.client().send('DEBUG', 'DIGEST'));
  t.equal(digests[0], digests[1], 'and the data are the same');
  for (const node of [piped, single])
    for (const { tree } of node.node.store.databases) tree.checkTree();
});

t.test('a client whose request wakes another, which has a pipeline waiting', async (t) => {
  const node = await new LocalNode().start();
  const [waiting, waking] = [node.client(), node.client()];
  waiting.post('BLPOP', 'list', '0');
  for (let i = 0; i < 20; i += 1) waiting.post('RPUSH', 'seen', `a${i}`);
  const pushes = Array.from({ length: 40 }, (_, i) => encode(['RPUSH', 'list', `b${i}`]));
  waking.link.send(Buffer.concat([...pushes, encode(['LLEN', 'list'])]));
  for (let turns = 0; turns < 20; turns += 1) node.world.turn();
  t.equal(waking.received().at(-1), 39, 'one was taken');
  t.same(waiting.received(), [['list', 'b0'], ...Array.from({ length: 20 }, (_, i) => i + 1)]);
});
