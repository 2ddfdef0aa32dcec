/** Whole nodes that become one ring, in virtual time. */
import t from 'tap';
import { RingScene } from '../support/ring-scene.js';

void t.test('three nodes become one ring', async (t) => {
  const scene = new RingScene({ seed: 1 });
  const nodes = await scene.form(3);
  t.equal(nodes[0]!.links.responsibility.current.members.length, 3);
  t.strictSame(
    nodes.flatMap(({ refusals }) => refusals),
    [],
  );
});
