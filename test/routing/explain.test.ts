/** DHASH EXPLAIN. */
import t from 'tap';
import { RingScene } from '../support/ring-scene.js';
import { threeNodes } from './three-nodes.js';

const [a, b, c] = ['node-0:6379', 'node-1:6379', 'node-2:6379'];

/** The fields of a map of RESP2. */
function fields(reply: unknown): Record<string, unknown> {
  const list = reply as unknown[];
  return Object.fromEntries(list.flatMap((_, at) => (at % 2 ? [] : [[list[at], list[at + 1]]])));
}

t.test('where commands would run', async (t) => {
  const { nodes } = await threeNodes(1);
  const client = await nodes[0]!.client();
  const explain = async (...words: string[]) =>
    fields(await client.call('DHASH', 'EXPLAIN', ...words));
  t.match(await explain('GET', 'z'), { command: 'get', asked: [c], hops: 1, refused: null });
  t.match(fields(((await explain('GET', 'z'))['keys'] as unknown[])[0]), {
    key: 'z',
    owner: c,
    replicas: [a, b],
  });
  t.match(await explain('GET', 'a'), { asked: [a], hops: 0, refused: null });
  t.match(await explain('PING'), { asked: [a], hops: 0, routing: 'no keys: any node' });
  t.match(await explain('MGET', 'a', 'k'), { asked: [a, b], hops: 1 });
  t.match(await explain('DBSIZE'), { asked: [a, b, c], hops: 1 });
  t.match(await explain('rename', 'a', 'z'), { asked: [], refused: /^CROSSRANGE the keys of/ });
  t.match(await explain('XGROUP', 'CREATE', 'z', 'g', '$'), {
    command: 'xgroup|create',
    asked: [c],
  });
  t.match(await client.call('DHASH', 'EXPLAIN', 'NOSUCH'), /^-ERR unknown command 'NOSUCH'/);
  t.match(
    await client.call('DHASH', 'EXPLAIN', 'GET'),
    /^-ERR wrong number of arguments for 'get'/,
  );
  t.equal(await client.call('EXISTS', 'z'), 0, 'nothing is run');
});

t.test('a lone node', async (t) => {
  const scene = new RingScene({ seed: 1 });
  const client = await (await scene.add().start()).client();
  t.match(fields(await client.call('DHASH', 'EXPLAIN', 'RENAME', 'a', 'b')), {
    asked: [a],
    hops: 0,
    refused: null,
  });
});
