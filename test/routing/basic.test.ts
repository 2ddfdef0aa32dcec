/** Forwarding, order of replies, refusals. */
import t from 'tap';
import { RingScene, type SceneNode } from '../support/ring-scene.js';

/** Three nodes that own up to h, up to p, and the rest. */
async function threeNodes(seed: number): Promise<{ scene: RingScene; nodes: SceneNode[] }> {
  const scene = new RingScene({ seed });
  const positions = ['h', 'p', 'z'];
  const nodes = await scene.form(3, (settings) => {
    settings.position = positions.shift()!;
  });
  return { scene, nodes };
}

t.test('any node takes any command', async (t) => {
  const { nodes } = await threeNodes(1);
  const [a, b, c] = await Promise.all(nodes.map((node) => node.client()));
  t.equal(await a!.call('SET', 'k', '1'), 'OK');
  t.equal(await b!.call('GET', 'k'), '1');
  t.equal(await c!.call('INCR', 'k'), 2);
  t.equal(await a!.call('GET', 'k'), '2');
});
